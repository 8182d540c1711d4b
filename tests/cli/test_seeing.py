# SPDX-License-Identifier: GPL-3.0-or-later
"""What shows how a training went: learning curves, reconstructions, tables of classes, and the report."""

import json
import re
import shutil
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from audeep import load
from audeep.cli.render.plots import plot_reconstructions
from audeep.cli.train import drawing
from audeep.data.splits import remove_cv_setup
from audeep.inference.reconstruction import Reconstruction
from audeep.models.checkpoints import load_model
from audeep.models.curve import Point


@pytest.fixture(scope="module")
def validated(spectrograms, tmp_path_factory) -> Path:
    """A run of three epochs with held-out recordings."""
    from audeep.cli.app import main

    path = tmp_path_factory.mktemp("validated") / "run"
    options = "--num-epochs 3 --batch-size 8 --validation-split 0.25 --patience 2 --keep-best --num-units 3"
    assert main(f"-q t-rae train --input {spectrograms} --run-name {path} {options}".split()) == 0
    return path


@pytest.mark.slow
def test_training_draws_its_learning_curve_and_keeps_its_settings(validated):
    logs = validated / "logs"
    assert Image.open(logs / "learning-curve.png").size == (840, 540)
    content = json.loads((logs / "settings.json").read_text())
    assert content["command"] == "t-rae train" and content["settings"]["validation_split"] == 0.25
    assert len(pd.read_csv(logs / "learning-curve.csv")) == 3


def test_drawing_takes_a_twentieth_of_the_time_of_a_training_and_the_last_epoch_is_drawn(tmp_path, monkeypatch):
    now, drawn = 0, []

    def plot_curve(curve: list[Point], *_: object) -> None:
        nonlocal now
        now += 1
        drawn.append(len(curve))

    monkeypatch.setattr("audeep.cli.render.plots.plot_curve", plot_curve)
    monkeypatch.setattr("audeep.cli.train.time.monotonic", lambda: now)
    curve: list[Point] = []
    with drawing(tmp_path, reconstructs=False) as draw:
        for epoch in range(1, 100):
            now += 1
            curve.append(Point(epoch, epoch, 0.1, 0.2))
            draw(curve)
    assert drawn == [1, 20, 39, 58, 77, 96, 99]


def test_without_validation_there_is_no_picture_but_the_losses_are_kept(run_directory):
    assert not (run_directory / "logs/learning-curve.png").exists()
    table = pd.read_csv(run_directory / "logs/learning-curve.csv")
    assert len(table) == 2 and table["validation_loss"].isna().all()


@pytest.mark.slow
def test_partitions_can_be_held_out(audeep, spectrograms, tmp_path):
    audeep(f"modify --input {spectrograms} --add-partitioning TRAIN DEVEL TEST --output {tmp_path}/parts.nc")
    command = f"t-rae train --input {tmp_path}/parts.nc --run-name {tmp_path}/run --num-epochs 1"
    result = audeep(f"{command} --validation-partition devel TEST")
    assert result.status == 0 and "16 of 24 instances are held out" in result.err


@pytest.mark.parametrize(
    "options, text",
    [
        ("--patience 2", "--patience 2: needs a validation loss; add --validation-split P, --validation-partition"),
        ("--keep-best", "--keep-best: needs a validation loss"),
        ("--validation-split 0.1 --validation-partition DEVEL", "both found; leave one of them out"),
        ("--validation-split 0", "'0' found, expected a number > 0 and <= 1"),
        ("--validation-partition DEVEL", "--validation-partition DEVEL: no instance is in there"),
    ],
)
def test_options_of_validation_that_do_not_fit_are_one_line(audeep, spectrograms, tmp_path, options, text):
    result = audeep(f"t-rae train --input {spectrograms} --run-name {tmp_path}/run {options}")
    assert result.status == 1 and text in result.err and result.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_generate_takes_the_best_model(audeep, validated, spectrograms, tmp_path):
    losses = pd.read_csv(validated / "logs/learning-curve.csv")
    step = losses["step"][losses["validation_loss"].argmin()]
    command = f"t-rae generate --model-dir {validated}/logs --input {spectrograms}"
    assert audeep(f"{command} --steps best {step} --output {tmp_path}/a.nc {tmp_path}/b.nc").status == 0
    np.testing.assert_array_equal(load(tmp_path / "a.nc").features, load(tmp_path / "b.nc").features)
    assert "'first' found, expected an integer >= 0, or best" in audeep(f"{command} --steps first --output x").err


