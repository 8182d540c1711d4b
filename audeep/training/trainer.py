# SPDX-License-Identifier: GPL-3.0-or-later
"""Train models of any kind, resumably."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from audeep.data.data_set import DataSet
from audeep.errors import AudeepError, ModelError, OptionError, Stopped
from audeep.models.base import Batch, ContrastiveNetwork, FittedModel, Network, Tagger
from audeep.models.checkpoints import (
    Progress,
    load_model,
    load_optimiser,
    model_path,
    save_checkpoint,
    save_model,
    steps_in,
)
from audeep.models.curve import Point, best_of, lowest_loss, read_curve, write_curve
from audeep.models.devices import repeatable, within_memory
from audeep.models.layers.draws import drawing_from, seed_of
from audeep.models.registry import kind_of, model_type_of
from audeep.runtime.memory import reuse_memory
from audeep.runtime.progress import Begun, progress
from audeep.runtime.results import SETTINGS_NAME, write_results
from audeep.runtime.signals import deferred_signals
from audeep.training.augmentation import for_validation
from audeep.training.batches import Batches, common_preprocessing
from audeep.training.beginnings import batches_of, config_of, optimiser_of
from audeep.training.calibration import calibrate
from audeep.training.distributed import Processes, joined
from audeep.training.fitting import fit
from audeep.training.labels import Labels
from audeep.training.objectives import LearnsBeside, Objective, objective_of
from audeep.training.options import (
    ContrastiveOptions,
    FittingOptions,
    TrainingOptions,
    options_type_of,
)
from audeep.training.state import (
    check_begun,
    check_long_enough,
    check_progress,
    check_run_directory,
    check_same_batches,
    check_same_config,
    check_validated,
    run_directory,
)
from audeep.training.steps import Steps
from audeep.training.summary import opened_summary
from audeep.training.tracking import Tracking
from audeep.training.validation import validation_loss
from audeep.training.warm_start import warm_start

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

logger = logging.getLogger(__name__)

NUM_SHOWN = 4  # instances that TensorBoard is shown

AfterEpoch = Callable[[Sequence[Point]], None]


def train(
    data_sets: Sequence[DataSet],
    model: str | type[Network],
    run_name: Path,
    config: Mapping[str, Any] | None = None,
    options: TrainingOptions | FittingOptions | None = None,
    *,
    resume: bool = False,
    after_epoch: AfterEpoch | None = None,
    tracking: Tracking | None = None,
) -> Network:
    """Train a model; after each epoch, write a checkpoint, losses, settings and TensorBoard logs to `run_name`/logs.

    All randomness is drawn from the seed, the epoch and the step, so a training that was interrupted and resumed ends
    in the same weights as one that was not. A kind that learns without gradients is fitted at once; see `fit`.

    Args:
        model: kind of model ("t-rae"), or its class.
        config: values of options of this kind, by name; the others have their defaults.
        options: `FittingOptions` for a kind that learns without gradients, `ContrastiveOptions` for contrastive.
        resume: go on from the newest checkpoint, until `options.num_epochs` epochs have been trained in all.
        after_epoch: is given the learning curve, once the checkpoint of an epoch is written.
        tracking: trackers that are told of the losses, too; what is fitted at once is not reported.

    Raises:
        OptionError: an option is out of range, or unknown; the package of a tracker is missing; a batch does not
            fit into the memory of a GPU.
        ModelError: there is no such kind; there are checkpoints and `resume` is not set, or the other way round.
        DataError, ShapeError: the data are unfit for training.
        OutputError: a checkpoint cannot be written, or a tracker not be reached.
    """
    model_type = model_type_of(model) if isinstance(model, str) else model
    if issubclass(model_type, FittedModel):
        if isinstance(options, TrainingOptions) or resume:
            given = "resume=True" if resume else "TrainingOptions"
            raise OptionError(f"{given}: a {kind_of(model_type)} model is fitted at once; pass FittingOptions alone")
        return fit(data_sets, model_type, run_name, config, options)
    options, logs = _options_for(model_type, options), run_name / "logs"
    reuse_memory()
    with ExitStack() as stack:
        stack.enter_context(repeatable())
        processes = stack.enter_context(joined())
        processes.check_batch_size(options.batch_size)
        check_run_directory(logs, resume)
        if processes.is_first:
            stack.enter_context(run_directory(logs))
            check_run_directory(logs, resume)  # again: another run may have been faster
        run, reached = _prepared(data_sets, model_type, logs, config or {}, options, resume, processes)
        inputs = [data_set.source for data_set in data_sets]
        run.settings = {"input": inputs, "run_name": run_name, **asdict(options), **asdict(run.model.config)}
        if processes.are_several:
            run.settings["processes"] = processes.count
        if not (resume or options.num_epochs):
            run.stay_untrained()
            return run.model
        if reached.epoch >= options.num_epochs:
            logger.info("%s: %d epochs have been trained already, nothing to do", logs, reached.epoch)
            return run.model
        if resume:
            logger.info(
                "%s: going on from step %d, with the seed %d of the first run", logs, reached.step, reached.seed
            )
        with within_memory(), deferred_signals(signal.SIGTERM, signal.SIGINT) as stop:
            run.go_on(reached, after_epoch, stop, tracking)
        return run.model


def _options_for(model_type: type[Network], options: TrainingOptions | FittingOptions | None) -> TrainingOptions:
    """The options of a training in steps, by default those of this kind of model.

    Raises:
        OptionError: they are of another kind.
    """
    if isinstance(options, FittingOptions):
        raise OptionError(f"FittingOptions: a {kind_of(model_type)} model is trained in steps; pass TrainingOptions")
    options = options or options_type_of(model_type)()
    if issubclass(model_type, ContrastiveNetwork) and not isinstance(options, ContrastiveOptions):
        raise OptionError(f"{type(options).__name__}: {kind_of(model_type)} needs ContrastiveOptions; pass some")
    assert isinstance(options, TrainingOptions), "what is not fitted is trained in steps"
    return options


def _prepared(
    data_sets: Sequence[DataSet],
    model_type: type[Network],
    logs: Path,
    config: Mapping[str, Any],
    options: TrainingOptions,
    resume: bool,
    processes: Processes,
) -> tuple[_Run, Progress]:
    """A run that can go on, and how far it has come."""
    device = processes.device(options.device)
    loaded, reached, curve = None, Progress(step=0, epoch=0, seed=options.seed), []
    if resume:
        loaded, reached = load_model(logs, kind=kind_of(model_type))
        check_progress(reached, steps_in(logs)[-1], logs)
        check_begun(reached, logs)
        curve = read_curve(logs, reached.step)
        check_validated(curve, reached, options, logs)
    labels = Labels(data_sets) if issubclass(model_type, Tagger) else None
    wanted = config_of(data_sets, model_type, config, options, labels)
    batches, held_out = batches_of(data_sets, options, reached.seed, device, labels, wanted)
    if loaded is None:
        with drawing_from(options.seed, everything=not model_type.draws_itself):
            model = model_type(wanted)
        if options.start_from is not None:
            warm_start(model, options.start_from)
    else:
        model = loaded
        check_same_config(wanted, model.config, logs)
        check_same_batches(reached, batches, logs)
    if isinstance(model, Tagger) and labels is not None:
        if loaded is not None and model.labels != labels.names:
            raise ModelError(f"{logs}: the model was trained on other labels; continue with the data of the first run")
        model.labels = labels.names
        check_long_enough(model, options, batches, held_out)
    model.to(device)
    objective, beside = objective_of(model), None
    if isinstance(objective, LearnsBeside):
        with drawing_from(seed_of(reached.seed, 0)):
            beside = objective.learned_beside(batches.num_instances)
    optimiser = optimiser_of(
        [*model.parameters(), *([] if beside is None else beside.to(device).parameters())], options
    )
    if resume:
        load_optimiser(logs, reached.step, optimiser, beside)
    for each in (model, *([] if beside is None else [beside])):
        processes.start_alike(each.state_dict().values())
    facts = options, reached.seed, curve, common_preprocessing(data_sets), processes, beside
    return _Run(model, objective, optimiser, batches, held_out, logs, *facts), reached


@dataclass
class _Run:
    """What a training works with, and how far its learning curve has come."""

    model: Network
    objective: Objective
    optimiser: torch.optim.Optimizer
    batches: Batches
    held_out: Batches | None
    logs: Path
    options: TrainingOptions
    seed: int
    curve: list[Point]
    preprocessing: dict[str, Any] | None
    processes: Processes
    beside: nn.Module | None = None
    settings: dict[str, Any] | None = None
    begun: Begun | None = None

    def __post_init__(self) -> None:
        facts = self.options, self.seed, self.batches.per_epoch, self.processes
        self.steps = Steps(self.model, self.objective, self.optimiser, *facts)

    def go_on(
        self, reached: Progress, after_epoch: AfterEpoch | None, stop: Sequence[int], tracking: Tracking | None
    ) -> None:
        """Train until all epochs are done, patience is at its end, or something arrives in `stop` of any process.

        Raises:
            Stopped: another process has ended.
        """
        shown = self.batches.take(np.arange(min(NUM_SHOWN, self.batches.num_instances)))
        purge_step = reached.step + 1 if reached.step else None
        shows, told = self.processes.is_first, (self.settings or {}, tracking)
        try:
            with opened_summary(self.logs, purge_step, *told, is_written=shows) as summary:
                while reached.epoch < self.options.num_epochs and not self._is_out_of_patience():
                    reached = self._epoch(reached, summary, shown, stop)
                    if after_epoch is not None and self.processes.is_first:
                        after_epoch(self.curve)
                    if reached.epoch < self.options.num_epochs and self.processes.any(bool(stop)):
                        raise _terminated(self.logs, reached.step, stop)
        except Stopped as error:
            raise Stopped(f"{self.logs}: {error} ({self._kept()}); go on with resume=True") from error

    def stay_untrained(self) -> None:
        """Write the model as it begins, but for statistics of batch normalisation."""
        calibrate(self.model, self.batches.epoch(np.random.default_rng([self.seed, 1])), self.steps.loss)
        if self.processes.is_first:
            self._write_settings()
            save_model(self.logs, self.model, Progress(0, 0, self.seed), self.preprocessing)
        self.processes.wait()
        logger.info("%s: an untrained network, %s", self.logs, model_path(self.logs, 0).name)

    def _is_out_of_patience(self) -> bool:
        best = best_of(self.curve)
        if self.options.patience is None or best is None or self.curve[-1].epoch < best.epoch + self.options.patience:
            return False
        logger.info(
            "%s: %d epochs without a lower validation loss than the %.4f of epoch %d, %s",
            *(self.logs, self.curve[-1].epoch - best.epoch, best.validation_loss, best.epoch),
            model_path(self.logs, best.step).name,
        )
        return True

    def _epoch(self, reached: Progress, summary: SummaryWriter, shown: Batch, stop: Sequence[int]) -> Progress:
        """Finish an epoch: losses, checkpoint, and one line."""
        start = time.monotonic()
        epoch = reached.epoch + 1
        losses = self._losses(reached, summary, stop)
        reached = Progress(reached.step + len(losses), epoch, self.seed)
        self._check_finite(epoch, self.batches.per_epoch)
        point = Point(epoch, reached.step, float(np.mean(losses)), self._validation_loss(epoch))
        self.curve.append(point)
        summary.add_scalar("loss/epoch", point.loss, point.step)
        summary.add_scalar("loss/best", lowest_loss(self.curve), point.step)
        validated = ""
        if point.validation_loss is not None:
            summary.add_scalar("loss/validation", point.validation_loss, point.step)
            validated = f"validation loss {point.validation_loss:.4f}{' (best)' * (best_of(self.curve) is point)}, "
        self.model.eval()
        if self.processes.is_first:
            with torch.inference_mode(), drawing_from(self.seed):
                self.objective.show(summary, shown, point.step)
            write_curve(self.logs, self.curve)
        self._save(reached)
        summary.flush()
        logger.info(
            "epoch %d of %d: loss %.4f, %s%d batches in %.1f s, %s",
            *(epoch, self.options.num_epochs, point.loss, validated, len(losses), time.monotonic() - start),
            model_path(self.logs, point.step).name,
        )
        return reached

    def _losses(self, reached: Progress, summary: SummaryWriter, stop: Sequence[int]) -> list[float]:
        """The losses of those steps of the next epoch that are not done yet."""
        self.model.train()
        epoch, per_epoch = reached.epoch + 1, self.batches.per_epoch
        losses: list[float] = []
        remaining = self.batches.epoch(np.random.default_rng([self.seed, epoch]), skip=reached.batch)
        num_epochs, before = self.options.num_epochs, reached.epoch * per_epoch + reached.batch
        what = f"epoch {epoch} of {num_epochs}"
        self.begun = self.begun or (before, time.time())
        for batch in progress(remaining, what, "batches", num_epochs * per_epoch, before, self.begun):
            step = reached.step + len(losses) + 1
            losses.append(self.steps(batch, step))
            done = reached.batch + len(losses)
            if not np.isfinite(losses[-1]):
                raise self._diverged(epoch, done, f"the loss is {losses[-1]}")
            summary.add_scalar("loss/step", losses[-1], step)
            if done < per_epoch and self.processes.any(bool(stop)):
                self._check_finite(epoch, done)
                sizes = self.batches.batch_size, self.batches.num_instances
                self._save(Progress(step, reached.epoch, self.seed, done, *sizes))
                raise _terminated(self.logs, step, stop)
        return losses

    def _validation_loss(self, epoch: int) -> float | None:
        if self.held_out is None:
            return None
        precision = getattr(torch, self.options.precision)
        self.model.eval()
        prepared = partial(for_validation, model=self.model, options=self.options)
        loss = validation_loss(self.objective, self.held_out, precision, self.seed, prepared, self.processes)
        if not np.isfinite(loss):
            raise self._diverged(epoch, self.batches.per_epoch, f"the validation loss is {loss}")
        return loss

    def _write_settings(self) -> None:
        """Once, with the first model."""
        if self.settings is not None:
            write_results(self.logs / SETTINGS_NAME, f"{kind_of(type(self.model))} train", self.settings, {})
            self.settings = None

    def _save(self, reached: Progress) -> None:
        if self.processes.is_first:
            self._write(reached)
        self.processes.wait()

    def _write(self, reached: Progress) -> None:
        self._write_settings()
        best = best_of(self.curve) if self.options.keep_best else None
        save_checkpoint(
            *(self.logs, self.model, self.optimiser, reached, self.options.num_kept, self.preprocessing),
            best=None if best is None else best.step,
            beside=self.beside,
        )

    def _check_finite(self, epoch: int, batch: int) -> None:
        if not all(torch.isfinite(weight).all() for weight in self.model.parameters()):
            raise self._diverged(epoch, batch, "weights are NaN or infinite")

    def _diverged(self, epoch: int, batch: int, found: str) -> ModelError:
        return ModelError(
            f"{self.logs}: epoch {epoch}, batch {batch}: {found}; try a lower learning_rate=RATE ({self._kept()})"
        )

    def _kept(self) -> str:
        steps = steps_in(self.logs)
        return f"the model of step {steps[-1]} is kept" if steps else "there is no model yet"


def _terminated(logs: Path, step: int, stop: Sequence[int]) -> BaseException:
    """What ends a training that was told to end; Ctrl-C is no error."""
    how, kind = ("interrupted", KeyboardInterrupt) if signal.SIGINT in stop else ("terminated", AudeepError)
    return kind(f"{logs}: {how} at step {step}, whose model is written; go on with resume=True")
