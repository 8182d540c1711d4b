# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading recordings: formats, lengths, channels, and what is refused."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audeep.audio.reading import (
    AUDIO_SUFFIXES,
    AudioInfo,
    Channels,
    audio_info,
    fix_length,
    fuse_channels,
    is_audio,
    read_audio,
)
from audeep.errors import AudioError

RATE = 8000


def tone(num_samples: int = RATE, rate: int = RATE) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(num_samples) / rate)


def cut(path: Path, fraction: float) -> Path:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * fraction)])
    return path


@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [
        (".wav", "PCM_U8", 1 / 127),
        (".wav", "PCM_16", 2**-15),
        (".wav", "PCM_24", 2**-23),
        (".wav", "PCM_32", 2**-31),
        (".wav", "FLOAT", 1e-7),
        (".wav", "DOUBLE", 0),
        (".flac", "PCM_16", 2**-15),
        (".aiff", "PCM_16", 2**-15),
        (".au", "PCM_16", 2**-15),
        (".caf", "PCM_16", 2**-15),
        (".w64", "PCM_16", 2**-15),
        (".voc", "PCM_16", 2**-15),
        (".ogg", "VORBIS", 0.05),
        (".mp3", "MPEG_LAYER_III", 0.1),
    ],
)
def test_samples_of_every_format_come_back_at_full_scale(tmp_path, suffix, subtype, tolerance):
    path = tmp_path / f"tone{suffix}"
    soundfile.write(path, tone(), RATE, subtype=subtype)
    samples, sample_rate = read_audio(path)
    assert (samples.shape, samples.dtype, sample_rate) == ((1, RATE), np.float64, RATE)
    np.testing.assert_allclose(samples[0], tone(), atol=tolerance)


def test_channels_come_first_in_their_order(tmp_path):
    channels = np.array([[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3], [0.5, 0.0, -0.5]])
    soundfile.write(tmp_path / "three.wav", channels.T, RATE, subtype="DOUBLE")
    np.testing.assert_array_equal(read_audio(tmp_path / "three.wav")[0], channels)


