# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on many items in worker processes: results in order, few of them waiting, and no worker left at the end."""

import gc
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

from audeep.errors import Stopped
from audeep.runtime.memory import reuse_memory

BATCH = 4  # items handed to a worker at a time
IDLE_SECONDS = 10.0  # after which a worker without work ends
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SECONDS_BETWEEN_LOOKS = 0.5  # of a worker for the process that started it

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(function: Callable[[Item], Result], items: Sequence[Item], jobs: int | None = None) -> Iterator[Result]:
    """Give `function(item)` for all items, in their order.

    However slowly results are taken, at most `BATCH * (2 * jobs + 1)` of them are in work or wait. Workers leave Ctrl-C
    to this process, and end when it does, however it ends.

    Args:
        function: of a module that workers can import, or anything else that cloudpickle takes.
        jobs: worker processes, by default one for each available core. With 1, few items, or where no processes can be
            started, the work is done here.

    Raises:
        Stopped: a worker was killed.
        Exception: whatever `function` raises; it may come before the results of earlier items.
    """
    jobs = min(jobs or available_cores(), max(1, len(items) // BATCH))
    if jobs == 1 or not _can_start_processes():
        yield from map(function, items)
        return
    batches: deque[Future[list[Result]]] = deque()
    try:
        for start in range(0, len(items), BATCH):
            batches.append(_begun(function, items[start : start + BATCH], jobs))
            if len(batches) > 2 * jobs:
                yield from batches.popleft().result()
        while batches:
            yield from batches.popleft().result()
    except BrokenProcessPool as error:
        raise Stopped("a worker process was killed, perhaps because memory ran out; try jobs=1") from error
    finally:
        _give_up(batches)


def run_apart(function: Callable[[Item], Result], item: Item) -> Result:
    """Give `function(item)`, worked out in another process where one can be started, which may die of it.

    Raises:
        Stopped: it was killed.
        Exception: whatever `function` raises.
    """
    if not _can_start_processes():
        return function(item)
    try:
        (result,) = _begun(function, [item], 1).result()
        return result
    except BrokenProcessPool as error:
        raise Stopped("a worker process was killed, perhaps because memory ran out") from error


def most_in_work(jobs: int | None) -> int:
    """How many items `run` has in work or waiting."""
    return BATCH * (2 * (jobs or available_cores()) + 1)


def _begun(function: Callable[[Item], Result], batch: Sequence[Item], jobs: int) -> "Future[list[Result]]":
    """The results of a batch to come, on which a worker begins as soon as one is free.

    All batches have the same workers, those of joblib, whose `Parallel` would take 1.6 ms more for each.
    """
    from joblib.externals.loky import get_reusable_executor

    threads = str(max(1, available_cores() // jobs))
    with _blocked_interrupts():
        workers = get_reusable_executor(
            max_workers=jobs,
            timeout=IDLE_SECONDS,
            initializer=_start_worker,
            initargs=(os.getpid(),),
            env={name: os.environ.get(name, threads) for name in THREAD_VARIABLES},
        )
        future: Future[list[Result]] = workers.submit(_results, function, batch)
    return future


def _results(function: Callable[[Item], Result], batch: Sequence[Item]) -> list[Result]:
    """What a worker does."""
    results = list(map(function, batch))
    _spare_collection()
    return results


@cache  # once in each worker
def _spare_collection() -> None:
    """Leave out what was imported when garbage is collected, which loky does every second."""
    gc.freeze()


def _give_up(batches: "Iterable[Future[Any]]") -> None:
    """Let workers end what they have begun though nobody wants the results.

    Where they are killed instead, loky (3.5) may print the traceback of one of its threads.
    """
    wait([batch for batch in batches if not batch.cancel()])


def _can_start_processes() -> bool:
    if multiprocessing.current_process().daemon:  # a worker of a pool of multiprocessing, or of a loader of torch
        return False
    try:
        multiprocessing.get_context("spawn").Lock()
    except (ImportError, OSError):
        return False
    return True


@contextmanager
def _blocked_interrupts() -> Iterator[None]:
    """Let processes that are started inherit that SIGINT is blocked; here it comes through afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(parent: int) -> None:
    """Leave Ctrl-C to the process that started this one, and end when that does, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reuse_memory()

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    if os.name == "posix":
        threading.Thread(target=follow, daemon=True).start()
