# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps: instances as points in a plane, close to each other where their features are alike."""

import logging

import numpy as np

from audeep.data.data_set import DataSet
from audeep.errors import DataError, ShapeError

logger = logging.getLogger(__name__)

NUM_COMPONENTS = 50  # principal components that t-SNE works on, as van der Maaten and Hinton (2008) have it


def visualize_pca(data_set: DataSet, seed: int = 0) -> np.ndarray:
    """The two principal components of the standardised features: [instance, 2].

    Raises:
        DataError: there are no instances, or features that are NaN or infinite.
    """
    return _components(data_set, 2, seed)


def visualize_tsne(
    data_set: DataSet, perplexity: float = 30, seed: int = 0, learning_rate: float | None = None
) -> np.ndarray:
    """t-SNE (van der Maaten and Hinton, JMLR 2008) of the standardised features: [instance, 2].

    Args:
        perplexity: about how many neighbours each instance has; at most a third of the other instances.
        learning_rate: step size of the optimisation; None for one by the number of instances.

    Raises:
        DataError: there are no instances, or features that are NaN or infinite.
    """
    from sklearn.manifold import TSNE

    components = _components(data_set, NUM_COMPONENTS, seed)
    if len(components) < 2:
        return components[:, :2]
    most = max(1.0, (len(components) - 1) / 3)
    if perplexity > most:
        logger.info("perplexity=%g is too high for %d instances, %.1f is used", perplexity, len(components), most)
    deviation = components[:, 0].std() or 1.0
    start = (1e-4 / deviation * components[:, :2]).astype(np.float32)
    tsne = TSNE(
        perplexity=min(perplexity, most),
        init=start,
        random_state=seed,
        learning_rate="auto" if learning_rate is None else learning_rate,
    )
    return np.asarray(tsne.fit_transform(components))


def shares_of_variance(components: np.ndarray, data_set: DataSet) -> np.ndarray:
    """How much of the variance of the standardised features lies along each of their components [component]."""
    deviations = data_set.features.reshape(len(data_set), -1).astype(np.float64).std(axis=0)
    return np.asarray(components.var(axis=0) / max(1, np.count_nonzero(deviations)))  # each has a variance of 1, or 0


def _components(data_set: DataSet, most: int, seed: int) -> np.ndarray:
    """The first principal components, as many as there can be up to `most`, but at least two, which may be 0."""
    from sklearn.decomposition import PCA

    if not len(data_set):
        raise DataError("there is no instance to draw; check the input with 'audeep inspect netcdf'")
    if data_set.is_padded:
        raise ShapeError(
            "spectrograms of different lengths have no common features; generate some with 'audeep t-rae generate'"
        )
    features = data_set.features.reshape(len(data_set), -1)
    unfit = ~np.isfinite(features).all(axis=1)
    if unfit.any():
        name = data_set.filenames[np.argmax(unfit)]
        raise DataError(f"features of {unfit.sum()} instances ({name}) are NaN or infinite; complete them")
    scaled = data_set.scaled().features.reshape(features.shape)
    found = scaled[:, :2]
    if scaled.any():  # not all the same
        found = PCA(min(most, *scaled.shape), random_state=seed).fit_transform(scaled)
    return np.pad(found, ((0, 0), (0, max(0, 2 - found.shape[1]))))
