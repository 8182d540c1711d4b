# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on many items by the workers of dask.distributed: those of a scheduler that runs, or processes of this machine.

dask does a task again elsewhere when its worker is lost, and gives up when several were. An item whose task was given
up is tried once more in a process of its own, so that it is known whether it was the one that workers died of: others
that a worker had meanwhile are not to blame.
"""

import asyncio
import json
import logging
import math
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from audeep import __version__
from audeep.errors import OptionError, Stopped
from audeep.runtime.memory import reuse_memory
from audeep.runtime.worker import WorkerDied, end_processes, worker_threads

logger = logging.getLogger(__name__)

LOCAL = "local:"
ORDERS_PER_WORKER = 3  # that are in work or whose results wait
ITEMS_TOGETHER = 16  # that are sent at a time, as dask takes some milliseconds for whatever is sent
SECONDS_TOGETHER = 0.3  # after which a worker answers, though it has not done all of them
MOST_LOST = 10  # times that dask may give up an order: others end its workers once it is done apart
CONNECTION_SECONDS = 30
SECONDS_BETWEEN_LOOKS = 0.1  # for reasons to stop, while a result is awaited
SECONDS_BETWEEN_COUNTS = 2.0  # of the workers
SECONDS_BETWEEN_STARTS = 0.5  # of a local worker, again and again
NO_DASHBOARD = "127.0.0.1:0"  # pages that tell how dask is, for this machine alone
START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from audeep.runtime.cluster import serve; serve()"
ROLES = ("tls_ca_file", "tls_worker_cert", "tls_worker_key")

Alone = Callable[[Any, Sequence[Any]], Generator[Any, None, None]]  # by a process apart; WorkerDied of what ends it


@dataclass(frozen=True)
class Cluster:
    """Workers of dask.distributed.

    Attributes:
        address: of a scheduler that runs (tcp://HOST:PORT), or "local:N" for so many processes of this machine.

    Raises:
        OptionError: it is neither.
    """

    address: str

    def __post_init__(self) -> None:
        number = self.address.removeprefix(LOCAL)
        is_local = self.address.startswith(LOCAL) and number.isdecimal() and int(number) > 0
        if not is_local and (self.address.startswith(LOCAL) or ":" not in self.address):
            raise OptionError(
                f"cluster={self.address}: the address of a dask scheduler, such as tcp://host:8786, or local:N for N"
                " processes was expected"
            )

    @property
    def num_local(self) -> int | None:
        """How many processes of this machine; None where a scheduler runs."""
        return int(self.address.removeprefix(LOCAL)) if self.address.startswith(LOCAL) else None


@dataclass(frozen=True)
class Order:
    """What is sent to a worker.

    Attributes:
        version: of audeep, which must be the same there.
        folder: the working directory here, to which paths may be relative.
        function, items: pickled.
        needs: paths that there are here.
        num_lost: how often dask gave it up; once it did, the work is done by a process apart.
    """

    version: str
    folder: str
    function: bytes
    items: tuple[bytes, ...]
    needs: tuple[str, ...]
    num_lost: int = 0

    def without(self, number: int) -> "list[Order]":
        """What is left of it without so many items at the beginning."""
        return [replace(self, items=self.items[number:])] if number < len(self.items) else []


def run_on(
    cluster: Cluster,
    function: bytes,
    items: Sequence[Any],
    *,
    needs: Sequence[Path],
    paths_of: Callable[[Any], Sequence[Path]],
    check: Callable[[], None],
    instead: Callable[[Any, WorkerDied], Any] | None,
    alone: Alone,
    together: int = ITEMS_TOGETHER,
) -> Generator[Any, None, None]:
    """As `execution.run`, by the workers of a cluster.

    Args:
        together: how many items are sent at a time; those that a worker has no time for come back.

    Raises:
        OptionError: dask.distributed is not installed, or no scheduler answers.
        Stopped: a worker lacks a path or has another version of audeep, or the scheduler is lost.
        WorkerDied: workers died of an item, and there is no `instead`.
        Exception: whatever the function or `check` raises.
    """

    def order_of(numbers: range) -> Order:
        some = [items[number] for number in numbers]
        paths = dict.fromkeys([*needs, *(path for item in some for path in paths_of(item))])
        found = tuple(str(path) for path in paths if os.path.exists(path))
        return Order(__version__, os.getcwd(), function, tuple(map(pickle.dumps, some)), found)

    with _connected(cluster) as client:
        counter = _Counter(client)
        orders: deque[tuple[Order, Any]] = deque()
        left = deque(range(start, min(start + together, len(items))) for start in range(0, len(items), together))
        try:
            while left or orders:
                while left and len(orders) < ORDERS_PER_WORKER * counter.num_workers():
                    order = order_of(left.popleft())
                    orders.append((order, client.submit(obey, order, alone, pure=False)))
                order, future = orders.popleft()
                results, again = _outcome(order, future, check, counter, instead)
                del future  # whose result the worker need not keep
                for each in reversed(again):
                    orders.appendleft((each, client.submit(obey, each, alone, pure=False)))
                yield from results
        finally:
            with suppress(Exception):  # of a scheduler that is lost
                client.cancel([future for _, future in orders], force=True)


def _outcome(
    order: Order,
    future: Any,
    check: Callable[[], None],
    counter: "_Counter",
    instead: Callable[[Any, WorkerDied], Any] | None,
) -> tuple[list[Any], list[Order]]:
    """The results of the first items of an order, when they are there, and what is to be sent again for the others."""
    from distributed.scheduler import KilledWorker

    try:
        results = _awaited(future, check, counter)
    except KilledWorker:
        if order.num_lost < MOST_LOST:
            return [], [replace(order, num_lost=order.num_lost + 1)]
        results = [WorkerDied("workers died again and again while they had it")]
    for number, death in enumerate(results):
        if isinstance(death, WorkerDied):
            item = pickle.loads(order.items[number])
            if instead is None:
                raise WorkerDied(f"{item}: {death}")
            results[number] = instead(item, death)
    return results, order.without(len(results))


def obey(order: Order, alone: Alone) -> list[Any]:
    """What a worker does: the results of the first items, of as many as there is time for.

    Of an item that ended a process apart, it is a WorkerDied.

    Raises:
        Stopped: it cannot do it.
        Exception: whatever the function raises of the first item.
    """
    from distributed import get_worker

    place = f"the worker {get_worker().address} on {socket.gethostname()}"
    if order.version != __version__:
        raise Stopped(f"{place} has audeep {__version__}, not {order.version}; install the same version there")
    with _ONE_AT_A_TIME:
        if os.path.isdir(order.folder):
            os.chdir(order.folder)
        for path in order.needs:
            if not os.path.exists(path):
                raise Stopped(f"{path}: is not there for {place}; workers need recordings and models at the same paths")
        function = _function(order.function)
        items, results = list(map(pickle.loads, order.items)), list[Any]()
        end = time.monotonic() + (math.inf if order.num_lost else SECONDS_TOGETHER)
        with ExitStack() as stack:
            work: Iterator[Any] = map(function, items)
            if order.num_lost:
                work = stack.enter_context(closing(alone(function, items)))
            while len(results) < len(items) and not (results and time.monotonic() > end):
                try:
                    results.append(next(work))
                except Exception:
                    if not results:
                        raise
                    break  # it is the first of the order that comes back
        return results


_ONE_AT_A_TIME = threading.Lock()  # logs, and the working directory, are those of a process


@lru_cache(maxsize=4)
def _function(pickled: bytes) -> Callable[[Any], Any]:
    """A function that was sent, which is kept, as it may have models in its memory."""
    reuse_memory()
    function: Callable[[Any], Any] = pickle.loads(pickled)
    return function


class _Counter:
    """How many workers there are, now and then."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.number = 0
        self.is_missed = False
        self.next = 0.0

    def num_workers(self) -> int:
        """At least 1, as they may come yet."""
        if time.monotonic() > self.next:
            self.number = len(self.client.nthreads())
            self.next = time.monotonic() + SECONDS_BETWEEN_COUNTS
            if not self.number and not self.is_missed:
                logger.info("the cluster has no workers yet, waiting for some")
            self.is_missed = not self.number
        return max(1, self.number)


def _awaited(future: Any, check: Callable[[], None], counter: _Counter) -> Any:
    is_done = threading.Event()
    future.add_done_callback(lambda _: is_done.set())
    check()
    while not is_done.wait(SECONDS_BETWEEN_LOOKS):
        check()
        counter.num_workers()
    while True:
        if future.status == "cancelled":
            raise Stopped("the scheduler of the cluster was lost; check that it runs")
        try:
            return future.result(timeout=1)
        except (TimeoutError, asyncio.TimeoutError):  # the worker that had the result is lost
            if future.status == "error":
                raise
            check()
        except ImportError as error:
            raise Stopped(f"a worker cannot import what it needs ({error}); install the same packages there") from error


@contextmanager
def _connected(cluster: Cluster) -> Iterator[Any]:
    """A client of the scheduler, which speaks by exceptions rather than by logs."""
    try:
        import distributed
    except ImportError as error:
        raise OptionError(f"cluster={cluster.address}: needs dask.distributed; install audeep[dask]") from error
    import dask

    loud = logging.getLogger("distributed")
    level = loud.level
    with ExitStack() as stack:
        stack.callback(lambda: loud.setLevel(level))
        loud.setLevel(logging.CRITICAL + 1)
        stack.enter_context(dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}))
        address, security = cluster.address, None
        if cluster.num_local is not None:
            address, security = stack.enter_context(_local_workers(cluster.num_local))
        try:
            client = distributed.Client(
                address, security=security, timeout=CONNECTION_SECONDS, set_as_default=False, name="audeep"
            )
        except (OSError, TimeoutError, asyncio.TimeoutError, ValueError, ImportError) as error:
            reason = " ".join(str(error).split())[:200] or "it does not answer"
            raise OptionError(
                f"cluster={address}: no scheduler answers ({reason}); start one with 'dask scheduler', and check the"
                " address that it prints"
            ) from error
        stack.callback(lambda: client.close(timeout=2))
        yield client


