# SPDX-License-Identifier: GPL-3.0-or-later
"""One set of scores of several models: their mean, geometric mean, or what a learned combination makes of them."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, softmax

from audeep.errors import DataError
from audeep.evaluation.ranking import ranked
from audeep.runtime.options import check_options, option

FLOOR = 1e-12  # of scores in a geometric mean, so that no model alone can rule a label out


def mean_scores(scores: np.ndarray) -> np.ndarray:
    """Mean over models of scores [model, instance, label], float64."""
    return np.asarray(scores.mean(axis=0, dtype=np.float64))


def geometric_mean(scores: np.ndarray, floor: float = FLOOR) -> np.ndarray:
    """Geometric mean over models of scores [model, instance, label], float64.

    Computed from logarithms, so that nothing underflows however many models there are. The scores of an instance are
    not made to add up to 1 again.

    Args:
        floor: lower scores count as this; above 0.

    Raises:
        DataError: a score is negative.
    """
    if (scores < 0).any():
        raise DataError("scores below 0 have no geometric mean; use method=mean, or scores that are probabilities")
    means: np.ndarray = np.exp(np.log(np.maximum(scores, floor, dtype=np.float64)).mean(axis=0))
    return means


def agreement(scores: np.ndarray) -> np.ndarray:
    """Share of the instances for which two models put the same label first, of scores [model, instance, label].

    Returns:
        [model, model], symmetric, with 1 on the diagonal.
    """
    best = ranked(scores)[..., 0]
    shares: np.ndarray = (best[:, np.newaxis] == best).mean(axis=2)
    return shares


@dataclass(frozen=True)
class FusionOptions:
    """How a combination is learned: full-batch Adam on the cross-entropy.

    Attributes:
        steps: at most.
        learning_rate: of Adam.
        patience: stop after this many steps, counted over the whole run, that brought no new lowest loss.

    Raises:
        OptionError: a value is not of its type or beyond a limit.
    """

    steps: int = option(10_000, "learn for at most N steps", least=1, metavar="N")
    learning_rate: float = option(1e-3, "step size", above=0)
    patience: int = option(1000, "stop when N steps in all brought no new lowest loss", least=1, metavar="N")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class Fusion:
    """A weight for each model, a bias for each label, and how their sums become scores.

    Attributes:
        weights: [model].
        biases: [label].
        several: whether instances have several labels, whose scores are sigmoids; of one label they are a softmax.
        losses: before each step of learning.
    """

    weights: np.ndarray
    biases: np.ndarray
    several: bool
    losses: tuple[float, ...] = ()

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Scores of the ensemble [instance, label] of those of its models [model, instance, label], float64.

        Raises:
            DataError: there are more or fewer models, or labels, than were learned from.
        """
        learned, found = (len(self.weights), len(self.biases)), (scores.shape[0], scores.shape[2])
        if learned != found:
            raise DataError(
                f"scores of {found[0]} models and {found[1]} labels found, the combination was learned from"
                f" {learned[0]} and {learned[1]}; give the same models in the same order"
            )
        sums = np.tensordot(self.weights, scores, axes=1) + self.biases
        fused: np.ndarray = expit(sums) if self.several else softmax(sums, axis=1)
        return fused


def learn_fusion(
    scores: np.ndarray, truth: np.ndarray, several: bool = False, options: FusionOptions | None = None
) -> Fusion:
    """The weights and biases whose fused scores have the lowest cross-entropy with what is true.

    All models begin with the same weight, which add up to 1, and all biases with 0.

    Args:
        scores: [model, instance, label].
        truth: bool [instance, label]; one true label an instance, unless there are `several`.

    Raises:
        DataError: there is no instance.
    """
    options = options or FusionOptions()
    if not truth.size:
        raise DataError("there is no labelled instance to learn a combination from; check the input and the partitions")
    models, cells = len(scores), truth.size if several else len(truth)
    scores = scores.astype(np.float64)
    adam = _Adam(np.concatenate([np.full(models, 1 / models), np.zeros(truth.shape[1])]), options.learning_rate)
    losses: list[float] = []
    lowest, best, idle = np.inf, adam.values, 0
    while len(losses) < options.steps and idle < options.patience:
        fused = Fusion(adam.values[:models], adam.values[models:], several)(scores)
        losses.append(_cross_entropy(fused, truth, several) / cells)
        if losses[-1] < lowest:
            lowest, best = losses[-1], adam.values
        else:
            idle += 1
        errors = (fused - truth) / cells
        adam.step(np.concatenate([np.tensordot(scores, errors, axes=2), errors.sum(axis=0)]))
    final = adam.values if idle == 0 else best
    return Fusion(final[:models], final[models:], several, tuple(losses))


def _cross_entropy(fused: np.ndarray, truth: np.ndarray, several: bool) -> float:
    """Summed over all instances."""
    likely = np.where(truth, fused, 1 - fused) if several else fused[truth]
    return float(-np.log(np.maximum(likely, np.finfo(float).tiny)).sum())


class _Adam:
    """Kingma and Ba (2015), with epsilon added to the root of the second moment before its bias is corrected.

    Attributes:
        values: what is optimised.
    """

    def __init__(self, values: np.ndarray, rate: float) -> None:
        self.values, self.rate, self.steps = values, rate, 0
        self.first, self.second = np.zeros_like(values), np.zeros_like(values)

    def step(self, gradient: np.ndarray) -> None:
        self.steps += 1
        self.first = 0.9 * self.first + 0.1 * gradient
        self.second = 0.999 * self.second + 0.001 * gradient**2
        rate = self.rate * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        self.values = self.values - rate * self.first / (np.sqrt(self.second) + 1e-8)