@pytest.mark.slow
def test_reconstruct_tells_the_error_of_each_instance_and_draws_it(audeep, run_directory, spectrograms, tmp_path):
    command = f"t-rae reconstruct --model-dir {run_directory}/logs --input {spectrograms}"
    assert len(audeep(f"-q {command} --num-instances 3 --plot {tmp_path}/a.pdf").out.split()) == 3
    assert len(audeep(f"-q {command} --num-instances 99 --plot {tmp_path}/a.svg").out.split()) == 24
    result = audeep(f"{command} --instances 5 0 --plot {tmp_path}/seen.png")
    assert re.findall(r"^\| (\d) ", result.out, re.MULTILINE) == ["5", "0"]
    assert Image.open(tmp_path / "seen.png").size == (1080, 600)
    model, _ = load_model(run_directory / "logs")
    data_set = load(spectrograms)
    for instance in (5, 0):
        frames = torch.from_numpy(data_set[instance].features).unsqueeze(0)
        with torch.no_grad():
            error = (model.eval().reconstruct(frames) - frames).square().mean().sqrt()
        assert re.search(rf"\| +{instance} \| {data_set[instance].filename}, chunk 0 +\| {error:.4f} \|", result.out)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["f-rae", "ft-rae"])
def test_the_other_autoencoders_reconstruct_and_report_too(audeep, spectrograms, tmp_path, kind):
    options = "--num-epochs 1 --freq-window-width 4 --freq-window-overlap 2"
    audeep(f"-q {kind} train --input {spectrograms} --run-name {tmp_path}/run {options}")
    rest = f"--model-dir {tmp_path}/run/logs --input {spectrograms} --plot {tmp_path}/a.png"
    assert audeep(f"{kind} reconstruct {rest}").status == 0
    assert "t-rae was expected" in audeep(f"t-rae reconstruct {rest}").err
    assert audeep(f"report --run-dir {tmp_path}/run --input {spectrograms}").status == 0
    assert "<h2>Scores</h2>" in (tmp_path / "run/report.html").read_text()


@pytest.mark.parametrize(
    "options, text",
    [
        ("--instances 24", "instance 24 is out of range: the data set has instances 0 to 23"),
        ("--instances 1 --num-instances 2", "not allowed with argument"),
        ("--step best", "nothing tells the best model; hold out data"),
        ("--step 5", "has no checkpoint of step 5; there are checkpoints of steps 3, 6"),
    ],
)
def test_what_cannot_be_reconstructed_is_one_line(audeep, run_directory, spectrograms, options, text):
    result = audeep(f"t-rae reconstruct --model-dir {run_directory}/logs --input {spectrograms} {options}")
    assert result.status == 1 and text in result.err and result.err.count("\n") == 1


@pytest.mark.slow
def test_names_that_are_no_text_and_many_instances_can_be_drawn(tmp_path, caplog):
    frames = np.zeros((3, 4), np.float32)
    plot_reconstructions([Reconstruction("a\udcff$x\n", frames, frames, 0.0)] * 51, tmp_path / "many.png")
    assert (tmp_path / "many.png").exists() and "only the first 50 of 51 instances are drawn" in caplog.text


@pytest.mark.slow
def test_writing_pictures_asks_for_no_display(audeep, validated, spectrograms, tmp_path, monkeypatch):
    monkeypatch.setattr(plt, "figure", lambda *_, **__: pytest.fail("a window was asked for"))
    rest = f"--model-dir {validated}/logs --input {spectrograms} --plot {tmp_path}/a.png"
    assert audeep(f"t-rae reconstruct {rest}").status == 0
    assert audeep(f"visualize pca --input {spectrograms} --plot {tmp_path}/b.png").status == 0


