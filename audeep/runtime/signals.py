# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals that ask the process to end, noted rather than obeyed at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def noted(*numbers: signal.Signals) -> Iterator[list[int]]:
    """Those of the signals `numbers` that arrive in the meantime; only a second Ctrl-C ends the process."""
    arrived: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield arrived
        return

    def note(number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT and number in arrived:
            raise KeyboardInterrupt
        arrived.append(number)

    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield arrived
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
