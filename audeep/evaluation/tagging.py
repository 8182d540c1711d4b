# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels from scores, and how good they are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audeep.data.data_set import DataSet
from audeep.errors import DataError
from audeep.evaluation.ranking import ranked
from audeep.evaluation.results import ClassEvaluation, Fold


def best_labels(scores: DataSet, labels: Sequence[str], by_file: bool = False) -> list[tuple[str, str]]:
    """The file name and the label with the highest score of each instance, sorted by file name.

    Args:
        scores: features are scores [label].
        labels: their names.
        by_file: give one label for all chunks of a file, that with the highest mean score.
    """
    rows, best = _best(scores, by_file)
    names = scores.filenames.astype(str)
    order = np.lexsort((scores.chunk_nrs[rows], names[rows]))
    return [(str(names[rows[index]]), labels[best[index]]) for index in order]


def evaluate_scores(scores: DataSet, labels: Sequence[str], by_file: bool = False) -> ClassEvaluation:
    """How often the label with the highest score is right; arguments as for `best_labels`.

    Raises:
        DataError: there is no instance, or one has no label, or one that has no score.
    """
    if not len(scores):
        raise DataError("there is no instance to evaluate on; check the input and the partitions")
    scores.check_single_labels("to evaluate on")
    rows, best = _best(scores, by_file)
    positions = {label: position for position, label in enumerate(labels)}
    true = np.array([positions.get(label, -1) for label in scores.labels_nominal[rows]])
    if (true < 0).any():
        row = rows[int(np.argmax(true < 0))]
        raise DataError(
            f"{scores.filenames[row]}: has the label {scores.labels_nominal[row]!r}, expected one of"
            f" {', '.join(labels)}; evaluate on recordings with the labels that the model was trained on"
        )
    fold = Fold(scores.filenames[rows], scores.chunk_nrs[rows], true, best[np.newaxis])
    return ClassEvaluation((fold,), positions)


def file_means(filenames: np.ndarray, values: np.ndarray) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The first instance of each file, sorted by name, and the mean of the values [instance, label] of all of its."""
    _, firsts, files, counts = np.unique(filenames, return_index=True, return_inverse=True, return_counts=True)
    sums = np.zeros((len(firsts), values.shape[1]))
    np.add.at(sums, files, values)
    return firsts, sums / counts[:, np.newaxis]


def _best(scores: DataSet, by_file: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Instances, or the first one of each file, and the positions of their best labels."""
    values: np.ndarray = scores.features
    rows: NDArray[np.int64] = np.arange(len(scores))
    if by_file:
        rows, values = file_means(scores.filenames.astype(str), values)
    return rows, ranked(values)[:, 0]
