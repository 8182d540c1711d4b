# SPDX-License-Identifier: GPL-3.0-or-later
"""Ensembles against the numbers of the systems that they are from, and by hand."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from audeep.data.data_set import DataSet
from audeep.data.schema import Partition
from audeep.data.scores import with_scores
from audeep.errors import DataError, OptionError
from audeep.evaluation.ensembles import agreement, fuse_predictions, geometric_mean, learn_fusion, mean_scores
from audeep.evaluation.plan import FusionOptions
from audeep.evaluation.ranking import mean_average_precision_at, ranked
from tests.support.predictions import several, single

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


@pytest.mark.slow
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


@pytest.mark.slow
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


NAMES = ("Bark", "Cello", "Gong")


def members(count: int = 3, size: int = 30) -> list[DataSet]:
    """Predictions of several models for the same recordings."""
    generator = np.random.default_rng(7)
    true = generator.integers(0, 3, size)
    scores = softmax(generator.normal(size=(count, size, 3)) + (true[:, np.newaxis] == np.arange(3)), axis=-1)
    return [single(each, [NAMES[label] for label in true], NAMES) for each in scores]


@pytest.mark.parametrize(("method", "reference"), [("mean", mean_scores), ("geometric", geometric_mean)])
def test_predictions_are_joined_by_name_and_chunk_and_labels_by_name(method: str, reference) -> None:
    first, second, third = members()
    expected = reference(np.stack([each.features for each in (first, second, third)]))
    order = np.random.default_rng(1).permutation(30)
    turned = with_scores(second, second.features[:, ::-1], NAMES[::-1])[order]
    ensemble = fuse_predictions([first, turned, third], method)
    np.testing.assert_allclose(ensemble.predictions.features, expected, rtol=1e-6)
    assert ensemble.predictions.label_names == NAMES and ensemble.fusion is None
    assert ensemble.predictions.filenames.tolist() == first.filenames.tolist()
    assert ensemble.predictions.labels_nominal.tolist() == first.labels_nominal.tolist()
    np.testing.assert_array_equal(
        ensemble.agreement, agreement(np.stack([each.features for each in (first, second, third)]))
    )


def test_the_truth_of_several_labels_is_kept_whatever_the_order_of_the_labels() -> None:
    generator = np.random.default_rng(2)
    truth, scores = generator.random((9, 3)) < 0.4, generator.random((2, 9, 3))
    first, second = several(scores[0], truth, NAMES), several(scores[1][:, ::-1], truth[:, ::-1], NAMES[::-1])
    fused = fuse_predictions([first, second]).predictions
    np.testing.assert_allclose(fused.features, scores.mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(fused.label_sets, truth)


def test_a_combination_is_learned_from_labelled_predictions_and_applied_to_others() -> None:
    parts, options = members(2, 40), FusionOptions(steps=50)
    labelled, others = [each[:25] for each in parts], [each[25:] for each in parts]
    scores = np.stack([each.features for each in parts])
    expected = learn_fusion(scores[:, :25], labelled[0].labels_numeric[:, np.newaxis] == np.arange(3), options=options)
    apart = fuse_predictions(others, "learned", fit_input=labelled, options=options)
    np.testing.assert_array_equal(apart.fusion.weights, expected.weights)
    np.testing.assert_allclose(apart.predictions.features, expected(scores[:, 25:]), rtol=1e-5)
    for part in parts:
        part.labels_nominal[25:], part.labels_numeric[25:] = None, np.nan
    together = fuse_predictions(parts, "learned", options=options)
    np.testing.assert_array_equal(together.fusion.weights, expected.weights)
    np.testing.assert_allclose(together.predictions.features, expected(scores), rtol=1e-5)
    parts = members(2, 40)
    for part in parts:
        part.partition[:] = np.where(np.arange(40) < 25, Partition.DEVEL, Partition.TEST)
    devel = fuse_predictions(parts, "learned", fit_partitions=[Partition.DEVEL], options=options)
    np.testing.assert_array_equal(devel.fusion.weights, expected.weights)


def test_predictions_that_do_not_belong_together_are_refused() -> None:
    first, second = members(2)
    with pytest.raises(DataError, match="^data set 2: lacks audio/0+29.wav, chunk 0, unlike the first .* as 1 of 30"):
        fuse_predictions([first, second[:29]])
    with pytest.raises(DataError, match="^data set 2: has audio/00000029.wav, chunk 0, unlike the first"):
        fuse_predictions([first[:29], second])
    with pytest.raises(DataError, match="^data set 2: has an instance twice"):
        fuse_predictions([first, second[[*range(30), 0]]])
    with pytest.raises(DataError, match="^data set 2: has the label 'Oboe', unlike the others"):
        fuse_predictions([first, with_scores(second, np.ones((30, 4)), [*NAMES, "Oboe"])])
    with pytest.raises(DataError, match="^data set 2: lacks the label 'Gong', unlike the others"):
        fuse_predictions([first, with_scores(second, np.ones((30, 2)), NAMES[:2])])
    other = members(2)[1]
    other.labels_nominal[3], other.labels_numeric[3] = "Bark" if first.labels_nominal[3] != "Bark" else "Gong", 1
    with pytest.raises(DataError, match=r"data set 2 has other metadata .* instance 3 \(audio/0+3.wav\) has label"):
        fuse_predictions([first, other])
    with pytest.raises(DataError, match="1 predictions found, two or more are needed"):
        fuse_predictions([first])
    with pytest.raises(DataError, match="features over generated found, scores over 'label'"):
        fuse_predictions([first, second.with_features(second.features, ["generated"])])
    with pytest.raises(DataError, match="has scores that are not finite"):
        fuse_predictions([first, with_scores(second, np.full((30, 3), np.nan), NAMES)])


def test_how_to_fuse_is_checked() -> None:
    parts = members(2)
    with pytest.raises(OptionError, match="^method=median: expected one of mean, geometric, learned"):
        fuse_predictions(parts, "median")
    with pytest.raises(OptionError, match=r"^method=mean: learns nothing; leave out fit_input=\.\.\., or"):
        fuse_predictions(parts, fit_input=parts)
    with pytest.raises(OptionError, match=r"^fit_input=\.\.\.: 3 predictions found, there are 2 to fuse; name as many"):
        fuse_predictions(parts, "learned", fit_input=members(3))
    with pytest.raises(DataError, match="no labelled instance to learn a combination from"):
        fuse_predictions(parts, "learned", fit_partitions=[Partition.DEVEL])
    with pytest.raises(OptionError, match="^steps=0: expected an integer >= 1"):
        FusionOptions(steps=0)
