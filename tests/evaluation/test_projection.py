# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps of instances, for any number of them and of their features."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from audeep.data.data_set import DataSet, empty
from audeep.errors import DataError
from audeep.evaluation.projection import shares_of_variance, visualize_pca, visualize_tsne


def clusters(num_instances: int, *shape: int, num_classes: int = 3) -> DataSet:
    """Classes around random centres, well apart."""
    generator = np.random.default_rng(1)
    data_set = empty(num_instances, [(f"axis_{axis}", size) for axis, size in enumerate(shape)])
    labels = np.arange(num_instances) % num_classes
    data_set.labels_numeric[:] = labels
    data_set.labels_nominal[:] = [str(label) for label in labels]
    centres = 10 * generator.standard_normal((num_classes, *shape))
    features = centres[labels] + generator.standard_normal((num_instances, *shape))
    return data_set.with_features(features.astype(np.float32), data_set.feature_dims)


def test_principal_components_are_those_of_an_eigenvalue_decomposition():
    data_set = clusters(60, 7)
    features = data_set.features.astype(np.float64)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    _, vectors = np.linalg.eigh(scaled.T @ scaled)
    expected = scaled @ vectors[:, [-1, -2]]
    found = visualize_pca(data_set)
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found * signs, expected, atol=1e-3)


@pytest.mark.slow
def test_tsne_keeps_neighbours_together():
    data_set = clusters(150, 20, 4)
    points = visualize_tsne(data_set)
    assert points.shape == (150, 2)
    assert KNeighborsClassifier(5).fit(points, data_set.labels_numeric).score(points, data_set.labels_numeric) > 0.98


def test_shares_of_variance_are_those_of_a_decomposition_into_singular_values() -> None:
    features = np.random.default_rng(2).standard_normal((30, 4)).astype(np.float32) @ np.diag([3, 1, 1, 1])
    features[:, 1] += features[:, 0]
    data_set = empty(30, [("generated", 4)]).with_features(features.astype(np.float32), ["generated"])
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    squares = np.linalg.svd(scaled, compute_uv=False) ** 2
    found = shares_of_variance(visualize_pca(data_set), data_set)
    np.testing.assert_allclose(found, squares[:2] / squares.sum(), rtol=1e-3)


@pytest.mark.parametrize("method", [visualize_pca, visualize_tsne])
@pytest.mark.parametrize("num_features", [1, 2, 300])
@pytest.mark.parametrize("num_instances", [1, 2, 3, 4, 11, 40])
def test_any_number_of_instances_and_features_can_be_drawn(method, num_instances, num_features):
    points = method(clusters(num_instances, num_features))
    assert points.shape == (num_instances, 2) and np.isfinite(points).all()


@pytest.mark.parametrize("method", [visualize_pca, visualize_tsne])
def test_instances_that_are_all_the_same_can_be_drawn(method):
    data_set = clusters(12, 5).with_features(np.ones((12, 5), np.float32), ["generated"])
    assert np.isfinite(method(data_set)).all()


@pytest.mark.slow
@pytest.mark.parametrize("method", [visualize_pca, visualize_tsne])
def test_the_same_seed_gives_the_same_map(method):
    data_set = clusters(50, 30)
    np.testing.assert_array_equal(method(data_set, seed=4), method(data_set, seed=4))


@pytest.mark.parametrize("method", [visualize_pca, visualize_tsne])
def test_what_cannot_be_drawn_is_named(method):
    with pytest.raises(DataError, match="there is no instance to draw"):
        method(clusters(6, 2)[0:0])
    data_set = clusters(6, 2)
    data_set.filenames[:] = list("abcdef")
    data_set.data["features"][3, 1] = np.nan
    with pytest.raises(DataError, match=r"features of 1 instances \(d\) are NaN or infinite"):
        method(data_set)
