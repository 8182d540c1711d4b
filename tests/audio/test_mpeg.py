# SPDX-License-Identifier: GPL-3.0-or-later
"""MP3 is read to its end whatever its headers say of its length, and nothing whole is called cut off."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audeep.audio.mpeg import parsed
from audeep.audio.reading import audio_info, read_audio
from audeep.errors import AudioError

RATE = 44100


def sound(seconds: float, rate: int = RATE) -> np.ndarray:
    """Silence, then noise: the first frames of variable bit rate say little of the others."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, int(seconds * rate))
    samples[: len(samples) // 3] = 0
    return samples


def write(path: Path, seconds: float = 3, rate: int = RATE, mode: str = "VARIABLE", channels: int = 1) -> Path:
    signal = np.repeat(sound(seconds, rate)[:, np.newaxis], channels, axis=1)
    soundfile.write(path, signal, rate, format="MP3", bitrate_mode=mode, compression_level=0.3)
    return path


def without_header(path: Path) -> int:
    """Take away the frame that states the length; how many samples the others give."""
    content = path.read_bytes()
    assert b"Xing" in content[:200] or b"Info" in content[:200]
    content = content[parsed(content).size :]
    path.write_bytes(content)
    number, position = 0, 0
    while position < len(content):
        frame = parsed(content[position:])
        number, position = number + frame.num_samples, position + frame.size
    return number


@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT", "AVERAGE"])
@pytest.mark.parametrize(("rate", "channels"), [(44100, 1), (44100, 2), (48000, 1), (22050, 2), (16000, 1), (8000, 1)])
def test_without_a_header_all_frames_are_read_and_counted(tmp_path, caplog, mode, rate, channels):
    path = write(tmp_path / "a.mp3", 3, rate, mode, channels)
    expected = without_header(path)
    samples, _ = read_audio(path)
    assert samples.shape == (channels, expected) and abs(expected / rate - 3) < 0.3
    assert audio_info(path).num_samples == expected
    assert not caplog.text
    assert np.abs(samples[:, -rate:]).mean() > 0.1  # the noise at the end


@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT"])
def test_with_a_header_it_is_as_long_as_what_was_written(tmp_path, caplog, mode):
    path = write(tmp_path / "a.mp3", mode=mode)
    assert read_audio(path)[0].shape == (1, 3 * RATE) and audio_info(path).num_samples == 3 * RATE
    assert not caplog.text


@pytest.mark.parametrize("has_header", [True, False])
@pytest.mark.parametrize("size", [300, 300_000])
def test_a_tag_of_any_size_before_and_after_the_frames_changes_nothing(tmp_path, capfd, caplog, has_header, size):
    path = write(tmp_path / "a.mp3")
    expected = 3 * RATE if has_header else without_header(path)
    alone = read_audio(path)[0]
    tag = b"ID3\x03\0\0" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127]) + bytes(size)
    path.write_bytes(tag + path.read_bytes() + b"TAG" + b"x" * 125)
    assert audio_info(path).num_samples == expected
    np.testing.assert_array_equal(read_audio(path)[0], alone)
    assert not caplog.text and capfd.readouterr() == ("", "")


def test_joined_files_are_read_one_after_the_other(tmp_path, caplog):
    one, two = write(tmp_path / "1.mp3", 2), write(tmp_path / "2.mp3", 3)
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(one.read_bytes() + two.read_bytes())
    assert audio_info(joined).num_samples == 5 * RATE
    np.testing.assert_array_equal(
        read_audio(joined)[0], np.concatenate([read_audio(one)[0], read_audio(two)[0]], axis=1)
    )
    assert not caplog.text


def test_joined_files_of_different_rates_are_refused(tmp_path):
    one, two = write(tmp_path / "1.mp3", 1), write(tmp_path / "2.mp3", 1, 48000)
    one.write_bytes(one.read_bytes() + two.read_bytes())
    with pytest.raises(AudioError, match=r"1\.mp3: joins recordings of 44100 Hz with 1 channels and 48000 Hz with 1"):
        read_audio(one)


