# SPDX-License-Identifier: GPL-3.0-or-later
"""score, fuse predictions, export submission: predictions from command line to output."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from audeep import load
from audeep.data.schema import Partition, Split
from audeep.evaluation.scoring import score
from tests.support.predictions import several, single

NAMES = ("Bark", "Cello", "Gong")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Predictions of three models for 24 recordings, in two folds, with partitions and usage."""
    folder, generator = tmp_path_factory.mktemp("models"), np.random.default_rng(3)
    true, rows = np.arange(24) % 3, np.arange(24)
    for number in range(3):
        scores = softmax(generator.normal(size=(24, 3)) + (true[:, np.newaxis] == np.arange(3)), axis=1)
        predictions = single(scores, [NAMES[label] for label in true], NAMES)
        predictions.partition[:] = np.where(rows < 15, Partition.DEVEL, Partition.TEST)
        predictions.usage[15:] = ["Public", "Private", "Private"] * 3
        predictions.cv_folds[:] = Split.TRAIN
        predictions.cv_folds[rows, rows % 2] = Split.VALID
        predictions.save(folder / f"model-{number}.nc")
    return [folder / f"model-{number}.nc" for number in range(3)]


@pytest.fixture(scope="module")
def tags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Predictions for recordings of several labels."""
    generator, path = np.random.default_rng(4), tmp_path_factory.mktemp("tags") / "tags.nc"
    several(generator.random((20, 3)), generator.random((20, 3)) < 0.4, NAMES).save(path)
    return path


def rows_of(text: str) -> dict[str, list[str]]:
    """Cells of all rows of tables by the first."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return {row[0]: row[1:] for row in rows}


def test_score_prints_classes_and_parts_and_measures_in_one_line(audeep, models):
    result, found = audeep(f"score --input {models[0]} --by usage --mistakes 2"), score(load(models[0]), by="usage")
    assert result.status == 0
    rows = rows_of(result.out)
    assert rows["mean"] == ["24", *(f"{found.class_means[name]:.2%}" for name in ("recall", "precision", "F1"))]
    assert rows["Private"][:2] == ["6", f"{found.by_group['Private']['accuracy']:.2%}"]
    assert rows["all"][0] == "24" and rows["all"][3] == f"{found.overall['MAP@3']:.4f}"
    worst = found.mistakes(2)
    assert [rows[each.filename][1::2] for each in worst] == [[each.true, each.predicted] for each in worst]
    assert re.search(r"\naccuracy \d+\.\d\d%, UAR \S+, MAP@3 0\.\d{4}, lwlrap 0\.\d{4}, mAP 0\.\d{4}\n$", result.out)


@pytest.mark.slow
def test_score_of_several_labels_prints_lwlrap_and_average_precision_of_each(audeep, tags, tmp_path):
    result, found = audeep(f"score --input {tags} --k 2 --plot {tmp_path}/bars.png"), score(load(tags), k=2)
    assert result.status == 0 and "accuracy" not in result.out
    lwlrap, averages = found.class_scores["lwlrap"], found.class_scores["AP"]
    assert rows_of(result.out)["Cello"][1:] == [f"{lwlrap[1]:.4f}", f"{averages[1]:.4f}"]
    assert f"MAP@2 {found.overall['MAP@2']:.4f}" in result.out
    assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")
    refused = audeep(f"score --input {tags} --confusion {tmp_path}/confusion.csv --per-class {tmp_path}/classes.csv")
    assert refused.status == 1 and "several labels have no confusion matrix" in refused.err and not refused.out
    assert [path.name for path in tmp_path.iterdir()] == ["bars.png"]


def test_quiet_score_prints_a_line_of_shares_for_each_part_and_for_all(audeep, models):
    lines = audeep(f"-q score --input {models[1]} --by fold").out.splitlines()
    found = score(load(models[1]), by="fold")
    expected = [*found.by_group.values(), found.overall]
    assert lines == [",".join(f"{value:.4f}" for value in each.values()) for each in expected] and len(lines) == 3


@pytest.mark.slow
def test_score_writes_json_and_tables(audeep, models, tmp_path):
    files = (
        f"--json {tmp_path}/s.json --confusion {tmp_path}/c.csv --per-class {tmp_path}/p.csv --plot {tmp_path}/c.svg"
    )
    assert audeep(f"score --input {models[0]} --by partition {files}").status == 0
    record, found = json.loads((tmp_path / "s.json").read_text()), score(load(models[0]))
    assert record["command"] == "score" and record["scores"] == found.overall
    assert record["confusion_matrix"] == found.evaluation.confusion.tolist()
    assert list(record["groups"]) == ["DEVEL", "TEST"]
    assert (tmp_path / "c.csv").read_text().splitlines()[0] == "class,Bark,Cello,Gong"
    assert (tmp_path / "p.csv").read_text().splitlines()[0] == "class,count,recall,precision,F1"
    assert "<svg" in (tmp_path / "c.svg").read_text()


