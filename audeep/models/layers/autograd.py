# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of the recurrent core (see `native`) over whole sequences, with hand-written gradients."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from audeep.models.layers.base_cells import BaseCells
from audeep.models.layers.cells import MakeCells, maker_of
from audeep.models.layers.native import run_parallel

BLOCK = 32  # steps at a time where no gradients are needed, which bounds the memory; more if sequences are few
SMALLEST_PART = 64  # sequences that are worth a thread of their own, there
ROWS = 1024  # sequences of which one step fits a cache; with gradients, twice as many and more are run in parts


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
    (num_steps, batch, _), state, last = item.inputs.shape, item.state, item.state.clone()
    hidden = item.weights[-1].new_empty(num_steps + 1 if keep_outputs else 1, batch, state.shape[2])
    size = max(BLOCK, ROWS // max(1, batch))
    for start in range(0, num_steps, size):
        block = item.inputs[start : start + size]
        cells = make_cells(len(block), state, item.weights, hidden[start:][: len(block) + 1] if keep_outputs else None)
        cells.read(block)
        cells.run_all()
        state = cells.last_state()
        if lengths is not None:
            left = lengths - start
            ending = (left > 0) & (left <= len(block))
            last[ending] = cells.last_state(left.clamp(0, len(block)))[ending]
        del cells  # before there are others
    return hidden[1:], state if lengths is None else last


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
        (num_steps, batch, _), device = tensors[0].shape, tensors[0].device
        number = _number_of_parts(batch) if device.type == "cpu" else 1
        ctx.lengths = [None] * number if lengths is None else lengths.tensor_split(number)
        hidden, ctx.cells = [], []
        for first in range(0, len(tensors), 6):  # here: memory of the main thread is used again
            _, state, *weights = tensors[first : first + 6]
            hidden.append(weights[-1].new_empty(num_steps + 1, batch, state.shape[2]))
            parts = zip(state.tensor_split(number), hidden[-1].tensor_split(number, 1), strict=True)
            ctx.cells.append([make_cells(num_steps, before, weights, where) for before, where in parts])
        given = [(cells, inputs.tensor_split(number, 1)) for cells, inputs in zip(ctx.cells, tensors[::6], strict=True)]
        tasks = [part for cells, inputs in given for part in zip(cells, inputs, strict=True)]
        if number > 1:
            run_parallel([partial(_run_by_step, *part) for part in tasks], device)
        else:
            run_parallel([partial(cells.read, inputs) for cells, inputs in tasks], device)
            threads = torch.get_num_threads() if device.type == "cpu" and lengths is None else 1
            for cells, _ in tasks:
                cells.split(max(1, threads // len(tasks)))
            run_parallel(
                [partial(cells.run_all, part) for cells, _ in tasks for part in range(len(cells.parts))], device
            )
        last = [
            torch.cat([part.last_state(of_part) for part, of_part in zip(parts, ctx.lengths, strict=True)])
            for parts in ctx.cells
        ]
        return tuple(chain(*((each[1:], state) for each, state in zip(hidden, last, strict=True))))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *d_results: Tensor | None) -> tuple[Tensor | None, ...]:
        once(ctx)
        number, device = len(ctx.lengths), ctx.saved_tensors[0].device
        d_inputs: list[Tensor | None] = []
        tasks: list[Any] = []  # cells, inputs, gradients and lengths of each part
        for index, (cells, inputs) in enumerate(zip(ctx.cells, ctx.saved_tensors, strict=True)):
            is_wanted = ctx.needs_input_grad[6 * index + 2]
            d_inputs.append(inputs.new_empty(inputs.shape) if is_wanted else None)
            d_outputs, d_last = d_results[2 * index : 2 * index + 2]
            parts = (inputs, 1), (d_inputs[-1], 1), (d_outputs, 1), (d_last, 0)
            given = [cells, *(_split(values, number, dim) for values, dim in parts), ctx.lengths]
            tasks += zip(*given, strict=True)
        for cells, *_ in tasks:
            cells.start_back()
        if number > 1:
            found = run_parallel([partial(_gradients_by_step, *task) for task in tasks], device)
        else:
            ways = [(cells, part, *rest) for cells, _, _, *rest in tasks for part in range(len(cells.parts))]
            run_parallel([partial(_go_back, *way) for way in ways], device)
            found = run_parallel([partial(_gradients_at_once, *task[:3]) for task in tasks], device)
        layers = [found[first : first + number] for first in range(0, len(found), number)]
        return None, None, *chain(*((each, *_together(parts)) for each, parts in zip(d_inputs, layers, strict=True)))


def _number_of_parts(batch: int) -> int:
    """Parts of a batch, each of which goes through all steps: as many for each thread, unless they became small."""
    threads = torch.get_num_threads()
    return min(threads * -(-batch // (ROWS * threads)), batch // (ROWS // 2)) if batch >= 2 * ROWS else 1


def _split(values: Tensor | None, number: int, dim: int) -> Sequence[Tensor | None]:
    """Parts of a batch, for its gradients."""
    return [None] * number if values is None else values.contiguous().tensor_split(number, dim)


def _together(parts: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Gradients of the state and the weights from those of parts of the batch."""
    if len(parts) == 1:
        return parts[0]
    d_state, *d_weights = zip(*parts, strict=True)
    return torch.cat(d_state), *(torch.stack(each).sum(0) for each in d_weights)


def _run_by_step(cells: BaseCells, inputs: Tensor) -> None:
    """Run over all inputs, whose products are computed when they are needed."""
    for step, frame in enumerate(inputs.unbind(0)):
        cells.read_step(step, frame)
        cells.run(step)


def _ends(cells: BaseCells, rows: slice, d_last: Tensor | None, lengths: Tensor | None) -> dict[int, Tensor | slice]:
    """The `rows` of the batch whose last state has gradients, by the number of their steps, the most first."""
    if d_last is None:
        return {}
    return {cells.num_steps: rows} if lengths is None else dict(reversed(_rows_by_value(lengths).items()))


def _go_back(
    cells: BaseCells, part: int, d_outputs: Tensor | None, d_last: Tensor | None, lengths: Tensor | None
) -> None:
    """Go back through all steps, in one part of the cells."""
    stop = cells.num_steps
    for end, rows in _ends(cells, cells.parts[part], d_last, lengths).items():
        assert d_last is not None
        cells.back_all(end, stop, d_outputs, part)
        cells.end_here(rows, d_last[rows])
        stop = end
    cells.back_all(0, stop, d_outputs, part)


def _gradients_at_once(cells: BaseCells, inputs: Tensor, d_inputs: Tensor | None) -> tuple[Tensor, ...]:
    """Write to `d_inputs`, and give gradients of the state and the weights, after all steps."""
    if d_inputs is not None:
        cells.d_inputs(d_inputs)
    return cells.d_state, *cells.d_weights(inputs), *cells.d_biases()


def _gradients_by_step(
    cells: BaseCells,
    inputs: Tensor,
    d_inputs: Tensor | None,
    d_outputs: Tensor | None,
    d_last: Tensor | None,
    lengths: Tensor | None,
) -> tuple[Tensor, ...]:
    """Go back, and do what `_gradients_at_once` does with each step."""
    cells.start_sums()
    steps = [None] * len(inputs) if d_outputs is None else d_outputs.unbind(0)
    ends = _ends(cells, slice(None), d_last, lengths)
    for step in reversed(range(len(inputs))):
        if d_last is not None and step + 1 in ends:
            cells.end_here(ends[step + 1], d_last[ends[step + 1]])
        cells.back(step, steps[step])
        cells.add_step(step, inputs[step])
        if d_inputs is not None:
            cells.d_input(step, d_inputs[step])
    return cells.d_state, *cells.summed(), *cells.d_biases()


def _rows_by_value(values: Tensor) -> dict[int, Tensor | slice]:
    """Where each value is, from the smallest to the largest."""
    return {value: torch.nonzero(values == value)[:, 0] for value in values.unique().tolist()}
