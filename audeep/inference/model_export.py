# SPDX-License-Identifier: GPL-3.0-or-later
"""Trained models in files for programs without audeep: ONNX, or `torch.export`; their numbers are compared before.

The input `frames` [batch, time, freq] is what the front end of the model gives. The output is `embedding` of an
autoencoder, `probabilities` of a tagger. Batches are of any size, recordings of any one length unless it is fixed.
Metadata tell the kind of model (`audeep.kind`), its labels (`audeep.labels`) and its front end (`audeep.front_end`),
the latter two as JSON.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from audeep.errors import ModelError, OptionError
from audeep.inference.embedder import Embedder
from audeep.inference.tagger import probabilities_of
from audeep.models.base import Network, Tagger
from audeep.models.checkpoints import load_model, preprocessing_of
from audeep.models.registry import kind_of
from audeep.runtime.files import replacing
from audeep.runtime.modules import module_named, one_line

FORMATS = {".onnx": ("ONNX", "audeep.inference.onnx_export"), ".pt2": ("torch.export", "audeep.inference.torch_export")}
INPUT = "frames"
TOLERANCE = 1e-4  # of the largest output, that any may differ by
NUM_COMPARED = 3  # recordings of a batch


class Exported(NamedTuple):
    """What a file is to have.

    Attributes:
        forward: gives the output for frames.
        example: frames.
        names: of the input and the output.
        axes: of both, that may have any size; by their positions, with names.
        about: metadata.
    """

    forward: nn.Module
    example: Tensor
    names: tuple[str, str]
    axes: tuple[dict[int, str], dict[int, str]]
    about: dict[str, str]


class Format(Protocol):
    """A module that writes one."""

    def check_packages(self) -> None:
        """Import what is needed.

        Raises:
            OptionError: it is not there.
        """

    def written(self, exported: Exported) -> bytes:
        """The content of a file.

        Raises:
            Exception: of many kinds, for whatever cannot be expressed.
        """

    def runner(self, content: bytes) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """What the content of a file gives for frames, without audeep."""


class _Forward(nn.Module):
    """The part of a model that is exported."""

    def __init__(self, model: Network, pooled: bool) -> None:
        super().__init__()
        self.model, self.embed = model, Embedder(model, pooled).embed

    def forward(self, frames: Tensor) -> Tensor:
        if isinstance(self.model, Tagger):
            return probabilities_of(self.model, frames)
        return self.embed(frames)


def export_model(
    model_directory: Path | str,
    output: Path | str,
    step: int | str | None = None,
    *,
    pooled: bool = False,
    frames: int | None = None,
) -> float:
    """Write a trained model as a file of ONNX (.onnx) or `torch.export` (.pt2); give how much it differs from audeep.

    Both are given random spectrograms, in batches of different sizes and of several lengths; it is the largest
    difference of any number.

    ::

        export_model("run/logs", "model.onnx")

    Args:
        model_directory: of a run, or its "logs".
        output: whose suffix says which format it is.
        step: of the checkpoint, or "best"; by default the newest.
        pooled: the pooled features that some kinds of models have.
        frames: the length of all recordings; by default they may have any.

    Raises:
        ModelError: there is no such model, it cannot be expressed, or gives other numbers.
        OptionError: a package is missing, the suffix is another one, the model has no pooled features, or reads no
            recordings so long.
        OutputError: the file cannot be written.
    """
    form, module = format_of(Path(output))
    exporting: Format = module_named(module)
    exporting.check_packages()
    directory = Path(model_directory)
    model, progress = load_model(directory, step)
    if isinstance(model, Tagger) and pooled:
        raise OptionError("pooled=True: is for models without labels; leave it out")
    forward = _Forward(model, pooled).eval().requires_grad_(False)
    lengths = [frames] if frames is not None else list(_lengths(model))
    about = {
        "audeep.kind": kind_of(type(model)),
        "audeep.labels": json.dumps(list(model.labels) if isinstance(model, Tagger) else []),
        "audeep.front_end": json.dumps(preprocessing_of(directory, progress.step)),
    }
    example = torch.zeros(2, max(lengths), model.config.num_features)
    exported = Exported(forward, example, *_names_and_axes(model, is_fixed=len(lengths) == 1), about)
    try:
        content = exporting.written(exported)
    except Exception as error:  # of many kinds, for whatever an operation lacks
        reason = one_line(error)[:200]
        raise ModelError(
            f"{directory}: cannot be expressed in {form} ({reason}); choose another format or kind of model"
        ) from error
    difference = _difference(exporting.runner(content), forward, f"{directory}: as {form}", lengths)
    with replacing(output) as partial:
        partial.write_bytes(content)
    return difference


def format_of(path: Path) -> tuple[str, str]:
    """The format that the name of a file stands for, and the module that writes it.

    Raises:
        OptionError: none.
    """
    if path.suffix.lower() not in FORMATS:
        raise OptionError(f"{path}: expected the name of a file that ends in {' or '.join(FORMATS)}")
    return FORMATS[path.suffix.lower()]


def _names_and_axes(model: Network, is_fixed: bool) -> tuple[tuple[str, str], tuple[dict[int, str], dict[int, str]]]:
    """Names of the input and the output, and the axes of both that have any size."""
    given, made = {0: "batch"}, {0: "batch"}
    if not is_fixed:
        given[1] = "time"
    if model.level == "frame":
        made[1] = "time"
    return (INPUT, "probabilities" if isinstance(model, Tagger) else "embedding"), (given, made)


def _lengths(model: Network) -> Iterator[int]:
    """Numbers of frames to compare at, first those trained on; one alone where a model reads nothing else."""
    usual = model.config.num_steps
    shortest, longest = 2, None
    if isinstance(model, Tagger):
        fitted = model.config.fit_frames is not None
        usual = model.config.window_frames or usual
        shortest, longest = 2 if fitted else model.shortest, None if fitted else model.longest
    if longest is not None:
        usual = min(usual, longest)
    usual = max(usual, shortest)
    tried = dict.fromkeys((usual, usual + 13, 2 * usual, max(shortest, usual // 2)))
    yield from (length for length in tried if longest is None or length <= longest)


def _difference(
    run: Callable[[NDArray[np.float32]], NDArray[np.float32]], forward: _Forward, who: str, lengths: list[int]
) -> float:
    """The largest one between what both give for random spectrograms of these lengths."""
    generator, largest = np.random.default_rng(0), 0.0
    for number, length in enumerate(lengths):
        shape = 1 + number % NUM_COMPARED, length, forward.model.config.num_features
        spectrograms = generator.uniform(-1, 1, shape).astype(np.float32)
        with torch.inference_mode():
            expected = forward(torch.from_numpy(spectrograms)).numpy()
        remedy = f"pass frames={lengths[0]}, where all recordings have as many"
        try:
            found = run(spectrograms)
        except Exception as error:  # of the runtime, without a common class
            reason = one_line(error)[:200]
            raise ModelError(f"{who} it fails for {length} frames ({reason}); {remedy}") from error
        difference = float(np.abs(found - expected).max()) if found.shape == expected.shape else np.inf
        if not difference <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
            raise ModelError(f"{who} it gives other numbers for {length} frames; {remedy}")
        largest = max(largest, difference)
    return largest
