# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to data before and after learners: from a data set to predicted labels or values."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from audeep.data.data_set import DataSet
from audeep.data.schema import Split
from audeep.data.splits import add_cv_setup, num_units
from audeep.data.upsample import repetitions
from audeep.errors import DataError, ShapeError
from audeep.evaluation.learners import LearnerChoice, LearnerFactory, fit_all, trials
from audeep.evaluation.metrics import root_mean_squared_error, unweighted_average_recall
from audeep.evaluation.plan import DEFAULT_PLAN, EvaluationPlan

INNER_FOLDS = 5  # to choose among learners, where the training data have no folds of their own


class Predictor(ABC):
    """Learners with everything around them: shuffling and standardisation of the training data, choice, repetition.

    Args:
        make_learner: see `LearnerChoice`.

    Attributes:
        complexity: that of the learner that was taken, if there were several.
    """

    kind: ClassVar[str]  # what is predicted
    needed: ClassVar[str]  # of it, to train

    def __init__(self, make_learner: LearnerChoice, plan: EvaluationPlan = DEFAULT_PLAN) -> None:
        self.make_learner = make_learner
        self.plan = plan
        self.complexity: float | None = None

    @abstractmethod
    def targets_of(self, data_set: DataSet, purpose: str) -> np.ndarray:
        """What is to be predicted of each instance.

        Args:
            purpose: "train on" or "predict".

        Raises:
            DataError: there are no instances, or it is not known of some.
        """

    @abstractmethod
    def merged(self, filenames: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """One prediction for all chunks of a file, given to each."""

    @abstractmethod
    def score(self, true: np.ndarray, predicted: np.ndarray) -> float:
        """How good predictions are, to choose among learners; more is better."""

    def encoded(self, targets: np.ndarray) -> np.ndarray:
        """What learners are to learn."""
        return targets

    def decoded(self, predicted: np.ndarray) -> np.ndarray:
        """What their predictions mean."""
        return predicted

    def fit(self, data_set: DataSet) -> "Predictor":
        """Train on the features and targets of `data_set`.

        Raises:
            DataError: there are no instances, an instance has no target, or all have the same.
            ShapeError: instances have more than one feature axis.
        """
        from sklearn.preprocessing import StandardScaler

        targets = self.targets_of(data_set, "train on")
        if len(np.unique(targets)) < 2:
            raise DataError(f"all {len(targets)} training instances have {self.kind} {targets[0]}; {self.needed}")
        make_learner = self._chosen_learner(data_set)
        generator = np.random.default_rng(self.plan.seed)
        chosen = np.repeat(np.arange(len(targets)), repetitions(targets) if self.plan.upsample else 1)
        chosen = generator.permutation(chosen)
        self.scaler = StandardScaler()
        features = vectors_of(data_set)[chosen]
        features = self.scaler.fit(features).transform(features, copy=False)
        self.learners = [make_learner(int(seed)) for seed in generator.integers(2**31, size=self.plan.repeat)]
        fit_all(self.learners, features, self.encoded(targets[chosen]))
        return self

    def predict(self, data_set: DataSet) -> np.ndarray:
        """Numeric labels or values [repeat, instance]; with `majority_vote`, one for all chunks of a file."""
        features = self.scaler.transform(vectors_of(data_set))
        found = [self.decoded(learner.predict(features)) for learner in self.learners]
        return np.array([self.merged(data_set.filenames, run) for run in found] if self.plan.majority_vote else found)

    def _chosen_learner(self, data_set: DataSet) -> LearnerFactory:
        """The one there is, or the one with the best score over all inner folds, the lowest complexity among equals."""
        if not isinstance(self.make_learner, Mapping):
            return self.make_learner
        if len(self.make_learner) == 1:
            return next(iter(self.make_learner.values()))
        train = data_set.with_features(vectors_of(data_set), data_set.feature_dims)  # read once
        folds = self._inner_folds(train)
        if not folds:
            raise DataError(
                f"{len(train)} training instances are too few to choose among {len(self.make_learner)} complexities"
                " by cross-validation; give one"
            )
        plan = replace(self.plan, repeat=1, majority_vote=False)
        true = np.concatenate([self.targets_of(valid, "predict") for _, valid in folds])
        scores = {}
        with trials():
            for complexity, make_learner in sorted(self.make_learner.items()):
                predicted = [type(self)(make_learner, plan).fit(part).predict(valid)[0] for part, valid in folds]
                scores[complexity] = self.score(true, np.concatenate(predicted))
        self.complexity = max(scores, key=lambda complexity: scores[complexity])
        return self.make_learner[self.complexity]

    def _inner_folds(self, train: DataSet) -> list[tuple[DataSet, DataSet]]:
        """Training and validation split of each fold within the training data that can be trained on.

        These are the folds of the data set, but for the one that is predicted, or random ones where it has none.
        """
        own = self._usable_folds(train)
        if len(own) > 1:
            return own
        num_folds = min(INNER_FOLDS, num_units(train))
        return self._usable_folds(add_cv_setup(train, num_folds, self.plan.seed)) if num_folds > 1 else []

    def _usable_folds(self, data_set: DataSet) -> list[tuple[DataSet, DataSet]]:
        return [
            (train, valid)
            for train, valid in folds_of(data_set)
            if len(train) and len(valid) and len(np.unique(self.targets_of(train, "train on"))) > 1
        ]


class Classifier(Predictor):
    """Predicts numeric labels."""

    kind, needed = "label", "two classes are needed"

    def targets_of(self, data_set: DataSet, purpose: str) -> np.ndarray:
        """Numeric labels [instance], int64."""
        data_set.check_single_labels(f"to {purpose}")
        return known(data_set.labels_numeric, purpose, self.kind).astype(np.int64)

    def merged(self, filenames: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """The most frequent label of each file."""
        return vote(filenames, predicted)

    def score(self, true: np.ndarray, predicted: np.ndarray) -> float:
        """Unweighted average recall."""
        return unweighted_average_recall(true, predicted)


class Regressor(Predictor):
    """Predicts values (`DataSet.label_values`); learners see them standardised."""

    kind, needed = "value", "different ones are needed"

    def __init__(self, make_learner: LearnerChoice, plan: EvaluationPlan = DEFAULT_PLAN) -> None:
        super().__init__(make_learner, replace(plan, regression=True))

    def targets_of(self, data_set: DataSet, purpose: str) -> np.ndarray:
        """Values [instance], float64."""
        return known(data_set.label_values, purpose, self.kind)

    def encoded(self, targets: np.ndarray) -> np.ndarray:
        self.mean, self.deviation = targets.mean(), targets.std()
        return np.asarray((targets - self.mean) / self.deviation)

    def decoded(self, predicted: np.ndarray) -> np.ndarray:
        return np.asarray(predicted * self.deviation + self.mean)

    def merged(self, filenames: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """The mean of each file."""
        _, files = np.unique(filenames.astype(str), return_inverse=True)
        return np.asarray(np.bincount(files, predicted) / np.bincount(files))[files]

    def score(self, true: np.ndarray, predicted: np.ndarray) -> float:
        """The root mean squared error, negative."""
        return -root_mean_squared_error(true, predicted)


def folds_of(data_set: DataSet) -> list[tuple[DataSet, DataSet]]:
    """Training and validation split of each fold."""
    folds = range(data_set.num_folds)
    return [(data_set.split(fold, Split.TRAIN), data_set.split(fold, Split.VALID)) for fold in folds]


def make_predictor(make_learner: LearnerChoice, plan: EvaluationPlan) -> Predictor:
    """An untrained predictor of labels, or of values if `plan` is for regression."""
    return (Regressor if plan.regression else Classifier)(make_learner, plan)


def vote(filenames: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The most frequent label of each file, given to each of its instances; ties go to the lowest label."""
    _, files = np.unique(filenames.astype(str), return_inverse=True)
    classes, targets = np.unique(labels, return_inverse=True)
    votes = np.zeros((files.max() + 1, len(classes)), int)
    np.add.at(votes, (files, targets), 1)
    return np.asarray(classes[votes.argmax(axis=1)])[files]


def known(targets: np.ndarray, purpose: str, kind: str) -> np.ndarray:
    """The targets [instance], each of which is known.

    Raises:
        DataError: there are no instances, or some have no target.
    """
    if not len(targets):
        raise DataError(
            f"there is no instance to {purpose}; check the folds or partitions with 'audeep inspect netcdf'"
        )
    missing = int(np.isnan(targets).sum())
    if missing:
        raise DataError(f"{missing} of {len(targets)} instances to {purpose} have no {kind}; {kind}s are needed here")
    return targets


def check_named(data_set: DataSet, part: DataSet) -> None:
    """Check that each label in `part`, taken from `data_set`, has a name.

    Raises:
        DataError: one has not.
    """
    labels = part.labels_numeric
    unknown = np.setdiff1d(labels[~np.isnan(labels)], list(data_set.labels.values()))
    if len(unknown):
        raise DataError(
            f"label number {unknown[0]:.0f} has no name; name each number in the label map or in the nominal labels"
        )


def vectors_of(data_set: DataSet) -> np.ndarray:
    """Features [instance, feature].

    Raises:
        ShapeError: there is more than one feature axis, or no feature.
        DataError: a feature is NaN or infinite.
    """
    if len(data_set.feature_shape) != 1 or data_set.feature_shape == (0,):
        shape = " x ".join(map(str, data_set.feature_shape))
        raise ShapeError(
            f"features have shape {shape} over {list(data_set.feature_dims)}, one vector per instance is needed;"
            " generate features with 'audeep t-rae generate' first"
        )
    features = data_set.features
    if not np.isfinite(features).all():
        raise DataError("some features are NaN or infinite; generate or import them again")
    return features
