# SPDX-License-Identifier: GPL-3.0-or-later
"""The f-rae and the ft-rae once more: slow, step by step, in NumPy float64, built of the cells of `reference`."""

from collections.abc import Mapping

import numpy as np
from numpy import ndarray

from tests.support.recurrent_reference import Cell, gru, lstm, tanh_linear


class Weights:
    """Cells and layers made of a state_dict."""

    def __init__(self, values: Mapping[str, ndarray], cell: str) -> None:
        self.values, self.make, self.parts = values, gru if cell == "GRU" else lstm, 1 if cell == "GRU" else 2

    def stack(self, prefix: str) -> list[Cell]:
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        layers = sum(name.startswith(prefix) and name.endswith("weight_hh_l0") for name in self.values)
        return [self.make(*(self.values[f"{prefix}.layers.{i}.rnn.{name}"] for name in names)) for i in range(layers)]

    def linear(self, x: ndarray, prefix: str) -> ndarray:
        return tanh_linear(x, (self.values[f"{prefix}.linear.weight"].T, self.values[f"{prefix}.linear.bias"]))

    def units(self, prefix: str) -> int:
        return next(v for name, v in self.values.items() if name.startswith(prefix) and "weight_hh" in name).shape[1]

    def encode(self, prefix: str, sequence: ndarray) -> ndarray:
        """[step, batch, inputs] -> final state [batch, layers * directions * parts * units]."""
        finals = []
        for name, frames in (("forward", sequence), ("backward", sequence[::-1])):
            stack = self.stack(f"{prefix}.recurrence.{name}_stack")
            state = [[np.zeros((sequence.shape[1], self.units(prefix)))] * self.parts for _ in stack]
            for frame in frames:
                for layer, cell in enumerate(stack):
                    state[layer] = cell(frame, state[layer])
                    frame = state[layer][-1]
            finals += [state] if stack else []
        return np.hstack([part for layer in zip(*finals, strict=True) for parts in layer for part in parts])

    def decode(self, prefix: str, targets: ndarray, vector: ndarray, is_own: bool) -> ndarray:
        """[step, batch, frame], state vector -> [step, batch, directions * frame]."""
        stacks = [stack for i in (0, 1) if (stack := self.stack(f"{prefix}.directions.{i}.stack"))]
        pieces = iter(np.split(vector, vector.shape[1] // self.units(prefix), axis=1))
        states: list[list] = [[] for _ in stacks]
        for _ in stacks[0]:
            for state in states:
                state.append([next(pieces) for _ in range(self.parts)])
        directions = []
        for number, (stack, state) in enumerate(zip(stacks, states, strict=True)):
            expected = targets if number == 0 else targets[::-1]
            outputs = [np.zeros_like(targets[0])]
            for step in range(len(expected)):
                late = expected[step - 1] if step else np.zeros_like(targets[0])
                frame = outputs[-1] if is_own else late
                for layer, cell in enumerate(stack):
                    state[layer] = cell(frame, state[layer])
                    frame = state[layer][-1]
                outputs.append(self.linear(frame, f"{prefix}.directions.{number}.projection"))
            directions.append(outputs[1:] if number == 0 else outputs[:0:-1])
        return np.concatenate([np.array(outputs) for outputs in directions], axis=2)


def windows_of(frames: ndarray, width: int, overlap: int) -> ndarray:
    """[frame, freq] -> [window, frame, width]."""
    starts = range(0, frames.shape[1] - width + 1, width - overlap)
    return np.array([frames[:, start : start + width] for start in starts])


def f_rae(weights: Weights, spectrograms: ndarray, width: int, overlap: int, is_own: bool) -> tuple[ndarray, ndarray]:
    """Representation [batch, time, generated] and reconstruction [batch, time, freq]."""
    embedded, rebuilt = [], []
    for frames in spectrograms:  # [time, freq]
        windows = windows_of(frames, width, overlap)
        vector = weights.linear(weights.encode("encoder", windows), "representation")
        decoded = weights.decode("decoder", windows[::-1], vector, is_own)
        embedded.append(vector)
        rebuilt.append(weights.linear(np.hstack(list(decoded)), "reconstruction")[:, ::-1])
    return np.array(embedded), np.array(rebuilt)


def ft_rae(weights: Weights, spectrograms: ndarray, width: int, overlap: int, is_own: bool) -> tuple[ndarray, ndarray]:
    """Representation [batch, generated] and reconstruction [batch, time, freq]."""
    by_time = spectrograms.transpose(1, 0, 2)
    windows = [windows_of(frames, width, overlap) for frames in by_time]  # for each time: [window, batch, width]
    states = np.array([weights.encode("f_encoder", of_time) for of_time in windows])  # [time, batch, state]
    vector = weights.linear(weights.encode("t_encoder", states), "representation")
    decoded = weights.decode("t_decoder", states[::-1], vector, is_own)[::-1]
    rebuilt = []
    for of_time, outputs in zip(windows, decoded, strict=True):
        bands = weights.decode("f_decoder", of_time[::-1], weights.linear(outputs, "f_decoder_state"), is_own)
        rebuilt.append(weights.linear(np.hstack(list(bands)), "reconstruction")[:, ::-1])
    return vector, np.array(rebuilt).transpose(1, 0, 2)
