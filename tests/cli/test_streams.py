# SPDX-License-Identifier: GPL-3.0-or-later
"""Standard streams, logs and surroundings as they are on some systems: narrow, full, closed, missing."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from audeep.data.data_set import empty, load
from tests.cli.conftest import SPECTRA

AUDEEP = f"{shlex.quote(sys.executable)} -m audeep"
FULL = "standard output: cannot be written: No space left on device; check the space and the permissions, or write"


def shell(command: str, prefix: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess:
    """Run a command of bash, in which `audeep` stands for the program."""
    line = f'audeep() {{ {AUDEEP} "$@"; }}; {command}'
    given = {**os.environ, **environment}
    return subprocess.run(
        [*prefix, "bash", "-c", line], capture_output=True, env=given, timeout=120, stdin=subprocess.DEVNULL
    )


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """A data set of one instance whose name and label are not in ASCII."""
    data_set = empty(1, [("generated", 2)])
    data_set.data["filename"].values[:] = "ü.wav"
    data_set.data["label_nominal"].values[:] = "犬"
    data_set.save(tmp_path / "x.nc")
    return tmp_path / "x.nc"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "name", "label"), [("ascii", r"\xfc", r"\u72ac"), ("cp1252", "ü", r"\u72ac"), ("utf-8", "ü", "犬")]
)
def test_what_an_encoding_cannot_hold_is_written_as_escapes(
    labelled: Path, encoding: str, name: str, label: str
) -> None:
    command = f"inspect netcdf --input {labelled} --instance 0"
    for line in (f"audeep {command}", f"echo '{command}' | audeep"):
        result = shell(line, PYTHONIOENCODING=encoding)
        assert result.returncode == 0, result.stderr
        assert name in result.stdout.decode(encoding) and label in result.stdout.decode(encoding)
        assert result.stdout.rstrip().endswith(b"+") and not result.stderr


@pytest.mark.slow
def test_the_way_of_encoding_that_was_asked_for_is_kept(labelled: Path) -> None:
    result = shell(f"audeep inspect netcdf --input {labelled} --instance 0", PYTHONIOENCODING="ascii:replace")
    assert b"?.wav" in result.stdout and result.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("command", ["inspect netcdf --input {}", "--version", "--help", "help validate"])
def test_standard_output_that_is_full_is_one_line(labelled: Path, command: str, buffered: str) -> None:
    result = shell(f"audeep {command.format(labelled)} > /dev/full", PYTHONUNBUFFERED=buffered)
    assert result.stderr.decode() == f"{FULL} elsewhere\n"
    assert result.returncode == 1


@pytest.mark.slow
def test_standard_output_that_is_closed_is_one_line_where_something_is_written_to_it(labelled: Path) -> None:
    result = shell(f"audeep inspect netcdf --input {labelled} >&-")
    assert result.stderr.decode().startswith("standard output: cannot be written: it is closed; ")
    assert (result.returncode, result.stderr.count(b"\n")) == (1, 1)


@pytest.mark.slow
def test_a_reader_that_has_enough_ends_a_command_quietly(labelled: Path) -> None:
    result = shell(f"audeep inspect netcdf --input {labelled} | true; exit ${{PIPESTATUS[0]}}")
    assert (result.returncode, result.stderr) == (141, b"")


@pytest.mark.slow
def test_streams_that_are_closed_keep_no_command_from_its_work(recordings: Path, tmp_path: Path) -> None:
    command = f"audeep preprocess --basedir {recordings} {SPECTRA} --output {tmp_path}/x.nc --jobs 2"
    assert shell(f"{command} >&- 2>&- <&-").returncode == 0
    assert len(load(tmp_path / "x.nc")) == 24
    assert shell(f"audeep validate --input {tmp_path}/missing.nc 2>&-").returncode == 1


@pytest.mark.slow
def test_a_full_log_is_said_once_and_loses_no_work(recordings: Path, tmp_path: Path) -> None:
    command = f"preprocess --basedir {recordings} {SPECTRA} --output {tmp_path}/x.nc --jobs 1"
    result = shell(f"audeep -q --log-file /dev/full {command}")
    assert result.stderr.decode() == (
        "/dev/full: cannot be written: No space left on device; check the space and the permissions, or write"
        " elsewhere; nothing more is logged\n"
    )
    assert result.returncode == 1
    assert len(load(tmp_path / "x.nc")) == 24


SURROUNDINGS = {
    "TMPDIR of 90 characters": "mkdir -p $T/{0}; export TMPDIR=$T/{0}".format("x" * 90),
    "TMPDIR that is not there": "export TMPDIR=/nonexistent",
    "HOME that is not there": "export HOME=/nonexistent/x",
    "HOME that cannot be written": "export HOME=/proc",
    "/dev/shm that cannot be written": "mount -t tmpfs -o ro none /dev/shm",
    "/dev/shm that is full": "mount -t tmpfs -o size=4k none /dev/shm; head -c 4096 /dev/zero > /dev/shm/x",
    "a user without an entry": "mount --bind /dev/null /etc/passwd; unset HOME USER LOGNAME USERNAME LNAME",
}


@pytest.mark.slow
@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_commands_work_wherever_they_run(recordings: Path, tmp_path: Path, surroundings: str) -> None:
    change = SURROUNDINGS[surroundings]
    prefix = ("unshare", "-m") if "mount" in change else ()
    if prefix and subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("this user may not mount file systems")
    commands = (
        f"audeep -q preprocess --basedir {recordings} {SPECTRA} --output {tmp_path}/x.nc --jobs 2",
        f"audeep -q visualize pca --input {tmp_path}/x.nc --plot {tmp_path}/x.png",
        "echo help | audeep > /dev/null",
    )
    result = shell(" && ".join([change, *commands]), prefix, T=str(tmp_path))
    assert (result.returncode, result.stderr) == (0, b"")
    assert len(load(tmp_path / "x.nc")) == 24


@pytest.mark.slow
def test_a_folder_whose_name_is_not_text_is_escaped_wherever_it_is_shown(recordings: Path, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "sound").symlink_to(recordings)
    result = shell(
        f"cd {shlex.quote(str(tmp_path))}; cd caf*; B=$PWD; cd /;"
        f' audeep --log-file "$B/log" preprocess --basedir "$B/sound" {SPECTRA} --output "$B/x.nc" --jobs 2'
        ' && audeep -q validate --input "$B/x.nc"'
    )
    assert result.returncode == 0, result.stderr
    assert len(load(folder / "x.nc")) == 24
    assert r"caf\udce9/x.nc: spectrograms of 24 recordings written" in (folder / "log").read_text()
