# SPDX-License-Identifier: GPL-3.0-or-later
"""run: experiments from recordings to scores and a report; presets."""

import csv
import json
import re
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from audeep import load
from audeep.cli.experiment import PRESETS, preset, read_experiment
from audeep.cli.train import drawing
from audeep.errors import OptionError
from tests.conftest import write_tone
from tests.support.trackers import MlflowStandIn

FILE = """
[data]
basedir = "in"
[preprocess]
window-width = 0.05
window_overlap = 0.025
mel-spectrum = 12
jobs = 1
[train]
kind = "t-rae"
num-epochs = 1
num-units = 4
[evaluate]
complexity = [0.1]
"""


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Recordings of two classes, in a folder each, that even an untrained model tells apart."""
    for label, frequency in (("high", 2000), ("low", 300)):
        for number in range(5):
            write_tone(tmp_path / "in" / label / f"{number}.wav", frequency + 20 * number)
    return tmp_path / "in"


@pytest.fixture
def written(tmp_path: Path):
    """Writes an experiment file with some more lines."""

    def write(more: str = "", text: str = FILE) -> Path:
        (tmp_path / "e.toml").write_text(text + more)
        return tmp_path / "e.toml"

    return write


def made(output: Path) -> dict[Path, int]:
    """The files of a run, and when they were written, but for those that are written each time."""
    files = (
        path for path in output.rglob("*") if path.is_file() and path.name not in ("experiment.toml", "results.csv")
    )
    return {path: path.stat().st_mtime_ns for path in files}


def rows_of(output: Path) -> list[dict[str, str]]:
    with open(output / "results.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_an_experiment_goes_from_recordings_to_a_report_and_again_does_nothing(audeep, classes, written, tmp_path):
    path = written("[views.plain]\n[views.clipped.preprocess]\nclip-below = -40\n", "seeds = [0, 1]\n" + FILE)
    result = audeep(f"run {path} --output {tmp_path}/out")
    assert result.status == 0, result.err
    found = {(row["features"], row["seed"]): float(row["accuracy"]) for row in rows_of(tmp_path / "out")}
    assert {name for name, _ in found} == {
        *("plain", "clipped", "fused"),
        *("chance", "SVM on mean and deviation of each band"),
    }
    assert all(found[name, seed] > 0.8 for name in ("plain", "clipped", "fused") for seed in "01")
    assert found["chance", "0"] == 0.5
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert all(f'<th scope="row">{name}</th><td>2</td>' in page for name in ("plain", "clipped", "fused"))
    assert re.findall("<h3>(.*)</h3>", page) == ["clipped", "plain"] and "resampling 10 recordings" in page
    assert "means over folds and 2 seeds, ± standard deviation over seeds" in result.out
    features = [load(file) for file in (tmp_path / "out" / "features").glob("fused-*.nc")]
    assert [each.num_folds for each in features] == [5, 5] and features[0].feature_shape == (8,)
    assert not np.array_equal(features[0].features, features[1].features)
    assert len(list((tmp_path / "out" / "spectrograms").iterdir())) == 2
    assert "<html" in (tmp_path / "out" / "report.html").read_text()
    before, out = made(tmp_path / "out"), result.out
    again = audeep(f"run {path} --output {tmp_path}/out")
    assert again.status == 0 and again.out == out and made(tmp_path / "out") == before
    assert "==" not in again.err


@pytest.mark.slow
def test_the_written_file_has_all_defaults_and_stands_for_the_same_experiment(audeep, classes, written, tmp_path):
    path = written('[grid]\n"train.num-units" = [4, 3]\n')
    assert audeep(f"run {path} --output {tmp_path}/out").status == 0
    before = made(tmp_path / "out")
    full = read_experiment(tmp_path / "out" / "experiment.toml")
    assert full.data["basedir"] == [str(classes)] and full.grid == {"train.num-units": (4, 3)}
    sections = full.views["features"]
    assert sections["train"]["learning-rate"] == 0.001 and sections["train"]["kind"] == "t-rae"
    assert sections["preprocess"]["window-overlap"] == 0.025 and sections["preprocess"]["channels"] == "MEAN"
    assert full.evaluate["cross-validate"] is True and full.evaluate["majority-vote"] is False
    assert "# clip-below: not set" in (tmp_path / "out" / "experiment.toml").read_text()
    assert audeep(f"run {tmp_path}/out/experiment.toml --output {tmp_path}/out").status == 0
    assert made(tmp_path / "out") == before
    points = {row["point"] for row in rows_of(tmp_path / "out")}
    assert points == {"train.num-units=4", "train.num-units=3"}
    sizes = {load(file).feature_shape for file in (tmp_path / "out" / "features").iterdir()}
    assert sizes == {(4,), (3,)}


@pytest.mark.slow
def test_what_has_changed_is_made_again_and_nothing_else(audeep, classes, written, tmp_path):
    assert audeep(f"run {written()} --output {tmp_path}/out").status == 0
    before = made(tmp_path / "out")
    assert audeep(f"run {written()} --seeds 0 7 --output {tmp_path}/out").status == 0
    with_seed = made(tmp_path / "out")
    assert {path.parent.name for path in with_seed.keys() - before.keys()} >= {"features", "results"}
    assert all(with_seed[path] == before[path] for path in before if path.suffix != ".html")
    assert len(list((tmp_path / "out" / "spectrograms").iterdir())) == 1
    write_tone(classes / "low" / "0.wav", 350)
    assert audeep(f"run {written()} --output {tmp_path}/out").status == 0
    assert len(list((tmp_path / "out" / "spectrograms").iterdir())) == 2


@pytest.mark.slow
def test_a_run_that_was_interrupted_goes_on(audeep, classes, written, tmp_path, monkeypatch):
    text = FILE.replace("num-epochs = 1", "num-epochs = 2\nvalidation-split = 0.3")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("audeep.cli.train.drawing", lambda *_: nullcontext(interrupted))
    result = audeep(f"run {written('', text)} --output {tmp_path}/out")
    assert result.status == 130 and "run the same command again to go on" in result.err
    (logs,) = (tmp_path / "out" / "runs").glob("*/logs")
    assert (logs / "model-1.safetensors").exists() and not (logs / "model-2.safetensors").exists()
    monkeypatch.setattr("audeep.cli.train.drawing", drawing)
    again = audeep(f"run {written('', text)} --output {tmp_path}/out")
    assert again.status == 0 and "epoch 2 of 2" in again.err and "epoch 1 of 2" not in again.err
    assert "preprocess:" not in again.err


@pytest.mark.slow
def test_partitions_and_folds_that_are_there_are_used(audeep, recordings, written, tmp_path):
    path = written("", FILE.replace('basedir = "in"', f'basedir = "{recordings}"'))
    assert audeep(f"run {path} --output {tmp_path}/folds").status == 0
    (result,) = (tmp_path / "folds" / "results").iterdir()
    assert len(json.loads(result.read_text())["folds"]) == 3
    for number, name in enumerate(("train", "test")):
        shutil.copytree(recordings / f"fold_{number + 1}", tmp_path / "parts" / name)
    assert audeep(f"run {path} --basedir {tmp_path}/parts --output {tmp_path}/partitions").status == 0
    (result,) = (tmp_path / "partitions" / "results").iterdir()
    content = json.loads(result.read_text())
    assert content["settings"]["eval_partitions"] == ["TEST"] and len(content["folds"]) == 1


@pytest.mark.slow
def test_recordings_without_labels_give_features_and_a_report(audeep, written, tmp_path):
    for number in range(6):
        write_tone(tmp_path / "in" / f"{number}.wav", 300 + 50 * number)
    result = audeep(f"-q run {written()} --output {tmp_path}/out")
    assert result.status == 0 and result.err.count("nothing is evaluated") == 1
    assert load(result.out.strip()).feature_shape == (4,) and (tmp_path / "out" / "report.html").exists()


@pytest.mark.slow
def test_values_alone_are_predicted(audeep, written, tmp_path):
    lines = [f"{number}.wav,{number}" for number in range(8)]
    for number in range(8):
        write_tone(tmp_path / "in" / f"{number}.wav", 300 + 50 * number)
    (tmp_path / "v.csv").write_text("\n".join(["file,value", *lines]))
    path = written("", FILE.replace("[data]", '[data]\nlabels = "v.csv"'))
    assert audeep(f"run {path} --output {tmp_path}/out").status == 0
    assert "RMSE" in rows_of(tmp_path / "out")[0]


WORDS_AND_GRU = (
    FILE.partition("[train]")[0]
    + "[evaluate]\ncomplexity = [0.1]\n"
    + '[views.words.train]\nkind = "kmeans"\nnum-words = 8\npatch-frames = 4\n'
    + '[views.gru.train]\nkind = "t-rae"\nnum-units = 4\nnum-epochs = 1\n'
)


@pytest.mark.slow
def test_kinds_of_models_that_are_fitted_at_once_are_fused_with_others(audeep, classes, written, tmp_path):
    result = audeep(f"run {written('', WORDS_AND_GRU)} --output {tmp_path}/out")
    assert result.status == 0, result.err
    assert {row["features"] for row in rows_of(tmp_path / "out")} >= {"words", "gru", "fused"}
    assert len(list((tmp_path / "out" / "spectrograms").iterdir())) == 1


@pytest.mark.slow
def test_trainings_in_steps_report_to_a_tracker_and_results_do_not_depend_on_it(
    audeep, classes, written, tmp_path, monkeypatch
):
    package = MlflowStandIn()
    monkeypatch.setitem(sys.modules, "mlflow", package)
    result = audeep(f"run {written('', WORDS_AND_GRU)} --output {tmp_path}/out --mlflow https://example.org")
    assert result.status == 0, result.err
    assert package.requests.count("create_run") == 1 and package.requests[-1] == "set_terminated"
    before, elsewhere = made(tmp_path / "out"), written('mlflow = "elsewhere"\n', WORDS_AND_GRU)
    assert audeep(f"run {elsewhere} --output {tmp_path}/out").status == 0
    assert made(tmp_path / "out") == before and package.requests.count("create_run") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[train\n", r"e.toml: is not TOML \("),
        (
            "[trian]\n",
            "e.toml: trian is unknown; expected data, preprocess, train, generate, reduce, evaluate, views, grid",
        ),
        ("train = 3\n", r"e.toml: train is 3; expected a table, \[train\]"),
        ("[train]\nx = 1979-05-27\n", r"e.toml: \[train\] x is datetime.date.*; expected a number, text,"),
        ("seeds = ['a']\n", r"e.toml: seeds is \['a'\]; expected integers"),
        ("views = {}\n", r"e.toml: views is {}; expected a table"),
        ("preset = 'best'\n", "preset 'best' is unknown; expected one of recommended"),
        ('[grid]\n"num-units" = [1]\n', r"e.toml: \[grid\] num-units is unknown; expected SECTION.OPTION"),
        ("[grid]\ntrain.num-units = 3\n", r"e.toml: \[grid\] train.num-units is 3; expected a list"),
        ("[data]\nparser = 'meta'\n", r"e.toml: names no recordings; add basedir = DIR to \[data\]"),
        (FILE.replace("num-units", "num-unitz"), "num-unitz: is not an option of t-rae train; did you mean num-units"),
        (FILE.replace("num-units = 4", "num-units = 0"), "argument --num-units: '0' found, expected an integer >= 1"),
        (FILE.replace("num-units = 4", "num-units = [4, 5]"), r"num-units: has several values; .* name it in \[grid\]"),
        (FILE.replace("num-units = 4", "num-units = true"), "num-units: is true; expected a value"),
        (FILE.replace("num-units = 4", "keep-best = 3"), "keep-best: is 3; expected true or false"),
        (FILE.replace('kind = "t-rae"', 'kind = "x"'), "x train: no such command"),
        (FILE.replace('kind = "t-rae"', ""), "features: which model is to be trained is not said; add kind = NAME"),
        (FILE.replace("complexity", 'learner = "tree"\ncomplexity'), "learner: is 'tree'; expected one of svm, mlp"),
    ],
)
def test_a_file_that_is_no_good_is_refused_before_anything_is_made(audeep, classes, written, tmp_path, text, message):
    result = audeep(f"-q run {written('', text)} --output {tmp_path}/out")
    assert result.status == 1 and re.search(message, result.err) and result.err.count("\n") == 1, result.err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_recording_that_cannot_be_read_stops_it_and_tells_how_to_go_on(audeep, classes, written, tmp_path):
    (classes / "low" / "3.wav").write_text("no sound")
    result = audeep(f"-q run {written()} --output {tmp_path}/out")
    assert result.status == 1 and "preprocess: " in result.err and "3.wav" in result.err
    assert "of an experiment, run the same command again to go on" in result.err
    text = FILE.replace("jobs = 1", "jobs = 1\nskip-bad = true")
    assert audeep(f"run {written('', text)} --output {tmp_path}/out").status == 0


def test_a_file_that_is_not_there_says_so(audeep, tmp_path):
    result = audeep(f"run {tmp_path}/none.toml")
    assert result.status == 1 and "none.toml: no such file; name a TOML file, or a folder of recordings" in result.err


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_whole_experiment_of_options_that_there_are(audeep, classes, name, tmp_path):
    for sections in preset(name).views.values():
        train = {option: value for option, value in sections["train"].items() if option != "kind"}
        words = [f"--{option}" if value is True else f"--{option}={value}" for option, value in train.items()]
        result = audeep(f"{sections['train']['kind']} train --input none.nc {' '.join(words)}")
        assert result.status == 1 and "none.nc: no such file" in result.err
    steps = f"preprocess --basedir {classes} --preset {name} --mel-spectrum 8 --jobs 1 --output {tmp_path}/s.nc"
    assert audeep(steps).status == 0
    preprocessing = load(tmp_path / "s.nc").preprocessing
    expected = next(iter(preset(name).views.values()))["preprocess"]
    assert preprocessing["mel_spectrum"] == 8 and preprocessing["window_width"] == expected["window-width"]


@pytest.mark.slow
def test_spectrograms_in_shards_are_those_of_one_file(audeep, classes, written, tmp_path):
    path = written("", FILE.replace("jobs = 1", "jobs = 1\nshards = 2"))
    assert audeep(f"run {path} --output {tmp_path}/out").status == 0
    (spectrograms,) = (tmp_path / "out" / "spectrograms").iterdir()  # in folds, which were drawn
    assert len(load(spectrograms)) == 10
    before = made(tmp_path / "out")
    assert audeep(f"run {written()} --output {tmp_path}/out").status == 0
    assert made(tmp_path / "out") == before


def test_a_view_begins_with_that_of_its_name_in_the_preset(tmp_path):
    (tmp_path / "e.toml").write_text('preset = "recommended"\n[views.contrastive.train]\nnum-epochs = 3\n')
    found = read_experiment(tmp_path / "e.toml").views
    expected = preset("recommended").views["contrastive"]
    assert found == {"contrastive": {**expected, "train": {**expected["train"], "num-epochs": 3}}}


@pytest.mark.slow
def test_features_of_views_are_reduced_before_they_are_fused_and_views_may_share_a_model(
    audeep, classes, written, tmp_path
):
    path = written(
        "[reduce]\ncomponents = 3\n[views.loud.preprocess]\nclip-below = -30\n"
        "[views.quiet.preprocess]\nclip-below = -75\n"
        "[views.pooled.preprocess]\nclip-below = -30\n[views.pooled.generate]\npooled = true\n"
    )
    assert audeep(f"run {path} --output {tmp_path}/out").status == 0
    fused = next((tmp_path / "out" / "features").glob("fused-*.nc"))
    assert load(fused).features.shape == (10, 9)
    runs = sorted(run.name.partition("-")[0] for run in (tmp_path / "out" / "runs").iterdir())
    assert runs == ["loud", "quiet"]
    assert "[views.loud.reduce]\ncomponents = 3" in (tmp_path / "out" / "experiment.toml").read_text()


def test_presets_fill_in_what_single_commands_are_not_given(audeep, spectrograms, tmp_path):
    found = preset("audeep-0.9").views["below-60"]["train"]
    command = f"t-rae train --input {spectrograms} --run-name {tmp_path}/r --num-epochs 1 --num-units 4"
    assert audeep(f"{command} --preset audeep-0.9").status == 0
    settings = json.loads((tmp_path / "r" / "logs" / "settings.json").read_text())["settings"]
    assert (settings["num_units"], settings["num_layers"]) == (4, found["num-layers"])
    assert settings["bidirectional_decoder"] is True
    refused = audeep(f"ft-rae train --input {spectrograms} --preset audeep-0.9")
    assert refused.status == 1 and "--preset audeep-0.9: is for t-rae, not for ft-rae" in refused.err
    refused = audeep(f"svm evaluate --input {spectrograms} --cross-validate --preset audeep-0.9")
    assert refused.status == 1 and "--preset audeep-0.9: is for mlp evaluate, not for svm" in refused.err
    with pytest.raises(OptionError, match="preset 'x' is unknown"):
        preset("x")


@pytest.mark.slow
def test_points_of_a_grid_with_other_chunks_are_scored_but_not_compared(audeep, classes, written, tmp_path):
    text = FILE.replace("jobs = 1", "chunk-length = 0.2\njobs = 1")
    path = written("[grid]\n'preprocess.chunk-count' = [1, 2]\n", text)
    result = audeep(f"run {path} --output {tmp_path}/out")
    assert result.status == 0 and len({row["point"] for row in rows_of(tmp_path / "out")}) == 2
    assert "comparison.html: left out: preprocess.chunk-count=2 features: is not of the same recordings" in result.err
    assert not (tmp_path / "out" / "comparison.html").exists() and (tmp_path / "out" / "report.html").exists()
