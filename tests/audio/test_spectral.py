# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectral analysis against slow computations and against the numbers of auDeep 0.9."""

from pathlib import Path

import numpy as np
import pytest
import scipy.signal

from audeep.audio import spectral
from audeep.audio.passes import normalise
from audeep.audio.spectral import (
    BLOCK_SAMPLES,
    mel_filters,
    mel_frequencies,
    mel_spectrogram,
    power_spectrogram,
    power_to_db,
    pre_emphasis,
    relative,
)

OLD_FILTERS = np.load(Path(__file__).parents[1] / "support" / "files" / "mel_filters.npz")
OLD_SETUPS = [(44100, 3528, 128), (16000, 640, 40), (8000, 200, 64)]


def dense_filters(num_bands: int, window: int, sample_rate: int) -> np.ndarray:
    return mel_filters(num_bands, window, sample_rate).toarray()


def noise(num_samples: int) -> np.ndarray:
    return np.random.default_rng(num_samples).standard_normal(num_samples)


@pytest.fixture(autouse=True)
def forget_filters():
    mel_filters.cache_clear()


@pytest.fixture(params=["compiled", "numpy"])
def either_way(request, monkeypatch):
    """With the compiled passes and without."""
    if request.param == "numpy":
        monkeypatch.setattr(spectral, "kernels", None)
    elif spectral.kernels is None:
        pytest.skip("audeep was installed without a compiler")


def test_pre_emphasis_subtracts_most_of_the_sample_before():
    samples = np.array([1.0, 2.0, -1.0])
    np.testing.assert_allclose(pre_emphasis(samples), [1.0, 2.0 - 0.95, -1.0 - 1.9])
    np.testing.assert_allclose(pre_emphasis(samples, 0.5), [1.0, 1.5, -2.0])
    np.testing.assert_array_equal(samples, [1.0, 2.0, -1.0])


