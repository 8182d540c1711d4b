# SPDX-License-Identifier: GPL-3.0-or-later
"""Data set files read and written in threads, replaced while they are open, locked, or where there are no locks."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from audeep.data import hdf5
from audeep.data.data_set import DataSet, empty, load
from audeep.errors import DataError

THREADS = """
import faulthandler, gc, random, sys, threading
from pathlib import Path
import numpy as np, netCDF4
from audeep.data.data_set import load
from audeep.data.integrity import validate

faulthandler.dump_traceback_later(100, exit=True)
folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
expected = np.load(folder / "expected.npy")
failures = []

def check(path):
    assert (load(path).features == expected).all()

def check_parts(path):
    data_set = load(path)
    cycle = [data_set]
    cycle.append(cycle)  # so that the file is closed by the collection of garbage
    start = 0
    for block in data_set.blocks(2000):
        assert (block.features == expected[start : start + len(block)]).all()
        start += len(block)

def check_rows(path):
    data_set = load(path)
    rows = np.random.default_rng(0).permutation(len(data_set))
    assert (data_set[rows].features == expected[rows]).all()
    assert (data_set[3].features == expected[3]).all()

def work(number):
    chance = random.Random(number)
    own = folder / f"own{number}.nc"
    def save(path):
        load(path).save(own)
        check(own)
        own.unlink()
    def waste(path):
        file = netCDF4.Dataset(own, "w")  # of somebody else, never closed
        file.createDimension("x", 3)
        file.createVariable("v", "f4", ["x"])[:] = 1
    try:
        for _ in range(rounds):
            path = folder / f"{chance.randrange(3)}.nc"
            chance.choice([check, check_parts, check_rows, save, lambda path: validate(load(path))])(path)
            if not chance.randrange(5):
                gc.collect()
    except BaseException as error:
        failures.append(repr(error))

threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("failures", failures)
"""

NO_LOCKS = """
#include <errno.h>
int flock(int descriptor, int operation) { errno = ERROR; return -1; }
"""


def data_set_of(first: float, num_instances: int = 40) -> DataSet:
    """Features that count from `first`."""
    data_set = empty(num_instances, [("time", 20), ("freq", 16)])
    features = np.arange(first, first + num_instances * 320, dtype=np.float32).reshape(num_instances, 20, 16)
    data_set.data["filename"].values[:] = [f"{first:.0f}-{number}.wav" for number in range(num_instances)]
    return data_set.with_features(features, ["time", "freq"])


def run(program: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
    """Run a program of Python."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **environment})


@pytest.mark.slow
def test_threads_that_read_write_and_validate_do_not_crash(tmp_path: Path) -> None:
    data_set = data_set_of(0)
    np.save(tmp_path / "expected.npy", data_set.features)
    for number in range(3):
        data_set.save(tmp_path / f"{number}.nc")
    result = run(THREADS, tmp_path, os.environ.get("AUDEEP_ROUNDS", "30"))
    assert (result.returncode, result.stdout) == (0, "failures []\n"), result.stderr


@pytest.mark.parametrize("num_missing", [0, 5000])
def test_no_thread_is_left_that_may_use_the_library_when_a_file_is_open_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_missing: int
) -> None:
    class Slow(threading.Thread):
        def run(self) -> None:
            super().run()
            time.sleep(0.1)

    path = tmp_path / "a.nc"
    data_set_of(0).save(path)
    os.truncate(path, path.stat().st_size - num_missing)
    monkeypatch.setattr(hdf5, "Thread", Slow)
    with pytest.raises(DataError) if num_missing else nullcontext():
        load(path)
    assert not any(isinstance(thread, Slow) for thread in threading.enumerate())


def test_threads_that_write_together_write_the_same_bytes_as_alone(tmp_path: Path) -> None:
    data_sets = [data_set_of(1000 * number) for number in range(4)]
    for number, data_set in enumerate(data_sets):
        data_set.save(tmp_path / f"alone{number}.nc")
    paths = [tmp_path / f"together{number}.nc" for number in range(4)]
    threads = [threading.Thread(target=data_set.save, args=[path]) for data_set, path in zip(data_sets, paths)]  # noqa: B905
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, path in enumerate(paths):
        assert path.read_bytes() == (tmp_path / f"alone{number}.nc").read_bytes()


# files that are replaced


def test_a_file_that_is_replaced_shows_its_new_content_and_what_was_loaded_keeps_the_old(tmp_path: Path) -> None:
    data_set_of(0).save(tmp_path / "x.nc")
    old = load(tmp_path / "x.nc")
    data_set_of(5000, 30).save(tmp_path / "x.nc")
    new = load(tmp_path / "x.nc")
    np.testing.assert_array_equal(new.features, data_set_of(5000, 30).features)
    np.testing.assert_array_equal(old.features, data_set_of(0).features)


