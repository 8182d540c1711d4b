# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels for data without labels."""

from pathlib import Path

import numpy as np

from audeep.data.data_set import DataSet
from audeep.errors import DataError, ShapeError
from audeep.files import replacing
from audeep.learners import Classifier, LearnerFactory, check_named


def predict(
    train: DataSet,
    unlabelled: DataSet,
    make_learner: LearnerFactory,
    *,
    upsample: bool = False,
    majority_vote: bool = False,
    seed: int = 0,
) -> list[tuple[str, str]]:
    """Train on `train`, and give the file name and predicted nominal label of each instance, sorted by file name.

    With `majority_vote` there is one prediction for each file. Labels of `unlabelled` are not looked at.

    Raises:
        DataError: a training instance has no label, or there is nothing to predict.
        ShapeError: the features of the two data sets differ in shape.
    """
    if not len(unlabelled):
        raise DataError("there is no instance to predict a label for; check the input and the partitions")
    if unlabelled.feature_shape != train.feature_shape:
        raise ShapeError(
            f"features to predict from have shape {unlabelled.feature_shape}, those to train on {train.feature_shape};"
            " generate both with the same model"
        )
    check_named(train, train, "train on")
    names = {number: name for name, number in train.labels.items()}
    numbers = Classifier(make_learner, upsample, seed).fit(train).predict(unlabelled, majority_vote)[0]
    filenames = unlabelled.filenames.astype(str)
    order = np.lexsort((unlabelled.chunk_nrs, filenames))
    if majority_vote:
        order = order[np.unique(filenames[order], return_index=True)[1]]
    return [(filenames[index], names[int(numbers[index])]) for index in order]


def write_predictions(predictions: list[tuple[str, str]], path: Path) -> None:
    """Write file names and labels, separated by a tab, one pair a line, without a header.

    Raises:
        OutputError: `path` cannot be written.
    """
    with replacing(path) as partial:
        partial.write_text("".join(f"{filename}\t{label}\n" for filename, label in predictions), encoding="utf-8")
