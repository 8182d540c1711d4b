# SPDX-License-Identifier: GPL-3.0-or-later
"""Features straight from recordings, or from windows that slide along them: no data set is needed."""

import os
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from functools import cached_property, partial
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import TextIO

import numpy as np
import pandas as pd

from audeep.data.exchange.formats import open_table
from audeep.data.schema import CHUNK_NR, FILENAME, START_SECONDS, feature_names
from audeep.errors import OptionError
from audeep.inference.features import FeatureExtractor
from audeep.models.checkpoints import step_of
from audeep.parsers.registry import open_parser
from audeep.pipeline.outcomes import none_left, outcomes, tell_left_out, tell_once
from audeep.runtime.files import check_text
from audeep.runtime.progress import progress
from audeep.runtime.signals import deferred_signals, stop_if_told

STANDARD_INPUT = "-"

Part = tuple[list[float] | None, np.ndarray]  # when windows start, in seconds, and the features of each [row, feature]


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
    uses_input = STANDARD_INPUT in map(str, files)
    if window is None and (hop is not None or uses_input):
        raise OptionError("a hop, and standard input, need the length of a window; pass window=SECONDS")
    if uses_input and (skip_bad or jobs > 1):
        given = "skip_bad=True" if skip_bad else f"jobs={jobs}"
        raise OptionError(f"standard input is read as it arrives, which does not go with {given}; leave that out")
    bad: list[str] = []
    recordings = _recordings(files, bad if skip_bad else None)
    num_recordings, num_rows = len(recordings) + len(bad), 0
    directory = Path(model_directory)
    embedding = Embedding(directory, step_of(directory, step), window, hop, pooled, device)
    columns = [FILENAME.name, CHUNK_NR.name, *([] if window is None else [START_SECONDS])]
    rows = _rows(embedding, recordings)
    if skip_bad or jobs > 1:
        rows = _rows_at_once(embedding, recordings, jobs, skip_bad, bad)
    with open_table(output, [*columns, *feature_names(embedding.extractor.size)]) as append, closing(rows):
        for frame in rows:
            append(frame)
            num_rows += len(frame)
        if bad and not num_rows:
            raise none_left(num_recordings, bad)
    if skip_bad:
        tell_left_out(bad, num_recordings, Path(output) if isinstance(output, Path | str) else None)
    return num_rows


@dataclass(frozen=True)
class Embedding:
    """Recordings to features; each process that is given this loads the model for itself.

    Called with a recording, it gives the features of all of it.
    """

    model_directory: Path
    step: int
    window: float | None
    hop: float | None
    pooled: bool
    device: str

    @cached_property
    def extractor(self) -> FeatureExtractor:
        """The model."""
        return FeatureExtractor(self.model_directory, self.step, pooled=self.pooled, device=self.device)

    def parts(self, path: Path | str) -> Iterator[Part]:
        """The features of a recording, part by part."""
        if self.window is None:
            yield None, self.extractor.of_recording(Path(path))
        else:
            yield from self.extractor.of_windows(path, self.window, self.window if self.hop is None else self.hop)

    def __call__(self, path: Path) -> list[Part]:
        return list(self.parts(path))

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """What it was made of, without the model."""
        return type(self), tuple(getattr(self, field.name) for field in fields(self))


def _recordings(files: Sequence[Path | str], bad: list[str] | None) -> list[tuple[Path | str, str]]:
    """Recordings with their names in the output; those whose names are not text are added to `bad`, or raised."""
    found: list[tuple[Path | str, str]] = []
    for file in files:
        if os.path.isdir(file):
            found += [(item.path, item.filename) for item in open_parser(file, "no-metadata").parse()]
        else:
            found.append((file, "stdin" if str(file) == STANDARD_INPUT else str(file)))
    counts = Counter(name for _, name in found)
    named = []
    for path, name in found:
        try:
            check_text(name)
        except OptionError as error:
            if bad is None:
                raise
            bad.append(str(error))
        else:
            named.append((path, name if counts[name] == 1 or str(path) == STANDARD_INPUT else str(path)))
    return named


def _rows(embedding: Embedding, recordings: Sequence[tuple[Path | str, str]]) -> Generator[pd.DataFrame, None, None]:
    """Rows as they come."""
    for path, name in progress(recordings, "extract", "files"):
        yield from _frames(name, embedding.parts(path))


def _rows_at_once(
    embedding: Embedding, recordings: Sequence[tuple[Path | str, str]], jobs: int, skip_bad: bool, bad: list[str]
) -> Generator[pd.DataFrame, None, None]:
    """Rows of each recording when all of them are there; why others have none is added to `bad`."""
    remedy = "cut it, or pass a window=S" if embedding.window is None else "cut it"
    paths = [Path(path) for path, _ in recordings]
    told = set[str]()
    with deferred_signals(SIGTERM, SIGINT) as arrived:
        check = partial(stop_if_told, arrived, "extract")
        with closing(outcomes(embedding, paths, jobs, skip_bad, remedy, check)) as found:
            shown = progress(found, "extract", "files", len(paths))
            for (_, name), outcome in zip(recordings, shown, strict=True):
                tell_once(outcome.warnings if outcome.bad is None else (), told)
                if outcome.value is None:
                    bad.append(str(outcome.bad))
                else:
                    yield from _frames(name, outcome.value)


def _frames(name: str, parts: Iterable[Part]) -> Iterator[pd.DataFrame]:
    """Rows of one recording, part by part."""
    first = 0
    for starts, features in parts:
        yield _frame(name, first, {} if starts is None else {START_SECONDS: starts}, features)
        first += len(features)


def _frame(name: str, first: int, times: dict[str, list[float]], features: np.ndarray) -> pd.DataFrame:
    """Rows of windows or chunks, the first of which has the number `first`."""
    numbers = range(first, first + len(features))
    metadata = pd.DataFrame({FILENAME.name: name, CHUNK_NR.name: numbers, **times})
    return pd.concat([metadata, pd.DataFrame(features, columns=feature_names(features.shape[1]))], axis=1)
