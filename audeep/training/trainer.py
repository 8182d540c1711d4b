# SPDX-License-Identifier: GPL-3.0-or-later
"""Train autoencoders, resumably."""

import dataclasses
import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from audeep.data.data_set import DataSet
from audeep.errors import AudeepError, ModelError, OutputError
from audeep.models.checkpoints import (
    Progress,
    load_model,
    load_optimiser,
    model_path,
    save_checkpoint,
    steps_in,
)
from audeep.models.curve import Point, best_of, read_curve, write_curve
from audeep.models.devices import computing_in, select_device
from audeep.models.layers.draws import drawing_from
from audeep.runtime.files import created_directories, locked, remove_partials
from audeep.runtime.memory import reuse_memory
from audeep.runtime.progress import progress
from audeep.runtime.signals import deferred_signals
from audeep.training.batches import Batch, Batches, common_shape, cropped
from audeep.training.options import TrainingOptions
from audeep.training.validation import hold_out_partitions, hold_out_share, validation_loss

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

logger = logging.getLogger(__name__)

GRADIENT_LIMIT = 2.0  # every gradient value is clipped to [-2, 2]
EVENT_FILES = "events.out.tfevents.*"  # of TensorBoard
WARMUP_STEPS = 50  # over which the learning rate rises in the schedule "cosine"
NUM_SHOWN = 4  # reconstructions written for TensorBoard


LOSS_SCALES = {torch.float32: 1, torch.bfloat16: 1, torch.float16: 2**12}  # lest small gradients become zero


def train(
    data_sets: Sequence[DataSet],
    make_config: Callable[[tuple[int, int]], object],
    model_type: type[nn.Module],
    run_directory: Path,
    options: TrainingOptions,
    resume: bool = False,
    after_epoch: Callable[[Sequence[Point]], None] | None = None,
) -> nn.Module:
    """Train an autoencoder; after each epoch, write a checkpoint, losses and TensorBoard logs to `run_directory`/logs.

    All randomness is drawn from the seed, the epoch and the step, so a training that was interrupted and resumed ends
    in the same weights as one that was not.

    Args:
        make_config: gives the configuration of the model for a shape [time, freq].
        resume: go on from the newest checkpoint, until `options.num_epochs` epochs have been trained in all.
        after_epoch: is given the learning curve, once the checkpoint of an epoch is written.

    Raises:
        ModelError: there are checkpoints and `resume` is not set, or the other way round.
        DataError, ShapeError: the data are unfit for training.
        OutputError: a checkpoint cannot be written.
    """
    logs = run_directory / "logs"
    _check_run_directory(logs, resume)
    reuse_memory()
    device = select_device(options.device)
    with _run_directory(logs):
        _check_run_directory(logs, resume)  # again: another process may have been faster
        model, reached, curve = None, Progress(step=0, epoch=0, seed=options.seed), []
        if resume:
            model, reached = load_model(logs, kind=model_type.kind)
            curve = read_curve(logs, reached.step)
            _check_validated(curve, reached, options, logs)
        batches, held_out = _batches(data_sets, options, reached.seed, device)
        config = make_config(batches.shape)
        if model is None:
            with drawing_from(options.seed):
                model = model_type(config)
        else:
            _check_same(config, model.config, logs)
            _check_same_batches(reached, batches, logs)
        model.to(device)
        optimiser = torch.optim.Adam(model.parameters(), lr=options.learning_rate, fused=True)
        if resume:
            load_optimiser(logs, reached.step, optimiser)
        if reached.epoch >= options.num_epochs:
            logger.info("%s: %d epochs have been trained already, nothing to do", logs, reached.epoch)
            return model
        if resume:
            logger.info(
                "%s: going on from step %d, with the seed %d of the first run", logs, reached.step, reached.seed
            )
        preprocessing = _common_preprocessing(data_sets)
        run = _Run(model, optimiser, batches, held_out, logs, options, reached.seed, curve, preprocessing)
        with deferred_signals(signal.SIGTERM) as stop:
            run.go_on(reached, after_epoch, stop)
        return model


def _common_preprocessing(data_sets: Sequence[DataSet]) -> dict[str, Any] | None:
    """Settings that all spectrograms were made with, where that is known."""
    first, *others = [data_set.preprocessing for data_set in data_sets]
    return first if all(settings == first for settings in others) else None


def _batches(
    data_sets: Sequence[DataSet], options: TrainingOptions, seed: int, device: torch.device
) -> tuple[Batches, Batches | None]:
    """What to train on, and what is held out."""
    if not options.validates or not any(map(len, data_sets)):
        return Batches(data_sets, options.batch_size, device), None
    if options.validation_split is not None:
        parts = hold_out_share(data_sets, options.validation_split, seed)
    else:
        parts = hold_out_partitions(data_sets, options.validation_partition)
    shape = common_shape(data_sets)
    trained, held_out = (Batches(part, options.batch_size, device, shape=shape) for part in parts)
    logger.info("%d of %d instances are held out", held_out.num_instances, sum(map(len, data_sets)))
    return trained, held_out


