# SPDX-License-Identifier: GPL-3.0-or-later
"""report --compare: evaluations and experiments on one page."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from audeep import load
from audeep.evaluation.baselines import band_statistics


@pytest.fixture(scope="module")
def features(spectrograms: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Band statistics of the tones by six speakers, and nothing of them."""
    folder, source = tmp_path_factory.mktemp("features"), load(spectrograms)
    statistics = band_statistics(source, source)
    statistics.groups[:] = [f"s{number % 6}" for number in range(len(statistics))]
    statistics.save(folder / "all.nc")
    statistics.with_features(statistics.features[:, :1] * 0 + 1, ["generated"]).save(folder / "none.nc")
    return folder / "all.nc", folder / "none.nc"


def rows_of(page: Path) -> list[list[str]]:
    """The rows of all tables."""
    text = page.read_text(encoding="utf-8")
    return [
        [html.unescape(cell) for cell in re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in re.findall("<tr>(.*?)</tr>", text, re.DOTALL)
    ]


@pytest.mark.slow
def test_evaluations_are_compared_on_a_page_as_by_compare(audeep, features, spectrograms, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in features:
        command = f"svm evaluate --input {path} --cross-validate --complexity 0.1 --json {path.stem}.json"
        assert audeep(f"{command} --baseline {spectrograms}").status == 0
    result = audeep("report --compare all.json none.json --bootstrap 50 --title Tones")
    assert result.status == 0 and "comparison.html: report written" in result.err
    assert audeep(f"compare {features[0]} {features[1]} --complexity 0.1 --bootstrap 50 --json c.json").status == 0
    differences = json.loads(Path("c.json").read_text())["features"][1]["above_the_first"]
    assert differences["UAR"]["difference"] == -0.5
    rows, text = rows_of(tmp_path / "comparison.html"), Path("comparison.html").read_text()
    assert ["none.json", "1", "50.00% (+/- 0.00%)", "50.00% (+/- 0.00%)"] in rows
    (row,) = (row for row in rows if row[0] == "none.json" and row[1] == "-50.00%")
    assert row[3] == "-50.00%" and "% to -" in row[2]
    assert "resampling 6 groups" in text and "<h1>Tones</h1>" in text and "Learning curves" not in text
    assert [row[0] for row in rows if row[-1].endswith(".json")] == [
        *("all.json", "none.json", "SVM on mean and deviation of each band", "chance")
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--compare {0}", "is not a file of 'evaluate --json'"),
        ("--compare {folder}", "results.csv: is not the table of an experiment; run 'audeep run' again to make it"),
        ("--compare nowhere.json", "nowhere.json: no such file; name a file of"),
        ("", "what to report on is not clear; give --run-dir and --input, or --compare"),
        ("--compare x.json --run-dir x --input y", "what to report on is not clear"),
        ("--compare one.json", "one.json: has one evaluation, without baselines; name several to compare"),
    ],
)
def test_what_cannot_be_compared_is_one_line(audeep, features, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    command = f"-q svm evaluate --input {features[1]} --cross-validate --complexity 1 --json one.json"
    assert audeep(command).status == 0
    result = audeep(f"report {options.format(*features, folder=features[0].parent)}")
    assert result.status == 1 and message in result.err and result.err.count("\n") == 1, result.err
    assert [path.name for path in tmp_path.iterdir()] == ["one.json"]


@pytest.mark.slow
def test_a_browser_shows_the_page_on_a_telephone(audeep, features, spectrograms, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("needs chromium")
    command = f"svm evaluate --input {features[0]} --cross-validate --complexity 1 --json {tmp_path}/a.json"
    assert audeep(f"{command} --baseline {spectrograms}").status == 0
    page, picture = tmp_path / "page.html", tmp_path / "page.png"
    assert audeep(f"report --compare {tmp_path}/a.json --bootstrap 20 --output {page}").status == 0
    subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=400,3000"]
        + [f"--user-data-dir={tmp_path}/browser", f"--screenshot={picture}", page.as_uri()],
        check=True,
        capture_output=True,
        timeout=120,
    )
    from matplotlib.image import imread

    pixels = imread(picture)[..., :3]
    assert pixels.shape[:2] == (3000, 400)
    background = pixels[-1, 0]
    inked = (abs(pixels - background) > 0.05).any(axis=2)
    assert inked.any(axis=1).sum() > 400 and not inked[:, -3:].any()  # nothing sticks out
