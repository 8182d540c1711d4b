# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings that were cut off, hold nothing or state no length are refused; those that only look so are read."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audeep.audio.reading import audio_info, read_audio
from audeep.errors import AudioError

RATE = 8000


def tone(num_samples: int = RATE, rate: int = RATE) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(num_samples) / rate)


def cut(path: Path, fraction: float) -> Path:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * fraction)])
    return path


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_wav_written_into_a_pipe_is_read_to_its_end(tmp_path, size):
    path = tmp_path / "streamed.wav"
    soundfile.write(path, tone(), RATE)
    content = path.read_bytes()
    at = content.index(b"data") + 4
    path.write_bytes(content[:at] + struct.pack("<I", size) + content[at + 4 :])
    assert read_audio(path)[0].shape == (1, RATE)


def test_ogg_with_a_tag_after_its_last_page_is_whole(tmp_path):
    path = tmp_path / "tagged.ogg"
    soundfile.write(path, tone(), RATE)
    path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))
    assert audio_info(path).num_samples == RATE


@pytest.mark.parametrize("read", [audio_info, read_audio])
class TestRefused:
    @pytest.mark.parametrize("suffix", [".wav", ".ogg", ".aiff", ".w64", ".caf"])
    def test_no_samples(self, tmp_path, read, suffix):
        soundfile.write(tmp_path / f"empty{suffix}", np.zeros(0), RATE)
        with pytest.raises(AudioError, match=rf"empty{suffix}: holds no samples, a recording was expected"):
            read(tmp_path / f"empty{suffix}")

    @pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "IMA_ADPCM", "ULAW"])
    @pytest.mark.parametrize("fraction", [0.5, 0.999])
    def test_wav_that_was_cut_off(self, tmp_path, read, subtype, fraction):
        soundfile.write(tmp_path / "half.wav", tone(), RATE, subtype=subtype)
        with pytest.raises(AudioError, match=r"half\.wav: holds \d+ of the \d+ bytes that its header promises"):
            read(cut(tmp_path / "half.wav", fraction))

    def test_message_counts_the_bytes_of_a_wav_that_was_cut_off(self, tmp_path, read):
        soundfile.write(tmp_path / "half.wav", np.zeros(1000), RATE, subtype="PCM_16")
        (tmp_path / "half.wav").write_bytes((tmp_path / "half.wav").read_bytes()[: 44 + 500])
        with pytest.raises(AudioError, match="holds 500 of the 2000 bytes that its header promises, a whole recording"):
            read(tmp_path / "half.wav")

    @pytest.mark.parametrize("suffix", [".aiff", ".au", ".w64", ".rf64", ".voc"])
    def test_other_formats_that_were_cut_off(self, tmp_path, read, suffix):
        soundfile.write(tmp_path / f"half{suffix}", tone(), RATE, subtype="PCM_16")
        with pytest.raises(AudioError, match=rf"half{suffix}: holds .*bytes tha[tn] its header promises, a whole"):
            read(cut(tmp_path / f"half{suffix}", 0.5))

    @pytest.mark.parametrize("bytes_lost", [1, 3000, "half"])
    def test_ogg_that_was_cut_off(self, tmp_path, read, bytes_lost):
        path = tmp_path / "half.ogg"
        soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 10 * RATE), RATE)
        content = path.read_bytes()
        lost = len(content) // 2 if bytes_lost == "half" else bytes_lost
        path.write_bytes(content[:-lost])
        with pytest.raises(AudioError, match=r"half\.ogg: ends within an Ogg page, a whole recording was expected"):
            read(path)


def test_flac_that_was_cut_off_is_refused_when_it_is_decoded(tmp_path):
    soundfile.write(tmp_path / "half.flac", np.random.default_rng(0).uniform(-0.5, 0.5, 5 * RATE), RATE)
    with pytest.raises(AudioError, match=r"half\.flac: cannot be decoded"):
        read_audio(cut(tmp_path / "half.flac", 0.5))


def test_mp3_that_was_cut_off_is_read_with_a_warning(tmp_path, caplog):
    soundfile.write(tmp_path / "half.mp3", tone(10 * RATE), RATE)
    samples, _ = read_audio(cut(tmp_path / "half.mp3", 0.5))
    assert 0 < samples.shape[1] < 10 * RATE
    assert f"half.mp3: gives {samples.shape[1]} samples where {10 * RATE} were expected" in caplog.text
