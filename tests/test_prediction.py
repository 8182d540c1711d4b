# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels for unlabelled data."""

import numpy as np
import pytest

from audeep.data.data_set import DataSet, empty, load
from audeep.errors import DataError, ShapeError
from audeep.learners import SvmLearner
from audeep.main import main
from audeep.prediction import predict


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
    assert predict(train, unlabelled, svm, majority_vote=True) == [("a", "high"), ("b", "low")]


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
