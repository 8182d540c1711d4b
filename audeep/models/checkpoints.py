# SPDX-License-Identifier: GPL-3.0-or-later
"""Models on disk: ``model-<step>.safetensors`` with its configuration inside, safe to load.

The weights of a model and one JSON text, which tells the kind of model, its configuration and how far training had
come, make one file. Beside the newest stands ``model-<step>.optimiser.safetensors``, which training needs to go on.
The optimiser's file is written first, so that a model file means that the checkpoint is complete.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from audeep.errors import ModelError, OptionError, OutputError
from audeep.models.curve import best_of, read_curve
from audeep.models.formats import from_format_1
from audeep.models.frequency_autoencoder import FrequencyAutoencoder
from audeep.models.frequency_time_autoencoder import FrequencyTimeAutoencoder
from audeep.models.masked_frames import MaskedFramesAutoencoder
from audeep.models.time_autoencoder import TimeAutoencoder
from audeep.runtime.files import replacing

KINDS = (TimeAutoencoder, FrequencyAutoencoder, FrequencyTimeAutoencoder, MaskedFramesAutoencoder)
AUTOENCODERS = {model.kind: model for model in KINDS}

BEST = "best"  # in place of a step

_MODEL_NAME = re.compile(r"model-(0|[1-9][0-9]*)\.safetensors")
_OPTIMISER_SUFFIX = ".optimiser.safetensors"
_MOMENTS = ("exp_avg", "exp_avg_sq")  # what Adam keeps for each parameter, beside the step
_HEADER = "audeep"
_MAX_COUNT = 2**53


@dataclass(frozen=True)
class Progress:
    """How far training had come, and from which seed.

    Attributes:
        step: optimiser steps.
        epoch: whole epochs.
        batch: batches of the next epoch, where it was left in the middle.
        batch_size, num_instances: what these batches are of; 0 at the end of an epoch.
    """

    step: int
    epoch: int
    seed: int
    batch: int = 0
    batch_size: int = 0
    num_instances: int = 0


def steps_in(directory: Path) -> list[int]:
    """Steps of the checkpoints in `directory`, ascending; empty if there is no such directory."""
    if not directory.is_dir():
        return []
    found = (_MODEL_NAME.fullmatch(path.name) for path in directory.iterdir())
    return sorted(int(match[1]) for match in found if match)


def model_path(directory: Path, step: int) -> Path:
    """Where the model of `step` is."""
    return directory / f"model-{step}.safetensors"


def place_of(path: Path) -> tuple[Path, int | None]:
    """Directory and step of a model file; of a directory itself, no step."""
    match = _MODEL_NAME.fullmatch(path.name)
    if match is None and not path.is_dir():
        raise ModelError(f"{path}: is no model; name model-<step>.safetensors, or the directory it is in")
    return (path, None) if match is None else (path.parent, int(match[1]))


def optimiser_path(directory: Path, step: int) -> Path:
    """Where the state of the optimiser at `step` is."""
    return directory / f"model-{step}{_OPTIMISER_SUFFIX}"


def save_checkpoint(
    directory: Path,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
    keep: int | None = None,
    preprocessing: Mapping[str, Any] | None = None,
    best: int | None = None,
) -> None:
    """Write a checkpoint; remove older states of the optimiser, and models but the newest `keep` and that of `best`.

    Args:
        preprocessing: settings that the spectrograms trained on were made with.

    Raises:
        OutputError: a file cannot be written.
    """
    state = {
        f"{index}.{name}": value
        for index, values in optimiser.state_dict()["state"].items()
        for name, value in values.items()
    }
    _save(state, optimiser_path(directory, progress.step), {})
    save_model(directory, model, progress, preprocessing)
    for path in directory.glob(f"model-*{_OPTIMISER_SUFFIX}"):
        if path != optimiser_path(directory, progress.step):
            path.unlink()
    if keep is not None:
        for step in steps_in(directory)[:-keep]:
            if step != best:
                model_path(directory, step).unlink()


def save_model(
    directory: Path, model: nn.Module, progress: Progress, preprocessing: Mapping[str, Any] | None = None
) -> None:
    """Write what features are generated with, and no training can go on from.

    Raises:
        OutputError: the file cannot be written.
    """
    header = {"format": 1, "model": model.kind, "config": asdict(model.config), "progress": asdict(progress)}
    if preprocessing is not None:
        header["preprocessing"] = preprocessing
    _save(model.state_dict(), model_path(directory, progress.step), {_HEADER: json.dumps(header)})


def preprocessing_of(directory: Path, step: int | str | None = None) -> dict[str, Any] | None:
    """Settings that the spectrograms were made with which the model of `step` (the newest) was trained on, if known.

    Raises:
        ModelError: there is no such checkpoint, or it is damaged.
    """
    path = _path_of(directory, step)
    header, _ = _read(path)
    try:
        settings = json.loads(header[_HEADER]).get("preprocessing")
    except (KeyError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: is no model of this version of audeep; train it again") from error
    if not isinstance(settings, dict | None):
        raise ModelError(f"{path}: has the preprocessing {settings!r}, settings were expected; it is damaged")
    return settings


def _save(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    with replacing(path) as partial:
        try:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial, metadata)
        except SafetensorError as error:
            raise OutputError(f"{path}: cannot be written: {error}; is the disk full?") from error


def load_model(directory: Path, step: int | str | None = None, kind: str | None = None) -> tuple[nn.Module, Progress]:
    """Load the model of `step`, by default the newest, to the CPU, not in training mode.

    Args:
        step: optimiser steps, or `BEST` for the lowest validation loss.
        kind: the kind of model expected ("t-rae").

    Raises:
        ModelError: there is no such checkpoint, it is damaged, or of another kind.
    """
    path = _path_of(directory, step)
    header, weights = _read(path)
    try:
        facts = from_format_1(json.loads(header[_HEADER]))
        model_type = AUTOENCODERS[facts["model"]]
        config = _from_json(model_type.config_type, facts["config"])
        progress = _from_json(Progress, facts["progress"])
    except (OptionError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        reason = f"has no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: is no model of this version of audeep ({reason}); train it again") from error
    if kind is not None and kind not in (model_type.kind, *getattr(model_type, "also_read_by", ())):
        raise ModelError(
            f"{path}: is a {model_type.kind} model, {kind} was expected; use 'audeep {model_type.kind} generate'"
        )
    model = _without_memory(path, model_type, config, len(weights))
    _check_tensors(path, {name: (tensor.shape, tensor.dtype) for name, tensor in model.state_dict().items()}, weights)
    model.to_empty(device="cpu").load_state_dict(weights)
    return model.eval(), progress


def _path_of(directory: Path, step: int | str | None) -> Path:
    """The model of `step`, by default the newest, which must be there."""
    steps = steps_in(directory)
    if not steps:
        found = "has no checkpoints (model-<step>.safetensors)" if directory.is_dir() else "no such directory"
        if directory.is_file():
            found = "is a file"
        if any(directory.glob("model-*.index")):
            found = "has models of auDeep 0.9, which cannot be used"
        raise ModelError(f"{directory}: {found}; name the 'logs' directory of a training run")
    if step == BEST:
        step = _best_step(directory, steps[-1])
    step = steps[-1] if step is None else step
    if step not in steps:
        shown = ", ".join(map(str, steps))
        raise ModelError(f"{directory}: has no checkpoint of step {step}; there are checkpoints of steps {shown}")
    return model_path(directory, step)


def _best_step(directory: Path, newest: int) -> int:
    best = best_of(read_curve(directory, newest))
    if best is None:
        raise ModelError(
            f"{directory}: nothing tells the best model; train with --validation-split or --validation-partition, or"
            " choose a step"
        )
    return best.step


def _from_json(made: type, values: Mapping[str, object]) -> Any:
    """A dataclass of `values`; KeyError, TypeError or ValueError if they do not fit.

    Its whole numbers are sizes and counts, its other numbers probabilities.
    """
    if not isinstance(values, dict):
        raise TypeError(f"{made.__name__} is {values!r}, expected its fields")
    for field in fields(made):
        value = values[field.name] if field.default is MISSING else values.get(field.name, field.default)
        if type(value) is not field.type and not (field.type is float and type(value) is int):
            raise TypeError(f"{field.name} is {value!r}, expected {field.type.__name__}")
        largest = {int: _MAX_COUNT, float: 1}.get(field.type)
        if largest is not None and not 0 <= value <= largest:
            raise ValueError(f"{field.name} is {value!r}, expected 0 to {largest}")
    unknown = sorted(set(values) - {field.name for field in fields(made)})
    if unknown:
        raise TypeError(f"{unknown[0]} is unknown")
    return made(**values)


def _without_memory(path: Path, model_type: type[nn.Module], config: Any, num_tensors: int) -> nn.Module:
    """A model whose weights have shapes, and take no memory yet."""
    layers = [getattr(config, field.name) for field in fields(config) if field.name.endswith("layers")]
    if min(layers) < 1 or sum(layers) > num_tensors:
        counts = " and ".join(map(str, layers))
        raise ModelError(f"{path}: has {num_tensors} tensors for {counts} layers; it is damaged")
    try:
        with torch.device("meta"):
            return model_type(config)
    except (OptionError, ArithmeticError, KeyError, ValueError, RuntimeError) as error:
        reason = f"unknown {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: has a configuration that makes no model ({reason}); train it again") from error


def _check_tensors(
    path: Path, expected: Mapping[str, tuple[torch.Size, torch.dtype]], found: Mapping[str, Tensor]
) -> None:
    """Check that `found` are the tensors `expected`, and numbers all of them."""
    for name, (shape, dtype) in expected.items():
        if name not in found:
            raise ModelError(f"{path}: has no tensor '{name}'; it is damaged, or of another model")
        tensor = found[name]
        if (tensor.shape, tensor.dtype) != (shape, dtype):
            raise ModelError(
                f"{path}: '{name}' is {_describe(tensor.shape, tensor.dtype)}, expected {_describe(shape, dtype)};"
                " it is damaged, or of another model"
            )
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{path}: '{name}' is infinite or no number in places; use the model of another step")
    unknown = sorted(set(found) - set(expected))
    if unknown:
        raise ModelError(f"{path}: has an unknown tensor '{unknown[0]}'; it is damaged, or of another model")


def _describe(shape: Sequence[int], dtype: torch.dtype) -> str:
    return f"{str(dtype).removeprefix('torch.')} {list(shape)}"


def load_optimiser(directory: Path, step: int, optimiser: torch.optim.Optimizer) -> None:
    """Bring `optimiser` into the state that it had at `step`.

    Raises:
        ModelError: there is no such state, it is damaged, or it belongs to another model.
    """
    path = optimiser_path(directory, step)
    if not path.is_file():
        raise ModelError(f"{path}: no such file; training can only go on from the newest checkpoint of a run")
    _, tensors = _read(path)
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    expected = {f"{index}.step": (torch.Size(), torch.float32) for index in range(len(parameters))}
    for index, parameter in enumerate(parameters):
        expected |= {f"{index}.{moment}": (parameter.shape, parameter.dtype) for moment in _MOMENTS}
    _check_tensors(path, expected, tensors)
    content = optimiser.state_dict()
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        content["state"].setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict(content)


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); it is damaged or no safetensors file") from error
