# SPDX-License-Identifier: GPL-3.0-or-later
"""From a folder of recordings to a data set file of spectrograms."""

import hashlib
import json
import logging
import math
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from audeep import __version__
from audeep.audio.front_ends.base import FrontEnd
from audeep.audio.front_ends.registry import settings_of
from audeep.audio.reading import Segment
from audeep.data import netcdf, schema
from audeep.errors import AudeepError, AudioError, OptionError, ParserError, ShapeError, Stopped
from audeep.parsers.base import InstanceMetadata, Parser
from audeep.pipeline.metadata import columns_of
from audeep.pipeline.outcomes import bad_list, none_left, tell_left_out, tell_once
from audeep.pipeline.recordings import Processed, Shapes, process_all
from audeep.runtime.execution import WorkerDied
from audeep.runtime.files import check_target, remove_partials
from audeep.runtime.journal import Journal, opened_journal
from audeep.runtime.progress import progress
from audeep.runtime.signals import deferred_signals, stop_if_told

logger = logging.getLogger(__name__)

BYTES_TOGETHER = 2**20  # of spectrograms that are written at a time

Kept = tuple[InstanceMetadata, np.ndarray]  # a recording and its spectrograms [chunk, time, freq]


def preprocess(
    parser: Parser,
    front_end: FrontEnd,
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
        skip_bad: leave out unusable recordings, and list them, with the reasons, in a file beside `output`.
        resume: go on with a run that ended early; it had the same settings (`jobs` and `skip_bad` are free).

    Returns:
        For each recording that was left out, its path and the reason.

    Raises:
        ParserError, AudioError: a recording cannot be stored or read and is not to be skipped, or none can be.
        ShapeError: spectrograms differ in frequency, or in time where all are to have one length.
        OptionError: there is no run to go on with, or settings or recordings have changed since.
        OutputError: `output` cannot be written.
        Stopped: the process was told to end, or a worker was killed.
    """
    bad: list[str] = []
    instances = [item for item in parser.parse() if _has_name(item, bad if skip_bad else None)]
    num_recordings = len(parser.parse())
    with _journal_of(parser, front_end, output, compression, resume) as (journal, check):
        paths = [instance.source for instance in instances]
        with closing(process_all(front_end, paths, journal, jobs, skip_bad, check)) as results:
            shapes = _shapes(front_end, paths, _watched(results, len(paths)), skip_bad, bad)
        if shapes.common is None:
            raise none_left(num_recordings, bad)
        bad += shapes.odd().values()
        attributes = {schema.PREPROCESSING: json.dumps({**settings_of(front_end), "sample_rate": shapes.sample_rate})}
        layout = [schema.TIME, schema.FREQ], shapes.common, parser.num_folds, parser.label_map
        names, padding = parser.label_names, front_end.padding if shapes.are_padded else None
        with netcdf.writing(output, *layout, compression, attributes, label_names=names) as writer:
            for group in groups(_suitable(instances, journal, shapes), shapes.common):
                check()
                writer.append(*_columns(group, parser.label_map, shapes.common, padding, names))
    tell_left_out(bad, num_recordings, output)
    logger.info("%s: spectrograms of %d recordings written", output, num_recordings - len(bad))
    return bad


def _shapes(
    front_end: FrontEnd, paths: Sequence[Path | Segment], results: Iterable[Processed], skip_bad: bool, bad: list[str]
) -> Shapes:
    """The shapes of all results; those that are bad are added to `bad`.

    Raises:
        ShapeError: they differ where they should not, and none is to be skipped.
    """
    shapes = Shapes(front_end.has_one_length, front_end.sample_rate is not None)
    for path, result in zip(paths, results, strict=True):
        if result.chunks is None:
            bad.append(str(result.facts.bad))
            continue
        shapes.add(path, result.chunks.shape[1:], result.facts.sample_rate)
        if not skip_bad:
            shapes.check()
    shapes.log()
    return shapes


def _suitable(
    instances: Sequence[InstanceMetadata], journal: Journal, shapes: Shapes
) -> Iterator[tuple[InstanceMetadata, np.ndarray | None]]:
    """All recordings with what the journal has of them, as far as that has the shape of most."""
    for instance, (_, chunks) in zip(instances, journal.replay(), strict=True):
        yield instance, chunks if chunks is not None and shapes.suits(chunks.shape[1:]) else None


def partial_path(output: Path) -> Path:
    """Where the spectrograms of a run that ended early are kept."""
    return output.with_name(f"{output.name}.partial")


def groups(kept: Iterable[tuple[InstanceMetadata, np.ndarray | None]], shape: tuple[int, int]) -> Iterator[list[Kept]]:
    """Recordings with their chunks, but for those without; one or, padded to `shape`, `BYTES_TOGETHER` at a time."""
    most = BYTES_TOGETHER // (4 * math.prod(shape))
    group: list[Kept] = []
    num_chunks = 0
    for instance, chunks in kept:
        if chunks is not None:
            group.append((instance, chunks))
            num_chunks += len(chunks)
        if num_chunks >= most and group:
            yield group
            group, num_chunks = [], 0
    if group:
        yield group


@contextmanager
def _journal_of(
    parser: Parser, front_end: FrontEnd, output: Path, compression: int, resume: bool
) -> Iterator[tuple[Journal, Callable[[], None]]]:
    """The journal of a run, and what raises where a signal has arrived; what earlier runs left beside it is removed.

    At the end the journal is removed; where the work ends early and can go on, it stays, and the error says so.
    """
    for path in (output, bad_list(output)):
        check_target(path)
    settings = _settings(parser, front_end, compression)
    with (
        deferred_signals(signal.SIGTERM, signal.SIGINT) as arrived,
        opened_journal(partial_path(output), settings, resume) as journal,
        _resumable(journal, len(parser.parse()), partial(stop_if_told, arrived, journal.path)),
    ):
        remove_partials(output)
        yield journal, partial(stop_if_told, arrived, journal.path)


def _settings(parser: Parser, front_end: FrontEnd, compression: int) -> dict[str, Any]:
    """All that the content of the output depends on, but the recordings themselves."""
    instances = parser.parse()
    names = [*(variable.name for variable in schema.VARIABLES), "label_set"]
    known = [[getattr(item, name, None) for name in names] for item in instances]
    checksum = hashlib.sha256(json.dumps([known, parser.label_map, parser.num_folds], default=str).encode())
    return {
        "version": __version__,
        **settings_of(front_end),
        "compression": compression,
        "parser": f"{type(parser).__module__}.{type(parser).__qualname__}",
        "recordings": f"{len(instances)} with checksum {checksum.hexdigest()[:16]}",
    }


@contextmanager
def _resumable(journal: Journal, num_recordings: int, check: Callable[[], None]) -> Iterator[None]:
    """Remove the journal at the end; where the work ends early and can go on, keep it and say so."""
    try:
        try:
            yield
        except Stopped:
            check()  # a signal for all processes has ended the workers too
            raise
    except OptionError:  # the journal is of another run
        raise
    except BaseException as error:  # whatever ends the work, what is done is kept
        if not journal.num_arrays:
            journal.remove()
            raise
        if not isinstance(error, AudeepError | KeyboardInterrupt):
            raise
        done = f"{journal.num_arrays} of {num_recordings} recordings are done, go on with resume=True"
        if isinstance(error, AudioError | ShapeError | WorkerDied):
            done += ", or without bad ones with resume=True skip_bad=True"
        raise type(error)("; ".join([*map(str, error.args), done])) from error
    journal.remove()


def _watched(results: Iterable[Processed], number: int) -> Iterator[Processed]:
    """Show the progress of `number` results, and log each of their warnings once."""
    told = set[str]()
    for result in progress(results, "preprocess", "files", number):
        if result.chunks is not None:
            tell_once(result.facts.warnings, told)
        yield result


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


def _columns(
    group: Sequence[Kept],
    label_map: dict[str, int] | None,
    shape: tuple[int, int],
    padding: float | None,
    label_names: Sequence[str] = (),
) -> tuple[dict[str, list[Any]], np.ndarray]:
    """Metadata by variable, and padded features, of the chunks of recordings.

    The label map has the numbers of labels where recordings do not; `label_names` are those of several a recording.
    `padding` is None where no recording is padded.
    """
    metadata = columns_of([(instance, len(chunks)) for instance, chunks in group], label_map, label_names)
    if padding is not None:
        metadata[schema.NUM_FRAMES.name] = [chunks.shape[1] for _, chunks in group for _ in chunks]
    if len(group) == 1 and group[0][1].shape[1:] == shape:  # a long one, of which there is to be no copy
        return metadata, group[0][1]
    features = np.full((sum(len(chunks) for _, chunks in group), *shape), padding or 0.0, np.float32)
    start = 0
    for _, chunks in group:
        features[start : start + len(chunks), : chunks.shape[1]] = chunks
        start += len(chunks)
    return metadata, features
