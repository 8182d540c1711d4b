# SPDX-License-Identifier: GPL-3.0-or-later
"""Features straight from recordings, or from windows that slide along them: no data set is needed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd

from audeep.data.exchange.formats import open_table
from audeep.data.schema import CHUNK_NR, FILENAME, START_SECONDS, feature_names
from audeep.errors import OptionError
from audeep.inference.features import FeatureExtractor
from audeep.runtime.files import check_text
from audeep.runtime.progress import progress

STANDARD_INPUT = "-"


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
) -> int:
    """Write the features that a trained model gives for recordings; gives the number of rows.

    ::

        extract(["a.wav", "b.flac"], "run/logs", "features.csv", window=2, hop=0.5)

    Args:
        files: recordings; "-" is one that arrives on standard input.
        model_directory: "logs" of a run.
        output: a file, whose suffix chooses the format (.csv, .arff, .nc, .npy), or a stream, which gets CSV as soon
            as features are known.
        step: of the checkpoint to use, or "best"; by default the newest.
        window: length in seconds of windows that get a row each; by default each chunk that training had of a recording
            gets one, which mostly is the recording.
        hop: seconds from window to window; by default `window`.
        pooled: take the pooled features that some kinds of models have.

    Raises:
        OptionError: options contradict each other, or the suffix of `output` is unknown.
        ModelError: there is no such model, or it gives no features of recordings.
        AudioError, ShapeError: a recording cannot be read, or does not suit the model.
        OutputError: `output` cannot be written.
    """
    if window is None and (hop is not None or STANDARD_INPUT in map(str, files)):
        raise OptionError("a hop, and standard input, need the length of a window; pass window=SECONDS")
    for path in files:
        check_text(str(path))
    extractor = FeatureExtractor(Path(model_directory), step, pooled=pooled, device=device)
    columns = [FILENAME.name, CHUNK_NR.name, *([] if window is None else [START_SECONDS])]
    num_rows = 0
    with open_table(output, [*columns, *feature_names(extractor.size)]) as append:
        for path in progress(files, "extract", "files"):
            for frame in _frames(extractor, path, window, hop):
                append(frame)
                num_rows += len(frame)
    return num_rows


def _frames(
    extractor: FeatureExtractor, path: Path | str, window: float | None, hop: float | None
) -> Iterator[pd.DataFrame]:
    """Rows of one recording, part by part."""
    if window is None:
        yield _frame(path, 0, {}, extractor.of_recording(Path(path)))
        return
    first = 0
    for starts, features in extractor.of_windows(path, window, window if hop is None else hop):
        yield _frame(path, first, {START_SECONDS: starts}, features)
        first += len(starts)


def _frame(path: Path | str, first: int, times: dict[str, list[float]], features: np.ndarray) -> pd.DataFrame:
    """Rows of windows or chunks, the first of which has the number `first`."""
    name = "stdin" if str(path) == STANDARD_INPUT else str(path)
    numbers = range(first, first + len(features))
    metadata = pd.DataFrame({FILENAME.name: name, CHUNK_NR.name: numbers, **times})
    return pd.concat([metadata, pd.DataFrame(features, columns=feature_names(features.shape[1]))], axis=1)
