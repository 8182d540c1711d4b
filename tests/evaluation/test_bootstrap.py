# SPDX-License-Identifier: GPL-3.0-or-later
"""How certain scores and their differences are."""

import numpy as np
import pytest
from sklearn import metrics

from audeep.data.data_set import DataSet, empty
from audeep.errors import DataError
from audeep.evaluation.bootstrap import bootstrap, compare
from audeep.evaluation.evaluate import evaluate
from audeep.evaluation.learners import svms
from audeep.evaluation.metrics import accuracy, unweighted_average_recall
from audeep.evaluation.plan import EvaluationPlan
from audeep.evaluation.results import ClassEvaluation, Fold
from tests.support.known_results import CHUNKS, VALUES, NearestNeighbour, NearestValue, make_data_set, make_values


def predictions(right: np.ndarray, names: list[str] | None = None) -> ClassEvaluation:
    """An evaluation of one fold and two classes in turn, in which predictions are right or wrong."""
    true = np.arange(len(right)) % 2
    filenames = np.array(names or [f"{row}.wav" for row in range(len(right))], dtype=object)
    fold = Fold(filenames, np.zeros(len(right), int), true, np.where(right, true, 1 - true)[np.newaxis])
    return ClassEvaluation((fold,), {"even": 0, "odd": 1})


def data_set_of(names: list[str], groups: list[str | None]) -> DataSet:
    data_set = empty(len(names), [("generated", 1)])
    for instance, name, group in zip(data_set, names, groups, strict=True):
        instance.filename, instance.group = name, group
    return data_set


def names_of(count: int) -> list[str]:
    return [f"{row}.wav" for row in range(count)]


@pytest.mark.slow
def test_the_interval_of_independent_recordings_is_that_of_the_binomial_distribution() -> None:
    right = np.arange(400) % 10 > 0  # nine of ten
    found = bootstrap([predictions(right)], data_set_of(names_of(400), [None] * 400), 4000)
    low, high = found.interval("accuracy", 0)
    deviation = np.sqrt(0.9 * 0.1 / 400)
    assert low == pytest.approx(0.9 - 1.96 * deviation, abs=0.005)
    assert high == pytest.approx(0.9 + 1.96 * deviation, abs=0.005)
    assert found.scores["accuracy"] == [0.9] and found.what == "400 recordings"


def test_recordings_of_a_group_are_drawn_together() -> None:
    right = np.arange(40) < 20
    groups: list[str | None] = ["first"] * 20 + ["second"] * 20
    found = bootstrap([predictions(right)], data_set_of(names_of(40), groups), 200)
    assert found.what == "2 groups" and set(found.samples["accuracy"][0]) == {0.0, 0.5, 1.0}
    some = bootstrap([predictions(right)], data_set_of(names_of(40), ["first"] * 20 + [None] * 20), 10)
    assert some.num_units == 21  # what is in no group stands for itself


def test_chunks_and_copies_of_a_recording_are_drawn_together() -> None:
    names = ["a.wav", "a.wav", "b.wav", "a.wav.upsampled.1"]
    found = bootstrap([predictions(np.array([True] * 4), names)], data_set_of(names, [None] * 4), 10)
    assert found.num_units == 2


def test_all_are_resampled_alike() -> None:
    generator = np.random.default_rng(0)
    right = generator.random(300) < 0.7
    better = right | (np.arange(300) % 30 == 0)
    known = data_set_of(names_of(300), [None] * 300)
    found = bootstrap([predictions(right), predictions(right), predictions(better)], known, 500)
    assert found.difference("accuracy", 1) == (0.0, (0.0, 0.0))
    by, (low, high) = found.difference("UAR", 2)
    separate = found.interval("UAR", 2)
    assert 0 <= low <= by <= high and high - low < 0.5 * (separate[1] - separate[0])
    assert found.difference("accuracy", 0, 2)[0] == -found.difference("accuracy", 2, 0)[0]


def test_the_seed_decides() -> None:
    known, right = data_set_of(names_of(50), [None] * 50), np.arange(50) % 3 > 0
    one, same, other = (bootstrap([predictions(right)], known, 20, seed).samples["UAR"] for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_folds_and_repeats_count_together() -> None:
    data_set = make_data_set(CHUNKS)
    evaluation = evaluate(data_set, NearestNeighbour, EvaluationPlan(repeat=2))
    found = bootstrap([evaluation], data_set, 10)
    assert found.scores["accuracy"][0] == 6 / 8 and found.num_units == 4


def test_values_are_compared_too() -> None:
    data_set = make_values(VALUES)
    evaluations, found = compare([data_set, data_set], NearestValue, EvaluationPlan(regression=True), num_samples=50)
    assert found.scores["MAE"][1] == evaluations[1].joint_scores["MAE"] and found.difference("r", 1)[0] == 0


def test_features_are_compared_on_the_folds_that_one_of_them_has() -> None:
    generator = np.random.default_rng(0)
    rows = [
        (str(row), "zebra" if row % 2 else "ant", float(row % 2 + generator.normal()), row // 2 % 3)
        for row in range(60)
    ]
    with_folds = make_data_set(rows)
    order = generator.permutation(60)
    useless = make_data_set([(*row[:2], float(generator.normal()), None) for row in rows])[order]
    evaluations, found = compare([with_folds, useless], svms([0.1]), num_samples=300)
    assert [len(evaluation.folds) for evaluation in evaluations] == [3, 3]
    assert evaluations[0].together.filenames.tolist() == evaluations[1].together.filenames.tolist()
    by, (low, high) = found.difference("accuracy", 1)
    assert low <= by <= high and by < 0
    record = found.record(0)["accuracy"]
    assert record["score"] == found.scores["accuracy"][0] and record["interval"] == [*found.interval("accuracy", 0)]
    with pytest.raises(DataError, match="number of instances 59"):
        compare([with_folds, useless[:59]], svms([0.1]))


@pytest.mark.parametrize("seed", range(20))
def test_scores_of_labels_are_those_of_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    true = generator.integers(0, 7, 60) * 3 - 2
    predicted = np.where(generator.random(60) < 0.6, true, generator.integers(-3, 30, 60))
    assert accuracy(true, predicted) == metrics.accuracy_score(true, predicted)
    expected = metrics.recall_score(true, predicted, labels=np.unique(true), average="macro")
    assert unweighted_average_recall(true, predicted) == expected
