# SPDX-License-Identifier: GPL-3.0-or-later
"""Trained models as ONNX files, for programs without audeep or PyTorch; what they give is compared before one is kept.

The input `frames` [batch, time, freq] is what the front end of the model gives. The output is `embedding` of an
autoencoder, `probabilities` of a tagger. Batches are of any size, recordings of any one length unless it is fixed.
Metadata tell the kind of model (`audeep.kind`), its labels (`audeep.labels`) and its front end (`audeep.front_end`),
the latter two as JSON.
"""

import io
import json
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from audeep.errors import ModelError, OptionError
from audeep.inference.embedder import Embedder
from audeep.models.base import Network, Tagger
from audeep.models.checkpoints import load_model, preprocessing_of
from audeep.models.registry import kind_of
from audeep.runtime.files import replacing

INPUT = "frames"
OPSET = 17
TOLERANCE = 1e-4  # of the largest output, that any may differ by
NUM_COMPARED = 3  # recordings of a batch


class _Forward(nn.Module):
    """The part of a model that is exported."""

    def __init__(self, model: Network, pooled: bool) -> None:
        super().__init__()
        self.model, self.embed = model, Embedder(model, pooled).embed

    def forward(self, frames: Tensor) -> Tensor:
        if isinstance(self.model, Tagger):
            return self.model.probabilities(self.model(*self.model.fitted(frames)))
        return self.embed(frames)


def export_model(
    model_directory: Path | str,
    output: Path | str,
    step: int | str | None = None,
    *,
    pooled: bool = False,
    frames: int | None = None,
) -> float:
    """Write a trained model as an ONNX file; give the largest difference found from what audeep gives.

    Both are given random spectrograms, in batches of different sizes and of several lengths.

    ::

        export_model("run/logs", "model.onnx")

    Args:
        model_directory: "logs" of a run.
        step: of the checkpoint, or "best"; by default the newest.
        pooled: the pooled features that some kinds of models have.
        frames: the length of all recordings; by default they may have any.

    Raises:
        ModelError: there is no such model, it cannot be expressed, or gives other numbers.
        OptionError: a package is missing, or the model has no pooled features, or reads no recordings so long.
        OutputError: the file cannot be written.
    """
    onnx, runtime = _packages()
    directory = Path(model_directory)
    model, progress = load_model(directory, step)
    if isinstance(model, Tagger) and pooled:
        raise OptionError("pooled=True: is for models without labels; leave it out")
    forward = _Forward(model, pooled).eval()
    lengths = [frames] if frames is not None else list(_lengths(model))
    content = _traced(forward, directory, lengths[0], is_fixed=len(lengths) == 1)
    difference = _difference(runtime, forward, directory, content, lengths)
    about = {
        "audeep.kind": kind_of(type(model)),
        "audeep.labels": json.dumps(list(model.labels) if isinstance(model, Tagger) else []),
        "audeep.front_end": json.dumps(preprocessing_of(directory, progress.step)),
    }
    made = onnx.load_model_from_string(content)
    onnx.helper.set_model_props(made, about)
    with replacing(output) as partial:
        partial.write_bytes(made.SerializeToString())
    return difference


def _packages() -> tuple[Any, Any]:
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise OptionError(f"exporting needs other packages ({error}); run: pip install 'audeep[onnx]'") from error
    return onnx, onnxruntime


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


def _traced(forward: _Forward, directory: Path, length: int, is_fixed: bool) -> bytes:
    name = "probabilities" if isinstance(forward.model, Tagger) else "embedding"
    axes = {INPUT: {0: "batch"}, name: {0: "batch"}}
    if not is_fixed:
        axes[INPUT][1] = "time"
    if forward.model.level == "frame":
        axes[name][1] = "time"
    example = torch.zeros(2, length, forward.model.config.num_features)
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):  # which gets the graph where it fails
            warnings.simplefilter("ignore")  # that shapes are taken as they are, which the comparison shows
            torch.onnx.export(
                *(forward, (example,), buffer),  # type: ignore[arg-type]
                dynamo=False,  # torch.export repeats recurrent layers for each step of one length
                input_names=[INPUT],
                output_names=[name],
                dynamic_axes=axes,
                opset_version=OPSET,
            )
    except Exception as error:  # of many kinds, for whatever an operation lacks
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{directory}: cannot be expressed in ONNX ({reason}); choose another kind of model"
        ) from error
    return buffer.getvalue()


def _difference(runtime: Any, forward: _Forward, directory: Path, content: bytes, lengths: list[int]) -> float:
    """The largest one between what both give for random spectrograms of these lengths."""
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    generator, largest = np.random.default_rng(0), 0.0
    for number, length in enumerate(lengths):
        shape = 1 + number % NUM_COMPARED, length, forward.model.config.num_features
        spectrograms = generator.uniform(-1, 1, shape).astype(np.float32)
        with torch.inference_mode():
            expected = forward(torch.from_numpy(spectrograms)).numpy()
        remedy = f"pass frames={lengths[0]}, where all recordings have as many"
        try:
            (found,) = session.run(None, {INPUT: spectrograms})
        except Exception as error:  # runtime errors of its own, without a common class
            reason = " ".join(str(error).split())[:200]
            raise ModelError(f"{directory}: as ONNX it fails for {length} frames ({reason}); {remedy}") from error
        difference = float(np.abs(found - expected).max()) if found.shape == expected.shape else np.inf
        if not difference <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
            raise ModelError(f"{directory}: as ONNX it gives other numbers for {length} frames; {remedy}")
        largest = max(largest, difference)
    return largest
