# SPDX-License-Identifier: GPL-3.0-or-later
"""Linear SVMs and MLPs behind one interface: classes or values from standardised features."""

import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import MISSING, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from audeep.runtime.options import check_options, option

if TYPE_CHECKING:
    from torch import Tensor

    from audeep.models.mlp import Mlps

logger = logging.getLogger(__name__)

_liblinear = threading.Lock()  # which has one generator of random numbers for all threads
_is_trial: ContextVar[bool] = ContextVar("is_trial", default=False)


class Learner(Protocol):
    """Predicts classes or values from standardised features."""

    def fit(self, features: np.ndarray, targets: np.ndarray) -> None:
        """Learn from `features` [instance, feature], float32, and labels (int64) or standardised values (float64)."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Labels or values [instance] of `features` [instance, feature]."""


Layer = tuple[np.ndarray, np.ndarray]  # weights [output, input] and biases [output]


LearnerFactory = Callable[[int], Learner]
"""Makes an untrained learner that draws its random numbers from a seed."""

LearnerChoice = LearnerFactory | Mapping[float, LearnerFactory]
"""What makes the learners; of several, by their complexity, the one is taken that does best in cross-validation within
the training data."""


@dataclass
class SvmLearner:
    """Linear SVM of LIBLINEAR (Fan et al., JMLR 2008) through scikit-learn.

    Raises:
        OptionError: the complexity is not above 0.
    """

    complexity: float = option(
        MISSING,
        "the weight of errors in training; of several, the one is taken that does best in cross-validation within the"
        " training data",
        above=0,
        metavar="C",
    )
    seed: int = 0

    def __post_init__(self) -> None:
        check_options(self)

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

        self.rotation: np.ndarray | None = None  # [feature, instance]
        dual: bool | str = "auto"
        if features.shape[1] > len(features):
            self.rotation = np.linalg.qr(features.T.astype(np.float64))[0]
            features, dual = features @ self.rotation, True
        self.machine = self.make_machine(dual)
        with _liblinear, warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.machine.fit(features, targets)
        if np.max(self.machine.n_iter_) >= self.machine.max_iter and not _is_trial.get():
            logger.warning("the SVM did not converge in %d iterations", self.machine.max_iter)

    def predict(self, features: np.ndarray) -> np.ndarray:
        return np.asarray(self.machine.predict(features if self.rotation is None else features @ self.rotation))

    @property
    def classes(self) -> np.ndarray:
        """Labels, ascending."""
        return np.asarray(self.machine.classes_)

    def layers(self) -> list[Layer]:
        """What makes decision values of features: one for each class against the others, or one for two classes."""
        weights = self.machine.coef_ if self.rotation is None else self.machine.coef_ @ self.rotation.T
        return [(weights, self.machine.intercept_)]


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


@contextmanager
def trials() -> Iterator[None]:
    """Learners that are fitted here are only tried: they log no warnings."""
    token = _is_trial.set(True)
    try:
        yield
    finally:
        _is_trial.reset(token)


@dataclass
class MlpLearner:
    """Multilayer perceptron with softmax output, trained with Adam on all instances at each step.

    Raises:
        OptionError: an option is beyond its limit.
    """

    num_epochs: int = option(400, "training steps", least=1)
    learning_rate: float = option(1e-3, "of Adam", above=0, metavar="RATE")
    num_layers: int = option(2, "hidden layers", least=1)
    num_units: int = option(150, "units per layer", least=1)
    keep_prob: float = option(0.6, "dropout keeps an activation with probability P", above=0, most=1, metavar="P")
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_options(self)
        self.model: Mlps  # once it is trained, with others of which it is number `index`
        self.index: int

    def encoded(self, targets: np.ndarray) -> "tuple[int, Tensor]":
        """How many outputs the network has, and what they are compared with."""
        import torch

        self.classes, codes = np.unique(targets, return_inverse=True)
        return len(self.classes), torch.from_numpy(codes)

    def decoded(self, outputs: "Tensor") -> np.ndarray:
        """Predictions [instance] from outputs [instance, output]."""
        return np.asarray(self.classes[outputs.argmax(dim=1).cpu().numpy()])

    def fit(self, features: np.ndarray, targets: np.ndarray) -> None:
        self.fit_together([self], features, targets)

    @staticmethod
    def fit_together(learners: "Sequence[MlpLearner]", features: np.ndarray, targets: np.ndarray) -> None:
        """Fit learners that differ in nothing but their seeds; faster than one after the other."""
        import torch

        from audeep.models.mlp import Mlps

        first = learners[0]
        num_outputs, expected = [learner.encoded(targets) for learner in learners][0]
        sizes = [features.shape[1], *[first.num_units] * first.num_layers, num_outputs]
        model = Mlps(sizes, first.keep_prob, [learner.seed for learner in learners]).to(first.device)
        optimiser = torch.optim.Adam(model.parameters(), lr=first.learning_rate, fused=True)
        inputs, expected = torch.from_numpy(features).to(first.device), expected.to(first.device)
        for _ in range(first.num_epochs):
            optimiser.zero_grad()
            model.loss(inputs, expected).backward()
            optimiser.step()
        model.eval()
        for index, learner in enumerate(learners):
            learner.model, learner.index = model, index

    def layers(self) -> list[Layer]:
        """Linear layers, between which negative values become 0, that make logits of features."""
        weights, biases = (
            [each[self.index].detach().cpu().numpy() for each in tensors]
            for tensors in (self.model.weights, self.model.biases)
        )
        return list(zip(weights, biases, strict=True))

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


def fit_all(learners: Sequence[Learner], features: np.ndarray, targets: np.ndarray) -> None:
    """Fit learners that differ in nothing but their seeds; MLPs all at once."""
    mlps = [learner for learner in learners if isinstance(learner, MlpLearner)]
    if mlps and len(mlps) == len(learners):
        MlpLearner.fit_together(mlps, features, targets)
    else:
        for learner in learners:
            learner.fit(features, targets)
