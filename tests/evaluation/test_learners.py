# SPDX-License-Identifier: GPL-3.0-or-later
"""Linear SVMs and MLPs."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC, LinearSVR

from audeep.evaluation.learners import MlpLearner, MlpRegressor, SvmLearner, SvrLearner
from audeep.models.mlp import Mlps
from tests.support.vectors import make_clusters, nearly_flat, with_values


def test_mlp_trains_on_all_instances_at_once_with_adam_and_cross_entropy() -> None:
    """Its first step moves each weight by the learning rate, against the gradient."""
    features = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    labels = np.random.default_rng(1).choice([3, 7, 8], 30)
    learner = MlpLearner(num_epochs=1, learning_rate=0.01, num_layers=1, num_units=6, keep_prob=1.0, seed=5)
    learner.fit(features, labels)
    hidden, output, hidden_bias, output_bias = (
        weights[0].detach().numpy() for weights in Mlps([4, 6, 3], 1.0, [5]).parameters()
    )
    activations = np.maximum(features @ hidden.T + hidden_bias, 0)
    logits = activations @ output.T + output_bias
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    errors = (shares - (labels[:, None] == [3, 7, 8])) / 30  # gradient at the logits
    trained = [weights[0].detach().numpy() for weights in learner.model.parameters()]
    for before, after, gradient in [
        (output, trained[1], errors.T @ activations),
        (output_bias, trained[3], errors.sum(axis=0)),
        (hidden, trained[0], (errors @ output * (activations > 0)).T @ features),
    ]:
        np.testing.assert_allclose(after, before - 0.01 * gradient / (np.abs(gradient) + 1e-8), atol=1e-5)


def test_mlps_that_are_trained_together_learn_what_each_learns_alone() -> None:
    data_set = make_clusters(80, seed=0, spread=3)
    features = (data_set.features / [1, 1, 1000]).astype(np.float32)
    labels = data_set.labels_numeric.astype(int)

    def learners() -> list[MlpLearner]:
        return [MlpLearner(num_epochs=30, num_units=9, keep_prob=1.0, seed=seed) for seed in (3, 1, 2)]

    together, alone = learners(), learners()
    MlpLearner.fit_together(together, features, labels)
    for learner in alone:
        learner.fit(features, labels)
    for index, learner in enumerate(alone):
        for one, other in zip(together[index].model.parameters(), learner.model.parameters(), strict=True):
            torch.testing.assert_close(one[index], other[0], rtol=1e-3, atol=1e-5)
        np.testing.assert_array_equal(together[index].predict(features), learner.predict(features))
    assert not torch.allclose(alone[0].model.weights[0], alone[1].model.weights[0])


def test_complexity_of_the_svm_limits_its_weights() -> None:
    data_set = make_clusters(60, seed=0)
    norms = []
    for complexity in (1e-4, 1e-2, 1):
        learner = SvmLearner(complexity)
        learner.fit(data_set.features / [1, 1, 1000], data_set.labels_numeric)
        norms.append(np.linalg.norm(learner.machine.coef_))
    assert norms[0] < 0.1 * norms[1] < 0.1 * norms[2]


def test_svm_that_does_not_converge_says_so_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    features = nearly_flat()
    learner = SvmLearner(1e6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learner.fit(features, np.random.default_rng(1).integers(0, 2, 60))
    assert caplog.messages == ["the SVM did not converge in 1000 iterations"]
    assert set(learner.predict(features)) <= {0, 1}


@pytest.mark.slow
@pytest.mark.parametrize("num_instances", [30, 900])  # fewer than features, and more
def test_svms_predict_what_those_of_scikit_learn_do(num_instances: int) -> None:
    generator = np.random.default_rng(0)
    features, unseen = generator.normal(size=(num_instances, 400)), generator.normal(size=(50, 400))
    labels, values = generator.integers(0, 3, num_instances), features[:, 0] + generator.normal(size=num_instances)
    for learner, machine, targets in (
        (SvmLearner(0.001), LinearSVC(C=0.001, tol=1e-8, max_iter=10**5), labels),
        (SvrLearner(0.01), LinearSVR(C=0.01, epsilon=0.1, tol=1e-8, max_iter=10**5), values),
    ):
        learner.fit(features, targets)
        expected = machine.fit(features, targets).predict(unseen)
        np.testing.assert_allclose(learner.predict(unseen), expected, atol=0.01)


def test_mlp_for_values_descends_the_squared_error_of_its_one_output() -> None:
    """Its first step moves each weight by the learning rate, against the gradient."""
    generator = np.random.default_rng(0)
    features, values = generator.normal(size=(30, 4)).astype(np.float32), generator.normal(size=30)
    learner = MlpRegressor(num_epochs=1, learning_rate=0.01, num_layers=1, num_units=6, keep_prob=1.0, seed=5)
    learner.fit(features, values)
    hidden, output, hidden_bias, output_bias = (
        weights[0].detach().numpy() for weights in Mlps([4, 6, 1], 1.0, [5]).parameters()
    )
    activations = np.maximum(features @ hidden.T + hidden_bias, 0)
    errors = 2 * (activations @ output.T + output_bias - values[:, None]) / 30
    trained = [weights[0].detach().numpy() for weights in learner.model.parameters()]
    for before, after, gradient in [
        (output, trained[1], errors.T @ activations),
        (output_bias, trained[3], errors.sum(axis=0)),
        (hidden, trained[0], (errors @ output * (activations > 0)).T @ features),
    ]:
        np.testing.assert_allclose(after, before - 0.01 * gradient / (np.abs(gradient) + 1e-8), atol=1e-5)


def test_mlps_for_values_learn_together_what_each_learns_alone() -> None:
    data_set = with_values(60, seed=0).scaled()
    values = (data_set.label_values - 500) / 50
    together, alone = (
        [MlpRegressor(num_epochs=30, num_units=9, keep_prob=1.0, seed=seed) for seed in (3, 1, 2)] for _ in range(2)
    )
    MlpRegressor.fit_together(together, data_set.features, values)
    for one, other in zip(together, alone, strict=True):
        other.fit(data_set.features, values)
        np.testing.assert_allclose(one.predict(data_set.features), other.predict(data_set.features), atol=1e-4)


@pytest.mark.slow
def test_svms_that_are_fit_in_threads_have_the_weights_of_each_alone() -> None:
    """LIBLINEAR draws from one generator for all threads."""
    generator = np.random.default_rng(0)
    features, labels = generator.normal(size=(200, 300)), generator.integers(0, 4, 200)

    def weights(seed: int) -> np.ndarray:
        learner = SvmLearner(1, seed)
        learner.fit(features, labels)
        return learner.machine.coef_

    alone = [weights(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as threads:
        np.testing.assert_array_equal(list(threads.map(weights, range(8))), alone)
