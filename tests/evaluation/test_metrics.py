# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores against SciPy and scikit-learn, or counted by hand, and where they are not defined."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from audeep.evaluation.metrics import (
    accuracy,
    class_scores,
    concordance,
    mean_absolute_error,
    means_of_classes,
    pearson,
    root_mean_squared_error,
    spearman,
    unweighted_average_recall,
)


@pytest.mark.parametrize("seed", range(5))
def test_scores_of_labels_follow_from_counts(seed: int, recwarn: pytest.WarningsRecorder) -> None:
    generator = np.random.default_rng(seed)
    classes = [1, 3, 4, 8]
    true, predicted = generator.choice(classes[: 4 - seed % 2], 50), generator.choice(classes, 50)
    assert accuracy(true, predicted) == np.mean(true == predicted)
    recalls = [np.mean(predicted[true == label] == label) for label in np.unique(true)]
    assert unweighted_average_recall(true, predicted) == pytest.approx(np.mean(recalls))
    scores = class_scores(true, predicted, classes)
    assert scores["count"].tolist() == [np.sum(true == label) for label in classes]
    np.testing.assert_allclose(scores["recall"][: len(recalls)], recalls)
    assert not recwarn.list


def test_scores_of_classes_are_nan_where_there_is_nothing_to_count(recwarn: pytest.WarningsRecorder) -> None:
    scores = class_scores(np.array([0, 0, 1]), np.array([0, 0, 0]), [0, 1, 2])
    np.testing.assert_array_equal(scores["recall"], [1, 0, np.nan])
    np.testing.assert_allclose(scores["precision"], [2 / 3, np.nan, np.nan])
    np.testing.assert_array_equal(scores["F1"], [0.8, 0, np.nan])
    np.testing.assert_array_equal(scores["count"], [2, 1, 0])
    assert not recwarn.list


@pytest.mark.parametrize("seed", range(5))
def test_scores_of_values_equal_those_of_scipy_and_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    true = generator.normal(3, 10, 40).round(seed)  # with ties where seed is 0
    predicted = 0.5 * true + generator.normal(-1, 3, 40).round(seed)
    assert pearson(true, predicted) == pytest.approx(stats.pearsonr(true, predicted).statistic)
    assert spearman(true, predicted) == pytest.approx(stats.spearmanr(true, predicted).statistic)
    assert mean_absolute_error(true, predicted) == pytest.approx(metrics.mean_absolute_error(true, predicted))
    assert root_mean_squared_error(true, predicted) ** 2 == pytest.approx(metrics.mean_squared_error(true, predicted))
    covariance = np.cov(true, predicted, bias=True)
    expected = 2 * covariance[0, 1] / (np.trace(covariance) + (true.mean() - predicted.mean()) ** 2)
    assert concordance(true, predicted) == pytest.approx(expected)


def test_concordance_is_lost_by_shift_and_scale_where_correlation_is_not() -> None:
    true = np.array([1.0, 2.0, 3.0])
    assert concordance(true, true) == pytest.approx(1)
    assert concordance(true, -true + 4) == pytest.approx(-1)
    assert concordance(true, true + 1) == pytest.approx(4 / 7)  # 2 * 2/3 over 2/3 + 2/3 + 1
    assert concordance(true, 2 * true - 2) == pytest.approx(4 / 5)  # 2 * 4/3 over 2/3 + 8/3
    assert pearson(true, true + 1) == pearson(true, 2 * true) == pytest.approx(1)


def test_what_is_not_defined_is_nan_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    values, constant = np.array([1.0, 2.0, 3.0]), np.full(3, 0.1)
    for true, predicted in ((values, constant), (constant, values), (values[:1], values[1:2])):
        assert np.isnan(pearson(true, predicted)) and np.isnan(spearman(true, predicted))
        assert concordance(true, predicted) == pytest.approx(0, abs=1e-12)
    assert np.isnan(concordance(constant, constant))
    assert not recwarn.list


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_of_predictions_that_are_not_finite_are_nan(value: float, recwarn: pytest.WarningsRecorder) -> None:
    true, predicted = np.array([1.0, 2.0, 3.0]), np.array([1.0, value, 2.0])
    for measure in (pearson, spearman, concordance, mean_absolute_error, root_mean_squared_error):
        assert np.isnan(measure(true, predicted)), measure.__name__
    assert not recwarn.list


def test_precision_recall_and_f1_of_six_predictions() -> None:
    true, predicted = np.array([0, 0, 1, 1, 1, 2]), np.array([0, 1, 1, 1, 2, 2])
    scores = class_scores(true, predicted, range(3))
    np.testing.assert_allclose(scores["precision"], [1, 2 / 3, 0.5])
    np.testing.assert_allclose(scores["recall"], [0.5, 2 / 3, 1])
    np.testing.assert_allclose(scores["F1"], [2 / 3] * 3)
    assert accuracy(true, predicted) == pytest.approx(2 / 3)
    assert means_of_classes(scores) == pytest.approx({"recall": 13 / 18, "precision": 13 / 18, "F1": 2 / 3, "count": 6})


def test_scores_of_classes_are_those_that_the_system_of_dcase_2018_prints(golden: Path) -> None:
    found = np.load(golden / "tagging" / "a_pieces.npz")
    true, predicted = found["table/y_true"], found["table/y_pred"]
    scores = class_scores(true, predicted, range(41))
    for name, values in {"precision": "precision", "recall": "recall", "F1": "f1", "count": "support"}.items():
        np.testing.assert_allclose(scores[name], found[f"table/{values}"], atol=1e-12)
    printed = (golden / "tagging" / "a_table.txt").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if line.count("|") == 6]
    means = means_of_classes(scores)
    for row, values in zip(rows[1:42], zip(*scores.values(), strict=True), strict=True):
        recall, precision, f1, count = values
        assert row == [f"{count:03d}", f"{recall:.3f}", f"{precision:.2f}", f"{recall:.2f}", f"{f1:.3f}"]
    recall, precision, f1, count = (means[name] for name in ("recall", "precision", "F1", "count"))
    assert rows[42] == [f"{count}", f"{recall:.3f}", f"{precision:.2f}", f"{recall:.2f}", f"{f1:.3f}"]
    assert f"Overall Accuracy: {accuracy(true, predicted):.3%}".replace("%", " %") in printed


def test_the_mean_of_a_class_that_is_never_predicted_is_with_0_and_absent_classes_do_not_count() -> None:
    means = means_of_classes(class_scores(np.array([0, 0, 1]), np.array([0, 0, 2]), range(4)))
    assert means == {"recall": 0.5, "precision": 0.5, "F1": 0.5, "count": 3}
