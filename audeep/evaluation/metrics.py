# SPDX-License-Identifier: GPL-3.0-or-later
"""How good predictions are: scores of classes by their confusion matrix, scores of values by the values."""

from collections.abc import Sequence

import numpy as np


def confusion_matrix(true: np.ndarray, predicted: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """Counts [true class, predicted class], in the order of `classes`, which are sorted."""
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (np.searchsorted(classes, true), np.searchsorted(classes, predicted)), 1)
    return counts


def accuracy(confusion: np.ndarray) -> float:
    """Share of predictions that are right; `confusion` is [true class, predicted class] with counts."""
    return float(np.trace(confusion) / confusion.sum())


def unweighted_average_recall(confusion: np.ndarray) -> float:
    """Mean recall of the classes that occur; `confusion` is [true class, predicted class] with counts."""
    occurring = confusion.sum(axis=1) > 0
    return float(np.mean(np.diag(confusion)[occurring] / confusion[occurring].sum(axis=1)))


def class_scores(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Recall, precision and F1 of each class [class]; `confusion` is [true class, predicted class] with counts.

    NaN where there is nothing to tell: a class that does not occur, or is never predicted.
    """
    right, true, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    with np.errstate(invalid="ignore"):
        return {"recall": right / true, "precision": right / predicted, "F1": 2 * right / (true + predicted)}


def pearson(true: np.ndarray, predicted: np.ndarray) -> float:
    """Pearson's correlation coefficient; NaN where one of the two is constant."""
    if np.ptp(true) == 0 or np.ptp(predicted) == 0:
        return np.nan
    return float(np.corrcoef(true, predicted)[0, 1])


def spearman(true: np.ndarray, predicted: np.ndarray) -> float:
    """Spearman's rank correlation coefficient, equal values sharing a rank; NaN where one of the two is constant."""
    from scipy.stats import rankdata

    return pearson(rankdata(true), rankdata(predicted))


def concordance(true: np.ndarray, predicted: np.ndarray) -> float:
    """Concordance correlation coefficient (Lin, Biometrics 1989); NaN where both are constant and equal."""
    if np.ptp([true, predicted]) == 0:
        return np.nan
    covariance = np.mean((true - true.mean()) * (predicted - predicted.mean()))
    scale = true.var() + predicted.var() + (true.mean() - predicted.mean()) ** 2
    return float(2 * covariance / scale)


def mean_absolute_error(true: np.ndarray, predicted: np.ndarray) -> float:
    """Mean of the absolute differences."""
    return float(np.abs(true - predicted).mean())


def root_mean_squared_error(true: np.ndarray, predicted: np.ndarray) -> float:
    """Root of the mean of the squared differences."""
    return float(np.sqrt(np.square(true - predicted).mean()))
