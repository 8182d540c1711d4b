# SPDX-License-Identifier: GPL-3.0-or-later
"""How good scores of labels are by the order that they put the labels in; NaN where a measure is not defined.

Truth is bool [instance, label], scores are finite numbers [instance, label]; one label an instance or several. Of
labels with equal scores, the one with the higher position ranks first (a stable ascending sort, reversed), whatever
the number of labels.
"""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

RankingMeasure = Callable[[np.ndarray, np.ndarray], float]
"""A measure of scores, given what is true; both [instance, label]."""


def ranked(scores: np.ndarray) -> NDArray[np.int64]:
    """Positions of the labels from the best score to the worst, [instance, label].

    ::

        ranked([[0.2, 0.5, 0.2]])  # [[1, 2, 0]]
    """
    return np.argsort(scores, axis=-1, kind="stable")[..., ::-1]


def average_precision_at(true: Collection[int], predicted: Sequence[int], k: int = 3) -> float:
    """Precision at the rank of each hit among the first `k` predictions, summed, over the hits that are possible.

    ::

        average_precision_at({0, 2}, [0, 1, 2])  # (1/1 + 2/3) / 2

    Args:
        true: labels of one instance.
        predicted: labels, the best first; only the first occurrence of each counts as a hit.

    Returns:
        0 to 1; 0 where nothing is true.
    """
    if not true:
        return 0.0
    total, hits = 0.0, 0
    for rank, label in enumerate(predicted[:k], 1):
        if label in true and label not in predicted[: rank - 1]:
            hits += 1
            total += hits / rank
    return total / min(len(true), k)


def average_precisions_at(truth: np.ndarray, scores: np.ndarray, k: int = 3) -> np.ndarray:
    """`average_precision_at` of each instance, [instance]; NaN for those without a label."""
    hits = np.take_along_axis(truth, ranked(scores)[:, :k], axis=1)
    precisions = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    counts = truth.sum(axis=1)
    values = (precisions * hits).sum(axis=1) / np.clip(counts, 1, k)
    return np.where(counts > 0, values, np.nan)


def mean_average_precision_at(truth: np.ndarray, scores: np.ndarray, k: int = 3) -> float:
    """MAP@k: the mean of `average_precision_at` over the instances that have a label."""
    values = average_precisions_at(truth, scores, k)
    return _mean(values[~np.isnan(values)])


def label_precisions(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """For each true label, the share of true ones among the labels that rank down to it, [instance, label].

    NaN for labels that are not true.
    """
    order = ranked(scores)
    hits = np.take_along_axis(truth, order, axis=1)
    by_rank = hits.cumsum(axis=1) / np.arange(1, truth.shape[1] + 1)
    precisions = np.empty(truth.shape)
    np.put_along_axis(precisions, order, np.where(hits, by_rank, np.nan), axis=1)
    return precisions


class LabelWeighted(NamedTuple):
    """Label-weighted label-ranking average precision.

    Attributes:
        overall: the mean over all true labels of all instances.
        per_class: the mean for each label, [label]; NaN for one that does not occur.
        weights: share of each label among the true ones, [label]; `overall` is the sum of `per_class`, so weighted.
    """

    overall: float
    per_class: np.ndarray
    weights: np.ndarray


def label_weighted(truth: np.ndarray, scores: np.ndarray) -> LabelWeighted:
    """lwlrap, the measure of DCASE 2019 task 2, as a whole and for each label.

    Instances without labels add nothing; all is NaN where no label is true. With the rule for ties above, four equal
    scores with the last label true give 1, with the first 0.25, where scikit-learn's label_ranking_average_precision
    gives 0.25 for either.
    """
    precisions, counts = label_precisions(truth, scores), truth.sum(axis=0)
    sums = np.where(truth, precisions, 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return LabelWeighted(
            float(sums.sum() / np.float64(counts.sum())), sums / np.float64(counts), counts / np.float64(counts.sum())
        )


def label_weighted_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """lwlrap as a whole, see `label_weighted`."""
    return label_weighted(truth, scores).overall


def average_precisions(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Average precision of each label over the instances, [label]; NaN for a label that does not occur.

    scikit-learn's, where instances with equal scores count as one step of the curve of precision over recall.
    """
    occurs = truth.any(axis=0)
    values = np.full(truth.shape[1], np.nan)
    for label in np.flatnonzero(occurs):
        values[label] = metrics.average_precision_score(truth[:, label], scores[:, label])
    return values


def mean_average_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """mAP: the mean of `average_precisions` over the labels that occur."""
    values = average_precisions(truth, scores)
    return _mean(values[~np.isnan(values)])


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan
