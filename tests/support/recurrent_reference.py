# SPDX-License-Identifier: GPL-3.0-or-later
"""The time-recurrent autoencoder once more: slow, step by step, in NumPy float64.

A cell is a function (frame [batch, inputs], parts of its state) -> new parts, of which the last is its output. A
network is made of stacks of cells, [direction][layer], and of linear layers (weights [inputs, outputs], bias).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count, takewhile

import numpy as np
from numpy import ndarray

Cell = Callable[[ndarray, list[ndarray]], list[ndarray]]
Linear = tuple[ndarray, ndarray]


def sigmoid(x: ndarray) -> ndarray:
    return 1 / (1 + np.exp(-x))


def tanh_linear(x: ndarray, layer: Linear) -> ndarray:
    weights, bias = layer
    return np.tanh(x @ weights + bias)


def gru(w_ih: ndarray, w_hh: ndarray, b_ih: ndarray, b_hh: ndarray) -> Cell:
    """GRU that resets after the matrix product; rows of the weights are reset, update, candidate."""

    def cell(frame: ndarray, state: list[ndarray]) -> list[ndarray]:
        (hidden,) = state
        of_input, of_state = np.split(frame @ w_ih.T + b_ih, 3, axis=1), np.split(hidden @ w_hh.T + b_hh, 3, axis=1)
        reset, update = (sigmoid(of_input[gate] + of_state[gate]) for gate in (0, 1))
        candidate = np.tanh(of_input[2] + reset * of_state[2])
        return [update * hidden + (1 - update) * candidate]

    return cell


def old_gru(gates: ndarray, gates_bias: ndarray, candidate: ndarray, candidate_bias: ndarray) -> Cell:
    """GRU of auDeep 0.9, which resets before the matrix product; kernels are [input + state, gates]."""

    def cell(frame: ndarray, state: list[ndarray]) -> list[ndarray]:
        (hidden,) = state
        reset, update = np.split(sigmoid(np.hstack([frame, hidden]) @ gates + gates_bias), 2, axis=1)
        proposed = np.tanh(np.hstack([frame, reset * hidden]) @ candidate + candidate_bias)
        return [update * hidden + (1 - update) * proposed]

    return cell


def lstm(w_ih: ndarray, w_hh: ndarray, b_ih: ndarray, b_hh: ndarray) -> Cell:
    """LSTM; rows of the weights are input gate, forget gate, candidate, output gate."""

    def cell(frame: ndarray, state: list[ndarray]) -> list[ndarray]:
        carry, hidden = state
        write, keep, candidate, show = np.split(frame @ w_ih.T + b_ih + hidden @ w_hh.T + b_hh, 4, axis=1)
        carry = sigmoid(keep) * carry + sigmoid(write) * np.tanh(candidate)
        return [carry, sigmoid(show) * np.tanh(carry)]

    return cell


def old_lstm(kernel: ndarray, bias: ndarray) -> Cell:
    """LSTM of auDeep 0.9: kernel [input + state, gates i, j, f, o], and 1 added to f."""

    def cell(frame: ndarray, state: list[ndarray]) -> list[ndarray]:
        carry, hidden = state
        write, candidate, keep, show = np.split(np.hstack([frame, hidden]) @ kernel + bias, 4, axis=1)
        carry = sigmoid(keep + 1) * carry + sigmoid(write) * np.tanh(candidate)
        return [carry, sigmoid(show) * np.tanh(carry)]

    return cell


@dataclass
class Network:
    """A time-recurrent autoencoder for arrays [time, batch, freq]; `projection` is for autoregressive decoding."""

    encoder: list[list[Cell]]
    representation: Linear
    decoder: list[list[Cell]]
    reconstruction: Linear
    projection: Linear | None
    units: int
    parts: int
    delay: int = 1  # steps by which the expected outputs are late

    def embed(self, inputs: ndarray) -> ndarray:
        """[batch, state size]."""
        batch = inputs.shape[1]
        finals = []
        for direction, layers in enumerate(self.encoder):
            state = [[np.zeros((batch, self.units))] * self.parts for _ in layers]
            for frame in inputs if direction == 0 else inputs[::-1]:
                frame = self.advance(layers, frame, state)
            finals.append(state)
        vector = [part for by_direction in zip(*finals, strict=True) for parts in by_direction for part in parts]
        return tanh_linear(np.hstack(vector), self.representation)

    def advance(self, layers: list[Cell], frame: ndarray, state: list[list[ndarray]]) -> ndarray:
        """One step through all layers; `state` is replaced."""
        for index, cell in enumerate(layers):
            state[index] = cell(frame, state[index])
            frame = state[index][-1]
        return frame

    def reconstruct(
        self, inputs: ndarray, is_own: ndarray | float = 0.0, encoder_inputs: ndarray | None = None
    ) -> ndarray:
        """[time, batch, freq], in the order of `inputs`; `is_own` [time, batch] is 1 where own output is used."""
        vector = self.embed(inputs if encoder_inputs is None else encoder_inputs)
        targets = inputs[::-1]
        states = self.decoder_states(vector)
        if self.projection is not None:
            decoded = self.decode_autoregressively(targets, states[0], np.broadcast_to(is_own, targets.shape[:2]))
        else:
            shifted = self.late(list(targets))
            ahead = [self.advance(self.decoder[0], frame, states[0]) for frame in shifted]
            back = [self.advance(self.decoder[1], frame, states[1]) for frame in shifted[::-1]]
            decoded = [np.hstack(pair) for pair in zip(ahead, back[::-1], strict=True)]
        return np.array([tanh_linear(frame, self.reconstruction) for frame in decoded[::-1]])

    def decoder_states(self, vector: ndarray) -> list[list[list[ndarray]]]:
        """The embedding cut into [direction][layer][part]; it comes layer by layer, then by direction."""
        pieces = iter(np.split(vector, vector.shape[1] // self.units, axis=1))
        states = [[None] * len(layers) for layers in self.decoder]
        for layer in range(len(self.decoder[0])):
            for direction in range(len(self.decoder)):
                states[direction][layer] = [next(pieces) for _ in range(self.parts)]
        return states

    def late(self, frames: list[ndarray]) -> list[ndarray]:
        return ([np.zeros_like(frames[0])] * self.delay + frames)[: len(frames)]

    def decode_autoregressively(self, targets: ndarray, state: list, is_own: ndarray) -> list[ndarray]:
        outputs = []
        for step, expected in enumerate(self.late(list(targets))):
            own = outputs[-1] if outputs else np.zeros_like(expected)
            frame = np.where(is_own[step][:, None] == 1, own, expected)
            outputs.append(tanh_linear(self.advance(self.decoder[0], frame, state), self.projection))
        return outputs

    def loss(self, inputs: ndarray, is_own: ndarray | float = 0.0, mask_silence: bool = False) -> float:
        """Root mean squared error over all cells; with `mask_silence`, cells at -1 have no error."""
        errors = self.reconstruct(inputs, is_own) - inputs
        if mask_silence:
            errors = errors * (inputs != -1)
        return float(np.sqrt(np.mean(errors**2)))


def network_of(weights: Mapping[str, ndarray], cell: str) -> Network:
    """The network with the weights of a `TimeAutoencoder`, by their names in its state_dict."""
    make = gru if cell == "GRU" else lstm
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")

    def stack(prefix: str) -> list[Cell]:
        layers = sum(name.startswith(prefix) and name.endswith("weight_hh_l0") for name in weights)
        return [make(*(weights[f"{prefix}.layers.{layer}.rnn.{name}"] for name in names)) for layer in range(layers)]

    def linear(prefix: str) -> Linear | None:
        if f"{prefix}.linear.weight" not in weights:
            return None
        return weights[f"{prefix}.linear.weight"].T, weights[f"{prefix}.linear.bias"]

    encoder = [stack(f"encoder.recurrence.{direction}_stack") for direction in ("forward", "backward")]
    decoder = [stack("decoder.directions.0.stack")]
    if not decoder[0]:
        decoder = [stack(f"decoder.recurrence.{direction}_stack") for direction in ("forward", "backward")]
    return Network(
        encoder=[layers for layers in encoder if layers],
        representation=linear("representation"),
        decoder=decoder,
        reconstruction=linear("reconstruction"),
        projection=linear("decoder.directions.0.projection"),
        units=weights["encoder.recurrence.forward_stack.layers.0.rnn.weight_hh_l0"].shape[1],
        parts=1 if cell == "GRU" else 2,
    )


def network_of_old(variables: Mapping[str, ndarray], cell: str) -> Network:
    """The network with the weights of a t-rae of auDeep 0.9, by their names in its graph."""

    def cells(prefix: str) -> list[Cell]:
        paths = (f"{prefix}/multi_rnn_cell/cell_{layer}/{cell.lower()}_cell/" for layer in count())
        layers = list(takewhile(lambda path: any(name.startswith(path) for name in variables), paths))
        if cell == "LSTM":
            return [old_lstm(variables[f"{layer}kernel"], variables[f"{layer}bias"]) for layer in layers]
        names = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")
        return [old_gru(*(variables[f"{layer}{name}"] for name in names)) for layer in layers]

    def directions(prefix: str) -> list[list[Cell]]:
        top = f"{prefix}/rnn_output_and_state"
        stacks = [cells(f"{top}/{name}") for name in ("rnn", "bidirectional_rnn/fw", "bidirectional_rnn/bw")]
        return [layers for layers in stacks if layers]

    def linear(prefix: str) -> Linear | None:
        return (
            (variables[f"{prefix}/weights"], variables[f"{prefix}/bias"]) if f"{prefix}/weights" in variables else None
        )

    projection = linear("model/decoder/rnn_output_and_state")
    return Network(
        encoder=directions("model/encoder"),
        representation=linear("model/representation/linear"),
        decoder=directions("model/decoder"),
        reconstruction=linear("model/reconstruction/time_dist_linear/linear"),
        projection=projection,
        units=8,
        parts=1 if cell == "GRU" else 2,
        delay=1 if projection is None else 2,  # a fault of the old program, mended
    )
