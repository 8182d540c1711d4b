# SPDX-License-Identifier: GPL-3.0-or-later
"""Features straight from recordings, or from windows that slide along them: no spectrograms are kept."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

import pandas as pd

from audeep.audio.streams import Origin
from audeep.data import netcdf
from audeep.data.exchange.formats import open_table
from audeep.data.schema import CHUNK_NR, FILENAME, GENERATED, START_SECONDS, feature_names
from audeep.errors import OptionError
from audeep.inference.embedding_modules import EmbeddingModule, ModuleExtractor
from audeep.inference.features import FeatureExtractor
from audeep.inference.recordings import Applied
from audeep.models.checkpoints import step_of
from audeep.parsers.base import Parser
from audeep.pipeline.metadata import columns_of
from audeep.pipeline.outcomes import tell_left_out, with_text
from audeep.pipeline.rows import Application, Rows, check_origins, delivered, named_recordings, rows_of
from audeep.runtime.execution import Jobs, chosen_workers

Append = Callable[[Rows], None]


def extract(
    files: Sequence[Path | str] | Parser,
    model: Path | str | EmbeddingModule,
    output: Path | str | TextIO,
    *,
    step: int | str | None = None,
    window: float | None = None,
    hop: float | None = None,
    pooled: bool = False,
    device: str = "auto",
    skip_bad: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
) -> int:
    """Write the features that a trained model gives for recordings; gives the number of rows.

    Rows are written as they come; with `skip_bad`, or several `jobs`, when all of their recording are there.

    ::

        extract(["a.wav", "b.flac"], "run/logs", "features.csv", window=2, hop=0.5)

    Args:
        files: recordings, and folders, of which all recordings at any depth are taken, called by their paths below
            it, in their order; "-" is a recording that arrives on standard input. Or a parser, whose recordings are
            taken, and what it knows of them is written too.
        model: "logs" of a run, or a module of somebody else.
        output: a file, whose suffix chooses the format (.csv, .arff, .nc, .npy, .npz, .parquet, .arrow), or a
            stream, which gets CSV as soon as features are known; of a parser, a data set file (.nc).
        step: of the checkpoint to use, or "best"; by default the newest.
        window: length in seconds of windows that get a row each; by default each chunk that training had of a recording
            gets one, which mostly is the recording.
        hop: seconds from window to window; by default `window`.
        pooled: take the pooled features that some kinds of models have.
        skip_bad: leave out unusable recordings, and list them, with the reasons, in a file beside `output`.
        jobs: processes that work on several recordings at once, each with the model in its memory.
        cluster: in place of `jobs`: the address of a dask scheduler whose workers do the work, or "local:N" for N
            processes of this machine; `audeep[dask]` has what this needs.

    Raises:
        OptionError: options contradict each other, or the suffix of `output` is unknown, or not for a parser.
        ModelError: there is no such model or module, or it gives no features of recordings.
        AudioError, ShapeError: a recording cannot be read, or does not suit the model, and is not to be skipped; or
            none can be.
        ParserError: a folder has no recordings.
        OutputError: `output` cannot be written.
        Stopped: the process was told to end, or a worker was killed.
    """
    workers = chosen_workers(jobs, cluster)
    bad: list[str] = []
    recordings = _recordings(files, window, hop, skip_bad, workers, bad)
    num_recordings = len(recordings) + len(bad)
    application = Application(_maker(model, step, pooled, device), window, hop)
    size = application.applied.size
    own = (model.name, model.weights) if isinstance(model, EmbeddingModule) else (model,)
    needs = [Path(each) for each in own if each is not None]
    found = rows_of(application, recordings, "extract", skip_bad=skip_bad, jobs=workers, bad=bad, needs=needs)
    table = _data_set(output, size, files) if isinstance(files, Parser) else _table(output, size, window)
    num_rows = delivered(found, table, bad, num_recordings)
    if skip_bad:
        tell_left_out(bad, num_recordings, Path(output) if isinstance(output, Path | str) else None)
    return num_rows


def _recordings(
    files: Sequence[Path | str] | Parser,
    window: float | None,
    hop: float | None,
    skip_bad: bool,
    jobs: Jobs,
    bad: list[str],
) -> list[tuple[Origin, str]]:
    """The recordings with their names; `bad` gets what is wrong with those that are to be left out."""
    check_origins([] if isinstance(files, Parser) else files, window, hop, skip_bad, jobs)
    if isinstance(files, Parser):
        found = [(item.source, item.filename, item.path) for item in files.parse()]
        return with_text(found, bad if skip_bad else None)
    return named_recordings(files, bad if skip_bad else None)


def _maker(
    model: Path | str | EmbeddingModule, step: int | str | None, pooled: bool, device: str
) -> Callable[[], Applied]:
    """What loads a model; it can be sent to workers."""
    if not isinstance(model, EmbeddingModule):
        directory = Path(model)
        return partial(FeatureExtractor, directory, step_of(directory, step), pooled=pooled, device=device)
    if step is not None or pooled:
        given = "pooled=True" if pooled else f"step={step}"
        raise OptionError(f"{given}: is for models of audeep, {model.name} has nothing of the kind; leave it out")
    return partial(ModuleExtractor, model, device)


@contextmanager
def _table(output: Path | str | TextIO, size: int, window: float | None) -> Iterator[Append]:
    """What adds rows to a table of any format."""
    names = feature_names(size)
    columns = [FILENAME.name, CHUNK_NR.name, *([] if window is None else [START_SECONDS])]
    with open_table(output, [*columns, *names]) as append:
        yield lambda rows: append(_frame(rows, names))


@contextmanager
def _data_set(output: Path | str | TextIO, size: int, parser: Parser) -> Iterator[Append]:
    """What adds rows to a data set file, with what a parser knows of their recordings.

    Raises:
        OptionError: the output is something else.
    """
    if not isinstance(output, Path | str) or Path(output).suffix.lower() != ".nc":
        found = f"output={output}" if isinstance(output, Path | str) else "standard output"
        raise OptionError(
            f"{found}: what is known of recordings goes to data set files; name one with the suffix .nc, of which"
            " 'audeep export' makes tables"
        )
    known = {item.filename: item for item in parser.parse()}
    label_map, label_names = parser.label_map, parser.label_names
    layout = [GENERATED], [size], parser.num_folds, label_map
    with netcdf.writing(output, *layout, label_names=label_names) as writer:

        def append(rows: Rows) -> None:
            count = len(rows.vectors)
            columns = columns_of([(known[rows.name], count)], label_map, label_names)
            writer.append({**columns, CHUNK_NR.name: range(rows.first, rows.first + count)}, rows.vectors)

        yield append


def _frame(rows: Rows, names: Sequence[str]) -> pd.DataFrame:
    """Rows of windows or chunks, with features called `names`."""
    numbers = range(rows.first, rows.first + len(rows.vectors))
    times = {} if rows.starts is None else {START_SECONDS: rows.starts}
    metadata = pd.DataFrame({FILENAME.name: rows.name, CHUNK_NR.name: numbers, **times})
    return pd.concat([metadata, pd.DataFrame(rows.vectors, columns=names)], axis=1)
