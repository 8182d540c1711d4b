# SPDX-License-Identifier: GPL-3.0-or-later
"""evaluate: values, baselines, the choice of the complexity and results as JSON, from command line to output."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from audeep import __version__, load
from audeep.data.splits import remove_cv_setup
from audeep.evaluation.baselines import band_statistics

TABLE = "correlations of true and predicted values, and errors"


@pytest.fixture(scope="session")
def valued(spectrograms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of the tones with their loudness in each band; the value of a tone is about where its energy is."""
    source = load(spectrograms)
    data_set = band_statistics(source, source)
    data_set.label_values[:] = 100 + source.features.mean(axis=1) @ np.arange(12)
    path = tmp_path_factory.mktemp("valued") / "valued.nc"
    data_set.save(path)
    return path


LEARNERS = ["svm evaluate --complexity 0.1", "mlp evaluate --learning-rate 0.01 --keep-prob 1"]


@pytest.mark.slow
@pytest.mark.parametrize("learner", LEARNERS)
def test_regression_prints_correlations_and_errors(audeep, valued, tmp_path, learner):
    command = f"{learner} --task regression --cross-validate --input {valued}"
    result = audeep(f"{command} --plot {tmp_path}/values.png")
    assert result.status == 0 and TABLE in result.out and "confusion" not in result.out
    assert re.search(r"\|                +\| +r \| +CCC \| +rho \| +MAE \| +RMSE \|", result.out)
    assert re.search(r"\| folds together \| +[01]\.\d{4} \| ", result.out)
    assert re.search(
        r"\nr 0\.\d{4} \(\+/- [01]\.\d{4}\), CCC .*, rho .*, MAE \S+ .*, RMSE \S+ \(\+/- \S+\)\n$", result.out
    )
    assert (tmp_path / "values.png").read_bytes().startswith(b"\x89PNG")
    quiet = audeep(f"-q {command}")
    scores = [float(score) for score in quiet.out.split(",")]
    assert len(scores) == 5 and scores[0] > 0.6 and quiet.out.count("\n") == 1
    assert scores[3] <= scores[4] + 1e-9 < load(valued).label_values.std()


def test_the_quiet_line_has_the_means_of_the_printed_table(audeep, valued):
    command = f"svm evaluate --complexity 0.1 --task Regression --cross-validate --input {valued}"
    printed = re.search(r"\| mean .*", audeep(command).out)[0].split("|")[2:-1]
    assert [text.strip() for text in printed] == audeep(f"-q {command}").out.strip().split(",")


@pytest.mark.slow
def test_baselines_are_reported_beside_the_features(audeep, valued, spectrograms):
    command = f"svm evaluate --input {valued} --cross-validate --complexity 0.1 --baseline {spectrograms}"
    plain = audeep(command.partition(" --baseline")[0])
    result = audeep(command)
    assert "baselines" not in plain.out
    rows = [re.split(r" *\| *", line)[1:-1] for line in result.out.splitlines() if line.startswith("|")]
    found = {row[0]: row[1:] for row in rows if len(row) == 3}
    assert found["chance"] == ["50.00%", "50.00%"]
    assert found["SVM on mean and deviation of each band"] == found["these features"] == ["100.00%", "100.00%"]
    assert result.out.splitlines()[-1] == plain.out.splitlines()[-1]
    assert result.out.startswith(plain.out.rpartition("\n\n")[0])
    assert audeep(f"-q {command}").out == "1.0000,1.0000\n1.0000,1.0000\n0.5000,0.5000\n"


def test_baselines_of_values_are_the_mean_and_an_svm(audeep, valued, spectrograms):
    options = f"--task regression --cross-validate --complexity 0.1 --baseline {spectrograms}"
    result = audeep(f"-q svm evaluate --input {valued} {options}")
    features, statistics, chance = (line.split(",") for line in result.out.splitlines())
    assert chance[0] == chance[2] == "nan" and float(chance[1]) == 0
    assert float(statistics[0]) > 0.8 and float(chance[4]) > float(features[4])
    data_set = load(valued)
    expected = []
    for fold in data_set.cv_folds.T:
        error = data_set.label_values[fold == 1] - data_set.label_values[fold == 0].mean()
        expected.append(np.sqrt(np.mean(error**2)))
    assert float(chance[4]) == pytest.approx(np.mean(expected), rel=1e-3)


