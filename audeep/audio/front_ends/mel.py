# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end of auDeep: spectrograms of power or mel bands, in decibels, normalised to [-1, 1]."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import ClassVar

import numpy as np

from audeep.audio.front_ends.base import CHANNELS_HELP, LENGTH_HELP, Frames, FrontEnd, Spectrogram, naming
from audeep.audio.integrity import HIGHEST_RATE
from audeep.audio.long_signals import LongSignal
from audeep.audio.passes import Repeated, Values, extent_of, normalise, powers_of
from audeep.audio.reading import Excerpt, Segment, Source, read_short
from audeep.audio.signal import Channels, Samples, check_size
from audeep.audio.spectral import (
    REFERENCES,
    Array,
    decibels_below,
    mel_frequencies,
    mel_spectrogram,
    power_spectrogram,
    power_to_db,
    pre_emphasis,
    relative,
    stretched,
)
from audeep.errors import AudioError, OptionError
from audeep.runtime.constants import SILENCE
from audeep.runtime.options import check_options, option

logger = logging.getLogger(__name__)

LONGEST_AT_ONCE = 2**22  # samples of all channels that are decoded and worked on together


@dataclass(frozen=True)
class Framing:
    """The window in samples at one sample rate."""

    sample_rate: int
    window: int
    overlap: int

    @property
    def hop(self) -> int:
        return self.window - self.overlap


