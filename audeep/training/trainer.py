# SPDX-License-Identifier: GPL-3.0-or-later
"""Train autoencoders, resumably, and generate features with them."""

import dataclasses
import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from audeep.data import netcdf
from audeep.data.data_set import DataSet
from audeep.data.schema import GENERATED, NUM_FRAMES
from audeep.errors import AudeepError, ModelError, OptionError, OutputError, ShapeError
from audeep.files import check_target, locked, making
from audeep.memory import reuse_memory
from audeep.progress import progress
from audeep.signals import noted
from audeep.training.batches import Batch, Batches, cropped, describe
from audeep.training.checkpoints import (
    Progress,
    load_model,
    load_optimiser,
    model_path,
    save_checkpoint,
    steps_in,
)

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

logger = logging.getLogger(__name__)

GRADIENT_LIMIT = 2.0  # every gradient value is clipped to [-2, 2]
EVENT_FILES = "events.out.tfevents.*"  # of TensorBoard
WARMUP_STEPS = 50  # over which the learning rate rises in the schedule "cosine"
BATCH_SIZE = 500  # instances that are represented at a time
NUM_SHOWN = 4  # reconstructions written for TensorBoard


LOSS_SCALES = {torch.float32: 1, torch.bfloat16: 1, torch.float16: 2**12}  # lest small gradients become zero


@dataclass(frozen=True)
class TrainingOptions:
    """How to train, whatever the model.

    Attributes:
        precision: what to compute matrix products in: float32, bfloat16 or float16. Weights and losses are float32.
        crop_frames: at each step, train on random stretches of so many frames.
        schedule: of the learning rate. "constant", or "cosine": it rises over the first steps and falls to 0 until the
            last (Loshchilov and Hutter, ICLR 2017, without restarts).
    """

    batch_size: int = 64
    num_epochs: int = 10
    learning_rate: float = 1e-3
    seed: int = 0
    device: str = "auto"
    precision: str = "float32"
    checkpoints_to_keep: int | None = None
    crop_frames: int | None = None
    schedule: str = "constant"


