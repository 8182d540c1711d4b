# SPDX-License-Identifier: GPL-3.0-or-later
"""Standard input, output and error as the shell that started the program gave them: narrow, full, or closed."""

import errno
import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from audeep.errors import OutputError
from audeep.runtime.files import not_written

CLOSED_PIPE = 128 + 13  # exit status of a command that SIGPIPE ended: nobody wants more of its output
STRICT = ("strict", "surrogateescape")  # ways of encoding that fail on some text


class Results:
    """Standard output; where it cannot be written, that is an OutputError that says so, except for a closed pipe."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write; after a failure nothing more is tried.

        Raises:
            OutputError: that fails.
            BrokenPipeError: nobody reads it.
        """
        with self._failures():
            return self.stream.write(text)

    def flush(self) -> None:
        """Bring to its place what was written, as `write`; nothing where that has failed already."""
        if self.error is None:
            with self._failures():
                self.stream.flush()

    def finish(self, status: int) -> int:
        """Write what is left, and give the exit status of a command that ended with `status`."""
        try:
            self.flush()
        except BrokenPipeError:
            return status or CLOSED_PIPE
        except OutputError as error:
            with suppress(OSError):
                print(error, file=sys.stderr)
            return status or 1
        return status

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            if self.error is not None:
                raise self.error
            yield
        except OSError as error:
            if self.error is None:
                self.error = error
                self._discard()
            if isinstance(error, BrokenPipeError):
                raise
            raise not_written("standard output", error) from error

    def _discard(self) -> None:
        """Let Python write what it still holds to nowhere; it would complain at the end of the process."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)


class LogFile(logging.FileHandler):
    """A file that is logged to; where that fails, one line on standard error says so, and work goes on."""

    def __init__(self, path: str) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace")
        self.path = path
        self.has_failed = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        if not self.has_failed:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (of the base class)
        """Say what is wrong, once."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            self._say(error)
        else:
            super().handleError(record)

    def close(self) -> None:
        """Close the file."""
        try:
            super().close()
        except OSError as error:
            self._say(error)

    def _say(self, error: OSError) -> None:
        if not self.has_failed:
            self.has_failed = True
            with suppress(OSError):
                print(f"{not_written(self.path, error)}; nothing more is logged", file=sys.stderr)


@contextmanager
def standard_streams() -> Iterator[Results]:
    """Make standard streams that any text can be written to; gives standard output, which is `sys.stdout` meanwhile.

    Characters that an encoding lacks are written as escapes. What is closed is a device that reads and keeps nothing,
    or, as standard output, fails.
    """
    before = sys.stdin, sys.stdout, sys.stderr
    is_closed = sys.stdout is None
    with suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # else files that are opened take these places
            os.set_inheritable(descriptor, True)
        os.close(descriptor)
    sys.stdin = before[0] or open(os.devnull)
    sys.stderr = before[2] or open(os.devnull, "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in STRICT:
            stream.reconfigure(errors="backslashreplace")
    if isinstance(sys.stdin, io.TextIOWrapper) and sys.stdin.errors == "strict":
        sys.stdin.reconfigure(errors="surrogateescape")
    results = Results(io.StringIO() if is_closed else sys.stdout)
    if is_closed:
        results.error = OSError(errno.EBADF, "it is closed")
    sys.stdout = results
    try:
        yield results
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
