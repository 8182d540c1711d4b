# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals of long recordings, block by block: their samples are never in memory together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from audeep.audio.decoding import UNKNOWN, Recording, opened_parts
from audeep.audio.reading import Excerpt, count_samples, decoded
from audeep.audio.signal import Channels, Samples, check_growth, check_padding, fuse_channels, resampled_size

BLOCK_VALUES = 2**18  # samples of all channels that are worked on at a time


@dataclass
class LongSignal:
    """The signal of a recording, as it comes of resampling, fixing its length and fusing its channels in one go.

    It can be gone through several times; it tells of what is odd about the recording the first time alone.

    Attributes:
        wanted_rate: Hz; None keeps that of the recording.
        num_samples, peak: of the signal, known when it was gone through.
    """

    path: Path
    channels: Channels
    wanted_rate: int | None = None
    fixed_length: float | None = None  # in seconds
    center_fixed: bool = False
    num_samples: int | None = None
    peak: float = 0.0

    @cached_property
    def sample_rate(self) -> int:
        """Of the signal, in Hz."""
        if self.wanted_rate is not None:
            return self.wanted_rate
        with opened_parts(self.path, _say_nothing) as recording:
            return recording.sample_rate

    def __iter__(self) -> Iterator[Samples]:
        """Blocks of the signal [num_samples].

        Raises:
            AudioError: the recording cannot be read, resampled or padded, or its channels cannot be fused.
        """
        warn = _say_nothing if self.num_samples is not None else None
        num_samples = 0
        with opened_parts(self.path, _say_nothing) as recording:
            for block in self._channels(recording, warn):
                signal = fuse_channels(block.T, self.channels)
                num_samples += len(signal)
                self.peak = max(self.peak, np.abs(signal).max(initial=0))
                yield signal
        self.num_samples = num_samples

    def _channels(self, recording: Recording, warn: Callable[..., Any] | None) -> Iterator[Samples]:
        """Blocks [num_samples, channels] of the new rate and length."""
        rate = recording.sample_rate
        wanted = self.wanted_rate or rate
        excerpt = None if self.fixed_length is None else Excerpt(self.fixed_length, self.center_fixed, self.wanted_rate)
        start, stop = (0, recording.num_samples) if excerpt is None else excerpt.range(recording)
        known = None if stop is None else stop - start
        blocks = decoded(recording, start, stop, BLOCK_VALUES, warn)
        if wanted != rate:
            blocks = _resampled(blocks, rate, wanted, known)
        if self.fixed_length is None:
            return blocks
        size = int(self.fixed_length * wanted)
        if not self.center_fixed:
            return _fixed(blocks, size, 0, 0)
        if known is None or recording.is_estimate:
            with opened_parts(self.path, _say_nothing) as again:
                known = min(count_samples(again), UNKNOWN if stop is None else stop) - start
        length = known if wanted == rate else resampled_size(known, rate, wanted)
        return _fixed(blocks, size, max(0, length - size) // 2, max(0, size - length) // 2)


def _say_nothing(*_: Any) -> None:
    """What is told of a recording, when it was told before."""


def _resampled(blocks: Iterator[Samples], rate: int, wanted: int, known: int | None) -> Iterator[Samples]:
    """Blocks [num_samples, channels] at another rate (Hz), by the arithmetic of `signal.resample`.

    Args:
        known: samples of all blocks.
    """
    stream: soxr.ResampleStream | None = None
    num_given = num_made = 0
    num_channels = 1
    for block in blocks:
        num_channels = block.shape[1]
        if stream is None:
            stream = soxr.ResampleStream(rate, wanted, num_channels, "float64", "VHQ")
        num_given += len(block)
        check_growth(max(known or 0, num_given), num_channels, rate, wanted)
        step = max(1, len(block) * rate // max(rate, wanted))
        for start in range(0, len(block), step):
            made = stream.resample_chunk(np.ascontiguousarray(block[start : start + step]))
            num_made += len(made)
            yield made
    if stream is None:
        return
    left = resampled_size(num_given, rate, wanted) - num_made
    rest = stream.resample_chunk(np.empty((0, num_channels)), last=True)[:left]
    yield rest
    yield np.zeros((left - len(rest), num_channels))  # soxr rounds to the nearest


def _fixed(blocks: Iterator[Samples], size: int, cut: int, padded: int) -> Iterator[Samples]:
    """`size` samples of blocks [num_samples, channels]: without the first `cut`, after as many zeros as `padded`."""
    num_given, left, num_channels = 0, size - padded, 0
    for block in blocks:
        if not num_channels:
            yield from _silence(padded, block.shape[1])
        kept = block[max(0, cut - num_given) :][:left]
        num_given += len(block)
        num_channels = block.shape[1]
        left -= len(kept)
        if len(kept):
            yield kept
    check_padding(num_given, num_channels, size)
    yield from _silence(left, num_channels)


def _silence(num_samples: int, num_channels: int) -> Iterator[Samples]:
    for start in range(0, num_samples, BLOCK_VALUES):
        yield np.zeros((min(BLOCK_VALUES, num_samples - start), num_channels))