@dataclass(frozen=True)
class Preprocessor(FrontEnd):
    """Settings that turn recordings into spectrograms.

    Lengths are in seconds, levels in decibels below the loudest cell of a recording. Without `mel_spectrum`, the
    number of mel bands, all frequency bins are kept. `center_fixed` matters only with `fixed_length`. With
    `relative_to`, normalised spectrograms show differences (see `spectral.relative`).

    Raises:
        OptionError: the settings are out of range or contradict each other.
    """

    padding: ClassVar[float] = SILENCE

    window_width: float = option(0.04, "of the FFT, in seconds", above=0, metavar="S", unit="s")
    window_overlap: float = option(0.02, "of neighbouring windows, in seconds", least=0, metavar="S", unit="s")
    mel_spectrum: int | None = option(
        None, "map to mel bands (default: power spectrum)", least=1, most=2**16, metavar="BANDS"
    )
    chunk_length: float | None = option(
        None, "cut recordings into chunks of S seconds; needs their number, too", above=0, metavar="S", unit="s"
    )
    chunk_count: int | None = option(
        None, "take N chunks of each recording, from its start; needs their length, too", least=1, metavar="N"
    )
    clip_above: float | None = option(
        None, "lower what is above DB to it; the loudest cell has 0 dB", metavar="DB", unit="dB"
    )
    clip_below: float | None = option(
        None, "raise what is below DB to it; the loudest cell has 0 dB", metavar="DB", unit="dB"
    )
    channels: Channels = option(Channels.MEAN, CHANNELS_HELP)
    fixed_length: float | None = option(None, LENGTH_HELP, above=0, metavar="S", unit="s")
    center_fixed: bool = option(False, "cut or pad at both ends rather than at the end alone")
    sample_rate: int | None = option(
        None,
        "resample recordings that have another rate (default: each keeps its own)",
        least=1,
        most=HIGHEST_RATE,
        metavar="HZ",
        unit="Hz",
    )
    relative_to: str | None = option(
        None,
        "store how each cell differs from the mean of its frame, from the previous frame, or from the mean of the"
        " neighbouring frames (default: the cells themselves)",
        choices=tuple(REFERENCES),
    )

    def __post_init__(self) -> None:
        check_options(self)
        problem = next(chain(self._window_problems(), self._chunk_problems()), None)
        if problem is not None:
            raise OptionError(problem)

    def __call__(self, signal: Samples, sample_rate: int) -> Frames:
        """Normalised spectrograms as they are stored: [num_samples] -> [chunk, time, freq], one chunk by default.

        Raises:
            AudioError: the signal does not suit the settings, or has too few chunks.
        """
        decibels, framing = self._decibels(signal, sample_rate)
        count, length = self._chunks(len(decibels), framing)
        chunks = np.empty((count, length, decibels.shape[1]), np.float32)
        for number, chunk in enumerate(chunks):
            normalised = normalise(decibels[number * length : (number + 1) * length])
            chunk[...] = normalised if self.relative_to is None else relative(normalised, self.relative_to)
        return chunks

    def chunks_and_rate(self, path: Source) -> tuple[Frames, int]:
        """As of any front end; of a long recording no more than the spectrogram and some blocks are in memory.

        With `relative_to`, three spectrograms in double precision are.

        Raises:
            AudioError: the recording cannot be read, or does not suit the settings.
        """
        if isinstance(path, Segment):
            return super().chunks_and_rate(path)
        excerpt = None
        if self.fixed_length is not None:
            excerpt = Excerpt(self.fixed_length, self.center_fixed, self.sample_rate)
        found = read_short(path, LONGEST_AT_ONCE, excerpt)
        if found is not None and found[0].size * (self.sample_rate or 0) <= LONGEST_AT_ONCE * found[1]:
            return self.chunks_and_rate_of(path, *found)
        signal = LongSignal(Path(path), self.channels, self.sample_rate, self.fixed_length, self.center_fixed)
        with naming(path):
            return self._of_long(signal), signal.sample_rate

    def _of_long(self, signal: LongSignal) -> Frames:
        """What a signal that is too long to be in memory as a whole gives, the same as if it were."""
        framing = self.framing(signal.sample_rate)
        powers = Repeated(
            lambda: powers_of(signal, framing.window, framing.overlap, self.mel_spectrum, framing.sample_rate)
        )
        extent = extent_of(powers())
        assert signal.num_samples is not None  # it was gone through
        if not signal.peak:
            logger.warning("%s: is silent, its spectrogram is constant", signal.path)
        num_bands = self.mel_spectrum or framing.window // 2 + 1
        self._check_length(signal.num_samples, framing)
        if not np.isfinite(extent.loudest):
            raise _too_loud(signal.peak)
        count, length = self._chunks(extent.num_frames, framing)

        def decibels() -> Iterator[Array]:
            return (self._clipped(decibels_below(block, extent.loudest, extent.smallest)) for block in powers())

        chunks = np.empty((count, length, num_bands), np.float32)
        surveyed, values = Values(decibels()), Values(decibels())
        for chunk in chunks:
            mean, lowest, highest = surveyed.statistics(length * num_bands)
            change = partial(stretched, mean=mean, lowest=lowest, highest=highest)
            if self.relative_to is None:
                values.fill(chunk, change)
            else:
                normalised = np.empty(chunk.shape)
                values.fill(normalised, change)
                chunk[...] = relative(normalised, self.relative_to)
        return chunks

    def spectrogram(self, path: Source) -> Spectrogram:
        """Decibels of the whole recording (cut or padded to the fixed length), clipped, not normalised.

        Raises:
            AudioError: the recording cannot be read, or does not suit the settings.
        """
        signal, rate = self.signal(path, *self.read(path))
        with naming(path):
            decibels, _ = self._decibels(signal, rate)
        values = decibels.astype(np.float32, order="C")
        times, frequencies = self.times(len(values), rate), self.frequencies(rate)
        return Spectrogram(values, times, frequencies, rate, "amplitude", "dB")

    def times(self, num_frames: int, sample_rate: int) -> Array:
        """Centres of windows, in seconds."""
        framing = self.framing(sample_rate)
        times: Array = (framing.window / 2 + framing.hop * np.arange(num_frames)) / sample_rate
        return times

    def frequencies(self, sample_rate: int) -> Array:
        """Centres of bins or mel bands, in Hz."""
        if self.mel_spectrum is not None:
            return mel_frequencies(self.mel_spectrum, sample_rate)
        window = self.framing(sample_rate).window
        frequencies: Array = np.arange(window // 2 + 1) * sample_rate / window
        return frequencies

    def framing(self, sample_rate: int) -> Framing:
        """The window at `sample_rate`, in Hz.

        Raises:
            AudioError: it does not advance by a whole sample.
        """
        return framing_at(sample_rate, self.window_width, self.window_overlap, self.fixed_length)

    @property
    def num_values(self) -> int | None:
        """Mel bands, if that is what frames are mapped to."""
        return self.mel_spectrum

    @property
    def has_one_length(self) -> bool:
        """Whether all recordings are to give spectrograms of one length."""
        return self.part_seconds is not None

    @property
    def part_seconds(self) -> float | None:
        """Length of what one spectrogram is made from; None where recordings keep their own."""
        return self.chunk_length or self.fixed_length

    @property
    def shortest_seconds(self) -> float:
        """Length of a window."""
        return self.window_width

    def of_any_length(self) -> "Preprocessor":
        """The same settings for recordings that keep their length, one chunk each."""
        return replace(self, fixed_length=None, chunk_length=None, chunk_count=None)

    def _chunks(self, num_frames: int, framing: Framing) -> tuple[int, int]:
        """How many chunks a spectrogram gives, and how many frames each has."""
        if self.chunk_length is None or self.chunk_count is None:
            return 1, num_frames
        length = int(framing.sample_rate * self.chunk_length) // framing.hop
        found = num_frames // length if length else 0
        if found < self.chunk_count:
            raise AudioError(
                f"has {found} full chunks of {length} frames ({self.chunk_length} s), chunk_count={self.chunk_count} "
                "needs more; use fewer or shorter chunks, or a fixed_length=S above "
                f"{self.chunk_length * self.chunk_count:g} s"
            )
        return self.chunk_count, length

    def _decibels(self, signal: Samples, sample_rate: int) -> tuple[Array, Framing]:
        """Clipped decibels, [time, freq]."""
        framing = self.framing(sample_rate)
        self._check_length(len(signal), framing)
        emphasised = pre_emphasis(signal)
        if self.mel_spectrum is None:
            power = power_spectrogram(emphasised, framing.window, framing.overlap)  # [freq, time]
        else:
            power = mel_spectrogram(emphasised, framing.window, framing.overlap, self.mel_spectrum, sample_rate)
        if not np.isfinite(power.max()):
            raise _too_loud(np.abs(signal).max())
        return self._clipped(power_to_db(power).T), framing

    def _clipped(self, decibels: Array) -> Array:
        if self.clip_below is not None or self.clip_above is not None:
            np.clip(decibels, self.clip_below, self.clip_above, out=decibels)
        return decibels

    def _check_length(self, num_samples: int, framing: Framing) -> None:
        """Check that a signal has a frame, and no unreasonable number of cells."""
        if num_samples < framing.window:
            raise AudioError(
                f"lasts {num_samples} samples, window_width={self.window_width} needs {framing.window}; use a narrower "
                "window or a fixed_length=S"
            )
        num_cells = (num_samples - framing.overlap) // framing.hop * (self.mel_spectrum or framing.window // 2 + 1)
        check_size(num_samples, num_cells, "cells", "as a spectrogram", "choose a smaller window_overlap=S")

    def _window_problems(self) -> Iterator[str]:
        width, overlap, fixed = self.window_width, self.window_overlap, self.fixed_length
        below, above = self.clip_below, self.clip_above
        if not overlap < width:
            yield (
                f"window_overlap={overlap}: must be smaller than window_width={width}, or the window never advances; "
                "choose a smaller overlap, half the width for example"
            )
        if fixed is not None and not width < fixed:
            yield f"fixed_length={fixed}: must be longer than one window; choose more than window_width={width}"
        if below is not None and not below < 0:
            yield f"clip_below={below}: the loudest cell is 0 dB, so a level below 0 was expected; try -60"
        if below is not None and above is not None and not below < above:
            yield f"clip_below={below}: must be lower than clip_above={above}; choose a lower level"

    def _chunk_problems(self) -> Iterator[str]:
        length, count, fixed = self.chunk_length, self.chunk_count, self.fixed_length
        if length is None and count is not None:
            yield f"chunk_count={count}: needs chunk_length=S; give both or neither"
        if length is not None and count is None:
            yield f"chunk_length={length}: needs chunk_count=N; give both or neither"
        if length is None or count is None:
            return
        advance = self.window_width - self.window_overlap
        if not advance <= length:
            yield f"chunk_length={length}: holds no frame; choose at least the {advance:g} s between two windows"
        if fixed is not None and length * count > fixed and not math.isclose(length * count, fixed):
            yield (
                f"chunk_count={count}: more chunks than the audio has: {count} of {length} s need {length * count:g} "
                f"s, not fixed_length={fixed}; use fewer or shorter chunks, or a longer fixed_length=S"
            )


def _too_loud(peak: float) -> AudioError:
    return AudioError(f"has samples of up to {peak:.3g}, too loud for a spectrogram; full scale is 1")


@lru_cache(maxsize=128)
def framing_at(sample_rate: int, width: float, overlap: float, fixed_length: float | None = None) -> Framing:
    """Window and overlap, in seconds, in samples at `sample_rate` (Hz).

    With a fixed length, the overlap gives or takes one sample where rounding would change the number of frames,
    so that recordings of different sample rates get spectrograms of one shape; a warning says so, once for each rate.

    Raises:
        AudioError: the window does not advance by a whole sample at this rate.
    """
    framing = Framing(sample_rate, int(sample_rate * width), int(sample_rate * overlap))
    if framing.hop < 1:
        raise AudioError(
            f"a window of {width} s that overlaps by {overlap} s does not advance by a whole sample at {sample_rate} "
            "Hz; use a wider window or a smaller overlap"
        )
    if fixed_length is None:
        return framing
    num_samples = int(fixed_length * sample_rate)
    expected = int((fixed_length - overlap) / (width - overlap))
    found = (num_samples - framing.overlap) // framing.hop
    if found == expected:
        return framing
    change = -1 if found > expected else min(1, framing.hop - 1)
    adjusted = Framing(sample_rate, framing.window, framing.overlap + change)
    logger.warning(
        "window overlap changed from %d to %d samples at %d Hz: %g s give %d frames, %d were expected",
        framing.overlap,
        adjusted.overlap,
        sample_rate,
        fixed_length,
        (num_samples - adjusted.overlap) // adjusted.hop,
        expected,
    )
    return adjusted
