# SPDX-License-Identifier: GPL-3.0-or-later
"""perceptual-mel and log-bands against what the two front ends of Dorfer and Widmer gave.

At 32 kHz they agree to rounding errors. Recordings of 44.1 kHz were resampled by other filters (resampy and FFmpeg),
which differ from each other by 0.0026 of full scale: there the mean of the differences is small, and single cells that
are nearly silent differ more.
"""

import logging
from pathlib import Path

import numpy as np
import pytest

from audeep.audio import filter_banks
from audeep.audio.front_ends.log_bands import LogBands
from audeep.audio.front_ends.perceptual_mel import PerceptualMel
from audeep.errors import AudioError
from tests.support.tagging import FOLDER, arrays, as_wav, rate_of, signals

KINDS = {PerceptualMel: ("v1", 5e-4, 0.05), LogBands: ("v2", 5e-6, 0.006)}  # tolerances at 32 kHz, and of the mean


def compared(kind: type, golden: Path, folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What a front end gives for files, and what the original gave, [freq, time], every so many frames."""
    given, name = signals(golden), KINDS[kind][0]
    found = {}
    files = [f"a_{name}_{file}" for file in ("synth_32k", "synth_44k", "esc10", "trimmed")]
    trimmed = np.load(golden / FOLDER / "a_trimmed_wav.npz")
    for file in files:
        for signal, expected in arrays(golden, file).items():
            samples = trimmed[signal] if file.endswith("trimmed") else given[signal]
            frames = kind(trim_silence=False).chunks(as_wav(folder, signal, samples))[0].T
            assert frames.dtype == np.float32 and frames.shape[1] == expected.get("n_frames", expected[""].shape[1])
            found[f"{file}/{signal}"] = frames[:, :: int(expected.get("step", 1))], expected[""]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_those_of_the_original(kind: type, golden: Path, tmp_path: Path) -> None:
    _, tolerance, mean_tolerance = KINDS[kind]
    pairs = compared(kind, golden, tmp_path)
    assert len(pairs) == 23
    for name, (found, expected) in pairs.items():
        if rate_of(name) == 32000:
            np.testing.assert_allclose(found, expected, atol=tolerance, rtol=0, err_msg=name)
        else:
            assert np.abs(found - expected).mean() < mean_tolerance, name


@pytest.mark.parametrize("kind", KINDS)
def test_in_double_precision_nothing_but_rounding_differs(
    kind: type, golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "precision", np.float64)
    for name, (found, expected) in compared(kind, golden, tmp_path).items():
        if rate_of(name) == 32000:
            np.testing.assert_allclose(found, expected, atol=5e-7, rtol=0, err_msg=name)


def test_mel_bands_and_weights_of_frequencies_are_those_of_librosa(golden: Path) -> None:
    expected = np.load(golden / "tagging/a_v1_mel.npz")
    bank = filter_banks.slaney_mel_bank(128, 1024, 32000, 0.0, 16000.0)
    np.testing.assert_allclose(bank(np.eye(513)).T, expected["mel"], atol=1e-9)
    weights = filter_banks.a_weighting_db(expected["freqs_hz"])
    np.testing.assert_allclose(weights, expected["a_weighting_db"], atol=1e-9)
    found = filter_banks.a_weighting_db(np.array([0, 31.25, 100, 1000, 4000]))
    np.testing.assert_allclose(found, [-80, -39.70, -19.14, 0, 0.96], atol=0.006)
    sums = bank(np.ones((1, 513)))
    assert 0.0294 <= sums.min() and sums.max() <= 0.0358


def test_bands_of_octaves_are_those_of_madmom(golden: Path) -> None:
    expected = np.load(golden / "tagging/a_v2_filterbank.npz")
    bank = filter_banks.logarithmic_bank(26, 1024, 32000, 20.0, 14000.0, 440.0)
    weights = bank(np.eye(513))
    np.testing.assert_allclose(weights[:512], expected["filterbank"], atol=1e-7)
    np.testing.assert_allclose(weights.sum(axis=0), 1, atol=1e-6)
    assert bank.num_bands == 128 and not weights[512].any()
    np.testing.assert_allclose(bank.frequencies_hz, expected["center_frequencies"], atol=31.25)


def test_integers_are_scaled_towards_zero_as_in_the_original(golden: Path, tmp_path: Path) -> None:
    path = as_wav(tmp_path, "short_32k", signals(golden)["short_32k"])
    front_end = LogBands(trim_silence=False)
    signal, _ = front_end.signal(path, *front_end.read(path))
    expected = np.load(golden / "tagging/a_resample.npz")
    np.testing.assert_array_equal(np.round(signal * 32767), expected["v2_normalised_short_32k"])
    np.testing.assert_allclose(front_end.window, expected["madmom_window"], atol=1e-12)


def test_resampling_differs_from_theirs_as_theirs_from_each_other(golden: Path, tmp_path: Path) -> None:
    path = as_wav(tmp_path, "short_44k", signals(golden)["short_44k"])
    front_end = PerceptualMel(trim_silence=False)
    signal, rate = front_end.signal(path, *front_end.read(path))
    expected = np.load(golden / "tagging/a_resample.npz")
    assert rate == 32000
    np.testing.assert_allclose(signal, expected["v1_resampled_short_44k"], atol=0.003)
    np.testing.assert_allclose(signal, expected["v2_resampled_short_44k"] / 2**15, atol=0.003)


@pytest.mark.parametrize("kind, frames, value", [(PerceptualMel, 167, None), (LogBands, 250, 0.0)])
def test_a_silent_recording_stays_whole(
    kind: type, frames: int, value: float | None, golden: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = as_wav(tmp_path, "silent_44k", signals(golden)["silent_44k"])
    found = kind().chunks(path)
    assert found.shape == (1, frames, 128)
    if value is None:
        assert found.min() == pytest.approx(-4.43, abs=0.01) and found.max() == pytest.approx(-2.91, abs=0.01)
    else:
        assert (found == value).all()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize("kind", KINDS)
def test_silence_is_cut_off_unless_told_otherwise(kind: type, golden: Path, tmp_path: Path) -> None:
    frames = {PerceptualMel: (167, 334), LogBands: (250, 500)}[kind]
    path = as_wav(tmp_path, "tone_zeros_32k", signals(golden)["tone_zeros_32k"])
    assert tuple(len(each.chunks(path)[0]) for each in (kind(), kind().untrimmed())) == frames
    name, expected = f"a_{KINDS[kind][0]}_trimmed", arrays(golden, f"a_{KINDS[kind][0]}_trimmed")["tone_zeros_32k"]
    found = kind().chunks(path)[0].T[:, :: int(expected["step"])]
    assert np.abs(found - expected[""]).mean() < 0.003, name  # of the dither of SoX


@pytest.mark.parametrize("kind, frames", [(PerceptualMel, 1), (LogBands, 1)])
def test_one_sample_is_enough(kind: type, frames: int) -> None:
    found, _ = kind().chunks_and_rate_of("a", np.full((1, 1), 0.5), 32000)
    assert found.shape == (1, frames, 128) and np.isfinite(found).all()


def test_no_sample_is_an_error_that_names_the_recording() -> None:
    with pytest.raises(
        AudioError, match=r"^a: has no samples, one at least was expected; use a longer fixed_length=S$"
    ):
        PerceptualMel(fixed_length=1e-6).chunks_and_rate_of("a", np.ones((1, 1)), 32000)


def test_bands_that_catch_nothing_are_told_of_and_a_range_without_bands_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    PerceptualMel(num_bands=1000, window_length=64)(np.ones(3200), 32000)
    assert "of 1000 bands catch no frequency bin and stay empty; use fewer bands" in caplog.text
    with pytest.raises(AudioError, match=r"^has no band from lowest_hz=20 to highest_hz=50 at a sample rate of 32000 "):
        LogBands(highest_hz=50)(np.ones(3200), 32000)


@pytest.mark.parametrize("kind", KINDS)
def test_each_setting_matters(kind: type) -> None:
    signal = np.random.default_rng(0).uniform(-0.1, 0.1, 9600)
    signal[:2000] = 1e-6
    changes = {
        PerceptualMel: {"num_bands": 64, "dynamic_range": 30.0, "a_weighting": False, "highest_hz": 8000.0},
        LogBands: {"bands_per_octave": 12, "tuning_hz": 450.0, "pcm_bits": 8, "normalise_peak": False},
    }[kind]
    usual = kind().chunks_and_rate_of("a", signal[np.newaxis], 32000)[0]
    for name, value in {**changes, "trim_silence": False, "fixed_length": 0.2, "hop_length": 500}.items():
        other = kind(**{name: value}).chunks_and_rate_of("a", signal[np.newaxis], 32000)[0]
        assert other.shape != usual.shape or not np.allclose(other, usual), name
