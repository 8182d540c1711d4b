# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of long work: a bar on a terminal, plain lines otherwise, nothing where this logger is not at INFO."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0

Item = TypeVar("Item")


def progress(items: Iterable[Item], what: str, units: str, total: int | None = None) -> Iterator[Item]:
    """Go through `items`, showing how many of them are done.

    Args:
        what: the work, as a verb ("preprocess").
        units: what the items are ("files").
        total: number of items, where `items` does not tell.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    if not logger.isEnabledFor(logging.INFO):
        yield from items
    elif sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, desc=what, unit=f" {units}", total=total, leave=False, dynamic_ncols=True)
    else:
        yield from _with_lines(items, what, units, total)


def _with_lines(items: Iterable[Item], what: str, units: str, total: int | None) -> Iterator[Item]:
    start = last = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            of_total = "" if total is None else f" of {total}"
            logger.info("%s: %d%s %s, %.0f s", what, done, of_total, units, now - start)
            last = now
