# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on many items in worker processes: results in order, few of them waiting, and no worker left at the end."""

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from typing import TypeVar

from audeep.errors import Stopped
from audeep.runtime.memory import reuse_memory

BATCH = 4  # items handed to a worker at a time
IDLE_SECONDS = 10.0  # after which a worker without work ends
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
        jobs: worker processes, by default one for each available core. With 1, few items, or on a system without
            semaphores, the work is done here.

    Raises:
        Stopped: a worker was killed.
        Exception: whatever `function` raises; it may come before the results of earlier items.
    """
    jobs = min(jobs or available_cores(), max(1, len(items) // BATCH))
    if jobs == 1 or not _has_semaphores():
        yield from map(function, items)
        return
    batches: deque[Generator[Result, None, None]] = deque()
    try:
        for start in range(0, len(items), BATCH):
            batches.append(_started(function, items[start : start + BATCH], jobs))
            if len(batches) > 2 * jobs:
                yield from _results(batches)
        while batches:
            yield from _results(batches)
    except BrokenProcessPool as error:
        raise Stopped("a worker process was killed, perhaps because memory ran out; try jobs=1") from error
    finally:
        _wait_for(batches)


def run_apart(function: Callable[[Item], Result], item: Item) -> Result:
    """Give `function(item)`, worked out in another process where the system has them, which may die of it.

    Raises:
        Stopped: it was killed.
        Exception: whatever `function` raises.
    """
    if not _has_semaphores():
        return function(item)
    try:
        (result,) = list(_started(function, [item], 2))  # joblib does the work of a single job in this process
        return result
    except BrokenProcessPool as error:
        raise Stopped("a worker process was killed, perhaps because memory ran out") from error


def most_in_work(jobs: int | None) -> int:
    """How many items `run` has in work or waiting."""
    return BATCH * (2 * (jobs or available_cores()) + 1)


def _started(function: Callable[[Item], Result], batch: Sequence[Item], jobs: int) -> "Generator[Result, None, None]":
    """The results of a batch, on which a worker begins as soon as one is free.

    All batches have the same workers. Each is a call of joblib by itself, because joblib hands out the next batch of a
    call whenever some work is done, whether or not results are taken.
    """
    from joblib import Parallel, delayed

    parallel = Parallel(
        n_jobs=jobs,
        backend="loky",
        return_as="generator",
        pre_dispatch="all",
        batch_size=BATCH,
        max_nbytes=None,
        idle_worker_timeout=IDLE_SECONDS,
        initializer=_start_worker,
        initargs=(os.getpid(),),
    )
    with _blocked_interrupts():
        results: Generator[Result, None, None] = parallel(delayed(function)(item) for item in batch)
    return results


def _results(batches: "deque[Generator[Result, None, None]]") -> Iterator[Result]:
    """Results of the first batch, which stays until the last of them is taken."""
    for result in batches[0]:  # noqa: UP028  "yield from" would close it, and joblib then kill the workers
        yield result
    batches.popleft()


def _wait_for(batches: "Iterable[Generator[Result, None, None]]") -> None:
    """Let workers end what they have begun though nobody wants the results.

    Where they are killed instead, as joblib does, loky (3.5) may print the traceback of one of its threads.
    """
    for batch in batches:
        with suppress(Exception):  # one was raised already
            deque(batch, maxlen=0)


def _has_semaphores() -> bool:
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
