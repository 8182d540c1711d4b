# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes that headers state are compared with the file, whatever else its header holds."""

import struct

import numpy as np
import pytest
import soundfile

from audeep.audio.reading import audio_info, read_audio
from audeep.errors import AudioError

RATE = 8000
SOUND = np.random.default_rng(0).integers(-9000, 9000, 2 * RATE).astype("<i2")
CONTENT = SOUND.tobytes()
FORMAT = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)


def chunk(mark: bytes, content: bytes, size: int | None = None) -> bytes:
    return mark + struct.pack("<I", len(content) if size is None else size) + content + bytes(len(content) % 2)


def wave(size=None, sound=None, before=b"", after=b"") -> bytes:
    body = b"WAVE" + chunk(b"fmt ", FORMAT) + before + chunk(b"data", CONTENT if sound is None else sound, size) + after
    return b"RIFF" + struct.pack("<I", len(body)) + body


def metadata(size: int) -> bytes:
    return chunk(b"LIST", b"INFO" + chunk(b"ICMT", b"c" * size))


def assert_read_as(path, content, num_samples=2 * RATE):
    """It is read as these samples, and its header is."""
    path.write_bytes(content)
    samples, rate = read_audio(path)
    np.testing.assert_array_equal(samples[0] * 2**15, SOUND[:num_samples])
    assert rate == RATE and audio_info(path).num_samples == num_samples


@pytest.mark.parametrize("size", [3000, 100_000])
def test_wav_with_much_metadata_is_read_whole_and_refused_when_cut_off(tmp_path, caplog, size):
    path = tmp_path / "a.wav"
    assert_read_as(path, wave(before=metadata(size)))
    path.write_bytes(path.read_bytes()[:-1000])
    for read in (audio_info, read_audio):
        with pytest.raises(AudioError, match=r"a\.wav: holds 31000 of the 32000 bytes that its header promises"):
            read(path)
    assert not caplog.text


@pytest.mark.parametrize(
    "comment",
    [b"Seems to be a truncated file", b"\ndata : 264600 (should be 158742)\n", b"does not match value from 'ds64'"],
)
def test_comments_are_not_taken_for_what_the_decoder_says(tmp_path, caplog, comment):
    text = comment + bytes(len(comment) % 2)
    assert_read_as(tmp_path / "a.wav", wave(before=chunk(b"LIST", b"INFO" + chunk(b"ICMT", text))))
    assert not caplog.text


@pytest.mark.parametrize("suffix", [".aiff", ".w64", ".rf64", ".au", ".caf"])
def test_other_formats_with_a_size_that_the_file_does_not_hold_are_refused(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, SOUND, RATE)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(AudioError, match=rf"a{suffix}: holds 31000 of the 32000 bytes that its header promises"):
        audio_info(path)


@pytest.mark.parametrize("before", [b"", metadata(3000)])
def test_wav_that_states_no_sound_is_read_to_its_end_with_a_warning(tmp_path, caplog, before):
    assert_read_as(tmp_path / "a.wav", wave(0, before=before))
    assert "a.wav: states a length of 0, the 32000 bytes that follow are read as sound" in caplog.text


@pytest.mark.parametrize("after", [b"", chunk(b"LIST", b"INFO" + chunk(b"ICMT", b"nothing "))])
def test_wav_without_sound_is_refused_whatever_follows(tmp_path, after):
    (tmp_path / "a.wav").write_bytes(wave(sound=b"", after=after))
    with pytest.raises(AudioError, match=r"a\.wav: holds no samples"):
        read_audio(tmp_path / "a.wav")


def test_header_that_states_less_than_the_file_holds_is_told_of(tmp_path, caplog):
    assert_read_as(tmp_path / "a.wav", wave(8000), 4000)
    assert "a.wav: holds 24000 bytes after the 8000 bytes of sound that its header states" in caplog.text


def test_wav_beyond_4_gib_whose_length_has_overflown_is_told_of(tmp_path, caplog):
    with open(tmp_path / "a.wav", "wb") as file:
        file.write(wave(len(CONTENT)))
        file.truncate(2**32 + len(CONTENT) + 44)
    assert audio_info(tmp_path / "a.wav").num_samples == len(SOUND)
    assert "a.wav: holds 4294967296 bytes after the 32000 bytes of sound that its header states" in caplog.text


@pytest.mark.parametrize("after", [metadata(5000), bytes(5000), b"TAG" + b"x" * 2000, b"some bytes"])
def test_what_follows_the_sound_of_a_whole_wav_is_no_cause_for_a_warning(tmp_path, caplog, after):
    assert_read_as(tmp_path / "a.wav", wave(after=after))
    assert not caplog.text


@pytest.mark.parametrize("mark", [b"RF64", b"BW64"])
@pytest.mark.parametrize("size", [32000, 0, 2**64 - 1])
def test_long_wav_is_read_with_and_without_a_length(tmp_path, mark, size):
    sizes = struct.pack("<QQQI", 36 + 8 + 36 + 32000, size, 16000, 0)
    body = b"WAVE" + chunk(b"ds64", sizes) + chunk(b"fmt ", FORMAT) + chunk(b"data", CONTENT, 2**32 - 1)
    assert_read_as(tmp_path / "a.wav", mark + struct.pack("<I", 2**32 - 1) + body)


@pytest.mark.parametrize("suffix", [".aiff", ".w64", ".au", ".caf"])
@pytest.mark.parametrize("is_unknown", [False, True])
def test_other_formats_without_a_length_are_read_to_their_end(tmp_path, suffix, is_unknown):
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, SOUND, RATE)
    content = bytearray(path.read_bytes())
    mark, after, packing = {".aiff": (b"SSND", 4, ">I"), ".w64": (b"data", 16, "<Q"), ".au": (b".snd", 8, ">I")}.get(
        suffix, (b"data", 4, ">Q")
    )
    most = 2 ** (8 * struct.calcsize(packing)) - 1
    struct.pack_into(packing, content, content.rindex(mark) + after, most if is_unknown else 0)
    assert_read_as(path, bytes(content))


def test_known_cases(shared, caplog):
    folder = shared / "cases" / "recordings"
    assert read_audio(folder / "bw64.wav")[0].shape == (1, 32000) and not caplog.text
    assert read_audio(folder / "data_0_riff_36_python_wave_pipe.wav")[0].shape == (1, 32000)
    assert "states a length of 0" in caplog.text
    assert read_audio(folder / "header_smaller_than_file_stale.wav")[0].shape == (1, 8000)
    assert "holds 48000 bytes after" in caplog.text
