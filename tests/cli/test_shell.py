# SPDX-License-Identifier: GPL-3.0-or-later
"""The interactive shell, typed into in a real terminal or fed by a pipe."""

import argparse
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from audeep.cli.app import AudeepApp
from audeep.cli.shell import Parsers, Shell
from tests.support.warm import Warm

PROMPT = r"\(audeep\)"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., pexpect.spawn]]:
    """Starts a shell in a terminal, in an empty directory, and waits for its prompt."""
    (tmp_path / "work").mkdir()
    started = []

    def start(*options: str) -> pexpect.spawn:
        child = pexpect.spawn(
            sys.executable,
            ["-m", "audeep", *options],
            encoding="utf-8",
            timeout=60,
            dimensions=(40, 160),
            cwd=str(tmp_path / "work"),
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
        )
        started.append(child)
        child.expect(PROMPT)
        return child

    yield start
    for child in started:
        child.close(force=True)


def end(child: pexpect.spawn) -> int:
    child.send("\r")
    child.send("quit\r")
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


@pytest.fixture
def piped(warm: Warm) -> Callable[..., subprocess.CompletedProcess]:
    """Feeds a shell, which has these options."""
    return lambda text, *options: warm.run(*options, input=text)


# in a terminal


@pytest.mark.slow
def test_a_command_that_fails_leaves_the_shell_running(terminal, golden):
    child = terminal()
    child.send("validate --input nowhere.nc\r")
    child.expect("nowhere.nc: no such file")
    child.expect(PROMPT)
    child.send("no such command\r")
    child.expect("'no such command' is not an audeep command")
    child.expect(PROMPT)
    child.send(f"inspect netcdf --input {golden}/old_features_cv.nc\r")
    child.expect(r"number of instances   \| 40")
    child.expect(PROMPT)
    assert end(child) == 0


@pytest.mark.slow
def test_the_exit_status_is_that_of_the_last_command_and_the_end_of_input_ends_the_shell(terminal):
    child = terminal()
    child.send("validate --input nowhere.nc\r")
    child.expect("no such file")
    child.expect(PROMPT)
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1


@pytest.mark.slow
def test_commands_options_values_and_files_are_completed(terminal, golden, tmp_path):
    (tmp_path / "work" / "my data").mkdir()
    (tmp_path / "work" / "my data" / "features.nc").write_bytes((golden / "old_features_cv.nc").read_bytes())
    child = terminal()
    child.send("insp\tnet\t--inp\tmy\tfea\t\r")
    child.expect(r"number of instances   \| 40")
    child.expect(PROMPT)
    child.send("val\t--no-such-thing\r")
    child.expect("validate: ")
    child.expect(PROMPT)
    assert end(child) == 1


@pytest.mark.slow
def test_lines_are_remembered_from_one_shell_to_the_next(terminal):
    child = terminal()
    child.send("validate --input remembered.nc\r")
    child.expect("remembered.nc: no such file")
    child.expect(PROMPT)
    end(child)
    child = terminal()
    child.send("\x1b[A\x1b[A\r")  # up: quit, up: the line before
    child.expect("remembered.nc: no such file")
    child.expect(PROMPT)
    assert end(child) == 1


@pytest.mark.slow
def test_ctrl_c_clears_the_line_and_stops_a_command_but_not_the_shell(terminal, golden, tmp_path):
    child = terminal()
    child.send("validate --input nowh")
    child.sendintr()
    child.expect(PROMPT)
    child.send(
        f"t-rae train --input {golden}/old_spectrograms_cv.nc --run-name run --num-epochs 1000000 --num-units 64\r"
    )
    child.expect("epoch 2 of")

    def interrupt() -> bool:
        child.sendintr()
        return child.expect(["interrupted", pexpect.TIMEOUT], timeout=5) == 0

    assert any(interrupt() for _ in range(20))  # Python loses one that comes while it frees an object
    child.expect(PROMPT)
    child.send("validate --input nowhere.nc\r")
    child.expect("nowhere.nc: no such file")
    child.expect(PROMPT)
    assert end(child) == 1


