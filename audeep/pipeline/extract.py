# SPDX-License-Identifier: GPL-3.0-or-later
"""Features straight from recordings, or from windows that slide along them: no data set is needed."""

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TextIO

import pandas as pd

from audeep.data.exchange.formats import open_table
from audeep.data.schema import CHUNK_NR, FILENAME, START_SECONDS, feature_names
from audeep.inference.features import FeatureExtractor
from audeep.models.checkpoints import step_of
from audeep.pipeline.outcomes import none_left, tell_left_out
from audeep.pipeline.rows import Application, Rows, check_origins, named_recordings, rows_of


def extract(
    files: Sequence[Path | str],
    model_directory: Path | str,
    output: Path | str | TextIO,
    *,
    step: int | str | None = None,
    window: float | None = None,
    hop: float | None = None,
    pooled: bool = False,
    device: str = "auto",
    skip_bad: bool = False,
    jobs: int = 1,
) -> int:
    """Write the features that a trained model gives for recordings; gives the number of rows.

    Rows are written as they come; with `skip_bad`, or several `jobs`, when all of their recording are there.

    ::

        extract(["a.wav", "b.flac"], "run/logs", "features.csv", window=2, hop=0.5)

    Args:
        files: recordings, and folders, of which all recordings at any depth are taken, called by their paths below
            it, in their order; "-" is a recording that arrives on standard input.
        model_directory: "logs" of a run.
        output: a file, whose suffix chooses the format (.csv, .arff, .nc, .npy), or a stream, which gets CSV as soon
            as features are known.
        step: of the checkpoint to use, or "best"; by default the newest.
        window: length in seconds of windows that get a row each; by default each chunk that training had of a recording
            gets one, which mostly is the recording.
        hop: seconds from window to window; by default `window`.
        pooled: take the pooled features that some kinds of models have.
        skip_bad: leave out unusable recordings, and list them, with the reasons, in a file beside `output`.
        jobs: processes that work on several recordings at once, each with the model in its memory.

    Raises:
        OptionError: options contradict each other, or the suffix of `output` is unknown.
        ModelError: there is no such model, or it gives no features of recordings.
        AudioError, ShapeError: a recording cannot be read, or does not suit the model, and is not to be skipped; or
            none can be.
        ParserError: a folder has no recordings.
        OutputError: `output` cannot be written.
        Stopped: the process was told to end, or a worker was killed.
    """
    check_origins(files, window, hop, skip_bad, jobs)
    bad: list[str] = []
    recordings = named_recordings(files, bad if skip_bad else None)
    num_recordings, num_rows = len(recordings) + len(bad), 0
    directory = Path(model_directory)
    make = partial(FeatureExtractor, directory, step_of(directory, step), pooled=pooled, device=device)
    application = Application(make, window, hop)
    columns = [FILENAME.name, CHUNK_NR.name, *([] if window is None else [START_SECONDS])]
    found = rows_of(application, recordings, "extract", skip_bad=skip_bad, jobs=jobs, bad=bad)
    names = feature_names(application.applied.size)
    with open_table(output, [*columns, *names]) as append, closing(found):
        for rows in found:
            append(_frame(rows, names))
            num_rows += len(rows.vectors)
        if bad and not num_rows:
            raise none_left(num_recordings, bad)
    if skip_bad:
        tell_left_out(bad, num_recordings, Path(output) if isinstance(output, Path | str) else None)
    return num_rows


def _frame(rows: Rows, names: Sequence[str]) -> pd.DataFrame:
    """Rows of windows or chunks, with features called `names`."""
    numbers = range(rows.first, rows.first + len(rows.vectors))
    times = {} if rows.starts is None else {START_SECONDS: rows.starts}
    metadata = pd.DataFrame({FILENAME.name: rows.name, CHUNK_NR.name: numbers, **times})
    return pd.concat([metadata, pd.DataFrame(rows.vectors, columns=names)], axis=1)
