# SPDX-License-Identifier: GPL-3.0-or-later
"""Models on disk: ``model-<step>.safetensors`` with its configuration inside, safe to load.

The weights of a model and one JSON text make one file::

    {"format": 2, "model": <kind>, "config": {...}, "progress": {...}, "preprocessing": {...}, "labels": [...]}

of which the last two may be absent. Beside the newest stands ``model-<step>.optimiser.safetensors``, which training
needs to go on. It is written first, so that a model file means that the checkpoint is complete.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from audeep.errors import AudeepError, ModelError
from audeep.models.base import Network, Tagger
from audeep.models.curve import best_of, read_curve
from audeep.models.formats import UPGRADES
from audeep.models.registry import MODELS, kind_of, model_type_of
from audeep.models.tensors import read_tensors, write_tensors
from audeep.runtime.files import found_at, not_read
from audeep.runtime.options import from_json

BEST = "best"  # in place of a step
FORMAT = 2

_MODEL_NAME = re.compile(r"model-(0|[1-9][0-9]*)\.safetensors")
_OPTIMISER_SUFFIX = ".optimiser.safetensors"
_MOMENTS = ("exp_avg", "exp_avg_sq")  # what Adam keeps for each parameter, beside the step
_HEADER = "audeep"


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
    """Steps of the checkpoints in `directory`, ascending; empty if there is no such directory.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        if not directory.is_dir():
            return []
        found = [_MODEL_NAME.fullmatch(path.name) for path in directory.iterdir()]
    except OSError as error:
        raise ModelError(not_read(directory, error)) from error
    return sorted(int(match[1]) for match in found if match)


def logs_in(directory: Path) -> Path:
    """Where the models of a run are, of which the directory is given, or that of its models itself."""
    logs = directory / "logs"
    return logs if os.path.isdir(logs) and not steps_in(directory) else directory  # also where it may not be read


def model_path(directory: Path, step: int) -> Path:
    """Where the model of `step` is."""
    return directory / f"model-{step}.safetensors"


def optimiser_path(directory: Path, step: int) -> Path:
    """Where the state of the optimiser at `step` is."""
    return directory / f"model-{step}{_OPTIMISER_SUFFIX}"


def place_of(path: Path) -> tuple[Path, int | None]:
    """Directory and step of a model file; of a directory itself, no step.

    Raises:
        ModelError: it is neither.
    """
    match = _MODEL_NAME.fullmatch(path.name)
    if match is None and not path.is_dir():
        raise ModelError(f"{path}: is not a model; name model-<step>.safetensors, or the directory it is in")
    return (path, None) if match is None else (path.parent, int(match[1]))


def save_checkpoint(
    directory: Path,
    model: Network,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
    keep: int | None = None,
    preprocessing: Mapping[str, Any] | None = None,
    best: int | None = None,
    beside: nn.Module | None = None,
) -> None:
    """Write a checkpoint; remove older states of the optimiser, and models but the newest `keep` and that of `best`.

    Args:
        beside: what is learned beside the model; is kept with the state of the optimiser.
        preprocessing: settings that the spectrograms trained on were made with.

    Raises:
        OutputError: a file cannot be written.
    """
    state = {
        f"{index}.{name}": value
        for index, values in optimiser.state_dict()["state"].items()
        for name, value in values.items()
    }
    write_tensors(state | _named(beside), optimiser_path(directory, progress.step), {})
    try:
        save_model(directory, model, progress, preprocessing)
    finally:
        if not model_path(directory, progress.step).exists():  # it could not be written
            optimiser_path(directory, progress.step).unlink()
    for path in directory.glob(f"model-*{_OPTIMISER_SUFFIX}"):
        if path != optimiser_path(directory, progress.step):
            path.unlink()
    if keep is not None:
        for step in steps_in(directory)[:-keep]:
            if step != best:
                model_path(directory, step).unlink()


def save_model(
    directory: Path, model: Network, progress: Progress, preprocessing: Mapping[str, Any] | None = None
) -> None:
    """Write what a model is used with; no training can go on from that alone.

    Raises:
        OutputError: the file cannot be written.
    """
    facts = {
        **{"format": FORMAT, "model": kind_of(type(model)), "config": asdict(model.config)},
        "progress": asdict(progress),
    }
    if preprocessing is not None:
        facts["preprocessing"] = preprocessing
    if isinstance(model, Tagger):
        facts["labels"] = model.labels
    write_tensors(model.state_dict(), model_path(directory, progress.step), {_HEADER: json.dumps(facts)})


