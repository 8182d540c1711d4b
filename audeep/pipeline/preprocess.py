# SPDX-License-Identifier: GPL-3.0-or-later
"""From a folder of recordings to a data set file of spectrograms."""

import hashlib
import json
import logging
import math
import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audeep import __version__
from audeep.audio.front_ends.mel import Preprocessor
from audeep.data import netcdf, schema
from audeep.errors import AudeepError, AudioError, OptionError, ParserError, ShapeError
from audeep.parsers.base import InstanceMetadata, Parser
from audeep.runtime.constants import SILENCE
from audeep.runtime.files import check_target, remove_partials, replacing
from audeep.runtime.journal import Journal, opened_journal
from audeep.runtime.memory import reuse_memory
from audeep.runtime.progress import progress
from audeep.runtime.signals import deferred_signals

logger = logging.getLogger(__name__)

FILES_TOGETHER = 4  # handed to a worker at a time
BYTES_TOGETHER = 2**20  # of spectrograms that are written at a time


class Stopped(AudeepError):
    """The work was told to stop, or could not go on, for reasons that are not in the data."""


def preprocess(
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

    Spectrograms are gathered in `partial_path(output)`. They stay there if the work is interrupted or stops at a
    recording, and `resume` goes on from them. Where they differ in length, shorter ones are padded in the output.

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
        ShapeError: two recordings give spectrograms that differ in frequency, or, where all are to have one length,
            in time.
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
        deferred_signals(signal.SIGTERM, signal.SIGINT) as stop,
        opened_journal(partial_path(output), settings, resume) as journal,
        _resumable(journal, num_recordings),
    ):
        remove_partials(output)
        paths = [Path(instance.path) for instance in instances]
        results = _results(paths, preprocessor, jobs or available_cores(), journal, skip_bad, stop)
        shown = progress(results, "preprocess", "files", len(paths))
        shape, is_padded, rate = _common_shape(zip(instances, _usable(shown, bad), strict=True), preprocessor)
        if shape is None:
            raise AudioError(f"none of {num_recordings} recordings can be used; the first: {bad[0]}")
        dims, made_with = [schema.TIME, schema.FREQ], {**asdict(preprocessor), "sample_rate": rate}
        attributes = {schema.PREPROCESSING: json.dumps(made_with)}
        with netcdf.writing(output, dims, shape, parser.num_folds, label_map, compression, attributes) as writer:
            for group in _groups(zip(instances, journal.replay(), strict=True), shape):
                _stop_if_told(stop, journal)
                _append(writer, group, label_map, shape, is_padded)
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
        problem = ParserError(f"{instance.path}: is not a name in UTF-8; rename the recording")
        if bad is None:
            raise problem from error
        bad.append(str(problem))
        return False
    return True


def _groups(
    results: Iterable[tuple[InstanceMetadata, tuple[dict[str, Any], np.ndarray | None]]], shape: tuple[int, int]
) -> Iterator[list[tuple[InstanceMetadata, np.ndarray]]]:
    """Recordings with their chunks, but for those without; one or, padded to `shape`, `BYTES_TOGETHER` at a time."""
    most = BYTES_TOGETHER // (4 * math.prod(shape))
    group: list[tuple[InstanceMetadata, np.ndarray]] = []
    num_chunks = 0
    for instance, (_, chunks) in results:
        if chunks is not None:
            group.append((instance, chunks))
            num_chunks += len(chunks)
        if num_chunks >= most and group:
            yield group
            group, num_chunks = [], 0
    if group:
        yield group


def _append(
    writer: netcdf.Writer,
    group: Sequence[tuple[InstanceMetadata, np.ndarray]],
    label_map: dict[str, int] | None,
    shape: tuple[int, int],
    is_padded: bool,
) -> None:
    """Write recordings with their chunks; the label map has the numbers of labels where they do not."""
    metadata = {schema.CHUNK_NR.name: [number for _, chunks in group for number in range(len(chunks))]}
    for name in (variable.name for variable in schema.VARIABLES if variable.name not in metadata):
        values = [getattr(instance, name, None) for instance, _ in group]
        if name == schema.LABEL_NUMERIC.name and label_map is not None:
            named = [label_map.get(instance.label_nominal) for instance, _ in group]
            values = [other if value is None else value for value, other in zip(values, named, strict=True)]
        if name == schema.NUM_FRAMES.name and is_padded:
            values = [chunks.shape[1] for _, chunks in group]
        if any(value is not None for value in values):
            metadata[name] = [
                value for value, (_, chunks) in zip(values, group, strict=True) for _ in range(len(chunks))
            ]
    features = np.full((sum(len(chunks) for _, chunks in group), *shape), SILENCE, np.float32)
    start = 0
    for _, chunks in group:
        stop, num_frames = start + len(chunks), chunks.shape[1]
        features[start:stop, :num_frames] = chunks
        start = stop
    writer.append(metadata, features)


