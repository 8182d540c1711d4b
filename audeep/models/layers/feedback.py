# SPDX-License-Identifier: GPL-3.0-or-later
"""Autoregressive decoding by stacks of cells (see `native`) over whole sequences, with hand-written gradients."""

from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from audeep.models.layers.autograd import once
from audeep.models.layers.cells import MakeCells, maker_of, tanh_backward
from audeep.models.layers.native import run_parallel


@dataclass(frozen=True)
class FeedbackInput:
    """What a stack of layers decodes, projecting its outputs to frames.

    Attributes:
        expected: [time, batch, frame], the input of each step that is not autoregressive.
        is_own: [time, batch, 1], whether the input of a step is the output of the step before instead (zeros at first).
        state: [batch, layers, parts, units] before the first step.
        masks: what the input and the outputs of each layer are multiplied by, or None: [time, batch, ...] each.
        projection: weight [frame, units] and bias [frame] of tanh(linear).
        weights: four for each layer, as in `LayerInput`.
    """

    expected: Tensor
    is_own: Tensor
    state: Tensor
    masks: list[Tensor | None]
    projection: list[Tensor]
    weights: list[Tensor]


def run_feedback(cell: str, layers: list[FeedbackInput]) -> list[Tensor]:
    """Decode by stacks of layers, each from its input; give outputs [time, batch, frame]."""
    masks = [(item.is_own, item.masks) for item in layers]
    tensors = [(item.expected, item.state, *item.projection, *item.weights) for item in layers]
    return list(_Feedback.apply(maker_of(cell, tensors[0][0].device), masks, *chain(*tensors)))  # type: ignore[no-untyped-call]


class _Feedback(Function):
    """`run_feedback` with gradients; expected inputs, state, two of the projection and weights follow each other."""

    @staticmethod
    def forward(
        ctx: Any,
        make_cells: MakeCells,
        masks: list[tuple[Tensor, list[Tensor | None]]],
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        number = len(tensors) // len(masks)
        ctx.is_used = False
        ctx.stacks = run_parallel(
            [
                partial(_FeedbackStack, make_cells, *masks[index], *tensors[index * number : (index + 1) * number])
                for index in range(len(masks))
            ],
            tensors[0].device,
        )
        outputs = tuple(stack.outputs for stack in ctx.stacks)
        ctx.save_for_backward(*outputs)
        for stack in ctx.stacks:
            del stack.outputs  # kept above, so that it does not keep itself alive
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        once(ctx)
        tasks = [
            partial(stack.go_back, outputs, gradient)
            for stack, outputs, gradient in zip(ctx.stacks, ctx.saved_tensors, d_outputs, strict=True)
        ]
        return None, None, *chain(*run_parallel(tasks, ctx.saved_tensors[0].device))


class _FeedbackStack:
    """Layers of cells and their projection, run over a sequence at once, and then back."""

    def __init__(
        self,
        make_cells: MakeCells,
        is_own: Tensor,
        masks: list[Tensor | None],
        expected: Tensor,
        state: Tensor,
        weight: Tensor,
        bias: Tensor,
        *weights: Tensor,
    ) -> None:
        num_steps, batch = expected.shape[:2]
        self.is_own, self.masks, self.weight = is_own, masks, weight.detach()
        self.layers = [
            make_cells(num_steps, state[:, index], weights[4 * index : 4 * index + 4])
            for index in range(state.shape[1])
        ]
        # what goes into each layer, and at last into the projection
        self.seen = [expected.new_empty(num_steps, batch, layer.w_ih.shape[1]) for layer in self.layers]
        self.seen.append(expected.new_empty(num_steps, batch, self.layers[-1].units))
        self.outputs = expected.new_empty(expected.shape)
        before = torch.zeros_like(expected[0])
        for step in range(num_steps):
            frame = torch.where(is_own[step], before, expected[step], out=self.seen[0][step])
            if masks[0] is not None:
                frame *= masks[0][step]
            for layer, mask, (inputs, following) in zip(self.layers, masks[1:], pairwise(self.seen), strict=True):
                layer.read_step(step, inputs[step])
                layer.run(step)
                if mask is None:
                    following[step] = layer.h[step + 1]
                else:
                    torch.mul(layer.h[step + 1], mask[step], out=following[step])
            before = torch.addmm(bias, self.seen[-1][step], self.weight.t(), out=self.outputs[step]).tanh_()

    def go_back(self, outputs: Tensor, d_outputs: Tensor) -> tuple[Tensor, ...]:
        """Gradients of the expected inputs, the state, the projection and the weights."""
        d_projected = torch.empty_like(outputs)  # gradient before the tanh of the projection
        d_expected = torch.empty_like(outputs)
        d_own = torch.zeros_like(outputs[0])  # gradient of the output as input of the next step
        for layer in self.layers:
            layer.start_back()
        for step in reversed(range(len(outputs))):
            d_own += d_outputs[step]
            tanh_backward(d_own, outputs[step], grad_input=d_projected[step])
            gradient = d_projected[step] @ self.weight
            for layer, mask in zip(reversed(self.layers), reversed(self.masks[1:]), strict=True):
                layer.back(step, gradient if mask is None else gradient.mul_(mask[step]))
                gradient = layer.d_input(step)
            if self.masks[0] is not None:
                gradient *= self.masks[0][step]
            torch.mul(gradient, self.is_own[step], out=d_own)
            torch.sub(gradient, d_own, out=d_expected[step])
        d_state = torch.stack([layer.d_state for layer in self.layers], dim=1)
        d_weight = d_projected.flatten(0, 1).t() @ self.seen[-1].flatten(0, 1)
        d_weights = [
            [*layer.d_weights(inputs), *layer.d_biases()] for layer, inputs in zip(self.layers, self.seen, strict=False)
        ]
        return d_expected, d_state, d_weight, d_projected.sum((0, 1)), *chain(*d_weights)
