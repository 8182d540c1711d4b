# SPDX-License-Identifier: GPL-3.0-or-later
"""Recurrent layers: stacks of cells in one or two directions.

A recurrent state is one tensor [batch, layers, directions, parts, units], where a GRU cell has one part (h) and an
LSTM cell two (c, h). Flattened after the batch it is the state vector that embeddings are made of.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from audeep.models.layers.autograd import LayerInput, run_layers
from audeep.models.layers.draws import draw_uniform, drawn
from audeep.models.layers.dropout import Dropout
from audeep.models.layers.lengths import backward
from audeep.models.layers.native import uses_native

LAYERS: dict[str, type[nn.GRU] | type[nn.LSTM]] = {"GRU": nn.GRU, "LSTM": nn.LSTM}
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
        self.rnn: nn.GRU | nn.LSTM = drawn(LAYERS[cell], input_size, num_units)
        w_ih, w_hh, b_ih, b_hh = self.weights
        # rows of the gate blocks that are drawn as one matrix, and those whose bias starts at 1
        blocks = [(0, 2), (2, 3)] if cell == "GRU" else [(0, 4)]
        open_gates = slice(0, 2 * num_units) if cell == "GRU" else slice(num_units, 2 * num_units)
        with torch.no_grad():
            for first, last in blocks:
                bound = math.sqrt(6 / (input_size + num_units + (last - first) * num_units))
                rows = slice(first * num_units, last * num_units)
                draw_uniform(w_ih[rows], bound)
                draw_uniform(w_hh[rows], bound)
            b_hh.zero_()
            b_ih.zero_()
            b_ih[open_gates] = 1

    @property
    def weights(self) -> list[Tensor]:
        """w_ih, w_hh, b_ih, b_hh."""
        return list(self.rnn.all_weights[0])

    def forward(self, inputs: Tensor, state: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run over a sequence from `state` [batch, parts, units] by PyTorch; give outputs and the last state.

        With `lengths` [batch], that is the state after so many steps, and outputs after them are zeros.
        """
        state = state.transpose(0, 1).contiguous()  # [parts, batch, units]
        given = inputs if lengths is None else pack_padded_sequence(inputs, lengths.cpu(), enforce_sorted=False)
        if self.cell == "GRU":
            outputs, last = self.rnn(given, state)
        else:
            outputs, (hidden, carry) = self.rnn(given, (state[1:], state[:1]))
            last = torch.cat([carry, hidden])
        if lengths is not None:
            outputs, _ = pad_packed_sequence(outputs, total_length=len(inputs))
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
        self.layers = cast("list[RecurrentLayer]", nn.ModuleList())
        # on the input of each layer, and on the output of the last
        self.dropouts = cast("list[Dropout]", nn.ModuleList([Dropout(1 - config.keep_prob)]))
        for index in range(config.num_layers):  # one by one: checkpoints bound what a hostile file can ask for
            size = config.num_units if index else config.input_size
            self.layers.append(RecurrentLayer(config.cell, size, config.num_units))
            is_last = index == config.num_layers - 1
            self.dropouts.append(Dropout(1 - (config.keep_prob if is_last else config.keep_prob**2)))

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
    stacks: Sequence[RecurrentStack],
    inputs: Sequence[Tensor],
    states: Sequence[Tensor | None],
    keep_outputs: bool = True,
    lengths: Tensor | None = None,
) -> list[tuple[Tensor, Tensor]]:
    """Run stacks of the same shape, each over its inputs [time, batch, inputs] from its state, or from zeros.

    Args:
        keep_outputs: without it, outputs mean nothing.
        lengths: steps of each sequence [batch], if they differ. Outputs after them mean nothing.

    Returns:
        For each, outputs [time, batch, units] and the last state [batch, layers, parts, units].
    """
    layers = list(run_each_layer(stacks, inputs, states, keep_outputs, lengths))
    outputs = layers[-1][0]
    if keep_outputs:
        outputs = [stack.dropouts[-1](each) for stack, each in zip(stacks, outputs, strict=True)]
    last = [torch.stack(state, dim=1) for state in zip(*(states for _, states in layers), strict=True)]
    return list(zip(outputs, last, strict=True))


def run_each_layer(
    stacks: Sequence[RecurrentStack],
    inputs: Sequence[Tensor],
    states: Sequence[Tensor | None],
    keep_outputs: bool = True,
    lengths: Tensor | None = None,
) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
    """What `run_stacks` does, layer by layer, from the lowest.

    Gives outputs [time, batch, units] (those of the highest layer mean nothing without `keep_outputs`) and last states
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
        if uses_native(inputs[0]):
            results = run_layers(layers[0].cell, given, is_wanted, lengths)
        else:
            results = [layer(item.inputs, item.state, lengths) for layer, item in zip(layers, given, strict=True)]
        inputs = [outputs for outputs, _ in results]
        yield inputs, [state for _, state in results]


class Recurrence(nn.Module):
    """One stack, or two independent ones of which the second reads backward, joined only at the top."""

    __call__: Callable[..., tuple[Tensor, Tensor]]

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
    ) -> tuple[Tensor, Tensor]:
        """[time, batch, inputs] -> [time, batch, directions * units], [batch, layers, directions, parts, units].

        Without `keep_outputs`, outputs mean nothing. `lengths` [batch] are the steps of each sequence if they differ.
        """
        stacks, directions = self._directions(inputs, lengths)
        states = [None] * len(stacks) if state is None else list(state.unbind(2))
        outputs, last = zip(*run_stacks(stacks, directions, states, keep_outputs, lengths), strict=True)
        return join_directions(outputs, lengths) if keep_outputs else outputs[0], torch.stack(last, dim=2)

    def layer_outputs(self, inputs: Tensor, lengths: Tensor | None = None) -> Iterator[Tensor]:
        """Outputs of each layer over [time, batch, inputs]: [time, batch, directions * units]."""
        stacks, directions = self._directions(inputs, lengths)
        for outputs, _ in run_each_layer(stacks, directions, [None] * len(stacks), lengths=lengths):
            yield join_directions(outputs, lengths)

    def _directions(self, inputs: Tensor, lengths: Tensor | None) -> tuple[list[RecurrentStack], list[Tensor]]:
        """The stacks, and what each of them reads."""
        if self.backward_stack is None:
            return [self.forward_stack], [inputs]
        return [self.forward_stack, self.backward_stack], [inputs, backward(inputs, lengths)]


def join_directions(outputs: Iterable[Tensor], lengths: Tensor | None) -> Tensor:
    """Outputs of the directions, of which all but the first went backward: [time, batch, directions * size]."""
    return torch.cat([backward(each, lengths) if index else each for index, each in enumerate(outputs)], dim=2)
