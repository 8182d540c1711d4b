# SPDX-License-Identifier: GPL-3.0-or-later
"""Features in fewer dimensions, in which a classifier finds what it found before."""

import logging

import numpy as np

from audeep.data.data_set import DataSet
from audeep.data.schema import GENERATED
from audeep.errors import DataError, OptionError
from audeep.evaluation.predictors import vectors_of

logger = logging.getLogger(__name__)


def reduce(data_set: DataSet, num_components: int, *, whiten: float = 0.0, seed: int = 0) -> DataSet:
    """The same instances in the principal components of their standardised features, rotated.

    Components have very different variances, which a learner that standardises its input would make equal, so that the
    last of them counted as much as the first. They are rotated so that all dimensions have the same variance. This
    keeps distances and products: with as many components as instances less one, or as features, all are those of the
    standardised features. No labels are used, but all instances are, also those of test partitions and folds.

    ::

        features = audeep.reduce(audeep.load("features.nc"), 256)

    Args:
        num_components: or as many as there can be.
        whiten: power to which the variance of components is made equal: 0 leaves it, 1 makes all the same.

    Raises:
        OptionError: a value is beyond its limits.
        DataError: there are fewer than two instances, all are the same, or some features are NaN or infinite.
        ShapeError: instances have more than one feature axis.
    """
    from sklearn.decomposition import PCA

    if num_components < 1:
        raise OptionError(f"components={num_components}: expected an integer >= 1")
    if not 0 <= whiten <= 1:
        raise OptionError(f"whiten={whiten:g}: expected a number >= 0 and <= 1")
    if len(data_set) < 2:
        raise DataError(f"{len(data_set)} instances found, 2 instances or more are needed; check the input")
    size = min(num_components, len(data_set) - 1, vectors_of(data_set).shape[1])
    scaled = data_set.scaled().features.astype(np.float64)
    if not scaled.any():
        raise DataError("all instances have the same features, which have no principal components; check the input")
    analysis = PCA(size, random_state=seed)
    components = analysis.fit_transform(scaled)  # [instance, component]
    variances = analysis.explained_variance_
    kept = variances > variances[0] * np.finfo(np.float32).eps
    scales = np.where(kept, (np.where(kept, variances, 1) / variances[0]) ** (-whiten / 2), 0)
    share = analysis.explained_variance_ratio_.sum()
    logger.info("%d components hold %.2f %% of the variance of %d features", size, 100 * share, scaled.shape[1])
    levelled = _levelled(components * scales, variances * scales**2)
    return data_set.with_features(levelled.astype(np.float32), [GENERATED])


def _levelled(components: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Uncorrelated components [instance, component] rotated so that all have the mean of their variances.

    In each step one of large and one of small variance are rotated in their plane, so that the first has the mean; the
    second stays uncorrelated with those that are left (Chan and Li, Diagonal elements and eigenvalues, 1983).
    """
    components, variances, mean = components.copy(), variances.copy(), variances.mean()
    left = list(range(len(variances)))
    for _ in range(len(variances) - 1):
        large, small = (choose(left, key=variances.__getitem__) for choose in (max, min))
        if variances[large] <= mean:  # and so all of them are equal
            break
        share = (variances[large] - mean) / (variances[large] - variances[small])
        sine, cosine = np.sqrt(share), np.sqrt(1 - share)
        both = components[:, [large, small]]
        components[:, [large, small]] = both @ np.array([[cosine, -sine], [sine, cosine]])
        variances[small] += variances[large] - mean
        left.remove(large)
    return components
