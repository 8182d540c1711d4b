# SPDX-License-Identifier: GPL-3.0-or-later
"""The ft-rae and the f-rae against a step-by-step computation, in every combination."""

import json
from itertools import product

import numpy as np
import pytest
import torch

from audeep.models.frequency_autoencoder import FrequencyAutoencoder, FrequencyAutoencoderConfig
from audeep.models.frequency_time_autoencoder import FrequencyTimeAutoencoder, FrequencyTimeAutoencoderConfig
from tests.support.frequency_reference import Weights, f_rae, ft_rae

BOTH = (False, True)


def assert_equals_reference(model: torch.nn.Module, compute, is_own: bool) -> None:
    """Representation, reconstruction, loss, and the slope of the loss along a random direction of all weights."""
    model = model.double().train()
    spectrograms = torch.from_numpy(np.random.default_rng(1).uniform(-1, 1, (3, 4, 11)))

    def loss_at(values: dict[str, np.ndarray]) -> float:
        _, rebuilt = compute(Weights(values, model.config.cell), spectrograms.numpy(), 4, 1, is_own)
        return float(np.sqrt(np.mean((rebuilt - spectrograms.numpy()) ** 2)))

    values = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    embedded, rebuilt = compute(Weights(values, model.config.cell), spectrograms.numpy(), 4, 1, is_own)
    np.testing.assert_allclose(model.embed(spectrograms).detach(), embedded, atol=1e-9)
    np.testing.assert_allclose(model.reconstruct(spectrograms).detach(), rebuilt, atol=1e-9)
    loss = model.loss(spectrograms)
    loss.backward()
    assert loss.item() == pytest.approx(loss_at(values), abs=1e-9)
    generator = np.random.default_rng(2)
    for parameters in (tuple(model.state_dict()), *((name,) for name in generator.choice(list(values), 4))):
        step = {name: 1e-6 * generator.standard_normal(values[name].shape) for name in parameters}
        ahead, back = ({**values, **{n: values[n] + sign * step[n] for n in parameters}} for sign in (1, -1))
        slope = sum((model.get_parameter(name).grad.numpy() * step[name]).sum() for name in parameters)
        assert slope == pytest.approx((loss_at(ahead) - loss_at(back)) / 2, rel=1e-3, abs=1e-12)


@pytest.mark.parametrize("cell, encoder, decoder, layers, own", [*product(("GRU", "LSTM"), BOTH, BOTH, (1, 2), BOTH)])
def test_f_rae_equals_the_step_by_step_reference(cell, encoder, decoder, layers, own):
    torch.manual_seed(0)
    config = FrequencyAutoencoderConfig(4, 11, 4, 1, layers, 3, encoder, decoder, 1.0, 0.0, float(own), cell)
    assert_equals_reference(FrequencyAutoencoder(config), f_rae, own)


DIRECTIONS = [
    *product(("GRU", "LSTM"), [*product(BOTH, BOTH, BOTH, BOTH)], [(1, 1)], [False]),
    *[("GRU", (1, 0, 0, 1), (2, 1), True), ("LSTM", (0, 1, 1, 0), (1, 2), True)],
    *[("GRU", (1, 1, 1, 1), (2, 2), True), ("LSTM", (0, 0, 0, 0), (2, 2), True)],
]


@pytest.mark.slow
@pytest.mark.parametrize("cell, directions, layers, own", DIRECTIONS)
def test_ft_rae_equals_the_step_by_step_reference(cell, directions, layers, own):
    torch.manual_seed(0)
    config = FrequencyTimeAutoencoderConfig(
        *(4, 11, 4, 1, layers[0], 3, layers[1], 2, *map(bool, directions), 1.0, 0.0, 0.0, float(own), float(own), cell)
    )
    assert_equals_reference(FrequencyTimeAutoencoder(config), ft_rae, own)


def test_ft_rae_has_the_shapes_of_auDeep(golden):
    manifest = json.loads((golden / "models" / "manifest.json").read_text())["models"]["ft_gru_f1x8_t2x8"]
    model = FrequencyTimeAutoencoder(FrequencyTimeAutoencoderConfig(20, 40, 16, 8, 1, 8, 2, 8))
    old = manifest["variables"]
    layers = {"f_encoder": "encoder_frequency", "t_encoder": "encoder_time", "f_decoder": "decoder_frequency"}
    for name, parameter in model.named_parameters():
        if name.endswith("linear.weight"):
            theirs = {
                "representation": "representation/linear",
                "reconstruction": "reconstruction/linear",
                "f_decoder_state": "decoder_frequency_initial_state/linear",
                "f_decoder": "decoder_frequency/rnn_output_and_state",
                "t_decoder": "decoder_time/rnn_output_and_state",
            }[name.split(".")[0]]
            assert list(parameter.T.shape) == old[f"model/{theirs}/weights"], name
        if name.endswith("weight_ih_l0"):
            coder = layers.get(name.split(".")[0], "decoder_time")
            layer = name.split("layers.")[1][0]
            kernel = old[f"model/{coder}/rnn_output_and_state/rnn/multi_rnn_cell/cell_{layer}/gru_cell/gates/kernel"]
            assert parameter.shape[1] + 8 == kernel[0], name
    spectrograms = torch.zeros(6, 20, 40)
    assert list(model.embed(spectrograms).shape) == manifest["rep_shape"]
    assert model.reconstruct(spectrograms).shape == (6, 20, 40)


def test_dropout_and_noise_act_in_training_alone():
    torch.manual_seed(0)
    config = FrequencyTimeAutoencoderConfig(4, 11, 4, 1, 1, 3, 1, 2, f_encoder_noise=0.5, t_encoder_noise=0.5)
    model = FrequencyTimeAutoencoder(config)
    spectrograms = torch.rand(2, 4, 11)
    assert not torch.equal(model.embed(spectrograms), model.embed(spectrograms))
    model.eval()
    assert torch.equal(model.embed(spectrograms), model.embed(spectrograms))
