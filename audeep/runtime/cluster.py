# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on many items by the workers of dask.distributed: those of a scheduler that runs, or processes of this machine.

dask does a task again elsewhere when its worker is lost, and gives up when several were. An item whose task was given
up is tried once more in a process of its own, so that it is known whether it was the one that workers died of: others
that a worker had meanwhile are not to blame.
"""

import asyncio
import json
import logging
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
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from audeep import __version__
from audeep.errors import OptionError, Stopped
from audeep.runtime.memory import reuse_memory
from audeep.runtime.worker import WorkerDied, end_processes, worker_threads

logger = logging.getLogger(__name__)

LOCAL = "local:"
IN_WORK_PER_WORKER = 8  # items that are in work or whose results wait
CONNECTION_SECONDS = 30
SECONDS_BETWEEN_LOOKS = 0.1  # for reasons to stop, while a result is awaited
SECONDS_BETWEEN_COUNTS = 2.0  # of the workers
SECONDS_BETWEEN_STARTS = 0.5  # of a local worker, again and again
NO_DASHBOARD = "127.0.0.1:0"  # pages that tell how dask is, for this machine alone
START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from audeep.runtime.cluster import serve; serve()"
ROLES = ("tls_ca_file", "tls_worker_cert", "tls_worker_key")

Alone = Callable[[Any, Any], Any]  # gives `function(item)` by a process of its own, or raises WorkerDied


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
    """What is sent to a worker for each item.

    Attributes:
        version: of audeep, which must be the same there.
        folder: the working directory here, to which paths may be relative.
        function, item: pickled.
        needs: paths that there are here.
    """

    version: str
    folder: str
    function: bytes
    item: bytes
    needs: tuple[str, ...]


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
    per_worker: int = IN_WORK_PER_WORKER,
) -> Generator[Any, None, None]:
    """As `execution.run`, by the workers of a cluster.

    Raises:
        OptionError: dask.distributed is not installed, or no scheduler answers.
        Stopped: a worker lacks a path or has another version of audeep, or the scheduler is lost.
        WorkerDied: workers died of an item, and there is no `instead`.
        Exception: whatever the function or `check` raises.
    """
    with _connected(cluster) as client:
        counter = _Counter(client)
        futures: deque[tuple[Order, Any]] = deque()
        try:
            for number in range(len(items)):
                while len(futures) < min(per_worker * counter.num_workers(), len(items) - number):
                    item = items[number + len(futures)]
                    found = [str(path) for path in (*needs, *paths_of(item)) if os.path.exists(path)]
                    order = Order(__version__, os.getcwd(), function, pickle.dumps(item), tuple(found))
                    futures.append((order, client.submit(obey, order, pure=False)))
                order, future = futures.popleft()
                try:
                    result = _result(client, order, future, check, counter, alone)
                except WorkerDied as death:
                    item = pickle.loads(order.item)
                    if instead is None:
                        raise WorkerDied(f"{item}: {death}") from None
                    result = instead(item, death)
                del future  # whose result the worker need not keep
                yield result
        finally:
            with suppress(Exception):  # of a scheduler that is lost
                client.cancel([future for _, future in futures], force=True)


def obey(order: Order, alone: Alone | None = None) -> Any:
    """What a worker does.

    Raises:
        Stopped: it cannot do it.
        WorkerDied: `alone` found that of it.
        Exception: whatever the function raises.
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
        item = pickle.loads(order.item)
        return function(item) if alone is None else alone(function, item)


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


def _result(client: Any, order: Order, future: Any, check: Callable[[], None], counter: _Counter, alone: Alone) -> Any:
    """What an item gave, when it is there."""
    try:
        return _awaited(future, check, counter)
    except _given_up():
        try:
            return _awaited(client.submit(obey, order, alone, pure=False), check, counter)
        except _given_up():
            raise WorkerDied("several workers died of it, perhaps because memory ran out") from None


def _given_up() -> type[Exception]:
    from distributed.scheduler import KilledWorker

    return KilledWorker


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
    loud = logging.getLogger("distributed")
    level = loud.level
    with ExitStack() as stack:
        stack.callback(lambda: loud.setLevel(level))
        loud.setLevel(logging.CRITICAL + 1)
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
