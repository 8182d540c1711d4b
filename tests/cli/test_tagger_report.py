# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a model that learned from labels."""

import re
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from PIL import Image

from audeep.cli.tagger_report import recordings_of, reference
from audeep.data.data_set import DataSet, load
from audeep.data.schema import Split
from audeep.evaluation.scoring import score
from audeep.pipeline.predict import predict_scores
from audeep.training.folds import train_folds
from audeep.training.options import TaggingOptions
from audeep.training.trainer import train

QUICK = TaggingOptions(num_epochs=2, batch_size=8, seed=1, device="cpu", learning_rate=0.05)

pytestmark = pytest.mark.usefixtures("toy_tagger")


class Page(HTMLParser):
    """Texts, tags with their attributes, and the cells of tables by rows."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.rows: list[list[str]] = []
        self.in_cell = False
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.in_cell = self.in_cell or tag in ("td", "th")

    def handle_endtag(self, tag):
        self.in_cell = self.in_cell and tag not in ("td", "th")

    def handle_data(self, data):
        self.texts.append(data)
        if self.in_cell:
            self.rows[-1][-1] += data

    def sources(self, tag):
        return [attributes["src"] for name, attributes in self.tags if name == tag]


@pytest.fixture
def spectra(make_spectrograms, tmp_path) -> DataSet:
    """Spectrograms of 24 recordings in two folds, some of which have names that mean something in HTML."""
    made = make_spectrograms(24, steps=8)
    made.data["filename"].values[:] = [f"a <b> & '#{row}?.wav" for row in range(24)]
    made.data["chunk_nr"].values[:] = 0
    made.data["cv_folds"].values[:] = [[row // 2 % 2, 1 - row // 2 % 2] for row in range(24)]
    names = {"_<i>狗": 0, "fall": 1}
    made.data["label_nominal"].values[:] = [list(names)[row % 2] for row in range(24)]
    DataSet(made.data, names).save(tmp_path / "spectra.nc")
    return load(tmp_path / "spectra.nc")


@pytest.fixture
def folds(spectra, tmp_path) -> Path:
    train_folds([spectra], "toy-tagger", tmp_path / "run", options=QUICK)
    return tmp_path / "run"


@pytest.mark.slow
def test_the_report_of_folds_has_out_of_fold_scores_and_the_worst_mistakes(audeep, spectra, folds, tmp_path):
    result = audeep(f"report --run-dir {folds} --input {spectra.source} --mistakes 3")
    assert result.status == 0 and "report.html: report written" in result.err
    page, found = Page(folds / "report.html"), score(predict_scores([folds], spectra, out_of_fold=True), by="fold")
    headings = ["Scores", "Worst mistakes", "Learning curve", "Settings"]
    assert [text for text in page.texts if text in headings] == headings
    assert "24 instances were scored: each by the model of the fold that it was held out from." in page.texts
    for name, scores in {**found.by_group, "all": found.overall}.items():
        count = str(len(found.groups.get(name, found.truth)))
        (row,) = [row for row in page.rows if row[:1] == [name]]
        assert row[1:] == [count, *(f"{scores[key]:.2%}" for key in ("accuracy", "UAR"))] + [
            f"{value:.4f}" for key, value in scores.items() if key not in ("accuracy", "UAR")
        ]
    assert [row[0] for row in page.rows if len(row) == 5] == ["class", "_<i>狗", "fall", "mean"]
    worst = found.mistakes(3)
    names = [text for text in page.texts if text.endswith("?.wav")]
    assert names == [each.filename for each in worst] and len(names) > 0
    shown = [row[1] for row in page.rows if row[0] in ("true", "predicted")]
    for each, true, predicted in zip(worst, shown[::2], shown[1::2], strict=True):
        assert true == f"{each.true} {each.true_score:.4f}"
        other = f"{each.true} {each.true_score:.4f}"
        assert predicted == f"{each.predicted} {each.predicted_score:.4f}, {other}"


@pytest.mark.slow
def test_the_report_needs_nothing_from_elsewhere_and_is_the_same_each_time(audeep, spectra, folds):
    command = f"report --run-dir {folds} --input {spectra.source} --mistakes 2 --title 'a <script> &'"
    audeep(command)
    page, first = Page(folds / "report.html"), (folds / "report.html").read_bytes()
    for source in page.sources("img"):
        Image.open(BytesIO(b64decode(source.removeprefix("data:image/png;base64,")))).verify()
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "audio", "i", "b"}
    assert "http://" not in page.source and "https://" not in page.source
    policy = "default-src 'none'; img-src data:; media-src 'self' file:; style-src 'unsafe-inline'"
    assert policy in [attributes.get("content") for tag, attributes in page.tags if tag == "meta"]
    assert "a <script> &" in page.texts
    audeep(command)
    assert (folds / "report.html").read_bytes() == first


@pytest.mark.slow
def test_recordings_that_are_there_can_be_listened_to(audeep, spectra, folds, tmp_path):
    worst = score(predict_scores([folds], spectra, out_of_fold=True)).mistakes(2)
    place = tmp_path / "sound" / "deep" / worst[0].filename
    place.parent.mkdir(parents=True)
    place.touch()
    output = tmp_path / "pages" / "page.html"
    output.parent.mkdir()
    command = f"report --run-dir {folds} --input {spectra.source} --mistakes 2 --output {output}"
    assert audeep(f"{command} --basedir {tmp_path}/sound").status == 0
    (source,) = Page(output).sources("audio")
    assert (output.parent / unquote_to_bytes(source).decode()).samefile(place)


def test_recordings_are_found_by_their_names_below_a_folder_unless_there_are_several(tmp_path):
    for name in ("a/x.wav", "b/x.wav", "b/y.wav", "z.wav", "c/z.wav", "e/\udcff#?:.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names = ["a/x.wav", "x.wav", "y.wav", "z.wav", "w.wav", "../outside.wav", "\udcff#?:.wav"]
    (tmp_path.parent / "outside.wav").touch()
    found = recordings_of(tmp_path, names)
    assert {name: path.relative_to(tmp_path).as_posix() for name, path in found.items()} == {
        **{"a/x.wav": "a/x.wav", "y.wav": "b/y.wav", "z.wav": "z.wav"},
        "\udcff#?:.wav": "e/\udcff#?:.wav",
    }
    assert recordings_of(tmp_path, []) == {}
    assert reference(tmp_path / "e/\udcff#?:.wav", tmp_path / "p/page.html") == "../e/%FF%23%3F%3A.wav"


def scope(path: Path) -> str:
    (text,) = re.findall(r"<p>(\d+ instances were scored: .*)</p>", path.read_text(encoding="utf-8"))
    return text


@pytest.mark.slow
@pytest.mark.parametrize(
    "options, text",
    [
        ({"validation_fold": 2}, "12 instances were scored: those held out from the training (fold 2)."),
        ({"validation_partition": ["DEVEL"]}, "8 instances were scored: those held out from the training (DEVEL)."),
        ({"validation_split": 0.25}, "6 instances were scored: those held out from the training (a share of 0.25)."),
        ({}, "which the model was trained on: they do not tell how good it is."),
    ],
)
def test_the_report_of_one_model_scores_what_was_held_out(audeep, spectra, tmp_path, options, text):
    flags = " ".join(
        f"--{name.replace('_', '-')} {' '.join(value) if isinstance(value, list) else value}"
        for name, value in options.items()
    )
    command = f"toy-tagger train --input {spectra.source} --run-name {tmp_path}/one --num-epochs 1 {flags}"
    assert audeep(command).status == 0
    assert audeep(f"report --run-dir {tmp_path}/one --input {spectra.source} --mistakes 1").status == 0
    assert text in scope(tmp_path / "one/report.html")


@pytest.mark.slow
def test_the_report_on_other_data_says_so_and_without_labels_there_are_no_scores(audeep, spectra, tmp_path):
    train([spectra], "toy-tagger", tmp_path / "one", options=QUICK)
    spectra.save(tmp_path / "other.nc")
    assert audeep(f"report --run-dir {tmp_path}/one --input {tmp_path}/other.nc --mistakes 1").status == 0
    assert "all instances of the input, of which some may have been trained on." in scope(tmp_path / "one/report.html")
    bare = spectra[:]
    bare.data["label_nominal"].values[:], bare.data["label_numeric"].values[:] = None, float("nan")
    bare.save(tmp_path / "bare.nc")
    assert audeep(f"report --run-dir {tmp_path}/one --input {tmp_path}/bare.nc").status == 0
    assert "There are no scores, since no instance has a label." in (tmp_path / "one/report.html").read_text()


@pytest.mark.slow
def test_the_report_of_several_labels_has_their_measures(audeep, make_label_sets, tmp_path):
    data_set = make_label_sets(16, steps=8)
    data_set.data["cv_folds"].values[:] = [[row // 4 % 2, 1 - row // 4 % 2] for row in range(16)]
    data_set.save(tmp_path / "sets.nc")
    data_set = load(tmp_path / "sets.nc")
    train_folds([data_set], "toy-tagger", tmp_path / "run", options=QUICK)
    assert audeep(f"report --run-dir {tmp_path}/run --input {tmp_path}/sets.nc --mistakes 1").status == 0
    page = Page(tmp_path / "run/report.html")
    assert ["class", "count", "lwlrap", "AP"] in page.rows and ["", "count", "MAP@3", "lwlrap", "mAP"] in page.rows
    (rises,) = [row for row in page.rows if row[0] == "rise"]
    assert rises[1] == str(int(data_set.label_sets[data_set.cv_folds.max(axis=1) == Split.VALID, 0].sum()))


def test_what_cannot_be_reported_is_one_line(audeep, spectra, folds, run_directory, spectrograms, tmp_path):
    autoencoders = tmp_path / "many"
    (autoencoders / "fold-1").mkdir(parents=True)
    (autoencoders / "fold-1/logs").symlink_to(run_directory / "logs")
    for command, text in (
        (
            f"--run-dir {autoencoders} --input {spectrograms}",
            f"of folds; name one of them, such as {autoencoders}/fold-1",
        ),
        (f"--run-dir {folds} --input {spectrograms}", "was trained on 8 x 4"),
    ):
        result = audeep(f"report {command} --output {tmp_path}/page.html")
        assert result.status == 1 and text in result.err and result.err.count("\n") == 1, result
    assert not (tmp_path / "page.html").exists()
