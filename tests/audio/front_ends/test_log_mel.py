# SPDX-License-Identifier: GPL-3.0-or-later
"""log-mel against what the baseline of DCASE 2019 task 2 gave, whose Fourier transform is one of float32."""

from pathlib import Path

import numpy as np
import pytest

from audeep.audio.filter_banks import htk_mel_bank
from audeep.audio.front_ends.log_mel import LogMel
from audeep.errors import AudioError, OptionError
from tests.support.tagging import arrays, as_wav, rate_of, signals

RATE = 44100


def test_mel_bands_are_those_of_the_original(golden: Path) -> None:
    expected = np.load(golden / "tagging/b_mel_matrix.npz")["mel"]
    weights = htk_mel_bank(96, 2048, RATE, 20.0, 20000.0)(np.eye(1025))
    np.testing.assert_allclose(weights, expected, atol=2e-5)  # rounding errors of its float32
    assert not weights[0].any() and weights.any(axis=0).all() and weights.max() <= 1
    np.testing.assert_allclose(weights.sum(axis=0)[[0, 95]], [1.2364, 32.1599], atol=1e-4)
    assert weights.sum() == pytest.approx(910.819, abs=0.01)


def test_frames_are_those_of_the_original(golden: Path, tmp_path: Path) -> None:
    given, expected = signals(golden), arrays(golden, "b_features_synth", "b_features_esc10")
    names = [name for name in expected if name in given]
    assert len(names) == 10
    for name in names:
        frames = LogMel().chunks(as_wav(tmp_path, name, given[name]))
        assert frames.dtype == np.float32 and rate_of(name) == RATE
        logmel = expected[name]["logmel"]
        is_audible = logmel > -4
        np.testing.assert_allclose(frames[0][is_audible], logmel[is_audible], atol=0.02)
        np.testing.assert_allclose(np.exp(frames[0]), np.exp(logmel), atol=3e-3, rtol=1e-4)
    longer = LogMel(window_length=1103).chunks(as_wav(tmp_path, "chirp_44k", given["chirp_44k"]))[0]
    original = np.exp(expected["chirp_44k"]["logmel_win1103"])  # whose Hann windows of odd lengths are symmetric
    np.testing.assert_allclose(np.exp(longer), original, atol=0.02, rtol=0.02)


@pytest.mark.parametrize("seconds, frames", [(0.3, 28), (0.5, 48), (1, 98), (2, 198), (15, 1498), (30, 2998)])
def test_numbers_of_frames(seconds: float, frames: int) -> None:
    assert LogMel()(np.zeros(int(seconds * RATE)), RATE).shape == (1, frames, 96)


def test_silence_is_the_logarithm_of_the_offset() -> None:
    np.testing.assert_allclose(LogMel()(np.zeros(RATE), RATE), -6.907755, rtol=1e-6)
    np.testing.assert_allclose(LogMel(log_offset=0.5)(np.zeros(RATE), RATE), np.log(0.5), rtol=1e-6)


def test_less_than_a_window_is_an_error_that_names_the_recording() -> None:
    assert LogMel().chunks_and_rate_of("a.wav", np.zeros((1, 1102)), RATE)[0].shape == (1, 1, 96)
    message = r"^a\.wav: lasts 1101 samples, window_length=1102 needs 1102; use a shorter window or a fixed_length=S$"
    with pytest.raises(AudioError, match=message):
        LogMel().chunks_and_rate_of("a.wav", np.zeros((1, 1101)), RATE)


def test_bands_lie_below_half_of_the_sample_rate() -> None:
    message = r"^a: has frequencies up to 8000 Hz at a sample rate of 16000 Hz, highest_hz=20000 is not below that; "
    with pytest.raises(AudioError, match=message):
        LogMel(sample_rate=16000).chunks_and_rate_of("a", np.zeros((1, RATE)), RATE)
    with pytest.raises(AudioError, match=r"lowest_hz=9000 is not below that"):
        LogMel(sample_rate=16000, lowest_hz=9000, highest_hz=None).chunks_and_rate_of("a", np.zeros((1, RATE)), RATE)
    with pytest.raises(OptionError, match=r"^lowest_hz=500: must be below highest_hz=400; choose a lower one$"):
        LogMel(lowest_hz=500, highest_hz=400)
    assert LogMel(sample_rate=16000, highest_hz=None).chunks_and_rate_of("a", np.zeros((1, RATE)), RATE)[1] == 16000


def test_a_tone_is_in_the_band_of_its_frequency() -> None:
    front_end, times = LogMel(), np.arange(RATE) / RATE
    for frequency in (100, 1000, 9000):
        frames = front_end(np.sin(2 * np.pi * frequency * times), RATE)[0]
        centres = front_end.frequencies(RATE)
        assert frames.mean(axis=0).argmax() == abs(centres - frequency).argmin()
    assert front_end.times(3, RATE).tolist() == [551 / RATE, 992 / RATE, 1433 / RATE]
