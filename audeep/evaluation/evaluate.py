# SPDX-License-Identifier: GPL-3.0-or-later
"""How well labels or values can be predicted from features: cross-validated, or on predefined partitions."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from audeep.data.data_set import DataSet
from audeep.data.schema import Partition, Split
from audeep.errors import DataError
from audeep.evaluation.learners import LearnerChoice
from audeep.evaluation.plan import DEFAULT_PLAN, EvaluationPlan
from audeep.evaluation.predictors import Predictor, check_named, make_predictor
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
    """Train on the first of `partitions` and predict the second; without them, `cross_validate`.

    ::

        evaluation = audeep.evaluate(features, lambda seed: SvmLearner(complexity=0.1, seed=seed))
        print(evaluation.scores["UAR"].mean())
    """
    if partitions is None:
        return cross_validate(data_set, make_learner, plan)
    return evaluate_partitions(data_set, make_learner, *partitions, plan)


def cross_validate(data_set: DataSet, make_learner: LearnerChoice, plan: EvaluationPlan = DEFAULT_PLAN) -> Evaluation:
    """Train on the training split of each fold and predict its validation split.

    Raises:
        DataError: there is no cross-validation information, or an instance has no label or value.
    """
    if not data_set.has_cv_info:
        raise DataError(
            "the data set has no cross-validation folds for all instances; add some with 'audeep modify', or evaluate"
            " on partitions"
        )
    folds = [
        (data_set.split(fold, Split.TRAIN), data_set.split(fold, Split.VALID)) for fold in range(data_set.num_folds)
    ]
    return _evaluate(data_set, folds, make_learner, plan)


def evaluate_partitions(
    data_set: DataSet,
    make_learner: LearnerChoice,
    train_partitions: Iterable[Partition],
    eval_partitions: Iterable[Partition],
    plan: EvaluationPlan = DEFAULT_PLAN,
) -> Evaluation:
    """Train on some partitions and predict others.

    Raises:
        DataError: there is no partition information, a partition is empty, or an instance has no label or value.
    """
    if np.isnan(data_set.partition).all():
        raise DataError("the data set has no partitions; add some with 'audeep modify'")
    parts = [(data_set.partitions(train_partitions), data_set.partitions(eval_partitions))]
    return _evaluate(data_set, parts, make_learner, plan)


def _evaluate(
    data_set: DataSet, splits: list[tuple[DataSet, DataSet]], make_learner: LearnerChoice, plan: EvaluationPlan
) -> Evaluation:
    """All splits are checked before anything is trained."""
    seeds = np.random.SeedSequence(plan.seed).generate_state(len(splits))
    predictors = [make_predictor(make_learner, replace(plan, seed=int(seed))) for seed in seeds]
    for predictor, parts in zip(predictors, splits, strict=True):
        for part, purpose in zip(parts, ("train on", "predict"), strict=True):
            predictor.targets_of(part, purpose)
            if not plan.regression:
                check_named(data_set, part, purpose)
    work = list(zip(predictors, splits, strict=True))
    folds = tuple(_fold(predictor, *parts) for predictor, parts in progress(work, "evaluate", "folds"))
    return ValueEvaluation(folds) if plan.regression else ClassEvaluation(folds, data_set.labels)


def _fold(predictor: Predictor, train: DataSet, valid: DataSet) -> Fold:
    predicted = predictor.fit(train).predict(valid)
    rows = np.arange(len(valid))
    if predictor.plan.majority_vote:  # a file counts once, however many chunks it has
        _, rows = np.unique(valid.filenames.astype(str), return_index=True)
    true = predictor.targets_of(valid, "predict")
    return Fold(valid.filenames[rows], valid.chunk_nrs[rows], true[rows], predicted[:, rows], predictor.complexity)