@contextmanager
def _local_workers(number: int) -> Iterator[tuple[str, Any]]:
    """A scheduler in this process and so many workers; its address, and the keys without which nobody else gets in."""
    import dask
    from distributed import LocalCluster, Security

    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="audeep-", ignore_cleanup_errors=True))
        security = Security.temporary()
        stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": 1}))
        scheduler = stack.enter_context(
            LocalCluster(
                n_workers=0,
                host="127.0.0.1",
                protocol="tls://",
                security=security,
                dashboard_address=NO_DASHBOARD,
                silence_logs=logging.CRITICAL + 1,
            )
        )
        keys = {name: getattr(security, name) for name in ROLES}
        settings = {"address": scheduler.scheduler_address, "folder": folder, "keys": keys}
        workers = _Workers(number, json.dumps(settings))
        stack.callback(workers.end)
        yield scheduler.scheduler_address, security


class _Workers:
    """Workers of this machine, each started again when it ends."""

    def __init__(self, number: int, settings: str) -> None:
        self.settings = settings
        self.lock = threading.Lock()
        self.has_ended = False
        self.processes: list[subprocess.Popen[str]] = []
        self.environment = {**worker_threads(number), **os.environ}
        for _ in range(number):
            threading.Thread(target=self._keep, daemon=True).start()

    def end(self) -> None:
        """End all of them, for good."""
        with self.lock:
            self.has_ended = True
        end_processes(self.processes)

    def _keep(self) -> None:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which the process that is started inherits
        while True:
            with self.lock:
                if self.has_ended:
                    return
                command = [sys.executable, "-c", START, json.dumps(sys.path)]
                process = subprocess.Popen(command, stdin=subprocess.PIPE, env=self.environment, text=True)
                self.processes.append(process)
            assert process.stdin is not None
            with suppress(OSError):
                process.stdin.write(f"{self.settings}\n")
                process.stdin.flush()
            process.wait()
            self.processes.remove(process)
            with suppress(OSError):
                process.stdin.close()
            time.sleep(SECONDS_BETWEEN_STARTS)


def serve() -> None:
    """Be a local worker until the process ends that wrote the settings to standard input, however it ends."""
    from distributed import Security, Worker

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = json.loads(sys.stdin.readline())
    os.dup2(2, 1)  # what libraries print is no output of a command
    threading.Thread(target=_end_with_input, daemon=True).start()
    logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)

    async def work() -> None:
        options = {"nthreads": 1, "memory_limit": 0, "local_directory": settings["folder"], "host": "127.0.0.1"}
        security = Security(**settings["keys"], require_encryption=True)
        async with Worker(settings["address"], security=security, dashboard_address=NO_DASHBOARD, **options) as worker:
            await worker.finished()

    asyncio.run(work())


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(1)
