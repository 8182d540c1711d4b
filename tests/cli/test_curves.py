# SPDX-License-Identifier: GPL-3.0-or-later
"""visualize curves and visualize rounds."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audeep.models.curve import Point, write_curve


def write_run(run: Path, validation_losses: list[list[float]]) -> Path:
    """A run of folds of which nothing but the curves can be read."""
    for fold, losses in enumerate(validation_losses, 1):
        logs = run / f"fold-{fold}" / "logs"
        logs.mkdir(parents=True)
        write_curve(logs, [Point(epoch, epoch, 2 * loss, loss) for epoch, loss in enumerate(losses, 1)])
        (logs / f"model-{len(losses)}.safetensors").touch()
    return run


@pytest.fixture
def folds(tmp_path: Path) -> Path:
    return write_run(tmp_path / "_$run", [[3.0, 1.0, 2.0, 0.5], [5.0, 2.0, 2.5]])


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]


def test_curves_of_several_runs_are_drawn_and_their_best_epochs_listed(audeep, folds, run_directory, tmp_path):
    shutil.copytree(run_directory, tmp_path / "single")
    result = audeep(f"visualize curves --run-dir '{folds}' {tmp_path}/single --plot {tmp_path}/a.svg")
    assert result.status == 0 and "a.svg: picture written" in result.err
    rows = cells(result.out)[2:]
    assert rows[0] == [str(folds), "2", "3", "2", "1.50000", "0.50000", "3.00000"]
    loss = pd.read_csv(run_directory / "logs/learning-curve.csv")["loss"].iloc[-1]
    assert rows[1] == [str(tmp_path / "single"), "1", "2", "", "", "", f"{loss:.5f}"]
    text = (tmp_path / "a.svg").read_text()
    assert f"validation: {tmp_path}/_" in text and "(best 1.50000, epoch 2)" in text
    assert f"<!-- training: {tmp_path}/single -->" in text


def test_curves_end_where_the_newest_model_does(audeep, folds, tmp_path):
    logs = folds / "fold-2" / "logs"
    (logs / "model-3.safetensors").rename(logs / "model-2.safetensors")
    assert cells(audeep(f"visualize curves --run-dir '{folds}' --plot {tmp_path}/a.png").out)[2][2] == "2"


@pytest.fixture
def verified(tmp_path: Path) -> Path:
    """A run of self-verification."""
    write_run(tmp_path / "verified/round-1", [[3.0, 1.0], [2.0, 4.0]])
    write_run(tmp_path / "verified/round-2", [[1.0, 1.5], [0.5, 4.0]])
    lines = ["number,judged,confirmed,validation_loss", "1,48,10,1.5", "2,48,12,0.75"]
    (tmp_path / "verified/rounds.csv").write_text("\n".join(lines))
    return tmp_path / "verified"


@pytest.mark.slow
def test_the_rounds_of_a_self_verification_are_listed_and_drawn(audeep, verified, tmp_path):
    result = audeep(f"visualize rounds --run-dir {verified} --plot {tmp_path}/a.svg")
    deviations = [np.std([1.0, 2.0]), np.std([1.0, 0.5])]
    assert cells(result.out)[2:] == [
        ["1", "48", "10", "1.50000", f"{deviations[0]:.5f}"],
        ["2", "48", "12", "0.75000", f"{deviations[1]:.5f}"],
    ]
    assert "<!-- best: 0.75000, round 2 -->" in (tmp_path / "a.svg").read_text()
    result = audeep(f"visualize curves --run-dir {verified}/round-1 {verified}/round-2 --plot {tmp_path}/b.png")
    assert [row[3] for row in cells(result.out)[2:]] == ["1", "1"]


@pytest.mark.parametrize(
    "command, change, text",
    [
        ("curves --run-dir {run}", lambda run: shutil.rmtree(run), "has no models of folds"),
        (
            "curves --run-dir {run}",
            lambda run: (run / "round-1/fold-1").rename(run / "fold-1") / "logs/learning-curve.csv",
            None,
        ),
        ("curves --run-dir 1 2 3 4 5 6 7 8 9", lambda run: None, "9 runs found, at most 8 can be told apart"),
        ("rounds --run-dir {run}/round-1", lambda run: None, "rounds.csv: no such file; name a run of 'audeep self-"),
        ("rounds --run-dir {run}", lambda run: (run / "rounds.csv").write_text("a,b\n1,2\n"), "columns number, judged"),
        ("rounds --run-dir {run}", lambda run: (run / "rounds.csv").write_text(""), "rounds.csv: has no rounds ("),
        ("rounds --run-dir {run}", lambda run: shutil.rmtree(run / "round-2"), "round-2: has no models of folds"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(audeep, verified, tmp_path, command, change, text):
    curve = change(verified)
    if text is None:
        curve.unlink()
        text = "logs: the losses of this training were not kept"
    result = audeep(f"visualize {command.format(run=verified)} --plot {tmp_path}/a.png")
    assert result.status == 1 and text in result.err and result.err.count("\n") == 1, result
    assert not (tmp_path / "a.png").exists()
