# SPDX-License-Identifier: GPL-3.0-or-later
"""Encoders of sequences, and decoders that write them again."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from audeep.models.layers.draws import generator_for
from audeep.models.layers.feedback import FeedbackInput, run_feedback
from audeep.models.layers.lengths import backward
from audeep.models.layers.linear import TanhLinear
from audeep.models.layers.native import uses_native
from audeep.models.layers.pooling import pooled
from audeep.models.layers.recurrent import Recurrence, RecurrentStack, StackConfig, join_directions, run_stacks


class Encoder(nn.Module):
    """Embed each sequence in its final state: [time, batch, inputs] -> [batch, state_size].

    While training, whole steps of an instance are set to zero with probability `noise`.
    """

    __call__: Callable[..., Tensor]

    def __init__(self, config: StackConfig, noise: float = 0.0) -> None:
        super().__init__()
        self.recurrence = Recurrence(config)
        self.noise = noise

    def forward(self, sequences: Tensor, lengths: Tensor | None = None) -> Tensor:
        _, state = self.recurrence(self._noisy(sequences), keep_outputs=False, lengths=lengths)
        return state.flatten(1)  # [batch, state_size]

    def outputs(self, sequences: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Those of the highest layer at each step: [time, batch, directions * units]."""
        return self.recurrence(self._noisy(sequences), lengths=lengths)[0]

    def pooled(self, sequences: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The outputs of all layers, without noise, pooled over time: [batch, 3 * layers * directions * units]."""
        layers = self.recurrence.layer_outputs(sequences, lengths)
        return torch.cat([pooled(outputs, lengths) for outputs in layers], dim=1)

    def _noisy(self, sequences: Tensor) -> Tensor:
        if not self.training or self.noise == 0:
            return sequences
        device = sequences.device
        numbers = torch.rand(*sequences.shape[:2], 1, device=device, generator=generator_for(device))
        return sequences * (numbers >= self.noise)


class TeacherForcedDecoder(nn.Module):
    """Decode from the expected outputs alone: step t is given the target of step t - 1, the first step zeros."""

    __call__: Callable[..., Tensor]

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.state_shape = config.state_shape
        self.recurrence = Recurrence(config)
        self.output_size = config.output_size

    def forward(self, targets: Tensor, state: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[time, batch, frame], [batch, state_size] -> [time, batch, directions * units]."""
        return self.recurrence(shifted(targets), state.unflatten(1, self.state_shape), lengths=lengths)[0]


class FeedbackDecoder(nn.Module):
    """Decode step by step, autoregressively (from the output of the step before) with probability `feed_previous_prob`.

    Outputs are projected to the size of a frame by tanh(linear), so that they can be inputs. Two directions are two
    decoders, of which the second starts at the other end. While not training, the same probability holds.
    """

    __call__: Callable[..., Tensor]

    def __init__(self, config: StackConfig, feed_previous_prob: float = 0.0) -> None:
        super().__init__()
        self.config = config
        self.feed_previous_prob = feed_previous_prob
        stacks = nn.ModuleList(ProjectedStack(config) for _ in range(config.num_directions))
        self.directions = cast("list[ProjectedStack]", stacks)
        self.output_size = config.num_directions * config.input_size

    def forward(self, targets: Tensor, state: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[time, batch, frame], [batch, state_size] -> [time, batch, directions * frame]."""
        expected = [shifted(targets), shifted(backward(targets, lengths))][: len(self.directions)]
        states = list(state.unflatten(1, self.config.state_shape).unbind(2))  # [batch, layers, parts, units] each
        if self.feed_previous_prob > 0:
            return join_directions(self._autoregressive(expected, states), lengths)
        results = run_stacks([direction.stack for direction in self.directions], expected, states, lengths=lengths)
        outputs = (direction.projection(each) for direction, (each, _) in zip(self.directions, results, strict=True))
        return join_directions(outputs, lengths)

    def _autoregressive(self, expected: list[Tensor], states: list[Tensor]) -> list[Tensor]:
        """Outputs of each direction, [time, batch, frame]."""
        shape, device = (*expected[0].shape[:2], 1), expected[0].device
        generator = generator_for(device)
        is_own = [torch.rand(shape, device=device, generator=generator) < self.feed_previous_prob for _ in expected]
        given = list(zip(self.directions, expected, is_own, states, strict=True))
        if uses_native(expected[0]):
            inputs = [
                FeedbackInput(each, own, state, direction.stack.masks(each), direction.linear, direction.stack.weights)
                for direction, each, own, state in given
            ]
            return run_feedback(self.config.cell, inputs)
        return [direction.step_by_step(each, own, state) for direction, each, own, state in given]


class ProjectedStack(nn.Module):
    """One direction of a `FeedbackDecoder`: layers, and a projection of their outputs to frames."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.stack = RecurrentStack(config)
        self.projection = TanhLinear(config.num_units, config.input_size)

    @property
    def linear(self) -> list[Tensor]:
        """Weight and bias of the projection."""
        return [self.projection.linear.weight, self.projection.linear.bias]

    def step_by_step(self, expected: Tensor, is_own: Tensor, state: Tensor) -> Tensor:
        """Where `is_own` [time, batch, 1] is true, go on from the last output; else from `expected`."""
        outputs = [torch.zeros_like(expected[0])]
        for frame, own in zip(expected, is_own, strict=True):
            output, state = self.stack.step(torch.where(own, outputs[-1], frame), state)
            outputs.append(self.projection(output))
        return torch.stack(outputs[1:])


def shifted(targets: Tensor) -> Tensor:
    """Targets one step later, zeros first: [time, batch, frame] -> [time, batch, frame]."""
    return torch.cat([torch.zeros_like(targets[:1]), targets[:-1]])
