# SPDX-License-Identifier: GPL-3.0-or-later
"""A scheduler of dask.distributed and workers, as they are started on machines: processes with addresses."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def start(kind: str, folder: Path, *options: str) -> subprocess.Popen:
    """A scheduler or a worker, the latter with a nanny that starts it again."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *options, "--no-dashboard", "--host", "127.0.0.1"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}  # for functions of tests
    nothing = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=nothing, stderr=nothing)


def waited(condition, seconds: float = 60.0):
    """What `condition` gives as soon as it is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "this never happened"
        time.sleep(0.05)
    return found


@contextmanager
def started(folder: Path, num_workers: int = 2) -> Iterator[str]:
    """The address of a scheduler with so many workers, which work in `folder`."""
    file = folder / "scheduler.json"
    processes = [start("scheduler", folder, "--port", "0", "--scheduler-file", str(file))]
    try:
        address = waited(lambda: file.exists() and file.stat().st_size and json.loads(file.read_text())["address"])
        options = ("--nthreads", "1", "--local-directory", str(folder))
        processes += [start("worker", folder, address, *options) for _ in range(num_workers)]
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(20)


@pytest.fixture(scope="session")
def cluster_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler with two workers, for all tests of a process."""
    with started(tmp_path_factory.mktemp("cluster")) as address:
        yield address


def kill(process: int) -> None:
    """End a process as nothing ends itself."""
    os.kill(process, signal.SIGKILL)


def is_running(process: int) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
