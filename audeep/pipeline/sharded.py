# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings on their way to a directory of shards: each shard is the work of one worker, and of a journal of its own.

::

    spectrograms.parts/
      shard-0000.nc.json           what is known of the recordings of a shard, when all of them are processed
      shard-0001.nc.journal        spectrograms of the recordings of another, to be written when all shapes are known
      shards/                      those that are complete; at the end it is moved to the output
        shard-0000.nc
      running-9f3c...              there is one while workers have something to do, which end without it

Workers read recordings and write these files themselves; what they send is what is known of each recording.
"""

import json
import os
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from audeep.audio.reading import Segment
from audeep.data.manifest import Shard, measured, publish, shard_name
from audeep.errors import OutputError, Stopped
from audeep.parsers.base import InstanceMetadata
from audeep.pipeline.recordings import Facts, Processed, Shapes, Work, check_unchanged, process_all
from audeep.pipeline.spectrograms import Layout, write
from audeep.runtime.execution import WorkerDied, run
from audeep.runtime.files import remove_partials, replacing, write_failures
from audeep.runtime.journal import opened_journal
from audeep.runtime.progress import progress

OURS = re.compile(r"shard-\d+\.nc(\.journal|\.json)?|shards\.json|running-\w{16}")


@dataclass(frozen=True)
class Part:
    """The recordings of a shard, and where it is made."""

    path: Path
    instances: Sequence[InstanceMetadata]

    @property
    def journal(self) -> Path:
        """Where its spectrograms are kept until it is written."""
        return self.path.parents[1] / f"{self.path.name}.journal"

    @property
    def facts(self) -> Path:
        """Where it is kept what is known of its recordings, when all are processed."""
        return self.path.parents[1] / f"{self.path.name}.json"


@dataclass(frozen=True)
class Maker:
    """What workers do: process the recordings of a part, and write the shard.

    Attributes:
        work: what is to be done, without the recordings.
        settings: of the run, which its journals have.
    """

    work: Work
    settings: dict[str, Any]

    def gathered(self, part: Part) -> list[Processed]:
        """What is known of all recordings; their spectrograms are in the journal then, or the shard is complete."""
        if part.facts.exists():
            entries = json.loads(part.facts.read_bytes())
            found = [Processed(Facts(**facts), shape and tuple(shape)) for facts, shape in entries]
            for instance, each in zip(part.instances, found, strict=True):
                check_unchanged(instance.source, each.facts)
            return found
        with closing(self._entries(part)) as entries:
            found = [replace(entry, chunks=None) for entry in entries]
        with replacing(part.facts) as target:
            target.write_text(json.dumps([(asdict(each.facts), each.shape) for each in found]))
        return found

    def written(self, layout: Layout, part_and_counts: tuple[Part, list[int]]) -> Shard:
        """The shard, which is complete then; of each recording it has so many spectrograms, or none."""
        part, counts = part_and_counts
        if not part.path.exists():
            with closing(self._entries(part)) as entries:
                write(part.path, layout, _suitable(part.instances, entries, counts))
        part.journal.unlink(missing_ok=True)
        return measured(part.path, sum(counts))

    def _entries(self, part: Part) -> Generator[Processed, None, None]:
        """All recordings, as `process_all` gives them."""
        with opened_journal(part.journal, self.settings, part.journal.exists()) as journal:
            yield from process_all(replace(self.work, instances=part.instances), journal)

    def at_work(self, part: Part) -> Path | Segment:
        """What comes next, where a worker ended."""
        if not part.journal.exists():
            return part.path
        with opened_journal(part.journal, self.settings, True) as journal:
            num_done = sum(1 for _ in journal.replay())
        return part.instances[num_done].source if num_done < len(part.instances) else part.path


class Parts:
    """Recordings on their way to so many shards."""

    def __init__(self, work: Work, output: Path, settings: dict[str, Any], rows: Sequence[slice], resume: bool) -> None:
        """Recordings in these `rows` each are a shard."""
        self.work = work
        self.resume = resume
        self.directory = output.with_name(f"{output.name}.parts")
        self.complete = self.directory / "shards"
        self.parts = [
            Part(self.complete / shard_name(number), work.instances[each]) for number, each in enumerate(rows)
        ]
        self.token = self.directory / f"running-{os.urandom(8).hex()}"
        self.maker = Maker(replace(work, instances=[], jobs=1, check=partial(_stop_without, self.token)), settings)
        self.shapes: list[list[tuple[int, ...] | None]] = []

    def processed(self) -> Generator[Processed, None, None]:
        """What is known of all recordings, in order, without their spectrograms.

        Raises:
            OutputError: something else is where shards are made, or it cannot be written.
        """
        if not self.resume:
            self.remove()
        with write_failures(self.directory):
            self.complete.mkdir(parents=True, exist_ok=True)
        remove_partials(self.directory / "*")
        remove_partials(self.complete / "*")
        for token in self.directory.glob("running-*"):  # of a run that was killed
            token.unlink()
        with closing(self._run(self.maker.gathered, self.parts)) as found:
            for each in found:
                self.shapes.append([result.shape for result in each])
                yield from each

    def write(self, output: Path, layout: Layout, shapes: Shapes) -> None:
        """Write the shards of those whose spectrograms have the shape of most, and move them to `output`."""
        counts = [
            [0 if shape is None or not shapes.suits(shape[1:]) else shape[0] for shape in known]
            for known in self.shapes
        ]
        items = list(zip(self.parts, counts, strict=True))
        with closing(self._run(partial(self.maker.written, layout), items)) as written:
            shards = list(progress(written, "write", "shards", len(items)))
        publish(self.complete, output, shards)
        self.remove()

    def done(self) -> str | None:
        """How far the work is, in words, where there is something to go on with."""
        if not any(part.path.exists() or part.facts.exists() or part.journal.exists() for part in self.parts):
            return None
        return f"{sum(part.facts.exists() for part in self.parts)} of {len(self.parts)} shards are done"

    def remove(self) -> None:
        """Remove the directory where shards are made, with what an earlier run left in it.

        Raises:
            OutputError: there is something else in it.
        """
        for directory in (self.directory, self.complete):
            if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
                raise OutputError(f"{directory}: is a link or a file, which is in the way; move it")
        for directory in (each for each in (self.complete, self.directory) if each.exists()):
            remove_partials(directory / "*")
            with write_failures(directory):
                others = sorted(path.name for path in directory.iterdir() if not OURS.fullmatch(path.name))
                if set(others) - {self.complete.name}:
                    raise OutputError(f"{directory}: has other files than shards ({others[0]}); move them")
                for path in directory.iterdir():
                    path.unlink()
                directory.rmdir()

    def _run(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Generator[Any, None, None]:
        def died(item: Any, death: WorkerDied) -> NoReturn:
            part = item if isinstance(item, Part) else item[0]
            raise WorkerDied(f"{self.maker.at_work(part)}: {death}") from None

        given: dict[str, Any] = {"check": self.work.check, "instead": died, "paths_of": _folders}
        try:
            self.token.touch()
            yield from run(function, items, self.work.jobs, apart=True, long_items=True, **given)
        finally:
            self.token.unlink(missing_ok=True)


def _suitable(
    instances: Sequence[InstanceMetadata], entries: Iterator[Processed], counts: Sequence[int]
) -> Iterator[tuple[InstanceMetadata, np.ndarray | None]]:
    for instance, entry, count in zip(instances, entries, counts, strict=True):
        yield instance, entry.chunks if count else None


def _stop_without(token: Path) -> None:
    """Raise where the process that the work is for has ended: those of other machines see nothing else of that."""
    if not token.exists():
        raise Stopped(f"{token.parent}: the work has ended")


def _folders(item: Any) -> list[Path]:
    """The folders that a part needs."""
    part: Part = item if isinstance(item, Part) else item[0]
    return sorted({part.facts.parent, *(Path(instance.path).parent for instance in part.instances)})
