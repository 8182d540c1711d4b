# SPDX-License-Identifier: GPL-3.0-or-later
"""Triangular filters over the bins of a spectrum, on the scales that the tagging systems use.

The bands of a bank are kept in groups of a few neighbours, each a small dense matrix over the bins that they need:
products of these take a tenth of the time of one dense product, and less than those of sparse matrices.
"""

import logging
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

Array = NDArray[np.float64]
Spectra = NDArray[np.floating]

BANDS_TOGETHER = 16
NUM_CACHED = 8  # banks, of 4 MiB at most with 2**16 samples in a window
MEL_BREAK_HZ, MEL_STEP_HZ, MELS_PER_LOG = 1000.0, 200 / 3, 27 / np.log(6.4)  # Slaney, Auditory Toolbox


@dataclass(frozen=True)
class FilterBank:
    """Weights of bins in bands.

    Attributes:
        frequencies_hz: where bands are centred, [band].
        parts: of the bands, in their order: the first bin that they need, and the weights [bin, band]; read-only.
    """

    frequencies_hz: Array
    parts: tuple[tuple[int, NDArray[np.float32]], ...]

    @property
    def num_bands(self) -> int:
        """Its bands."""
        return len(self.frequencies_hz)

    def __call__(self, spectra: Spectra) -> Spectra:
        """Sums over the weighted bins of each band: [frames, bins] -> [frames, band]."""
        bands = np.empty((len(spectra), self.num_bands), spectra.dtype)
        start = 0
        for first, weights in self.parts:
            stop = start + weights.shape[1]
            np.matmul(spectra[:, first : first + len(weights)], weights, out=bands[:, start:stop])
            start = stop
        return bands


def triangles(positions: Array, corners: Array, heights: Array, frequencies_hz: Array) -> FilterBank:
    """Bands i that rise from corner i to corner i + 1, where they have their height, and fall to corner i + 2.

    Args:
        positions: of the bins on the scale of the corners, [bin], ascending.
        corners: [band + 2].
        heights: [band].
    """
    parts = []
    for start in range(0, len(heights), BANDS_TOGETHER):
        stop = min(start + BANDS_TOGETHER, len(heights))
        first, last = np.searchsorted(positions, [corners[start], corners[stop + 1]])
        found = positions[first : last + 1, np.newaxis]
        left, centre, right = (corners[start + shift : stop + shift] for shift in range(3))
        slopes = np.minimum((found - left) / (centre - left), (right - found) / (right - centre))
        weights = (np.maximum(slopes, 0) * heights[start:stop]).astype(np.float32)
        weights.flags.writeable = False
        parts.append((int(first), weights))
    num_empty = sum(int(np.count_nonzero(~weights.any(axis=0))) for _, weights in parts)
    if num_empty:
        logger.warning(
            "%d of %d bands catch no frequency bin and stay empty; use fewer bands or a longer window",
            num_empty,
            len(heights),
        )
    return FilterBank(frequencies_hz, tuple(parts))


def bin_frequencies(fft_length: int, sample_rate: int) -> Array:
    """Frequencies of the bins in Hz, [fft_length // 2 + 1]."""
    return np.arange(fft_length // 2 + 1, dtype=np.float64) * (sample_rate / fft_length)


@lru_cache(maxsize=NUM_CACHED)
def htk_mel_bank(num_bands: int, fft_length: int, sample_rate: int, lowest_hz: float, highest_hz: float) -> FilterBank:
    """Mel bands of height 1 that are triangles on the mel scale of HTK, 1127 ln(1 + f / 700)."""
    lowest, highest = htk_mel(np.array([lowest_hz, highest_hz]))
    corners = np.linspace(lowest, highest, num_bands + 2)
    centres = 700 * np.expm1(corners[1:-1] / 1127)
    return triangles(htk_mel(bin_frequencies(fft_length, sample_rate)), corners, np.ones(num_bands), centres)


def htk_mel(frequencies_hz: Array) -> Array:
    """Mels of frequencies (Young et al., The HTK Book)."""
    return 1127 * np.log1p(frequencies_hz / 700)


@lru_cache(maxsize=NUM_CACHED)
def slaney_mel_bank(
    num_bands: int, fft_length: int, sample_rate: int, lowest_hz: float, highest_hz: float
) -> FilterBank:
    """Mel bands of area 1 that are triangles in Hz, their corners on the mel scale of Slaney, as those of librosa."""
    lowest, highest = slaney_mel(np.array([lowest_hz, highest_hz]))
    corners = slaney_hz(np.linspace(lowest, highest, num_bands + 2))
    return triangles(bin_frequencies(fft_length, sample_rate), corners, 2 / (corners[2:] - corners[:-2]), corners[1:-1])


def slaney_mel(frequencies_hz: Array) -> Array:
    """Mels of frequencies: linear up to 1 kHz, logarithmic above (Slaney, Auditory Toolbox, 1998)."""
    above = np.log(np.maximum(frequencies_hz, MEL_BREAK_HZ) / MEL_BREAK_HZ) * MELS_PER_LOG
    mels: Array = np.minimum(frequencies_hz, MEL_BREAK_HZ) / MEL_STEP_HZ + above
    return mels


def slaney_hz(mels: Array) -> Array:
    """Frequencies of mels; the inverse of `slaney_mel`."""
    most = MEL_BREAK_HZ / MEL_STEP_HZ
    frequencies: Array = np.minimum(mels, most) * MEL_STEP_HZ * np.exp(np.maximum(mels - most, 0) / MELS_PER_LOG)
    return frequencies


@lru_cache(maxsize=NUM_CACHED)
def logarithmic_bank(
    bands_per_octave: int, fft_length: int, sample_rate: int, lowest_hz: float, highest_hz: float, tuning_hz: float
) -> FilterBank:
    """Bands of sum 1 that are triangles over bins, as those of madmom.

    Their corners are the bins nearest to frequencies that divide each octave, one of which is `tuning_hz`, evenly on a
    logarithmic scale; where several share a bin, as at low frequencies, there are fewer bands.
    """
    frequencies = bin_frequencies(fft_length, sample_rate)[: fft_length // 2]
    first, last = (np.log2(limit / tuning_hz) * bands_per_octave for limit in (max(lowest_hz, 1e-3), highest_hz))
    wanted = tuning_hz * 2 ** (np.arange(np.ceil(first), np.floor(last) + 1) / bands_per_octave)
    bins = np.unique(np.round(wanted * fft_length / sample_rate).astype(np.int64).clip(0, len(frequencies) - 1))
    corners = bins.astype(np.float64)
    heights = 2 / (corners[2:] - corners[:-2])  # as the sum of a triangle over integers is half its width
    return triangles(np.arange(fft_length // 2 + 1.0), corners, heights, frequencies[bins[1:-1]])


def a_weighting_db(frequencies_hz: Array) -> Array:
    """The A-weighting of frequencies in decibels, -80 at least, with the rounded constants of librosa 0.6."""
    squares = frequencies_hz**2
    poles = np.array([12200.0, 20.6, 107.7, 737.9]) ** 2
    gains = 10**0.1 * poles[0] * squares**2 / ((squares + poles[0]) * (squares + poles[1]))
    gains /= np.sqrt((squares + poles[2]) * (squares + poles[3]))
    weights: Array = 20 * np.log10(np.maximum(gains, 1e-4))
    return weights
