# SPDX-License-Identifier: GPL-3.0-or-later
"""Features by trained autoencoders."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from audeep.data import netcdf
from audeep.data.data_set import DataSet
from audeep.data.schema import GENERATED, NUM_FRAMES
from audeep.errors import OptionError, ShapeError, describe
from audeep.models.checkpoints import load_model
from audeep.models.devices import select_device
from audeep.models.registry import kind_of
from audeep.runtime.files import check_target
from audeep.runtime.progress import progress

logger = logging.getLogger(__name__)

BATCH_SIZE = 500  # instances that are represented at a time


def generate(
    model_directory: Path,
    data_set: DataSet,
    outputs: Sequence[Path],
    steps: Sequence[int | str] | None = None,
    *,
    kind: str | None = None,
    batch_size: int = BATCH_SIZE,
    device: str = "auto",
    pooled: bool = False,
) -> None:
    """Write the representations of all instances, one file for each training step.

    Args:
        steps: steps of the checkpoints to use, or `checkpoints.BEST`; by default the newest.
        kind: the kind of model expected ("t-rae").
        pooled: represent instances by `embed_pooled`, which the models of t-rae have.

    Raises:
        OptionError: the numbers of steps and outputs differ, or there are no pooled features.
        ModelError: a checkpoint is missing or damaged.
        ShapeError: the model was trained on another shape.
        OutputError: an output cannot be written.
    """
    chosen: Sequence[int | str | None] = [None] if steps is None else steps
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
        check_shape(model, data_set, model_directory)
    for model, output in zip(models, outputs, strict=True):
        _generate(model.to(select_device(device)), data_set, output, batch_size, pooled)
        logger.info("%s: features of %d instances written", output, len(data_set))


def check_shape(model: nn.Module, data_set: DataSet, model_directory: Path) -> None:
    """Check that `model` can read the instances.

    Raises:
        ShapeError: it was trained on another shape.
    """
    skipped = 1 if data_set.is_padded else 0  # the number of frames may be any
    if data_set.feature_shape[skipped:] != model.config.input_shape[skipped:]:
        raise ShapeError(
            f"instances have features of shape {describe(data_set.feature_shape)}, the model in {model_directory}"
            f" was trained on {describe(model.config.input_shape)}; run 'audeep preprocess' as for training"
        )


def representing(model: nn.Module, pooled: bool) -> Callable[..., Tensor]:
    """The method of `model` that gives its representations, or its pooled ones.

    Raises:
        OptionError: it has no pooled ones.
    """
    if pooled and not hasattr(model, "embed_pooled"):
        raise OptionError(f"pooled=True: {kind_of(type(model))} has no pooled features; leave it out")
    return model.embed_pooled if pooled else model.embed


@torch.inference_mode()
def represented(
    model: nn.Module, data_set: DataSet, batch_size: int = BATCH_SIZE, pooled: bool = False
) -> Iterator[tuple[DataSet, np.ndarray]]:
    """The data set part by part, each with its representations [instance, ...], by a model that does not train."""
    represent = representing(model, pooled)
    device = next(model.parameters()).device
    parts = [data_set[start : start + batch_size] for start in range(0, len(data_set), batch_size)]
    for part in progress(parts, "generate", "batches"):
        lengths = torch.from_numpy(part.num_frames).to(device) if part.is_padded else None
        yield part, represent(torch.from_numpy(part.features).to(device), lengths).cpu().numpy()


@torch.inference_mode()
def _generate(model: nn.Module, data_set: DataSet, output: Path, batch_size: int, pooled: bool) -> None:
    device = next(model.parameters()).device
    represent = representing(model, pooled)
    shape = represent(torch.zeros(1, *data_set.feature_shape, device=device)).shape[1:]
    names = [GENERATED] if len(shape) == 1 else [f"{GENERATED}_{axis}" for axis in range(len(shape))]
    with netcdf.writing(output, names, shape, data_set.num_folds, data_set.label_map) as writer:
        for part, features in represented(model, data_set, batch_size, pooled):
            kept = {name: column for name, column in part.metadata.items() if len(shape) > 1 or name != NUM_FRAMES.name}
            writer.append(kept, features)


def represent(model: nn.Module, data_set: DataSet, batch_size: int = BATCH_SIZE) -> DataSet:
    """The same instances with one vector each [instance, generated]: where frames have theirs, the mean over frames."""
    vectors = []
    for part, features in represented(model.eval(), data_set, batch_size):
        if features.ndim == 3:  # [instance, time, generated], zeros in the padding
            features = features.sum(axis=1) / part.num_frames[:, np.newaxis]
        vectors.append(features)
    return data_set.with_features(np.concatenate(vectors), [GENERATED])