@contextmanager
def _run_directory(logs: Path) -> Iterator[None]:
    """Make the directory of a run for this process alone; an empty one is removed if nothing came of it."""
    with ExitStack() as stack:
        try:
            stack.enter_context(created_directories(logs))
        except OSError as error:
            raise OutputError(f"{logs}: cannot be made: {error.strerror}; choose another --run-name") from error
        stack.enter_context(locked(logs))
        remove_partials(logs / "*")
        yield


def _check_run_directory(logs: Path, resume: bool) -> None:
    steps = steps_in(logs)
    if steps and not resume:
        raise ModelError(
            f"{logs}: has a checkpoint of step {steps[-1]} already;"
            " add --continue to go on from it, or choose another --run-name"
        )
    if resume and not steps:
        raise ModelError(f"{logs}: has no checkpoint to continue from; leave out --continue to start a new run")
    in_the_way = next((path for path in (logs, *logs.parents) if path.exists()), None)
    if in_the_way is not None and not in_the_way.is_dir():
        raise OutputError(f"{in_the_way}: is a file, a directory was expected; choose another --run-name")


def _check_same(config: object, trained: object, logs: Path) -> None:
    for field in dataclasses.fields(config):
        asked, found = getattr(config, field.name), getattr(trained, field.name)
        if asked != found:
            raise ModelError(
                f"{logs}: the model has {field.name} {found}, but {asked} was asked for;"
                " continue with the options and data of the first run"
            )


def _check_same_batches(reached: Progress, batches: Batches, logs: Path) -> None:
    trained, found = (reached.batch_size, reached.num_instances), (batches.batch_size, batches.num_instances)
    if reached.batch and trained != found:
        raise ModelError(
            f"{logs}: was left in the middle of an epoch of {trained[1]} instances in batches of {trained[0]}, found"
            f" {found[1]} in batches of {found[0]}; continue with the options and data of the first run"
        )


def _check_validated(curve: Sequence[Point], reached: Progress, options: TrainingOptions, logs: Path) -> None:
    was_validated = bool(curve) and curve[-1].validation_loss is not None
    if reached.epoch and was_validated != options.validates:
        without, other = ("", "without") if was_validated else ("out", "with")
        raise ModelError(
            f"{logs}: the model was trained with{without} held-out data, and is to go on {other} them;"
            " continue with the options and data of the first run"
        )


