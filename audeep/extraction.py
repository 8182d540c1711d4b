# SPDX-License-Identifier: GPL-3.0-or-later
"""From a folder of recordings to a data set file of spectrograms."""

import logging
import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np

from audeep.audio.preprocessing import Preprocessor
from audeep.data import netcdf, schema
from audeep.errors import AudeepError, AudioError, ParserError
from audeep.files import replacing
from audeep.memory import reuse_memory
from audeep.parsers.base import InstanceMetadata, Parser
from audeep.progress import progress

logger = logging.getLogger(__name__)

FILES_PER_WORKER = 4  # handed out ahead of the file that is written next


def extract(
    parser: Parser,
    preprocessor: Preprocessor,
    output: Path,
    jobs: int | None = None,
    *,
    compression: int = 0,
    skip_bad: bool = False,
) -> list[str]:
    """Write the spectrograms of all recordings that `parser` finds, in its order, with their metadata.

    Args:
        jobs: worker processes; by default one for each core that this process may use.
        compression: of the features on file, from 0 (none) to 9.
        skip_bad: leave out recordings that cannot be read or do not suit the settings, and list them, with the
            reasons, in a file beside `output`.

    Returns:
        For each recording that was left out, its path and the reason.

    Raises:
        ParserError: the name of a recording cannot be stored.
        AudioError: a recording cannot be read and is not to be skipped, or none can be; or two give spectrograms of
            different shapes.
        OutputError: `output` cannot be written.
    """
    instances = parser.parse()
    label_map = parser.label_map
    for instance in instances:
        _check_name(instance)
    reuse_memory()
    jobs = min(jobs or available_cores(), max(1, len(instances) // FILES_PER_WORKER))
    bad: list[str] = []
    results = _spectrograms(
        [Path(instance.path) for instance in instances], preprocessor, jobs, bad if skip_bad else None
    )
    good = ((instance, chunks) for instance, chunks in zip(instances, results, strict=True) if chunks is not None)
    shown = progress(good, "preprocess", "files", len(instances))
    head = next(shown, None)
    if head is None:
        raise AudioError(f"none of {len(instances)} recordings can be used; the first: {bad[0]}")
    first, expected = head
    dims = [schema.TIME, schema.FREQ]
    with netcdf.writing(output, dims, expected.shape[1:], parser.num_folds, label_map, compression) as writer:
        writer.append(_metadata(first, len(expected), label_map), expected)
        for instance, chunks in shown:
            if chunks.shape != expected.shape:
                raise AudioError(_different_lengths(first, expected, instance, chunks))
            writer.append(_metadata(instance, len(chunks), label_map), chunks)
    bad_list(output).unlink(missing_ok=True)  # of an earlier run
    if bad:
        _list_bad(bad, bad_list(output), len(instances))
    logger.info("%s: spectrograms of %d recordings written", output, len(instances) - len(bad))
    return bad


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


def _check_name(instance: InstanceMetadata) -> None:
    try:
        instance.filename.encode()
    except UnicodeEncodeError as error:
        raise ParserError(f"{instance.filename!r}: is no name in UTF-8; rename the recording") from error


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


def _spectrograms(
    paths: Sequence[Path], preprocessor: Preprocessor, jobs: int, bad: list[str] | None
) -> Iterator[np.ndarray | None]:
    """Chunks [chunk, time, freq] of each recording, in order; warnings are logged once each.

    With a list `bad`, recordings that cannot be used give None, and the reason is added to the list.
    """
    told: set[str] = set()
    results = map(_process, [preprocessor] * len(paths), paths) if jobs == 1 else _in_pool(paths, preprocessor, jobs)
    for chunks, warnings in results:
        if isinstance(chunks, AudioError):
            if bad is None:
                raise chunks
            bad.append(str(chunks))
            yield None
            continue
        for warning in warnings:
            if warning not in told:
                logger.warning(warning)
                told.add(warning)
        yield chunks


def _in_pool(
    paths: Sequence[Path], preprocessor: Preprocessor, jobs: int
) -> Iterator[tuple[np.ndarray | AudioError, list[str]]]:
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context(method), reuse_memory)
    waiting: deque = deque()
    try:
        for path in paths:
            waiting.append(pool.submit(_process, preprocessor, path))
            if len(waiting) >= FILES_PER_WORKER * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise AudeepError("a worker process was killed, perhaps for want of memory; try --jobs 1") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _process(preprocessor: Preprocessor, path: Path) -> tuple[np.ndarray | AudioError, list[str]]:
    """Chunks of one recording, or why there are none, and the warnings (the log of a worker reaches nobody)."""
    collector = _Collector()
    audio_logger = logging.getLogger("audeep.audio")
    audio_logger.addHandler(collector)
    audio_logger.propagate = False
    try:
        return preprocessor.chunks(path), collector.messages
    except AudioError as error:
        return error, collector.messages
    finally:
        audio_logger.propagate = True
        audio_logger.removeHandler(collector)


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