def select_device(name: str = "auto") -> torch.device:
    """The device called `name` (cpu, cuda, cuda:N, mps); auto is CUDA where there is one, else the CPU.

    Raises:
        OptionError: there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type not in ("cpu", "cuda", "mps"):
            raise RuntimeError(f"no support for {device.type}")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        available = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        available += ["mps"] * torch.backends.mps.is_available()
        raise OptionError(
            f"device {name!r} cannot be used here; choose one of: auto, {', '.join(available)}"
        ) from error
    return device


def train(
    data_sets: Sequence[DataSet],
    make_config: Callable[[tuple[int, int]], object],
    model_type: type[nn.Module],
    run_directory: Path,
    options: TrainingOptions,
    resume: bool = False,
) -> nn.Module:
    """Train an autoencoder; after each epoch, write a checkpoint and TensorBoard logs to `run_directory`/logs.

    All randomness is drawn from the seed, the epoch and the step, so a training that was interrupted and resumed ends
    in the same weights as one that was not.

    Args:
        make_config: gives the configuration of the model for a shape [time, freq].
        resume: go on from the newest checkpoint, until `options.num_epochs` epochs have been trained in all.

    Raises:
        ModelError: there are checkpoints and `resume` is not set, or the other way round.
        DataError, ShapeError: the data are unfit for training.
        OutputError: a checkpoint cannot be written.
    """
    logs = run_directory / "logs"
    _check_run_directory(logs, resume)
    reuse_memory()
    device = select_device(options.device)
    batches = Batches(data_sets, options.batch_size, device)
    with _run_directory(logs):
        _check_run_directory(logs, resume)  # again: another process may have been faster
        torch.manual_seed(options.seed)
        config = make_config(batches.shape)
        if resume:
            model, reached = load_model(logs, kind=model_type.kind)
            _check_same(config, model.config, logs)
        else:
            model, reached = model_type(config), Progress(step=0, epoch=0, seed=options.seed)
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
        with noted(signal.SIGTERM) as stop:
            save = partial(
                save_checkpoint,
                keep=options.checkpoints_to_keep,
                preprocessing=_common_preprocessing(data_sets),
            )
            _run_epochs(model, optimiser, batches, logs, options, reached, stop, save)
        return model


def _common_preprocessing(data_sets: Sequence[DataSet]) -> dict[str, Any] | None:
    """Settings that all spectrograms were made with, where that is known."""
    first, *others = [data_set.preprocessing for data_set in data_sets]
    return first if all(settings == first for settings in others) else None


@contextmanager
def _run_directory(logs: Path) -> Iterator[None]:
    """Make the directory of a run for this process alone; an empty one is removed if nothing came of it."""
    with ExitStack() as stack:
        try:
            stack.enter_context(making(logs))
        except OSError as error:
            raise OutputError(f"{logs}: cannot be made: {error.strerror}; choose another --run-name") from error
        stack.enter_context(locked(logs))
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


def _run_epochs(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Batches,
    logs: Path,
    options: TrainingOptions,
    reached: Progress,
    stop: list[int],
    save: Callable[[Path, nn.Module, torch.optim.Optimizer, Progress], None],
) -> None:
    shown = batches.take(np.arange(min(NUM_SHOWN, batches.num_instances)))
    step, seed = reached.step, reached.seed
    done = reached.batch
    with _summary(logs, purge_step=step + 1 if step else None) as summary:
        for epoch in range(reached.epoch + 1, options.num_epochs + 1):
            start = time.monotonic()
            model.train()
            losses = []
            remaining = batches.epoch(np.random.default_rng([seed, epoch]), skip=done)
            for batch in progress(remaining, f"epoch {epoch}", "batches", batches.per_epoch - done):
                step += 1
                for group in optimiser.param_groups:
                    group["lr"] = _learning_rate(options, step, options.num_epochs * batches.per_epoch)
                losses.append(_train_step(model, optimiser, batch, options, seed, step))
                if not np.isfinite(losses[-1]):
                    raise _diverged(logs, epoch, done + len(losses), f"the loss is {losses[-1]}")
                summary.add_scalar("loss/step", losses[-1], step)
                if stop and done + len(losses) < batches.per_epoch:
                    _check_finite(model, logs, epoch, done + len(losses))
                    left = Progress(step, epoch - 1, seed, done + len(losses))
                    save(logs, model, optimiser, left)
                    raise _terminated(logs, step)
            mean_loss = float(np.mean(losses))
            _check_finite(model, logs, epoch, done + len(losses))
            summary.add_scalar("loss/epoch", mean_loss, step)
            _show_reconstructions(summary, model, shown, step)
            save(logs, model, optimiser, Progress(step, epoch, seed))
            logger.info(
                "epoch %d of %d: loss %.4f, %d batches in %.1f s, %s",
                *(epoch, options.num_epochs, mean_loss, len(losses), time.monotonic() - start),
                model_path(logs, step).name,
            )
            if stop and epoch < options.num_epochs:
                raise _terminated(logs, step)
            done = 0


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
    return options.learning_rate * min(1, step / WARMUP_STEPS) * (1 + math.cos(math.pi * step / num_steps)) / 2


def _train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    options: TrainingOptions,
    seed: int,
    step: int,
) -> float:
    torch.manual_seed(int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> np.uint64(1)))
    precision = getattr(torch, options.precision)
    if options.crop_frames is not None:
        batch = cropped(batch, options.crop_frames)
    optimiser.zero_grad()
    with torch.autocast(batch.spectrograms.device.type, precision, enabled=precision != torch.float32):
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


def generate(
    model_directory: Path,
    data_set: DataSet,
    outputs: Sequence[Path],
    steps: Sequence[int] | None = None,
    *,
    kind: str | None = None,
    batch_size: int = BATCH_SIZE,
    device: str = "auto",
    pooled: bool = False,
) -> None:
    """Write the representations of all instances, one file for each training step.

    Args:
        steps: steps of the checkpoints to use; by default the newest.
        kind: the kind of model expected ("t-rae").
        pooled: represent instances by `represent_pooled`, which the models of t-rae have.

    Raises:
        OptionError: the numbers of steps and outputs differ.
        ModelError: a checkpoint is missing or damaged.
        ShapeError: the model was trained on another shape.
        OutputError: an output cannot be written.
    """
    chosen: Sequence[int | None] = [None] if steps is None else steps
    if len(chosen) != len(outputs):
        raise OptionError(
            f"{len(outputs)} output files for {len(chosen)} training steps; give one --output for each of --steps"
        )
    for number, output in enumerate(outputs):
        if output in outputs[:number]:
            raise OptionError(f"{output}: is named twice; give each step an output of its own")
        check_target(output)
    models = [load_model(model_directory, step, kind)[0] for step in chosen]
    for model in models:
        skipped = 1 if data_set.is_padded else 0  # the number of frames may be any
        if data_set.feature_shape[skipped:] != model.config.input_shape[skipped:]:
            raise ShapeError(
                f"instances have features of shape {describe(data_set.feature_shape)}, the model in {model_directory}"
                f" was trained on {describe(model.config.input_shape)}; run 'audeep preprocess' as for training"
            )
    for model, output in zip(models, outputs, strict=True):
        _generate(model.to(select_device(device)).eval(), data_set, output, batch_size, pooled)
        logger.info("%s: features of %d instances written", output, len(data_set))


@torch.inference_mode()
def represented(
    model: nn.Module, data_set: DataSet, batch_size: int = BATCH_SIZE, pooled: bool = False
) -> Iterator[tuple[DataSet, np.ndarray]]:
    """The data set part by part, each with its representations [instance, ...], by a model that does not train."""
    represent = model.represent_pooled if pooled else model.represent
    device = next(model.parameters()).device
    parts = [data_set[start : start + batch_size] for start in range(0, len(data_set), batch_size)]
    for part in progress(parts, "generate", "batches"):
        lengths = torch.from_numpy(part.num_frames).to(device) if part.is_padded else None
        yield part, represent(torch.from_numpy(part.features).to(device), lengths).cpu().numpy()


@torch.inference_mode()
def _generate(model: nn.Module, data_set: DataSet, output: Path, batch_size: int, pooled: bool) -> None:
    device = next(model.parameters()).device
    represent = model.represent_pooled if pooled else model.represent
    shape = represent(torch.zeros(1, *data_set.feature_shape, device=device)).shape[1:]
    names = [GENERATED] if len(shape) == 1 else [f"{GENERATED}_{axis}" for axis in range(len(shape))]
    with netcdf.writing(output, names, shape, data_set.num_folds, data_set.label_map) as writer:
        for part, features in represented(model, data_set, batch_size, pooled):
            kept = {name: column for name, column in part.metadata.items() if len(shape) > 1 or name != NUM_FRAMES.name}
            writer.append(kept, features)
