# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of a training: TensorBoard's files, and the experiment trackers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from audeep.models.checkpoints import steps_in
from audeep.runtime.files import write_failures
from audeep.training.tracking import Trackers, Tracking, parameters_of, tracked

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

EVENT_FILES = "events.out.tfevents.*"
COMPARED = ("loss/epoch", "loss/validation", "loss/best")  # beside the hyperparameters
MAGMA = (
    *("000004", "0a0822", "1d1147", "36106b", "51127c", "6a1c81", "832681", "9c2e7f", "b73779"),
    *("d0416f", "e75263", "f56b5c", "fc8961", "fea772", "fec488", "fde2a3", "fcfdbf"),
)  # evenly spaced colours of Matplotlib's map of this name, to interpolate between


@contextmanager
def opened_summary(
    logs: Path,
    purge_step: int | None,
    settings: Mapping[str, Any],
    tracking: Tracking | None = None,
    *,
    is_written: bool = True,
) -> Iterator[SummaryWriter]:
    """A writer of TensorBoard's files in `logs`, which do not stay where no model comes to be; it tells trackers, too.

    Trackers are told of scalars, when it is flushed. Images of one channel are shown in colours.

    Args:
        purge_step: from which on what was written before does not count; None for a new run.
        settings: hyperparameters, to compare runs by.
        is_written: without it, nothing is.

    Raises:
        OutputError: the files cannot be written, or a tracker cannot be reached.
        OptionError: the package of a tracker is missing.
    """
    if not is_written:
        yield cast("SummaryWriter", _Silent())
        return
    from torch.utils.tensorboard import SummaryWriter
    from torch.utils.tensorboard.summary import hparams

    before = set(logs.glob(EVENT_FILES))
    _hush_writers()
    try:
        with (
            tracked(tracking or Tracking(), logs, settings, goes_on=purge_step is not None) as trackers,
            write_failures(logs),
            SummaryWriter(str(logs), purge_step=purge_step) as summary,
        ):
            *begin, end = hparams(parameters_of(settings), dict.fromkeys(COMPARED, 0.0))
            for each in begin:
                summary.file_writer.add_summary(each)
            yield cast("SummaryWriter", _Told(summary, trackers))
            summary.file_writer.add_summary(end)
    finally:
        if not steps_in(logs):
            for path in set(logs.glob(EVENT_FILES)) - before:
                path.unlink()


class _Told:
    """A writer, and trackers that are told of scalars when it is flushed."""

    def __init__(self, writer: SummaryWriter, trackers: Trackers) -> None:
        self.writer, self.trackers = writer, trackers

    def add_scalar(self, name: str, value: Any, step: int) -> None:
        self.writer.add_scalar(name, value, step)
        self.trackers.measure(name, value, step)

    def add_images(self, name: str, images: Tensor, step: int) -> None:
        self.writer.add_images(name, coloured(images[:, 0]) if images.shape[1] == 1 else images, step)

    def flush(self) -> None:
        self.writer.flush()
        self.trackers.send()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.writer, name)


def coloured(images: Tensor) -> Tensor:
    """Images of values from 0 to 1 in colours, from black over red to a light yellow: [image, 3, height, width]."""
    colours = np.array([[int(each[start : start + 2], 16) / 255 for start in (0, 2, 4)] for each in MAGMA])
    places, values = np.linspace(0, 1, len(colours)), images.cpu().numpy()
    channels = [np.interp(values, places, colours[:, channel]) for channel in range(3)]
    return torch.from_numpy(np.stack(channels, axis=1).astype(np.float32))


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
