# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs `audeep` for tests (warm.py): it imports everything once, and each command is a fork of it.

This file is run as the server, `--serve SOCKET`, and, as what asks it to run a module, `SOCKET MODULE ARGUMENT...`; the
latter imports little, for it is started often.
"""

import json
import os
import resource
import select
import signal
import socket
import sys
from contextlib import suppress

LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)


class Process:
    """A module that the server with this socket runs, with what this process has but for what is given."""

    def __init__(self, address: str, words: list[str], streams: tuple[int, int, int] = (0, 1, 2)) -> None:
        """Start it; the words are its name and its arguments."""
        umask = os.umask(0)
        os.umask(umask)
        limits = [resource.getrlimit(limit) for limit in LIMITS]
        request = json.dumps([words, dict(os.environ), os.getcwd(), umask, limits]).encode()
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(address)
        socket.send_fds(self.connection, [len(request).to_bytes(8, "big")], list(streams))
        self.connection.sendall(request)
        self.pid = int.from_bytes(received(self.connection, 8), "big")

    def wait(self, seconds: float | None = None) -> int:
        """The exit status, minus the signal that ended it.

        Raises:
            TimeoutError: it runs longer.
        """
        self.connection.settimeout(seconds)
        status = int.from_bytes(received(self.connection, 8), "big", signed=True)
        self.connection.close()
        return status

    def kill(self) -> None:
        """Kill it and what it has started, where it has not ended."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def received(connection: socket.socket, size: int) -> bytes:
    """So many bytes."""
    content = b""
    while len(content) < size:
        part = connection.recv(size - len(content))
        if not part:
            raise EOFError("the other side is gone")
        content += part
    return content


def serve(listening: socket.socket) -> list[str]:
    """Run what is asked for until nobody can ask any more; in each process that runs something, give the words."""
    started = set()
    while True:
        ready, _, _ = select.select([listening, 0], [], [])
        if 0 in ready:  # the end of standard input
            break
        connection, _ = listening.accept()
        pid = os.fork()
        if pid == 0:
            listening.close()
            return attend(connection)
        connection.close()
        started = {each for each in (*started, pid) if os.waitpid(each, os.WNOHANG) == (0, 0)}
    for each in started:
        os.waitpid(each, 0)
    os._exit(0)


def attend(connection: socket.socket) -> list[str]:
    """Start what is asked for, and tell how it ends; in the process that is started, give the words."""
    size, streams, _, _ = socket.recv_fds(connection, 8, 3)
    words, environment, folder, umask, limits = json.loads(received(connection, int.from_bytes(size, "big")))
    pid = os.fork()
    os.setpgid(pid, pid)  # in both, for neither knows which comes first
    if pid == 0:
        connection.close()
        for target, stream in enumerate(streams):
            os.dup2(stream, target)
            os.close(stream)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        os.umask(umask)
        for limit, values in zip(LIMITS, limits, strict=True):
            resource.setrlimit(limit, values)
        return list(words)
    for stream in (0, *streams):
        os.close(stream)
    connection.sendall(pid.to_bytes(8, "big"))
    ended = os.pidfd_open(pid)
    ready, _, _ = select.select([ended, connection], [], [])
    if ended not in ready:  # who asked for it was killed
        os.killpg(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):
        connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(8, "big", signed=True))
    os._exit(0)


def import_all() -> None:
    """Import what commands import."""
    import gc
    import importlib
    import pkgutil

    import audeep
    from audeep.errors import AudeepError

    for name in ("matplotlib.pyplot", "sklearn.svm", "torch._dynamo", "torch.utils.tensorboard"):
        importlib.import_module(name)
    for module in pkgutil.walk_packages(audeep.__path__, "audeep."):
        if not module.name.endswith("__main__"):
            with suppress(AudeepError):  # it needs an optional package
                importlib.import_module(module.name)
    gc.collect()
    gc.freeze()


def run(words: list[str]) -> None:
    """Run a module as a program, on the standard streams that there are now; then this process ends."""
    import atexit
    import runpy
    import threading
    import traceback

    for name, descriptor, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        stream = open(descriptor, mode, errors="backslashreplace" if name == "stderr" else None)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.argv = words
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))  # as where Python starts
    status = 0
    try:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()  # as at the end of the interpreter, but for the time that it takes to free all modules
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main() -> None:
    """Be the server (--serve SOCKET), or ask it to run a module (SOCKET MODULE ARGUMENT...)."""
    _, first, *others = sys.argv
    if first != "--serve":
        status = Process(first, others).wait()
        sys.exit(status if status >= 0 else 128 - status)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"{others[0]}.new")
    listening.listen(100)
    os.rename(f"{others[0]}.new", others[0])  # who finds it can connect
    sys.argv = ["audeep"]
    import_all()
    run(serve(listening))


if __name__ == "__main__":
    main()
