# SPDX-License-Identifier: GPL-3.0-or-later
"""From a folder of recordings to a data set file of spectrograms."""

import hashlib
import json
import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from audeep import __version__
from audeep.audio.preprocessing import Preprocessor
from audeep.data import netcdf, schema
from audeep.errors import AudeepError, AudioError, OptionError, ParserError, ShapeError
from audeep.files import check_target, remove_partials, replacing
from audeep.journal import Journal, opened_journal
from audeep.memory import reuse_memory
from audeep.parsers.base import InstanceMetadata, Parser
from audeep.progress import progress
from audeep.signals import noted

logger = logging.getLogger(__name__)

FILES_PER_WORKER = 4  # handed out ahead of the file that is written next


class Stopped(AudeepError):
    """The work was told to stop, or could not go on, for reasons that are not in the data."""


def extract(
    parser: Parser,
    preprocessor: Preprocessor,
    output: Path,
    jobs: int | None = None,
    *,
    compression: int = 0,
    skip_bad: bool = False,
    resume: bool = False,
) -> list[str]:
    """Write the spectrograms of all recordings that `parser` finds, in its order, with their metadata.

    Until the file is complete, spectrograms are kept in `partial_path(output)` too. They stay there if the work is
    interrupted or stops at a recording, and `resume` goes on from them.

    Args:
        jobs: worker processes; by default one for each core that this process may use.
        compression: of the features on file, from 0 (none) to 9.
        skip_bad: leave out recordings that cannot be read or do not suit the settings, and list them, with the
            reasons, in a file beside `output`.
        resume: go on with a run that ended early; it had the same settings (`jobs` and `skip_bad` are free).

    Returns:
        For each recording that was left out, its path and the reason.

    Raises:
        ParserError: the name of a recording cannot be stored.
        AudioError: a recording cannot be read and is not to be skipped, or none can be.
        ShapeError: two recordings give spectrograms of different shapes.
        OptionError: there is no run to go on with, or settings or recordings have changed since.
        OutputError: `output` cannot be written.
    """
    label_map = parser.label_map
    bad: list[str] = []
    instances = [item for item in parser.parse() if _has_name(item, bad if skip_bad else None)]
    num_recordings = len(parser.parse())
    for path in (output, bad_list(output)):
        check_target(path)
    reuse_memory()
    settings = _settings(parser, preprocessor, compression)
    with (
        noted(signal.SIGTERM, signal.SIGINT) as stop,
        opened_journal(partial_path(output), settings, resume) as journal,
        _resumable(journal, num_recordings),
    ):
        remove_partials(output)
        paths = [Path(instance.path) for instance in instances]
        results = _results(paths, preprocessor, jobs or available_cores(), journal, skip_bad, stop)
        good = (pair for pair in zip(instances, _usable(results, bad), strict=True) if pair[1] is not None)
        shown = progress(good, "preprocess", "files", len(instances))
        head = next(shown, None)
        if head is None:
            raise AudioError(f"none of {num_recordings} recordings can be used; the first: {bad[0]}")
        first, expected = head
        dims = [schema.TIME, schema.FREQ]
        with netcdf.writing(output, dims, expected.shape[1:], parser.num_folds, label_map, compression) as writer:
            for instance, chunks in chain([head], shown):
                if chunks.shape != expected.shape:
                    raise ShapeError(_different_lengths(first, expected, instance, chunks))
                writer.append(_metadata(instance, len(chunks), label_map), chunks)
    bad_list(output).unlink(missing_ok=True)  # of an earlier run
    if bad:
        _list_bad(bad, bad_list(output), num_recordings)
    logger.info("%s: spectrograms of %d recordings written", output, num_recordings - len(bad))
    return bad


def partial_path(output: Path) -> Path:
    """Where the spectrograms of a run that ended early are kept."""
    return output.with_name(f"{output.name}.partial")


def bad_list(output: Path) -> Path:
    """Where recordings that were left out of `output` are listed."""
    return output.with_name(f"{output.name}.bad.txt")


def _list_bad(bad: list[str], path: Path, num_instances: int) -> None:
    with replacing(path) as partial:
        partial.write_text("".join(f"{line}\n" for line in bad), encoding="utf-8", errors="backslashreplace")
    for line in bad:
        logger.warning("left out: %s", line)
    logger.warning("%d of %d recordings were left out; they are listed in %s", len(bad), num_instances, path)


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _has_name(instance: InstanceMetadata, bad: list[str] | None) -> bool:
    """Whether the name of a recording can be stored; if not, that is added to `bad`, or raised where that is None."""
    try:
        instance.filename.encode()
    except UnicodeEncodeError as error:
        problem = ParserError(f"{instance.path}: is no name in UTF-8; rename the recording")
        if bad is None:
            raise problem from error
        bad.append(str(problem))
        return False
    return True


def _metadata(instance: InstanceMetadata, num_chunks: int, label_map: dict[str, int] | None) -> dict[str, list]:
    """Columns for the chunks of one recording; the label map has the number where the instance does not."""
    values = {variable.name: getattr(instance, variable.name, None) for variable in schema.VARIABLES}
    if instance.label_numeric is None and label_map is not None:
        values[schema.LABEL_NUMERIC.name] = label_map.get(instance.label_nominal)
    columns = {name: [value] * num_chunks for name, value in values.items() if value is not None}
    return {**columns, schema.CHUNK_NR.name: list(range(num_chunks))}


