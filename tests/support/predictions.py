# SPDX-License-Identifier: GPL-3.0-or-later
"""Predictions: scores of labels, with what is true."""

from collections.abc import Sequence

import numpy as np

from audeep.data.data_set import DataSet, empty
from audeep.data.scores import with_scores


def single(
    scores: np.ndarray, true: Sequence[str | None], names: Sequence[str], filenames: Sequence[str] | None = None
) -> DataSet:
    """Scores [instance, label] of recordings that have one label each, or none."""
    numbers = {name: number for number, name in enumerate(sorted({*names, *true} - {None}))}
    data_set = empty(len(true), [("generated", 0)], 2, numbers)
    data_set.filenames[:] = [f"audio/{row:08d}.wav" for row in range(len(true))] if filenames is None else filenames
    data_set.labels_nominal[:] = true
    data_set.labels_numeric[:] = [np.nan if name is None else numbers[name] for name in true]
    return with_scores(data_set, np.asarray(scores), names)


def several(scores: np.ndarray, truth: np.ndarray, names: Sequence[str]) -> DataSet:
    """Scores [instance, label] of recordings that have the labels `truth` [instance, label]."""
    data_set = empty(len(truth), [("generated", 0)], 0, None, names)
    data_set.filenames[:] = [f"{row:08d}.wav" for row in range(len(truth))]
    data_set.data["labels"].values[:] = truth
    return with_scores(data_set, np.asarray(scores), names)
