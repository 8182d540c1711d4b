# SPDX-License-Identifier: GPL-3.0-or-later
"""Triangular filters over the bins of a spectrum, on the scales that the tagging systems use.

The bands of a bank are kept in groups of a few neighbours, each a small dense matrix over the bins that they need:
products of these take a tenth of the time of one dense product, and less than those of sparse matrices.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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