def preprocessing_of(directory: Path, step: int | str | None = None) -> dict[str, Any] | None:
    """Settings that the spectrograms were made with which the model of `step` (the newest) was trained on, if known.

    Raises:
        ModelError: there is no such checkpoint, or it is damaged.
    """
    path = _path_of(directory, step)
    settings = _facts(path, read_tensors(path, wants_tensors=False)[0]).get("preprocessing")
    if not isinstance(settings, dict | None):
        raise ModelError(f"{path}: has the preprocessing {settings!r}, settings were expected; it is damaged")
    return settings


def load_model(directory: Path, step: int | str | None = None, kind: str | None = None) -> tuple[Network, Progress]:
    """Load the model of `step`, by default the newest, to the CPU, not in training mode.

    Args:
        step: optimiser steps, or `BEST` for the lowest validation loss.
        kind: the kind of model expected ("t-rae").

    Raises:
        ModelError: there is no such checkpoint, it is damaged, or of another kind.
    """
    path = _path_of(directory, step)
    header, weights = read_tensors(path)
    facts = _facts(path, header)
    found = facts["model"]
    if found not in MODELS:
        raise ModelError(f"{path}: is a {found} model, which no installed package brings; install it")
    try:
        model_type = model_type_of(found)
        config = from_json(model_type.config_type, facts["config"])
        progress = from_json(Progress, facts["progress"])
    except (AudeepError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        reason = f"has no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: cannot be used by this version of audeep ({reason}); train it again") from error
    if kind is not None and kind not in (found, *model_type.also_read_by):
        raise ModelError(f"{path}: is a {found} model, {kind} was expected; use 'audeep {found}'")
    model = _without_memory(path, model_type, config, weights)
    _check_tensors(path, {name: (tensor.shape, tensor.dtype) for name, tensor in model.state_dict().items()}, weights)
    # copies, for what was read may be the file itself; without `to_empty`, as in `drawn`
    model.load_state_dict({name: tensor.clone() for name, tensor in weights.items()}, assign=True)
    if isinstance(model, Tagger):
        model.labels = _labels(path, facts, model.config.num_labels)
    return model.eval(), progress


def _path_of(directory: Path, step: int | str | None) -> Path:
    return model_path(logs_in(directory), step_of(directory, step))


def step_of(directory: Path, step: int | str | None) -> int:
    """The step of a model that is there: `step` itself, that of the best, or by default the newest.

    Raises:
        ModelError: there is no such checkpoint.
    """
    directory = logs_in(directory)
    steps = steps_in(directory)
    if not steps:
        found = (
            "has no checkpoints (model-<step>.safetensors)" if directory.is_dir() else found_at(directory, "directory")
        )
        if any(directory.glob("model-*.index")):
            found = "has models of auDeep 0.9, which cannot be used"
        raise ModelError(f"{directory}: {found}; name the directory of a training run")
    if step == BEST:
        step = _best_step(directory, steps[-1])
    step = steps[-1] if step is None else step
    if step not in steps:
        shown = ", ".join(map(str, steps))
        raise ModelError(f"{directory}: has no checkpoint of step {step}; there are checkpoints of steps {shown}")
    return int(step)


def _best_step(directory: Path, newest: int) -> int:
    best = best_of(read_curve(directory, newest))
    if best is None:
        raise ModelError(
            f"{directory}: nothing tells the best model; hold out data for validation when training, or choose a step"
        )
    return best.step


def _facts(path: Path, header: Mapping[str, str]) -> dict[str, Any]:
    """What a model says of itself, as this version would."""
    try:
        facts = json.loads(header[_HEADER])
        number = facts["format"]
        if type(number) is not int or type(facts["model"]) is not str:
            raise TypeError(f"format {number!r}, model {facts['model']!r}")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        reason = f"has no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: is not a model of audeep ({reason}); train it again") from error
    if not 1 <= number <= FORMAT:
        raise ModelError(f"{path}: has format {number}, up to {FORMAT} is known; update audeep")
    return dict(UPGRADES[number](facts) if number in UPGRADES else facts)


