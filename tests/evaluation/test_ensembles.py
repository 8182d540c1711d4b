# SPDX-License-Identifier: GPL-3.0-or-later
"""Ensembles against the numbers of the systems that they are from, and by hand."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from audeep.errors import DataError
from audeep.evaluation.ensembles import FusionOptions, agreement, geometric_mean, learn_fusion, mean_scores
from audeep.evaluation.ranking import mean_average_precision_at, ranked

TWO = np.array([[[0.7, 0.2, 0.1]], [[0.05, 0.5, 0.45]]])


@pytest.fixture(scope="module")
def models(golden: Path) -> dict[str, np.ndarray]:
    found = dict(np.load(golden / "tagging" / "a_fusion.npz"))
    found["scores"] = found["probs"].swapaxes(0, 1)
    found["truth"] = found["y_true"][:, np.newaxis] == np.arange(41)
    return found


def test_the_mean_is_that_of_the_original(models: dict[str, np.ndarray]) -> None:
    mean = mean_scores(models["scores"])
    np.testing.assert_allclose(mean, models["mean"], atol=1e-7)
    np.testing.assert_allclose(softmax(mean, axis=1), models["saved"], atol=1e-7)  # what the original saves
    np.testing.assert_array_equal(ranked(mean)[:, :3], ranked(models["saved"])[:, :3])
    assert f"{mean_average_precision_at(models['truth'], mean):.3f}" == "0.536"
    np.testing.assert_allclose(mean_scores(TWO), [[0.375, 0.35, 0.275]])
    assert ranked(mean_scores(TWO)).tolist() == [[0, 1, 2]]


def test_models_agree_as_the_original_prints(models: dict[str, np.ndarray]) -> None:
    printed = models["stdout_test"].item().decode()
    shares = agreement(models["scores"])
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert f"Consensus {one} / {other}: {shares[one, other]:.2f}" in printed
        assert shares[one, other] == shares[other, one]
    assert np.diag(shares).tolist() == [1, 1, 1]


def test_a_combination_learned_in_200_steps_is_that_of_the_original(models: dict[str, np.ndarray]) -> None:
    fusion = learn_fusion(models["scores"], models["truth"], options=FusionOptions(steps=200))
    assert len(fusion.losses) == 200
    np.testing.assert_allclose(fusion.weights, models["learned_W_200"][:, 0], atol=1e-6)
    np.testing.assert_allclose(fusion.biases, models["learned_b_200"], atol=1e-6)
    fused = fusion(models["scores"])
    np.testing.assert_allclose(fused, models["saved_learned"], atol=1e-6)
    assert f"{mean_average_precision_at(models['truth'], fused):.3f}" == "0.528"


def test_a_combination_begins_with_the_mean_and_ends_near_the_lowest_loss() -> None:
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 4, 300)
    truth = labels[:, np.newaxis] == np.arange(4)
    scores = softmax(generator.normal(size=(2, 300, 4)) + 2 * truth * np.array([1, 0])[:, np.newaxis, np.newaxis], -1)
    options = FusionOptions(steps=6000, learning_rate=0.02)
    fusion = learn_fusion(scores, truth, options=options)
    at_first = -log_softmax(scores.mean(axis=0), axis=1)[truth].mean()
    assert fusion.losses[0] == pytest.approx(at_first)
    assert fusion.weights[0] > 5 * abs(fusion.weights[1])  # the second model only guesses
    found = -np.log(fusion(scores)[truth]).mean()
    for change in generator.normal(scale=0.01, size=(20, 6)):  # nothing near it is better
        sums = np.tensordot(fusion.weights + change[:2], scores, axes=1) + fusion.biases + change[2:]
        assert -log_softmax(sums, axis=1)[truth].mean() > found - 1e-6


def test_several_labels_are_combined_by_sigmoids() -> None:
    generator = np.random.default_rng(4)
    truth = generator.random((200, 5)) < 0.3
    scores = np.stack([0.2 + 0.6 * truth, generator.random(truth.shape)])
    fusion = learn_fusion(scores, truth, several=True, options=FusionOptions(steps=3000, learning_rate=0.01))
    fused = fusion(scores)
    np.testing.assert_allclose(fused, 1 / (1 + np.exp(-np.tensordot(fusion.weights, scores, axes=1) - fusion.biases)))
    assert fused[truth].min() > fused[~truth].max()
    assert fusion.losses[-1] < 0.5 * fusion.losses[0]


def test_learning_stops_when_nothing_gets_better() -> None:
    scores, truth = np.full((2, 6, 2), 0.5), np.arange(6)[:, np.newaxis] % 2 == np.arange(2)
    fusion = learn_fusion(scores, truth, options=FusionOptions(patience=7))  # the gradient is 0
    assert len(fusion.losses) == 8
    np.testing.assert_array_equal(fusion.weights, [0.5, 0.5])


def test_what_a_combination_cannot_be_learned_from_or_applied_to_is_refused() -> None:
    with pytest.raises(DataError, match="no labelled instance to learn a combination from"):
        learn_fusion(np.empty((2, 0, 3)), np.empty((0, 3), bool))
    fusion = learn_fusion(np.ones((2, 2, 2)), np.eye(2, dtype=bool), options=FusionOptions(steps=1))
    with pytest.raises(DataError, match=r"3 models and 2 labels found, the combination was learned from 2 and 2;"):
        fusion(np.ones((3, 2, 2)))


@pytest.mark.parametrize("count", [1, 2, 10])
def test_the_geometric_mean_is_that_of_the_original_without_underflow(golden: Path, count: int) -> None:
    found = np.load(golden / "tagging" / "c_geomean.npz")
    scores, expected = found["probs"][:count], found[f"geomean_{count}_float64"]
    np.testing.assert_allclose(geometric_mean(scores, floor=1e-38), expected, rtol=1e-6)
    raised = geometric_mean(scores)
    np.testing.assert_array_equal(raised >= expected * (1 - 1e-6), True)  # the lowest scores count as 1e-12
    np.testing.assert_array_equal(ranked(raised)[:, :3], ranked(expected)[:, :3])
    singles = found[f"geomean_{count}"]
    if count == 10:
        assert (singles == 0).sum() == 30 and (raised > 0).all()
    np.testing.assert_allclose(geometric_mean(scores[::-1], floor=1e-38), expected, rtol=1e-6)


def test_the_geometric_mean_takes_all_models_and_may_have_another_winner_than_the_mean() -> None:
    np.testing.assert_allclose(geometric_mean(TWO), [[0.18708287, 0.31622777, 0.21213203]], atol=1e-8)
    np.testing.assert_allclose(geometric_mean(TWO[:1]), TWO[0], rtol=1e-12)
    ten = np.random.default_rng(1).dirichlet(np.ones(5), (10, 3))
    changed = ten.copy()
    changed[9] = changed[9, ::-1]
    assert not np.allclose(geometric_mean(ten), geometric_mean(changed))
    assert geometric_mean(np.zeros((2, 1, 1))) == pytest.approx(1e-12)
    with pytest.raises(DataError, match="scores below 0 have no geometric mean"):
        geometric_mean(-TWO)