@pytest.mark.slow
def test_fused_predictions_are_better_and_tell_how_far_models_agree(audeep, models, tmp_path):
    inputs = " ".join(map(str, models))
    result = audeep(f"fuse predictions --input {inputs} --output {tmp_path}/f.nc --json {tmp_path}/f.json")
    assert result.status == 0
    fused, parts = load(tmp_path / "f.nc"), [load(path) for path in models]
    np.testing.assert_allclose(fused.features, np.mean([part.features for part in parts], axis=0), rtol=1e-6)
    best = [part.features.argmax(axis=1) for part in parts]
    rows = rows_of(result.out)
    assert rows["fused"][0] == f"{score(fused).overall['accuracy']:.2%}"
    record = json.loads((tmp_path / "f.json").read_text())
    assert record["agreement"][0][2] == np.mean(best[0] == best[2]) and record["models"] == list(map(str, models))
    assert fused.usage.tolist() == parts[0].usage.tolist() and fused.partition.tolist() == parts[0].partition.tolist()


@pytest.mark.slow
def test_a_combination_is_learned_from_one_partition(audeep, models, tmp_path):
    command = f"fuse predictions --input {models[0]} {models[1]} --method learned --steps 30 --output {tmp_path}/f.nc"
    result = audeep(f"{command} --fit-partitions DEVEL --json {tmp_path}/f.json")
    assert result.status == 0 and "in 30 steps" in result.out and "too good" in result.out
    record = json.loads((tmp_path / "f.json").read_text())
    assert len(record["weights"]) == 2 and set(record["biases"]) == set(NAMES) and len(record["losses"]) == 30
    other = audeep(f"{command} --fit-input {models[0]} {models[1]}")
    assert other.status == 0 and "too good" not in other.out
    np.testing.assert_allclose(load(tmp_path / "f.nc").features.sum(axis=1), 1, rtol=1e-6)


def test_wrong_fusions_write_nothing(audeep, models, tags, tmp_path):
    for options, message in {
        f"--input {models[0]}": "--input names one file of predictions; two or more are needed",
        f"--input {models[0]} {tags}": f"{tags}: lacks audio/00000000.wav, chunk 0, unlike the first",
        f"--input {models[0]} {models[1]} --fit-input {tags}": "--method mean: learns nothing; leave out --fit-input",
    }.items():
        result = audeep(f"fuse predictions {options} --output {tmp_path}/f.nc")
        assert result.status == 1 and message in result.err and result.err.count("\n") == 1
    over = audeep(f"fuse predictions --input {models[0]} {models[1]} --output {models[1]}")
    assert over.status == 1 and "is an input and an output" in over.err
    assert not list(tmp_path.iterdir())


def test_a_submission_is_written_for_a_partition_and_scored_against_the_truth(audeep, models, tmp_path):
    sample = tmp_path / "sample_submission.csv"
    sample.write_text("fname,label\n" + "".join(f"{row:08d}.wav,Bark\n" for row in range(15, 24)))
    command = f"export submission --input {models[0]} --format fsdkaggle-2018 --expected {sample}"
    refused = audeep(f"{command} --output {tmp_path}/sub.csv")
    assert refused.status == 1 and "lacks 15 of the 24 files that have scores" in refused.err
    assert not (tmp_path / "sub.csv").exists()
    result = audeep(f"{command} --partitions TEST --output {tmp_path}/sub.csv")
    assert result.status == 0 and "submission of 9 files written" in result.err
    load(models[0]).partitions([Partition.TEST]).save(tmp_path / "truth.nc")
    scored = audeep(f"-q score --submission {tmp_path}/sub.csv --truth {tmp_path}/truth.nc --by usage")
    expected = audeep(f"-q score --input {tmp_path}/truth.nc --by usage")
    lines = [line.rsplit(",", 2)[0] for line in expected.out.splitlines()]  # without lwlrap and mAP
    assert scored.out.splitlines() == lines and len(lines) == 3
    over = audeep(f"{command} --partitions TEST --output {sample}")
    assert over.status == 1 and "is an input and an output" in over.err


def test_a_submission_needs_its_truth(audeep, models, tmp_path):
    for options in (f"--submission {tmp_path}/s.csv", f"--input {models[0]} --truth {models[0]}"):
        result = audeep(f"score {options}")
        assert result.status == 1 and "--submission and --truth go together" in result.err


def test_what_is_not_predictions_is_refused_by_the_name_of_its_file(audeep, models, spectrograms, tmp_path):
    for command in (
        f"score --input {spectrograms}",
        f"fuse predictions --input {models[0]} {spectrograms} --output {tmp_path}/f.nc",
        f"export submission --input {spectrograms} --format fsdkaggle-2019 --output {tmp_path}/s.csv",
    ):
        result = audeep(command)
        assert result.status == 1 and result.err.count("\n") == 1
        assert result.err.startswith(f"{spectrograms}: features over time, freq found, scores over 'label'")
    broken = load(models[0])
    broken.data["features"].load()[3, 1] = np.inf
    broken.save(tmp_path / "broken.nc")
    result = audeep(f"fuse predictions --input {models[0]} {tmp_path}/broken.nc --output {tmp_path}/f.nc")
    assert result.err.startswith(f"{tmp_path}/broken.nc: audio/00000003.wav has scores that are not finite")
    assert [path.name for path in tmp_path.iterdir()] == ["broken.nc"]


def test_other_numbers_of_best_labels_than_there_are(audeep, models):
    assert "MAP@50 0." in audeep(f"score --input {models[0]} --k 50").out
    result = audeep(f"score --input {models[0]} --k 0")
    assert result.status == 1 and "argument --k: '0' found, expected an integer >= 1" in result.err