def test_several_complexities_are_chosen_from_and_named(audeep, valued):
    command = f"svm evaluate --input {valued} --cross-validate --complexity"
    several, single = audeep(f"{command} 10 1e-9 0.1"), audeep(f"{command} 0.1")
    line = re.search(r"\ncomplexity taken by fold: (.*)\n", several.out)
    assert set(line[1].split(", ")) <= {"10", "1e-09", "0.1"} and len(line[1].split(", ")) == 3
    assert "complexity" not in single.out


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_json_has_all_that_was_printed_and_how_it_came_about(audeep, valued, spectrograms, tmp_path, task):
    options = f"--cross-validate --complexity 0.01 0.1 --baseline {spectrograms} --task {task} --seed 3 --repeat 2"
    command = f"svm evaluate --input {valued} {options}"
    assert audeep(f"{command} --json {tmp_path}/r.json").out == audeep(command).out
    content = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert content["command"] == "svm evaluate"
    expected = {"input": str(valued), "complexity": [0.01, 0.1], "task": task, "seed": 3, "majority_vote": False}
    assert content["settings"].items() >= {**expected, "baseline": str(spectrograms), "repeat": 2}.items()
    assert content["versions"]["audeep"] == __version__ and content["versions"]["numpy"] == np.__version__
    assert [len(fold["predictions"]) for fold in content["folds"]] == [8, 8, 8]
    assert all(len(item["predicted"]) == 2 for fold in content["folds"] for item in fold["predictions"])
    assert {fold["complexity"] for fold in content["folds"]} <= {0.01, 0.1}
    assert set(content["baselines"]) == {"SVM on mean and deviation of each band", "chance"}
    if task == "classification":
        predictions = [item for fold in content["folds"] for item in fold["predictions"]]
        pairs = [(item["true"], name) for item in predictions for name in item["predicted"]]
        counts = [[pairs.count((row, column)) for column in content["labels"]] for row in content["labels"]]
        assert content["confusion_matrix"] == counts
        assert content["baselines"]["chance"]["scores"]["UAR"]["mean"] == 0.5
    else:
        values = dict(zip(load(valued).filenames, load(valued).label_values, strict=True))
        assert {item["filename"]: item["true"] for fold in content["folds"] for item in fold["predictions"]} == values
        assert content["baselines"]["chance"]["scores"]["r"]["mean"] is None


