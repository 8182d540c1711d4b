# SPDX-License-Identifier: GPL-3.0-or-later
"""From a signal to decibels over time and frequency: pure functions on arrays.

All arithmetic is in double precision. With single precision, cells far below the loudest one carry more rounding
error than signal, and the smallest cell sets the scale of a spectrogram that is not clipped. Spectra are those of
`_spectra.c` where there was a compiler for it, and of SciPy otherwise.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

try:
    from audeep.audio import _spectra as kernels
except ImportError:  # there was no compiler when audeep was installed
    kernels = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

Array = NDArray[np.float64]
Spectra = NDArray[np.complex128]

BLOCK_SAMPLES = 2**16  # windowed samples at a time: 512 KiB, which stays in the cache
NEIGHBOURHOOD = 21  # frames
REFERENCES = {"frame": 1.5, "previous": 4.0, "neighbours": 2.0}  # what spectrograms may be relative to; factors
SMALLEST_RANGE = 1e-4  # a chunk that varies by no more than this is constant


def pre_emphasis(samples: Array, coefficient: float = 0.95) -> Array:
    """High-pass a signal [num_samples]: y[0] = x[0], y[t] = x[t] - coefficient * x[t - 1]."""
    emphasised = np.empty_like(samples)
    emphasised[:1] = samples[:1]
    np.multiply(samples[:-1], -coefficient, out=emphasised[1:])
    emphasised[1:] += samples[1:]
    return emphasised


def power_spectrogram(samples: Array, window_length: int, overlap: int) -> Array:
    """Squared magnitudes of the short-time Fourier transform: [num_samples] -> [bins, frames].

    Each segment of `window_length` samples loses its mean, is weighted by a periodic Hann window and transformed
    at its own length, so there are window_length // 2 + 1 bins. Nothing is padded: there are
    (num_samples - overlap) // (window_length - overlap) frames. Powers are not scaled.

    Needs num_samples >= window_length > overlap.
    """
    powers = _compiled(samples, window_length, overlap, window_length // 2 + 1)
    if powers is None:
        powers = np.concatenate(list(_powers(samples, window_length, overlap)))
    return powers.T


def mel_spectrogram(samples: Array, window_length: int, overlap: int, num_bands: int, sample_rate: int) -> Array:
    """Sums of a power spectrogram over the bins of each mel band: [num_samples] -> [num_bands, frames].

    Needs what `power_spectrogram` needs.
    """
    filters = mel_filters(num_bands, window_length, sample_rate)
    places = filters.first_bins, filters.starts, filters.weights
    bands = _compiled(samples, window_length, overlap, num_bands, *places)
    if bands is None:
        bands = np.concatenate([filters(block) for block in _powers(samples, window_length, overlap)])
    return bands.T


def frames_together(window_length: int) -> int:
    """How many frames are worked on at a time; spectra of so many, or a multiple, do not depend on what follows."""
    return max(1, BLOCK_SAMPLES // window_length)


def _compiled(
    samples: Array, window_length: int, overlap: int, width: int, *bands: NDArray[np.int64] | Array
) -> Array | None:
    """Powers of bins, or of bands, [frames, width]; None where `_spectra.c` is not there, or not for such windows."""
    if kernels is None:
        return None
    hop = window_length - overlap
    powers = np.empty(((len(samples) - overlap) // hop, width))
    samples, window, roots = np.ascontiguousarray(samples, np.float64), hann(window_length), _roots(window_length)
    is_done = kernels.spectra(samples, window, roots, hop, powers, kernels.LANES, *bands)
    return powers if is_done else None


def _powers(samples: Array, window_length: int, overlap: int) -> Iterator[Array]:
    """Squared magnitudes of the short-time Fourier transform in blocks, [frames, bins]."""
    import scipy.fft

    hop, step = window_length - overlap, frames_together(window_length)
    segments = sliding_window_view(np.asarray(samples, np.float64), window_length)[::hop]
    for start in range(0, len(segments), step):
        found = segments[start : start + step]
        found = (found - found.mean(axis=1, keepdims=True)) * hann(window_length)
        spectra: Spectra = scipy.fft.rfft(found, axis=1, workers=1)
        parts: Array = spectra.view(np.float64)  # real, imaginary, ...
        parts *= parts
        yield parts[:, ::2] + parts[:, 1::2]


@lru_cache(maxsize=16)
def _roots(number: int) -> Spectra:
    """The roots of unity in the order of a Fourier transform, exp(-2 pi i k / number); read-only."""
    roots: Spectra = np.exp(-2j * np.pi / number * np.arange(number))
    roots.flags.writeable = False
    return roots


@lru_cache(maxsize=16)
def hann(length: int, period: int | None = None) -> Array:
    """A Hann window, which is periodic unless another period than its length is given; read-only."""
    window: Array = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / (period or length))
    window.flags.writeable = False
    return window


@dataclass(frozen=True)
class MelFilters:
    """Weights of the frequency bins in each mel band; arrays are read-only.

    Attributes:
        first_bins: where each band begins, [band].
        starts: where the weights of each band begin, and where those of the last end, [band + 1].
        weights: of all bands one after the other, each for as many bins.
    """

    first_bins: NDArray[np.int64]
    starts: NDArray[np.int64]
    weights: Array

    def __post_init__(self) -> None:
        for array in (self.first_bins, self.starts, self.weights):
            array.flags.writeable = False

    def __call__(self, powers: Array) -> Array:
        """Sums of powers over the bins of each band, [frames, bins] -> [frames, band]."""
        bands = np.empty((len(powers), len(self.first_bins)))
        for band, (first, start, stop) in enumerate(zip(self.first_bins, self.starts, self.starts[1:], strict=False)):
            bands[:, band] = powers[:, first : first + stop - start] @ self.weights[start:stop]
        return bands


def mel_points(num_bands: int, sample_rate: int) -> Array:
    """Corners of the triangular bands in Hz, [num_bands + 2], from 0 to half the sample rate.

    Band i rises from corner i to its centre, corner i + 1, and falls to corner i + 2. The corners are equally
    spaced on the mel scale of HTK, 2595 * log10(1 + f / 700) (Young et al., The HTK Book).
    """
    highest = 2595 * np.log10(1 + sample_rate / 2 / 700)
    return 700 * (10 ** (np.linspace(0, highest, num_bands + 2) / 2595) - 1)


def mel_frequencies(num_bands: int, sample_rate: int) -> Array:
    """Centres of the mel bands in Hz, [num_bands]."""
    return mel_points(num_bands, sample_rate)[1:-1]


@lru_cache(maxsize=16)
def mel_filters(num_bands: int, window_length: int, sample_rate: int) -> MelFilters:
    """Triangular bands over the window_length // 2 + 1 bins of a window.

    The corners of the triangles are rounded down to bins, and their height is 1. A band whose corners share one bin
    is empty; a warning says how many are, once for each set of arguments while it is cached.
    """
    corners = np.floor((window_length + 1) * mel_points(num_bands, sample_rate) / sample_rate).astype(np.int64)
    bands = []  # the first bin with a weight, and the weights
    for left, centre, right in zip(corners, corners[1:], corners[2:], strict=False):
        rising = (np.arange(left, centre) - left) / max(1, centre - left)
        falling = (right - np.arange(centre, right)) / max(1, right - centre)
        weights = np.concatenate([rising, falling])
        bands.append((left + 1, weights[1:]) if left < centre else (left, weights))  # the left corner weighs 0
    starts = np.cumsum([0, *(len(weights) for _, weights in bands)], dtype=np.int64)
    first_bins = np.array([first for first, _ in bands], np.int64)
    filters = MelFilters(first_bins, starts, np.concatenate([weights for _, weights in bands]))
    num_empty = np.count_nonzero(np.diff(starts) == 0)
    if num_empty:
        logger.warning(
            "%d of %d mel bands catch no frequency bin of a window of %d samples at %d Hz and stay empty; "
            "use fewer bands or a wider window",
            num_empty,
            num_bands,
            window_length,
            sample_rate,
        )
    return filters


def power_to_db(power: Array) -> Array:
    """Decibels below the loudest cell, which is 0 dB; what is below the smallest positive cell is lifted to it.

    Where no cell is positive, all are 0 dB. None is further below than a ratio of two numbers can tell, 3076 dB.
    """
    loudest, smallest = power.max(), power.min()
    if loudest > 0 >= smallest:
        smallest = power[power > 0].min()
    return decibels_below(power, loudest, smallest)


def decibels_below(power: Array, loudest: float, smallest: float) -> Array:
    """What `power_to_db` gives for a part of cells the loudest and smallest positive of which are known."""
    if loudest <= 0:
        return np.zeros_like(power)
    decibels: Array = np.maximum(power, max(smallest, loudest * np.finfo(power.dtype).tiny))
    decibels /= loudest
    np.log10(decibels, out=decibels)
    decibels *= 10
    return decibels


def stretched(decibels: Array, mean: float, lowest: float, highest: float) -> Array:
    """A part of an array whose mean and extremes are known, shifted and stretched to [-1, 1] with it.

    Where the array varies by `SMALLEST_RANGE` or less, it is shifted to 0 instead.
    """
    centred: Array = decibels - mean
    lowest, highest = lowest - mean, highest - mean
    centred -= lowest
    if highest - lowest <= SMALLEST_RANGE:
        return centred
    centred /= highest - lowest
    centred *= 2
    centred -= 1
    return centred


def relative(spectrogram: Array, reference: str) -> Array:
    """A normalised spectrogram [time, freq] relative to one of `REFERENCES`, times a constant that keeps its range.

    frame: to the mean of its frame, which leaves the shape of the spectrum; previous: to the same band in the
    frame before, zeros at first, which leaves the change; neighbours: to the mean of the same band over
    `NEIGHBOURHOOD` frames around, which removes what is steady.
    """
    import scipy.ndimage

    compared: Array
    if reference == "frame":
        compared = spectrogram.mean(axis=1, keepdims=True)
    elif reference == "previous":
        compared = spectrogram[np.maximum(np.arange(len(spectrogram)) - 1, 0)]
    else:
        compared = scipy.ndimage.uniform_filter1d(spectrogram, NEIGHBOURHOOD, axis=0, mode="nearest")
    return (spectrogram - compared) * REFERENCES[reference]
