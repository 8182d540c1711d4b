# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifiers on feature vectors: a linear SVM and an MLP behind one interface, fit on a data set."""

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from audeep.data.data_set import DataSet
from audeep.data.upsample import repetitions
from audeep.errors import DataError, ShapeError

logger = logging.getLogger(__name__)


class Learner(Protocol):
    """A classifier of standardised features."""

    def fit(self, features: np.ndarray, labels: np.ndarray) -> None:
        """Learn from `features` [instance, feature], float32, and `labels` [instance], int64."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Labels [instance] of `features` [instance, feature]."""


LearnerFactory = Callable[[int], Learner]
"""Makes an untrained learner that draws its random numbers from a seed."""


class SvmLearner:
    """Linear SVM of LIBLINEAR (Fan et al., JMLR 2008) through scikit-learn."""

    def __init__(self, complexity: float, seed: int = 0) -> None:
        self.complexity = complexity
        self.seed = seed

    def fit(self, features: np.ndarray, labels: np.ndarray) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.svm import LinearSVC

        self.classifier = LinearSVC(C=self.complexity, random_state=self.seed)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            try:
                self.classifier.fit(features, labels)
            except ConvergenceWarning:
                warnings.simplefilter("ignore", ConvergenceWarning)
                logger.warning("the SVM did not converge in %d iterations", self.classifier.max_iter)
                self.classifier.fit(features, labels)

    def predict(self, features: np.ndarray) -> np.ndarray:
        return self.classifier.predict(features)


@dataclass
class MlpLearner:
    """Multilayer perceptron with softmax output, trained with Adam on all instances at each step."""

    num_epochs: int = 400
    learning_rate: float = 1e-3
    num_layers: int = 2
    num_units: int = 150
    keep_prob: float = 0.6
    seed: int = 0
    device: str = "cpu"

    def fit(self, features: np.ndarray, labels: np.ndarray) -> None:
        self.fit_together([self], features, labels)

    @staticmethod
    def fit_together(learners: "Sequence[MlpLearner]", features: np.ndarray, labels: np.ndarray) -> None:
        """Fit learners that differ in nothing but their seeds; faster than one after the other."""
        import torch

        from audeep.models.mlp import MlpConfig, Mlps

        first = learners[0]
        classes, targets = np.unique(labels, return_inverse=True)
        config = MlpConfig(features.shape[1], len(classes), first.num_layers, first.num_units, first.keep_prob)
        model = Mlps(config, [learner.seed for learner in learners]).to(first.device)
        optimiser = torch.optim.Adam(model.parameters(), lr=first.learning_rate, fused=True)
        inputs, targets = torch.from_numpy(features).to(first.device), torch.from_numpy(targets).to(first.device)
        for _ in range(first.num_epochs):
            optimiser.zero_grad()
            model.loss(inputs, targets).backward()
            optimiser.step()
        model.eval()
        for index, learner in enumerate(learners):
            learner.classes, learner.model, learner.index = classes, model, index

    def predict(self, features: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            logits = self.model(torch.from_numpy(features).to(self.device))[self.index]
        return self.classes[logits.argmax(dim=1).cpu().numpy()]


class Classifier:
    """Learners with everything around them: upsampling, shuffling and standardisation of the training data.

    Args:
        make_learner: gives an untrained learner for a seed.
        upsample: repeat instances so that training sees balanced classes.
        repeat: learners to train, which differ in their seeds.
    """

    def __init__(self, make_learner: LearnerFactory, upsample: bool = False, seed: int = 0, repeat: int = 1) -> None:
        self.make_learner = make_learner
        self.upsample = upsample
        self.seed = seed
        self.repeat = repeat

    def fit(self, data_set: DataSet) -> "Classifier":
        """Train on the features and numeric labels of `data_set`.

        Raises:
            DataError: there are no instances, an instance has no label, or there is only one class.
            ShapeError: instances have more than one feature axis.
        """
        from sklearn.preprocessing import StandardScaler

        labels = labels_of(data_set, "train on")
        if len(np.unique(labels)) < 2:
            raise DataError(f"all {len(labels)} training instances have label {labels[0]}; two classes are needed")
        generator = np.random.default_rng(self.seed)
        chosen = np.repeat(np.arange(len(labels)), repetitions(labels) if self.upsample else 1)
        chosen = generator.permutation(chosen)
        self.scaler = StandardScaler()
        features = vectors_of(data_set)[chosen]
        features = self.scaler.fit(features).transform(features, copy=False)
        self.learners = [self.make_learner(int(seed)) for seed in generator.integers(2**31, size=self.repeat)]
        if all(isinstance(learner, MlpLearner) for learner in self.learners):
            MlpLearner.fit_together(self.learners, features, labels[chosen])
        else:
            for learner in self.learners:
                learner.fit(features, labels[chosen])
        return self

    def predict(self, data_set: DataSet, majority_vote: bool = False) -> np.ndarray:
        """Numeric labels [repeat, instance]; with `majority_vote`, one label for all chunks of a file."""
        features = self.scaler.transform(vectors_of(data_set))
        labels = [learner.predict(features) for learner in self.learners]
        return np.array([vote(data_set.filenames, found) for found in labels] if majority_vote else labels)


def vote(filenames: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The most frequent label of each file, given to each of its instances; ties go to the lowest label."""
    _, files = np.unique(filenames.astype(str), return_inverse=True)
    classes, targets = np.unique(labels, return_inverse=True)
    votes = np.zeros((files.max() + 1, len(classes)), int)
    np.add.at(votes, (files, targets), 1)
    return classes[votes.argmax(axis=1)][files]


def labels_of(data_set: DataSet, purpose: str) -> np.ndarray:
    """Numeric labels [instance], int64.

    Raises:
        DataError: there are no instances, or some have no label.
    """
    if not len(data_set):
        raise DataError(
            f"there is no instance to {purpose}; check the folds or partitions with 'audeep inspect netcdf'"
        )
    missing = int(np.isnan(data_set.labels_numeric).sum())
    if missing:
        raise DataError(f"{missing} of {len(data_set)} instances to {purpose} have no label; labels are needed here")
    return data_set.labels_numeric.astype(np.int64)


def check_named(data_set: DataSet, part: DataSet, purpose: str) -> None:
    """Check that each instance of `part`, taken from `data_set`, has a label, and that the label has a name.

    Raises:
        DataError: it has not.
    """
    unknown = np.setdiff1d(labels_of(part, purpose), list(data_set.labels.values()))
    if len(unknown):
        raise DataError(
            f"label number {unknown[0]} has no name; name each number in the label map or in the nominal labels"
        )


def vectors_of(data_set: DataSet) -> np.ndarray:
    """Features [instance, feature].

    Raises:
        ShapeError: there is more than one feature axis, or no feature.
        DataError: a feature is infinite or no number.
    """
    if len(data_set.feature_shape) != 1 or data_set.feature_shape == (0,):
        shape = " x ".join(map(str, data_set.feature_shape))
        raise ShapeError(
            f"features have shape {shape} over {list(data_set.feature_dims)}, one vector per instance is needed;"
            " generate features with 'audeep t-rae generate' first"
        )
    features = data_set.features
    if not np.isfinite(features).all():
        raise DataError("some features are infinite or no numbers; generate or import them again")
    return features