@pytest.mark.parametrize(
    "options, message",
    [
        ("--task ranking", "argument --task: 'ranking' found, expected one of classification, regression; see"),
        ("--task regression --upsample", "--upsample balances classes, and regression has none; leave one of them out"),
        ("--complexity 1 0", "argument --complexity: '0' found, expected a number > 0; see"),
        ("--baseline nowhere.nc", "nowhere.nc: no such file; a data set file"),
        (
            "--baseline INPUT",
            "spectrograms to compare with have axes ['generated'], none is 'time'; name the",
        ),
        ("--json INPUT", "is an input and an output of this command; choose another name to write to"),
        ("--json DIR", "is a directory, a file name was expected; name a file in it"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(audeep, valued, tmp_path, options, message):
    options = options.replace("INPUT", str(valued)).replace("DIR", str(tmp_path))
    before = valued.read_bytes()
    result = audeep(f"-q svm evaluate --input {valued} --cross-validate --complexity 1 {options}")
    assert result.status == 1 and message in result.err and result.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [] and valued.read_bytes() == before


def test_data_without_values_say_so(audeep, spectrograms, tmp_path):
    band_statistics(load(spectrograms), load(spectrograms)).save(tmp_path / "f.nc")
    result = audeep(f"-q svm evaluate --task regression --input {tmp_path}/f.nc --cross-validate --complexity 1")
    assert result.status == 1
    assert result.err == "16 of 16 instances to train on have no value; values are needed here\n"


@pytest.fixture(scope="module")
def grouped(spectrograms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Band statistics of the tones by six speakers of four recordings each, and no folds."""
    source = load(spectrograms)
    data_set = remove_cv_setup(band_statistics(source, source))
    data_set.groups[:] = [f"s{number % 6}" for number in range(len(data_set))]
    path = tmp_path_factory.mktemp("grouped") / "grouped.nc"
    data_set.save(path)
    return path


@pytest.mark.slow
def test_folds_that_are_drawn_are_those_of_modify(audeep, grouped, tmp_path):
    assert audeep(f"modify --input {grouped} --add-cv-setup 3 --seed 4 --output {tmp_path}/folds.nc").status == 0
    command = "svm evaluate --complexity 0.1 --seed 4 --input"
    stored = audeep(f"{command} {tmp_path}/folds.nc --cross-validate")
    for file in (grouped, tmp_path / "folds.nc"):
        drawn = audeep(f"{command} {file} --folds 3 --group speaker --json {tmp_path}/e.json")
        assert drawn.status == 0 and drawn.out == stored.out and "| fold 3 " in drawn.out
    content = json.loads((tmp_path / "e.json").read_text())
    assert content["settings"]["folds"] == 3 and content["settings"]["group"] == "speaker"
    other = audeep(f"{command} {tmp_path}/folds.nc --folds 2")
    assert "| fold 2 " in other.out and "| fold 3 " not in other.out


def test_drawn_folds_keep_the_groups_of_a_table_together(audeep, valued, tmp_path):
    names = load(valued).filenames
    speakers = {name: f"speaker {number % 5}" for number, name in enumerate(names)}
    table = tmp_path / "speakers.csv"
    table.write_text("file,voice\n" + "".join(f"{name},{speaker}\n" for name, speaker in speakers.items()))
    command = f"mlp evaluate --num-epochs 2 --input {valued} --folds 2 --groups {table} --json {tmp_path}/e.json"
    assert audeep(f"{command} --group voice").status == 0
    folds = json.loads((tmp_path / "e.json").read_text())["folds"]
    found = [{speakers[each["filename"]] for each in fold["predictions"]} for fold in folds]
    assert len(found) == 2 and not found[0] & found[1] and found[0] | found[1] == set(speakers.values())


def test_features_without_folds_are_compared_on_the_same_drawn_ones(audeep, grouped, tmp_path):
    source = load(grouped)
    source.with_features(source.features[:, :1] * 0 + 1, ["generated"]).save(tmp_path / "none.nc")
    options = "--complexity 0.1 --bootstrap 20"
    result = audeep(f"compare {grouped} {tmp_path}/none.nc --folds 3 {options} --json {tmp_path}/c.json")
    assert result.status == 0 and "by resampling 6 groups" in result.out
    first, second = (each["evaluation"]["folds"] for each in json.loads((tmp_path / "c.json").read_text())["features"])
    for fold, other in zip(first, second, strict=True):
        names = [[each["filename"] for each in part["predictions"]] for part in (fold, other)]
        assert names[0] == names[1]
    refused = audeep(f"compare {grouped} {tmp_path}/none.nc {options}")
    assert refused.status == 1 and "'evaluate --folds'" in refused.err


@pytest.mark.slow
def test_the_complexity_is_chosen_within_the_training_data_unless_one_is_given(audeep, valued):
    command = f"svm evaluate --input {valued} --cross-validate"
    assert audeep(command).out == audeep(f"{command} --complexity 0.001 0.01 0.1").out
    assert "complexity taken by fold: " in audeep(command).out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "--folds 3 --train-partitions TRAIN --eval-partitions TEST",
            "how to evaluate is not clear; give --folds N",
        ),
        ("--folds 1", "argument --folds: '1' found, expected an integer >= 2"),
        ("--folds 7", "6 groups cannot be spread over 7 folds"),
        ("--cross-validate --group speaker", "--groups and --group are for folds that are drawn; give --folds N, or"),
        ("--folds 3 --group voice", "--group voice: a data set has groups under the names group, speaker, speaker_id"),
    ],
)
def test_folds_that_cannot_be_drawn_are_one_line(audeep, grouped, options, message):
    result = audeep(f"svm evaluate --input {grouped} {options}")
    assert result.status == 1 and message in result.err and result.err.count("\n") == 1 and not result.out


def test_a_group_that_is_asked_for_must_be_there(audeep, valued):
    result = audeep(f"svm evaluate --input {valued} --task regression --folds 3 --group speaker")
    assert result.status == 1
    assert (
        "--group speaker: the data set has no groups; name a table that has this column with --groups FILE"
        in result.err
    )


def test_a_confusion_matrix_is_folded_to_the_width_of_a_terminal(audeep, tmp_path, monkeypatch, golden):
    command = f"svm evaluate --complexity 0.1 --input {golden}/old_features_cv.nc --cross-validate"
    wide = audeep(command).out
    monkeypatch.setenv("COLUMNS", "40")
    assert audeep(command).out == wide  # no terminal
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    narrow = audeep(command).out
    matrix = narrow[narrow.index("confusion") : narrow.index("accuracy", narrow.index("confusion"))]
    headers = [line for line in matrix.splitlines() if line.startswith("|     ")]
    assert [re.findall(r"\(\d\)", line) for line in headers] == [["(1)", "(2)", "(3)"], ["(4)"]]
