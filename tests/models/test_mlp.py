# SPDX-License-Identifier: GPL-3.0-or-later
"""Multilayer perceptron: what it computes and where it starts."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from audeep.models.mlp import Mlps


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_networks_are_relu_layers_below_linear_logits(num_layers: int) -> None:
    model = Mlps([6, *[5] * num_layers, 3], keep_prob=0.4, seeds=[3, 4]).eval()
    inputs = torch.randn(20, 6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = model(inputs).numpy()
    assert found.shape == (2, 20, 3) and len(model.weights) == num_layers + 1
    for network in range(2):
        weights, biases = (
            [part[network].detach().numpy() for part in parts] for parts in (model.weights, model.biases)
        )
        expected = inputs.numpy()
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            expected = np.maximum(expected @ weight.T + bias, 0)
        expected = expected @ weights[-1].T + biases[-1]
        assert expected.min() < 0  # no ReLU on the logits
        np.testing.assert_allclose(found[network], expected, atol=1e-5)


def test_the_loss_is_the_sum_of_the_mean_cross_entropies() -> None:
    model = Mlps([6, 5, 5, 3], keep_prob=1.0, seeds=[0, 1, 2])
    inputs, targets = torch.randn(20, 6), torch.randint(3, (20,))
    expected = sum(nn.functional.cross_entropy(logits, targets) for logits in model(inputs))
    torch.testing.assert_close(model.loss(inputs, targets), expected)


def test_dropout_stands_after_each_hidden_layer_only() -> None:
    model = Mlps([6, 400, 400, 3], keep_prob=0.7, seeds=[0])
    shares = []
    for child in model.modules():
        if isinstance(child, nn.Dropout):
            child.register_forward_hook(
                lambda _, args, output: shares.append((output[args[0] > 0] > 0).float().mean().item())
            )
    torch.manual_seed(0)
    model(torch.randn(100, 6))
    assert shares == [pytest.approx(0.7, abs=0.02)] * 2


def test_each_network_starts_glorot_uniform_from_its_own_seed() -> None:
    model = Mlps([70, 80, 90], keep_prob=0.6, seeds=[7, 8])
    for layer, inputs, outputs in [(0, 70, 80), (1, 80, 90)]:
        for parts, bound in [
            (model.weights, math.sqrt(6 / (inputs + outputs))),
            (model.biases, math.sqrt(6 / (2 * outputs))),
        ]:
            for weights in parts[layer]:
                assert 0.9 * bound < weights.abs().max().item() <= bound
                assert weights.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.15)
    alone = Mlps([70, 80, 90], keep_prob=0.6, seeds=[8])
    for one, other in zip(model.parameters(), alone.parameters(), strict=True):
        assert torch.equal(one[1], other[0]) and not torch.equal(one[0], other[0])


def test_loss_of_values_is_the_sum_of_the_mean_squared_errors() -> None:
    model = Mlps([6, 5, 5, 1], keep_prob=1.0, seeds=[0, 1, 2])
    generator = np.random.default_rng(0)
    features = torch.from_numpy(generator.normal(size=(9, 6)).astype(np.float32))
    values = torch.from_numpy(generator.normal(size=9).astype(np.float32))
    outputs = model(features).detach().numpy()  # [network, batch, 1]
    expected = sum(np.mean((outputs[network, :, 0] - values.numpy()) ** 2) for network in range(3))
    assert model.loss(features, values).item() == pytest.approx(expected, rel=1e-5)
