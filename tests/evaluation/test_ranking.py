# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of ranked labels against numbers of the systems that they were published with, scikit-learn, and by hand."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from audeep.evaluation.ranking import (
    average_precision_at,
    average_precisions_at,
    label_precisions,
    label_weighted,
    mean_average_precision,
    mean_average_precision_at,
    ranked,
)

LWLRAP_CASES = (
    *("random80", "random80_empty_rows", "ties80", "ties10", "small10_absent_class", "alltied80_true7"),
    *(f"alltied4_true{label}" for label in range(4)),
)


def one_hot(labels: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(labels)[:, np.newaxis] == np.arange(size)


@pytest.fixture(scope="module")
def pieces(golden: Path) -> dict[str, np.ndarray]:
    return dict(np.load(golden / "tagging" / "a_pieces.npz"))


@pytest.mark.parametrize("case", ["random", "ties"])
def test_map_at_3_is_that_of_the_original_with_a_stable_sort(pieces: dict[str, np.ndarray], case: str) -> None:
    found = {name.split("/")[2]: values for name, values in pieces.items() if name.startswith(f"map3/{case}/")}
    truth, probabilities = one_hot(found["y"], 41), found["probs"]
    assert mean_average_precision_at(truth, probabilities) == pytest.approx(float(found["map3_stable"]), abs=1e-12)
    if case == "random":
        np.testing.assert_array_equal(ranked(probabilities)[:, :3], found["top3"])
        np.testing.assert_allclose(average_precisions_at(truth, probabilities), found["ap3"])
        assert np.mean(ranked(probabilities)[:, 0] == found["y"]) == found["acc"]


@pytest.mark.parametrize(
    ("true", "predicted", "expected"),
    [
        ({0, 2}, [0, 1, 2], 0.8333333333333333),
        ({5}, [5, 5, 5], 1),
        ({5}, [1, 5, 5], 0.5),
        (set(), [1, 2, 3], 0),
        ({1, 2, 3, 4}, [4, 3, 2, 1], 1),
        ({7}, [1, 2, 3, 7], 0),
        ({1}, [1], 1),
        ([2, 2], [2, 1, 0], 0.5),  # a label that is true twice could be hit twice
        ({0, 1, 2}, [9, 0, 1], 0.3888888888888889),
    ],
)
def test_ap_at_3_of_single_cases_is_that_of_the_original(true: set[int], predicted: list[int], expected: float) -> None:
    assert average_precision_at(true, predicted) == pytest.approx(expected, abs=1e-15)


def test_map_at_3_of_four_clips() -> None:
    truth, predicted = [2, 3, 0, 0], [(2, 0, 1), (1, 3, 0), (4, 2, 0), (3, 1, 2)]
    scores = np.zeros((4, 5))
    for row, labels in zip(scores, predicted, strict=True):
        row[list(labels)] = 3, 2, 1
    np.testing.assert_allclose(average_precisions_at(one_hot(np.array(truth), 5), scores), [1, 0.5, 1 / 3, 0])
    assert mean_average_precision_at(one_hot(np.array(truth), 5), scores) == pytest.approx(0.45833, abs=5e-6)


@pytest.mark.parametrize("k", [1, 2, 3, 7, 20])
def test_average_precisions_of_many_are_those_of_each_alone(k: int) -> None:
    generator = np.random.default_rng(k)
    truth, scores = generator.random((60, 7)) < 0.3, generator.integers(0, 5, (60, 7))
    by_hand = [
        average_precision_at(set(np.flatnonzero(row)), sorted(range(7), key=lambda label: (-line[label], -label)), k)
        for row, line in zip(truth, scores, strict=True)
    ]
    np.testing.assert_allclose(np.nan_to_num(average_precisions_at(truth, scores, k)), by_hand)
    labelled = truth.any(axis=1)
    assert 0 < labelled.sum() < 60
    assert mean_average_precision_at(truth, scores, k) == pytest.approx(np.sum(by_hand) / labelled.sum())


@pytest.mark.parametrize("case", LWLRAP_CASES)
def test_lwlrap_is_that_of_the_original_with_a_stable_sort(golden: Path, case: str) -> None:
    found = np.load(golden / "tagging" / "b_lwlrap.npz")
    truth, scores = found[f"{case}/truth"].astype(bool), found[f"{case}/scores"]
    overall, per_class, weights = label_weighted(truth, scores)
    assert overall == pytest.approx(float(found[f"{case}/overall_stable"]), abs=1e-12)
    np.testing.assert_array_equal(np.isnan(per_class), ~truth.any(axis=0))
    np.testing.assert_allclose(np.nan_to_num(per_class), found[f"{case}/per_class_stable"], atol=1e-12)
    np.testing.assert_allclose(weights, found[f"{case}/weight"], atol=1e-12)
    if not case.startswith(("ties80", "alltied80")):  # where the original sorts otherwise
        np.testing.assert_allclose(label_precisions(truth, scores), found[f"{case}/precisions"], atol=1e-12)


def test_lwlrap_of_three_clips_by_hand() -> None:
    scores = np.array([[0.9, 0.1, 0.8, 0.3], [0.2, 0.7, 0.6, 0.4], [0.5, 0.4, 0.3, 0.2]])
    truth = np.zeros((3, 4), bool)
    truth[[0, 0, 1, 2], [0, 3, 2, 1]] = True
    found = label_weighted(truth, scores)
    np.testing.assert_allclose(label_precisions(truth, scores)[truth], [1, 2 / 3, 1 / 2, 1 / 2])
    np.testing.assert_allclose(found.per_class, [1, 0.5, 0.5, 2 / 3])
    np.testing.assert_allclose(found.weights, 0.25)
    assert found.overall == pytest.approx(2 / 3)
    more = label_weighted(np.vstack([truth, np.zeros((1, 4), bool)]), np.vstack([scores, scores[:1]]))
    assert more.overall == found.overall and more.per_class.tolist() == found.per_class.tolist()


def test_without_ties_lwlrap_is_scikit_learns_weighted_by_the_number_of_labels() -> None:
    generator = np.random.default_rng(5)
    truth, scores = generator.random((50, 12)) < 0.2, generator.random((50, 12))
    some = truth.any(axis=1)
    expected = metrics.label_ranking_average_precision_score(
        truth[some], scores[some], sample_weight=truth[some].sum(axis=1)
    )
    assert label_weighted(truth, scores).overall == pytest.approx(expected, abs=1e-12)


def test_perfect_scores_give_1_and_the_order_of_instances_does_not_matter() -> None:
    generator = np.random.default_rng(0)
    truth = generator.random((30, 9)) < 0.3
    scores = truth + 0.5 * generator.random(truth.shape)
    for measure in (mean_average_precision_at, mean_average_precision, lambda *both: label_weighted(*both).overall):
        assert measure(truth, scores) == pytest.approx(1)
        noisy, order = generator.random(truth.shape), generator.permutation(30)
        assert measure(truth, noisy) == pytest.approx(measure(truth[order], noisy[order]), abs=1e-12)


def test_where_no_label_is_true_nothing_is_defined(recwarn: pytest.WarningsRecorder) -> None:
    truth, scores = np.zeros((3, 4), bool), np.ones((3, 4))
    found = label_weighted(truth, scores)
    assert np.isnan(found.overall) and np.isnan(found.per_class).all() and np.isnan(found.weights).all()
    assert np.isnan(mean_average_precision_at(truth, scores)) and np.isnan(mean_average_precision(truth, scores))
    assert not recwarn.list


def test_mean_average_precision_is_over_the_labels_that_occur(recwarn: pytest.WarningsRecorder) -> None:
    generator = np.random.default_rng(2)
    truth, scores = generator.random((40, 6)) < 0.4, generator.integers(0, 10, (40, 6)) / 10
    expected = metrics.average_precision_score(truth, scores, average="macro")
    assert mean_average_precision(truth, scores) == pytest.approx(expected, abs=1e-12)
    wider = np.hstack([truth, np.zeros((40, 1), bool)]), np.hstack([scores, np.ones((40, 1))])
    assert mean_average_precision(*wider) == pytest.approx(expected, abs=1e-12)
    assert not recwarn.list


def test_of_equal_scores_the_label_of_the_higher_position_ranks_first() -> None:
    for size in (4, 41, 80):  # more than a sort of few elements, which is stable in any case
        scores = np.tile(np.arange(size) % 3, (2, 1)).astype(np.float32)
        expected = sorted(range(size), key=lambda label: (label % 3, label), reverse=True)
        np.testing.assert_array_equal(ranked(scores), [expected, expected])
    for row in itertools.permutations([0.1, 0.1, 0.4]):
        assert ranked(np.array([row]))[0, 0] == row.index(0.4)
