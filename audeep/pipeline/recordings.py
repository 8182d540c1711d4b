# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings on their way to a data set: each is processed, perhaps by a worker, and kept in a journal."""

import logging
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from audeep.audio.front_ends.mel import Preprocessor
from audeep.errors import AudioError, OptionError, ShapeError
from audeep.runtime.execution import run
from audeep.runtime.journal import Journal

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Facts:
    """What is known of a recording that was processed.

    Attributes:
        file: its size in bytes, and its time of change in nanoseconds; None if it is not there.
        warnings: what was logged meanwhile, as the log of a worker reaches nobody.
        sample_rate: of its spectrogram, in Hz.
        bad: why it has no spectrogram.
    """

    file: list[int] | None
    warnings: list[str]
    sample_rate: int | None = None
    bad: str | None = None


@dataclass(frozen=True)
class Processed:
    """A recording that was processed, with its `chunks` [chunk, time, freq], or None where it is bad."""

    facts: Facts
    chunks: np.ndarray | None


def process(preprocessor: Preprocessor, path: Path) -> Processed:
    """The spectrogram of a recording, or why there is none."""
    collector = _Collector()
    audio_logger = logging.getLogger("audeep.audio")
    audio_logger.addHandler(collector)
    audio_logger.propagate = False
    file = _state(path)
    try:
        chunks, sample_rate = preprocessor.chunks_and_rate(path)
        return Processed(Facts(file, collector.messages, sample_rate), chunks)
    except AudioError as error:
        return Processed(Facts(file, collector.messages, bad=str(error)), None)
    finally:
        audio_logger.propagate = True
        audio_logger.removeHandler(collector)


def process_all(
    preprocessor: Preprocessor, paths: Sequence[Path], journal: Journal, jobs: int | None, skip_bad: bool
) -> Generator[Processed, None, None]:
    """All recordings in order: those in the journal as they are there, the others as they are processed and kept.

    Raises:
        AudioError: a recording is bad, and not to be skipped.
        OptionError: a recording in the journal has changed.
        Stopped: a worker was killed.
    """
    num_kept = 0
    for path, (facts, chunks) in zip(paths, journal.replay(), strict=False):
        kept = Processed(Facts(**facts), chunks)
        if kept.facts.file != _state(path):
            raise OptionError(
                f"{path}: has changed since it was processed; restore it, or leave out resume=True to start anew"
            )
        yield kept
        num_kept += 1
    if num_kept:
        logger.info("%s: %d of %d recordings are done already", journal.path, num_kept, len(paths))
    for fresh in run(partial(process, preprocessor), paths[num_kept:], jobs):
        if fresh.facts.bad is not None and not skip_bad:
            raise AudioError(fresh.facts.bad)
        journal.append(asdict(fresh.facts), fresh.chunks)
        yield fresh


@dataclass
class Shapes:
    """The shapes [time, freq] and the sample rates of spectrograms, gathered one by one.

    Attributes:
        has_one_length: whether all must have the same number of frames.
    """

    has_one_length: bool
    first: tuple[Path, tuple[int, ...]] | None = None
    lengths: set[int] = field(default_factory=set)
    rates: Counter[int | None] = field(default_factory=Counter)

    def add(self, path: Path, shape: tuple[int, ...], sample_rate: int | None) -> None:
        """Take note of the spectrogram of the recording at `path`.

        Raises:
            ShapeError: it differs from the first in frequency, or in time where all must have one length.
        """
        if self.first is None:
            self.first = path, shape
        if shape[1] != self.first[1][1] or (self.has_one_length and shape != self.first[1]):
            raise ShapeError(_different(*self.first, path, shape))
        self.lengths.add(shape[0])
        self.rates[sample_rate] += 1

    @property
    def common(self) -> tuple[int, int] | None:
        """The shape that all fit into; None without any."""
        return None if self.first is None else (max(self.lengths), self.first[1][1])

    @property
    def are_padded(self) -> bool:
        """Whether some are shorter than others."""
        return len(self.lengths) > 1

    @property
    def sample_rate(self) -> int | None:
        """The sample rate of all in Hz; None where there are several."""
        return next(iter(self.rates)) if len(self.rates) == 1 else None

    def log(self) -> None:
        """Tell of differences that a user might not want."""
        if len(self.rates) > 1:
            found = ", ".join(f"{number} of {rate} Hz" for rate, number in sorted(self.rates.items()))
            logger.warning(
                "recordings have different sample rates (%s), so the same band is another frequency in them; resample"
                " with sample_rate=HZ",
                found,
            )
        if self.are_padded:
            shortest, longest = min(self.lengths), max(self.lengths)
            logger.info("spectrograms have %d to %d frames, shorter ones are padded", shortest, longest)


def _different(first: Path, expected: tuple[int, ...], second: Path, found: tuple[int, ...]) -> str:
    shapes = [" x ".join(map(str, shape)) for shape in (expected, found)]
    remedy = "make all equally long with fixed_length=SECONDS" if found[1] == expected[1] else ""
    remedy = remedy or "make their sample rates the same with sample_rate=HZ, or map to bands with mel_spectrum=BANDS"
    return (
        f"{second}: gives a spectrogram of {shapes[1]} (time x freq), but {first} one of {shapes[0]};"
        f" {remedy} ('audeep inspect raw' shows lengths and rates)"
    )


def _state(path: Path) -> list[int] | None:
    """Size in bytes and time of change in nanoseconds of a file that is there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
