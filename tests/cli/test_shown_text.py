# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and labels with control sequences: no terminal, and no log, is sent one."""

import pytest

from audeep import load
from audeep.cli.render.tables import table

EVIL = "\x1b]0;owned\x07\x1b[2J\r\x9b31mlow\nline\u202e"


@pytest.fixture(scope="module")
def evil(inputs, tmp_path_factory):
    """Features with such names and labels, and a violated constraint."""
    data_set = load(inputs["features"])
    data_set.filenames[:] = [f"{EVIL}{name}" for name in data_set.filenames]
    data_set.labels_nominal[:] = [f"{EVIL}{name}" for name in data_set.labels_nominal]
    path = tmp_path_factory.mktemp("evil") / "features.nc"
    data_set.save(path)
    return path


@pytest.mark.parametrize(
    "command",
    [
        "inspect netcdf --input {evil} --instance 0 --detailed-folds",
        "validate --input {evil} --detailed",
        "svm evaluate --input {evil} --cross-validate --complexity 1",
        "visualize pca --input {evil} --plot x.png",
        "svm evaluate --input {features} --cross-validate --complexity 1 --baseline {evil}",
        "fuse --input {features} {evil} --output x.nc",
    ],
)
def test_control_sequences_are_escaped_in_all_that_is_shown(audeep, evil, inputs, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    result = audeep(f"{command.format(evil=evil, **inputs)} --log-file {tmp_path}/log")
    shown = result.out + result.err + (tmp_path / "log").read_text(encoding="utf-8")
    assert shown and all(letter.isprintable() for letter in shown.replace("\n", ""))
    for line in shown.splitlines():
        assert not line.startswith("line")


def test_a_cell_and_a_title_are_one_line_each():
    assert table("a\x1bb", [("c\nd", "e")]).count("\n") == 4


def test_what_is_logged_and_warned_is_one_clean_line(audeep, monkeypatch, inputs, tmp_path):
    import logging

    def speaks(*arguments: object) -> None:
        logging.getLogger("audeep.x").warning("%s", EVIL)
        raise RuntimeError(EVIL)

    monkeypatch.setattr("audeep.data.data_set.load", speaks)
    result = audeep(f"-q validate --input {inputs['features']} --log-file {tmp_path}/log")
    text = result.err + (tmp_path / "log").read_text()
    assert text.count("\n") == 4 and all(letter.isprintable() for letter in text.replace("\n", ""))


def test_what_is_said_of_no_command_is_clean(audeep):
    result = audeep("'preprocessed\x1b[31m' x")
    assert result.status == 2 and r"'preprocessed\x1b[31m x' is not an audeep command" in result.out


@pytest.mark.parametrize("name", ["preproces", "t-ra", "svm evaluat", "nonsense"])
def test_help_for_what_is_no_command_is_an_error(audeep, name):
    result = audeep(f"help {name}")
    assert (result.status, result.out, result.err.count("\n")) == (1, "", 1)
    assert f"help {name}: no such command" in result.err


def test_help_takes_the_first_words_of_commands(audeep):
    assert "t-rae generate" in audeep("help t-rae").out and "usage: audeep preprocess" in audeep("help preprocess").out
