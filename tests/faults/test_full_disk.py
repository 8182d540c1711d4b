# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that run out of room: one line, exit status 1, and everything else as it was.

Each runs in a process of its own, because a failure to write can leave the HDF5 library unfit for further use.
"""

import shlex
from pathlib import Path

import pytest

from tests.faults.commands import COMMANDS, FILES, content, output_name
from tests.support.disks import mounted, small_files
from tests.support.warm import Warm

pytestmark = pytest.mark.slow

SMALL = ("svm predict", "mlp predict", "visualize pca", "export csv", "export arff")


def fails(warm: Warm, command: str, folder: Path) -> str:
    """Run a command that must fail in one line and change nothing in a folder; gives the line."""
    before = content(folder)
    result = warm.run("-q", *shlex.split(command), timeout=120)
    assert result.returncode == 1, result
    assert result.stderr.count("\n") == 1, result.stderr
    assert content(folder) == before
    return result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_grows_too_large(inputs, warm, tmp_path, command):
    if command in FILES:
        (tmp_path / output_name(command)).write_bytes(b"old")
    with small_files(100):
        error = fails(warm, COMMANDS[command].format(**inputs, output=tmp_path / output_name(command)), tmp_path)
    assert str(tmp_path / output_name(command)) in error and "cannot be written" in error


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk(inputs, warm, tmp_path, command):
    with mounted(tmp_path / "disk", "size=8k") as disk:
        (disk / "kept").write_bytes(bytes(4096 if command in SMALL else 100))
        (disk / "other").write_bytes(bytes(4096))
        error = fails(warm, COMMANDS[command].format(**inputs, output=disk / output_name(command)), disk)
        assert str(disk / output_name(command)) in error and "cannot be written" in error
