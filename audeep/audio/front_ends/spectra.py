# SPDX-License-Identifier: GPL-3.0-or-later
"""What the front ends of the tagging systems share that begin with a short-time Fourier transform."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from audeep.audio.filter_banks import FilterBank, Spectra
from audeep.audio.front_ends.base import Array, Frames
from audeep.audio.front_ends.clips import ClipFrontEnd
from audeep.audio.signal import Samples, check_size
from audeep.audio.spectral import hann
from audeep.errors import AudioError
from audeep.runtime.options import option

SAMPLES_TOGETHER = 2**17  # of windows that are transformed at a time
LONGEST_WINDOW = 2**16
SMALLEST_POWER = 1e-10


def window_option(default: int) -> Any:
    """The field `window_length` of a front end."""
    return option(default, "samples of a window", least=2, most=LONGEST_WINDOW, metavar="SAMPLES")


def hop_option(default: int) -> Any:
    """The field `hop_length` of a front end."""
    return option(default, "samples from window to window", least=1, most=LONGEST_WINDOW, metavar="SAMPLES")


def bands_option(default: int) -> Any:
    """The field `num_bands` of a front end."""
    return option(default, "mel bands", least=1, most=2**10, metavar="BANDS")


def lowest_option(default: float) -> Any:
    """The field `lowest_hz` of a front end."""
    return option(default, "frequency where the first band begins", least=0, metavar="HZ", unit="Hz")


def range_option(default: float) -> Any:
    """The field `dynamic_range` of a front end."""
    text = "raise what is further below the loudest cell of a recording"
    return option(default, text, above=0, metavar="DB", unit="dB")


def highest_option(default: float | None) -> Any:
    """The field `highest_hz` of a front end."""
    text = "frequency where the last band ends" + (" (default: half the sample rate)" if default is None else "")
    return option(default, text, above=0, metavar="HZ", unit="Hz")


@dataclass(frozen=True)
class SpectralFrontEnd(ClipFrontEnd):
    """Bands of spectra: windows of `window_length` samples, one each `hop_length` samples."""

    precision: ClassVar[type[np.floating]] = np.float32  # of the Fourier transform

    window_length: int = window_option(1024)
    hop_length: int = hop_option(512)
    lowest_hz: float = lowest_option(0.0)
    highest_hz: float | None = highest_option(None)

    def problem(self) -> str | None:
        """What is wrong with the settings, if anything."""
        if self.highest_hz is not None and not self.lowest_hz < self.highest_hz:
            return f"lowest_hz={self.lowest_hz:g}: must be below highest_hz={self.highest_hz:g}; choose a lower one"
        return super().problem()

    @abstractmethod
    def bank(self, sample_rate: int) -> FilterBank:
        """The bands at a sample rate in Hz.

        Raises:
            AudioError: they do not suit it.
        """

    @abstractmethod
    def framed(self, signal: Samples) -> tuple[Samples, int]:
        """A signal as it is padded, and its number of frames.

        Raises:
            AudioError: it has none.
        """

    @abstractmethod
    def frames(self, padded: Samples, num_frames: int, sample_rate: int) -> Frames:
        """The frames of a padded signal, [time, freq].

        Raises:
            AudioError: the bands do not suit the sample rate.
        """

    @property
    def fft_length(self) -> int:
        """Samples of the Fourier transform."""
        return self.window_length

    @property
    def window(self) -> Array:
        """The weights of samples, [window_length]: a periodic Hann window."""
        return hann(self.window_length)

    @property
    def first_centre(self) -> float:
        """The sample where the first window is centred."""
        return self.window_length / 2

    def __call__(self, signal: Samples, sample_rate: int) -> Frames:
        """[num_samples] at `sample_rate` (Hz) -> [1, time, freq].

        Raises:
            AudioError: the signal does not suit the settings.
        """
        if not len(signal):
            raise AudioError("has no samples, one at least was expected; use a longer fixed_length=S")
        padded, num_frames = self.framed(signal)
        num_cells = num_frames * (self.fft_length // 2 + 1)
        check_size(signal.size, num_cells, "cells", "as a spectrogram", "choose a larger hop_length=SAMPLES")
        with np.errstate(over="ignore", invalid="ignore"):
            return self.finite(self.frames(padded, num_frames, sample_rate)[np.newaxis])

    def powers(self, padded: Samples, num_frames: int) -> Iterator[tuple[slice, Spectra]]:
        """Squared magnitudes of the spectra, block by block: which frames, and [frames, bins]."""
        step = max(1, SAMPLES_TOGETHER // self.fft_length)
        window, length = self.window.astype(self.precision), self.window_length
        windows = sliding_window_view(padded.astype(self.precision), length)[:: self.hop_length]
        segments = np.zeros((min(step, num_frames), self.fft_length), self.precision)
        for start in range(0, num_frames, step):
            found = windows[start : min(start + step, num_frames)]
            part = segments[: len(found)]
            np.multiply(found, window, out=part[:, :length])
            spectra = scipy.fft.rfft(part, axis=1, workers=1)
            squares = spectra.view(self.precision)
            squares *= squares
            yield slice(start, start + len(found)), squares[:, ::2] + squares[:, 1::2]

    def times(self, num_frames: int, sample_rate: int) -> Array:
        """Centres of windows, in seconds."""
        times: Array = (self.first_centre + self.hop_length * np.arange(num_frames)) / sample_rate
        return times

    def frequencies(self, sample_rate: int) -> Array | None:
        """Centres of the bands, in Hz."""
        return self.bank(sample_rate).frequencies_hz

    def range_hz(self, sample_rate: int) -> tuple[float, float]:
        """From where to where there are bands, in Hz.

        Raises:
            AudioError: that is not below half the sample rate.
        """
        nyquist = sample_rate / 2
        highest = nyquist if self.highest_hz is None else self.highest_hz
        name, wanted = ("highest_hz", highest) if highest > nyquist else ("lowest_hz", self.lowest_hz)
        if wanted > nyquist or self.lowest_hz >= nyquist:
            raise AudioError(
                f"has frequencies up to {nyquist:g} Hz at a sample rate of {sample_rate} Hz, {name}={wanted:g} is not"
                " below that; choose a lower one, or a higher sample_rate=HZ"
            )
        return self.lowest_hz, highest


@dataclass(frozen=True)
class CentredFrontEnd(SpectralFrontEnd):
    """Bands of spectra whose windows are centred at multiples of the hop; the signal is mirrored at both ends."""

    @property
    def first_centre(self) -> float:
        """The first sample."""
        return 0.0

    def framed(self, signal: Samples) -> tuple[Samples, int]:
        """The signal, mirrored at both ends for half a window, and its number of windows."""
        padded = np.pad(signal, self.window_length // 2, mode="reflect")
        return padded, 1 + max(0, len(padded) - self.window_length) // self.hop_length


def decibels(powers: Spectra, out: Spectra) -> None:
    """Decibels above a power of 1, and -100 at least; `powers` is overwritten."""
    np.maximum(powers, SMALLEST_POWER, out=powers)
    np.log10(powers, out=out)
    out *= 10
