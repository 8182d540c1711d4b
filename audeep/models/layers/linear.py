# SPDX-License-Identifier: GPL-3.0-or-later
"""Linear layers, and where their weights start."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from audeep.models.layers.draws import draw_uniform, drawn


class TanhLinear(nn.Module):
    """tanh(x W' + b)."""

    __call__: Callable[..., Tensor]

    def __init__(self, input_size: int, output_size: int) -> None:
        super().__init__()
        self.linear = start_linear(input_size, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.linear(inputs)
        return outputs.tanh_()


def start_linear(input_size: int, output_size: int) -> nn.Linear:
    """A layer whose weights start Glorot-uniform, and biases uniform within sqrt(6 / (2 n)) for n outputs."""
    layer = drawn(nn.Linear, input_size, output_size)
    draw_uniform(layer.weight, math.sqrt(3.0) * math.sqrt(2.0 / (input_size + output_size)))  # rounded as by nn.init
    draw_uniform(layer.bias, math.sqrt(6 / (2 * output_size)))
    return layer


def start_dense(input_size: int, output_size: int) -> nn.Linear:
    """A layer whose weights start Glorot-uniform, and biases at zero."""
    layer = start_linear(input_size, output_size)
    with torch.no_grad():
        layer.bias.zero_()
    return layer
