# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on many items in worker processes: results in order, few of them waiting, and no worker left at the end.

Each worker has a thread of this process that sends it items and receives its answers through pipes of its own. So a
worker that dies, hangs or is stopped, even in the middle of an answer, keeps nobody else waiting: it is known at which
item it was, and this process can end at any time.
"""

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeAlias, TypeVar, overload

from audeep.errors import OptionError, Stopped
from audeep.runtime.cluster import Cluster, run_on
from audeep.runtime.worker import SECONDS_TO_END, START, available_cores, end_processes, receive, send, worker_threads
from audeep.runtime.worker import WorkerDied as WorkerDied

ITEMS_PER_JOB = 4  # with fewer items, starting another worker takes longer than the work
IN_WORK_PER_JOB = 8  # items that are in work or whose results wait, for each worker
SENT_AHEAD = 2  # items that a worker has, so that it need not wait for the next one, unless they are long
SECONDS_BETWEEN_LOOKS = 0.1  # while a result is awaited, for reasons to stop

Item = TypeVar("Item")
Result = TypeVar("Result")


class Prepared(Generic[Item, Result]):
    """A function that `make` gives, such as that of a model, which is loaded once by each process that calls it."""

    def __init__(self, make: Callable[[], Callable[[Item], Result]]) -> None:
        self.make = make

    def __call__(self, item: Item) -> Result:
        return self._made(item)

    @cached_property
    def _made(self) -> Callable[[Item], Result]:
        return self.make()

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """What it was made of, without what that gave."""
        return type(self), (self.make,)


class Lazily(Sequence[Item]):
    """So many items, each of which `give` makes of its number when it is asked for."""

    def __init__(self, number: int, give: Callable[[int], Item]) -> None:
        self.number = number
        self.give = give

    def __len__(self) -> int:
        return self.number

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...

    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        numbers = range(self.number)[index]
        return self.give(numbers) if isinstance(numbers, int) else [self.give(number) for number in numbers]


Jobs: TypeAlias = int | Cluster | None  # worker processes of this one, or those of a cluster; None is one for each core


def chosen_workers(jobs: int | None, cluster: str | None) -> Jobs:
    """Who does the work: a number of jobs, or the cluster where one is named.

    Raises:
        OptionError: both are asked for, or the cluster is none.
    """
    if cluster is None:
        return jobs
    if jobs not in (None, 1):
        raise OptionError(f"jobs={jobs} and cluster={cluster}: both say who works; leave one of them out")
    return Cluster(cluster)


def run(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: Jobs = None,
    *,
    apart: bool = False,
    long_items: bool = False,
    check: Callable[[], None] = lambda: None,
    instead: Callable[[Item, WorkerDied], Result] | None = None,
    needs: Sequence[Path] = (),
    paths_of: Callable[[Item], Sequence[Path]] = lambda _: (),
) -> Generator[Result, None, None]:
    """Give `function(item)` for all items, in their order.

    However slowly results are taken, at most `IN_WORK_PER_JOB * jobs` of them are in work or wait. Workers leave Ctrl-C
    to this process, and end when it does, however it ends, or when no more results are taken: within seconds, whatever
    they are at.

    Args:
        function: of a module that workers can import, or anything else that cloudpickle takes.
        jobs: worker processes, by default one for each available core. With 1, or few items, the work is done here. Or
            a cluster, whose workers do all of it.
        apart: have workers even so.
        long_items: have up to a worker for each item, to none of which another one is sent ahead.
        check: is called again and again while results are awaited; what it raises ends the work.
        instead: gives the result of an item whose worker died of it; another worker goes on with the next item.
        needs, paths_of: files and folders that the work on all items, or on an item, takes: the workers of a cluster
            must have those that are here.

    Raises:
        WorkerDied: a worker was killed, and there is no `instead`.
        Exception: whatever `function` or `check` raises.
    """
    if isinstance(jobs, Cluster):
        ahead = {"together": 1} if long_items else {}
        given: dict[str, Any] = {"needs": needs, "paths_of": paths_of, "check": check, "instead": instead, **ahead}
        yield from run_on(jobs, _pickled(function), items, alone=alone, **given)
        return
    jobs = min(jobs or available_cores(), max(1, len(items) // (1 if long_items else ITEMS_PER_JOB)))
    is_here = not sys.executable or (jobs == 1 and not apart)
    most = 1 if is_here else IN_WORK_PER_JOB * jobs
    crew = _Crew(function, jobs, is_here, 1 if long_items else SENT_AHEAD)
    futures: deque[Future[Result]] = deque()
    try:
        for number, item in enumerate(items):
            while len(futures) < min(most, len(items) - number):
                futures.append(crew.submit(items[number + len(futures)]))
            try:
                result = _awaited(futures.popleft(), check)
            except WorkerDied as death:
                _pause(check)  # a signal for all processes ends workers, too
                if instead is None:
                    raise WorkerDied(f"{item}: {death}; try jobs=1") from None
                result = instead(item, death)
            yield result
    finally:
        crew.end()


def alone(function: Callable[[Item], Result], items: Sequence[Item]) -> Generator[Result | WorkerDied, None, None]:
    """What `run` gives by a process of its own; of items that it dies of, how."""
    return run(function, items, 1, apart=True, instead=_death)


def _death(_: Item, death: WorkerDied) -> Any:
    return death


def _awaited(future: "Future[Result]", check: Callable[[], None]) -> Result:
    check()
    while not wait([future], SECONDS_BETWEEN_LOOKS).done:
        check()
    return future.result()


def _pause(check: Callable[[], None]) -> None:
    for _ in range(3):
        check()
        time.sleep(SECONDS_BETWEEN_LOOKS)
    check()


class _Crew(Generic[Item, Result]):
    """Threads that work on items, here or each with a process of its own; they do not keep this process from ending."""

    def __init__(self, function: Callable[[Item], Result], jobs: int, is_here: bool, sent_ahead: int) -> None:
        self.tasks: SimpleQueue[tuple[Future[Result], Item] | None] = SimpleQueue()
        self.lock = threading.Lock()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.has_ended = False
        self.function = function
        self.sent_ahead = sent_ahead
        self.environment = {**worker_threads(jobs), **os.environ}
        serve = self._work_here if is_here else self._serve
        self.threads = [threading.Thread(target=serve, daemon=True) for _ in range(jobs)]
        self.pickled = b"" if is_here else _pickled(function)
        for thread in self.threads:
            thread.start()

    def submit(self, item: Item) -> "Future[Result]":
        """Have an item worked on as soon as a thread is free."""
        future: Future[Result] = Future()
        self.tasks.put((future, item))
        return future

    def end(self) -> None:
        """End all workers: first they are told to, then they are killed; one that even so does not end is left."""
        self.has_ended = True
        for _ in self.threads:
            self.tasks.put(None)
        is_locked = self.lock.acquire(timeout=SECONDS_TO_END)  # no worker is being started
        end_processes(self.processes)
        if is_locked:
            self.lock.release()
        deadline = time.monotonic() + SECONDS_TO_END
        for thread in self.threads:  # one that holds a pipe while this process ends would make Python abort
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work_here(self) -> None:
        while (task := self.tasks.get()) is not None and not self.has_ended:
            future, item = task
            try:
                future.set_result(self.function(item))
            except BaseException as error:
                future.set_exception(error)

    def _serve(self) -> None:
        """Have items worked on by a worker; where it dies of one, the next gets a new worker."""
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which the process that is started inherits
        while (task := self.tasks.get()) is not None:
            given = deque([task])
            try:
                process = self._started()
                try:
                    self._exchange(process, given)
                    return
                except (EOFError, OSError) as error:
                    process.wait()
                    if len(given) > 1 or not isinstance(error, BrokenPipeError):  # it did not die while it was idle
                        raise WorkerDied("a worker process was killed, perhaps because memory ran out") from None
                finally:
                    _close(process)
            except BaseException as error:
                given.popleft()[0].set_exception(error)
            for other in given:
                self.tasks.put(other)

    def _started(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", START, json.dumps(sys.path)]
        with self.lock:
            if self.has_ended:
                raise Stopped("no more results are wanted")
            pipe = subprocess.PIPE
            self.processes.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, env=self.environment))
            return self.processes[-1]

    def _exchange(self, process: "subprocess.Popen[bytes]", given: "deque[tuple[Future[Result], Item]]") -> None:
        """Send the items in `given`, and others as answers arrive; those that have no answer at the end are in it."""
        assert process.stdin is not None and process.stdout is not None
        for message in (self.pickled, *(pickle.dumps(item) for _, item in given)):
            send(process.stdin, message)
        while True:
            while len(given) < self.sent_ahead:
                try:
                    task = self.tasks.get(block=not given)
                except Empty:
                    break
                if task is None:
                    return
                given.append(task)
                send(process.stdin, pickle.dumps(task[1]))
            result, traceback = pickle.loads(receive(process.stdout))
            future, _ = given.popleft()
            if traceback is None:
                future.set_result(result)
            else:
                result.__cause__ = RuntimeError(f"in a worker process:\n{traceback}")
                future.set_exception(result)


def _pickled(function: Callable[..., Any]) -> bytes:
    from joblib import wrap_non_picklable_objects

    return pickle.dumps(wrap_non_picklable_objects(function, keep_wrapper=False))


def _close(process: "subprocess.Popen[bytes]") -> None:
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):  # what was not sent before the end of a worker
            if stream is not None:
                stream.close()
