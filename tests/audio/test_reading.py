# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading recordings: formats, headers, and what is refused."""

import numpy as np
import pytest
import soundfile

from audeep.audio import reading
from audeep.audio.reading import AUDIO_SUFFIXES, AudioInfo, Excerpt, Segment, audio_info, is_audio, read_audio
from audeep.audio.signal import fix_length, resample
from audeep.errors import AudioError

RATE = 8000


def tone(num_samples: int = RATE, rate: int = RATE) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(num_samples) / rate)


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


@pytest.mark.slow
def test_real_recordings_are_between_3_and_8_seconds_long(esc10):
    infos = [audio_info(path) for path in sorted(esc10.glob("*/*.ogg"))]
    assert len(infos) == 400
    assert {(info.sample_rate, info.num_channels) for info in infos} == {(44100, 1)}
    assert f"{min(info.duration_seconds for info in infos):.2f}" == "3.64"
    assert f"{max(info.duration_seconds for info in infos):.2f}" == "7.24"


def test_content_decides_how_a_file_is_decoded_not_its_name(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(), RATE, format="FLAC")
    assert audio_info(tmp_path / "a.wav").num_samples == RATE


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


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused(tmp_path, bad):
    samples = tone()
    samples[[3, 70]] = bad
    soundfile.write(tmp_path / "bad.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"bad\.wav: holds 2 samples that are NaN or infinite, finite ones were"):
        read_audio(tmp_path / "bad.wav")


def test_recordings_are_recognised_by_their_suffix(tmp_path):
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


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("sample_rate", [None, 8000, 16000, 22050])
@pytest.mark.parametrize("seconds", [0.5, 7.1, 100])
def test_of_a_long_recording_no_more_is_read_than_is_kept(tmp_path, monkeypatch, center, sample_rate, seconds):
    monkeypatch.setattr(reading, "BLOCK_VALUES", 20_000)
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).uniform(-0.5, 0.5, (40 * 11025 + 7, 2)), 11025)
    whole, rate = read_audio(tmp_path / "a.wav")
    part, _ = read_audio(tmp_path / "a.wav", Excerpt(seconds, center, sample_rate))
    assert (part.shape[1] < whole.shape[1] / 2) == (seconds < 50)
    size = int(seconds * (sample_rate or rate))
    fixed = [
        fix_length(resample(samples, rate, sample_rate) if sample_rate else samples, size, center)
        for samples in (whole, part)
    ]
    np.testing.assert_allclose(fixed[1], fixed[0], rtol=0, atol=1e-8 if center and sample_rate else 0)


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg", "mp3", "au"])
def test_a_recording_without_suffix_is_recognised_by_how_it_begins(tmp_path, suffix):
    soundfile.write(tmp_path / f"a.{suffix}", tone(), RATE)
    (tmp_path / f"a.{suffix}").rename(tmp_path / "a")
    assert is_audio(tmp_path / "a")


@pytest.mark.parametrize("head", [b"", b"# read me", b"RIFF1234AVI ", b"FORM1234ILBM", b"\xff\xfe\x00h", bytes(64)])
def test_other_files_without_suffix_are_no_recordings(tmp_path, head):
    (tmp_path / "a").write_bytes(head)
    assert not is_audio(tmp_path / "a")
    (tmp_path / ".a").write_bytes(b"fLaC")
    assert not is_audio(tmp_path / ".a")


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "w64", "ogg", "mp3"])
@pytest.mark.parametrize(("start", "end"), [(0.0, 0.5), (0.25, 0.8125), (1.0, None), (0.0, None)])
def test_a_segment_is_the_same_samples_as_of_the_whole_recording(tmp_path, suffix, start, end):
    soundfile.write(tmp_path / f"a.{suffix}", np.stack([tone(2 * RATE), tone(2 * RATE)[::-1]], axis=1), RATE)
    whole, rate = read_audio(tmp_path / f"a.{suffix}")
    segment = Segment(tmp_path / f"a.{suffix}", start, end)
    samples, found = read_audio(segment)
    first, last = int(start * rate), whole.shape[1] if end is None else int(end * rate)
    assert found == rate == audio_info(segment).sample_rate
    np.testing.assert_array_equal(samples, whole[:, first:last])
    assert abs(audio_info(segment).num_samples - samples.shape[1]) <= (2304 if suffix == "mp3" else 0)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (3.0, None, r"a\.wav \(3 s to the end\): the recording ends at 2 s; correct the times"),
        (1.0, 2.2, r"a\.wav \(1 s to 2.2 s\): the recording ends at 2 s; correct the times"),
        (1.0, 1.0, r"a\.wav \(1 s to 1 s\): holds no samples at \d+ Hz; correct the times"),
    ],
)
def test_a_segment_that_its_recording_does_not_have_is_refused(tmp_path, start, end, message):
    soundfile.write(tmp_path / "a.wav", np.zeros(2 * RATE), RATE)
    for read in (read_audio, audio_info):
        with pytest.raises(AudioError, match=message):
            read(Segment(tmp_path / "a.wav", start, end))


def test_the_end_of_a_segment_may_be_rounded(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(2 * RATE), RATE)
    assert read_audio(Segment(tmp_path / "a.wav", 1, 2.05))[0].shape == (1, RATE)
