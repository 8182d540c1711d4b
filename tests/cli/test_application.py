# SPDX-License-Identifier: GPL-3.0-or-later
"""The application around the commands: version, help, logging, errors, the interactive shell."""

import shlex
import subprocess
import sys
from importlib.util import find_spec

import pytest

from audeep import __version__
from audeep.cli.app import AudeepApp
from audeep.runtime.compiled import COMPILED, warn_of_missing_parts

COMMANDS = (
    *(
        "preprocess",
        "t-rae train",
        "t-rae generate",
        "t-rae reconstruct",
        "f-rae train",
        "f-rae generate",
        "f-rae reconstruct",
        "ft-rae train",
        "ft-rae generate",
        "ft-rae reconstruct",
        "report",
        "run",
    ),
    *("mlp evaluate", "mlp predict", "svm evaluate", "svm predict", "visualize pca", "visualize tsne"),
    *("visualize classes", "visualize lengths", "visualize waveform", "visualize curves", "visualize rounds"),
    *(
        "export",
        "export submission",
        "export-model",
        "extract",
        "tag",
        "classify",
        "svm fit",
        "mlp fit",
        "import",
        "compare",
        "reduce",
        "fuse",
        "fuse chunks",
        "fuse predictions",
        "modify",
        "score",
        "upsample",
        "inspect raw",
        "inspect netcdf",
        "validate",
    ),
)


def test_version_shows_the_version_the_compiled_parts_and_the_copyright():
    result = subprocess.run([sys.executable, "-m", "audeep", "--version"], capture_output=True, text=True, check=True)
    version, parts, copyright_line = result.stdout.splitlines()[:3]
    assert version == f"audeep {__version__}" and copyright_line.startswith("Copyright")
    for name in COMPILED:
        assert f"{name} {'is missing' if find_spec(name) is None else 'is there'}" in parts


def test_work_without_compiled_parts_is_warned_of_once(audeep, recordings, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in COMPILED else find_spec(name))
    warn_of_missing_parts.cache_clear()
    command = f"preprocess --basedir {recordings} --output {tmp_path}/out.nc --jobs 1"
    warning = "audeep.audio._spectra, audeep.models.layers._kernels: not compiled, so this takes much longer; install"
    assert audeep(command).err.count(warning) == 1
    assert "not compiled" not in audeep(command).err
    warn_of_missing_parts.cache_clear()
    wrong = audeep(f"{command} --mel-spectrum x")
    assert wrong.status == 1 and "not compiled" not in wrong.err
    assert "not compiled" not in audeep(f"validate --input {tmp_path}/out.nc").err
    warn_of_missing_parts()


def test_help_lists_all_commands(audeep):
    result = audeep("--help")
    assert result.status == 0
    assert all(f"  {command} " in result.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_in_both_ways(audeep, command):
    by_word, by_option = audeep(f"help {command}"), audeep(f"{command} --help")
    assert by_word.status == by_option.status == 0
    assert f"usage: audeep {command}" in by_word.out and by_word.out == by_option.out


def test_help_ends_with_examples_that_the_command_takes(audeep):
    application, with_examples = AudeepApp(), set()
    for command in COMMANDS:
        parser = application.command_parser(command)
        lines = (parser.epilog or "").splitlines()
        assert lines[:1] in ([], ["examples:"]) and all(line.startswith(f"  audeep {command} ") for line in lines[1:])
        for line in lines[1:]:
            parser.parse_args(shlex.split(line)[1 + len(command.split()) :])
            with_examples.add(command)
    assert {"preprocess", "t-rae train", "t-rae generate", "svm evaluate", "extract", "run"} <= with_examples
    shown = audeep("help t-rae train").out
    assert shown.endswith(application.command_parser("t-rae train").epilog + "\n")
    groups = [line for line in shown.splitlines() if line.endswith(":") and line[0] != " "]
    assert groups[-6:] == [
        *("training:", "data to hold out, and when to stop:", "weights to begin with:", "reporting:", "model:"),
        "examples:",
    ]


def test_complete_prints_a_shell_script_with_the_commands(audeep):
    result = audeep("complete")
    assert result.status == 0 and "t-rae" in result.out and "complete" in result.out


def test_wrong_options_are_one_line_and_status_1(audeep):
    result = audeep("t-rae train --input x --batch-size 0")
    assert result.status == 1
    assert result.err == (
        "t-rae train: argument --batch-size: '0' found, expected an integer >= 1; see 'audeep help t-rae train'\n"
    )


def test_debug_shows_the_traceback(audeep):
    result = audeep("--debug validate --input nowhere.nc")
    assert result.status == 1 and "Traceback" in result.err


def test_the_log_file_has_what_was_logged(audeep, golden, tmp_path):
    log = tmp_path / "log.txt"
    audeep(f"--log-file {log} export --input {golden}/old_features_cv.nc --format csv --output {tmp_path}/csv")
    assert "40 instances written to 5 files" in log.read_text()
