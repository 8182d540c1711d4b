# SPDX-License-Identifier: GPL-3.0-or-later
"""The learning curve of a run: ``learning-curve.csv`` beside its checkpoints, a line for each epoch."""

import csv
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audeep.errors import ModelError
from audeep.runtime.files import not_read, replacing

FILE_NAME = "learning-curve.csv"


@dataclass(frozen=True)
class Point:
    """One epoch.

    Attributes:
        step: optimiser steps at its end; the number of its model.
        loss: mean over its training steps, or over those after a checkpoint in its middle from which it went on.
        validation_loss: of what was held out, if anything was.
    """

    epoch: int
    step: int
    loss: float
    validation_loss: float | None = None


@dataclass(frozen=True)
class Band:
    """Mean and standard deviation (of the population) over folds, each [epoch]."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]


@dataclass(frozen=True)
class MeanCurve:
    """The learning curves of several folds as one, up to the last epoch of the shortest.

    Attributes:
        epochs: their numbers [epoch].
        validation_loss: None where a fold has none.
    """

    num_folds: int
    epochs: NDArray[np.int64]
    loss: Band
    validation_loss: Band | None

    @property
    def best(self) -> int | None:
        """Position of the first epoch with the lowest mean validation loss; None if there is none."""
        return None if self.validation_loss is None else int(self.validation_loss.mean.argmin())


HEADER = [field.name for field in fields(Point)]


def best_of(curve: Sequence[Point]) -> Point | None:
    """The first epoch with the lowest validation loss; None if there is no validation loss."""
    validated = [(point.validation_loss, point) for point in curve if point.validation_loss is not None]
    return min(validated, key=lambda pair: pair[0], default=(None, None))[1]


def lowest_loss(curve: Sequence[Point]) -> float:
    """The lowest validation loss, or, where there is none, the lowest loss; of one epoch at least."""
    best = best_of(curve)
    return min(point.loss for point in curve) if best is None or best.validation_loss is None else best.validation_loss


def mean_curve(curves: Sequence[Sequence[Point]]) -> MeanCurve:
    """Mean and deviation over the curves of folds, each of which has an epoch at least."""
    num_epochs = min(map(len, curves))
    points = [curve[:num_epochs] for curve in curves]
    losses = np.array([[point.loss for point in curve] for curve in points])  # [fold, epoch]
    validated = np.array([[point.validation_loss for point in curve] for curve in points], float)
    return MeanCurve(
        len(curves),
        np.array([point.epoch for point in points[0]], np.int64),
        Band(losses.mean(axis=0), losses.std(axis=0)),
        None if np.isnan(validated).any() else Band(validated.mean(axis=0), validated.std(axis=0)),
    )


def write_curve(directory: Path, curve: Sequence[Point]) -> None:
    """Write all epochs so far; numbers come back as they were.

    Raises:
        OutputError: the file cannot be written.
    """
    with (
        replacing(directory / FILE_NAME) as partial,
        open(partial, "w", encoding="utf-8", newline="") as file,
    ):
        csv.writer(file, lineterminator="\n").writerows([HEADER, *map(astuple, curve)])


def read_curve(directory: Path, last_step: int) -> list[Point]:
    """The epochs up to `last_step`, that of the newest checkpoint; empty if there is no file.

    The line of an epoch is written before its checkpoint, so there may be one more than there are checkpoints.

    Raises:
        ModelError: the file is damaged.
    """
    path = directory / FILE_NAME
    if not path.exists():
        return []
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        if not rows or rows[0] != HEADER:
            raise ValueError(f"line 1 is {','.join(rows[0]) if rows else ''!r}")
        curve = [_parsed(number, row) for number, row in enumerate(rows[1:], 2)]
    except OSError as error:
        raise ModelError(not_read(path, error)) from error
    except (ValueError, csv.Error) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{path}: is no learning curve ({reason}); lines of {','.join(HEADER)} were expected, put a copy back"
        ) from error
    return [point for point in curve if point.step <= last_step]


def _parsed(number: int, row: Sequence[str]) -> Point:
    try:
        epoch, step, loss, validation_loss = row
        point = Point(int(epoch), int(step), float(loss), float(validation_loss) if validation_loss else None)
        if not all(math.isfinite(value) for value in (point.loss, point.validation_loss or 0)):
            raise ValueError
    except ValueError:
        raise ValueError(f"line {number} is {','.join(row)!r}") from None
    return point
