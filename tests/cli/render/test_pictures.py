# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures: the same wherever they are drawn, with all names, and never the end of a training."""

import os
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.colors import to_rgb

from audeep.cli.render.figures import COLOURS
from audeep.cli.render.plots import plot_map
from audeep.data.data_set import empty

BACKENDS = ["module://matplotlib_inline.backend_inline", "module://nothing.here", "nonsense", "QtAgg"]


def run(command: str, folder, **environment: str) -> subprocess.CompletedProcess:
    python = [sys.executable, "-m", "audeep.cli.app", *command.split()]
    return subprocess.run(python, cwd=folder, env=os.environ | environment, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_picture_in_a_file_does_not_depend_on_the_environment(audeep, spectrograms, tmp_path, backend):
    (tmp_path / "matplotlibrc").write_text("axes.facecolor: red\nfont.size: 30\nsavefig.dpi: 10\n")
    command = f"-q visualize pca --input {spectrograms} --plot"
    assert audeep(f"{command} {tmp_path}/a.png").status == 0
    result = run(f"{command} b.png", tmp_path, MPLBACKEND=backend)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.slow
def test_a_window_that_cannot_be_shown_is_a_warning(spectrograms, tmp_path):
    result = run(f"visualize pca --input {spectrograms}", tmp_path, MPLBACKEND="module://nothing.here")
    assert result.returncode == 0 and "MPLBACKEND=module://nothing.here: cannot be used" in result.stderr


@pytest.mark.slow
def test_quiet_commands_do_not_show_the_notes_of_matplotlib(spectrograms, tmp_path):
    (tmp_path / "file").touch()
    command = f"-q visualize pca --input {spectrograms} --plot {tmp_path}/a.png"
    result = run(command, tmp_path, MPLCONFIGDIR=str(tmp_path / "file" / "x"))
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.slow
def test_a_picture_that_cannot_be_drawn_does_not_end_a_training(audeep, spectrograms, tmp_path, monkeypatch):
    def fails(*arguments: object) -> None:
        raise RuntimeError("no\nfonts")

    monkeypatch.setattr("audeep.cli.render.plots.plot_curve", fails)
    options = "--num-epochs 3 --num-units 3 --validation-split 0.25"
    result = audeep(f"-q t-rae train --input {spectrograms} --run-name {tmp_path}/run {options}")
    assert result.status == 0 and result.err.count("\n") == 1
    assert r"learning-curve.png: is not drawn, the training goes on: no\nfonts" in result.err
    assert len(list((tmp_path / "run/logs").glob("model-*[0-9].safetensors"))) == 2


def labelled(names):
    data_set = empty(2 * len(names), [("generated", 2)])
    data_set.labels_nominal[:] = [name for name in names for _ in range(2)]
    data_set.labels_numeric[:] = np.repeat(np.arange(len(names)), 2)
    return data_set, np.random.default_rng(0).standard_normal((2 * len(names), 2))


@pytest.mark.slow
def test_a_class_whose_name_begins_with_an_underscore_is_in_the_legend(tmp_path):
    data_set, points = labelled(["_one", "two", "__three"])
    plot_map(points, data_set, "classes", tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert all(f"<!-- {name} -->" in text for name in ("_one", "two", "__three"))


def test_pictures_with_the_same_missing_characters_give_one_warning(tmp_path, caplog, monkeypatch):
    ours = [entry for entry in font_manager.fontManager.ttflist if entry.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", ours)
    data_set, points = labelled(["犬小屋", "猫", "two"])
    for name in ("a.png", "b.png"):
        plot_map(points, data_set, "classes", tmp_path / name)
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 1 and "no installed font has the characters 小屋犬猫" in said[0]


def test_characters_of_another_font_are_drawn_in_it(tmp_path, caplog, monkeypatch):
    two = [entry for entry in font_manager.fontManager.ttflist if entry.name in ("DejaVu Sans", "STIXGeneral")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", two)
    names = ("DejaVu Sans", "STIXGeneral")
    usual, other = (font_manager.get_font(font_manager.findfont(name)).get_charmap() for name in names)
    letter = next(chr(code) for code in sorted(other) if code not in usual and chr(code).isprintable())
    data_set, points = labelled([letter, "two"])
    plot_map(points, data_set, "classes", tmp_path / "a.svg")
    assert "STIXGeneral" in (tmp_path / "a.svg").read_text()
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


# what the cones of dichromats tell apart: Machado, Oliveira and Fernandes (2009), full severity, linear RGB
DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]


@pytest.mark.parametrize("seen", [DEUTERANOPIA, PROTANOPIA])
def test_colour_blind_readers_can_tell_all_pairs_of_colours(seen):
    for one, other in combinations(COLOURS, 2):
        distance = np.array(seen) @ (np.array(to_rgb(one)) ** 2.2 - np.array(to_rgb(other)) ** 2.2)
        assert np.abs(distance).max() > 0.05, (one, other)
