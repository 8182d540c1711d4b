# SPDX-License-Identifier: GPL-3.0-or-later
"""Output files appear whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from audeep.errors import OutputError
from audeep.runtime.files import found_at, remove_partials, replacing, write_failures


def test_a_file_appears_with_all_that_was_written_and_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    with replacing(target) as partial:
        partial.write_text("done")
        assert not target.exists()
    assert target.read_text() == "done"
    assert list(tmp_path.iterdir()) == [target]


def test_the_temporary_file_is_a_hidden_one_in_the_same_directory_with_the_same_suffix(tmp_path: Path) -> None:
    with replacing(tmp_path / "plot.png") as partial:
        partial.touch()
        assert partial.parent == tmp_path
        assert partial.name.startswith(".plot.")
        assert partial.suffix == ".png"


def test_missing_directories_are_created(tmp_path: Path) -> None:
    target = tmp_path / "run" / "logs" / "result.txt"
    with replacing(str(target)) as partial:
        partial.write_text("done")
    assert target.read_text() == "done"


def test_files_are_synced_as_windows_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")
    synced = []

    def fsync(descriptor: int) -> None:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        synced.append(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with replacing(tmp_path / "result.txt") as partial:
        partial.write_text("done")
    assert (tmp_path / "result.txt").read_text() == "done" and len(synced) == 1


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    target.write_text("old, and longer")
    with replacing(target) as partial:
        partial.write_text("new")
    assert target.read_text() == "new"


@pytest.mark.parametrize("fault", [ValueError("wrong"), KeyboardInterrupt()])
def test_a_failing_block_leaves_the_older_file_and_no_other(tmp_path: Path, fault: BaseException) -> None:
    target = tmp_path / "result.txt"
    target.write_text("old")
    with pytest.raises(type(fault)) as caught, replacing(target) as partial:
        partial.write_text("half")
        raise fault
    assert caught.value is fault
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_content_and_name_are_on_the_disk_when_the_block_has_ended(tmp_path: Path, monkeypatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    monkeypatch.setattr(os, "replace", lambda source, target: synced.append(f"{source} -> {target}"))
    with replacing(tmp_path / "result.txt") as partial:
        partial.write_text("done")
    assert synced == [str(partial), f"{partial} -> {tmp_path / 'result.txt'}", str(tmp_path)]


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    others = ["a.nc", ".b.01234567.partial.nc", ".a.01234567.partial.txt", ".a.0123.partial.nc", "a.nc.partial"]
    for name in (*others, ".a.01234567.partial.nc", ".a.89abcdef.partial.nc"):
        (tmp_path / name).touch()
    (tmp_path / ".a.fedcba98.partial.nc" / "shards").mkdir(parents=True)
    remove_partials(tmp_path / "a.nc")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_a_failing_block_leaves_no_file_where_there_was_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wrong"), replacing(tmp_path / "result.txt") as partial:
        partial.write_text("half")
        raise ValueError("wrong")
    assert list(tmp_path.iterdir()) == []


def test_a_failing_block_leaves_no_directories_but_those_that_hold_something(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wrong"), replacing(tmp_path / "run" / "logs" / "result.txt"):
        raise ValueError("wrong")
    assert list(tmp_path.iterdir()) == []

    with pytest.raises(ValueError, match="wrong"), replacing(tmp_path / "run" / "logs" / "result.txt"):
        (tmp_path / "run" / "notes.txt").write_text("keep")
        raise ValueError("wrong")
    assert list((tmp_path / "run").iterdir()) == [tmp_path / "run" / "notes.txt"]


def test_a_directory_is_no_target(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a directory, a file name was expected"), replacing(tmp_path):
        pytest.fail("the block must not run")


def test_a_pipe_is_no_target_and_stays_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="pipe: is a device or a pipe, a file name was expected"):
        with replacing(tmp_path / "pipe"):
            pytest.fail("the block must not run")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("below", ["result.txt", "logs/result.txt"])
def test_a_path_below_a_file_cannot_be_written(tmp_path: Path, below: str) -> None:
    (tmp_path / "notes").write_text("keep")
    target = tmp_path / "notes" / below
    with pytest.raises(OutputError, match="cannot be written: .*; check the space and") as caught, replacing(target):
        pytest.fail("the block must not run")
    assert str(caught.value).startswith(str(target))
    assert (tmp_path / "notes").read_text() == "keep"


def test_a_full_disk_is_reported_under_the_name_of_the_target(tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    with pytest.raises(OutputError, match="result.txt: cannot be written: No space left on device"), replacing(target):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_block_that_writes_nothing_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="result.txt: cannot be written: No such file"):
        with replacing(tmp_path / "result.txt"):
            pass


def test_errors_about_other_files_pass_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="recording.wav"), replacing(tmp_path / "result.txt"):
        (tmp_path / "recording.wav").read_bytes()
    assert list(tmp_path.iterdir()) == []


def test_what_stands_at_a_path_is_told_in_words(tmp_path):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to("nowhere")
    assert found_at(tmp_path) == "is a directory"
    assert found_at(tmp_path / "file") == "is a file"
    assert found_at(tmp_path / "pipe") == "is a device or a pipe"
    assert found_at(tmp_path / "dangling") == "no such file"
    assert found_at(tmp_path / "nowhere", "directory") == "no such directory"


def test_a_failure_to_write_names_the_file_the_reason_and_what_to_do(tmp_path):
    expected = f"^{tmp_path}/x: cannot be written: NetCDF: HDF error; check the space and the permissions, or write"
    with pytest.raises(OutputError, match=expected), write_failures(tmp_path / "x", RuntimeError):
        raise RuntimeError("NetCDF: HDF error")
    with pytest.raises(OutputError, match="x: cannot be written: No space left on device; check"):
        with write_failures(tmp_path / "x"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(RuntimeError, match="another"), write_failures(tmp_path / "x"):
        raise RuntimeError("another")


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077, 0o002])
def test_files_have_the_permissions_of_the_umask_whatever_the_writer_does(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with replacing(tmp_path / "private") as partial:
            partial.write_text("x")
            partial.chmod(0o600)
        with replacing(tmp_path / "moved") as partial:  # by a writer with temporary files of its own
            (tmp_path / "its").touch(0o600)
            os.replace(tmp_path / "its", partial)
    finally:
        os.umask(before)
    for name in ("private", "moved"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o666 & ~umask
