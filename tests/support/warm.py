# SPDX-License-Identifier: GPL-3.0-or-later
"""`audeep` for tests that start it often, without the seconds in which Python imports it.

Each command is a process of its own, with the arguments, environment, working directory, umask, limits and standard
streams of who starts it; it runs what `python -m audeep` runs, and its exit status is handed on. Only what is imported
has been so before, in the process that it is a fork of, and libraries compute on one thread. What a test says of the
start itself, of modules, of options and paths of Python, needs a real one.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import warm_server
from tests.support.warm_server import Process

ROOT = Path(__file__).parents[2]


class Warm:
    """Programs in this folder.

    Attributes:
        audeep: what is like the console script.
        module: what is like `python -m`.
        environment: that of this process with these programs, and what is beside its Python, found first.
    """

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "socket"
        self.audeep, self.module = folder / "audeep", folder / "module"
        client = shlex.join([sys.executable, "-IS", warm_server.__file__, str(self.socket)])
        for program, words in ((self.audeep, 'audeep "$@"'), (self.module, '"$@"')):
            program.write_text(f"#!/bin/sh\nexec {client} {words}\n")
            program.chmod(0o755)
        first = [str(folder), str(Path(sys.executable).parent), os.environ["PATH"]]
        self.environment = {**os.environ, "PATH": os.pathsep.join(first)}

    def run(self, *arguments: object, **options: object) -> subprocess.CompletedProcess:
        """`audeep` with these arguments, and with options of `subprocess.run`, to its end; what it printed."""
        return subprocess.run([self.audeep, *map(str, arguments)], capture_output=True, text=True, **options)

    def start(self, *arguments: object) -> Process:
        """`audeep` with these arguments, and nothing to read or to write to, to be killed."""
        nothing = os.open(os.devnull, os.O_RDWR)
        try:
            return Process(str(self.socket), ["audeep", *map(str, arguments)], (nothing, nothing, nothing))
        finally:
            os.close(nothing)


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """`audeep` that starts at once."""
    found = Warm(tmp_path_factory.mktemp("warm"))
    command = [sys.executable, warm_server.__file__, "--serve", found.socket]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, start_new_session=True) as server:
        while not found.socket.exists():
            assert server.poll() is None
            time.sleep(0.01)
        yield found
