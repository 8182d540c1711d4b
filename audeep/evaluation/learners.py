# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes and values from feature vectors: linear SVMs and MLPs behind one interface, fit on a data set."""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from audeep.data.data_set import DataSet
from audeep.data.schema import Split
from audeep.data.splits import add_cv_setup
from audeep.data.upsample import original_names, repetitions
from audeep.errors import DataError, OptionError, ShapeError
from audeep.evaluation.metrics import confusion_matrix, root_mean_squared_error, unweighted_average_recall

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

INNER_FOLDS = 5  # to choose among learners, where the training data have no folds of their own


class Learner(Protocol):
    """Predicts classes or values from standardised features."""

    def fit(self, features: np.ndarray, targets: np.ndarray) -> None:
        """Learn from `features` [instance, feature], float32, and labels (int64) or standardised values (float64)."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Labels or values [instance] of `features` [instance, feature]."""


LearnerFactory = Callable[[int], Learner]
"""Makes an untrained learner that draws its random numbers from a seed."""


class SvmLearner:
    """Linear SVM of LIBLINEAR (Fan et al., JMLR 2008) through scikit-learn."""

    def __init__(self, complexity: float, seed: int = 0) -> None:
        self.complexity = complexity
        self.seed = seed

    def make_machine(self, dual: bool | str) -> Any:
        """An untrained estimator of scikit-learn; `dual` is the problem that it solves."""
        from sklearn.svm import LinearSVC

        return LinearSVC(C=self.complexity, dual=dual, random_state=self.seed)

    def fit(self, features: np.ndarray, targets: np.ndarray) -> None:
        """Fit to features [instance, feature].

        Where there are more features than instances, they are first rotated into the space that the instances span.
        All that the dual problem sees, products of instances, stays the same, and each of its steps is cheaper.
        """
        from sklearn.exceptions import ConvergenceWarning

        self.rotation = None  # [feature, instance]
        dual: bool | str = "auto"
        if features.shape[1] > len(features):
            self.rotation = np.linalg.qr(features.T.astype(np.float64))[0]
            features, dual = features @ self.rotation, True
        self.machine = self.make_machine(dual)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.machine.fit(features, targets)
        if np.max(self.machine.n_iter_) >= self.machine.max_iter:
            logger.warning("the SVM did not converge in %d iterations", self.machine.max_iter)

    def predict(self, features: np.ndarray) -> np.ndarray:
        return self.machine.predict(features if self.rotation is None else features @ self.rotation)


class SvrLearner(SvmLearner):
    """Linear support vector regression of LIBLINEAR (Ho and Lin, JMLR 2012) through scikit-learn.

    Errors below a tenth of the standard deviation of the values, which are standardised, count nothing.
    """

    def make_machine(self, dual: bool | str) -> Any:
        from sklearn.svm import LinearSVR

        return LinearSVR(C=self.complexity, dual=dual, epsilon=0.1, random_state=self.seed)


