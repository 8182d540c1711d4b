# SPDX-License-Identifier: GPL-3.0-or-later
"""Multilayer perceptrons for classification and regression, several of the same shape at once."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from audeep.models.layers.draws import Draws, drawing_from
from audeep.models.layers.dropout import Dropout
from audeep.models.layers.linear import start_linear


class Mlps(nn.Module):
    """Networks on the same input: hidden ReLU layers with dropout after each, and linear outputs.

    Outputs are the logits of the classes (the old auDeep put a ReLU on them), or one value. Each network starts as it
    would alone, from its own seed.

    Args:
        sizes: of the input, the hidden layers, and the output.
        keep_prob: probability to keep an activation while training.
    """

    def __init__(self, sizes: Sequence[int], keep_prob: float, seeds: Sequence[int]) -> None:
        super().__init__()
        networks = []
        for seed in seeds:
            self.draws = Draws(seed)  # those of the last one go on with the masks of dropout
            with drawing_from(self.draws):
                networks.append([start_linear(*layer) for layer in pairwise(sizes)])
        layers = list(zip(*networks, strict=True))
        self.weights = nn.ParameterList(torch.stack([layer.weight.detach() for layer in same]) for same in layers)
        self.biases = nn.ParameterList(torch.stack([layer.bias.detach() for layer in same]) for same in layers)
        self.dropout = Dropout(1 - keep_prob)

    def forward(self, features: Tensor) -> Tensor:
        """[batch, features] -> [network, batch, outputs]."""
        # the first layer of all networks is one product, because they share its input
        shape = (len(features), *self.biases[0].shape)
        products = features @ self.weights[0].flatten(0, 1).t()
        outputs: Tensor = (products.view(shape) + self.biases[0]).transpose(0, 1)
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            outputs = torch.baddbmm(bias.unsqueeze(1), self.dropout(torch.relu(outputs)), weight.transpose(1, 2))
        return outputs

    def loss(self, features: Tensor, targets: Tensor) -> Tensor:
        """Sum of the mean errors of the networks, so that each has the gradients it would have alone.

        Args:
            targets: [batch], classes (int64), for which the error is the cross-entropy, or values (float32), for which
                it is the squared difference.
        """
        with drawing_from(self.draws):
            outputs = self(features).flatten(0, 1)
        targets_of_all = targets.repeat(len(self.biases[0]))
        if targets.is_floating_point():
            errors = nn.functional.mse_loss(outputs.squeeze(1), targets_of_all, reduction="sum")
        else:
            errors = nn.functional.cross_entropy(outputs, targets_of_all, reduction="sum")
        mean: Tensor = errors / len(targets)
        return mean
