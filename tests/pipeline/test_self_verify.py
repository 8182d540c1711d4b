# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that are verified by models which were trained without them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audeep.data.data_set import DataSet, load
from audeep.data.schema import Split
from audeep.data.scores import scores_of
from audeep.errors import DataError, ModelError, OptionError
from audeep.models.checkpoints import steps_in
from audeep.pipeline import self_verify as module
from audeep.pipeline.self_verify import SelfVerification, confirmed_labels, self_verify
from audeep.training.folds import train_folds
from audeep.training.options import TaggingOptions
from audeep.training.trainer import train as train_one

QUICK = TaggingOptions(num_epochs=3, batch_size=8, seed=1, device="cpu", learning_rate=0.05)
ROUNDS = SelfVerification(num_rounds=2, num_excerpts=3, excerpt_frames=4, threshold=0.5, most_per_class=6)

pytestmark = pytest.mark.usefixtures("toy_tagger")


@pytest.mark.parametrize(
    ("key", "cap", "threshold"),
    [
        ("flags_released", 40, 0.0),
        ("flags_cap3", 3, 0.0),
        ("flags_cap40_thr095", 40, 0.95),
        ("flags_cap2_thr095", 2, 0.95),
    ],
)
def test_confirmed_labels_are_those_of_the_original(golden: Path, key: str, cap: int, threshold: float) -> None:
    numbers = np.load(golden / "tagging" / "a_selfverify.npz")
    unverified = np.flatnonzero(numbers["verified"] == 0)
    expected = numbers[key].astype(bool)[unverified]
    found = confirmed_labels(numbers["probs1"][unverified], numbers["y"][unverified], threshold, cap)
    np.testing.assert_array_equal(found, expected)


def test_the_mean_of_two_models_confirms_what_the_original_does(golden: Path) -> None:
    numbers = np.load(golden / "tagging" / "a_selfverify.npz")
    unverified = np.flatnonzero(numbers["verified"] == 0)
    scores = (numbers["probs1"][unverified] + numbers["probs2"][unverified]) / 2
    found = confirmed_labels(scores, numbers["y"][unverified], 0.0, 3)
    np.testing.assert_array_equal(found, numbers["flags_two_models_cap3"].astype(bool)[unverified])


@pytest.mark.parametrize(("cap", "threshold", "expected"), [(40, 0.95, 3), (2, 0.95, 2), (40, 0.0, 4)])
def test_the_best_of_a_class_above_the_threshold_are_confirmed(cap: int, threshold: float, expected: int) -> None:
    own = np.array([0.99, 0.97, 0.96, 0.94, 0.30])
    scores = np.column_stack([own, 1 - own]).astype(np.float32)
    found = confirmed_labels(scores, np.zeros(5, int), threshold, cap)
    assert list(found) == [True] * expected + [False] * (5 - expected)


def test_recordings_without_scores_are_not_confirmed() -> None:
    scores = np.array([[np.nan, np.nan], [0.9, 0.1]], np.float32)
    assert list(confirmed_labels(scores, np.zeros(2, int), 0.5, 9)) == [False, True]