def svms(complexities: Sequence[float], regression: bool = False) -> dict[float, LearnerFactory]:
    """What makes linear SVMs, by their complexities."""
    learner = SvrLearner if regression else SvmLearner
    return {complexity: partial(learner, complexity) for complexity in complexities}


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

    def encoded(self, targets: np.ndarray) -> "tuple[int, Tensor]":
        """How many outputs the network has, and what they are compared with."""
        import torch

        self.classes, codes = np.unique(targets, return_inverse=True)
        return len(self.classes), torch.from_numpy(codes)

    def decoded(self, outputs: "Tensor") -> np.ndarray:
        """Predictions [instance] from outputs [instance, output]."""
        return self.classes[outputs.argmax(dim=1).cpu().numpy()]

    def fit(self, features: np.ndarray, targets: np.ndarray) -> None:
        self.fit_together([self], features, targets)

    @staticmethod
    def fit_together(learners: "Sequence[MlpLearner]", features: np.ndarray, targets: np.ndarray) -> None:
        """Fit learners that differ in nothing but their seeds; faster than one after the other."""
        import torch

        from audeep.models.mlp import MlpConfig, Mlps

        first = learners[0]
        num_outputs, expected = [learner.encoded(targets) for learner in learners][0]
        config = MlpConfig(features.shape[1], num_outputs, first.num_layers, first.num_units, first.keep_prob)
        model = Mlps(config, [learner.seed for learner in learners]).to(first.device)
        optimiser = torch.optim.Adam(model.parameters(), lr=first.learning_rate, fused=True)
        inputs, expected = torch.from_numpy(features).to(first.device), expected.to(first.device)
        for _ in range(first.num_epochs):
            optimiser.zero_grad()
            model.loss(inputs, expected).backward()
            optimiser.step()
        model.eval()
        for index, learner in enumerate(learners):
            learner.model, learner.index = model, index

    def predict(self, features: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            outputs = self.model(torch.from_numpy(features).to(self.device))[self.index]
        return self.decoded(outputs)


class MlpRegressor(MlpLearner):
    """Multilayer perceptron with one linear output and squared error."""

    def encoded(self, targets: np.ndarray) -> "tuple[int, Tensor]":
        import torch

        return 1, torch.from_numpy(targets.astype(np.float32))

    def decoded(self, outputs: "Tensor") -> np.ndarray:
        return outputs[:, 0].cpu().numpy().astype(np.float64)


class Predictor:
    """Learners with everything around them: shuffling and standardisation of the training data, choice, repetition.

    Args:
        make_learner: gives an untrained learner for a seed. Or several of that kind by their complexity, of which the
            one is taken that does best in cross-validation within the training data.
        upsample: repeat instances so that training sees balanced classes.
        repeat: learners to train, which differ in their seeds.

    Attributes:
        complexity: that of the learner that was taken, if there were several.
    """

    kind: str  # what is predicted
    needed: str  # of it, to train

    def __init__(
        self,
        make_learner: LearnerFactory | Mapping[float, LearnerFactory],
        upsample: bool = False,
        seed: int = 0,
        repeat: int = 1,
    ) -> None:
        self.make_learner = make_learner
        self.upsample = upsample
        self.seed = seed
        self.repeat = repeat
        self.complexity: float | None = None

    def targets_of(self, data_set: DataSet, purpose: str) -> np.ndarray:
        """What is to be predicted of each instance.

        Raises:
            DataError: there are no instances, or it is not known of some.
        """
        raise NotImplementedError

    def encoded(self, targets: np.ndarray) -> np.ndarray:
        """What learners are to learn."""
        return targets

    def decoded(self, predicted: np.ndarray) -> np.ndarray:
        """What their predictions mean."""
        return predicted

    def merged(self, filenames: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """One prediction for all chunks of a file, given to each."""
        raise NotImplementedError

    def score(self, true: np.ndarray, predicted: np.ndarray) -> float:
        """How good predictions are, to choose among learners; more is better."""
        raise NotImplementedError

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
        generator = np.random.default_rng(self.seed)
        chosen = np.repeat(np.arange(len(targets)), repetitions(targets) if self.upsample else 1)
        chosen = generator.permutation(chosen)
        self.scaler = StandardScaler()
        features = vectors_of(data_set)[chosen]
        features = self.scaler.fit(features).transform(features, copy=False)
        targets = self.encoded(targets[chosen])
        self.learners = [make_learner(int(seed)) for seed in generator.integers(2**31, size=self.repeat)]
        if all(isinstance(learner, MlpLearner) for learner in self.learners):
            MlpLearner.fit_together(self.learners, features, targets)
        else:
            for learner in self.learners:
                learner.fit(features, targets)
        return self

    def predict(self, data_set: DataSet, majority_vote: bool = False) -> np.ndarray:
        """Numeric labels or values [repeat, instance]; with `majority_vote`, one for all chunks of a file."""
        features = self.scaler.transform(vectors_of(data_set))
        found = [self.decoded(learner.predict(features)) for learner in self.learners]
        return np.array([self.merged(data_set.filenames, run) for run in found] if majority_vote else found)

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
        true = np.concatenate([self.targets_of(valid, "predict") for _, valid in folds])
        scores = {}
        with _without_warnings():
            for complexity, make_learner in sorted(self.make_learner.items()):
                tried = [type(self)(make_learner, self.upsample, self.seed).fit(train) for train, _ in folds]
                predicted = [one.predict(valid)[0] for one, (_, valid) in zip(tried, folds, strict=True)]
                scores[complexity] = self.score(true, np.concatenate(predicted))
        self.complexity = max(scores, key=scores.get)
        return self.make_learner[self.complexity]

    def _inner_folds(self, train: DataSet) -> list[tuple[DataSet, DataSet]]:
        """Training and validation split of each fold within the training data that can be trained on.

        These are the folds of the data set, but for the one that is predicted, or random ones where it has none.
        """
        own = self._usable_folds(train)
        if len(own) > 1:
            return own
        num_folds = min(INNER_FOLDS, len(set(original_names(train.filenames))))
        return self._usable_folds(add_cv_setup(train, num_folds, self.seed)) if num_folds > 1 else []

    def _usable_folds(self, data_set: DataSet) -> list[tuple[DataSet, DataSet]]:
        folds = [[data_set.split(fold, split) for split in Split] for fold in range(data_set.num_folds)]
        return [
            (train, valid)
            for train, valid in folds
            if len(train) and len(valid) and len(np.unique(self.targets_of(train, "train on"))) > 1
        ]


class Classifier(Predictor):
    """Predicts numeric labels."""

    kind, needed = "label", "two classes are needed"

    def targets_of(self, data_set: DataSet, purpose: str) -> np.ndarray:
        return labels_of(data_set, purpose)

    def merged(self, filenames: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """The most frequent label of each file."""
        return vote(filenames, predicted)

    def score(self, true: np.ndarray, predicted: np.ndarray) -> float:
        """Unweighted average recall."""
        return unweighted_average_recall(confusion_matrix(true, predicted, np.unique([true, predicted])))


class Regressor(Predictor):
    """Predicts values (`DataSet.label_values`); learners see them standardised."""

    kind, needed = "value", "different ones are needed"

    def targets_of(self, data_set: DataSet, purpose: str) -> np.ndarray:
        return values_of(data_set, purpose)

    def fit(self, data_set: DataSet) -> "Predictor":
        if self.upsample:
            raise OptionError("upsampling balances classes, which regression has not; leave it out")
        return super().fit(data_set)

    def encoded(self, targets: np.ndarray) -> np.ndarray:
        self.mean, self.deviation = targets.mean(), targets.std()
        return (targets - self.mean) / self.deviation

    def decoded(self, predicted: np.ndarray) -> np.ndarray:
        return predicted * self.deviation + self.mean

    def merged(self, filenames: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """The mean of each file."""
        _, files = np.unique(filenames.astype(str), return_inverse=True)
        return (np.bincount(files, predicted) / np.bincount(files))[files]

    def score(self, true: np.ndarray, predicted: np.ndarray) -> float:
        """The root mean squared error, negative."""
        return -root_mean_squared_error(true, predicted)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Say nothing of learners that are only tried."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


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
    _check_known(data_set, data_set.labels_numeric, purpose, "label")
    return data_set.labels_numeric.astype(np.int64)


def values_of(data_set: DataSet, purpose: str) -> np.ndarray:
    """Values to predict by regression [instance], float64.

    Raises:
        DataError: there are no instances, or some have no value.
    """
    _check_known(data_set, data_set.label_values, purpose, "value")
    return data_set.label_values


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


def _check_known(data_set: DataSet, targets: np.ndarray, purpose: str, kind: str) -> None:
    if not len(data_set):
        raise DataError(
            f"there is no instance to {purpose}; check the folds or partitions with 'audeep inspect netcdf'"
        )
    missing = int(np.isnan(targets).sum())
    if missing:
        raise DataError(f"{missing} of {len(data_set)} instances to {purpose} have no {kind}; {kind}s are needed here")


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
