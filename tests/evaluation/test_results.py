# SPDX-License-Identifier: GPL-3.0-or-later
"""Results whose scores are known, and their records."""

import json

import numpy as np
import pytest
from sklearn import metrics

from audeep.evaluation.baselines import ConstantLearner
from audeep.evaluation.evaluate import evaluate
from audeep.evaluation.learners import svms
from audeep.evaluation.plan import EvaluationPlan
from audeep.evaluation.results import ClassEvaluation, Fold, ValueEvaluation, mean_and_deviation
from tests.support.known_results import (
    FOLDS,
    LABELS,
    VALUES,
    NearestNeighbour,
    make_data_set,
    make_values,
)


def test_mean_and_deviation_are_over_folds_of_means_over_repeats() -> None:
    mean, deviation = mean_and_deviation(np.array([[0.5, 0.7], [0.6, 1.0]]))  # by fold 0.55 and 0.85
    assert mean == pytest.approx(0.7)
    assert deviation == pytest.approx(0.3)


def test_a_record_has_each_prediction_and_confusion_matrices_and_is_json() -> None:
    evaluation = evaluate(make_data_set(FOLDS), NearestNeighbour, EvaluationPlan(repeat=2))
    record = json.loads(json.dumps(evaluation.record(), allow_nan=False))
    assert record["labels"] == LABELS
    assert record["confusion_matrix"] == evaluation.confusion.tolist()
    assert record["confusion_matrices"] == evaluation.confusions.tolist()
    first, second = record["folds"]
    assert first["predictions"][1] == {"filename": "b", "chunk_nr": 0, "true": "zebra", "predicted": ["ant", "ant"]}
    assert [item["filename"] for item in second["predictions"]] == ["d", "e", "f", "g"]
    assert first["scores"]["accuracy"] == [pytest.approx(2 / 3)] * 2
    mean, deviation = (2 / 3 + 1 / 2) / 2, 2 * (2 / 3 - 1 / 2) / 2
    expected = {"mean": pytest.approx(mean), "two_standard_deviations": pytest.approx(deviation)}
    assert record["scores"]["accuracy"] == expected
    assert "complexity" not in first


def test_a_record_of_values_has_none_where_a_score_is_not_defined() -> None:
    evaluation = evaluate(make_values(VALUES), ConstantLearner, EvaluationPlan(regression=True))
    record = json.loads(json.dumps(evaluation.record(), allow_nan=False))
    assert record["scores"]["r"] == {"mean": None, "two_standard_deviations": None}
    assert record["folds"][0]["scores"]["rho"] == [None]
    expected = {"filename": "a", "chunk_nr": 0, "true": 1.0, "predicted": [pytest.approx((2 + 5 + 2.5 + 7) / 4)]}
    assert record["folds"][0]["predictions"][0] == expected
    assert set(record["joint_scores"]) == {"r", "CCC", "rho", "MAE", "RMSE"}


def test_each_fold_has_the_complexity_that_was_chosen_for_it() -> None:
    generator = np.random.default_rng(0)
    rows = [(str(row), "zebra" if row % 2 else "ant", float(generator.normal()), row // 2 % 3) for row in range(24)]
    data_set = make_data_set(rows)
    evaluation = evaluate(data_set, svms([1e-6, 1]))
    assert {fold.complexity for fold in evaluation.folds} <= {1e-6, 1}
    assert [fold["complexity"] for fold in evaluation.record()["folds"]] == [one.complexity for one in evaluation.folds]
    assert {fold.complexity for fold in evaluate(data_set, svms([1])).folds} == {None}


def test_predictions_that_are_not_finite_are_none_in_a_record() -> None:
    names, numbers = np.array(["a", "b"], object), np.zeros(2, np.int64)
    predicted = np.array([[1.0, np.nan], [1.5, np.inf]])
    record = ValueEvaluation((Fold(names, numbers, np.array([1.0, 2.0]), predicted),)).record()
    found = json.loads(json.dumps(record, allow_nan=False))["folds"][0]
    assert [item["predicted"] for item in found["predictions"]] == [[1.0, 1.5], [None, None]]
    assert found["scores"]["RMSE"] == [None, None]


def test_scores_of_classes_are_those_of_scikit_learn_over_folds_and_repeats() -> None:
    generator = np.random.default_rng(0)
    names, numbers = np.array(["a"] * 50, object), np.zeros(50, np.int64)
    true, predicted = generator.choice([1, 3, 4], (2, 50)), generator.choice([1, 3, 8], (2, 3, 50))
    folds = tuple(Fold(names, numbers, *each) for each in zip(true, predicted, strict=True))
    evaluation = ClassEvaluation(folds, {"one": 1, "three": 3, "four": 4, "eight": 8})
    pairs = np.repeat(true, 3, axis=0).ravel(), predicted.ravel()
    np.testing.assert_array_equal(evaluation.confusion, metrics.confusion_matrix(*pairs))
    assert evaluation.confusions.shape == (3, 2, 4, 4)
    for fold, run in np.ndindex(2, 3):
        expected = metrics.confusion_matrix(true[fold], predicted[fold, run], labels=[1, 3, 4, 8])
        np.testing.assert_array_equal(evaluation.confusions[run, fold], expected)
        assert evaluation.accuracies[run, fold] == metrics.accuracy_score(true[fold], predicted[fold, run])
    expected = metrics.classification_report(*pairs, output_dict=True, zero_division=np.nan)
    for position, label in enumerate("1348"):
        for name, key in {"recall": "recall", "precision": "precision", "F1": "f1-score", "count": "support"}.items():
            np.testing.assert_array_equal(evaluation.class_scores[name][position], expected[label][key])