@pytest.mark.parametrize(("num_samples", "window", "overlap"), [(50, 12, 5), (61, 13, 6), (40, 40, 0), (33, 8, 7)])
def test_power_equals_the_fourier_sum_written_out(either_way, num_samples, window, overlap):
    samples = noise(num_samples) + 3
    power = power_spectrogram(samples, window, overlap)
    assert power.shape == (window // 2 + 1, (num_samples - overlap) // (window - overlap))
    for frame in range(power.shape[1]):
        segment = samples[frame * (window - overlap) :][:window]
        segment = segment - segment.sum() / window
        for k in range(power.shape[0]):
            terms = [
                segment[t] * np.sin(np.pi * t / window) ** 2 * np.exp(-2j * np.pi * k * t / window)
                for t in range(window)
            ]
            assert power[k, frame] == pytest.approx(abs(sum(terms)) ** 2, abs=1e-10)


def test_power_equals_scipy_over_several_blocks(either_way):
    window, overlap = 2000, 1000
    samples = noise(3 * BLOCK_SAMPLES // 2)
    _, _, magnitudes = scipy.signal.spectrogram(
        samples, window="hann", nperseg=window, noverlap=overlap, scaling="spectrum", mode="magnitude"
    )
    np.testing.assert_allclose(
        power_spectrogram(samples, window, overlap), (magnitudes * window / 2) ** 2, rtol=1e-8, atol=1e-8
    )


def test_gaps_between_windows_are_possible(either_way):
    samples = noise(34)
    power = power_spectrogram(samples, 10, -1)  # every 11 samples
    assert power.shape == (6, 3)
    np.testing.assert_allclose(power[:, 2], power_spectrogram(samples[22:32], 10, 0)[:, 0])


@pytest.mark.parametrize(("sample_rate", "window", "num_bands"), OLD_SETUPS)
def test_mel_filters_equal_the_old_ones(sample_rate, window, num_bands):
    key = f"fs{sample_rate}_w{window}_b{num_bands}"
    np.testing.assert_allclose(dense_filters(num_bands, window, sample_rate), OLD_FILTERS[f"{key}_filters"], atol=1e-12)
    np.testing.assert_allclose(mel_frequencies(num_bands, sample_rate), OLD_FILTERS[f"{key}_hz"], atol=1e-6)


@pytest.mark.parametrize("window", [200, 201, 3529])
def test_no_mel_filter_leaves_the_bins_of_an_odd_window(window):
    filters = dense_filters(20, window, 8000)
    assert filters.shape == (20, window // 2 + 1)
    assert filters.min() == 0
    np.testing.assert_array_equal(filters.max(axis=1), 1)


def test_bands_without_a_bin_are_counted_once_for_each_setup(caplog):
    for _ in range(3):
        filters = dense_filters(64, 200, 8000)
    assert np.count_nonzero(~filters.any(axis=1)) == 6
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 1
    assert warnings[0].startswith("6 of 64 mel bands catch no frequency bin of a window of 200 samples at 8000 Hz")


def test_no_warning_where_every_band_has_a_bin(caplog):
    mel_filters(40, 640, 16000)
    assert not caplog.records


def test_cached_filters_cannot_be_overwritten():
    with pytest.raises(ValueError, match="read-only"):
        mel_filters(40, 640, 16000).data[0] = 1


@pytest.mark.parametrize(("sample_rate", "window", "num_bands"), [*OLD_SETUPS, (8000, 12, 40), (44100, 3, 1)])
def test_mel_spectrogram_sums_the_weighted_bins(either_way, sample_rate, window, num_bands):
    samples, overlap = noise(3 * window + 70000), window // 3
    expected = dense_filters(num_bands, window, sample_rate) @ power_spectrogram(samples, window, overlap)
    found = mel_spectrogram(samples, window, overlap, num_bands, sample_rate)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_compiled_passes_refuse_arrays_that_do_not_fit():
    kernels = pytest.importorskip("audeep.audio._spectra")
    samples, starts = np.zeros(10), np.array([0, 2])
    with pytest.raises(ValueError, match="fewer samples"):
        kernels.windowed(samples, np.ones(4), np.empty((3, 4)), 4)
    with pytest.raises(ValueError, match="fewer samples"):
        kernels.windowed(samples, np.ones(4), np.empty((1, 4)), 0)
    with pytest.raises(ValueError, match="fewer samples"):
        kernels.windowed(samples, np.ones(4), np.empty((9, 4)), 2**60 + 1000)
    for first_bin, weights in [(-1, 2), (4, 2), (0, 1), (2**62, 2)]:
        with pytest.raises(ValueError, match="fewer bins"):
            kernels.band_powers(np.zeros(5, complex), np.array([first_bin]), starts, np.ones(weights), np.empty(1))
    with pytest.raises(ValueError, match="contiguous"):
        kernels.windowed(samples[::2], np.ones(4), np.empty((1, 4)), 4)


def test_loudest_cell_is_0_db_and_zeros_are_lifted_to_the_smallest_positive_cell():
    power = np.array([[100.0, 0.0], [1.0, 10.0]])
    np.testing.assert_allclose(power_to_db(power), [[0, -20], [-20, -10]])
    np.testing.assert_array_equal(power, [[100, 0], [1, 10]])


def test_silence_is_0_db_throughout():
    np.testing.assert_array_equal(power_to_db(np.zeros((3, 4))), np.zeros((3, 4)))


def test_decibels_do_not_depend_on_the_level():
    power = np.random.default_rng(0).uniform(size=(5, 6))
    np.testing.assert_allclose(power_to_db(power), power_to_db(1e-9 * power))


@pytest.mark.parametrize("reference", ["frame", "previous", "neighbours"])
def test_relative_spectrograms_are_differences_times_a_constant(reference):
    spectrogram = np.random.default_rng(0).uniform(-1, 1, (40, 5))
    expected = np.empty_like(spectrogram)
    for time in range(40):
        if reference == "frame":
            expected[time] = 1.5 * (spectrogram[time] - spectrogram[time].sum() / 5)
        elif reference == "previous":
            expected[time] = 4 * (spectrogram[time] - spectrogram[time - 1]) if time else 0
        else:
            around = [spectrogram[min(max(other, 0), 39)] for other in range(time - 10, time + 11)]
            expected[time] = 2 * (spectrogram[time] - sum(around) / 21)
    np.testing.assert_allclose(relative(spectrogram, reference), expected, atol=1e-12)


@pytest.mark.parametrize("power", [1e-305, 1e-310, 5e-324])
@pytest.mark.parametrize("loudest", [1.0, 1e5, 1e300])
def test_cells_too_far_below_the_loudest_for_a_ratio_are_finite(power, loudest):
    decibels = power_to_db(np.array([[loudest, power, 0.0], [loudest / 10, power, power]]))
    assert np.isfinite(decibels).all() and decibels.max() == 0
    assert np.isfinite(normalise(decibels)).all()
