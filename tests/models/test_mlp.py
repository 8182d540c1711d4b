# SPDX-License-Identifier: GPL-3.0-or-later
"""Multilayer perceptron: what it computes and where it starts."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from audeep.models.mlp import Mlp, MlpConfig


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_mlp_is_relu_layers_below_linear_logits(num_layers: int) -> None:
    torch.manual_seed(0)
    model = Mlp(MlpConfig(num_features=6, num_classes=3, num_layers=num_layers, num_units=5, keep_prob=0.4)).eval()
    inputs = torch.randn(20, 6)
    with torch.no_grad():
        found = model(inputs).numpy()
        weights = [weights.numpy() for weights in model.parameters()]
    expected = inputs.numpy()
    for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        expected = np.maximum(expected @ weight.T + bias, 0)
    expected = expected @ weights[-2].T + weights[-1]
    assert len(weights) == 2 * (num_layers + 1)
    assert expected.min() < 0  # no ReLU on the logits
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_dropout_stands_behind_each_hidden_layer_only() -> None:
    model = Mlp(MlpConfig(num_features=6, num_classes=3, num_layers=2, num_units=400, keep_prob=0.7))
    shares = []
    for child in model.modules():
        if isinstance(child, nn.Dropout):
            child.register_forward_hook(
                lambda _, args, output: shares.append((output[args[0] > 0] > 0).float().mean().item())
            )
    torch.manual_seed(0)
    model(torch.randn(100, 6))
    assert shares == [pytest.approx(0.7, abs=0.02)] * 2


def test_mlp_starts_glorot_uniform() -> None:
    torch.manual_seed(0)
    model = Mlp(MlpConfig(num_features=70, num_classes=90, num_layers=1, num_units=80))
    hidden, output = (layer for layer in model.modules() if isinstance(layer, nn.Linear))
    for layer, inputs, outputs in [(hidden, 70, 80), (output, 80, 90)]:
        for weights, bound in [
            (layer.weight, math.sqrt(6 / (inputs + outputs))),
            (layer.bias, math.sqrt(6 / (2 * outputs))),
        ]:
            assert 0.9 * bound < weights.abs().max().item() <= bound
            assert weights.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.15)
