# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAC whose header states no length, or too small a one, is read to its end."""

import numpy as np
import pytest
import soundfile

from audeep.audio.reading import audio_info, read_audio
from audeep.errors import AudioError

RATE = 8000


def write(path, stated, num_samples=50_001, channels=1, noise=0.5):
    samples = np.random.default_rng(0).uniform(-noise, noise, (num_samples, channels))
    soundfile.write(path, samples, RATE)
    whole = read_audio(path)[0]
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # 36 bits from here on are the number of samples
    content[22:26] = stated.to_bytes(4, "big")
    path.write_bytes(content)
    return whole


@pytest.mark.parametrize(
    ("num_samples", "channels", "noise"), [(50_001, 1, 0.5), (4096, 2, 0.5), (100, 1, 0), (9000, 8, 1e-3)]
)
def test_without_a_length_all_is_read(tmp_path, caplog, num_samples, channels, noise):
    whole = write(tmp_path / "a.flac", 0, num_samples, channels, noise)
    np.testing.assert_array_equal(read_audio(tmp_path / "a.flac")[0], whole)
    assert audio_info(tmp_path / "a.flac").num_samples == num_samples and not caplog.text


def test_without_a_length_and_with_something_after_it_all_is_read(tmp_path):
    whole = write(tmp_path / "a.flac", 0)
    (tmp_path / "a.flac").write_bytes((tmp_path / "a.flac").read_bytes() + b"TAG" + bytes(125))
    np.testing.assert_array_equal(read_audio(tmp_path / "a.flac")[0], whole)
    assert audio_info(tmp_path / "a.flac").num_samples == 50_001


def test_too_small_a_length_is_not_believed(tmp_path, caplog):
    whole = write(tmp_path / "a.flac", 20_000)
    np.testing.assert_array_equal(read_audio(tmp_path / "a.flac")[0], whole)
    assert "a.flac: holds 50001 samples where its header states 20000, all are read" in caplog.text


def test_without_a_length_and_cut_off_it_is_not_taken_for_whole(tmp_path):
    write(tmp_path / "a.flac", 0)
    (tmp_path / "a.flac").write_bytes((tmp_path / "a.flac").read_bytes()[:-5000])
    for read in (read_audio, audio_info):
        with pytest.raises(AudioError, match=r"a\.flac: cannot be decoded"):
            read(tmp_path / "a.flac")


def test_known_cases(shared, caplog):
    folder = shared / "cases" / "recordings"
    assert read_audio(folder / "flac_pipe_total_0.flac")[0].shape == (1, 96000) and not caplog.text
    assert read_audio(folder / "flac_total_too_small.flac")[0].shape == (1, 32000)
    assert "its header states 16000" in caplog.text
