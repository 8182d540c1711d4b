# SPDX-License-Identifier: GPL-3.0-or-later
"""The first front end of Dorfer and Widmer's entry to DCASE 2018 task 2: A-weighted decibels in mel bands.

Dorfer and Widmer, Training general-purpose audio tagging networks with noisy labels and iterative self-verification,
DCASE 2018.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from audeep.audio.filter_banks import FilterBank, a_weighting_db, bin_frequencies, slaney_mel_bank
from audeep.audio.front_ends.base import Frames
from audeep.audio.front_ends.clips import rate_option, trim_option
from audeep.audio.front_ends.spectra import (
    CentredFrontEnd,
    bands_option,
    decibels,
    hop_option,
    range_option,
    window_option,
)
from audeep.audio.signal import Samples
from audeep.runtime.options import option

FRAMES_TOGETHER = 64  # that are mapped to bands at a time, so that they stay in the cache


@dataclass(frozen=True)
class PerceptualMel(CentredFrontEnd):
    """Mel bands of A-weighted decibels: the mean of the decibels of the bins of each band, divided by 31 or so.

    Windows are centred at multiples of the hop, in a signal that is mirrored at both ends. Powers are in decibels above
    a power of 1, `dynamic_range` below the loudest cell of the recording at least; the A-weighting is added to them,
    and the filters of the bands, which have an area of 1 over frequencies in Hz, are applied to the sum.
    """

    quantity: ClassVar[str] = "weighted level"

    sample_rate: int | None = rate_option(32000)
    trim_silence: bool = trim_option(True)
    window_length: int = window_option(1024)
    hop_length: int = hop_option(192)
    num_bands: int = bands_option(128)
    dynamic_range: float = range_option(99.0)
    a_weighting: bool = option(True, "weight frequencies as the ear does")

    @property
    def num_values(self) -> int | None:
        """Mel bands of a frame."""
        return self.num_bands

    def bank(self, sample_rate: int) -> FilterBank:
        """The mel bands at a sample rate in Hz."""
        return slaney_mel_bank(self.num_bands, self.fft_length, sample_rate, *self.range_hz(sample_rate))

    def frames(self, padded: Samples, num_frames: int, sample_rate: int) -> Frames:
        """Mel bands of weighted decibels, [time, freq]."""
        bank = self.bank(sample_rate)
        cells = np.empty((num_frames, self.fft_length // 2 + 1), self.precision)
        for where, powers in self.powers(padded, num_frames):
            decibels(powers, out=cells[where])
        lowest, bands = cells.max() - self.dynamic_range, np.empty((num_frames, bank.num_bands), self.precision)
        for start in range(0, num_frames, FRAMES_TOGETHER):
            block = cells[start : start + FRAMES_TOGETHER]
            bands[start : start + FRAMES_TOGETHER] = bank(np.maximum(block, lowest, out=block))
        if self.a_weighting:  # which is the same in all frames
            bands += bank(a_weighting_db(bin_frequencies(self.fft_length, sample_rate))[np.newaxis])
        return bands.astype(np.float32, copy=False)