def _labels(path: Path, facts: Mapping[str, Any], num_labels: int) -> tuple[str, ...]:
    labels = facts.get("labels")
    if (
        not isinstance(labels, list)
        or not all(isinstance(label, str) for label in labels)
        or len(set(labels)) != len(labels)
        or len(labels) != num_labels
    ):
        raise ModelError(f"{path}: has no list of {num_labels} different labels; it is damaged")
    return tuple(labels)


class _Bounded(TorchDispatchMode):
    """Ends the creation of tensors when there are more of them, or larger ones, than a file can hold."""

    def __init__(self, num_tensors: int, num_bytes: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tensors_left, self.bytes_left = num_tensors, num_bytes

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Not: nothing is compiled in here, and PyTorch would import its compiler, which takes a second."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and not any(isinstance(each, Tensor) for each in args):  # a new one
            self.tensors_left -= 1
            self.bytes_left -= result.numel() * result.element_size()
            if min(self.tensors_left, self.bytes_left) < 0:
                raise _TooLargeError
        return result


class _TooLargeError(Exception):
    """A model is larger than its file."""


@contextmanager
def _bounded(path: Path, weights: Mapping[str, Tensor]) -> Iterator[None]:
    """Create tensors without memory, and no more of them than are in a file, with some to spare for others."""
    num_bytes = sum(tensor.numel() * tensor.element_size() for tensor in weights.values())
    try:
        with torch.device("meta"), _Bounded(64 + 4 * len(weights), 2**16 + 4 * num_bytes):
            yield
    except _TooLargeError as error:
        raise ModelError(
            f"{path}: has a configuration of a larger model than its {len(weights)} tensors of {num_bytes} bytes; it is"
            " damaged"
        ) from error


def _without_memory(path: Path, model_type: type[Network], config: Any, weights: Mapping[str, Tensor]) -> Network:
    """A model whose weights have shapes, and take no memory yet."""
    try:
        with _bounded(path, weights):
            return model_type(config)
    except ModelError:
        raise
    except Exception as error:  # a kind of another package may raise anything
        reason = f"unknown {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: has a configuration that makes no model ({reason}); train it again") from error


def _check_tensors(
    path: Path, expected: Mapping[str, tuple[torch.Size, torch.dtype]], found: Mapping[str, Tensor]
) -> None:
    """Check that `found` are the tensors `expected`, and all finite."""
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
            raise ModelError(f"{path}: '{name}' is NaN or infinite in places; use the model of another step")
    unknown = sorted(set(found) - set(expected))
    if unknown:
        raise ModelError(f"{path}: has an unknown tensor '{unknown[0]}'; it is damaged, or of another model")


def _describe(shape: Sequence[int], dtype: torch.dtype) -> str:
    return f"{str(dtype).removeprefix('torch.')} {list(shape)}"


def _named(beside: nn.Module | None) -> dict[str, Tensor]:
    return {} if beside is None else {f"beside.{name}": value for name, value in beside.state_dict().items()}


def load_optimiser(
    directory: Path, step: int, optimiser: torch.optim.Optimizer, beside: nn.Module | None = None
) -> None:
    """Bring `optimiser`, and what is learned beside the model, into the state that it had at `step`.

    Raises:
        ModelError: there is no such state, it is damaged, or it belongs to another model.
    """
    path = optimiser_path(directory, step)
    if not path.is_file():
        raise ModelError(f"{path}: no such file; training can only go on from the newest checkpoint of a run")
    _, tensors = read_tensors(path)
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    expected = {f"{index}.step": (torch.Size(), torch.float32) for index in range(len(parameters))}
    for index, parameter in enumerate(parameters):
        expected |= {f"{index}.{moment}": (parameter.shape, parameter.dtype) for moment in _MOMENTS}
    own = _named(beside)
    for name, value in own.items():
        if name in tensors and len(tensors[name]) != len(value):
            raise ModelError(
                f"{path}: was trained on {len(tensors[name])} instances, found {len(value)}; continue with the data of"
                " the first run"
            )
    expected |= {name: (value.shape, value.dtype) for name, value in own.items()}
    _check_tensors(path, expected, tensors)
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(tensors.pop(name))
    content = optimiser.state_dict()
    for name, tensor in tensors.items():
        index_text, _, key = name.partition(".")
        content["state"].setdefault(int(index_text), {})[key] = tensor
    optimiser.load_state_dict(content)
