# SPDX-License-Identifier: GPL-3.0-or-later
"""How well labels or values can be predicted from features: cross-validated, or on predefined partitions."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from audeep.data.data_set import DataSet
from audeep.data.schema import Partition, Split
from audeep.errors import DataError
from audeep.evaluation.learners import Classifier, LearnerFactory, Predictor, Regressor, check_named
from audeep.evaluation.metrics import (
    accuracy,
    class_scores,
    concordance,
    confusion_matrix,
    mean_absolute_error,
    pearson,
    root_mean_squared_error,
    spearman,
    unweighted_average_recall,
)
from audeep.runtime.progress import progress

logger = logging.getLogger(__name__)

CLASS_MEASURES = {"accuracy": accuracy, "UAR": unweighted_average_recall}
VALUE_MEASURES = {
    **{"r": pearson, "CCC": concordance, "rho": spearman},
    **{"MAE": mean_absolute_error, "RMSE": root_mean_squared_error},
}


@dataclass(frozen=True)
class Fold:
    """What was predicted in one validation split: of each instance, or of each file where its chunks voted.

    Attributes:
        filenames, chunk_nrs: [instance]; those of the first chunk of a file.
        true: numeric labels or values [instance].
        predicted: the same as predicted, [repeat, instance].
        complexity: that of the learner, if it was chosen within the training data.
    """

    filenames: np.ndarray
    chunk_nrs: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    complexity: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """Results of an evaluation.

    Attributes:
        folds: one for partitioned evaluation.
        scores: by name, each [repeat, fold].
    """

    folds: tuple[Fold, ...]

    @property
    def scores(self) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def record(self) -> dict[str, Any]:
        """All results in plain Python: scores, and the predictions of each fold; NaN is None."""
        return {
            "scores": {name: _summary(scores) for name, scores in self.scores.items()},
            "folds": [
                {
                    **({} if fold.complexity is None else {"complexity": fold.complexity}),
                    "scores": {name: _plain(scores[:, position]) for name, scores in self.scores.items()},
                    "predictions": [
                        {"filename": str(filename), "chunk_nr": int(chunk), "true": true, "predicted": predicted}
                        for filename, chunk, true, predicted in zip(
                            *(fold.filenames, fold.chunk_nrs, self._named(fold.true), self._named(fold.predicted.T)),
                            strict=True,
                        )
                    ],
                }
                for position, fold in enumerate(self.folds)
            ],
        }

    def _named(self, predictions: np.ndarray) -> list:
        """Labels or values as a record has them."""
        return predictions.tolist()


@dataclass(frozen=True)
class ClassEvaluation(Evaluation):
    """Results of predicting labels; scores are accuracy and UAR, the unweighted average recall.

    Attributes:
        label_map: numbers of the classes by name, sorted by number.
    """

    label_map: dict[str, int]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their numbers."""
        return tuple(self.label_map)

    @cached_property
    def confusions(self) -> np.ndarray:
        """[repeat, fold, true class, predicted class], counts; classes in the order of `labels`."""
        classes = list(self.label_map.values())
        by_fold = [[confusion_matrix(fold.true, run, classes) for run in fold.predicted] for fold in self.folds]
        return np.array(by_fold).swapaxes(0, 1)

    @property
    def confusion(self) -> np.ndarray:
        """[true class, predicted class], counts summed over folds and repeats."""
        return self.confusions.sum(axis=(0, 1))

    @property
    def class_scores(self) -> dict[str, np.ndarray]:
        """Recall, precision, F1 and number of instances of each class, over folds and repeats: [class]."""
        return {**class_scores(self.confusion), "count": self.confusion.sum(axis=1)}

    @property
    def accuracies(self) -> np.ndarray:
        """[repeat, fold]."""
        return self.scores["accuracy"]

    @property
    def recalls(self) -> np.ndarray:
        """Unweighted average recall, [repeat, fold]."""
        return self.scores["UAR"]

    @property
    def scores(self) -> dict[str, np.ndarray]:
        return {
            name: np.array([[measure(fold) for fold in repeat] for repeat in self.confusions])
            for name, measure in CLASS_MEASURES.items()
        }

    def record(self) -> dict[str, Any]:
        return {
            **super().record(),
            "labels": self.label_map,
            "confusion_matrix": self.confusion.tolist(),
            "confusion_matrices": self.confusions.tolist(),
        }

    def _named(self, predictions: np.ndarray) -> list:
        names = {number: name for name, number in self.label_map.items()}
        return np.vectorize(names.get, otypes=[object])(predictions).tolist()


@dataclass(frozen=True)
class ValueEvaluation(Evaluation):
    """Results of predicting values; scores are Pearson's r, Lin's CCC, Spearman's rho, MAE and RMSE."""

    @property
    def scores(self) -> dict[str, np.ndarray]:
        return {
            name: np.array([[measure(fold.true, run) for run in fold.predicted] for fold in self.folds]).T
            for name, measure in VALUE_MEASURES.items()
        }

    @property
    def joint_scores(self) -> dict[str, float]:
        """Scores of all folds as if they were one, means over repeats: where values differ little within folds."""
        true = np.concatenate([fold.true for fold in self.folds])
        runs = np.concatenate([fold.predicted for fold in self.folds], axis=1)
        return {name: float(np.mean([measure(true, run) for run in runs])) for name, measure in VALUE_MEASURES.items()}

    def record(self) -> dict[str, Any]:
        joint = self.joint_scores
        return {**super().record(), "joint_scores": dict(zip(joint, _plain(joint.values()), strict=True))}


