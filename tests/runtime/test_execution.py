# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in worker processes: results in order, few of them waiting, and clear ends."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from audeep.errors import Stopped
from audeep.runtime.execution import BATCH, available_cores, run

SCRIPT = """
import os
from audeep.runtime.execution import run
print(sum(run(abs, range(-20, 20), jobs=2)))
"""
BREAK_LOCKS = """
import multiprocessing.synchronize, errno
def fail(*arguments, **keywords):
    raise OSError(errno.ENOSYS, "no semaphores")
multiprocessing.synchronize.SemLock.__init__ = fail
"""


def slow_where_even(number: int) -> tuple[int, int]:
    time.sleep(0.01 if number % 2 == 0 else 0)
    return number, os.getpid()


def touch(folder: Path, number: int) -> int:
    (folder / str(number)).touch()
    return number


def kill_at(last: int, number: int) -> int:
    if number == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fail_at(last: int, number: int) -> int:
    if number == last:
        raise ValueError(f"{number} is bad")
    return number


def ignores_interrupts(_: object) -> bool:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN and signal.SIGINT in signal.pthread_sigmask(0, ())


def spared_objects(_: object) -> int:
    return gc.get_freeze_count()


def threads(_: object) -> str:
    return os.environ["OMP_NUM_THREADS"]


def run_in_two_processes(sender: Connection) -> None:
    sender.send({process for _, process in run(slow_where_even, range(20), jobs=2)} == {os.getpid()})


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_results_come_in_order_from_as_many_processes_as_there_are_jobs(jobs: int) -> None:
    numbers, processes = zip(*run(slow_where_even, range(50), jobs), strict=True)
    assert list(numbers) == list(range(50))
    assert len(set(processes)) <= jobs and (os.getpid() in processes) == (jobs == 1)


def test_few_items_are_worked_on_here() -> None:
    assert {process for _, process in run(slow_where_even, range(2 * BATCH - 1), jobs=2)} == {os.getpid()}
    assert list(run(abs, [], jobs=2)) == []


def test_the_work_is_done_here_where_processes_may_start_no_others() -> None:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=run_in_two_processes, args=(sender,), daemon=True)
    process.start()
    assert receiver.recv()
    process.join()


def test_no_more_results_wait_than_stated_however_slowly_they_are_taken(tmp_path: Path) -> None:
    results = run(partial(touch, tmp_path), range(200), jobs=2)
    most = BATCH * (2 * 2 + 1)
    for number in range(30):
        assert next(results) == number
        if number in (0, 29):
            time.sleep(0.5)
        assert len(list(tmp_path.iterdir())) <= number + 1 + most
    results.close()


def test_a_killed_worker_is_an_error_in_one_line() -> None:
    with pytest.raises(Stopped, match="a worker process was killed, perhaps because memory ran out; try jobs=1"):
        list(run(partial(kill_at, 20), range(50), jobs=2))
    assert list(run(abs, range(50), jobs=2)) == list(range(50))


def test_what_the_function_raises_comes_through() -> None:
    with pytest.raises(ValueError, match="20 is bad"):
        list(run(partial(fail_at, 20), range(50), jobs=2))


def test_results_that_nobody_wants_are_not_computed_but_for_those_in_work(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    for taken in (0, 1, 4, 9):
        folder = tmp_path / str(taken)
        folder.mkdir()
        results = run(partial(touch, folder), range(200), jobs=2)
        assert [next(results) for _ in range(taken)] == list(range(taken))
        results.close()
        assert len(list(folder.iterdir())) <= taken + BATCH * (2 * 2 + 1)
    assert list(recwarn) == []


def test_workers_leave_interrupts_to_this_process() -> None:
    assert all(run(ignores_interrupts, range(20), jobs=2))
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_workers_look_for_garbage_only_among_what_is_new() -> None:
    assert max(run(spared_objects, range(50), jobs=2)) > 1000


def test_workers_share_the_cores_among_their_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = available_cores()
    assert set(run(threads, range(BATCH * (cores + 1)), jobs=cores + 1)) == {"1"}
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert set(run(threads, range(20), jobs=2)) == {"3"}


@pytest.mark.parametrize("before", ["", BREAK_LOCKS], ids=["workers", "no semaphores"])
def test_a_script_needs_no_guard_and_a_system_may_lack_semaphores(tmp_path: Path, before: str) -> None:
    (tmp_path / "script.py").write_text(before + SCRIPT)
    result = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("400\n", "")
