# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that are fitted in one go, without gradients."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from audeep.data.data_set import DataSet
from audeep.errors import OptionError
from audeep.models.base import FittedModel
from audeep.models.checkpoints import Progress, model_path, save_model
from audeep.models.curve import Point, write_curve
from audeep.models.devices import select_device
from audeep.models.registry import kind_of
from audeep.runtime.options import from_json
from audeep.runtime.results import SETTINGS_NAME, write_results
from audeep.training.batches import Batches, common_preprocessing, common_shape
from audeep.training.distributed import joined
from audeep.training.options import FittingOptions
from audeep.training.state import check_new_run, run_directory

logger = logging.getLogger(__name__)


def fit(
    data_sets: Sequence[DataSet],
    model_type: type[FittedModel],
    run_name: Path,
    config: Mapping[str, Any] | None = None,
    options: FittingOptions | None = None,
) -> FittedModel:
    """Fit a model, and write it to `run_name`/logs, with the loss of each epoch and the settings.

    All randomness is drawn from the seed.

    Args:
        config: values of options of this kind, by name; the others have their defaults.

    Raises:
        OptionError: an option is out of range, or unknown; or torchrun has started several processes.
        ModelError: there is a model already.
        DataError, ShapeError: the data are unfit for it.
        OutputError: the model cannot be written.
    """
    options, logs = options or FittingOptions(), run_name / "logs"
    with joined() as processes:
        if processes.are_several:
            raise OptionError(
                f"{processes.count} processes: {kind_of(model_type)} is fitted by one alone; start it without torchrun"
            )
    check_new_run(logs)
    with run_directory(logs):
        check_new_run(logs)  # again: another process may have been faster
        batches = Batches(data_sets, 1, select_device(options.device))
        sizes = dict(zip(("num_steps", "num_features"), common_shape(data_sets), strict=True))
        model = model_type(from_json(model_type.config_type, {**sizes, **(config or {})})).to(batches.device)
        curve = _curve(model, batches, options)
        write_curve(logs, curve)
        inputs = [data_set.source for data_set in data_sets]
        settings = {"input": inputs, "run_name": run_name, **asdict(options), **asdict(model.config)}
        write_results(logs / SETTINGS_NAME, f"{kind_of(model_type)} train", settings, {})
        progress = Progress(step=len(curve), epoch=len(curve), seed=options.seed)
        save_model(logs, model, progress, common_preprocessing(data_sets))
        logger.info("%s: model of %d epochs written", model_path(logs, progress.step), progress.epoch)
    return model


def _curve(model: FittedModel, batches: Batches, options: FittingOptions) -> list[Point]:
    """Fit a model; the loss of each epoch."""
    curve = []
    start = time.monotonic()
    losses = model.fit(batches, options.num_epochs, np.random.default_rng(options.seed))
    for epoch, loss in enumerate(losses, 1):
        curve.append(Point(epoch, epoch, loss))
        taken, start = time.monotonic() - start, time.monotonic()
        logger.info("epoch %d of %d: loss %.4f, in %.1f s", epoch, options.num_epochs, loss, taken)
    return curve