def _common_shape(
    results: Iterable[tuple[InstanceMetadata, "Result | None"]], preprocessor: Preprocessor
) -> tuple[tuple[int, int] | None, bool, int | None]:
    """What spectrograms have in common.

    Returns:
        the shape [time, freq] that all fit into, None without any; whether some are shorter; the sample rate in Hz that
        all are made from, None where there are several.

    Raises:
        ShapeError: they differ in frequency, or in time where all are to have one length.
    """
    first: tuple[InstanceMetadata, tuple[int, int]] | None = None
    lengths, rates = set(), Counter()
    for instance, result in results:
        if result is None:
            continue
        shape = result.chunks.shape[1:]
        if first is None:
            first = instance, shape
        if shape[1] != first[1][1] or (preprocessor.has_one_length and shape != first[1]):
            raise ShapeError(_different_shapes(*first, instance, shape))
        lengths.add(shape[0])
        rates[result.sample_rate] += 1
    if len(rates) > 1:
        found = ", ".join(f"{number} of {rate} Hz" for rate, number in sorted(rates.items()))
        logger.warning(
            "recordings have different sample rates (%s), so the same band is another frequency in them; resample"
            " with sample_rate=HZ",
            found,
        )
    if len(lengths) > 1:
        logger.info("spectrograms have %d to %d frames, shorter ones are padded", min(lengths), max(lengths))
    rate = next(iter(rates)) if len(rates) == 1 else None
    return None if first is None else (max(lengths), first[1][1]), len(lengths) > 1, rate


def _different_shapes(
    first: InstanceMetadata, expected: tuple[int, int], second: InstanceMetadata, found: tuple[int, int]
) -> str:
    shapes = [" x ".join(map(str, shape)) for shape in (expected, found)]
    remedy = "make all equally long with fixed_length=SECONDS" if found[1] == expected[1] else ""
    remedy = remedy or "make their sample rates the same with sample_rate=HZ, or map to bands with mel_spectrum=BANDS"
    return (
        f"{second.path}: gives a spectrogram of {shapes[1]} (time x freq), but {first.path} one of {shapes[0]};"
        f" {remedy} ('audeep inspect raw' shows lengths and rates)"
    )


@dataclass(frozen=True)
class Result:
    """What became of one recording.

    Attributes:
        chunks: [chunk, time, freq], or why there are none.
        warnings: what was logged, as the log of a worker reaches nobody.
        file: size in bytes and time of change of the recording, in nanoseconds; None if it is not there.
        sample_rate: in Hz, if there are chunks.
    """

    chunks: np.ndarray | AudioError
    warnings: list[str]
    file: list[int] | None
    sample_rate: int | None = None


def _settings(parser: Parser, preprocessor: Preprocessor, compression: int) -> dict[str, Any]:
    """All that the content of the output depends on, but the recordings themselves."""
    instances = parser.parse()
    known = [[getattr(item, variable.name, None) for variable in schema.VARIABLES] for item in instances]
    checksum = hashlib.sha256(json.dumps([known, parser.label_map, parser.num_folds], default=str).encode())
    return {
        "version": __version__,
        **asdict(preprocessor),
        "compression": compression,
        "parser": f"{type(parser).__module__}.{type(parser).__qualname__}",
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
        done = f"{journal.num_arrays} of {num_recordings} recordings are done, go on with resume=True"
        if isinstance(error, AudioError):
            done += ", or without bad ones with resume=True skip_bad=True"
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
                f"{path}: has changed since it was processed; restore it, or leave out resume=True to start anew"
            )
        usable = AudioError(facts["bad"]) if chunks is None else chunks
        yield Result(usable, facts["warnings"], facts["file"], facts["sample_rate"])
        done += 1
    rest = paths[done:]
    if done:
        logger.info("%s: %d of %d recordings are done already", journal.path, done, len(paths))
    jobs = min(jobs, max(1, len(rest) // FILES_TOGETHER))
    fresh = (_process(preprocessor, path) for path in rest) if jobs == 1 else _in_pool(rest, preprocessor, jobs)
    try:
        for result in fresh:
            bad = str(result.chunks) if isinstance(result.chunks, AudioError) else None
            if bad is not None and not skip_bad:
                raise result.chunks
            facts = {"file": result.file, "warnings": result.warnings, "sample_rate": result.sample_rate, "bad": bad}
            journal.append(facts, None if bad is not None else result.chunks)
            _stop_if_told(stop, journal)
            yield result
    except BrokenProcessPool as error:
        _stop_if_told(stop, journal)
        raise Stopped("a worker process was killed, perhaps for want of memory; try jobs=1") from error


def _stop_if_told(stop: list[int], journal: Journal) -> None:
    if signal.SIGINT in stop:
        raise KeyboardInterrupt
    if stop:
        raise Stopped(f"{journal.path}: terminated")


def _usable(results: Iterable[Result], bad: list[str]) -> Iterator[Result | None]:
    """Each result that has chunks, else None and a line in `bad`; warnings are logged once each."""
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
        yield result


def _in_pool(paths: Sequence[Path], preprocessor: Preprocessor, jobs: int) -> Iterator[Result]:
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context(method), _start_worker)
    waiting: deque = deque()
    try:
        for start in range(0, len(paths), FILES_TOGETHER):
            waiting.append(pool.submit(_process_all, preprocessor, paths[start : start + FILES_TOGETHER]))
            if len(waiting) > 2 * jobs:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
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


def _process_all(preprocessor: Preprocessor, paths: Sequence[Path]) -> list[Result]:
    return [_process(preprocessor, path) for path in paths]


def _process(preprocessor: Preprocessor, path: Path) -> Result:
    collector = _Collector()
    audio_logger = logging.getLogger("audeep.audio")
    audio_logger.addHandler(collector)
    audio_logger.propagate = False
    file = _file(path)
    try:
        chunks, sample_rate = preprocessor.chunks_and_rate(path)
        return Result(chunks, collector.messages, file, sample_rate)
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
