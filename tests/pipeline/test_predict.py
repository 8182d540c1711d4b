# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores by one tagger, by several, and by those of the folds that recordings are held out in."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audeep.data.data_set import DataSet
from audeep.data.schema import Split
from audeep.errors import DataError, ModelError, OptionError
from audeep.inference.tagger import scores_of, spaced_scores
from audeep.models.checkpoints import load_model
from audeep.pipeline.predict import predict_scores
from audeep.training.folds import fold_directory, train_folds
from audeep.training.options import TaggingOptions
from audeep.training.trainer import train

OPTIONS = TaggingOptions(num_epochs=1, batch_size=4, seed=1, device="cpu", learning_rate=0.05)

pytestmark = pytest.mark.usefixtures("toy_tagger")


@pytest.fixture
def data_set(make_spectrograms: Callable) -> DataSet:
    """Twelve recordings in three folds."""
    made = make_spectrograms(12)
    folds = np.where(np.arange(12)[:, np.newaxis] // 2 % 3 == np.arange(3), Split.VALID, Split.TRAIN)
    data = made.data.drop_vars("cv_folds").assign(cv_folds=(("instance", "fold"), folds.astype(float)))
    return DataSet(data, made.label_map)


@pytest.fixture
def run(tmp_path: Path, data_set: DataSet) -> Path:
    """Models of all folds."""
    train_folds([data_set], "toy-tagger", tmp_path / "run", {}, OPTIONS)
    return tmp_path / "run"


def scores_by(run: Path, fold: int, data_set: DataSet) -> np.ndarray:
    return scores_of(load_model(fold_directory(run, fold) / "logs")[0], data_set)


def test_out_of_fold_scores_are_by_the_model_that_did_not_see_the_recording(run: Path, data_set: DataSet) -> None:
    found = predict_scores([run], data_set, out_of_fold=True)
    assert found.label_names == ("rise", "fall")
    np.testing.assert_array_equal(found.filenames, data_set.filenames)
    for fold in (1, 2, 3):
        rows = np.flatnonzero(data_set.cv_folds[:, fold - 1] == Split.VALID)
        np.testing.assert_allclose(found.features[rows], scores_by(run, fold, data_set[rows]), atol=1e-6)


def test_without_a_model_of_its_fold_a_recording_has_no_score(run: Path, data_set: DataSet) -> None:
    for path in (run / "fold-2" / "logs").iterdir():
        path.unlink()
    found = predict_scores([run], data_set, out_of_fold=True)
    expected = data_set.filenames[data_set.cv_folds[:, 1] != Split.VALID]
    np.testing.assert_array_equal(found.filenames, expected)


def test_the_models_of_a_run_of_folds_are_averaged(run: Path, data_set: DataSet) -> None:
    expected = np.mean([scores_by(run, fold, data_set) for fold in (1, 2, 3)], axis=0)
    np.testing.assert_allclose(predict_scores([run], data_set).features, expected, atol=1e-6)


def test_several_models_are_averaged(tmp_path: Path, run: Path, data_set: DataSet) -> None:
    directories = [run / "fold-1" / "logs", run / "fold-3" / "logs"]
    expected = (scores_by(run, 1, data_set) + scores_by(run, 3, data_set)) / 2
    np.testing.assert_allclose(predict_scores(directories, data_set).features, expected, atol=1e-6)


def test_models_of_other_labels_make_no_ensemble(
    tmp_path: Path, run: Path, data_set: DataSet, make_label_sets: Callable
) -> None:
    train([make_label_sets(8)], "toy-tagger", tmp_path / "other", {}, replace(OPTIONS, seed=2))
    with pytest.raises(ModelError, match=r"other/logs: knows other labels than the model in .*differ in even"):
        predict_scores([run / "fold-1" / "logs", tmp_path / "other" / "logs"], data_set)


def test_scores_keep_the_truth_of_several_labels(tmp_path: Path, make_label_sets: Callable) -> None:
    data_set = make_label_sets(8)
    train([data_set], "toy-tagger", tmp_path / "run", {}, OPTIONS)
    found = predict_scores([tmp_path / "run" / "logs"], data_set)
    assert found.label_names == ("rise", "fall", "even") and found.features.shape == (8, 3)
    np.testing.assert_array_equal(found.label_sets, data_set.label_sets)


def test_what_cannot_be_predicted_out_of_fold_is_named(tmp_path: Path, run: Path, data_set: DataSet) -> None:
    two = DataSet(data_set.data.isel(fold=[0, 1]), data_set.label_map)
    with pytest.raises(DataError, match=r"has 2 cross-validation folds, .*run has a model of fold 3"):
        predict_scores([run], two, out_of_fold=True)
    with pytest.raises(OptionError, match="out_of_fold=True: takes the models of one run"):
        predict_scores([run, run], data_set, out_of_fold=True)
    with pytest.raises(ModelError, match=r"fold-1: has no models of folds .*; train some with folds=all"):
        predict_scores([run / "fold-1"], data_set, out_of_fold=True)


def test_excerpts_have_a_number_and_a_length(run: Path, data_set: DataSet) -> None:
    found = predict_scores([run], data_set, out_of_fold=True, num_excerpts=2, excerpt_frames=4)
    for fold in (1, 2, 3):
        rows = np.flatnonzero(data_set.cv_folds[:, fold - 1] == Split.VALID)
        model = load_model(fold_directory(run, fold) / "logs")[0]
        np.testing.assert_allclose(found.features[rows], spaced_scores(model, data_set[rows], 2, 4), atol=1e-6)
    with pytest.raises(OptionError, match="num_excerpts and excerpt_frames: one of them is missing; give both or"):
        predict_scores([run], data_set, num_excerpts=2)
