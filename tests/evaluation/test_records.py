# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluations that are read from JSON, and several as one."""

import json

import numpy as np
import pytest

from audeep.errors import DataError
from audeep.evaluation.records import evaluation_of, matched, read_evaluation
from audeep.evaluation.results import ClassEvaluation, Evaluation, Fold, ValueEvaluation

LABELS = {"cat": 0, "dog": 1, "owl": 2}


def evaluation(order, predicted, label_map=LABELS, num_folds: int = 2) -> ClassEvaluation:
    """Recordings 0 to 5, cats, dogs and owls, in some order, as `predicted` [repeat, recording] by name."""
    names = np.array([f"{number}.wav" for number in order], dtype=object)
    true = np.array([label_map[("cat", "dog", "owl")[number // 2]] for number in order])
    found = np.array([[label_map[run[number]] for number in order] for run in predicted])
    parts = np.array_split(np.arange(6), num_folds)
    return ClassEvaluation(
        tuple(Fold(names[part], np.zeros(len(part), np.int64), true[part], found[:, part], 0.1) for part in parts),
        dict(label_map),
    )


RIGHT = ["cat", "cat", "dog", "dog", "owl", "owl"]
HALF = ["cat", "dog", "dog", "cat", "owl", "cat"]


def values() -> ValueEvaluation:
    names = np.array(["a", "b", "c"], dtype=object)
    fold = Fold(names, np.zeros(3, np.int64), np.array([1.0, 2, 4]), np.array([[1.5, np.nan, 3]]))
    return ValueEvaluation((fold,))


@pytest.mark.parametrize("one", [evaluation(range(6), [RIGHT, HALF]), values()])
def test_a_record_is_read_as_the_evaluation_that_it_is_of(one: Evaluation) -> None:
    assert evaluation_of(json.loads(json.dumps(one.record()))).record() == one.record()


def test_evaluations_in_another_order_and_with_other_numbers_of_labels_are_matched() -> None:
    other = {"owl": 5, "cat": 1, "dog": 3}
    found = matched(
        {
            "good": [evaluation(range(6), [RIGHT])],
            "both": [evaluation([5, 3, 1, 0, 2, 4], [HALF], other, 3), evaluation(range(6), [RIGHT])],
        }
    )
    assert found["good"].scores["accuracy"].tolist() == [[1.0]]
    assert found["both"].scores["accuracy"].tolist() == [[0.5], [1.0]]
    one, other_one = (each.folds[0] for each in found.values())
    assert one.filenames.tolist() == other_one.filenames.tolist() == [f"{number}.wav" for number in range(6)]
    np.testing.assert_array_equal(one.true, other_one.true)


def test_evaluations_of_other_recordings_or_labels_are_refused() -> None:
    one, other = evaluation(range(6), [RIGHT]), evaluation(range(6), [RIGHT], {"cat": 0, "dog": 2, "owl": 1})
    renamed = Fold(*(one.together.filenames + "x", one.together.chunk_nrs, one.together.true, one.together.predicted))
    for different in (ClassEvaluation((renamed,), dict(LABELS)), values()):
        with pytest.raises(DataError, match="^b: is not of the same recordings, with the same labels or values, as a;"):
            matched({"a": [one], "b": [different]})
    assert matched({"a": [one], "b": [other]})["b"].scores["accuracy"] == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"folds": [{}], "settings": {}}', '{"folds": 1}', "[" * 99999])
def test_other_files_are_refused(tmp_path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match="x.json: is not a file of 'evaluate --json' .*; write it again$"):
        read_evaluation(tmp_path / "x.json")
    with pytest.raises(DataError, match="there.json: .*; name a file of 'evaluate --json', or a folder"):
        read_evaluation(tmp_path / "there.json")
