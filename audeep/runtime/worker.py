# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker process: standard input gives it a function and then items, one by one; it answers with what that gives.

A message is eight bytes that tell its length, little endian, and a pickle. An answer is a pair of a result and None,
or of an exception and its traceback as text.
"""

import gc
import os
import pickle
import signal
import subprocess
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import IO, Any

from audeep.errors import Stopped
from audeep.runtime.memory import reuse_memory

START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from audeep.runtime.worker import work; work()"
"""A program for `python -c` that works on items; its argument is `sys.path` as JSON."""


THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SECONDS_TO_END = 1.0  # that a worker has when it is told to, and again when it is killed


class WorkerDied(Stopped):
    """The process that worked on an item was killed, or crashed."""


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_threads(jobs: int) -> dict[str, str]:
    """Variables of the environment that let so many workers share the cores."""
    return dict.fromkeys(THREAD_VARIABLES, str(max(1, available_cores() // jobs)))


def end_processes(processes: "Sequence[subprocess.Popen[Any]]") -> None:
    """End workers: first they are told to, then they are killed; one that even so does not end is left."""
    for order in (subprocess.Popen.terminate, subprocess.Popen.kill):
        running = [process for process in processes if process.poll() is None]
        for process in running:
            order(process)
        deadline = time.monotonic() + SECONDS_TO_END
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))


def send(stream: IO[bytes], content: bytes) -> None:
    """Write a message."""
    stream.write(len(content).to_bytes(8, "little"))
    stream.write(content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """Read a message.

    Raises:
        EOFError: the other process has ended.
    """
    size = _exactly(stream, 8)
    return _exactly(stream, int.from_bytes(size, "little"))


def work() -> None:
    """Work on items until the process that sends them ends, however it ends; Ctrl-C is left to that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # what libraries print is no answer
    reuse_memory()
    messages: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(source, messages), daemon=True).start()
    try:
        function = pickle.loads(messages.get())
    except BaseException as error:  # its module is not here
        function = partial(_fail, error)
    gc.freeze()  # what was imported need not be looked through for garbage
    while True:
        send(sink, _answer(function, messages.get()))


def _answer(function: Any, message: bytes) -> bytes:
    try:
        return pickle.dumps((function(pickle.loads(message)), None), pickle.HIGHEST_PROTOCOL)
    except BaseException as error:
        text = traceback.format_exc()
        try:
            return pickle.dumps((error, text))
        except Exception:  # of exceptions that cannot be sent, the words are
            return pickle.dumps((RuntimeError(f"{type(error).__name__}: {error}"), text))


def _fail(error: BaseException, _: Any) -> None:
    raise error


def _read(source: IO[bytes], messages: "SimpleQueue[bytes]") -> None:
    """Pass messages on, and end this process at their end, whatever it is at."""
    try:
        while True:
            messages.put(receive(source))
    except (EOFError, OSError):
        os._exit(1)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content
