# SPDX-License-Identifier: GPL-3.0-or-later
"""Recurrent layers of the autoencoders: stacks of cells, one or two directions, decoding with feedback.

A recurrent state is one tensor [batch, layers, directions, parts, units], where a GRU cell has one part (h) and an
LSTM cell two (c, h). Flattened behind the batch it is the state vector that representations are made of.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from audeep.models.layers.cells import LayerInput, is_in_charge, run_layers
from audeep.models.layers.draws import draw_uniform, drawn, generator_for
from audeep.models.layers.dropout import Dropout
from audeep.models.layers.feedback import FeedbackInput, run_feedback
from audeep.models.layers.lengths import backward
from audeep.models.layers.pooling import pooled

LAYERS = {"GRU": nn.GRU, "LSTM": nn.LSTM}
STATE_PARTS = {"GRU": 1, "LSTM": 2}


@dataclass(frozen=True)
class StackConfig:
    """Shape of one encoder or decoder, and the probability to keep an activation while training."""

    input_size: int
    num_layers: int
    num_units: int
    bidirectional: bool = False
    cell: str = "GRU"
    keep_prob: float = 1.0

    @property
    def num_directions(self) -> int:
        """Independent stacks: forward, and perhaps backward."""
        return 2 if self.bidirectional else 1

    @property
    def state_shape(self) -> tuple[int, int, int, int]:
        """[layers, directions, parts, units]."""
        return self.num_layers, self.num_directions, STATE_PARTS[self.cell], self.num_units

    @property
    def state_size(self) -> int:
        """Length of the state vector."""
        return math.prod(self.state_shape)

    @property
    def output_size(self) -> int:
        """Activations per step, directions joined."""
        return self.num_directions * self.num_units


class RecurrentLayer(nn.Module):
    """One layer of cells in one direction: [time, batch, inputs] -> [time, batch, units].

    Weights start Glorot-uniform over the whole input of a cell, [input; state] together, separately for the gate
    matrix and the candidate matrix of a GRU, jointly for an LSTM. Biases of the GRU's reset and update gates and of
    the LSTM's forget gate start at 1, the others at 0. The reset gate acts after the matrix product, as in cuDNN.
    """

    def __init__(self, cell: str, input_size: int, num_units: int) -> None:
        super().__init__()
        self.cell = cell
        self.rnn = drawn(LAYERS[cell], input_size, num_units)
        # rows of the gate blocks that are drawn as one matrix, and those whose bias starts at 1
        blocks = [(0, 2), (2, 3)] if cell == "GRU" else [(0, 4)]
        open_gates = slice(0, 2 * num_units) if cell == "GRU" else slice(num_units, 2 * num_units)
        with torch.no_grad():
            for first, last in blocks:
                bound = math.sqrt(6 / (input_size + num_units + (last - first) * num_units))
                rows = slice(first * num_units, last * num_units)
                draw_uniform(self.rnn.weight_ih_l0[rows], bound)
                draw_uniform(self.rnn.weight_hh_l0[rows], bound)
            self.rnn.bias_hh_l0.zero_()
            self.rnn.bias_ih_l0.zero_()
            self.rnn.bias_ih_l0[open_gates] = 1

    @property
    def weights(self) -> list[Tensor]:
        """w_ih, w_hh, b_ih, b_hh."""
        return [self.rnn.weight_ih_l0, self.rnn.weight_hh_l0, self.rnn.bias_ih_l0, self.rnn.bias_hh_l0]

    def forward(self, inputs: Tensor, state: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run over a sequence from `state` [batch, parts, units] by PyTorch; give outputs and the last state.

        With `lengths` [batch], that is the state behind so many steps, and outputs behind them are zeros.
        """
        state = state.transpose(0, 1).contiguous()  # [parts, batch, units]
        num_steps = len(inputs)
        if lengths is not None:
            inputs = pack_padded_sequence(inputs, lengths.cpu(), enforce_sorted=False)
        if self.cell == "GRU":
            outputs, last = self.rnn(inputs, state)
        else:
            outputs, (hidden, carry) = self.rnn(inputs, (state[1:], state[:1]))
            last = torch.cat([carry, hidden])
        if lengths is not None:
            outputs, _ = pad_packed_sequence(outputs, total_length=num_steps)
        return outputs, last.transpose(0, 1)

    def zero_state(self, inputs: Tensor) -> Tensor:
        """The state before `inputs` [time, batch, inputs] where none is given: [batch, parts, units]."""
        return inputs.new_zeros(inputs.shape[1], STATE_PARTS[self.cell], self.rnn.hidden_size)

    def step(self, frame: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Run over one step: `frame` [batch, inputs] -> output [batch, units], state [batch, parts, units]."""
        if self.cell == "GRU":
            hidden = torch.gru_cell(frame, state[:, 0], *self.weights)
            return hidden, hidden.unsqueeze(1)
        carry, hidden = state.unbind(1)
        hidden, carry = torch.lstm_cell(frame, (hidden, carry), *self.weights)
        return hidden, torch.stack([carry, hidden], dim=1)


class RecurrentStack(nn.Module):
    """Layers on top of each other in one direction, with dropout on the input and the output of each.

    Between layers, both come together as one dropout that keeps with the square of the probability. Masks are drawn
    afresh at each step; the state that passes from step to step is never dropped.
    """

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.input_size, self.num_units = config.input_size, config.num_units
        self.layers = nn.ModuleList()
        self.dropouts = nn.ModuleList([Dropout(1 - config.keep_prob)])  # on the input of each layer
        for index in range(config.num_layers):  # one by one: checkpoints bound what a hostile file can ask for
            size = config.num_units if index else config.input_size
            self.layers.append(RecurrentLayer(config.cell, size, config.num_units))
            if index:
                self.dropouts.append(Dropout(1 - config.keep_prob**2))
        self.dropouts.append(Dropout(1 - config.keep_prob))  # and on the output of the last

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """[time, batch, inputs], [batch, layers, parts, units] -> [time, batch, units], last state."""
        return run_stacks([self], [inputs], [state])[0]

    def step(self, frame: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, inputs], [batch, layers, parts, units] -> [batch, units], next state."""
        following = []
        for layer, dropout, before in zip(self.layers, self.dropouts[:-1], state.unbind(1), strict=True):
            frame, after = layer.step(dropout(frame), before)
            following.append(after)
        return self.dropouts[-1](frame), torch.stack(following, dim=1)

    @property
    def weights(self) -> list[Tensor]:
        """Those of all layers, four of each."""
        return [weight for layer in self.layers for weight in layer.weights]

    def masks(self, inputs: Tensor) -> list[Tensor | None]:
        """Of all dropouts over a sequence like `inputs` [time, batch, inputs]."""
        sizes = [self.input_size] + [self.num_units] * len(self.layers)
        return [
            dropout.mask((*inputs.shape[:2], size), inputs) for dropout, size in zip(self.dropouts, sizes, strict=True)
        ]


def run_stacks(
    stacks: list[RecurrentStack],
    inputs: list[Tensor],
    states: list[Tensor | None],
    keep_outputs: bool = True,
    lengths: Tensor | None = None,
) -> list[tuple[Tensor | None, Tensor]]:
    """Run stacks of the same shape, each over its inputs [time, batch, inputs] from its state, or from zeros.

    Args:
        lengths: steps of each sequence [batch], if they differ. Outputs behind them mean nothing.

    Returns:
        For each, outputs [time, batch, units], or None without `keep_outputs`; and the last state
        [batch, layers, parts, units].
    """
    layers = list(run_each_layer(stacks, inputs, states, keep_outputs, lengths))
    highest, last = layers[-1][0], [last for _, last in layers]
    outputs = [stack.dropouts[-1](each) if keep_outputs else None for stack, each in zip(stacks, highest, strict=True)]
    return [(each, torch.stack(state, dim=1)) for each, *state in zip(outputs, *last, strict=True)]


def run_each_layer(
    stacks: list[RecurrentStack],
    inputs: list[Tensor],
    states: list[Tensor | None],
    keep_outputs: bool = True,
    lengths: Tensor | None = None,
) -> Iterator[tuple[list[Tensor | None], list[Tensor]]]:
    """What `run_stacks` does, layer by layer, from the lowest.

    Gives outputs [time, batch, units] (of the highest layer None without `keep_outputs`) and last states
    [batch, parts, units] of one layer, in a list of all stacks each.
    """
    for index, layers in enumerate(zip(*(stack.layers for stack in stacks), strict=True)):
        is_wanted = keep_outputs or index < len(stacks[0].layers) - 1
        given = [
            LayerInput(
                stack.dropouts[index](each),
                layer.zero_state(each) if state is None else state[:, index],
                layer.weights,
            )
            for stack, layer, each, state in zip(stacks, layers, inputs, states, strict=True)
        ]
        if is_in_charge(inputs[0]):
            results = run_layers(layers[0].cell, given, is_wanted, lengths)
        else:
            results = [layer(item.inputs, item.state, lengths) for layer, item in zip(layers, given, strict=True)]
        inputs = [outputs for outputs, _ in results]
        yield inputs, [state for _, state in results]


class Recurrence(nn.Module):
    """One stack, or two independent ones of which the second reads backward, joined only at the top."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.forward_stack = RecurrentStack(config)
        self.backward_stack = RecurrentStack(config) if config.bidirectional else None

    def forward(
        self,
        inputs: Tensor,
        state: Tensor | None = None,
        keep_outputs: bool = True,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor | None, Tensor]:
        """[time, batch, inputs] -> [time, batch, directions * units], [batch, layers, directions, parts, units].

        Without `keep_outputs` there is None in place of the outputs. `lengths` [batch] are the steps of each sequence
        if they differ.
        """
        stacks, directions = self._directions(inputs, lengths)
        states = [None] * len(stacks) if state is None else list(state.unbind(2))
        outputs, last = zip(*run_stacks(stacks, directions, states, keep_outputs, lengths), strict=True)
        return _joined(outputs, lengths) if keep_outputs else None, torch.stack(last, dim=2)

    def layer_outputs(self, inputs: Tensor, lengths: Tensor | None = None) -> Iterator[Tensor]:
        """Outputs of each layer over [time, batch, inputs]: [time, batch, directions * units]."""
        stacks, directions = self._directions(inputs, lengths)
        for outputs, _ in run_each_layer(stacks, directions, [None] * len(stacks), lengths=lengths):
            yield _joined(outputs, lengths)

    def _directions(self, inputs: Tensor, lengths: Tensor | None) -> tuple[list[RecurrentStack], list[Tensor]]:
        """The stacks, and what each of them reads."""
        if self.backward_stack is None:
            return [self.forward_stack], [inputs]
        return [self.forward_stack, self.backward_stack], [inputs, backward(inputs, lengths)]


def _joined(outputs: Iterable[Tensor], lengths: Tensor | None) -> Tensor:
    """Outputs of the directions, of which all but the first went backward: [time, batch, directions * size]."""
    return torch.cat([backward(each, lengths) if index else each for index, each in enumerate(outputs)], dim=2)


class Encoder(nn.Module):
    """Summarise each sequence by its final state: [time, batch, inputs] -> [batch, state_size].

    While training, whole steps of an instance are set to zero with probability `noise`.
    """

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
        drawn_numbers = torch.rand(*sequences.shape[:2], 1, device=device, generator=generator_for(device))
        return sequences * (drawn_numbers >= self.noise)


class TeacherForcedDecoder(nn.Module):
    """Decode from the expected outputs alone: step t is given the target of step t - 1, the first step zeros."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.state_shape = config.state_shape
        self.recurrence = Recurrence(config)
        self.output_size = config.output_size

    def forward(self, targets: Tensor, state: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[time, batch, frame], [batch, state_size] -> [time, batch, directions * units]."""
        outputs, _ = self.recurrence(shifted(targets), state.unflatten(1, self.state_shape), lengths=lengths)
        return outputs


class FeedbackDecoder(nn.Module):
    """Decode step by step, with probability `feed_previous_prob` from its own last output.

    Outputs are projected to the size of a frame by tanh(linear), so that they can be fed back. Two directions are two
    decoders, of which the second starts at the other end. While not training, the same probability holds.
    """

    def __init__(self, config: StackConfig, feed_previous_prob: float = 0.0) -> None:
        super().__init__()
        self.config = config
        self.feed_previous_prob = feed_previous_prob
        self.directions = nn.ModuleList(ProjectedStack(config) for _ in range(config.num_directions))
        self.output_size = config.num_directions * config.input_size

    def forward(self, targets: Tensor, state: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[time, batch, frame], [batch, state_size] -> [time, batch, directions * frame]."""
        expected = [shifted(targets), shifted(backward(targets, lengths))][: len(self.directions)]
        states = list(state.unflatten(1, self.config.state_shape).unbind(2))  # [batch, layers, parts, units] each
        if self.feed_previous_prob > 0:
            return _joined(self._fed_back(expected, states), lengths)
        results = run_stacks([direction.stack for direction in self.directions], expected, states, lengths=lengths)
        outputs = (direction.projection(each) for direction, (each, _) in zip(self.directions, results, strict=True))
        return _joined(outputs, lengths)

    def _fed_back(self, expected: list[Tensor], states: list[Tensor]) -> list[Tensor]:
        """Outputs of each direction, [time, batch, frame]."""
        shape, device = (*expected[0].shape[:2], 1), expected[0].device
        generator = generator_for(device)
        fed_back = [torch.rand(shape, device=device, generator=generator) < self.feed_previous_prob for _ in expected]
        given = list(zip(self.directions, expected, fed_back, states, strict=True))
        if is_in_charge(expected[0]):
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

    def step_by_step(self, expected: Tensor, fed_back: Tensor, state: Tensor) -> Tensor:
        """Where `fed_back` [time, batch, 1] is true, go on from the last output; else from `expected`."""
        outputs = [torch.zeros_like(expected[0])]
        for frame, own in zip(expected, fed_back, strict=True):
            output, state = self.stack.step(torch.where(own, outputs[-1], frame), state)
            outputs.append(self.projection(output))
        return torch.stack(outputs[1:])


class TanhLinear(nn.Module):
    """tanh(x W' + b)."""

    def __init__(self, input_size: int, output_size: int) -> None:
        super().__init__()
        self.linear = start_linear(input_size, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.tanh(self.linear(inputs))


def start_linear(input_size: int, output_size: int) -> nn.Linear:
    """A layer whose weights start Glorot-uniform, and biases uniform within sqrt(6 / (2 n)) for n outputs."""
    layer = drawn(nn.Linear, input_size, output_size)
    draw_uniform(layer.weight, math.sqrt(3.0) * math.sqrt(2.0 / (input_size + output_size)))  # rounded as by nn.init
    draw_uniform(layer.bias, math.sqrt(6 / (2 * output_size)))
    return layer


def shifted(targets: Tensor) -> Tensor:
    """Targets one step later, zeros first: [time, batch, frame] -> [time, batch, frame]."""
    return torch.cat([torch.zeros_like(targets[:1]), targets[:-1]])
