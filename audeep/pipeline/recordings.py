# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings on their way to a data set: each is processed, perhaps by a worker, and kept in a journal."""

import logging
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from audeep.audio.front_ends.base import FrontEnd
from audeep.audio.reading import Segment
from audeep.errors import OptionError, ShapeError, describe
from audeep.parsers.base import InstanceMetadata
from audeep.pipeline.outcomes import file_state, outcomes
from audeep.runtime.execution import Jobs
from audeep.runtime.journal import Journal
from audeep.runtime.memory import reuse_memory

logger = logging.getLogger(__name__)


REMEDY = "cut it, or pass a fixed_length=S"  # for recordings that take too much memory


@dataclass(frozen=True)
class Facts:
    """What is known of a recording that was processed.

    Attributes:
        file: its size in bytes, and its time of change in nanoseconds; None if it is not there.
        warnings: what was logged meanwhile.
        sample_rate: of its spectrogram, in Hz.
        bad: why it has no spectrogram.
    """

    file: list[int] | None
    warnings: list[str]
    sample_rate: int | None = None
    bad: str | None = None


@dataclass(frozen=True)
class Processed:
    """A recording that was processed.

    Attributes:
        shape: of its spectrograms [chunk, time, freq]; None where it is bad.
        chunks: the spectrograms, where they are in this process.
    """

    facts: Facts
    shape: tuple[int, ...] | None
    chunks: np.ndarray | None = None


@dataclass(frozen=True)
class Work:
    """What is to be done.

    Attributes:
        jobs: worker processes, by default one for each core that this process may use; or a cluster.
        skip_bad: whether bad recordings are left out.
        check: is called again and again meanwhile; what it raises ends the work.
    """

    front_end: FrontEnd
    instances: Sequence[InstanceMetadata]
    jobs: Jobs
    skip_bad: bool
    check: Callable[[], None]

    @property
    def sources(self) -> list[Path | Segment]:
        """The recordings, or parts of them."""
        return [instance.source for instance in self.instances]


def process_all(work: Work, journal: Journal) -> Generator[Processed, None, None]:
    """All recordings in order: those in the journal as they are there, the others as they are processed and kept.

    Raises:
        AudioError: a recording is bad, and not to be skipped.
        OptionError: a recording in the journal has changed.
        WorkerDied: a worker was killed, and bad recordings are not to be skipped.
    """
    reuse_memory()
    num_kept, sources = 0, work.sources
    for source, (facts, chunks) in zip(sources, journal.replay(), strict=False):
        work.check()
        kept = Facts(**facts)
        check_unchanged(source, kept)
        yield Processed(kept, _shape_of(chunks), chunks)
        num_kept += 1
    if num_kept:
        logger.info("%s: %d of %d recordings are done already", journal.path, num_kept, len(sources))
    compute = work.front_end.chunks_and_rate
    with closing(outcomes(compute, sources[num_kept:], work.jobs, work.skip_bad, REMEDY, work.check)) as found:
        for outcome in found:
            chunks, sample_rate = outcome.value or (None, None)
            fresh = Facts(outcome.file, outcome.warnings, sample_rate, outcome.bad)
            journal.append(asdict(fresh), chunks)
            yield Processed(fresh, _shape_of(chunks), chunks)


def check_unchanged(source: Path | Segment, kept: Facts) -> None:
    """Check that a recording is as it was when it was processed.

    Raises:
        OptionError: it is not.
    """
    if kept.file != file_state(source):
        raise OptionError(
            f"{source}: has changed since it was processed; restore it, or leave out resume=True to start anew"
        )


def _shape_of(chunks: np.ndarray | None) -> tuple[int, ...] | None:
    return None if chunks is None else chunks.shape


@dataclass
class Group:
    """Recordings whose spectrograms go together."""

    paths: list[Path | Segment] = field(default_factory=list)
    lengths: set[int] = field(default_factory=set)
    rates: Counter[int | None] = field(default_factory=Counter)


