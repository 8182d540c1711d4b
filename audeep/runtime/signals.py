# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals that ask the process to end, deferred so that work stops where it can go on later."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from audeep.errors import Stopped


@contextmanager
def deferred_signals(*numbers: signal.Signals) -> Iterator[list[int]]:
    """Give the list of those of the signals `numbers` that have arrived, which grows meanwhile.

    Only a second Ctrl-C ends the process at once. In another thread than the main one, nothing is deferred.
    """
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


def stop_if_told(arrived: Sequence[int], what: Path | str) -> None:
    """Raise if one of the signals that `deferred_signals` gives has arrived.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        Stopped: another; it names `what`.
    """
    if signal.SIGINT in arrived:
        raise KeyboardInterrupt
    if arrived:
        raise Stopped(f"{what}: terminated")
