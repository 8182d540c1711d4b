# SPDX-License-Identifier: GPL-3.0-or-later
"""Models in the format of `torch.export`.

It unrolls recurrent layers over the steps of one length. Here they are recorded as operations of audeep, which tell
nothing but the shape of their output, and then named by the operations of PyTorch that they stand for: these take
sequences of any length, and the file needs no audeep.
"""

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

if TYPE_CHECKING:
    from audeep.inference.model_export import Exported


_LAYER = (
    "Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, bool batch_first"
)
_gru = torch.library.custom_op(
    "audeep::gru",
    lambda *given: tuple(torch.ops.aten.gru.input(*given)),
    mutates_args=(),
    schema=f"(Tensor input, Tensor hx, {_LAYER}) -> (Tensor, Tensor)",
)
_lstm = torch.library.custom_op(
    "audeep::lstm",
    lambda *given: tuple(torch.ops.aten.lstm.input(*given)),
    mutates_args=(),
    schema=f"(Tensor input, Tensor[] hx, {_LAYER}) -> (Tensor, Tensor, Tensor)",
)


@_gru.register_fake
def _(input: Tensor, hx: Tensor, *_: object) -> tuple[Tensor, Tensor]:
    return input.new_empty(*input.shape[:2], hx.shape[2]), torch.empty_like(hx)


@_lstm.register_fake
def _(input: Tensor, hx: Sequence[Tensor], *_: object) -> tuple[Tensor, Tensor, Tensor]:
    hidden, carry = hx
    return input.new_empty(*input.shape[:2], hidden.shape[2]), torch.empty_like(hidden), torch.empty_like(carry)


def check_packages() -> None:
    """Nothing: PyTorch is there."""


def written(exported: "Exported") -> bytes:
    """A file of `torch.export`, with all metadata as extra files; the input is called as the argument of `forward`."""
    sizes = dict.fromkeys(exported.axes[0], torch.export.Dim.DYNAMIC)
    with warnings.catch_warnings(), _whole_layers(exported.forward), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.export.export(exported.forward, (exported.example,), dynamic_shapes=(sizes,), strict=False)
        stands_for = {
            torch.ops.audeep.gru.default: torch.ops.aten.gru.input,
            torch.ops.audeep.lstm.default: torch.ops.aten.lstm.input,
        }
        for node in program.graph.nodes:
            node.target = stands_for.get(node.target, node.target)
        program.graph_module.recompile()
        # conditions on sizes, most of them about places in memory, under which PyTorch would refuse what it computes
        # well; where results depend on one, the comparison with the model shows it
        vars(program)["_guards_code"] = []
        buffer = io.BytesIO()
        torch.export.save(program, buffer, extra_files=dict(exported.about))
    return buffer.getvalue()


def runner(content: bytes) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """What PyTorch gives for frames, by the content of a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the content cannot be written to
        model = torch.export.load(io.BytesIO(content)).module()

    def run(frames: NDArray[np.float32]) -> NDArray[np.float32]:
        found: Tensor = model(torch.from_numpy(frames))
        return found.numpy()

    return run


@contextmanager
def _whole_layers(model: nn.Module) -> Iterator[None]:
    """Let the recurrent layers of a model be one operation each, of unpacked sequences in batches."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.GRU | nn.LSTM)]
    for layer in layers:
        vars(layer)["forward"] = partial(_forward, layer)
    try:
        yield
    finally:
        for layer in layers:
            del vars(layer)["forward"]


def _forward(layer: nn.GRU | nn.LSTM, inputs: Tensor, state: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, object]:
    weights = [weight for each in layer.all_weights for weight in each]
    facts = layer.bias, layer.num_layers, 0.0, False, layer.bidirectional, layer.batch_first
    if isinstance(state, tuple):
        outputs, hidden, carry = torch.ops.audeep.lstm(inputs, list(state), weights, *facts)
        return outputs, (hidden, carry)
    outputs, last = torch.ops.audeep.gru(inputs, state, weights, *facts)
    return outputs, last
