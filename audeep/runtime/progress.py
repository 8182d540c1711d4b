# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of long work: a bar on a terminal, plain lines otherwise, nothing where this logger is not at INFO."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0

Begun = tuple[int, float]  # how many items had been done when work began, and when that was, in seconds since 1970

Item = TypeVar("Item")


def progress(
    items: Iterable[Item],
    what: str,
    units: str,
    total: int | None = None,
    done: int = 0,
    begun: Begun | None = None,
) -> Iterator[Item]:
    """Go through `items`, showing how many of them are done, and, on a terminal, the time that is left.

    Args:
        what: the work, as a verb ("preprocess").
        units: what the items are ("files").
        total: number of items, where `items` does not tell, or these are a part of all.
        done: how many were done before.
        begun: of work that is shown in parts, from which the time that is left is told; by default this is all of it.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    if not logger.isEnabledFor(logging.INFO):
        yield from items
    elif sys.stderr.isatty():
        from tqdm import tqdm

        bar = tqdm(items, desc=what, unit=f" {units}", total=total, initial=done, leave=False, dynamic_ncols=True)
        if begun is not None:
            bar.initial, bar.start_t = begun
            bar.smoothing = 0  # the mean speed of all counts
            bar.refresh()
        yield from bar
    else:
        yield from _with_lines(items, what, units, total, done)


def _with_lines(items: Iterable[Item], what: str, units: str, total: int | None, before: int) -> Iterator[Item]:
    start = last = time.monotonic()
    for done, item in enumerate(items, before + 1):
        yield item
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            of_total = "" if total is None else f" of {total}"
            logger.info("%s: %d%s %s, %.0f s", what, done, of_total, units, now - start)
            last = now
