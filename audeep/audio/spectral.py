# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectrograms of samples: pure functions on arrays."""

from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.signal

CONSTANT_RANGE = 1e-4  # a spectrogram whose values differ by no more is constant


def pre_emphasis(samples: np.ndarray, coefficient: float = 0.95) -> np.ndarray:
    """y[0] = x[0], y[t] = x[t] - coefficient * x[t - 1]; samples [sample]."""
    emphasised = samples.copy()
    emphasised[1:] -= coefficient * samples[:-1]
    return emphasised


def num_frames(num_samples: int, window: int, overlap: int) -> int:
    """Whole windows in `num_samples`, all lengths in samples."""
    return max(0, (num_samples - overlap) // (window - overlap))


def power_spectrogram(samples: np.ndarray, window: int, overlap: int) -> np.ndarray:
    """Squared magnitude of the short-time Fourier transform: [sample] -> [time, bin], in the type of `samples`.

    Periodic Hann windows of `window` samples, each segment less its mean, no padding at the edges, and no scaling.
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[:: window - overlap]
    weights = scipy.signal.get_window("hann", window).astype(samples.dtype)
    spectrum = scipy.fft.rfft((frames - frames.mean(axis=1, keepdims=True)) * weights, overwrite_x=True)
    return spectrum.real**2 + spectrum.imag**2


def fft_frequencies(window: int, sample_rate: int) -> np.ndarray:
    """Centre of each bin in Hz."""
    return scipy.fft.rfftfreq(window, 1 / sample_rate)


def mel_frequencies(num_bands: int, sample_rate: int) -> np.ndarray:
    """Corners of `num_bands` triangles in Hz [num_bands + 2]: equally spaced from 0 to half the sample rate on the
    mel scale of HTK, 2595 log10(1 + f / 700). Entries 1 to num_bands are the centres."""
    highest = 2595 * np.log10(1 + sample_rate / 2 / 700)
    return 700 * (10 ** (np.linspace(0, highest, num_bands + 2) / 2595) - 1)


@lru_cache(maxsize=32)
def mel_filters(num_bands: int, window: int, sample_rate: int) -> np.ndarray:
    """Unnormalised triangles over whole bins, [band, bin], float64; a band that catches no bin is zero."""
    corners = np.floor((window + 1) * mel_frequencies(num_bands, sample_rate) / sample_rate)
    left, centre, right = (corners[start : start + num_bands, None] for start in range(3))
    bins = np.arange(window // 2 + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rising = np.where((left <= bins) & (bins < centre), (bins - left) / (centre - left), 0)
        falling = np.where((centre <= bins) & (bins < right), (right - bins) / (right - centre), 0)
    filters = rising + falling
    filters.setflags(write=False)
    return filters


def power_to_db(power: np.ndarray) -> np.ndarray:
    """10 log10(power / max(power)), so that the loudest is 0 dB; what is below the smallest positive value is lifted
    to it. Silence gives 0 dB throughout."""
    loudest = power.max()
    if loudest <= 0:
        return np.zeros_like(power)
    least = power[power > 0].min()
    return 10 * np.log10(np.maximum(power, least) / loudest)


def normalise(spectrogram: np.ndarray) -> np.ndarray:
    """Scale linearly to [-1, 1]; a spectrogram that is nearly constant becomes 0."""
    centred = spectrogram - spectrogram.mean()
    lowest, highest = centred.min(), centred.max()
    if highest - lowest <= CONSTANT_RANGE:
        return centred - lowest
    return 2 * (centred - lowest) / (highest - lowest) - 1