def _different_lengths(
    first: InstanceMetadata, expected: np.ndarray, second: InstanceMetadata, found: np.ndarray
) -> str:
    shapes = [" x ".join(map(str, chunks.shape[1:])) for chunks in (expected, found)]
    return (
        f"{second.path}: gives a spectrogram of {shapes[1]} (time x freq), but {first.path} one of {shapes[0]};"
        " make all equally long with --fixed-length SECONDS, and check the sample rates with 'audeep inspect raw'"
    )


@dataclass(frozen=True)
class Result:
    """What became of one recording.

    Attributes:
        chunks: [chunk, time, freq], or why there are none.
        warnings: what was logged, as the log of a worker reaches nobody.
        file: size in bytes and time of change of the recording, in nanoseconds; None if it is not there.
    """

    chunks: np.ndarray | AudioError
    warnings: list[str]
    file: list[int] | None


def _settings(parser: Parser, preprocessor: Preprocessor, compression: int) -> dict[str, Any]:
    """All that the content of the output depends on, but the recordings themselves."""
    instances = parser.parse()
    known = [[getattr(item, variable.name, None) for variable in schema.VARIABLES] for item in instances]
    checksum = hashlib.sha256(json.dumps([known, parser.label_map, parser.num_folds], default=str).encode())
    options = {f"--{name.replace('_', '-')}": value for name, value in asdict(preprocessor).items()}
    return {
        "version": __version__,
        **options,
        "--compression": compression,
        "--parser": f"{type(parser).__module__}.{type(parser).__qualname__}",
        "recordings": f"{len(instances)} with checksum {checksum.hexdigest()[:16]}",
    }


@contextmanager
def _resumable(journal: Journal, num_recordings: int) -> Iterator[None]:
    """Remove the journal at the end; where the work ends early and can go on, keep it and say so."""
    try:
        yield
    except OptionError:  # the journal is of another run
        raise
    except (AudioError, Stopped, KeyboardInterrupt) as error:
        if not journal.num_arrays:
            journal.remove()
            raise
        done = f"{journal.num_arrays} of {num_recordings} recordings are done, go on with --continue"
        if isinstance(error, AudioError):
            done += ", or without bad ones with --continue --skip-bad"
        raise type(error)("; ".join([*map(str, error.args), done])) from error
    except BaseException:
        journal.remove()
        raise
    journal.remove()


def _results(
    paths: Sequence[Path], preprocessor: Preprocessor, jobs: int, journal: Journal, skip_bad: bool, stop: list[int]
) -> Iterator[Result]:
    """What becomes of each recording, in order: from the journal first, the others are processed and go there.

    Raises:
        AudioError: a recording cannot be used, and is not to be skipped.
        OptionError: a recording in the journal has changed.
        Stopped, KeyboardInterrupt: a signal has arrived in `stop`, or a worker process was killed.
    """
    done = 0
    for path, (facts, chunks) in zip(paths, journal.replay(), strict=False):
        if facts["file"] != _file(path):
            raise OptionError(
                f"{path}: has changed since it was processed; restore it, or leave out --continue to start anew"
            )
        yield Result(AudioError(facts["bad"]) if chunks is None else chunks, facts["warnings"], facts["file"])
        done += 1
    rest = paths[done:]
    if done:
        logger.info("%s: %d of %d recordings are done already", journal.path, done, len(paths))
    jobs = min(jobs, max(1, len(rest) // FILES_PER_WORKER))
    fresh = map(_process, [preprocessor] * len(rest), rest) if jobs == 1 else _in_pool(rest, preprocessor, jobs)
    try:
        for result in fresh:
            bad = str(result.chunks) if isinstance(result.chunks, AudioError) else None
            if bad is not None and not skip_bad:
                raise result.chunks
            facts = {"file": result.file, "warnings": result.warnings, "bad": bad}
            journal.append(facts, None if bad is not None else result.chunks)
            _stop_if_told(stop, journal)
            yield result
    except BrokenProcessPool as error:
        _stop_if_told(stop, journal)
        raise Stopped("a worker process was killed, perhaps for want of memory; try --jobs 1") from error


def _stop_if_told(stop: list[int], journal: Journal) -> None:
    if signal.SIGINT in stop:
        raise KeyboardInterrupt
    if stop:
        raise Stopped(f"{journal.path}: terminated")


def _usable(results: Iterable[Result], bad: list[str]) -> Iterator[np.ndarray | None]:
    """Chunks of each recording, or None and a line in `bad`; warnings are logged once each."""
    told: set[str] = set()
    for result in results:
        if isinstance(result.chunks, AudioError):
            bad.append(str(result.chunks))
            yield None
            continue
        for warning in result.warnings:
            if warning not in told:
                logger.warning(warning)
                told.add(warning)
        yield result.chunks


def _in_pool(paths: Sequence[Path], preprocessor: Preprocessor, jobs: int) -> Iterator[Result]:
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context(method), _start_worker)
    waiting: deque = deque()
    try:
        for path in paths:
            waiting.append(pool.submit(_process, preprocessor, path))
            if len(waiting) >= FILES_PER_WORKER * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    """Leave Ctrl-C to the process that started this one, and end when that does, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reuse_memory()

    def follow() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _process(preprocessor: Preprocessor, path: Path) -> Result:
    collector = _Collector()
    audio_logger = logging.getLogger("audeep.audio")
    audio_logger.addHandler(collector)
    audio_logger.propagate = False
    file = _file(path)
    try:
        return Result(preprocessor.chunks(path), collector.messages, file)
    except AudioError as error:
        return Result(error, collector.messages, file)
    finally:
        audio_logger.propagate = True
        audio_logger.removeHandler(collector)


def _file(path: Path) -> list[int] | None:
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
