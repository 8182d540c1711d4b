# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels or values for data without."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from audeep.data.data_set import DataSet
from audeep.errors import DataError, ShapeError
from audeep.evaluation.learners import Classifier, LearnerFactory, Regressor, check_named
from audeep.runtime.files import replacing

logger = logging.getLogger(__name__)


def predict(
    train: DataSet,
    unlabelled: DataSet,
    make_learner: LearnerFactory | Mapping[float, LearnerFactory],
    *,
    upsample: bool = False,
    majority_vote: bool = False,
    seed: int = 0,
    regression: bool = False,
) -> list[tuple[str, str | float]]:
    """Train on `train`, and give the file name and predicted nominal label of each instance, sorted by file name.

    With `majority_vote` there is one prediction for each file. Labels of `unlabelled` are not looked at.

    Args:
        make_learner: gives an untrained learner for a seed; or several by their complexity, of which the one is taken
            that does best in cross-validation within the training data.
        regression: predict values rather than labels.

    Raises:
        DataError: a training instance has no label or value, or there is nothing to predict.
        ShapeError: the features of the two data sets differ in shape.
        OptionError: values are to be upsampled.
    """
    if not len(unlabelled):
        raise DataError("there is no instance to predict a label for; check the input and the partitions")
    if unlabelled.feature_shape != train.feature_shape:
        raise ShapeError(
            f"features to predict from have shape {unlabelled.feature_shape}, those to train on {train.feature_shape};"
            " generate both with the same model"
        )
    if not regression:
        check_named(train, train, "train on")
    predictor = (Regressor if regression else Classifier)(make_learner, upsample, seed).fit(train)
    if predictor.complexity is not None:
        logger.info("complexity %g is used", predictor.complexity)
    numbers = predictor.predict(unlabelled, majority_vote)[0]
    names = {number: name for name, number in train.labels.items()}
    filenames = unlabelled.filenames.astype(str)
    order = np.lexsort((unlabelled.chunk_nrs, filenames))
    if majority_vote:
        order = order[np.unique(filenames[order], return_index=True)[1]]
    found = numbers.tolist() if regression else [names[number] for number in numbers]
    return [(str(filenames[index]), found[index]) for index in order]


def write_predictions(predictions: list[tuple[str, str | float]], path: Path) -> None:
    """Write file names and labels or values, separated by a tab, one pair a line, without a header.

    Raises:
        OutputError: `path` cannot be written.
    """
    with replacing(path) as partial:
        partial.write_text("".join(f"{filename}\t{label}\n" for filename, label in predictions), encoding="utf-8")
