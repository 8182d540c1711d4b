# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels for unlabelled data."""

import numpy as np
import pytest

from audeep.cli.app import main
from audeep.data.data_set import DataSet, empty, load
from audeep.errors import DataError, ShapeError
from audeep.evaluation.learners import SvmLearner, svms
from audeep.evaluation.plan import EvaluationPlan
from audeep.evaluation.predictions import predict


def make(values: list[float], filenames: list[str], labels: list[str | None]) -> DataSet:
    """One feature for each instance; classes are low, which is negative, and high."""
    data_set = empty(len(values), [("generated", 1)], label_map={"low": 3, "high": 8})
    data_set.filenames[:] = filenames
    data_set.labels_nominal[:] = labels
    data_set.labels_numeric[:] = [np.nan if label is None else data_set.label_map[label] for label in labels]
    data_set.data["features"][:] = np.array(values, np.float32)[:, None]
    return data_set


@pytest.fixture
def train() -> DataSet:
    return make([-3, -2, -2.5, 2, 3, 2.2], list("abcdef"), ["low"] * 3 + ["high"] * 3)


def svm(seed: int) -> SvmLearner:
    return SvmLearner(1.0, seed)


def test_predictions_are_names_of_labels_sorted_by_file_name(train):
    unlabelled = make([2, -2, 3], ["z", "m", "a"], [None] * 3)
    assert predict(train, unlabelled, svm) == [("a", "high"), ("m", "low"), ("z", "high")]


def test_chunks_are_predicted_each_on_its_own_or_vote(train):
    unlabelled = make([2, -2, -3, 1, 2, 3], ["b", "b", "b", "a", "a", "a"], [None] * 6)
    unlabelled.chunk_nrs[:] = [2, 1, 0, 0, 1, 2]
    each = predict(train, unlabelled, svm)
    assert each == [("a", "high")] * 3 + [("b", "low"), ("b", "low"), ("b", "high")]
    assert predict(train, unlabelled, svm, EvaluationPlan(majority_vote=True)) == [("a", "high"), ("b", "low")]


def test_labels_of_the_data_to_predict_are_not_looked_at(train):
    wrong = make([2, -2], ["a", "b"], ["low", "high"])
    assert predict(train, wrong, svm) == [("a", "high"), ("b", "low")]


def test_unsuitable_data_are_refused(train):
    with pytest.raises(DataError, match="1 of 2 instances to train on have no label"):
        predict(make([1, 2], ["a", "b"], ["low", None]), train, svm)
    with pytest.raises(DataError, match="no instance to predict"):
        predict(train, train[[]], svm)
    wide = train.with_features(np.zeros((6, 2), np.float32), ["generated"])
    with pytest.raises(ShapeError, match=r"shape \(2,\), those to train on \(1,\)"):
        predict(train, wide, svm)


@pytest.mark.parametrize("learner", ["svm predict --complexity 0.1", "mlp predict --num-epochs 50 --shuffle"])
def test_the_commands_write_file_name_tab_label(tmp_path, golden, learner):
    source = golden / "old_features_partitioned.nc"
    partitions = ["--train-partitions", "train", "devel", "--eval-partitions", "TEST"]
    inputs = ["--train-input", str(source), "--eval-input", str(source)]
    assert main(["-q", *learner.split(), *inputs, *partitions, "--output", str(tmp_path / "p.txt")]) == 0
    rows = [line.split("\t") for line in (tmp_path / "p.txt").read_text().splitlines()]
    names = [filename for filename in load(source).filenames if filename.startswith("test/")]
    assert [row[0] for row in rows] == sorted(names)
    truth = [name.split("/")[1] == label for name, label in rows]
    assert np.mean(truth) > 0.25


def test_values_are_predicted_as_numbers_for_each_chunk_or_file():
    train = make([-1, 0, 1, 2, 3], list("abcde"), [None] * 5)
    train.label_values[:] = [10, 20, 30, 40, 50]
    unseen = make([1.5, 0.5, -1], ["b", "b", "a"], [None] * 3)
    unseen.chunk_nrs[:] = [1, 0, 0]
    found = predict(train, unseen, svms([100], regression=True), EvaluationPlan(regression=True))
    assert [name for name, _ in found] == ["a", "b", "b"]
    assert [value for _, value in found] == pytest.approx([10, 25, 35], abs=3)
    assert all(type(value) is float for _, value in found)
    merged = predict(train, unseen, svms([100], regression=True), EvaluationPlan(regression=True, majority_vote=True))
    assert merged == [found[0], ("b", pytest.approx((found[1][1] + found[2][1]) / 2))]
    with pytest.raises(DataError, match="5 of 5 instances to train on have no label"):
        predict(train, unseen, svm)
    with pytest.raises(DataError, match="3 of 3 instances to train on have no value"):
        predict(unseen, train, svm, EvaluationPlan(regression=True))


@pytest.mark.slow
@pytest.mark.parametrize("learner", ["svm predict --complexity 0.1 10", "mlp predict --num-epochs 300"])
def test_the_commands_write_file_name_tab_value(tmp_path, learner, capsys):
    generator = np.random.default_rng(0)
    for name in ("train", "unseen"):
        data_set = make(generator.normal(size=40).tolist(), [f"{row:02d}.wav" for row in range(40)], [None] * 40)
        data_set.label_values[:] = 100 + 7 * data_set.features[:, 0]
        data_set.save(tmp_path / f"{name}.nc")
    inputs = ["--train-input", str(tmp_path / "train.nc"), "--eval-input", str(tmp_path / "unseen.nc")]
    assert main([*learner.split(), "--task", "regression", *inputs, "--output", str(tmp_path / "p.txt")]) == 0
    rows = [line.split("\t") for line in (tmp_path / "p.txt").read_text().splitlines()]
    assert [row[0] for row in rows] == data_set.filenames.tolist()
    assert np.corrcoef([float(value) for _, value in rows], data_set.label_values)[0, 1] > 0.95
    assert ("complexity 10 is used" in capsys.readouterr().err) == learner.startswith("svm")
