# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on recordings of which some may be bad: whatever one does, the work on the others is not lost."""

import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from audeep.audio.reading import Source, file_of
from audeep.errors import AudioError, OptionError, ParserError, ShapeError
from audeep.runtime.execution import Jobs, WorkerDied, run
from audeep.runtime.files import check_text, replacing

logger = logging.getLogger(__name__)

Value = TypeVar("Value")
Named = TypeVar("Named")
Origin = TypeVar("Origin", bound=Source)


def with_text(found: Iterable[tuple[Named, str, Path | str]], bad: list[str] | None) -> list[tuple[Named, str]]:
    """Those recordings whose names are text, with these.

    Args:
        found: recordings, their names, and where they are.
        bad: gets what is wrong with the others; None raises it.

    Raises:
        ParserError: a name is not text.
    """
    named = []
    for recording, name, place in found:
        try:
            check_text(name)
        except OptionError as error:
            problem = ParserError(f"{place}: is not a name in UTF-8; rename the recording")
            if bad is None:
                raise problem from error
            bad.append(str(problem))
        else:
            named.append((recording, name))
    return named


@dataclass(frozen=True)
class Outcome(Generic[Value]):
    """What the work on a recording gave.

    Attributes:
        value: the result; None where the recording is bad.
        file: size in bytes and time of change in nanoseconds of the recording; None if it is not there.
        warnings: what was logged meanwhile, as the log of a worker reaches nobody.
        bad: why there is no result.
    """

    value: Value | None
    file: list[int] | None
    warnings: list[str]
    bad: str | None = None


def outcomes(
    work: Callable[[Origin], Value],
    paths: Sequence[Origin],
    jobs: Jobs,
    skip_bad: bool,
    remedy: str,
    check: Callable[[], None] = lambda: None,
    needs: Sequence[Path] = (),
) -> Generator[Outcome[Value], None, None]:
    """What `work` gives for all recordings, or parts of them, in order.

    Args:
        work: called by workers, where there are several `jobs`, or bad recordings are to be skipped: these may end the
            process that reads them.
        remedy: what to do about recordings that take too much memory.
        check: is called again and again meanwhile; what it raises ends the work.
        needs: files and folders that the work takes beside the recordings.

    Raises:
        AudioError: a recording is bad, and not to be skipped.
        WorkerDied: so did a worker.
    """
    instead = partial(_died, remedy) if skip_bad else None
    given: dict[str, Any] = {"check": check, "instead": instead, "needs": needs, "paths_of": _files}
    results = run(partial(attempt, work, remedy), paths, jobs, apart=skip_bad, **given)
    with closing(results):
        for outcome in results:
            if outcome.bad is not None and not skip_bad:
                raise AudioError(outcome.bad)
            yield outcome


def attempt(work: Callable[[Origin], Value], remedy: str, path: Origin) -> Outcome[Value]:
    """What `work` gives for a recording, or why it gives nothing.

    Raises:
        OptionError: the options are wrong for any recording.
    """
    collector = _Collector()
    audio_logger = logging.getLogger("audeep.audio")
    audio_logger.addHandler(collector)
    audio_logger.propagate = False
    file = file_state(path)
    try:
        return Outcome(work(path), file, collector.messages)
    except OptionError:
        raise
    except (AudioError, ShapeError) as error:
        bad = str(error)
    except MemoryError:
        bad = f"{path}: takes more memory than there is; {remedy}"
    except Exception as error:  # of any library: one recording is no reason to lose the work on thousands
        bad = f"{path}: cannot be processed ({type(error).__name__}: {error}); replace the file or remove it"
    finally:
        audio_logger.propagate = True
        audio_logger.removeHandler(collector)
    return Outcome(None, file, collector.messages, str(AudioError(bad)))


def bad_list(output: Path) -> Path:
    """Where recordings that were left out of `output` are listed."""
    return output.with_name(f"{output.name}.bad.txt")


def none_left(num_recordings: int, bad: Sequence[str]) -> AudioError:
    """What to raise where all recordings are bad."""
    return AudioError(f"none of {num_recordings} recordings can be used; the first: {bad[0]}")


def tell_once(warnings: Iterable[str], told: set[str]) -> None:
    """Log those of the warnings that have not been `told`."""
    for warning in warnings:
        if warning not in told:
            logger.warning(warning)
            told.add(warning)


def tell_left_out(bad: Sequence[str], num_recordings: int, output: Path | None) -> None:
    """Log which recordings were left out, and why, and list them beside `output` in place of an earlier list."""
    path = None if output is None else bad_list(output)
    if path is not None and not bad:
        path.unlink(missing_ok=True)
    elif path is not None:
        with replacing(path) as partial_file:
            text = "".join(f"{line}\n" for line in bad)
            partial_file.write_text(text, encoding="utf-8", errors="backslashreplace")
    for line in bad:
        logger.warning("left out: %s", line)
    if bad:
        place = "" if path is None else f"; they are listed in {path}"
        logger.warning("%d of %d recordings were left out%s", len(bad), num_recordings, place)


def file_state(source: Source) -> list[int] | None:
    """Size in bytes and time of change in nanoseconds of a file that is there."""
    try:
        found = file_of(source).stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _files(source: Source) -> list[Path]:
    return [file_of(source)]


def _died(remedy: str, path: Source, death: WorkerDied) -> Outcome[Value]:
    return Outcome(None, file_state(path), [], str(AudioError(f"{path}: {death}; {remedy}")))


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
