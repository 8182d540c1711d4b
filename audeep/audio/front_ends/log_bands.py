# SPDX-License-Identifier: GPL-3.0-or-later
"""The second front end of Dorfer and Widmer's entry to DCASE 2018 task 2: logarithm of bands of octaves.

Its filters are those of madmom (Böck et al., madmom: a new Python audio and music signal processing library, 2016).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from audeep.audio.filter_banks import FilterBank, logarithmic_bank
from audeep.audio.front_ends.base import Array, Frames
from audeep.audio.front_ends.clips import peak_option, rate_option, trim_option
from audeep.audio.front_ends.spectra import (
    SpectralFrontEnd,
    highest_option,
    hop_option,
    lowest_option,
    window_option,
)
from audeep.audio.signal import Samples
from audeep.audio.spectral import hann
from audeep.errors import AudioError
from audeep.runtime.options import option


@dataclass(frozen=True)
class LogBands(SpectralFrontEnd):
    """log10(1 + magnitude) of bands that divide octaves; silence is 0.

    Windows begin at multiples of the hop, and the last ones go beyond the end of the signal, into zeros. Each is
    weighted by a symmetric Hann window. As in the original, the signal is made of integers of 16 bits, and those are
    rounded towards 0 when they are scaled to full scale.
    """

    quantity: ClassVar[str] = "log magnitude"

    sample_rate: int | None = rate_option(32000)
    trim_silence: bool = trim_option(True)
    normalise_peak: bool = peak_option(True)
    window_length: int = window_option(1024)
    hop_length: int = hop_option(128)
    lowest_hz: float = lowest_option(20.0)
    highest_hz: float | None = highest_option(14000.0)
    bands_per_octave: int = option(26, "into which each octave is divided", least=1, most=2**8, metavar="BANDS")
    tuning_hz: float = option(440.0, "frequency where one of the bands is centred", above=0, metavar="HZ", unit="Hz")
    pcm_bits: int = option(16, "of the integers that samples are rounded to", least=8, most=32, metavar="BITS")

    @property
    def window(self) -> Array:
        """A symmetric Hann window, [window_length]."""
        return hann(self.window_length, self.window_length - 1)

    def bank(self, sample_rate: int) -> FilterBank:
        """The bands at a sample rate in Hz."""
        limits = self.range_hz(sample_rate)
        bank = logarithmic_bank(self.bands_per_octave, self.fft_length, sample_rate, *limits, self.tuning_hz)
        if not bank.num_bands:
            raise AudioError(
                f"has no band from lowest_hz={limits[0]:g} to highest_hz={limits[1]:g} at a sample rate of"
                f" {sample_rate} Hz; use a longer window than window_length={self.window_length}, or a wider range"
            )
        return bank

    def levelled(self, signal: Samples) -> Samples:
        """The signal as integers, perhaps of full scale, over the largest one."""
        largest = 2 ** (self.pcm_bits - 1) - 1
        integers: Samples = np.rint(signal * (largest + 1)).clip(-largest - 1, largest)
        loudest = np.abs(integers).max(initial=0)
        if self.normalise_peak and loudest > 0:
            integers = np.trunc(integers / (loudest / largest))
        integers /= largest
        return integers

    def framed(self, signal: Samples) -> tuple[Samples, int]:
        """The signal and zeros after it, and its number of windows."""
        num_frames = -(-len(signal) // self.hop_length)
        end = (num_frames - 1) * self.hop_length + self.window_length
        return np.pad(signal, (0, max(0, end - len(signal)))), num_frames

    def frames(self, padded: Samples, num_frames: int, sample_rate: int) -> Frames:
        """Logarithms of bands, [time, freq]."""
        bank = self.bank(sample_rate)
        found = np.empty((num_frames, bank.num_bands), np.float32)
        for where, powers in self.powers(padded, num_frames):
            bands = bank(np.sqrt(powers, out=powers))
            bands += 1
            np.log10(bands, out=found[where], casting="same_kind")
        return found
