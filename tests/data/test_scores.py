# SPDX-License-Identifier: GPL-3.0-or-later
"""Predictions as data sets of scores, with the truth beside."""

from pathlib import Path

import numpy as np
import pytest

from audeep.data.data_set import DataSet, empty, load
from audeep.data.scores import scores_of, truth_of, with_scores
from audeep.errors import DataError, ShapeError

NAMES = ("Sigh", "Meow", "Bark", "Gasp")
SCORES = np.arange(12, dtype=np.float32).reshape(3, 4) / 12


def single() -> DataSet:
    """Three spectrograms with one label each, but for the last."""
    data_set = empty(3, [("time", 2), ("freq", 2)], 1, {"Bark": 3, "Gasp": 5})
    data_set.filenames[:] = ["a.wav", "b.wav", "c.wav"]
    data_set.labels_nominal[:2] = ["Gasp", "Bark"]
    data_set.labels_numeric[:2] = [5, 3]
    data_set.cv_folds[:] = 1
    data_set.data["num_frames"].values[:] = [1, 2, 2]
    return data_set


def several() -> DataSet:
    data_set = empty(3, [("generated", 2)], label_names=["Bark", "Gasp", "Sigh"])
    data_set.filenames[:] = ["a.wav", "b.wav", "c.wav"]
    data_set[0].labels, data_set[1].labels = ("Gasp", "Sigh"), ()
    data_set.verified[:] = [1, 0, np.nan]
    return data_set


@pytest.mark.parametrize("make", [single, several])
def test_scores_and_truth_come_back_from_a_file(make, tmp_path: Path) -> None:
    predictions = with_scores(make(), SCORES, NAMES)
    predictions.save(tmp_path / "scores.nc")
    for data_set in (predictions, load(tmp_path / "scores.nc")):
        names, scores = scores_of(data_set)
        assert names == NAMES
        np.testing.assert_array_equal(scores, SCORES)
        assert data_set.filenames.tolist() == ["a.wav", "b.wav", "c.wav"]
        assert data_set.has_label_sets is (make is several)
        assert truth_of(data_set, names).tolist() == truth_of(make(), NAMES).tolist()
        assert data_set.is_labelled.tolist() == make().is_labelled.tolist()


def test_the_truth_of_single_labels_has_one_column_each() -> None:
    assert truth_of(single(), NAMES).tolist() == [[False] * 3 + [True], [False, False, True, False], [False] * 4]
    predictions = with_scores(single(), SCORES, NAMES)
    assert predictions.label_map == {"Bark": 3, "Gasp": 5}
    assert predictions.labels_nominal.tolist() == ["Gasp", "Bark", None]
    assert predictions.has_cv_info and not predictions.is_padded


def test_several_labels_are_put_in_the_order_of_the_scores() -> None:
    predictions = with_scores(several(), SCORES, NAMES)
    assert predictions.label_map == {"Sigh": 0, "Meow": 1, "Bark": 2, "Gasp": 3}
    assert predictions.label_sets[0].tolist() == [True, False, False, True]
    assert [instance.labels for instance in predictions] == [("Sigh", "Gasp"), (), None]
    assert truth_of(predictions, ["Gasp", "Sigh", "Bark"])[0].tolist() == [True, True, False]


@pytest.mark.parametrize("make", [single, several])
def test_a_label_without_a_score_is_an_error_that_names_the_first_recording(make) -> None:
    with pytest.raises(DataError, match=r"^a.wav: has the label 'Gasp', expected one of Bark, Sigh$"):
        truth_of(make(), ["Bark", "Sigh"])


def test_labels_that_no_recording_has_need_no_score() -> None:
    assert with_scores(several(), SCORES[:, :2], ["Sigh", "Gasp"]).label_sets.tolist() == [[True, True]] + 2 * [
        [False] * 2
    ]


def test_scores_of_another_shape_or_with_a_name_twice_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"scores have shape \(3, 4\), expected 3 instances, 2 labels"):
        with_scores(single(), SCORES, ["Bark", "Gasp"])
    with pytest.raises(DataError, match="the label 'Bark' is there twice"):
        with_scores(single(), SCORES, ["Bark", "Gasp", "Bark", "Sigh"])


def test_other_features_are_not_scores() -> None:
    with pytest.raises(DataError, match="features over time, freq found, scores over 'label'"):
        scores_of(single())
    with pytest.raises(DataError, match="scores over 'label' with the names of the labels were expected"):
        scores_of(single().with_features(SCORES, ["label"]))


def test_scores_can_be_standardised_and_replaced_by_other_features(tmp_path: Path) -> None:
    predictions = with_scores(several(), SCORES, NAMES)
    assert scores_of(predictions.scaled())[0] == NAMES
    other = predictions.with_features(np.zeros((3, 7), np.float32), ["generated"])
    assert other.label_names == NAMES and other.has_label_sets
    plain = with_scores(single(), SCORES, NAMES).with_features(np.zeros((3, 7), np.float32), ["generated"])
    plain.save(tmp_path / "plain.nc")
    assert load(tmp_path / "plain.nc").label_names == ()
