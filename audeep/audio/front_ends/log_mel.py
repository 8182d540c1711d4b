# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end of the baseline of DCASE 2019 task 2: logarithm of mel bands of magnitudes.

Fonseca et al., Audio tagging with noisy labels and minimal supervision, DCASE 2019.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from audeep.audio.filter_banks import FilterBank, htk_mel_bank
from audeep.audio.front_ends.base import Frames
from audeep.audio.front_ends.clips import rate_option
from audeep.audio.front_ends.spectra import (
    SpectralFrontEnd,
    bands_option,
    highest_option,
    hop_option,
    lowest_option,
    window_option,
)
from audeep.audio.signal import Samples
from audeep.errors import AudioError
from audeep.runtime.options import option


@dataclass(frozen=True)
class LogMel(SpectralFrontEnd):
    """Natural logarithm of mel bands of magnitudes, plus an offset: silence is ln 0.001 = -6.9.

    Windows begin with the signal, and none goes beyond its end. Each is weighted by a periodic Hann window and padded
    with zeros to the next power of two. The bands are triangles of height 1 on the mel scale of HTK.
    """

    quantity: ClassVar[str] = "log magnitude"

    sample_rate: int | None = rate_option(44100)
    window_length: int = window_option(1102)
    hop_length: int = hop_option(441)
    lowest_hz: float = lowest_option(20.0)
    highest_hz: float | None = highest_option(20000.0)
    num_bands: int = bands_option(96)
    log_offset: float = option(0.001, "added before the logarithm is taken", above=0, metavar="VALUE")

    @property
    def fft_length(self) -> int:
        """The next power of two."""
        return 1 << (self.window_length - 1).bit_length()

    @property
    def shortest_seconds(self) -> float:
        """Length of a window, where the sample rate is known."""
        return 0.0 if self.sample_rate is None else self.window_length / self.sample_rate

    @property
    def num_values(self) -> int | None:
        """Mel bands of a frame."""
        return self.num_bands

    def bank(self, sample_rate: int) -> FilterBank:
        """The mel bands at a sample rate in Hz."""
        return htk_mel_bank(self.num_bands, self.fft_length, sample_rate, *self.range_hz(sample_rate))

    def framed(self, signal: Samples) -> tuple[Samples, int]:
        """The signal as it is, and its number of windows."""
        if len(signal) < self.window_length:
            raise AudioError(
                f"lasts {len(signal)} samples, window_length={self.window_length} needs {self.window_length}; use a"
                " shorter window or a fixed_length=S"
            )
        return signal, 1 + (len(signal) - self.window_length) // self.hop_length

    def frames(self, padded: Samples, num_frames: int, sample_rate: int) -> Frames:
        """Logarithms of mel bands, [time, freq]."""
        bank = self.bank(sample_rate)
        found = np.empty((num_frames, bank.num_bands), np.float32)
        for where, powers in self.powers(padded, num_frames):
            bands = bank(np.sqrt(powers, out=powers))
            bands += self.log_offset
            np.log(bands, out=found[where], casting="same_kind")
        return found
