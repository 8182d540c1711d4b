# SPDX-License-Identifier: GPL-3.0-or-later
"""Predictions as the CSV files that competitions take, and such files read back.

::

    fsdkaggle-2018   fname,label             the best labels, the best first, joined by single spaces
    fsdkaggle-2019   fname,Accordion,...     the score of each label

Rows are sorted by file name, which is the last part of the path of a recording.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from audeep.data.data_set import DataSet, empty
from audeep.data.exchange.cells import delimited, fitted
from audeep.data.schema import GENERATED, LABELS, USAGE
from audeep.data.scores import scores_of, with_scores
from audeep.errors import DataError, OptionError
from audeep.evaluation.plan import BEST_LABELS, SUBMISSION_FORMATS
from audeep.evaluation.ranking import ranked
from audeep.evaluation.scoring import TagScores, check_finite, score
from audeep.evaluation.tagging import file_means
from audeep.runtime.files import found_at, not_read, replacing

FNAME = "fname"


def export_submission(
    predictions: DataSet, path: Path | str, file_format: str, expected: Path | str | None = None, k: int = 3
) -> int:
    """Write a submission and give the number of its rows; the scores of all chunks of a file are averaged.

    Args:
        predictions: features are scores [label].
        file_format: one of `plan.SUBMISSION_FORMATS`.
        expected: a CSV file whose column `fname` has the files that must be there, such as the sample submission.
        k: how many labels a row of `fsdkaggle-2018` has.

    Raises:
        DataError: features are not scores or not finite, there are other files than expected, two files have one name,
            or a label has a blank, which separates labels.
        OptionError: there is no such format, or `k` is below 1.
        OutputError: `path` cannot be written.
    """
    if file_format not in SUBMISSION_FORMATS:
        raise OptionError(f"file_format={file_format}: expected one of {', '.join(SUBMISSION_FORMATS)}")
    if k < 1:
        raise OptionError(f"k={k}: expected an integer >= 1")
    names, values = scores_of(predictions)
    if not len(predictions):
        raise DataError("there is no instance to write a submission of; check the input and the partitions")
    check_finite(predictions, values)
    filenames = predictions.filenames.astype(str)
    rows, means = file_means(filenames, values)
    files = _last_parts(filenames[rows])
    if expected is not None:
        _check_expected(files, Path(expected))
    header, cells = [FNAME, *names], [list(map(str, line)) for line in means.astype(np.float32)]
    if file_format == BEST_LABELS:
        blank = next((name for name in names if " " in name), None)
        if blank is not None:
            raise DataError(f"the label {blank!r} has a blank, which separates labels in {file_format}; rename it")
        header, cells = [FNAME, "label"], [[" ".join(names[label] for label in line[:k])] for line in ranked(means)]
    with replacing(path) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([files[row], *cells[row]] for row in sorted(range(len(files)), key=files.__getitem__))
    return len(files)


def score_submission(path: Path | str, truth: DataSet, k: int = 3, by: str | None = None) -> TagScores:
    """Measure a submission, see `score`; it may have more recordings than `truth`.

    Of a submission that has the best labels alone, lwlrap and mAP are not known; MAP@k counts as many as it has.

    Args:
        truth: recordings with labels; any features.

    Raises:
        DataError: the file is not a submission, lacks a recording of `truth`, or has a label that is not known, or the
            best labels of recordings that have several; or what `score` raises.
    """
    path = Path(path)
    header, rows = _table(path)
    column = header.index(FNAME)
    files, wanted = [row[column] for row in rows], _last_parts(truth.filenames.astype(str))
    missing = sorted(set(wanted) - set(files))
    if missing:
        raise DataError(
            f"{path}: has no row for {len(missing)} of the {len(wanted)} recordings to score, the first is {missing[0]}"
        )
    best_only = header[:column] + header[column + 1 :] == ["label"]
    if best_only:
        if truth.has_label_sets:
            raise DataError(
                f"{path}: has the best labels alone, for recordings with several a score of each was expected"
            )
        names = tuple(truth.labels)
        scores = _of_best_labels(path, [row[header.index("label")] for row in rows], files, names)
    else:
        names = tuple(name for name in header if name != FNAME)
        scores = np.array([_numbers(path, row[:column] + row[column + 1 :], row[column]) for row in rows], np.float32)
    place = {file: row for row, file in enumerate(files)}
    predictions = with_scores(truth, scores[[place[file] for file in wanted]], names)
    return replace(score(predictions, k, by), best_only=best_only)


def read_truth(path: Path | str) -> DataSet:
    """What the CSV file of a competition says of its recordings, without features.

    The columns are `fname`, `label`, or `labels` with several joined by commas, and perhaps `usage`.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    path = Path(path)
    header, rows = _table(path)
    if "label" not in header and "labels" not in header:
        raise DataError(f"{path}: has the columns {', '.join(header)}; expected 'label' or 'labels' beside 'fname'")
    texts = {name: [row[position].strip() for row in rows] for position, name in enumerate(header)}
    sets = [[part.strip() for part in text.split(",") if part.strip()] for text in texts.get("labels", [])]
    single = np.array([text or None for text in texts.get("label", [])], dtype=object)
    names = sorted({name for labels in sets for name in labels} or {name for name in single if name is not None})
    numbers = {name: number for number, name in enumerate(names)}
    truth = empty(len(rows), [(GENERATED, 0)], 0, numbers, names if sets else ())
    truth.filenames[:] = texts[FNAME]
    if USAGE.name in {name.lower() for name in header}:
        usage = next(texts[name] for name in header if name.lower() == USAGE.name)
        truth.usage[:] = [text or None for text in usage]
    if sets and names:
        truth.data[LABELS.name].values[:] = [[float(name in labels) for name in names] for labels in sets]
    elif not sets:
        truth.labels_nominal[:] = single
        truth.labels_numeric[:] = [np.nan if name is None else numbers[name] for name in single]
    return truth


