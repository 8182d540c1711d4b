# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels or values for data without."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from audeep.data.data_set import DataSet
from audeep.errors import DataError, ShapeError
from audeep.evaluation.learners import LearnerChoice
from audeep.evaluation.plan import DEFAULT_PLAN, EvaluationPlan
from audeep.evaluation.predictors import check_named, make_predictor
from audeep.runtime.files import replacing

logger = logging.getLogger(__name__)


def predict(
    train: DataSet,
    unlabelled: DataSet,
    make_learner: LearnerChoice,
    plan: EvaluationPlan = DEFAULT_PLAN,
) -> list[tuple[str, str | float]]:
    """Train on `train`, and give the file name and predicted nominal label of each instance, sorted by file name.

    With a majority vote there is one prediction for each file. Labels of `unlabelled` are not looked at.

    Raises:
        DataError: a training instance has no label or value, or there is nothing to predict.
        ShapeError: the features of the two data sets differ in shape.
    """
    if not len(unlabelled):
        raise DataError("there is no instance to predict a label for; check the input and the partitions")
    if unlabelled.feature_shape != train.feature_shape:
        raise ShapeError(
            f"features to predict from have shape {unlabelled.feature_shape}, those to train on {train.feature_shape};"
            " generate both with the same model"
        )
    if not plan.regression:
        check_named(train, train)
    predictor = make_predictor(make_learner, replace(plan, repeat=1)).fit(train)
    if predictor.complexity is not None:
        logger.info("complexity %g is used", predictor.complexity)
    numbers = predictor.predict(unlabelled)[0]
    names = {number: name for name, number in train.labels.items()}
    filenames = unlabelled.filenames.astype(str)
    order = np.lexsort((unlabelled.chunk_nrs, filenames))
    if plan.majority_vote:
        order = order[np.unique(filenames[order], return_index=True)[1]]
    found = numbers.tolist() if plan.regression else [names[number] for number in numbers]
    return [(str(filenames[index]), found[index]) for index in order]


def write_predictions(predictions: Sequence[tuple[str, str | float]], path: Path) -> None:
    """Write file names and labels or values, separated by a tab, one pair a line, without a header.

    Raises:
        OutputError: `path` cannot be written.
    """
    with replacing(path) as partial:
        partial.write_text("".join(f"{filename}\t{label}\n" for filename, label in predictions), encoding="utf-8")
