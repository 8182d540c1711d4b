# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of the recurrent core (see `native`) over whole sequences, with hand-written gradients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from audeep.models.layers.cells import Cells, MakeCells, maker_of
from audeep.models.layers.native import run_parallel

BLOCK = 32  # steps at a time where no gradients are needed, which bounds the memory
SMALLEST_PART = 64  # sequences that are worth a thread of their own, there


@dataclass(frozen=True)
class LayerInput:
    """What one layer is run over.

    Attributes:
        inputs: [time, batch, inputs].
        state: [batch, parts, units] before the first step.
        weights: w_ih [gates * units, inputs], w_hh [gates * units, units], b_ih and b_hh [gates * units].
    """

    inputs: Tensor
    state: Tensor
    weights: list[Tensor]


def run_layers(
    cell: str, layers: list[LayerInput], keep_outputs: bool = True, lengths: Tensor | None = None
) -> list[tuple[Tensor, Tensor]]:
    """Run layers of cells ("GRU" or "LSTM"), each over its input.

    Args:
        lengths: steps of each sequence [batch], if they differ: then the last state is the one after so many.

    Returns:
        For each, outputs [time, batch, units], which mean nothing without `keep_outputs`; and the last state.
    """
    device = layers[0].inputs.device
    make_cells = maker_of(cell, device)
    tensors = [tensor for item in layers for tensor in (item.inputs, item.state, *item.weights)]
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        results = _Layers.apply(make_cells, lengths, *tensors)  # type: ignore[no-untyped-call]
        return list(zip(results[::2], results[1::2], strict=True))
    num_parts = max(1, min(torch.get_num_threads() // len(layers), layers[0].inputs.shape[1] // SMALLEST_PART))
    num_parts = num_parts if device.type == "cpu" else 1
    parts = [_part(item, part, num_parts) for item in layers for part in range(num_parts)]
    of_parts: Sequence[Tensor | None] = [None] * num_parts if lengths is None else lengths.tensor_split(num_parts)
    found = run_parallel(
        [
            partial(_run_without_gradients, make_cells, item, keep_outputs, of_parts[number % num_parts])
            for number, item in enumerate(parts)
        ],
        device,
    )
    return [_joined(found[start : start + num_parts]) for start in range(0, len(found), num_parts)]


def _part(item: LayerInput, part: int, num_parts: int) -> LayerInput:
    """One part of the batch."""
    inputs, state = item.inputs.tensor_split(num_parts, dim=1)[part], item.state.tensor_split(num_parts)[part]
    return LayerInput(inputs, state, item.weights)


def _joined(found: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """The results of parts of a batch, as one."""
    if len(found) == 1:
        return found[0]
    outputs, states = zip(*found, strict=True)
    return torch.cat(outputs, dim=1), torch.cat(states)


def _run_without_gradients(
    make_cells: MakeCells, item: LayerInput, keep_outputs: bool, lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    parts, state, last = [], item.state, torch.empty_like(item.state)
    for number, block in enumerate(item.inputs.split(BLOCK)):
        cells = make_cells(len(block), state, item.weights)
        cells.read(block)
        for step in range(len(block)):
            cells.run(step)
        state = cells.last_state()
        if lengths is not None:
            left = lengths - number * BLOCK
            ending = (left > 0) & (left <= len(block))
            last[ending] = cells.last_state(left.clamp(0, len(block)))[ending]
        if keep_outputs:
            parts.append(cells.hidden[1:])
    outputs = torch.cat(parts) if keep_outputs else item.inputs.new_empty(0, *state.shape[::2])
    return outputs, state if lengths is None else last


def once(ctx: Any) -> None:
    """Refuse a second backward pass: the first one has overwritten what it would need."""
    if ctx.is_used:
        raise RuntimeError("gradients of a recurrent layer can be computed once; run it again")
    ctx.is_used = True


class _Layers(Function):
    """`run_layers` with gradients; inputs, state and four weights of each layer follow each other."""

    @staticmethod
    def forward(ctx: Any, make_cells: MakeCells, lengths: Tensor | None, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors[::6])
        ctx.is_used = False
        ctx.lengths = lengths
        ctx.cells = run_parallel(
            [partial(_run, make_cells, *tensors[first : first + 6]) for first in range(0, len(tensors), 6)],
            tensors[0].device,
        )
        return tuple(chain(*((cells.hidden[1:], cells.last_state(lengths).clone()) for cells in ctx.cells)))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *d_results: Tensor | None) -> tuple[Tensor | None, ...]:
        once(ctx)
        tasks = [
            partial(
                _go_back,
                *(cells, inputs, d_results[2 * index], d_results[2 * index + 1]),
                *(ctx.lengths, ctx.needs_input_grad[6 * index + 2]),
            )
            for index, (cells, inputs) in enumerate(zip(ctx.cells, ctx.saved_tensors, strict=True))
        ]
        return None, None, *chain(*run_parallel(tasks, ctx.saved_tensors[0].device))


def _run(make_cells: MakeCells, inputs: Tensor, state: Tensor, *weights: Tensor) -> Cells:
    cells = make_cells(len(inputs), state, weights)
    cells.read(inputs)
    for step in range(len(inputs)):
        cells.run(step)
    return cells


def _go_back(
    cells: Cells,
    inputs: Tensor,
    d_outputs: Tensor | None,
    d_last: Tensor | None,
    lengths: Tensor | None,
    is_input_wanted: bool,
) -> tuple[Tensor | None, ...]:
    cells.start_back()
    steps = [None] * len(inputs) if d_outputs is None else d_outputs.contiguous().unbind(0)
    ends: Mapping[int, Tensor | slice] = {}
    if d_last is not None:
        ends = {len(inputs): slice(None)} if lengths is None else _rows_by_value(lengths)
    for step in reversed(range(len(inputs))):
        if d_last is not None and step + 1 in ends:
            cells.end_here(ends[step + 1], d_last[ends[step + 1]])
        cells.back(step, steps[step])
    return cells.d_inputs() if is_input_wanted else None, cells.d_state, *cells.d_weights(inputs)


def _rows_by_value(values: Tensor) -> dict[int, Tensor]:
    return {value: torch.nonzero(values == value)[:, 0] for value in values.unique().tolist()}