@pytest.fixture
def noisy(make_spectrograms: Callable) -> DataSet:
    """Recordings in three folds whose label is in their features; two thirds unverified, of which a third is wrong."""
    made = make_spectrograms(72)
    truth = np.arange(72) % 2
    made.data["features"].values[:, :, 0] = 2 * truth[:, np.newaxis] - 1
    number = np.arange(72) // 2
    verified = number % 3 == 0
    wrong = ~verified & (number % 9 == 1)
    labels = np.where(wrong, 1 - truth, truth)
    made.data["label_numeric"].values[:] = labels
    made.data["label_nominal"].values[:] = np.array(["rise", "fall"], object)[labels]
    made.data["verified"].values[:] = verified
    made.data["filename"].values[:] = [f"{index}.wav" for index in range(72)]
    folds = np.where(np.arange(72)[:, np.newaxis] // 6 % 3 == np.arange(3), Split.VALID, Split.TRAIN)
    data = made.data.drop_vars("cv_folds").assign(cv_folds=(("instance", "fold"), folds.astype(float)))
    return DataSet(data, made.label_map)


@pytest.fixture
def start(tmp_path: Path, noisy: DataSet) -> Path:
    """Models of all folds, trained on right and wrong labels."""
    options = replace(QUICK, num_epochs=30, verified_only=True, validation_fold=1, keep_best=True)
    train_folds([noisy], "toy-tagger", tmp_path / "start", {}, options)
    return tmp_path / "start"


def wrong_rows(noisy: DataSet) -> np.ndarray:
    return np.flatnonzero(np.sign(noisy.features[:, 0, 0]) != 2 * noisy.labels_numeric - 1)


@pytest.mark.slow
def test_right_labels_are_confirmed_and_wrong_ones_are_not(tmp_path: Path, noisy: DataSet, start: Path) -> None:
    history = self_verify(noisy, start, tmp_path / "run", ROUNDS, QUICK)
    assert [each.number for each in history] == [1, 2]
    for number in (1, 2):
        table = pd.read_csv(tmp_path / "run" / f"round-{number}" / "verified.csv")
        assert list(table.columns) == ["fname", "label", "manually_verified"]
        flags = table["manually_verified"].to_numpy() == 1
        assert flags[noisy.verified == 1].all()
        assert 6 <= flags[noisy.verified == 0].sum() <= 12
        assert not flags[wrong_rows(noisy)].any()
    lines = pd.read_csv(tmp_path / "run" / "rounds.csv")
    assert list(lines["judged"]) == [48, 48]


@pytest.mark.slow
def test_each_round_is_told_in_a_line(
    tmp_path: Path, noisy: DataSet, start: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    history = self_verify(noisy, start, tmp_path / "run", ROUNDS, QUICK)
    for each in history:
        assert f"round {each.number}: {each.confirmed} of 48 labels confirmed, validation loss" in caplog.text


@pytest.mark.slow
def test_no_recording_is_judged_by_a_model_that_was_trained_on_it(
    tmp_path: Path, noisy: DataSet, start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged, trained = [], []

    def judging(model: object, instances: DataSet, *rest: object) -> np.ndarray:
        judged.append(set(instances.filenames))
        return score(model, instances, *rest)

    def training(data_sets: list, model: object, directory: Path, config: object, options: TaggingOptions, **more):
        trained.append(set(data_sets[0].split(options.validation_fold - 1, Split.TRAIN).filenames))
        return train_one(data_sets, model, directory, config, options, **more)

    score = module.mean_scores
    monkeypatch.setattr(module, "mean_scores", judging)
    monkeypatch.setattr("audeep.training.folds.train", training)
    self_verify(noisy, start, tmp_path / "run", ROUNDS, QUICK)
    assert len(judged) == len(trained) == 6
    for round_ in (0, 1):
        for fold in range(3):
            assert judged[3 * round_ + fold]
            assert not judged[3 * round_ + fold] & trained[fold]  # of the round before this one too
            assert not judged[3 * round_ + fold] & trained[3 + fold]


@pytest.mark.slow
def test_models_are_tuned_on_verified_and_confirmed_labels_alone(
    tmp_path: Path, noisy: DataSet, start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def training(data_sets: list, *rest: object, **more: object) -> object:
        seen.append(set(data_sets[0].filenames))
        return train_one(data_sets, *rest, **more)

    monkeypatch.setattr("audeep.training.folds.train", training)
    self_verify(noisy, start, tmp_path / "run", ROUNDS, QUICK)
    for number in (1, 2):
        table = pd.read_csv(tmp_path / "run" / f"round-{number}" / "verified.csv")
        assert seen[3 * number - 1] == set(table["fname"][table["manually_verified"] == 1])


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_bytes(
    tmp_path: Path, noisy: DataSet, start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    self_verify(noisy, start, tmp_path / "whole", ROUNDS, QUICK)
    calls = 0

    def failing(*given: object, **more: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 5:  # in the second round
            raise KeyboardInterrupt
        return train_one(*given, **more)

    with monkeypatch.context() as patch:
        patch.setattr("audeep.training.folds.train", failing)
        with pytest.raises(KeyboardInterrupt):
            self_verify(noisy, start, tmp_path / "parts", ROUNDS, QUICK)
    with pytest.raises(OptionError, match=r"parts: has been begun; add resume=True to go on, or choose another"):
        self_verify(noisy, start, tmp_path / "parts", ROUNDS, QUICK)
    with pytest.raises(OptionError, match=r"parts: began with threshold=0.5, 0.9 was asked for"):
        self_verify(noisy, start, tmp_path / "parts", replace(ROUNDS, threshold=0.9), QUICK, resume=True)
    self_verify(noisy, start, tmp_path / "parts", ROUNDS, QUICK, resume=True)
    for pattern in ("rounds.csv", "round-*/verified.csv", "round-*/fold-*/logs/model-*.safetensors"):
        paths = sorted(path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").glob(pattern))
        assert paths
        for path in paths:
            assert (tmp_path / "whole" / path).read_bytes() == (tmp_path / "parts" / path).read_bytes()


@pytest.mark.slow
def test_scores_are_kept_for_the_unverified_recordings(tmp_path: Path, noisy: DataSet, start: Path) -> None:
    self_verify(noisy, start, tmp_path / "run", ROUNDS, QUICK)
    scores = load(tmp_path / "run" / "round-1" / "scores.nc")
    assert set(scores.filenames) == set(noisy.filenames[noisy.verified == 0])
    names, values = scores_of(scores)
    assert names == ("rise", "fall")
    np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-5)
    assert steps_in(tmp_path / "run" / "round-2" / "fold-3" / "logs")


@pytest.mark.parametrize(("verified", "what"), [(1, "unverified"), (0, "verified")])
def test_verified_and_unverified_labels_are_both_needed(
    tmp_path: Path, noisy: DataSet, verified: int, what: str
) -> None:
    noisy.data["verified"].values[:] = verified
    with pytest.raises(DataError, match=f"has no {what} label; both are needed"):
        self_verify(noisy, tmp_path / "start", tmp_path / "run", ROUNDS, QUICK)
    assert not (tmp_path / "run").exists()


def test_it_begins_with_models_of_folds(tmp_path: Path, noisy: DataSet) -> None:
    with pytest.raises(ModelError, match=r"start: has no models of folds"):
        self_verify(noisy, tmp_path / "start", tmp_path / "run", ROUNDS, QUICK)
    assert not (tmp_path / "run").exists()