def test_header_gives_length_rate_and_channels(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((RATE // 4, 2)), RATE)
    info = audio_info(str(tmp_path / "a.wav"))
    assert info == AudioInfo(num_samples=RATE // 4, sample_rate=RATE, num_channels=2)
    assert info.duration_seconds == 0.25


def test_real_recordings_are_between_3_and_8_seconds_long(esc10):
    infos = [audio_info(path) for path in sorted(esc10.glob("*/*.ogg"))]
    assert len(infos) == 400
    assert {(info.sample_rate, info.num_channels) for info in infos} == {(44100, 1)}
    assert f"{min(info.duration_seconds for info in infos):.2f}" == "3.64"
    assert f"{max(info.duration_seconds for info in infos):.2f}" == "7.24"


def test_content_decides_how_a_file_is_decoded_not_its_name(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(), RATE, format="FLAC")
    assert audio_info(tmp_path / "a.wav").num_samples == RATE


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_wav_written_into_a_pipe_is_read_to_its_end(tmp_path, size):
    path = tmp_path / "streamed.wav"
    soundfile.write(path, tone(), RATE)
    content = path.read_bytes()
    at = content.index(b"data") + 4
    path.write_bytes(content[:at] + struct.pack("<I", size) + content[at + 4 :])
    assert read_audio(path)[0].shape == (1, RATE)


def test_ogg_with_a_tag_behind_its_last_page_is_whole(tmp_path):
    path = tmp_path / "tagged.ogg"
    soundfile.write(path, tone(), RATE)
    path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))
    assert audio_info(path).num_samples == RATE


@pytest.mark.parametrize("read", [audio_info, read_audio])
class TestRefused:
    def test_missing_file(self, tmp_path, read):
        with pytest.raises(AudioError, match=r"no\.wav: no such file, a recording was expected; check the base"):
            read(tmp_path / "no.wav")

    def test_directory(self, tmp_path, read):
        (tmp_path / "folder.wav").mkdir()
        with pytest.raises(AudioError, match=r"folder\.wav: is a directory, a recording was expected"):
            read(tmp_path / "folder.wav")

    @pytest.mark.parametrize("content", [b"these are words\n", b"", b"RIFF\x24\x00\x00\x00WAVEfmt "])
    def test_file_that_is_only_called_wav(self, tmp_path, read, content):
        (tmp_path / "text.wav").write_bytes(content)
        with pytest.raises(
            AudioError, match=r"text\.wav: cannot be decoded \(.+\), a whole recording .*WAV, FLAC"
        ) as e:
            read(tmp_path / "text.wav")
        assert "\n" not in str(e.value)

    def test_headerless_samples(self, tmp_path, read):
        (tmp_path / "samples.raw").write_bytes(bytes(100))
        with pytest.raises(AudioError, match=r"samples\.raw: cannot be decoded"):
            read(tmp_path / "samples.raw")

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

    @pytest.mark.parametrize("bytes_lost", [1, 3000, "last page", "half"])
    def test_ogg_that_was_cut_off(self, tmp_path, read, bytes_lost):
        path = tmp_path / "half.ogg"
        soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 10 * RATE), RATE)
        content = path.read_bytes()
        lost = {"last page": len(content) - content.rindex(b"OggS"), "half": len(content) // 2}.get(
            bytes_lost, bytes_lost
        )
        path.write_bytes(content[:-lost])
        with pytest.raises(AudioError, match=r"half\.ogg: does not end with an Ogg page that is whole and marked as"):
            read(path)

    def test_flac_without_a_length(self, tmp_path, read):
        path = tmp_path / "streamed.flac"
        soundfile.write(path, tone(), RATE)
        content = bytearray(path.read_bytes())
        content[21] &= 0xF0  # 36 bits from here on are the number of samples
        content[22:26] = bytes(4)
        path.write_bytes(content)
        with pytest.raises(AudioError, match=r"streamed\.flac: states no length, .* convert the file to WAV"):
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


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(tmp_path, bad):
    samples = tone()
    samples[[3, 70]] = bad
    soundfile.write(tmp_path / "bad.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"bad\.wav: holds 2 samples that are NaN or infinite, numbers were expected"):
        read_audio(tmp_path / "bad.wav")


@pytest.mark.parametrize(
    ("num_samples", "center", "expected"),
    [
        (6, False, [1, 2, 3, 0, 0, 0]),
        (6, True, [0, 1, 2, 3, 0, 0]),
        (5, True, [0, 1, 2, 3, 0]),
        (3, False, [1, 2, 3]),
        (3, True, [1, 2, 3]),
        (1, False, [1]),
        (1, True, [2]),
        (2, True, [1, 2]),
    ],
)
def test_length_is_fixed_at_the_end_or_at_both_ends(num_samples, center, expected):
    samples = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(fix_length(samples, num_samples, center), [expected, expected])


@pytest.mark.parametrize(
    ("channels", "expected"), [("MEAN", [0.5, 0.0]), ("LEFT", [1.0, 2.0]), ("RIGHT", [0.0, -2.0]), ("DIFF", [1.0, 4.0])]
)
def test_two_channels_are_fused_as_asked(channels, expected):
    np.testing.assert_array_equal(fuse_channels(np.array([[1.0, 2.0], [0.0, -2.0]]), Channels(channels)), expected)


@pytest.mark.parametrize("channels", list(Channels))
def test_mono_is_taken_as_it_is(channels):
    np.testing.assert_array_equal(fuse_channels(np.array([[1.0, 2.0]]), channels), [1.0, 2.0])


def test_more_than_two_channels_are_averaged():
    np.testing.assert_array_equal(fuse_channels(np.array([[1.0, 2.0], [3.0, 2.0], [5.0, 5.0]])), [3.0, 3.0])


@pytest.mark.parametrize("channels", ["LEFT", "RIGHT", "DIFF"])
def test_one_side_of_more_than_two_channels_is_refused(channels):
    with pytest.raises(AudioError, match=f"^6 channels found, --channels {channels} needs exactly 2; use .* MEAN$"):
        fuse_channels(np.zeros((6, 10)), Channels(channels))


def test_recordings_are_told_by_their_suffix(tmp_path):
    names = [
        "a.wav",
        "b.WAV",
        "c.flac",
        "d.ogg",
        "e.opus",
        "f.mp3",
        ".g.wav",
        "h.txt",
        "i.raw",
        "j.csv",
        "k.mat",
        "wav",
    ]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "folder.wav").mkdir()
    found = sorted(path.name for path in tmp_path.iterdir() if is_audio(path))
    assert found == ["a.wav", "b.WAV", "c.flac", "d.ogg", "e.opus", "f.mp3"]
    assert not is_audio(tmp_path / "missing.wav")


def test_every_suffix_is_lower_case_and_raw_is_none():
    assert {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".sph"} <= AUDIO_SUFFIXES
    assert ".raw" not in AUDIO_SUFFIXES
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in AUDIO_SUFFIXES)
