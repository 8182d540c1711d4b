# SPDX-License-Identifier: GPL-3.0-or-later
"""Features in fewer dimensions."""

import logging

import numpy as np
import pytest

from audeep.data.data_set import DataSet, empty
from audeep.errors import DataError, OptionError, ShapeError
from audeep.evaluation.evaluate import evaluate
from audeep.evaluation.learners import svms
from audeep.evaluation.reduction import reduce


def features_of(num_instances: int = 40, num_features: int = 100, seed: int = 0) -> DataSet:
    """Two classes in four folds, whose features depend on each other and have different variances."""
    generator = np.random.default_rng(seed)
    data_set = empty(num_instances, [("generated", num_features)], num_folds=4, label_map={"a": 0, "b": 1})
    labels = np.arange(num_instances) % 2
    for row, instance in enumerate(data_set):
        instance.filename, instance.label_nominal, instance.label_numeric = str(row), "ab"[labels[row]], labels[row]
        instance.cv_folds = [int(row // 2 % 4 == fold) for fold in range(4)]
    hidden = generator.standard_normal((num_instances, 30)) * 0.7 ** np.arange(30)
    hidden[:, 5] += 0.3 * labels
    features = hidden @ generator.standard_normal((30, num_features)) * 10 ** generator.uniform(-2, 2, num_features)
    return data_set.with_features((features + 1).astype(np.float32), ["generated"])


def scaled(features: np.ndarray) -> np.ndarray:
    return (features - features.mean(axis=0)) / features.std(axis=0)


def test_all_components_keep_all_products_of_standardised_features() -> None:
    data_set = features_of()
    found, expected = reduce(data_set, 1000).features, scaled(data_set.features.astype(np.float64))
    assert found.shape == (40, 39)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, rtol=1e-4, atol=1e-3 * len(expected))


def test_fewer_components_are_those_with_the_most_variance(caplog: pytest.LogCaptureFixture) -> None:
    data_set = features_of()
    with caplog.at_level(logging.INFO):
        found = reduce(data_set, 3).features
    singular = np.linalg.svd(scaled(data_set.features.astype(np.float64)), compute_uv=False)
    np.testing.assert_allclose(np.linalg.svd(found, compute_uv=False), singular[:3], rtol=1e-4)
    share = 100 * (singular[:3] ** 2).sum() / (singular**2).sum()
    assert f"3 components hold {share:.2f} % of the variance of 100 features" in caplog.text


@pytest.mark.parametrize("num_components", [1, 2, 7, 30])
def test_all_dimensions_have_the_same_variance(num_components: int) -> None:
    deviations = reduce(features_of(200), num_components).features.std(axis=0)
    np.testing.assert_allclose(deviations, deviations[0], rtol=1e-4)


def test_whitening_makes_variances_equal_by_degrees() -> None:
    def spread(whiten: float) -> float:
        values = np.linalg.svd(reduce(features_of(), 20, whiten=whiten).features, compute_uv=False)
        return float(values[0] / values[-1])

    full, half, none = spread(1.0), spread(0.5), spread(0.0)
    assert full == pytest.approx(1, abs=1e-3) and half == pytest.approx(none**0.5, rel=1e-3)


def test_a_classifier_finds_in_all_components_what_it_finds_in_the_features() -> None:
    data_set = features_of(80)
    scores = [evaluate(each, svms([0.001])).accuracies.mean() for each in (data_set, reduce(data_set, 1000))]
    assert abs(scores[0] - scores[1]) <= 0.03 and scores[0] > 0.55


def test_the_same_seed_gives_the_same_bytes_and_metadata_stay() -> None:
    data_set = features_of()
    one, same = (reduce(data_set, 5, seed=1) for _ in range(2))
    assert one.features.tobytes() == same.features.tobytes()
    assert one.labels_nominal.tolist() == data_set.labels_nominal.tolist() and one.num_folds == 4


def test_what_cannot_be_reduced_is_refused() -> None:
    data_set = features_of()
    with pytest.raises(OptionError, match="components=0: expected an integer >= 1"):
        reduce(data_set, 0)
    with pytest.raises(OptionError, match="whiten=2: expected a number >= 0 and <= 1"):
        reduce(data_set, 3, whiten=2)
    with pytest.raises(DataError, match="all instances have the same features"):
        reduce(data_set.with_features(np.ones((40, 3), np.float32), ["generated"]), 2)
    with pytest.raises(DataError, match="2 instances or more are needed"):
        reduce(data_set[:1], 2)
    with pytest.raises(ShapeError, match="one vector per instance is needed"):
        reduce(data_set.with_features(np.ones((40, 3, 2), np.float32), ["time", "freq"]), 2)