def mean_and_spread(scores: np.ndarray) -> tuple[float, float]:
    """Mean of scores [repeat, fold], and twice the standard deviation over folds of their means over repeats."""
    by_fold = scores.mean(axis=0)
    return float(by_fold.mean()), float(2 * by_fold.std())


def _summary(scores: np.ndarray) -> dict[str, float | None]:
    mean, spread = _plain(mean_and_spread(scores))
    return {"mean": mean, "two_standard_deviations": spread}


def _plain(numbers: Iterable[float]) -> list[float | None]:
    return [None if np.isnan(number) else float(number) for number in numbers]


def evaluate(
    data_set: DataSet,
    make_learner: LearnerFactory | Mapping[float, LearnerFactory],
    partitions: tuple[Iterable[Partition], Iterable[Partition]] | None = None,
    **options: bool | int,
) -> "Evaluation":
    """Train on the first of `partitions` and predict the second; without, `cross_validate`, with its options."""
    if partitions is None:
        return cross_validate(data_set, make_learner, **options)
    return evaluate_partitions(data_set, make_learner, *partitions, **options)


def cross_validate(
    data_set: DataSet,
    make_learner: LearnerFactory | Mapping[float, LearnerFactory],
    *,
    repeat: int = 1,
    upsample: bool = False,
    majority_vote: bool = False,
    seed: int = 0,
    regression: bool = False,
) -> Evaluation:
    """Train on the training split of each fold and predict its validation split.

    Args:
        make_learner: gives an untrained learner for a seed; or several by their complexity, of which the one is taken
            for each fold that does best in cross-validation within the training split.
        regression: predict values rather than labels.

    Raises:
        DataError: there is no cross-validation information, or an instance has no label or value.
        OptionError: values are to be upsampled.
    """
    if not data_set.has_cv_info:
        raise DataError(
            "the data set has no cross-validation folds for all instances;"
            " add some with 'audeep modify --add-cv-setup', or evaluate on partitions"
        )
    folds = [
        (data_set.split(fold, Split.TRAIN), data_set.split(fold, Split.VALID)) for fold in range(data_set.num_folds)
    ]
    return _evaluate(data_set, folds, make_learner, repeat, upsample, majority_vote, seed, regression)


def evaluate_partitions(
    data_set: DataSet,
    make_learner: LearnerFactory | Mapping[float, LearnerFactory],
    train_partitions: Iterable[Partition],
    eval_partitions: Iterable[Partition],
    *,
    repeat: int = 1,
    upsample: bool = False,
    majority_vote: bool = False,
    seed: int = 0,
    regression: bool = False,
) -> Evaluation:
    """Train on some partitions and predict others; arguments as for `cross_validate`.

    Raises:
        DataError: there is no partition information, a partition is empty, or an instance has no label or value.
        OptionError: values are to be upsampled.
    """
    if np.isnan(data_set.partition).all():
        raise DataError("the data set has no partitions; add some with 'audeep modify --add-partitioning'")
    parts = [(data_set.partitions(train_partitions), data_set.partitions(eval_partitions))]
    return _evaluate(data_set, parts, make_learner, repeat, upsample, majority_vote, seed, regression)


def _evaluate(
    data_set: DataSet,
    splits: list[tuple[DataSet, DataSet]],
    make_learner: LearnerFactory | Mapping[float, LearnerFactory],
    repeat: int,
    upsample: bool,
    majority_vote: bool,
    seed: int,
    regression: bool,
) -> Evaluation:
    kind: type[Predictor] = Regressor if regression else Classifier
    seeds = np.random.SeedSequence(seed).generate_state(len(splits))
    predictors = [kind(make_learner, upsample, int(fold_seed), repeat) for fold_seed in seeds]
    for predictor, parts in zip(predictors, splits, strict=True):
        for part, purpose in zip(parts, ("train on", "predict"), strict=True):
            predictor.targets_of(part, purpose)
            if not regression:
                check_named(data_set, part, purpose)
    folds = []
    for predictor, (train, valid) in progress(list(zip(predictors, splits, strict=True)), "evaluate", "folds"):
        predictor.fit(train)
        rows = np.arange(len(valid))
        if majority_vote:  # a file counts once, however many chunks it has
            _, rows = np.unique(valid.filenames.astype(str), return_index=True)
        true, predicted = predictor.targets_of(valid, "predict"), predictor.predict(valid, majority_vote)
        about = (column[rows] for column in (valid.filenames, valid.chunk_nrs, true))
        folds.append(Fold(*about, predicted[:, rows], predictor.complexity))
    return ValueEvaluation(tuple(folds)) if regression else ClassEvaluation(tuple(folds), data_set.labels)
