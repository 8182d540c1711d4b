# SPDX-License-Identifier: GPL-3.0-or-later
"""mfcc and waveform against what the functions of the Freesound kernel gave."""

from pathlib import Path

import numpy as np
import pytest

from audeep.audio.front_ends.mfcc import Mfcc
from audeep.audio.front_ends.waveform import Waveform
from audeep.errors import AudioError, OptionError
from tests.support.tagging import FOLDER, arrays, as_wav, rate_of, signals


def test_coefficients_are_those_of_the_original(golden: Path) -> None:
    found = 0
    for name, expected in arrays(golden, "c_features").items():
        for what, coefficients in expected.items():
            if not what.startswith("mfcc"):
                continue
            rate = 44100 if "44k" in what else 16000
            loaded = (
                signals(golden)[name] / 2**15 if rate == 44100 else expected.get("load16k_kaiser_fast", np.zeros(1))
            )
            padded = np.pad(loaded.astype(np.float64), (0, 2 * rate - len(loaded)))
            frames = Mfcc(num_coefficients=int(what[4:6]))(padded, rate)
            np.testing.assert_allclose(frames[0].T, coefficients, atol=2e-4, rtol=0)  # of values up to 500 or more
            found += 1
    assert found == 6


def test_numbers_of_coefficients_and_frames() -> None:
    assert Mfcc()(np.zeros(32000), 16000).shape == (1, 63, 20)
    assert Mfcc(sample_rate=44100, num_coefficients=40)(np.zeros(88200), 44100).shape == (1, 173, 40)
    with pytest.raises(OptionError, match=r"^num_coefficients=129: there are at most as many as num_bands=128; choose"):
        Mfcc(num_coefficients=129)
    assert Mfcc().chunks_and_rate_of("a", np.full((1, 1), 0.5), 16000)[0].shape == (1, 1, 20)


def test_the_dynamic_range_is_below_the_loudest_band() -> None:
    signal = np.concatenate([np.zeros(16000), np.random.default_rng(0).uniform(-1, 1, 16000)])
    narrow, wide = (Mfcc(dynamic_range=value)(signal, 16000)[0] for value in (20, 60))
    assert np.allclose(narrow[-1], wide[-1], atol=1) and not np.allclose(narrow[0], wide[0], atol=50)


def test_a_waveform_is_the_signal_at_the_rate_of_the_original(golden: Path, tmp_path: Path) -> None:
    """Its short filter let through and mirrored much close to 8 kHz; what is far below that is the same."""
    given = signals(golden)
    expected = np.load(golden / FOLDER / "c_features.npz")
    for name, tolerance in {"short_44k": 0.007, "esc_dog_44k": 0.017, "clicks_44k": 0.27}.items():
        frames = Waveform().chunks(as_wav(tmp_path, name, given[name]))
        loaded = expected[f"{name}/load16k_kaiser_fast"]
        assert frames.shape == (1, len(loaded), 1) and frames.dtype == np.float32
        np.testing.assert_allclose(frames[0, :, 0], loaded, atol=tolerance)
        assert np.abs(frames[0, :, 0] - loaded).mean() < 0.0014
    kept = Waveform(sample_rate=44100).chunks(as_wav(tmp_path, "chirp_44k", given["chirp_44k"]))
    np.testing.assert_array_equal(kept[0, :, 0], (given["chirp_44k"] / 2**15).astype(np.float32))
    assert rate_of("chirp_44k") == 44100


def test_options_of_a_waveform() -> None:
    signal = np.concatenate([np.zeros(4000), np.full(8000, 0.25), np.zeros(4000)])[np.newaxis]
    assert Waveform().chunks_and_rate_of("a", signal, 16000)[0].shape == (1, 16000, 1)
    trimmed = Waveform(trim_silence=True).chunks_and_rate_of("a", signal, 16000)[0]
    assert trimmed.shape[1] == 8000 and trimmed.max() == pytest.approx(10**-0.005, abs=1e-6)
    assert Waveform(normalise_peak=True).chunks_and_rate_of("a", signal, 16000)[0].max() == 1
    fixed = Waveform(trim_silence=True, fixed_length=1, center_fixed=True).chunks_and_rate_of("a", signal, 16000)[0]
    assert fixed[0, [0, 3999, 4000, 11999, 12000], 0].astype(bool).tolist() == [False, False, True, True, False]
    assert Waveform().times(3, 16000).tolist() == [0, 1 / 16000, 2 / 16000]
    with pytest.raises(AudioError, match=r"^a: has no samples"):
        Waveform(fixed_length=1e-6).chunks_and_rate_of("a", signal, 16000)
