# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that cannot write what they should: one line, exit status 1, and everything else as it was."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.faults.commands import COMMANDS, DIRECTORIES, FILES, content, output_name
from tests.support.disks import mounted


@pytest.fixture
def fails(audeep, inputs):
    """Runs a command that must fail in one line and change nothing in a folder; gives the line."""

    def run(command: str, folder: Path, output: Path) -> str:
        before = content(folder)
        result = audeep(f"-q {COMMANDS[command].format(**inputs, output=shlex.quote(str(output)))}")
        assert result.status == 1, result
        assert result.err.count("\n") == 1 and result.out.count("accuracy") <= 1, result.err
        assert content(folder) == before
        return result.err

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_a_directory_that_is_read_only(fails, tmp_path, command):
    if os.geteuid():
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder").chmod(0o500)
        assert "ermission denied" in fails(command, tmp_path / "folder", tmp_path / "folder" / output_name(command))
        return
    with mounted(tmp_path / "disk", "size=1m") as disk:
        if command in FILES:
            (disk / output_name(command)).write_bytes(b"old")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        assert "Read-only file system" in fails(command, disk, disk / output_name(command))


@pytest.mark.parametrize("command", FILES)
def test_a_file_name_that_is_a_directory(fails, tmp_path, command):
    (tmp_path / output_name(command)).mkdir()
    error = fails(command, tmp_path, tmp_path / output_name(command))
    assert error == f"{tmp_path}/{output_name(command)}: is a directory, a file name was expected; name a file in it\n"


@pytest.mark.slow
@pytest.mark.parametrize("command", FILES)
def test_a_file_name_that_is_a_device(fails, tmp_path, command):
    output = tmp_path / output_name(command)
    output.symlink_to("/dev/full")
    assert f"{output.name}: is a device or a pipe, a file name was expected" in fails(command, tmp_path, output)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_path_below_a_file(fails, tmp_path, command):
    (tmp_path / "file").write_bytes(b"old")
    error = fails(command, tmp_path, tmp_path / "file" / "sub" / output_name(command))
    assert str(tmp_path / "file") in error


@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_that_is_too_long(fails, tmp_path, command):
    assert "ame too long" in fails(command, tmp_path, tmp_path / f"{'n' * 300}{output_name(command)}")


@pytest.mark.parametrize("command", DIRECTORIES)
def test_a_directory_name_that_is_a_file_or_leads_nowhere(fails, tmp_path, command):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("nowhere/at/all")
    for name in ("file", "link"):
        assert name in fails(command, tmp_path, tmp_path / name)


@pytest.mark.parametrize("command", FILES)
def test_a_link_that_leads_nowhere_is_replaced_by_the_file(audeep, inputs, tmp_path, command):
    (tmp_path / output_name(command)).symlink_to("nowhere/at/all")
    assert audeep(f"-q {FILES[command].format(**inputs, output=tmp_path / output_name(command))}").status == 0
    assert not (tmp_path / output_name(command)).is_symlink() and (tmp_path / output_name(command)).stat().st_size > 100
    assert [path.name for path in tmp_path.iterdir()] == [output_name(command)]


@pytest.mark.parametrize("command", COMMANDS)
def test_missing_directories_are_made(audeep, inputs, tmp_path, command):
    output = tmp_path / "a" / "b" / output_name(command)
    assert audeep(f"-q {COMMANDS[command].format(**inputs, output=output)}").status == 0
    assert output.exists() and [path.name for path in (tmp_path / "a" / "b").iterdir()] == [output_name(command)]
