# SPDX-License-Identifier: GPL-3.0-or-later
"""Feature vectors with labels or values to predict."""

import numpy as np

from audeep.data.data_set import DataSet, empty


def make_vectors(features: np.ndarray, labels: list[int] | np.ndarray, filenames: list[str] | None = None) -> DataSet:
    data_set = empty(len(labels), [("generated", features.shape[1])])
    data_set.features[:] = features
    data_set.labels_numeric[:] = labels
    data_set.labels_nominal[:] = [f"class {label}" for label in labels]
    data_set.filenames[:] = [f"{index}.wav" for index in range(len(labels))] if filenames is None else filenames
    return data_set


def make_clusters(count: int, seed: int, spread: float = 0.3) -> DataSet:
    """Three classes whose numbers have gaps, around the corners of a triangle, one of three features large."""
    generator = np.random.default_rng(seed)
    labels = generator.choice([2, 5, 9], count)
    centres = {2: (0, 0, 0), 5: (1, 0, 1000), 9: (0, 1, 1000)}
    noise = generator.normal(0, spread, (count, 3)) * [1, 1, 1000]
    return make_vectors(np.array([centres[label] for label in labels]) + noise, labels)


def with_values(count: int, seed: int, noise: float = 0.1) -> DataSet:
    """Values far from 0 that are linear in the first two of four features, of different sizes."""
    generator = np.random.default_rng(seed)
    features = generator.normal(0, [1, 100, 1, 1], (count, 4))
    data_set = make_vectors(features, [0] * count)
    data_set.label_values[:] = 500 + 20 * features[:, 0] - 0.3 * features[:, 1] + noise * generator.normal(size=count)
    return data_set


def nearly_flat() -> np.ndarray:
    """Features almost of rank 2, which are hard for an SVM."""
    generator = np.random.default_rng(0)
    features = generator.normal(size=(60, 2)) @ generator.normal(size=(2, 61))
    return features + 0.01 * generator.normal(size=features.shape)
