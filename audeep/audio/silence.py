# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what libraries in C print from the terminal and from the output of commands."""

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_lock = threading.Lock()
_saved: dict[int, int] = {}  # standard output and standard error, while they lead nowhere
_num_users = 0


@contextmanager
def silenced() -> Iterator[None]:
    """Let nothing that is written to standard output and standard error by their numbers reach them meanwhile.

    Decoders print there what they think of damaged files: libmpg123 whatever it is told, libsndfile for SDS.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _num_users
    with _lock:
        _num_users += 1
        if _num_users > 1:
            return
        _flush()
        with suppress(OSError):  # there is none to lead nowhere
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for number in (1, 2):
                with suppress(OSError):
                    _saved[number] = os.dup(number)
                    os.dup2(nowhere, number)
            os.close(nowhere)


def _leave() -> None:
    global _num_users
    with _lock:
        _num_users -= 1
        if _num_users:
            return
        _flush()
        for number, saved in _saved.items():
            os.dup2(saved, number)
            os.close(saved)
        _saved.clear()


def _flush() -> None:
    """Write out what the C library holds back."""
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)
