# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights and inputs of the golden networks, made from a hash (section 2 of the README beside the numbers)."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def uniform(number: int, shape: Sequence[int]) -> np.ndarray:
    """Of tensor `number`, from 0 to 1."""
    values = np.arange(math.prod(shape), dtype=np.uint64) + np.uint64(0x9E3779B9 * (number + 1) % 2**32)
    mask = np.uint64(2**32 - 1)
    values &= mask
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        values ^= values >> np.uint64(shift)
        values = values * np.uint64(factor) & mask
    return (values / 2**32).reshape(shape)


def signed(number: int, shape: Sequence[int]) -> np.ndarray:
    """Of tensor `number`, from -1 to 1."""
    return 2 * uniform(number, shape) - 1


def weight(number: int, shape: Sequence[int], fan_in: int) -> Tensor:
    """Of a convolution or dense layer."""
    return single(signed(number, shape) * np.sqrt(6 / fan_in))


def gamma(number: int, size: int) -> Tensor:
    """The scale of a batch normalisation."""
    return single(1 + 0.2 * signed(number, [size]))


def bias(number: int, size: int) -> Tensor:
    """A bias, the shift of a batch normalisation, or a running mean."""
    return single(0.1 * signed(number, [size]))


def variance(number: int, size: int) -> Tensor:
    """A running variance."""
    return single(0.5 + uniform(number, [size]))


def inputs(number: int, shape: Sequence[int], scale: float, offset: float) -> Tensor:
    """What a network reads."""
    return single(scale * signed(number, shape) + offset)


def single(values: np.ndarray) -> Tensor:
    """In single precision."""
    return torch.from_numpy(values.astype(np.float32))


class Adam:
    """Adam as in Lasagne and TensorFlow 1, where eps is added to the root of the uncorrected second moment."""

    def __init__(self, parameters: Sequence[Tensor], lr: float, eps: float = 1e-8) -> None:
        self.parameters, self.lr, self.eps, self.step_number = parameters, lr, eps, 0
        self.means = [torch.zeros_like(parameter) for parameter in parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in parameters]

    @torch.no_grad()
    def step(self) -> None:
        self.step_number += 1
        rate = self.lr * math.sqrt(1 - 0.999**self.step_number) / (1 - 0.9**self.step_number)
        for parameter, mean, square in zip(self.parameters, self.means, self.squares, strict=True):
            mean.lerp_(parameter.grad, 0.1)
            square.lerp_(parameter.grad.square(), 0.001)
            parameter -= rate * mean / (square.sqrt() + self.eps)
            parameter.grad = None
