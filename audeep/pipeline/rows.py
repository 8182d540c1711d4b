# SPDX-License-Identifier: GPL-3.0-or-later
"""What models make of recordings, or of windows along them, in the order of the rows of a table."""

import os
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, fields
from functools import cached_property, partial
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import NamedTuple, cast

from audeep.audio.reading import Segment
from audeep.audio.streams import STANDARD_INPUT, Origin, arrives, name_of
from audeep.errors import OptionError
from audeep.inference.recordings import Applied, Part, Vectors
from audeep.parsers.registry import open_parser
from audeep.pipeline.outcomes import none_left, outcomes, tell_once, with_text
from audeep.runtime.cluster import Cluster
from audeep.runtime.execution import Jobs
from audeep.runtime.progress import progress
from audeep.runtime.signals import deferred_signals, stop_if_told


class Rows(NamedTuple):
    """Chunks or windows of a recording that follow each other.

    Attributes:
        name: of the recording.
        first: number of the first one.
        starts: of windows, when they start, in seconds.
        vectors: of each [row, value].
        silent: of windows, whether all of their samples are 0.
    """

    name: str
    first: int
    starts: list[float] | None
    vectors: Vectors
    silent: list[bool] | None


@dataclass(frozen=True)
class Application:
    """Models applied to recordings; each process that is given this loads the models for itself.

    Called with a recording, it gives all of its parts.

    Attributes:
        make: loads the models.
        window: seconds of windows, which are taken every `hop` seconds; None for whole recordings.
    """

    make: Callable[[], Applied]
    window: float | None
    hop: float | None

    @cached_property
    def applied(self) -> Applied:
        """The models."""
        return self.make()

    def parts(self, origin: Origin) -> Iterator[Part | Vectors]:
        """Windows of a recording, part by part; or, where there are none, the vectors of its chunks."""
        if self.window is None:
            yield self.applied.of_recording(cast(Path, origin))
        else:
            yield from self.applied.of_windows(origin, self.window, self.window if self.hop is None else self.hop)

    def __call__(self, origin: Path | Segment) -> list[Part | Vectors]:
        return list(self.parts(origin))

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """What it was made of, without the models."""
        return type(self), tuple(getattr(self, field.name) for field in fields(self))


def check_origins(files: Sequence[Origin], window: float | None, hop: float | None, skip_bad: bool, jobs: Jobs) -> None:
    """Check that what recordings come from goes with the other options.

    Raises:
        OptionError: a window is needed, or a recording that arrives is to be read by a worker.
    """
    arriving = [origin for origin in files if arrives(origin)]
    if window is None and (hop is not None or arriving):
        name = name_of(arriving[0] if arriving else STANDARD_INPUT)
        raise OptionError(f"a hop, and {name}, need the length of a window; pass window=SECONDS")
    if arriving and (skip_bad or jobs != 1):
        given = f"cluster={jobs.address}" if isinstance(jobs, Cluster) else f"jobs={jobs}"
        given = "skip_bad=True" if skip_bad else given
        raise OptionError(
            f"{name_of(arriving[0])} is read as it arrives, which does not go with {given}; leave that out"
        )


def named_recordings(files: Sequence[Origin], bad: list[str] | None) -> list[tuple[Origin, str]]:
    """Recordings with their names in the output; folders stand for all recordings at any depth.

    Args:
        bad: gets what is wrong with those whose names are not text; None raises it.

    Raises:
        ParserError: a folder has no recordings, or a name is not text.
    """
    found: list[tuple[Origin, str]] = []
    for file in files:
        if not isinstance(file, Path | str):
            found.append((file, str(name_of(file))))
        elif os.path.isdir(file):
            found += [(item.path, item.filename) for item in open_parser(file, "no-metadata").parse()]
        else:
            found.append((file, "stdin" if str(file) == STANDARD_INPUT else str(file)))
    counts = Counter(name for _, name in found)
    return [
        (origin, name if counts[name] == 1 or arrives(origin) else str(origin))
        for origin, name in with_text(((origin, name, name) for origin, name in found), bad)
    ]


def rows_of(
    application: Application,
    recordings: Sequence[tuple[Origin, str]],
    what: str,
    *,
    skip_bad: bool,
    jobs: Jobs,
    bad: list[str],
    needs: Sequence[Path] = (),
) -> Generator[Rows, None, None]:
    """Rows of recordings with their names: as they come, or, with `skip_bad` or several `jobs`, a recording at a time.

    Args:
        what: the work, as a verb.
        needs: files and folders that the work takes beside the recordings.
        skip_bad: leave out unusable recordings, and add to `bad` what is wrong with them.

    Raises:
        AudioError, ShapeError: a recording cannot be read, or does not suit a model, and is not to be skipped.
        Stopped: the process was told to end, or a worker was killed.
    """
    if skip_bad or jobs != 1:
        yield from _rows_at_once(application, recordings, what, skip_bad, jobs, bad, needs)
        return
    for origin, name in progress(recordings, what, "files"):
        yield from _numbered(name, application.parts(origin))


def _rows_at_once(
    application: Application,
    recordings: Sequence[tuple[Origin, str]],
    what: str,
    skip_bad: bool,
    jobs: Jobs,
    bad: list[str],
    needs: Sequence[Path],
) -> Generator[Rows, None, None]:
    remedy = "cut it, or pass a window=S" if application.window is None else "cut it"
    paths = [origin if isinstance(origin, Segment) else Path(cast(Path, origin)) for origin, _ in recordings]
    told = set[str]()
    with deferred_signals(SIGTERM, SIGINT) as arrived:
        check = partial(stop_if_told, arrived, what)
        with closing(outcomes(application, paths, jobs, skip_bad, remedy, check, needs)) as found:
            shown = progress(found, what, "files", len(paths))
            for (_, name), outcome in zip(recordings, shown, strict=True):
                tell_once(outcome.warnings if outcome.bad is None else (), told)
                if outcome.value is None:
                    bad.append(str(outcome.bad))
                else:
                    yield from _numbered(name, outcome.value)


def _numbered(name: str, parts: Iterable[Part | Vectors]) -> Iterator[Rows]:
    first = 0
    for part in parts:
        starts, vectors, silent = part if isinstance(part, Part) else (None, part, None)
        yield Rows(name, first, starts, vectors, silent)
        first += len(vectors)


def delivered(
    found: Generator[Rows, None, None],
    target: AbstractContextManager[Callable[[Rows], None]],
    bad: Sequence[str],
    num_recordings: int,
) -> int:
    """Give rows to a target as they come, and tell how many there were.

    Args:
        bad: what is wrong with recordings that are left out, which grows meanwhile.
        num_recordings: of all, bad or not.

    Raises:
        AudioError: all recordings are bad; the target is told so.
    """
    num_rows = 0
    with target as take, closing(found):
        for rows in found:
            take(rows)
            num_rows += len(rows.vectors)
        if bad and not num_rows:
            raise none_left(num_recordings, bad)
    return num_rows