def _of_best_labels(path: Path, texts: Sequence[str], files: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """1, 1/2, 1/3, ... for the labels of each row, the first of repeated ones, and 0 for all others."""
    positions = {name: position for position, name in enumerate(names)}
    scores = np.zeros((len(texts), len(names)), np.float32)
    for row, (text, file) in enumerate(zip(texts, files, strict=True)):
        for rank, name in enumerate(text.split(), 1):
            if name not in positions:
                raise DataError(f"{path}: {file} has the label {name!r}, which is not among the labels of the truth")
            scores[row, positions[name]] = max(scores[row, positions[name]], 1 / rank)
    return scores


def _check_expected(files: Sequence[str], path: Path) -> None:
    """Check that the submission has the files that a list has, and no others."""
    header, rows = _table(path)
    listed = [row[header.index(FNAME)] for row in rows]
    missing, extra = sorted(set(listed) - set(files)), sorted(set(files) - set(listed))
    if missing:
        raise DataError(
            f"{path}: {len(missing)} of its {len(listed)} files have no scores, the first is {missing[0]}; predict all"
            " of them, or name another list"
        )
    if extra:
        raise DataError(
            f"{path}: lacks {len(extra)} of the {len(files)} files that have scores, the first is {extra[0]}; choose"
            " the partition that it lists"
        )


def _last_parts(filenames: np.ndarray) -> list[str]:
    """Names without folders, which must be different."""
    files = [PurePosixPath(name).name for name in filenames]
    paths: dict[str, str] = {}
    for file, name in zip(files, filenames, strict=True):
        if paths.setdefault(file, name) != name:
            raise DataError(f"{paths[file]} and {name} have one name in a submission; choose the partition to submit")
    return files


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Names of the columns, and the cells of each row; there are some, and no file is there twice."""
    if not path.is_file():
        raise DataError(f"{path}: {found_at(path)}, a CSV file was expected")
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            _, lines = delimited(file, ",")
            header = [name.strip() for name in next(lines, (0, []))[1]]
            if FNAME not in header:
                raise DataError(f"{path}: has no column 'fname'; a CSV file of a competition was expected")
            rows = []
            for number, line in lines:
                rows.append(fitted(line, header))
                if len(rows[-1]) != len(header):
                    raise DataError(f"{path}: line {number} has {len(line)} cells, the header has {len(header)}")
    except OSError as error:
        raise DataError(not_read(path, error)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: is not a CSV file in UTF-8 ({error})") from error
    files = [row[header.index(FNAME)] for row in rows]
    for names, what in ((header, "column"), (files, "file")):
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            raise DataError(f"{path}: the {what} {twice!r} is there twice; remove one")
    if not rows:
        raise DataError(f"{path}: has no rows")
    return header, rows


def _numbers(path: Path, cells: Sequence[str], file: str) -> list[float]:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        raise DataError(
            f"{path}: the row of {file} has cells that are not numbers; a score of each label was expected"
        ) from None
