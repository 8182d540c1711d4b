# SPDX-License-Identifier: GPL-3.0-or-later
"""Mel-frequency cepstral coefficients, as the beginner's kernel to Freesound 2018 takes them from librosa 0.6.

Zafar, Beginner's guide to audio data, Kaggle, 2018.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.fft

from audeep.audio.filter_banks import FilterBank, slaney_mel_bank
from audeep.audio.front_ends.base import Frames
from audeep.audio.front_ends.clips import rate_option
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


@dataclass(frozen=True)
class Mfcc(CentredFrontEnd):
    """The first coefficients of the orthonormal cosine transform of mel bands in decibels.

    Windows are centred at multiples of the hop, in a signal that is mirrored at both ends. The decibels are those of
    powers above 1, `dynamic_range` below the loudest band of the recording at least.
    """

    quantity: ClassVar[str] = "coefficient"

    sample_rate: int | None = rate_option(16000)
    window_length: int = window_option(2048)
    hop_length: int = hop_option(512)
    num_bands: int = bands_option(128)
    dynamic_range: float = range_option(80.0)
    num_coefficients: int = option(20, "coefficients that are kept", least=1, most=2**10, metavar="N")

    def problem(self) -> str | None:
        """What is wrong with the settings, if anything."""
        if self.num_coefficients > self.num_bands:
            return (
                f"num_coefficients={self.num_coefficients}: there are at most as many as num_bands={self.num_bands};"
                " choose fewer"
            )
        return super().problem()

    @property
    def num_values(self) -> int | None:
        """Coefficients of a frame."""
        return self.num_coefficients

    def bank(self, sample_rate: int) -> FilterBank:
        """The mel bands at a sample rate in Hz."""
        return slaney_mel_bank(self.num_bands, self.fft_length, sample_rate, *self.range_hz(sample_rate))

    def frequencies(self, sample_rate: int) -> None:
        """Nothing: coefficients are no bands."""

    def frames(self, padded: Samples, num_frames: int, sample_rate: int) -> Frames:
        """Coefficients, [time, coefficient]."""
        bank = self.bank(sample_rate)
        bands = np.empty((num_frames, bank.num_bands))
        for where, powers in self.powers(padded, num_frames):
            bands[where] = bank(powers)
        decibels(bands, out=bands)
        levels = np.maximum(bands, bands.max() - self.dynamic_range, out=bands)
        coefficients = scipy.fft.dct(levels, axis=1, norm="ortho", workers=1)[:, : self.num_coefficients]
        return np.ascontiguousarray(coefficients, np.float32)