def test_a_header_that_states_too_few_frames_is_not_believed(tmp_path, caplog):
    path = write(tmp_path / "a.mp3", 3, mode="CONSTANT")
    content = bytearray(path.read_bytes())
    at = content.index(b"Info") + 8
    struct.pack_into(">I", content, at, 20)
    path.write_bytes(content)
    assert read_audio(path)[0].shape[1] >= 3 * RATE
    assert "a.mp3: holds 116 frames where its header states 20, all are read" in caplog.text


@pytest.mark.parametrize("stated", [0, 117])
def test_a_header_that_states_nothing_or_counts_itself_is_no_cause_for_a_warning(tmp_path, caplog, stated):
    path = write(tmp_path / "a.mp3", 3, mode="CONSTANT")
    content = bytearray(path.read_bytes())
    struct.pack_into(">I", content, content.index(b"Info") + 8, stated)
    path.write_bytes(content)
    assert 0 <= read_audio(path)[0].shape[1] - 3 * RATE < 3 * 1152
    assert not caplog.text


@pytest.mark.parametrize("has_header", [True, False])
def test_joined_files_with_tags_between_them(tmp_path, caplog, has_header):
    one, two = write(tmp_path / "1.mp3", 2), write(tmp_path / "2.mp3", 3)
    expected = 5 * RATE if has_header else without_header(one) + without_header(two)
    tag = b"ID3\x03\0\0\0\0\x10\0" + bytes(2048)
    one.write_bytes(tag + one.read_bytes() + b"TAG" + b"y" * 125 + tag + two.read_bytes())
    assert read_audio(one)[0].shape == (1, expected) and audio_info(one).num_samples == expected
    assert not caplog.text


def test_one_that_ends_within_a_frame_is_read_with_a_warning(tmp_path, caplog):
    path = write(tmp_path / "a.mp3")
    expected = without_header(path)
    path.write_bytes(path.read_bytes()[:-100])
    assert expected - 1152 <= read_audio(path)[0].shape[1] <= expected
    assert "a.mp3: ends within a frame, it may be cut off" in caplog.text


def test_damaged_frames_cost_no_more_than_themselves(tmp_path, capfd):
    path = write(tmp_path / "a.mp3", mode="CONSTANT")
    expected = without_header(path)
    content = bytearray(path.read_bytes())
    content[10_000:12_000] = bytes(2000)
    path.write_bytes(content)
    assert expected - 12 * 1152 <= read_audio(path)[0].shape[1] <= expected
    assert capfd.readouterr() == ("", "")


def test_within_a_wav_it_is_read_to_its_end(tmp_path, caplog):
    path = write(tmp_path / "a.mp3")
    expected = without_header(path)
    alone, frames = read_audio(path)[0], path.read_bytes()
    fmt = struct.pack("<HHIIHHHHIHHH", 0x55, 1, RATE, 16000, 1152, 0, 12, 1, 2, 1152, 1, 1393)
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(frames)) + frames
    (tmp_path / "a.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert audio_info(tmp_path / "a.wav").num_samples == expected
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav")[0], alone)
    assert not caplog.text


def test_zeros_before_the_frames_are_named(tmp_path, capfd):
    path = write(tmp_path / "a.mp3")
    path.write_bytes(bytes(2**16) + path.read_bytes())
    with pytest.raises(AudioError, match=r"decoded \(no MPEG audio in its first 64 KiB, it begins with zeros\)"):
        read_audio(path)
    assert capfd.readouterr() == ("", "")


def test_known_cases(shared, caplog, capfd):
    folder = shared / "cases" / "recordings"
    for name, seconds in {
        "vbr_no_xing_rain_5s.mp3": 5.04,
        "cbr_no_xing_whole_but_warned.mp3": 6.03,
        "id3_art_300k_no_xing.mp3": 6.03,
        "mp3_in_wav_0x55.wav": 6.03,
    }.items():
        samples, rate = read_audio(folder / name)
        assert samples.shape[1] / rate == pytest.approx(seconds, abs=0.01)
        assert audio_info(folder / name).num_samples == samples.shape[1]
    for name in ("leading_zeros_64k.mp3", "m4a_called.mp3"):
        with pytest.raises(AudioError, match=name):
            read_audio(folder / name)
    assert not caplog.text and capfd.readouterr() == ("", "")
