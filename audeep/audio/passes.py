# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectrograms of long signals, in several passes: the same bytes as in one go, in less memory.

Decibels are relative to the loudest cell of all, and normalised values to the mean and the extremes of the decibels, so
there are three passes. Cells are kept from the first one where they are few, and worked out anew where they are many.
What comes in one go is normalised here too, so that its mean is rounded alike.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audeep.audio.spectral import Array, frames_together, mel_spectrogram, power_spectrogram, pre_emphasis, stretched
from audeep.errors import AudioError

LARGEST_KEPT = 2**23  # cells, 64 MiB
SUMMED = 2**17  # values that are worked on together; NumPy sums them up itself

Blocks = Callable[[], Iterator[Array]]


def powers_of(
    signal: Iterable[Array], window_length: int, overlap: int, num_bands: int | None, sample_rate: int
) -> Iterator[Array]:
    """Spectra of a signal that comes in blocks [num_samples], after pre-emphasis, in blocks [time, freq].

    Args:
        num_bands: mel bands; None keeps the bins.
    """
    hop, step = window_length - overlap, frames_together(window_length)
    needed = (step - 1) * hop + window_length
    kept, num_kept, last = [np.empty(0)], 0, np.empty(0)

    def spectra(samples: Array) -> Array:
        if num_bands is None:
            return power_spectrogram(samples, window_length, overlap).T
        return mel_spectrogram(samples, window_length, overlap, num_bands, sample_rate).T

    for block in signal:
        if not len(block):
            continue
        kept.append(pre_emphasis(np.concatenate([last, block]))[len(last) :])
        num_kept, last = num_kept + len(block), block[-1:]
        if num_kept < needed:
            continue
        samples = np.concatenate(kept)
        num_frames = (num_kept - overlap) // hop // step * step
        yield spectra(samples[: num_frames * hop + overlap])
        kept = [samples[num_frames * hop :]]
        num_kept = len(kept[0])
    if num_kept >= window_length:
        yield spectra(np.concatenate(kept))


class Repeated:
    """Blocks that can be gone through several times; few are kept, many are made anew."""

    def __init__(self, make: Blocks) -> None:
        self.make = make
        self.kept: list[Array] | None = None

    def __call__(self) -> Iterator[Array]:
        """All blocks in order."""
        if self.kept is not None:
            yield from self.kept
            return
        kept: list[Array] | None = []
        num_cells = 0
        for block in self.make():
            num_cells += block.size
            if num_cells > LARGEST_KEPT:
                kept = None
            if kept is not None:
                kept.append(block)
            yield block
        self.kept = kept


@dataclass(frozen=True)
class Extent:
    """The size of a spectrogram, and its loudest and smallest positive cells; not finite where one cell is not."""

    num_frames: int
    loudest: float
    smallest: float


def extent_of(powers: Iterator[Array]) -> Extent:
    """Go through all blocks [time, freq]."""
    num_frames, loudest, smallest = 0, -np.inf, np.inf
    for block in powers:
        num_frames += len(block)
        loudest = float(np.maximum(loudest, block.max()))  # which keeps NaN
        smallest = float(np.minimum(smallest, block.min(initial=np.inf, where=block > 0)))
    return Extent(num_frames, loudest, smallest)


class Values:
    """The values of blocks one after another, whatever their shape."""

    def __init__(self, blocks: Iterator[Array]) -> None:
        self.blocks = blocks
        self.rest: Array = np.empty(0)
        self.lowest, self.highest = np.inf, -np.inf

    def take(self, number: int) -> Array:
        """The values that come next [number]."""
        parts: list[Array] = []
        while number:
            if not len(self.rest):
                block = next(self.blocks, None)
                if block is None:
                    raise AudioError("became shorter while it was read; try again")
                self.rest = block.reshape(-1)
            parts.append(self.rest[:number])
            number -= len(parts[-1])
            self.rest = self.rest[len(parts[-1]) :]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def fill(self, target: NDArray[Any], change: Callable[[Array], Array]) -> None:
        """Put the values that come next, as `change` makes them, into `target` [time, freq]."""
        step = max(1, SUMMED // target.shape[1])
        for start in range(0, len(target), step):
            part = target[start : start + step]
            part[...] = change(self.take(part.size).reshape(part.shape))

    def statistics(self, number: int) -> tuple[float, float, float]:
        """Mean, smallest and largest of the values that come next, whatever blocks they come in."""
        self.lowest, self.highest = np.inf, -np.inf
        return self._sum(number) / number, self.lowest, self.highest

    def _sum(self, number: int) -> float:
        """The sum by halves of whole eights, as NumPy 2.4 makes it, in whatever blocks values come."""
        if number > SUMMED:
            half = number // 2 - number // 2 % 8
            return self._sum(half) + self._sum(number - half)
        values = self.take(number)
        self.lowest, self.highest = min(self.lowest, values.min()), max(self.highest, values.max())
        return float(values.sum())


def normalise(decibels: Array) -> Array:
    """Shift and stretch to [-1, 1]; an array that varies by `SMALLEST_RANGE` or less is shifted to 0 instead."""
    return stretched(decibels, *Values(iter([decibels])).statistics(decibels.size))
