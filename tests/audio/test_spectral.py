# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectral analysis against slow computations and against the numbers of auDeep 0.9."""

from pathlib import Path

import numpy as np
import pytest
import scipy.fft
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
    filters, dense = mel_filters(num_bands, window, sample_rate), np.zeros((num_bands, window // 2 + 1))
    for band, first in enumerate(filters.first_bins):
        weights = filters.weights[filters.starts[band] : filters.starts[band + 1]]
        dense[band, first : first + len(weights)] = weights
    return dense


def noise(num_samples: int) -> np.ndarray:
    return np.random.default_rng(num_samples).standard_normal(num_samples)


@pytest.fixture(autouse=True)
def forget_filters():
    mel_filters.cache_clear()


@pytest.fixture(params=["compiled", "numpy"])
def either_way(request, monkeypatch):
    """With the compiled spectra and without."""
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
        mel_filters(40, 640, 16000).weights[0] = 1


@pytest.mark.parametrize(("sample_rate", "window", "num_bands"), [*OLD_SETUPS, (8000, 12, 40), (44100, 3, 1)])
def test_mel_spectrogram_sums_the_weighted_bins(either_way, sample_rate, window, num_bands):
    samples, overlap = noise(3 * window + 70000), window // 3
    expected = dense_filters(num_bands, window, sample_rate) @ power_spectrogram(samples, window, overlap)
    found = mel_spectrogram(samples, window, overlap, num_bands, sample_rate)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.fixture
def kernels():
    return pytest.importorskip("audeep.audio._spectra")


def compiled_spectra(kernels, samples: np.ndarray, window: np.ndarray, hop: int, lanes: int) -> np.ndarray | None:
    length = len(window)
    powers = np.empty(((len(samples) - length) // hop + 1, length // 2 + 1))
    roots = np.exp(-2j * np.pi / length * np.arange(length))
    return powers if kernels.spectra(samples, window, roots, hop, powers, lanes) else None


@pytest.mark.parametrize("lanes", [2, 4, 8])
@pytest.mark.parametrize(
    "length",
    [*range(1, 33), 48, 54, 61, 64, 81, 95, 100, 122, 125, 128, 200, 243, 256, 343, 441, 512, 640, 961, 1001]
    + [1024, 1102, 1536, 1920, 3528, 3721, 4096, 5184, 7680],
)
def test_compiled_spectra_are_as_exact_as_double_precision_allows(kernels, length, lanes):
    if lanes > kernels.LANES:
        pytest.skip(f"this processor has {kernels.LANES} lanes")
    hop, num_frames = length // 3 + 1, 11
    samples, window = noise(num_frames * hop + length) + 0.5, np.random.default_rng(1).uniform(0, 1, length)
    found = compiled_spectra(kernels, samples, window, hop, lanes)
    frames = np.stack([samples[frame * hop :][:length] for frame in range(num_frames + 1)]).astype(np.longdouble)
    frames = (frames - frames.mean(axis=1, keepdims=True)) * window
    exact = np.abs(scipy.fft.rfft(frames, axis=1)) ** 2  # in the precision of its input
    assert np.abs(np.sqrt(found) - np.sqrt(exact)).max() <= 2e-15 * np.sqrt((frames**2).sum(axis=1).max() * length)


def test_a_frame_has_the_same_bytes_wherever_it_stands(kernels):
    samples, window = noise(5000), spectral.hann(441)
    together = compiled_spectra(kernels, samples, window, 200, kernels.LANES)
    alone = [
        compiled_spectra(kernels, samples[start:][:441], window, 1, kernels.LANES) for start in range(0, 4400, 200)
    ]
    np.testing.assert_array_equal(together[: len(alone)], np.concatenate(alone))


@pytest.mark.parametrize("length", [67, 2 * 67, 1031, 2 * 1031, 2 * 67 * 8])
def test_windows_with_a_large_prime_factor_are_left_to_scipy(kernels, length):
    assert compiled_spectra(kernels, noise(2 * length), np.ones(length), length, 2) is None
    found = power_spectrogram(noise(2 * length), length, 0)
    np.testing.assert_allclose(found, np.concatenate(list(spectral._powers(noise(2 * length), length, 0))).T)


def test_compiled_spectra_refuse_arrays_that_do_not_fit(kernels):
    samples, window, roots, lanes = np.zeros(10), np.ones(4), np.ones(4, complex), kernels.LANES
    for num_frames, hop in [(3, 4), (1, 0), (1, -1), (9, 2**60 + 1000)]:
        with pytest.raises(ValueError, match="fewer samples"):
            kernels.spectra(samples, window, roots, hop, np.empty((num_frames, 3)), lanes)
    for number in (3, 5):
        with pytest.raises(ValueError, match="roots"):
            kernels.spectra(samples, window, np.ones(number, complex), 4, np.empty((1, 3)), lanes)
    for number in (-2, 0, 3, 16):
        with pytest.raises(ValueError, match="lanes"):
            kernels.spectra(samples, window, roots, 4, np.empty((1, 3)), number)
    for first_bin, num_weights in [(-1, 2), (2, 2), (0, 1), (2**62, 2)]:
        bands = np.array([first_bin]), np.array([0, 2]), np.ones(num_weights)
        with pytest.raises(ValueError, match="fewer bins"):
            kernels.spectra(samples, window, roots, 4, np.empty((1, 1)), lanes, *bands)
    with pytest.raises(ValueError, match="contiguous"):
        kernels.spectra(samples[::2], window, roots, 4, np.empty((1, 3)), lanes)
    assert not kernels.spectra(samples, window[:0], roots[:0], 4, np.empty(0), lanes)


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