@pytest.mark.slow
def test_options_of_the_application_go_for_one_command_or_for_all(terminal, golden):
    features = f"{golden}/old_features_cv.nc"
    child = terminal()
    child.send(f"svm evaluate -q --input {features} --cross-validate --complexity 1\r")
    child.expect(r"0\.\d{4},0\.\d{4}\r\n")
    child.expect(PROMPT)
    child.send(f"-q svm evaluate --input {features} --cross-validate --complexity 1\r")
    child.expect(r"0\.\d{4},0\.\d{4}\r\n")
    child.expect(PROMPT)
    child.send("--debug validate --input nowhere.nc\r")
    child.expect("Traceback")
    child.expect(PROMPT)
    child.send("-q\r")
    child.expect("a command was expected after these options")
    child.expect(PROMPT)
    child.send("help validate\r")
    child.expect("usage: audeep validate")
    assert end(child) == 0
    child = terminal("-q")
    child.send(f"svm evaluate --input {features} --cross-validate --complexity 1\r")
    child.expect(r"0\.\d{4},0\.\d{4}\r\n")


# fed by a pipe


@pytest.mark.slow
def test_commands_may_come_from_a_pipe_with_comments_between_them(piped, golden):
    process = piped(
        f"# first\nvalidate --input nowhere.nc\n\n  inspect netcdf --input '{golden}/old_features_cv.nc'\n"
        "quit\nvalidate --input never.nc\n"
    )
    assert process.returncode == 0
    assert "nowhere.nc: no such file" in process.stderr and process.stderr.count("\n") == 1
    assert "number of instances   | 40" in process.stdout and "audeep)" not in process.stdout


@pytest.mark.slow
def test_a_failing_last_command_is_the_exit_status_of_a_piped_shell(piped):
    assert piped("validate --input nowhere.nc\n").returncode == 1
    process = piped("validate --input 'nowhere.nc\n")
    assert process.returncode == 1 and process.stderr == "validate --input 'nowhere.nc: no closing quotation\n"


@pytest.mark.slow
def test_names_with_spaces_can_be_quoted(piped, golden, tmp_path):
    (tmp_path / "a b#c.nc").write_bytes((golden / "old_features_cv.nc").read_bytes())
    for name in (f"'{tmp_path}/a b#c.nc'", f"{tmp_path}/a\\ b#c.nc"):
        assert "number of instances   | 40" in piped(f"inspect netcdf --input {name}\n").stdout


@pytest.mark.slow
def test_output_goes_to_programs_and_files(piped, golden, tmp_path):
    inspect = f"inspect netcdf --input {golden}/old_features_cv.nc"
    whole = piped(f"{inspect}\n").stdout
    line = "| NUMBER OF INSTANCES   | 40            |\n"
    assert piped(f"{inspect} | grep 'number of instances  ' | tr a-z A-Z\n").stdout == line
    assert piped(f"{inspect} > '{tmp_path}/a b.txt'\n{inspect} >>'{tmp_path}/a b.txt'\n").stdout == ""
    assert (tmp_path / "a b.txt").read_text() == 2 * whole
    assert piped(f"{inspect} | true\n").returncode == 0
    assert piped("validate --input nowhere.nc | cat\n").returncode == 1
    assert piped(f"{inspect} | false\n").returncode == 1


@pytest.mark.slow
def test_options_of_a_piped_shell_go_for_all_its_commands(piped, golden, tmp_path):
    command = f"svm evaluate --input {golden}/old_features_cv.nc --cross-validate --complexity 1\n"
    process = piped(2 * command, "-q", "--log-file", str(tmp_path / "log.txt"))
    lines = process.stdout.splitlines()
    assert len(lines) == 2 and lines[0] == lines[1] and lines[0].count(",") == 1
    assert (tmp_path / "log.txt").exists()


# completion