@pytest.mark.parametrize("num_instances", [40, 30])
def test_a_file_that_is_written_in_place_shows_its_new_content_and_what_was_loaded_says_so(
    tmp_path: Path, num_instances: int
) -> None:
    data_set_of(0).save(tmp_path / "x.nc")
    data_set_of(5000, num_instances).save(tmp_path / "other.nc")
    old = load(tmp_path / "x.nc")
    assert old[0].features[0, 0] == 0
    shutil.copyfile(tmp_path / "other.nc", tmp_path / "x.nc")
    message = rf"^{tmp_path}/x\.nc: was written to after it was loaded; load it again$"
    with pytest.raises(DataError, match=message):
        _ = old.features
    new = load(tmp_path / "x.nc")
    np.testing.assert_array_equal(new.features, data_set_of(5000, num_instances).features)
    assert new.filenames[0] == "5000-0.wav"
    for read in (lambda: old.features, lambda: old[3].features, lambda: old.save(tmp_path / "copy.nc")):
        with pytest.raises(DataError, match=message):
            read()


def test_a_file_that_is_removed_can_still_be_read_by_who_loaded_it(tmp_path: Path) -> None:
    data_set_of(0).save(tmp_path / "x.nc")
    data_set = load(tmp_path / "x.nc")
    (tmp_path / "x.nc").unlink()
    np.testing.assert_array_equal(data_set.features, data_set_of(0).features)


@pytest.mark.slow
def test_a_file_is_closed_when_nobody_refers_to_it(tmp_path: Path) -> None:
    data_set_of(0).save(tmp_path / "x.nc")
    for _ in range(300):
        assert load(tmp_path / "x.nc")[0].features[0, 0] == 0
    held = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert held.count(str(tmp_path / "x.nc")) <= 2


# locks


def test_a_file_that_another_process_writes_is_said_to_be_written(tmp_path: Path) -> None:
    data_set_of(0).save(tmp_path / "x.nc")
    with open(tmp_path / "x.nc") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(DataError, match=r"x\.nc: another process is writing it; wait for it to end, or copy the"):
            load(tmp_path / "x.nc")
    assert len(load(tmp_path / "x.nc")) == 40


def test_several_processes_read_a_file_at_once_and_keep_others_from_writing_it(tmp_path: Path) -> None:
    data_set_of(0).save(tmp_path / "x.nc")
    data_set = load(tmp_path / "x.nc")
    with open(tmp_path / "x.nc") as file:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert len(data_set) == 40


@pytest.mark.slow
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EIO])
def test_data_sets_are_read_and_written_where_there_are_no_locks(tmp_path: Path, number: int) -> None:
    if not shutil.which("gcc"):
        pytest.skip("takes a compiler")
    (tmp_path / "no_locks.c").write_text(NO_LOCKS)
    library = tmp_path / "no_locks.so"
    flags = ["-shared", "-fPIC", f"-DERROR={number}"]
    subprocess.run(["gcc", *flags, "-o", library, tmp_path / "no_locks.c"], check=True)
    data_set_of(0).save(tmp_path / "x.nc")
    program = (
        "import os, sys; from audeep.data.data_set import load; load(sys.argv[1]).save(sys.argv[2]);"
        "print(float(load(sys.argv[2]).features.sum()), os.environ.get('HDF5_USE_FILE_LOCKING'))"
    )
    result = run(program, tmp_path / "x.nc", tmp_path / "y.nc", LD_PRELOAD=str(library))
    assert result.stdout == f"{float(data_set_of(0).features.sum())} None\n", result.stderr
    late = run(f"import netCDF4; {program}", tmp_path / "x.nc", tmp_path / "y.nc", LD_PRELOAD=str(library))
    if number != errno.ENOSYS:
        assert "lies on a file system without locks; import audeep before netCDF4" in late.stderr


# names


def test_data_sets_below_a_folder_whose_name_is_not_text_are_read_and_written(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    data_set_of(0).save(folder / "x.nc")
    np.testing.assert_array_equal(load(folder / "x.nc").features, data_set_of(0).features)
    (folder / "y.nc").write_bytes(b"no netCDF")
    with pytest.raises(DataError, match=r"caf\\udce9/y\.nc: not a readable netCDF 4 file"):
        load(folder / "y.nc")


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_set_of(0).save(tmp_path / "x.nc")

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "x.nc"))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DataError, match=r"x\.nc: cannot be read: Permission denied; check"):
        load(tmp_path / "x.nc")
