# SPDX-License-Identifier: GPL-3.0-or-later
"""How good predictions are: scores of labels and of values; NaN where a score is not defined."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps

import numpy as np
from scipy.stats import rankdata
from sklearn import metrics

Measure = Callable[[np.ndarray, np.ndarray], float]
"""A score of predictions [instance], given what is true [instance] and what is predicted."""


def accuracy(true: np.ndarray, predicted: np.ndarray) -> float:
    """Share of labels [instance] that are predicted right."""
    return float(np.mean(true == predicted))


def unweighted_average_recall(true: np.ndarray, predicted: np.ndarray) -> float:
    """Mean recall of the classes that occur."""
    classes, codes = np.unique(true, return_inverse=True)
    right = np.bincount(codes, true == predicted, minlength=len(classes))
    return float(np.mean(right / np.bincount(codes)))


def class_scores(true: np.ndarray, predicted: np.ndarray, classes: Sequence[int]) -> dict[str, np.ndarray]:
    """Recall, precision, F1 and number of instances of each of `classes`: [class].

    NaN where there is nothing to count: for a class that does not occur, or is never predicted.
    """
    found = metrics.precision_recall_fscore_support(true, predicted, labels=classes, zero_division=np.nan)
    precision, recall, f1, count = found
    return {"recall": recall, "precision": precision, "F1": f1, "count": count}


def means_of_classes(scores: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Unweighted means over the classes that occur, of what `class_scores` gives; the sum of the counts.

    What is not defined counts as 0, such as the precision of a class that is never predicted.
    """
    occurs = scores["count"] > 0
    means = {name: float(np.nan_to_num(values[occurs]).mean()) for name, values in scores.items()}
    return {**means, "count": int(scores["count"].sum())}


def of_finite(measure: Measure) -> Measure:
    """The same, but NaN where a prediction is not finite."""

    @wraps(measure)
    def measure_finite(true: np.ndarray, predicted: np.ndarray) -> float:
        return measure(true, predicted) if np.isfinite(predicted).all() else np.nan

    return measure_finite


@of_finite
def pearson(true: np.ndarray, predicted: np.ndarray) -> float:
    """Pearson's correlation coefficient; NaN where one of the two is constant."""
    if np.ptp(true) == 0 or np.ptp(predicted) == 0:
        return np.nan
    return float(np.corrcoef(true, predicted)[0, 1])


@of_finite
def spearman(true: np.ndarray, predicted: np.ndarray) -> float:
    """Spearman's rank correlation coefficient, equal values sharing a rank; NaN where one of the two is constant."""
    return pearson(rankdata(true), rankdata(predicted))


@of_finite
def concordance(true: np.ndarray, predicted: np.ndarray) -> float:
    """Concordance correlation coefficient (Lin, Biometrics 1989); NaN where both are constant and equal."""
    if np.ptp([true, predicted]) == 0:
        return np.nan
    covariance = np.mean((true - true.mean()) * (predicted - predicted.mean()))
    scale = true.var() + predicted.var() + (true.mean() - predicted.mean()) ** 2
    return float(2 * covariance / scale)


@of_finite
def mean_absolute_error(true: np.ndarray, predicted: np.ndarray) -> float:
    """Mean of the absolute differences."""
    return float(metrics.mean_absolute_error(true, predicted))


@of_finite
def root_mean_squared_error(true: np.ndarray, predicted: np.ndarray) -> float:
    """Root of the mean of the squared differences."""
    return float(np.sqrt(metrics.mean_squared_error(true, predicted)))


LABEL_MEASURES: dict[str, Measure] = {"accuracy": accuracy, "UAR": unweighted_average_recall}
VALUE_MEASURES: dict[str, Measure] = {
    **{"r": pearson, "CCC": concordance, "rho": spearman},
    **{"MAE": mean_absolute_error, "RMSE": root_mean_squared_error},
}