@pytest.mark.slow
def test_evaluate_writes_confusion_and_classes_as_csv(audeep, golden, tmp_path):
    command = f"svm evaluate --input {golden}/old_features_cv.nc --cross-validate --complexity 0.01"
    files = f"--confusion {tmp_path}/confusion.csv --per-class {tmp_path}/classes.csv --json {tmp_path}/all.json"
    assert audeep(f"{command} {files} --plot {tmp_path}/confusion.png").status == 0
    results = json.loads((tmp_path / "all.json").read_text())
    pairs = [(one["true"], one["predicted"][0]) for fold in results["folds"] for one in fold["predictions"]]
    true, predicted = zip(*pairs, strict=True)
    names = list(results["labels"])
    confusion = pd.read_csv(tmp_path / "confusion.csv", index_col="class")
    assert list(confusion.index) == list(confusion.columns) == names
    np.testing.assert_array_equal(confusion, confusion_matrix(true, predicted, labels=names))
    classes = pd.read_csv(tmp_path / "classes.csv", index_col="class")
    assert list(classes.columns) == ["recall", "precision", "F1", "count"]
    precision, recall, f1, count = precision_recall_fscore_support(true, predicted, labels=names)
    np.testing.assert_allclose(classes.fillna(0), np.array([recall, precision, f1, count]).T)
    error = audeep(f"{command} --task regression --per-class {tmp_path}/x.csv").err
    assert "--per-class: --task regression has no classes; leave one of them out" in error


class Page(HTMLParser):
    """Tags that are open, texts, and attributes of a page; fails where tags do not match."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.feed(content)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.slow
def test_the_report_has_all_parts_and_needs_nothing_beside_itself(audeep, validated, spectrograms, tmp_path):
    output = tmp_path / "page.html"
    command = f"report --run-dir {validated} --input {spectrograms} --step best --output {output}"
    result = audeep(f"{command} --title 'a <b> & \"c\"'")
    assert result.status == 0 and f"{output}: report written" in result.err
    page = Page(output.read_text(encoding="utf-8"))
    headings = ["Scores", "Spectrograms", "Learning curve", "Reconstructions", "Maps", "Settings"]
    assert [text for text in page.texts if text in headings] == headings
    assert "".join(page.texts).count('a <b> & "c"') == 2
    for expected in ("validation_split", "0.25", "t-rae", "chance", "50.00% (+/- 0.00%)", "high", "low"):
        assert expected in page.texts, expected
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"}
    pictures = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) == 5 and all(attributes.get("alt") for tag, attributes in page.tags if tag == "img")
    for source in pictures:
        Image.open(BytesIO(b64decode(source.removeprefix("data:image/png;base64,")))).verify()
    assert "http://" not in output.read_text() and "https://" not in output.read_text()
    first = output.read_bytes()
    audeep(f"{command} --title 'a <b> & \"c\"'")
    assert output.read_bytes() == first


@pytest.mark.slow
def test_the_report_of_an_old_run_on_unlabelled_data_says_what_is_not_there(
    audeep, run_directory, spectrograms, tmp_path
):
    shutil.copytree(run_directory, tmp_path / "run")
    for name in ("settings.json", "learning-curve.csv"):
        (tmp_path / "run/logs" / name).unlink()
    remove_cv_setup(load(spectrograms)).save(tmp_path / "no_folds.nc")
    assert audeep(f"report --run-dir {tmp_path}/run --input {tmp_path}/no_folds.nc").status == 0
    texts = Page((tmp_path / "run/report.html").read_text()).texts
    assert "The losses of this run were not kept." in texts
    assert "There are no scores, since the data set has no folds." in texts


def test_the_report_refuses_what_it_cannot_read(audeep, run_directory, spectrograms, tmp_path):
    shutil.copytree(run_directory, tmp_path / "run")
    (tmp_path / "run/logs/settings.json").write_text('{"settings": []}')
    for directory, text in (("nowhere", "logs: no such directory"), ("run", "settings.json: has no settings of a")):
        result = audeep(f"report --run-dir {tmp_path}/{directory} --input {spectrograms}")
        assert result.status == 1 and text in result.err and result.err.count("\n") == 1
    assert not list(tmp_path.rglob("report.html"))