@dataclass
class Shapes:
    """The shapes [time, freq] and the sample rates of spectrograms, gathered one by one.

    Those that cannot be in one data set are in different `groups`: they differ in frequency, or, where all must have
    one length (`has_one_length`), in time. Where there are several, recordings outside the largest are odd.
    """

    has_one_length: bool
    is_resampled: bool = False
    groups: dict[tuple[int, ...], Group] = field(default_factory=dict)

    def add(self, path: Path | Segment, shape: tuple[int, ...], sample_rate: int | None) -> None:
        """Take note of the spectrogram of the recording at `path`."""
        group = self.groups.setdefault(self._key(shape), Group())
        group.paths.append(path)
        group.lengths.add(shape[0])
        group.rates[sample_rate] += 1

    def check(self) -> None:
        """Check that all go together.

        Raises:
            ShapeError: there are odd ones; it names the first.
        """
        if len(self.groups) > 1:
            raise ShapeError(next(iter(self.odd().values())))

    def suits(self, shape: tuple[int, ...]) -> bool:
        """Whether a spectrogram of this shape goes together with most."""
        return self._key(shape) == self._largest[0]

    def odd(self) -> dict[Path | Segment, str]:
        """Why recordings cannot be in one data set with most, by their paths."""
        expected, most = self._largest
        return {
            path: self._different(path, key, group, expected, most)
            for key, group in self.groups.items()
            if group is not most
            for path in group.paths
        }

    @property
    def common(self) -> tuple[int, int] | None:
        """The shape that most fit into; None without any."""
        return (max(self._largest[1].lengths), self._largest[0][-1]) if self.groups else None

    @property
    def are_padded(self) -> bool:
        """Whether some are shorter than others."""
        return len(self._largest[1].lengths) > 1

    @property
    def sample_rate(self) -> int | None:
        """The sample rate of all in Hz; None where there are several."""
        rates = self._largest[1].rates
        return next(iter(rates)) if len(rates) == 1 else None

    def log(self) -> None:
        """Tell of differences that a user might not want."""
        if not self.groups:
            return
        group = self._largest[1]
        if len(group.rates) > 1:
            found = ", ".join(f"{number} of {rate} Hz" for rate, number in sorted(group.rates.items()))
            logger.warning(
                "recordings have different sample rates (%s), so the same band is another frequency in them; resample"
                " with sample_rate=HZ",
                found,
            )
        if self.are_padded:
            shortest, longest = min(group.lengths), max(group.lengths)
            logger.info("spectrograms have %d to %d frames, shorter ones are padded", shortest, longest)

    @property
    def _largest(self) -> tuple[tuple[int, ...], Group]:
        """The first of those with most recordings."""
        return max(self.groups.items(), key=lambda item: len(item[1].paths))

    def _key(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape if self.has_one_length else shape[1:]

    def _different(
        self, path: Path | Segment, found: tuple[int, ...], group: Group, expected: tuple[int, ...], most: Group
    ) -> str:
        lengths = {path: "", most.paths[0]: ""}
        if not self.has_one_length:
            lengths = {path: f"{min(group.lengths)} x ", most.paths[0]: f"{min(most.lengths)} x "}
        rate, usual = next(iter(group.rates)), next(iter(most.rates))
        remedy = "make their sample rates the same with sample_rate=HZ"
        if self.is_resampled or rate == usual:
            remedy = "make all equally long with fixed_length=S" if not self.has_one_length else "remove it"
        elif not self.has_one_length:
            remedy += ", or map to bands with mel_spectrum=BANDS"
        return (
            f"{path}: gives a spectrogram of {lengths[path]}{describe(found)} (time x freq) at {rate} Hz, but"
            f" {most.paths[0]} one of {lengths[most.paths[0]]}{describe(expected)} at {usual} Hz, as {len(most.paths)}"
            f" of {sum(len(each.paths) for each in self.groups.values())} do; {remedy}"
            " ('audeep inspect raw' shows lengths and rates)"
        )
