# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals that ask the process to end, noted rather than obeyed at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def terminations() -> Iterator[list[int]]:
    """Signals (SIGTERM) that arrive in the meantime; they do not end the process."""
    arrived: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield arrived
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: arrived.append(number))
    try:
        yield arrived
    finally:
        signal.signal(signal.SIGTERM, before)
