# SPDX-License-Identifier: GPL-3.0-or-later
"""TensorBoard's files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from audeep.models.checkpoints import steps_in
from audeep.runtime.files import write_failures

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

EVENT_FILES = "events.out.tfevents.*"


@contextmanager
def opened_summary(logs: Path, purge_step: int | None, is_written: bool = True) -> Iterator[SummaryWriter]:
    """A writer of TensorBoard's files in `logs`; they do not stay where no model comes to be.

    Args:
        purge_step: from which on what was written before does not count.
        is_written: without it, nothing is.

    Raises:
        OutputError: they cannot be written.
    """
    from torch.utils.tensorboard import SummaryWriter

    if not is_written:
        yield cast("SummaryWriter", _Silent())
        return
    before = set(logs.glob(EVENT_FILES))
    _hush_writers()
    try:
        with write_failures(logs), SummaryWriter(str(logs), purge_step=purge_step) as summary:
            yield summary
    finally:
        if not steps_in(logs):
            for path in set(logs.glob(EVENT_FILES)) - before:
                path.unlink()


class _Silent:
    """Takes what a writer takes."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


@cache
def _hush_writers() -> None:
    """Let TensorBoard's threads end without a traceback where they cannot write: that is raised to their user too."""
    excepthook = threading.excepthook

    def hook(failure: threading.ExceptHookArgs) -> None:
        if not (isinstance(failure.exc_value, OSError) and type(failure.thread).__module__.startswith("tensorboard.")):
            excepthook(failure)

    threading.excepthook = hook
