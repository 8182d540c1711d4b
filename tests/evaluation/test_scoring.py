# SPDX-License-Identifier: GPL-3.0-or-later
"""Predictions scored against what is true: of one label or several, by parts of the data, by file."""

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from audeep.data.schema import Partition, Split
from audeep.errors import DataError, OptionError
from audeep.evaluation.scoring import score
from tests.support.predictions import several, single

NAMES = ("Bark", "Cello", "Gong", "Oboe")


def guesses(count: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Scores that are right more often than not, and what is true; no recording has the last label."""
    generator = np.random.default_rng(seed)
    true = generator.integers(0, 3, count)
    scores = generator.random((count, 4)) + 0.4 * (true[:, np.newaxis] == np.arange(4))
    return scores.astype(np.float32), [NAMES[label] for label in true]


def test_scores_of_single_labels_are_those_of_scikit_learn() -> None:
    scores, true = guesses(60)
    found = score(single(scores, true, NAMES))
    numbers, best = [NAMES.index(name) for name in true], scores.argmax(axis=1)
    assert list(found.overall) == ["accuracy", "UAR", "MAP@3", "lwlrap", "mAP"] and not found.several
    assert found.overall["accuracy"] == metrics.accuracy_score(numbers, best)
    assert found.overall["UAR"] == pytest.approx(metrics.recall_score(numbers, best, labels=range(3), average="macro"))
    truth = np.eye(4)[numbers]
    assert found.overall["lwlrap"] == pytest.approx(metrics.label_ranking_average_precision_score(truth, scores))
    expected = metrics.average_precision_score(truth[:, :3], scores[:, :3], average="macro")
    assert found.overall["mAP"] == pytest.approx(expected)
    np.testing.assert_array_equal(found.evaluation.confusion, metrics.confusion_matrix(numbers, best, labels=range(4)))
    assert found.class_scores["count"].tolist() == [true.count(name) for name in NAMES]
    assert list(found.class_scores) == ["count", "recall", "precision", "F1"]


def test_scores_of_several_labels_have_no_accuracy() -> None:
    generator = np.random.default_rng(1)
    truth, scores = generator.random((50, 4)) < [0.5, 0.2, 0.4, 0], generator.random((50, 4)).astype(np.float32)
    found = score(several(scores, truth, NAMES), k=2)
    assert list(found.overall) == ["MAP@2", "lwlrap", "mAP"] and found.several
    some = truth.any(axis=1)
    expected = metrics.label_ranking_average_precision_score(
        truth[some], scores[some], sample_weight=truth[some].sum(axis=1)
    )
    assert found.overall["lwlrap"] == pytest.approx(expected)
    assert found.class_scores["count"].tolist() == truth.sum(axis=0).tolist()
    averages = [metrics.average_precision_score(truth[:, label], scores[:, label]) for label in range(3)]
    np.testing.assert_allclose(found.class_scores["AP"], [*averages, np.nan])
    assert found.class_means["AP"] == pytest.approx(np.mean(averages)) and found.class_means["count"] == truth.sum()


def test_the_ensemble_of_dcase_2018_is_scored_as_its_script_does(golden: Path) -> None:
    models = np.load(golden / "tagging" / "a_fusion.npz")
    names = [f"class {label:02d}" for label in range(41)]
    found = score(single(models["mean"], [names[label] for label in models["y_true"]], names))
    printed = models["stdout_test"].item().decode()
    assert f"Acc average: {100 * found.overall['accuracy']:.2f}\nMAP@3: {found.overall['MAP@3']:.3f}" in printed


def test_by_usage_301_and_1299_recordings_give_the_published_accuracies() -> None:
    right = np.array([True] * 282 + [False] * 19 + [True] * 1203 + [False] * 96)
    scores = np.where(right[:, np.newaxis], [[0.9, 0.1]], [[0.1, 0.9]])
    predictions = single(scores, ["Bark"] * 1600, ["Bark", "Cello"])
    predictions.usage[:] = ["Public"] * 301 + ["Private"] * 1299
    found = score(predictions, by="usage")
    assert {name: len(rows) for name, rows in found.groups.items()} == {"Private": 1299, "Public": 301}
    shares = {name: 100 * each["accuracy"] for name, each in found.by_group.items()}
    assert shares == pytest.approx({"Private": 92.610, "Public": 93.688}, abs=5e-4)
    assert 100 * found.overall["accuracy"] == pytest.approx(92.8125)


def test_parts_by_partition_and_by_fold_are_scored_as_if_alone() -> None:
    scores, true = guesses(40)
    predictions = single(scores, true, NAMES)
    predictions.partition[:] = np.where(np.arange(40) % 4 == 0, Partition.DEVEL, Partition.TEST)
    predictions.partition[:2] = np.nan
    predictions.cv_folds[:] = Split.TRAIN
    predictions.cv_folds[np.arange(40), np.arange(40) % 2] = Split.VALID
    by_partition = score(predictions, by="partition").by_group
    assert list(by_partition) == ["DEVEL", "TEST"]
    assert by_partition["DEVEL"] == score(predictions.partitions([Partition.DEVEL])).overall
    by_fold = score(predictions, by="fold").by_group
    assert by_fold["fold 2"] == score(predictions.split(1, Split.VALID)).overall


def test_recordings_without_a_label_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    scores, true = guesses(30)
    predictions = single(scores, [*true[:20], *[None] * 10], NAMES)
    with caplog.at_level("INFO"):
        found = score(predictions)
    assert found.overall == score(predictions[:20]).overall
    assert "10 of 30 instances have no label and are left out" in caplog.text
    truth = np.eye(4)[[0, 1, 2]]
    unknown = several(scores[:3], np.vstack([truth[:2], [[np.nan] * 4]]), NAMES)
    assert len(score(unknown).truth) == 2


def test_recordings_that_have_none_of_several_labels_stay_in() -> None:
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.95, 0.1]])
    truth = np.array([[1, 0], [0, 1], [0, 0]])
    found = score(several(scores, truth, NAMES[:2]))
    assert len(found.truth) == 3
    assert found.overall["mAP"] == pytest.approx((1 / 2 + 1) / 2)  # the recording of no label is above the first
    assert found.overall["MAP@3"] == found.overall["lwlrap"] == pytest.approx((1 + 1 / 2) / 2)


def test_chunks_of_a_file_are_averaged() -> None:
    scores = np.array([[0.9, 0.2], [0.1, 0.6], [0.2, 0.3]])
    chunks = single(np.vstack([scores, [[0.4, 0.5]]]), ["Bark"] * 3 + ["Cello"], ["Bark", "Cello"], ["b"] * 3 + ["a"])
    chunks.chunk_nrs[:] = [0, 1, 2, 0]
    found = score(chunks, by_file=True)
    assert found.filenames.tolist() == ["a", "b"] and found.chunk_nrs.tolist() == [0, 0]
    np.testing.assert_allclose(found.scores, [[0.4, 0.5], [0.4, 1.1 / 3]], atol=1e-7)
    assert found.overall["accuracy"] == 1 and score(chunks).overall["accuracy"] == 0.5
    chunks.labels_nominal[1], chunks.labels_numeric[1] = "Cello", 1
    with pytest.raises(DataError, match="^b: its chunks have different labels; score them one by one"):
        score(chunks, by_file=True)


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_the_scores_of_a_file_are_those_of_the_baseline_of_dcase_2019(golden: Path, pooling: str) -> None:
    found = np.load(golden / "tagging" / "b_clip_scores.npz")
    clips = sorted({name.split("/")[1] for name in found.files})
    windows = [found[f"{pooling}/{clip}/window_scores"] for clip in clips]
    files = [clip for clip, scores in zip(clips, windows, strict=True) for _ in scores]
    names = [f"label {number:02d}" for number in range(80)]
    by_file = score(single(np.concatenate(windows), [names[0]] * len(files), names, files), by_file=True)
    assert by_file.filenames.tolist() == clips
    np.testing.assert_allclose(by_file.scores, [found[f"{pooling}/{clip}/clip_scores"] for clip in clips], atol=1e-6)


def test_the_worst_mistakes_are_those_where_a_wrong_label_is_ahead_by_most() -> None:
    scores = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.5, 0.45, 0.05], [0.1, 0.1, 0.8]])
    found = score(single(scores, ["Bark", "Bark", "Cello", "Bark"], NAMES[:3]))
    worst = found.mistakes(2)
    assert [(each.filename, each.true, each.predicted) for each in worst] == [
        ("audio/00000003.wav", "Bark", "Gong"),
        ("audio/00000001.wav", "Bark", "Cello"),
    ]
    assert worst[1].true_score == pytest.approx(0.2) and worst[1].predicted_score == pytest.approx(0.7)
    assert len(found.mistakes(10)) == 3
    tags = score(several(scores[:2], np.array([[1, 0, 1], [0, 1, 0]]), NAMES[:3])).mistakes(5)
    assert [(each.true, each.predicted) for each in tags] == [("Gong", "Cello")]


def test_a_record_has_plain_numbers_and_none_where_there_is_none() -> None:
    scores, true = guesses(9)
    predictions = single(scores, true, NAMES)
    predictions.usage[:] = "Public"
    record = score(predictions, by="usage").record()
    assert record["groups"] == {"Public": record["scores"]}
    assert record["classes"]["Oboe"]["recall"] is None and record["classes"]["Bark"]["count"] == true.count("Bark")
    first = record["predictions"][0]
    assert first["true"] == [true[0]] and len(first["predicted"]) == 3
    assert first["predicted"][0] == NAMES[scores[0].argmax()]


def test_what_cannot_be_scored_is_refused_in_one_line() -> None:
    scores, true = guesses(6)
    predictions = single(scores, true, NAMES)
    with pytest.raises(DataError, match="no recording has a label to compare the scores with"):
        score(single(scores, [None] * 6, NAMES))
    with pytest.raises(DataError, match="no recording has a label to compare the scores with"):
        score(several(scores, np.zeros((6, 4)), NAMES))
    with pytest.raises(DataError, match=r"^by=usage: no labelled recording has a usage"):
        score(predictions, by="usage")
    with pytest.raises(OptionError, match=r"^by=sex: expected one of partition, fold, usage"):
        score(predictions, by="sex")
    with pytest.raises(OptionError, match=r"^k=0: expected an integer >= 1"):
        score(predictions, k=0)
    with pytest.raises(DataError, match=r"00000002.wav: has the label 'Gong', expected one of Bark"):
        score(single(scores[:3, :2], ["Bark", "Cello", "Gong"], ["Bark", "Cello"]))
    scores[4, 1] = np.nan
    with pytest.raises(DataError, match=r"00000004.wav has scores that are not finite .*as 1 of 6 instances"):
        score(single(scores, true, NAMES))
    with pytest.raises(DataError, match="features over generated found, scores over 'label'"):
        score(predictions.with_features(scores, ["generated"]))
