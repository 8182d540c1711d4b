# SPDX-License-Identifier: GPL-3.0-or-later
"""One set of scores of several models: their mean, geometric mean, or what a learned combination makes of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, softmax

from audeep.data.combine import aligned
from audeep.data.data_set import DataSet
from audeep.data.schema import Partition
from audeep.data.scores import scores_of, truth_of, with_scores
from audeep.errors import DataError, OptionError
from audeep.evaluation.plan import FUSION_METHODS, FusionOptions
from audeep.evaluation.ranking import ranked
from audeep.evaluation.scoring import check_finite
from audeep.runtime.progress import progress

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
    for _ in progress(range(options.steps), "learn", "steps"):
        fused = Fusion(adam.values[:models], adam.values[models:], several)(scores)
        losses.append(_cross_entropy(fused, truth, several) / cells)
        if losses[-1] < lowest:
            lowest, best = losses[-1], adam.values
        else:
            idle += 1
        if idle == options.patience:
            break
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


@dataclass(frozen=True)
class Ensemble:
    """The predictions of several models as one.

    Attributes:
        predictions: features are the fused scores [label].
        agreement: share of the instances for which two models put the same label first, [model, model].
        fusion: what was learned, where it was.
    """

    predictions: DataSet
    agreement: np.ndarray
    fusion: Fusion | None = None


def fuse_predictions(
    data_sets: Sequence[DataSet],
    method: str = "mean",
    fit_input: Sequence[DataSet] | None = None,
    fit_partitions: Iterable[Partition] | None = None,
    options: FusionOptions | None = None,
) -> Ensemble:
    """One set of predictions of those of several models, joined by file name and chunk, in the order of the first.

    Fused scores are means, geometric means that are not made to add up to 1, or what a learned combination gives: one
    weight for each model and one bias for each label, followed by a softmax, or by sigmoids for several labels.

    Args:
        data_sets: of each model; features are scores [label]. Labels may be in another order than in the first.
        method: one of `FUSION_METHODS`.
        fit_input: labelled predictions of the same models in the same order, which they were not trained on, to learn
            from; by default the labelled instances of `data_sets`.
        fit_partitions: learn from these partitions of them alone.
        options: how to learn.

    Raises:
        DataError: there are less than two, they differ in recordings, labels or what is true, features are not scores
            or not finite, or there is nothing to learn from.
        OptionError: there is no such method, or another one than `learned` is told what to learn from.
    """
    if method not in FUSION_METHODS:
        raise OptionError(f"method={method}: expected one of {', '.join(FUSION_METHODS)}")
    if method != "learned" and (fit_input is not None or fit_partitions is not None):
        name = "fit_input" if fit_input is not None else "fit_partitions"
        raise OptionError(f"method={method}: learns nothing; leave out {name}=..., or choose method=learned")
    joined, names, scores = _joined(data_sets)
    fusion, fused = None, np.empty(0)
    if method == "learned":
        fusion = _learned(joined, names, scores, fit_input, fit_partitions, options)
        fused = fusion(scores)
    else:
        fused = mean_scores(scores) if method == "mean" else geometric_mean(scores)
    return Ensemble(with_scores(joined, fused.astype(np.float32), names), agreement(scores), fusion)


def _learned(
    joined: DataSet,
    names: tuple[str, ...],
    scores: np.ndarray,
    fit_input: Sequence[DataSet] | None,
    partitions: Iterable[Partition] | None,
    options: FusionOptions | None,
) -> Fusion:
    if fit_input is not None:
        if len(fit_input) != len(scores):
            raise OptionError(
                f"fit_input=...: {len(fit_input)} predictions found, there are {len(scores)} to fuse; name as many"
            )
        joined, _, scores = _joined(fit_input, names)
    rows = joined.is_labelled
    if partitions is not None:
        rows &= np.isin(joined.partition, [float(partition) for partition in partitions])
    return learn_fusion(scores[:, rows], truth_of(joined, names)[rows], joined.has_label_sets, options)


def _joined(
    data_sets: Sequence[DataSet], names: tuple[str, ...] | None = None
) -> tuple[DataSet, tuple[str, ...], np.ndarray]:
    """The metadata of all predictions, the names of the labels, and the scores [model, instance, label].

    Args:
        names: put labels in this order; by default that of the first.
    """
    if len(data_sets) < 2:
        raise DataError(f"{len(data_sets)} predictions found, two or more are needed to fuse")
    names = scores_of(data_sets[0])[0] if names is None else names
    parts = []
    for number, data_set in enumerate(data_sets, 1):
        where = data_set.source or f"data set {number}"
        found, values = scores_of(data_set)
        _check_same_labels(where, found, names)
        _check_same_recordings(where, data_set, data_sets[0])
        check_finite(data_set, values)
        parts.append(with_scores(data_set, values[:, [found.index(name) for name in names]], names))
    merged, parts = aligned(parts)
    return merged, names, np.stack([part.features for part in parts])


def _check_same_labels(where: str, found: tuple[str, ...], expected: tuple[str, ...]) -> None:
    different = sorted(set(found) ^ set(expected))
    if different:
        one = "lacks" if different[0] in expected else "has"
        raise DataError(
            f"{where}: {one} the label {different[0]!r}, unlike the others ({len(found)} labels, not {len(expected)});"
            " only predictions of the same labels can be fused"
        )


def _check_same_recordings(where: str, data_set: DataSet, first: DataSet) -> None:
    found, expected = (dict.fromkeys(zip(each.filenames, each.chunk_nrs, strict=True)) for each in (data_set, first))
    for lacking, has, word in ((found, expected, "lacks"), (expected, found, "has")):
        different = [key for key in has if key not in lacking]
        if different:
            raise DataError(
                f"{where}: {word} {different[0][0]}, chunk {different[0][1]}, unlike the first predictions, as"
                f" {len(different)} of {len(has)} instances; only predictions for the same recordings can be fused"
            )
    if len(found) < len(data_set):
        raise DataError(f"{where}: has an instance twice; see which with 'audeep validate --detailed'")