@dataclass
class _Run:
    """What a training works with, and how far its learning curve has come."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    batches: Batches
    held_out: Batches | None
    logs: Path
    options: TrainingOptions
    seed: int
    curve: list[Point]
    preprocessing: dict[str, Any] | None

    def go_on(
        self, reached: Progress, after_epoch: Callable[[Sequence[Point]], None] | None, stop: Sequence[int]
    ) -> None:
        """Train until all epochs are done, patience is at its end, or something arrives in `stop`."""
        shown = self.batches.take(np.arange(min(NUM_SHOWN, self.batches.num_instances)))
        purge_step = reached.step + 1 if reached.step else None
        with _summary(self.logs, purge_step) as summary:
            while reached.epoch < self.options.num_epochs and not self._is_out_of_patience():
                reached = self._epoch(reached, summary, shown, stop)
                if after_epoch is not None:
                    after_epoch(self.curve)
                if stop and reached.epoch < self.options.num_epochs:
                    raise _terminated(self.logs, reached.step)

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

    def _epoch(self, reached: Progress, summary: "SummaryWriter", shown: Batch, stop: Sequence[int]) -> Progress:
        """Finish an epoch: losses, checkpoint, and one line."""
        start = time.monotonic()
        epoch = reached.epoch + 1
        losses = self._steps(reached, summary, stop)
        reached = Progress(reached.step + len(losses), epoch, self.seed)
        _check_finite(self.model, self.logs, epoch, self.batches.per_epoch)
        point = Point(epoch, reached.step, float(np.mean(losses)), self._validation_loss(epoch))
        self.curve.append(point)
        summary.add_scalar("loss/epoch", point.loss, point.step)
        validated = ""
        if point.validation_loss is not None:
            summary.add_scalar("loss/validation", point.validation_loss, point.step)
            validated = f"validation loss {point.validation_loss:.4f}{' (best)' * (best_of(self.curve) is point)}, "
        with drawing_from(self.seed):
            _show_reconstructions(summary, self.model, shown, point.step)
        write_curve(self.logs, self.curve)
        self._save(reached)
        logger.info(
            "epoch %d of %d: loss %.4f, %s%d batches in %.1f s, %s",
            *(epoch, self.options.num_epochs, point.loss, validated, len(losses), time.monotonic() - start),
            model_path(self.logs, point.step).name,
        )
        return reached

    def _steps(self, reached: Progress, summary: "SummaryWriter", stop: Sequence[int]) -> list[float]:
        """The losses of those steps of the next epoch that are not done yet."""
        self.model.train()
        epoch, per_epoch, losses = reached.epoch + 1, self.batches.per_epoch, []
        remaining = self.batches.epoch(np.random.default_rng([self.seed, epoch]), skip=reached.batch)
        for batch in progress(remaining, f"epoch {epoch}", "batches", per_epoch - reached.batch):
            step = reached.step + len(losses) + 1
            for group in self.optimiser.param_groups:
                group["lr"] = _learning_rate(self.options, step, self.options.num_epochs * per_epoch)
            losses.append(_train_step(self.model, self.optimiser, batch, self.options, self.seed, step))
            done = reached.batch + len(losses)
            if not np.isfinite(losses[-1]):
                raise _diverged(self.logs, epoch, done, f"the loss is {losses[-1]}")
            summary.add_scalar("loss/step", losses[-1], step)
            if stop and done < per_epoch:
                _check_finite(self.model, self.logs, epoch, done)
                sizes = self.batches.batch_size, self.batches.num_instances
                self._save(Progress(step, reached.epoch, self.seed, done, *sizes))
                raise _terminated(self.logs, step)
        return losses

    def _validation_loss(self, epoch: int) -> float | None:
        if self.held_out is None:
            return None
        loss = validation_loss(self.model, self.held_out, getattr(torch, self.options.precision), self.seed)
        if not np.isfinite(loss):
            raise _diverged(self.logs, epoch, self.batches.per_epoch, f"the validation loss is {loss}")
        return loss

    def _save(self, reached: Progress) -> None:
        best = best_of(self.curve) if self.options.keep_best else None
        kept = {"keep": self.options.num_kept, "best": best and best.step}
        save_checkpoint(self.logs, self.model, self.optimiser, reached, **kept, preprocessing=self.preprocessing)


@contextmanager
def _summary(logs: Path, purge_step: int | None) -> Iterator["SummaryWriter"]:
    """TensorBoard's writer, whose failures are an OutputError; its files do not stay where no model comes to be."""
    from torch.utils.tensorboard import SummaryWriter

    before, excepthook = set(logs.glob(EVENT_FILES)), threading.excepthook
    # it writes in a thread, and raises what fails there here too
    threading.excepthook = lambda failure: None if isinstance(failure.exc_value, OSError) else excepthook(failure)
    try:
        with SummaryWriter(str(logs), purge_step=purge_step) as summary:
            yield summary
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{logs}: cannot be written: {reason}; choose another place or free this one") from error
    finally:
        threading.excepthook = excepthook
        if not steps_in(logs):
            for path in set(logs.glob(EVENT_FILES)) - before:
                path.unlink()


def _check_finite(model: nn.Module, logs: Path, epoch: int, batch: int) -> None:
    if not all(torch.isfinite(weight).all() for weight in model.parameters()):
        raise _diverged(logs, epoch, batch, "weights are infinite or no numbers")


def _diverged(logs: Path, epoch: int, batch: int, found: str) -> ModelError:
    steps = steps_in(logs)
    kept = f"the model of step {steps[-1]} is kept" if steps else "there is no model yet"
    return ModelError(f"{logs}: epoch {epoch}, batch {batch}: {found}; try a lower --learning-rate ({kept})")


def _terminated(logs: Path, step: int) -> AudeepError:
    return AudeepError(f"{logs}: terminated at step {step}, whose model is written; go on with --continue")


def _learning_rate(options: TrainingOptions, step: int, num_steps: int) -> float:
    if options.schedule == "constant":
        return options.learning_rate
    share = min(1, step / num_steps)  # there may be more steps where a run went on with smaller batches
    return options.learning_rate * min(1, step / WARMUP_STEPS) * (1 + math.cos(math.pi * share)) / 2


def _train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    options: TrainingOptions,
    seed: int,
    step: int,
) -> float:
    precision = getattr(torch, options.precision)
    optimiser.zero_grad()
    with drawing_from(int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> np.uint64(1))):
        if options.crop_frames is not None:
            batch = cropped(batch, options.crop_frames)
        with computing_in(precision, batch.spectrograms.device):
            loss = model.loss(*batch)
    scale = LOSS_SCALES[precision]
    (loss * scale).backward()
    if scale != 1:
        for parameter in model.parameters():
            parameter.grad /= scale
    nn.utils.clip_grad_value_(model.parameters(), GRADIENT_LIMIT)
    optimiser.step()
    return loss.item()


def _show_reconstructions(summary: object, model: nn.Module, shown: Batch, step: int) -> None:
    """Reconstructions above their originals, time to the right and frequency upward."""
    model.eval()
    with torch.inference_mode():
        pairs = torch.cat([shown.spectrograms, model.reconstruct(*shown)], dim=2)  # [batch, time, 2 * freq], low first
    images = (pairs.transpose(1, 2).flip(1).clamp(-1, 1) + 1) / 2
    summary.add_images("reconstruction above original", images.unsqueeze(1), step)
