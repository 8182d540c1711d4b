# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on a scheduler and two workers of dask.distributed, real processes that are killed in the middle."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="the extra 'dask' is not installed")

from audeep.errors import OptionError, Stopped  # noqa: E402
from audeep.runtime.cluster import Cluster  # noqa: E402
from audeep.runtime.execution import Prepared, WorkerDied, chosen_workers, run  # noqa: E402
from tests.support.clusters import is_running, kill, waited  # noqa: E402

ROOT = Path(__file__).parents[2]


def slowly(number: int) -> tuple[int, int]:
    """The square, and who computed it."""
    time.sleep(0.02)
    return number**2, os.getpid()


def deadly(number: int) -> int:
    if number in (5, 20):
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def wrong(number: int) -> int:
    if number == 3:
        raise OptionError("this is wrong for any")
    return number


def counted(folder: Path) -> "partial[int]":
    """A function that leaves a file for each time that it was made."""
    (folder / os.urandom(4).hex()).touch()
    return partial(max, 0)


@pytest.fixture(params=["scheduler", "local"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    if request.param == "local":
        return Cluster("local:2")
    return Cluster(request.getfixturevalue("cluster_address"))


@pytest.mark.slow
def test_results_are_in_order_though_a_worker_is_killed(cluster: Cluster) -> None:
    found = []
    with closing(run(slowly, range(150), cluster)) as results:
        for square, process in results:
            found.append(square)
            if len(found) == 20:
                kill(process)
    assert found == [number**2 for number in range(150)]


@pytest.mark.slow
def test_an_item_that_kills_workers_is_to_blame_and_no_other(cluster: Cluster) -> None:
    blamed = {}

    def instead(number: int, death: WorkerDied) -> int:
        blamed[number] = str(death)
        return -1

    found = list(run(deadly, range(40), cluster, instead=instead))
    assert found == [-1 if number in (5, 20) else number for number in range(40)]
    assert sorted(blamed) == [5, 20]
    assert set(blamed.values()) == {"a worker process was killed, perhaps because memory ran out"}
    with pytest.raises(WorkerDied, match="^5: a worker process was killed"):
        list(run(deadly, range(10), cluster))


@pytest.mark.slow
def test_what_the_function_raises_ends_the_work(cluster_address: str) -> None:
    with pytest.raises(OptionError, match="^this is wrong for any$"):
        list(run(wrong, range(10), Cluster(cluster_address)))


@pytest.mark.slow
def test_few_results_are_ahead_and_none_are_computed_that_nobody_takes(cluster_address: str, tmp_path: Path) -> None:
    results = run(partial(_touch, tmp_path), range(500), Cluster(cluster_address))
    assert [next(results), next(results)] == [0, 1]
    time.sleep(1)
    assert len(list(tmp_path.iterdir())) <= (2 * 3 + 1) * 16
    results.close()
    time.sleep(0.5)
    done = len(list(tmp_path.iterdir()))
    time.sleep(0.5)
    assert len(list(tmp_path.iterdir())) == done


def _touch(folder: Path, number: int) -> int:
    (folder / str(number)).touch()
    return number


@pytest.mark.slow
def test_a_function_is_prepared_once_by_each_worker(cluster_address: str, tmp_path: Path) -> None:
    found = list(run(Prepared(partial(counted, tmp_path)), range(30), Cluster(cluster_address)))
    assert found == list(range(30)) and 1 <= len(list(tmp_path.iterdir())) <= 2


@pytest.mark.slow
def test_what_is_not_on_a_worker_is_named_with_it(cluster_address: str, tmp_path: Path, monkeypatch) -> None:
    only_here = tmp_path / "here.wav"
    exists = os.path.exists
    monkeypatch.setattr(os.path, "exists", lambda path: path == only_here or exists(path))
    message = rf"^{only_here}: is not there for the worker tcp://127.0.0.1:\d+ on \S+; workers need recordings and"
    with pytest.raises(Stopped, match=message):
        list(run(wrong, [1, 2], Cluster(cluster_address), paths_of=lambda _: [only_here]))


@pytest.mark.slow
def test_paths_are_relative_to_the_working_directory(cluster_address: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.txt").write_text("found")
    items = [Path("here.txt")] * 3
    assert list(run(Path.read_text, items, Cluster(cluster_address), paths_of=lambda path: [path])) == ["found"] * 3


@pytest.mark.slow
def test_a_check_ends_the_work(cluster_address: str) -> None:
    start = time.monotonic()

    def check() -> None:
        if time.monotonic() > start + 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run(time.sleep, [0.1] * 500, Cluster(cluster_address), check=check))
    assert time.monotonic() < start + 30


@pytest.mark.parametrize("address", ["local:", "local:0", "local:x", "local:-1", "host", ""])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(OptionError, match=f"cluster={address}: the address of a dask scheduler, such as"):
        Cluster(address)


def test_jobs_and_a_cluster_are_too_much() -> None:
    assert (chosen_workers(3, None), chosen_workers(1, "local:2")) == (3, Cluster("local:2"))
    with pytest.raises(OptionError, match="jobs=3 and cluster=local:2: both say who works; leave one of them out"):
        chosen_workers(3, "local:2")


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audeep.runtime.cluster.CONNECTION_SECONDS", 1)
    with pytest.raises(OptionError, match=r"cluster=tcp://127.0.0.1:1: no scheduler answers \(.*\); start one with"):
        list(run(wrong, [1], Cluster("tcp://127.0.0.1:1")))


SCRIPT = """
import os, signal, sys, time
from audeep.runtime.cluster import Cluster
from audeep.runtime.execution import run
from tests.runtime.test_cluster import slowly
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a test run in the background does not inherit
workers = set()
for square, process in run(slowly, range(10000), Cluster("local:2")):
    if process not in workers:
        workers.add(process)
        print(process, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_local_workers_end_with_the_process_that_has_them(number: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    workers = [int(process.stdout.readline()) for _ in range(2)]
    process.send_signal(number)
    process.wait(30)
    waited(lambda: not any(map(is_running, workers)))
    shown = process.stderr.read()
    assert shown.count("Traceback") == shown.count("KeyboardInterrupt\n") == (number == signal.SIGINT)
