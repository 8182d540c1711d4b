# SPDX-License-Identifier: GPL-3.0-or-later
"""One model for each cross-validation fold: fold-1/logs, fold-2/logs and so on in the directory of a run."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from audeep.data.data_set import DataSet
from audeep.errors import ModelError, OptionError
from audeep.models.base import Network, Tagger
from audeep.models.checkpoints import steps_in
from audeep.models.curve import Point, read_curve
from audeep.models.registry import model_type_of
from audeep.training.labels import Labels
from audeep.training.options import TrainingOptions
from audeep.training.state import check_run_directory
from audeep.training.tracking import Tracking
from audeep.training.trainer import AfterEpoch, train
from audeep.training.validation import held_out_parts

logger = logging.getLogger(__name__)

_NAME = re.compile(r"fold-([1-9][0-9]*)")


def fold_directory(run_name: Path, fold: int) -> Path:
    """The directory of the run of a fold, counted from 1."""
    return run_name / f"fold-{fold}"


def folds_in(run_name: Path) -> list[int]:
    """The folds of which a run has models, counted from 1, ascending.

    Raises:
        ModelError: it has none.
    """
    names = [_NAME.fullmatch(path.name) for path in run_name.iterdir()] if run_name.is_dir() else []
    numbers = sorted(int(match[1]) for match in names if match)
    found = [number for number in numbers if steps_in(fold_directory(run_name, number) / "logs")]
    if not found:
        raise ModelError(f"{run_name}: has no models of folds (fold-1/logs and so on); train some with folds=all")
    return found


def curves_of(run_name: Path) -> list[list[Point]]:
    """The learning curve of a run, or, of a run of folds, those of all folds.

    Raises:
        ModelError: it has no models, its losses were not kept, or a file is damaged.
    """
    logs = [run_name / "logs"]
    if not steps_in(logs[0]):
        logs = [fold_directory(run_name, fold) / "logs" for fold in folds_in(run_name)]
    curves = [read_curve(directory, steps_in(directory)[-1]) for directory in logs]
    for directory, curve in zip(logs, curves, strict=True):
        if not curve:
            raise ModelError(f"{directory}: the losses of this training were not kept; name another run")
    return curves


def train_folds(
    data_sets: Sequence[DataSet],
    model: str | type[Network],
    run_name: Path,
    config: Mapping[str, Any] | None = None,
    options: TrainingOptions | None = None,
    folds: Sequence[int] | None = None,
    *,
    resume: bool = False,
    after_epoch_of: Callable[[Path], AbstractContextManager[AfterEpoch]] | None = None,
    tracking: Tracking | None = None,
) -> None:
    """Train a model for each fold, with what the fold is validated on held out, in `run_name`/fold-K/logs.

    Arguments that are not named here are as for `train`.

    Args:
        options: `validation_fold` becomes each of the folds.
        folds: counted from 1; by default all that the first data set has.
        resume: go on with folds that have been begun, and train those that have not.
        after_epoch_of: makes what `train` calls after each epoch, from the directory of the logs; left at its end.

    Raises:
        OptionError: something else is held out, too; or there are no folds.
        AudeepError: as `train` does.
    """
    options = options or TrainingOptions()
    if options.validation_split is not None or options.validation_partition is not None:
        raise OptionError("folds: the validation part of each fold is held out; leave out other ways to hold out data")
    folds = folds or range(1, data_sets[0].num_folds + 1)
    if not folds:
        raise OptionError("folds=all: the input has no cross-validation folds; make some with 'audeep modify'")
    _check_labels(data_sets, model_type_of(model) if isinstance(model, str) else model, options, folds)
    if not resume:
        for fold in folds:
            check_run_directory(fold_directory(run_name, fold) / "logs", resume)
    for fold in folds:
        directory = fold_directory(run_name, fold)
        logger.info("fold %d of %d", fold, data_sets[0].num_folds)
        with nullcontext() if after_epoch_of is None else after_epoch_of(directory / "logs") as after_epoch:
            train(
                data_sets,
                model,
                directory,
                config,
                replace(options, validation_fold=fold),
                resume=resume and bool(steps_in(directory / "logs")),
                after_epoch=after_epoch,
                tracking=tracking,
            )


def _check_labels(
    data_sets: Sequence[DataSet], model_type: type[Network], options: TrainingOptions, folds: Sequence[int]
) -> None:
    """Check before the first fold is trained that a tagger can learn all labels in each.

    Raises:
        DataError: a label does not occur in the training part of a fold, or there is no such fold.
    """
    if not issubclass(model_type, Tagger):
        return
    labels = Labels(data_sets)
    for fold in folds:
        training, _ = held_out_parts(data_sets, replace(options, validation_fold=fold), options.seed)
        labels.check_all_occur(np.concatenate([labels.targets_of(each) for each in training]), fold)
