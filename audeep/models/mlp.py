# SPDX-License-Identifier: GPL-3.0-or-later
"""Multilayer perceptron for classification."""

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from audeep.models.rnn import start_linear


@dataclass(frozen=True)
class MlpConfig:
    """Architecture, and the probability to keep an activation while training."""

    num_features: int
    num_classes: int
    num_layers: int = 2
    num_units: int = 150
    keep_prob: float = 0.6


class Mlp(nn.Module):
    """Hidden ReLU layers with dropout behind each, and one output per class: [batch, features] -> [batch, classes].

    Outputs are logits; the old auDeep put a ReLU on them.
    """

    def __init__(self, config: MlpConfig) -> None:
        super().__init__()
        self.config = config
        sizes = [config.num_features] + [config.num_units] * config.num_layers
        hidden = []
        for inputs, outputs in pairwise(sizes):
            hidden += [start_linear(nn.Linear(inputs, outputs)), nn.ReLU(), nn.Dropout(1 - config.keep_prob)]
        self.layers = nn.Sequential(*hidden, start_linear(nn.Linear(sizes[-1], config.num_classes)))

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)
