# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in worker processes: results in order, few of them waiting, and clear ends."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from audeep.errors import Stopped
from audeep.runtime.execution import IN_WORK_PER_JOB, ITEMS_PER_JOB, available_cores, run

SCRIPT = """
import os
from audeep.runtime.execution import run
print(sum(run(abs, range(-20, 20), jobs=2)))
"""
OWN_FUNCTION = """
from audeep.runtime.execution import run
class Own:
    def __call__(self, number):
        print("a library talks")
        return abs(number)
print(sum(run(Own(), range(-20, 20), jobs=2)))
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


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_results_come_in_order_from_as_many_processes_as_there_are_jobs(jobs: int) -> None:
    numbers, processes = zip(*run(slow_where_even, range(50), jobs), strict=True)
    assert list(numbers) == list(range(50))
    assert len(set(processes)) <= jobs and (os.getpid() in processes) == (jobs == 1)


def test_few_items_are_worked_on_here() -> None:
    assert {process for _, process in run(slow_where_even, range(2 * ITEMS_PER_JOB - 1), jobs=2)} == {os.getpid()}
    assert list(run(abs, [], jobs=2)) == []


@pytest.mark.slow
def test_no_more_results_wait_than_stated_however_slowly_they_are_taken(tmp_path: Path) -> None:
    results = run(partial(touch, tmp_path), range(200), jobs=2)
    most = IN_WORK_PER_JOB * 2
    for number in range(30):
        assert next(results) == number
        if number in (0, 29):
            time.sleep(0.5)
        assert len(list(tmp_path.iterdir())) <= number + 1 + most
    results.close()


@pytest.mark.slow
def test_a_killed_worker_is_an_error_in_one_line() -> None:
    with pytest.raises(Stopped, match="a worker process was killed, perhaps because memory ran out; try jobs=1"):
        list(run(partial(kill_at, 20), range(50), jobs=2))
    assert list(run(abs, range(50), jobs=2)) == list(range(50))


@pytest.mark.slow
def test_what_the_function_raises_comes_through() -> None:
    with pytest.raises(ValueError, match="20 is bad"):
        list(run(partial(fail_at, 20), range(50), jobs=2))


@pytest.mark.slow
def test_results_that_nobody_wants_are_not_computed_but_for_those_in_work(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    for taken in (0, 1, 4, 9):
        folder = tmp_path / str(taken)
        folder.mkdir()
        results = run(partial(touch, folder), range(200), jobs=2)
        assert [next(results) for _ in range(taken)] == list(range(taken))
        results.close()
        assert len(list(folder.iterdir())) <= taken + IN_WORK_PER_JOB * 2
    assert list(recwarn) == []


@pytest.mark.slow
def test_workers_leave_interrupts_to_this_process() -> None:
    assert all(run(ignores_interrupts, range(20), jobs=2))
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


@pytest.mark.slow
def test_workers_look_for_garbage_only_among_what_is_new() -> None:
    assert max(run(spared_objects, range(50), jobs=2)) > 1000


@pytest.mark.slow
def test_workers_share_the_cores_among_their_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = available_cores()
    assert set(run(threads, range(ITEMS_PER_JOB * (cores + 1)), jobs=cores + 1)) == {"1"}
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert set(run(threads, range(20), jobs=2)) == {"3"}


@pytest.mark.slow
@pytest.mark.parametrize("script", [SCRIPT, OWN_FUNCTION], ids=["of a module", "its own"])
def test_a_script_needs_no_guard(tmp_path: Path, script: str) -> None:
    (tmp_path / "script.py").write_text(script)
    result = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, text=True, timeout=60)
    assert result.stdout == "400\n" and not result.stderr.replace("a library talks", "").strip()


def pause_at(last: int, number: int) -> tuple[int, int]:
    if number == last:
        os.kill(os.getpid(), signal.SIGSTOP)
    return number, os.getpid()


def stop_within_a_result(folder: Path, number: int) -> bytes:
    """A result so large that the worker is stopped, by a timer, while it sends it."""
    (folder / str(os.getpid())).touch()
    if number == 3:
        subprocess.Popen(["sh", "-c", f"sleep 1; kill -STOP {os.getpid()}"])
        return bytes(2**31)
    return b""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Told(Exception):
    """A reason to stop."""


def stop_after(seconds: float) -> Callable[[], None]:
    end = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > end:
            raise Told

    return check


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs POSIX signals")
@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_worker_that_does_not_answer_does_not_keep_the_work_from_ending(jobs: int) -> None:
    results = run(partial(pause_at, 9), range(50), jobs, apart=True, check=stop_after(4))
    pids = set()
    with pytest.raises(Told):
        for _, pid in results:
            pids.add(pid)
    assert not any(map(is_alive, pids)) and len(pids) >= 1


@pytest.mark.slow
def test_no_thread_is_left_when_no_more_results_are_wanted() -> None:
    before = set(threading.enumerate())
    results = run(partial(pause_at, 99), range(100), 2)
    next(results)
    assert set(threading.enumerate()) > before
    results.close()
    assert set(threading.enumerate()) == before


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs POSIX signals")
def test_a_worker_that_is_stopped_within_an_answer_does_not_either(tmp_path: Path) -> None:
    work = partial(stop_within_a_result, tmp_path)
    with pytest.raises(Told):
        list(run(work, range(20), 2, check=stop_after(4)))
    assert not any(is_alive(int(path.name)) for path in tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("deadly", [{0, 8}, {3, 4, 5}])
def test_the_item_of_which_a_worker_dies_is_known_and_others_are_not_lost(jobs: int, deadly: set[int]) -> None:
    results = list(run(partial(kill_if, deadly), range(9), jobs, apart=True, instead=lambda item, death: -item - 1))
    assert results == [-number - 1 if number in deadly else number for number in range(9)]


def kill_if(deadly: set[int], number: int) -> int:
    return kill_at(number if number in deadly else -1, number)


@pytest.mark.slow
def test_a_worker_that_dies_while_it_has_nothing_to_do_costs_nothing() -> None:
    results = run(slow_where_even, range(40), 1, apart=True)
    found = [next(results)]
    time.sleep(0.5)  # it has worked on all that may wait
    os.kill(found[0][1], signal.SIGKILL)
    time.sleep(0.2)
    found += results
    assert [number for number, _ in found] == list(range(40)) and len({pid for _, pid in found}) == 2


@pytest.mark.slow
def test_one_job_apart_is_another_process() -> None:
    assert {process for _, process in run(slow_where_even, range(3), jobs=1, apart=True)} != {os.getpid()}


@pytest.mark.slow
def test_work_that_hangs_here_does_not_keep_the_work_from_ending() -> None:
    start = time.monotonic()
    with pytest.raises(Told):
        list(run(time.sleep, [0, 60], jobs=1, check=stop_after(0.5)))
    assert time.monotonic() - start < 5


@pytest.mark.slow
def test_a_function_that_workers_cannot_load_is_said() -> None:
    with pytest.raises(RuntimeError, match="not to be loaded"):
        list(run(NotToBeLoaded(), range(20), jobs=2))


class NotToBeLoaded:
    def __call__(self, item: object) -> None:
        raise AssertionError

    def __reduce__(self) -> tuple:
        return refuse, ()


def refuse() -> None:
    raise RuntimeError("not to be loaded")
