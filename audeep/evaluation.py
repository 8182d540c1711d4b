# SPDX-License-Identifier: GPL-3.0-or-later
"""How well labels can be predicted from features: cross-validated, or on predefined partitions."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from audeep.data.data_set import DataSet
from audeep.data.schema import Partition, Split
from audeep.errors import DataError
from audeep.learners import Classifier, LearnerFactory, check_named, labels_of
from audeep.progress import progress

logger = logging.getLogger(__name__)


def accuracy(confusion: np.ndarray) -> float:
    """Share of predictions that are right; `confusion` is [true class, predicted class] with counts."""
    return float(np.trace(confusion) / confusion.sum())


def unweighted_average_recall(confusion: np.ndarray) -> float:
    """Mean recall of the classes that occur; `confusion` is [true class, predicted class] with counts."""
    occurring = confusion.sum(axis=1) > 0
    return float(np.mean(np.diag(confusion)[occurring] / confusion[occurring].sum(axis=1)))


def confusion_matrix(true: np.ndarray, predicted: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """Counts [true class, predicted class], in the order of `classes`, which are sorted."""
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (np.searchsorted(classes, true), np.searchsorted(classes, predicted)), 1)
    return counts


@dataclass(frozen=True)
class Evaluation:
    """Results of an evaluation.

    Attributes:
        labels: names of the classes, in the order of their numbers.
        confusions: [repeat, fold, true class, predicted class], counts; one fold for partitioned evaluation.
    """

    labels: tuple[str, ...]
    confusions: np.ndarray

    @property
    def accuracies(self) -> np.ndarray:
        """[repeat, fold]."""
        return self._scores(accuracy)

    @property
    def recalls(self) -> np.ndarray:
        """Unweighted average recall, [repeat, fold]."""
        return self._scores(unweighted_average_recall)

    @property
    def confusion(self) -> np.ndarray:
        """[true class, predicted class], counts summed over folds and repeats."""
        return self.confusions.sum(axis=(0, 1))

    def _scores(self, score: object) -> np.ndarray:
        return np.array([[score(fold) for fold in repeat] for repeat in self.confusions])


def mean_and_spread(scores: np.ndarray) -> tuple[float, float]:
    """Mean of scores [repeat, fold], and twice the standard deviation over folds of their means over repeats."""
    by_fold = scores.mean(axis=0)
    return float(by_fold.mean()), float(2 * by_fold.std())


def cross_validate(
    data_set: DataSet,
    make_learner: LearnerFactory,
    *,
    repeat: int = 1,
    upsample: bool = False,
    majority_vote: bool = False,
    seed: int = 0,
) -> Evaluation:
    """Train on the training split of each fold and predict its validation split.

    Raises:
        DataError: there is no cross-validation information, or an instance has no label.
    """
    if not data_set.has_cv_info:
        raise DataError(
            "the data set has no cross-validation folds for all instances;"
            " add some with 'audeep modify --add-cv-setup', or evaluate on partitions"
        )
    folds = [
        (data_set.split(fold, Split.TRAIN), data_set.split(fold, Split.VALID)) for fold in range(data_set.num_folds)
    ]
    return _evaluate(data_set, folds, make_learner, repeat, upsample, majority_vote, seed)


def evaluate_partitions(
    data_set: DataSet,
    make_learner: LearnerFactory,
    train_partitions: Iterable[Partition],
    eval_partitions: Iterable[Partition],
    *,
    repeat: int = 1,
    upsample: bool = False,
    majority_vote: bool = False,
    seed: int = 0,
) -> Evaluation:
    """Train on some partitions and predict others.

    Raises:
        DataError: there is no partition information, a partition is empty, or an instance has no label.
    """
    if np.isnan(data_set.partition).all():
        raise DataError("the data set has no partitions; add some with 'audeep modify --add-partitioning'")
    parts = [(data_set.partitions(train_partitions), data_set.partitions(eval_partitions))]
    return _evaluate(data_set, parts, make_learner, repeat, upsample, majority_vote, seed)


def _evaluate(
    data_set: DataSet,
    folds: list[tuple[DataSet, DataSet]],
    make_learner: LearnerFactory,
    repeat: int,
    upsample: bool,
    majority_vote: bool,
    seed: int,
) -> Evaluation:
    classes = list(data_set.labels.values())
    for train, valid in folds:
        check_named(data_set, train, "train on")
        check_named(data_set, valid, "predict")
    seeds = np.random.SeedSequence(seed).generate_state(len(folds))
    confusions = np.zeros((repeat, len(folds), len(classes), len(classes)), int)
    for fold, (train, valid) in enumerate(progress(folds, "evaluate", "folds")):
        classifier = Classifier(make_learner, upsample, int(seeds[fold]), repeat).fit(train)
        true, rows = labels_of(valid, "predict"), np.arange(len(valid))
        if majority_vote:  # a file counts once, however many chunks it has
            _, rows = np.unique(valid.filenames.astype(str), return_index=True)
        for run, predicted in enumerate(classifier.predict(valid, majority_vote)):
            confusions[run, fold] = confusion_matrix(true[rows], predicted[rows], classes)
    return Evaluation(tuple(data_set.labels), confusions)
