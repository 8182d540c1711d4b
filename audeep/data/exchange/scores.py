# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of labels as they are found: tables of all labels or of the best, JSON lines, and data set files."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd

from audeep.data import netcdf
from audeep.data.exchange.csv import Csv
from audeep.data.schema import CHUNK_NR, FILENAME, LABEL, START_SECONDS
from audeep.errors import OptionError
from audeep.runtime.files import replacing

CSV, JSON_LINES, NETCDF = SCORE_FORMATS = ("csv", "jsonl", "nc")

Append = Callable[[str, int, Sequence[float] | None, np.ndarray], None]
"""Adds rows: the name of the recording, the number of the first, when they start, and scores [row, label]."""


class Choice:
    """Which labels of a row are written.

    Args:
        top: so many, the best ones.
        threshold: those with this score or a higher one.
    """

    def __init__(self, labels: Sequence[str], top: int | None, threshold: float | None) -> None:
        self.labels, self.top, self.threshold = labels, top, threshold

    @property
    def is_of_all(self) -> bool:
        """Whether all labels are written, in their order."""
        return self.top is None and self.threshold is None

    def __call__(self, scores: np.ndarray) -> list[tuple[str, float]]:
        """Names and scores of one row, the best first unless all are written; of equal scores the first label's."""
        order = np.arange(len(scores)) if self.is_of_all else np.argsort(-scores, kind="stable")[: self.top]
        least = -math.inf if self.threshold is None else self.threshold
        return [(self.labels[index], plain(scores[index])) for index in order if scores[index] >= least]


def plain(score: np.floating[Any]) -> float:
    """The shortest number that is the score, in the precision that this has."""
    return float(str(score))


@contextmanager
def open_scores(
    target: Path | str | TextIO,
    labels: Sequence[str],
    *,
    has_times: bool,
    format: str | None = None,
    top: int | None = None,
    threshold: float | None = None,
) -> Iterator[Append]:
    """What adds scores to a file, which appears when the block ends well, or to a stream, at once.

    Args:
        labels: their names, in the order of the scores.
        has_times: whether rows start at times that are known.
        format: one of `SCORE_FORMATS`; by default the suffix of the file says it, and a stream gets CSV.
        top, threshold: write the best labels of each row alone, a line for each in CSV; as `Choice`.

    Raises:
        OptionError: the format is not known, or does not go with the rest.
        OutputError: the file cannot be written.
    """
    is_file = isinstance(target, Path | str)
    name = format or (_format_of(Path(target)) if isinstance(target, Path | str) else CSV)
    choice = Choice(labels, top, threshold)
    if name == NETCDF and (not is_file or not choice.is_of_all):
        given = "format=nc: needs the name of a file" if not is_file else "data set files have the scores of all labels"
        raise OptionError(f"{given}; {'pass output=FILE' if not is_file else 'leave out top and threshold'}")
    columns = [FILENAME.name, CHUNK_NR.name, *([START_SECONDS] if has_times else [])]
    if name == CSV and choice.is_of_all and set(columns) & set(labels):
        twice = next(label for label in labels if label in columns)
        raise OptionError(f"the label {twice!r} has the name of another column; write JSON lines, or pass top=N")
    with replacing(target) if isinstance(target, Path | str) else nullcontext() as partial:
        if name == NETCDF:
            with _data_set(partial, labels) as append:
                yield append
            return
        with open(partial, "w", encoding="utf-8", newline="") if partial is not None else nullcontext(target) as file:
            yield _json_lines(file, choice) if name == JSON_LINES else _csv(file, columns, choice)


def _format_of(path: Path) -> str:
    name = path.suffix.lower().removeprefix(".")
    if name not in SCORE_FORMATS:
        known = ", ".join(f".{each}" for each in SCORE_FORMATS)
        raise OptionError(f"output={path}: the suffix must be one of {known}; choose another name, or pass format=NAME")
    return name


def _csv(stream: Any, columns: Sequence[str], choice: Choice) -> Append:
    table = Csv()
    append_frame = table.into(stream, [*columns, *(choice.labels if choice.is_of_all else (LABEL, "score"))])

    def append(name: str, first: int, starts: Sequence[float] | None, scores: np.ndarray) -> None:
        numbers = np.arange(first, first + len(scores))
        metadata = pd.DataFrame({FILENAME.name: name, CHUNK_NR.name: numbers})
        if starts is not None:
            metadata[START_SECONDS] = starts
        if choice.is_of_all:
            append_frame(pd.concat([metadata, pd.DataFrame(scores, columns=list(choice.labels))], axis=1))
            return
        chosen = [choice(row) for row in scores]
        frame = metadata.loc[np.repeat(np.arange(len(scores)), list(map(len, chosen)))].reset_index(drop=True)
        pairs = [pair for row in chosen for pair in row]
        append_frame(frame.assign(**{LABEL: [name for name, _ in pairs], "score": [score for _, score in pairs]}))

    return append


def _json_lines(stream: Any, choice: Choice) -> Append:
    def append(name: str, first: int, starts: Sequence[float] | None, scores: np.ndarray) -> None:
        for number, row in enumerate(scores):
            facts: dict[str, Any] = {FILENAME.name: name, CHUNK_NR.name: first + number}
            if starts is not None:
                facts[START_SECONDS] = starts[number]
            stream.write(json.dumps({**facts, "scores": dict(choice(row))}, ensure_ascii=False) + "\n")
        stream.flush()

    return append


@contextmanager
def _data_set(path: Any, labels: Sequence[str]) -> Iterator[Append]:
    with netcdf.writing(path, [LABEL], [len(labels)], in_place=True, label_names=labels) as writer:

        def append(name: str, first: int, starts: Sequence[float] | None, scores: np.ndarray) -> None:
            numbers = np.arange(first, first + len(scores))
            writer.append({FILENAME.name: np.full(len(scores), name, object), CHUNK_NR.name: numbers}, scores)

        yield append
