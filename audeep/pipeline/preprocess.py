# SPDX-License-Identifier: GPL-3.0-or-later
"""From a folder of recordings to a data set file of spectrograms."""

import hashlib
import json
import logging
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from audeep import __version__
from audeep.audio.front_ends.base import FrontEnd
from audeep.audio.front_ends.registry import settings_of
from audeep.data import schema
from audeep.data.manifest import check_shards_target, shares
from audeep.errors import AudeepError, AudioError, OptionError, OutputError, ShapeError, Stopped
from audeep.parsers.base import Parser
from audeep.pipeline.outcomes import bad_list, none_left, tell_left_out, tell_once, with_text
from audeep.pipeline.recordings import Processed, Shapes, Work
from audeep.pipeline.sharded import Parts
from audeep.pipeline.spectrograms import OneFile, layout_of
from audeep.runtime.execution import WorkerDied, chosen_workers
from audeep.runtime.files import check_target, remove_partials
from audeep.runtime.journal import Journal, opened_journal
from audeep.runtime.progress import progress
from audeep.runtime.signals import deferred_signals, stop_if_told

logger = logging.getLogger(__name__)


def preprocess(
    parser: Parser,
    front_end: FrontEnd,
    output: Path,
    jobs: int | None = None,
    *,
    compression: int = 0,
    skip_bad: bool = False,
    resume: bool = False,
    shards: int | None = None,
    cluster: str | None = None,
) -> list[str]:
    """Write the spectrograms of all recordings that `parser` finds, in its order, with their metadata.

    Spectrograms are gathered in `partial_path(output)`, those of shards in OUTPUT.parts. They stay there if the work is
    interrupted or stops at a recording, and `resume` goes on from them. Where they differ in length, shorter ones are
    padded in the output.

    Args:
        jobs: worker processes; by default one for each core that this process may use.
        compression: of the features on file, from 0 (none) to 9.
        skip_bad: leave out unusable recordings, and list them, with the reasons, in a file beside `output`.
        resume: go on with a run that ended early; it had the same settings (`jobs`, `cluster` and `skip_bad` are free).
        shards: make `output` a directory of so many files with a manifest, each of which is written by a worker;
            `load` takes it as one data set, the same as without.
        cluster: in place of `jobs`: the address of a dask scheduler whose workers do the work, or "local:N" for N
            processes of this machine; `audeep[dask]` has what this needs.

    Returns:
        For each recording that was left out, its path and the reason.

    Raises:
        ParserError, AudioError: a recording cannot be stored or read and is not to be skipped, or none can be.
        ShapeError: spectrograms differ in frequency, or in time where all are to have one length.
        OptionError: there is no run to go on with, or settings or recordings have changed since; or there are more
            shards than recordings.
        OutputError: `output` cannot be written.
        Stopped: the process was told to end, or a worker was killed.
    """
    workers = chosen_workers(jobs, cluster)
    bad: list[str] = []
    found = [(item, item.filename, item.path) for item in parser.parse()]
    instances = [item for item, _ in with_text(found, bad if skip_bad else None)]
    num_recordings = len(parser.parse())
    settings = {**_settings(parser, front_end, compression), "shards": shards}
    rows = None if shards is None else shares(len(instances), shards)
    with _journal_of(output, settings, resume, shards is not None) as (journal, check):
        work = Work(front_end, instances, workers, skip_bad, check)
        kept = OneFile(work, journal) if rows is None else Parts(work, output, settings, rows, resume)
        with _resumable(kept, journal, check):
            with closing(kept.processed()) as results:
                shapes = _shapes(work, _watched(results, len(instances)), bad)
            if shapes.common is None:
                raise none_left(num_recordings, bad)
            bad += shapes.odd().values()
            kept.write(output, layout_of(parser, front_end, shapes, shapes.common, compression), shapes)
    tell_left_out(bad, num_recordings, output)
    logger.info("%s: spectrograms of %d recordings written", output, num_recordings - len(bad))
    return bad


def _shapes(work: Work, results: Iterable[Processed], bad: list[str]) -> Shapes:
    """The shapes of all results; those that are bad are added to `bad`.

    Raises:
        ShapeError: they differ where they should not, and none is to be skipped.
    """
    shapes = Shapes(work.front_end.has_one_length, work.front_end.sample_rate is not None)
    for path, result in zip(work.sources, results, strict=True):
        if result.shape is None:
            bad.append(str(result.facts.bad))
            continue
        shapes.add(path, result.shape[1:], result.facts.sample_rate)
        if not work.skip_bad:
            shapes.check()
    shapes.log()
    return shapes


def partial_path(output: Path) -> Path:
    """Where the spectrograms of a run that ended early are kept."""
    return output.with_name(f"{output.name}.partial")


@contextmanager
def _journal_of(
    output: Path, settings: dict[str, Any], resume: bool, is_directory: bool
) -> Iterator[tuple[Journal, Callable[[], None]]]:
    """The journal of a run, and what raises where a signal has arrived; what earlier runs left beside it is removed."""
    (check_shards_target if is_directory else check_target)(output)
    check_target(bad_list(output))
    with (
        deferred_signals(signal.SIGTERM, signal.SIGINT) as arrived,
        opened_journal(partial_path(output), settings, resume) as journal,
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
def _resumable(kept: OneFile | Parts, journal: Journal, check: Callable[[], None]) -> Iterator[None]:
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
        done = kept.done()
        if done is None:
            with suppress(OutputError):
                kept.remove()
            journal.remove()
            raise
        if not isinstance(error, AudeepError | KeyboardInterrupt):
            raise
        done = f"{done}, go on with resume=True"
        if isinstance(error, AudioError | ShapeError | WorkerDied):
            done += ", or without bad ones with resume=True skip_bad=True"
        raise type(error)("; ".join([*map(str, error.args), done])) from error
    journal.remove()


def _watched(results: Iterable[Processed], number: int) -> Iterator[Processed]:
    """Show the progress of `number` results, and log each of their warnings once."""
    told = set[str]()
    for result in progress(results, "preprocess", "files", number):
        if result.shape is not None:
            tell_once(result.facts.warnings, told)
        yield result