@pytest.fixture
def complete() -> Callable[[str], list[str]]:
    """What a line may go on with, as it would stand."""
    app = AudeepApp()
    parsers = Parsers([name for name, _ in app.command_manager], app.command_parser)
    shell = Shell(lambda words, stdout: 0, parsers, app.parser, "")
    return lambda text: [text[: len(text) - length] + word for word, length in shell.completions(text)]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("t-r", ["t-rae "]),
        ("t-rae ", ["t-rae generate ", "t-rae reconstruct ", "t-rae train "]),
        ("fuse c", ["fuse chunks "]),
        ("in", ["inspect "]),
        ("im", ["import "]),
        ("t-rae generate --steps b", ["t-rae generate --steps best "]),
        ("q", ["quit "]),
        ("help mlp p", ["help mlp predict "]),
        ("svm evaluate --comp", ["svm evaluate --complexity "]),
        ("svm evaluate --qu", ["svm evaluate --quiet "]),
        ("t-rae train --cell G", ["t-rae train --cell GRU "]),
        ("mlp predict --task r", ["mlp predict --task regression "]),
        (
            "upsample --partitions TRAIN ",
            [f"upsample --partitions TRAIN {name} " for name in ("DEVEL", "TEST", "TRAIN")],
        ),
        ("nothing like ", []),
        ("modify --remove-cv-setup x", []),
    ],
)
def test_what_a_line_may_go_on_with(complete, typed, expected):
    assert complete(typed) == expected


def test_files_are_completed_with_spaces_escaped_and_hidden_ones_only_when_asked_for(complete, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("one file.nc", "once.nc", ".only"):
        (tmp_path / name).touch()
    (tmp_path / "on top").mkdir()
    (tmp_path / "on top" / "x(1).nc").touch()
    start = "validate --input "
    assert complete(f"{start}on") == [f"{start}on\\ top/", f"{start}once.nc ", f"{start}one\\ file.nc "]
    assert complete(f"{start}on\\ top/") == [f"{start}on\\ top/x\\(1\\).nc "]
    assert complete(f"{start}{tmp_path}/on\\ t") == [f"{start}{tmp_path}/on\\ top/"]
    assert complete(f"{start}~/onc") == [f"{start}~/once.nc "]
    assert complete(f"{start}.") == [f"{start}.only "]
    assert complete(f"{start}nowhere/") == []


# words of a line


@pytest.fixture
def ran(monkeypatch, tmp_path, capsys):
    """Gives the words of the commands that lines run, in a folder that must stay empty but for what is named."""
    monkeypatch.chdir(tmp_path)
    found: list[list[str]] = []

    def run(words: list[str], stdout) -> int:
        found.append(words)
        stdout.write("output\n")
        return 0

    def go(*lines: str) -> list[list[str]]:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        Shell(run, Parsers([], lambda name: None), argparse.ArgumentParser(), "").run()
        return found

    return go


@pytest.mark.parametrize(
    "line, words",
    [
        ("a '|' touch x", ["a", "|", "touch", "x"]),
        ('a "|" touch x', ["a", "|", "touch", "x"]),
        (r"a \| touch x", ["a", "|", "touch", "x"]),
        ("a '>' x", ["a", ">", "x"]),
        (r"a \> x", ["a", ">", "x"]),
        ("a --label-column '' touch x", ["a", "--label-column", "", "touch", "x"]),
        ('a "" x', ["a", "", "x"]),
        ("a '|>' '>>' x", ["a", "|>", ">>", "x"]),
        ("a --name '|'x", ["a", "--name", "|x"]),
        ("a b'|'c\">\"d", ["a", "b|c>d"]),
        (r'a "b\"c" d\ e', ["a", 'b"c', "d e"]),
        ("a '$(touch x)' `touch` ;touch &", ["a", "$(touch x)", "`touch`", ";touch", "&"]),
        ("a #x", ["a", "#x"]),
    ],
)
def test_what_is_quoted_is_no_operator(ran, tmp_path, line, words):
    assert ran(line) == [words]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["a 'b", 'a "b', "a '|' 'touch x", "a | 'b"])
def test_a_line_without_a_closing_quotation_runs_nothing(ran, tmp_path, capsys, line):
    assert ran(line) == [] and list(tmp_path.iterdir()) == []
    assert "no closing quotation" in capsys.readouterr().err


def test_what_follows_an_operator_keeps_its_quotes(ran, tmp_path):
    assert ran("a '|' b > 'x; touch y'", "a | tee '>' '' > /dev/null 2") == [["a", "|", "b"], ["a"]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", ">", "x; touch y"]
