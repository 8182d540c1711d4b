# SPDX-License-Identifier: GPL-3.0-or-later
"""How well labels or values can be predicted from features: cross-validated, or on predefined partitions."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from audeep.data.data_set import DataSet
from audeep.data.schema import Partition
from audeep.errors import DataError
from audeep.evaluation.learners import LearnerChoice
from audeep.evaluation.plan import DEFAULT_PLAN, EvaluationPlan
from audeep.evaluation.predictors import Predictor, check_named, folds_of, make_predictor
from audeep.evaluation.results import ClassEvaluation, Evaluation, Fold, ValueEvaluation
from audeep.runtime.progress import progress

Partitions = tuple[Iterable[Partition], Iterable[Partition]]
"""Those to train on, and those to predict."""


def evaluate(
    data_set: DataSet,
    make_learner: LearnerChoice,
    plan: EvaluationPlan = DEFAULT_PLAN,
    partitions: Partitions | None = None,
) -> Evaluation:
    """Train on the first of `partitions` and predict the second; without them, cross-validate on the folds.

    ::

        evaluation = audeep.evaluate(features, lambda seed: SvmLearner(complexity=0.1, seed=seed))
        print(evaluation.scores["UAR"].mean())

    Raises:
        DataError: there are no folds or partitions, one of them is empty, or an instance has no label or value.
    """
    splits = _splits_of(data_set, partitions)
    seeds = np.random.SeedSequence(plan.seed).generate_state(len(splits))
    predictors = [make_predictor(make_learner, replace(plan, seed=int(seed))) for seed in seeds]
    for predictor, parts in zip(predictors, splits, strict=True):  # before anything is trained
        for part, purpose in zip(parts, ("train on", "predict"), strict=True):
            predictor.targets_of(part, purpose)
            if not plan.regression:
                check_named(data_set, part)
    work = list(zip(predictors, splits, strict=True))
    folds = tuple(_fold(predictor, *parts) for predictor, parts in progress(work, "evaluate", "folds"))
    return ValueEvaluation(folds) if plan.regression else ClassEvaluation(folds, data_set.labels)


def _splits_of(data_set: DataSet, partitions: Partitions | None) -> list[tuple[DataSet, DataSet]]:
    """What to train on, and what to predict then: for each fold, or for the partitions."""
    if partitions is not None:
        if np.isnan(data_set.partition).all():
            raise DataError("the data set has no partitions; add some with 'audeep modify'")
        to_train_on, to_predict = partitions
        return [(data_set.partitions(to_train_on), data_set.partitions(to_predict))]
    if not data_set.has_cv_info:
        raise DataError(
            "the data set has no cross-validation folds for all instances; add some with 'audeep modify' or"
            " 'evaluate --folds', or evaluate on partitions"
        )
    return folds_of(data_set)


def _fold(predictor: Predictor, train: DataSet, valid: DataSet) -> Fold:
    predicted = predictor.fit(train).predict(valid)
    rows = np.arange(len(valid))
    if predictor.plan.majority_vote:  # a file counts once, however many chunks it has
        _, rows = np.unique(valid.filenames.astype(str), return_index=True)
    true = predictor.targets_of(valid, "predict")
    return Fold(valid.filenames[rows], valid.chunk_nrs[rows], true[rows], predicted[:, rows], predictor.complexity)
