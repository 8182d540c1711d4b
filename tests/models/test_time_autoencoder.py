# SPDX-License-Identifier: GPL-3.0-or-later
"""The t-rae against a slow reference, and against networks of auDeep 0.9."""

import itertools
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from audeep.models.time_autoencoder import TimeAutoencoder, TimeAutoencoderConfig
from tests.support.recurrent_reference import network_of, network_of_old

STEPS, BATCH, BANDS, UNITS = 6, 3, 4, 3
ARCHITECTURES = [
    dict(cell=cell, num_layers=layers, bidirectional_encoder=bienc, bidirectional_decoder=bidec, feed_previous_prob=fed)
    for cell, layers, bienc, bidec, fed in itertools.product(
        ("GRU", "LSTM"), (1, 2), (False, True), (False, True), (0.0, 1.0)
    )
    if not (bidec and fed)
]


def name_of(architecture: Mapping[str, object]) -> str:
    return "-".join(map(str, architecture.values()))


def make_model(**options: object) -> TimeAutoencoder:
    """A model in float64 whose weights and biases are all random."""
    config = TimeAutoencoderConfig(STEPS, BANDS, num_units=UNITS, **{"keep_prob": 1.0, **options})
    model = TimeAutoencoder(config).double()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weights in model.parameters():
            weights.uniform_(-0.8, 0.8, generator=generator)
    return model


def weights_of(model: TimeAutoencoder) -> dict[str, np.ndarray]:
    return {name: weights.detach().numpy().copy() for name, weights in model.state_dict().items()}


def spectrograms(batch: int = BATCH, steps: int = STEPS) -> Tensor:
    """[batch, time, freq], with silent cells."""
    values = np.random.default_rng(5).uniform(-1.4, 1, (batch, steps, BANDS))
    return torch.from_numpy(np.maximum(values, -1))


def time_major(inputs: Tensor) -> np.ndarray:
    return inputs.numpy().swapaxes(0, 1)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=name_of)
def test_model_equals_the_step_by_step_reference(architecture: dict) -> None:
    model, inputs = make_model(**architecture), spectrograms()
    reference = network_of(weights_of(model), architecture["cell"])
    fed = architecture["feed_previous_prob"]
    with torch.no_grad():
        np.testing.assert_allclose(model.embed(inputs), reference.embed(time_major(inputs)), atol=1e-9)
        expected = reference.reconstruct(time_major(inputs), fed).swapaxes(0, 1)
        np.testing.assert_allclose(model.reconstruct(inputs), expected, atol=1e-9)
        assert model.loss(inputs).item() == pytest.approx(reference.loss(time_major(inputs), fed), abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=name_of)
@pytest.mark.parametrize("mask_silence", [False, True])
def test_gradients_equal_central_differences_of_the_reference(architecture: dict, mask_silence: bool) -> None:
    model, inputs = make_model(**architecture, mask_silence=mask_silence), spectrograms()
    model.loss(inputs).backward()
    weights, sequences = weights_of(model), time_major(inputs)

    def loss_with(name: str, position: tuple[int, ...], change: float) -> float:
        changed = {**weights, name: weights[name].copy()}
        changed[name][position] += change
        network = network_of(changed, architecture["cell"])
        return network.loss(sequences, architecture["feed_previous_prob"], mask_silence)

    generator = np.random.default_rng(7)
    for name, parameter in model.named_parameters():
        position = tuple(generator.integers(size) for size in parameter.shape)
        slope = (loss_with(name, position, 1e-6) - loss_with(name, position, -1e-6)) / 2e-6
        assert parameter.grad[position].item() == pytest.approx(slope, abs=1e-8), name


def test_masked_silence_counts_no_error() -> None:
    model, inputs = make_model(mask_silence=True), spectrograms()
    assert (inputs == -1).any()
    errors = (model.reconstruct(inputs) - inputs)[inputs != -1]
    assert model.loss(inputs).item() == pytest.approx((errors.square().sum() / inputs.numel()).sqrt().item())


def test_masked_silence_alone_gives_no_gradient_and_no_nan() -> None:
    model = make_model(mask_silence=True)
    model.loss(torch.full((BATCH, STEPS, BANDS), -1.0, dtype=torch.float64)).backward()
    assert all(not weights.grad.any() for weights in model.parameters())


def test_dropout_and_noise_are_absent_in_evaluation() -> None:
    clean = make_model(num_layers=2)
    dropped = make_model(num_layers=2, keep_prob=0.3, encoder_noise=0.5)
    inputs = spectrograms()
    assert not torch.allclose(dropped.loss(inputs), clean.loss(inputs))
    dropped.eval()
    torch.testing.assert_close(dropped.embed(inputs), clean.embed(inputs))
    torch.testing.assert_close(dropped.loss(inputs), clean.loss(inputs))


@pytest.mark.parametrize("bidirectional_decoder", [False, True])
def test_encoder_noise_spares_the_decoder_and_the_target(bidirectional_decoder: bool) -> None:
    model = make_model(encoder_noise=1.0, bidirectional_decoder=bidirectional_decoder)
    inputs = spectrograms()
    reference, sequences = network_of(weights_of(model), "GRU"), time_major(inputs)
    expected = reference.reconstruct(sequences, encoder_inputs=np.zeros_like(sequences))
    with torch.no_grad():
        np.testing.assert_allclose(model.reconstruct(inputs), expected.swapaxes(0, 1), atol=1e-9)


@pytest.mark.parametrize("training", [False, True])
def test_feed_previous_probability_mixes_step_by_step_and_instance_by_instance(training: bool) -> None:
    torch.manual_seed(0)
    model = make_model(feed_previous_prob=0.3).train(training)
    inputs = spectrograms(batch=2000, steps=3)
    reference = network_of(weights_of(model), "GRU")
    with torch.no_grad():
        found = model.reconstruct(inputs).numpy()
    shares = {}
    for choice in itertools.product((0, 1), repeat=2):  # the first step is given zeros either way
        is_own = np.tile(np.array([0, *choice])[:, None], (1, 2000))
        expected = reference.reconstruct(time_major(inputs), is_own).swapaxes(0, 1)
        shares[choice] = np.isclose(found, expected, atol=1e-9).all(axis=(1, 2)).mean()
    assert sum(shares.values()) == 1
    for choice, share in shares.items():
        assert share == pytest.approx(np.prod([0.3 if own else 0.7 for own in choice]), abs=0.05)


def test_bidirectional_decoder_warns_that_it_is_never_fed_its_own_output(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        fed = make_model(bidirectional_decoder=True, feed_previous_prob=0.25)
    assert [record.getMessage() for record in caplog.records] == [
        "feed_previous_prob=0.25 has no effect: a bidirectional decoder is never autoregressive"
    ]
    plain = make_model(bidirectional_decoder=True)
    torch.testing.assert_close(fed.loss(spectrograms()), plain.loss(spectrograms()))


def test_other_decoders_do_not_warn(caplog: pytest.LogCaptureFixture) -> None:
    make_model(bidirectional_decoder=True)
    make_model(feed_previous_prob=0.25)
    assert not caplog.records


OLD = {
    "t_gru_2x8_bidec": dict(num_layers=2, bidirectional_decoder=True),
    "t_gru_2x8_uni": dict(num_layers=2),
    "t_gru_2x8_uni_feedprev1": dict(num_layers=2, feed_previous_prob=1.0),
    "t_gru_1x8_bienc_bidec_mask": dict(bidirectional_encoder=True, bidirectional_decoder=True),  # its loss is unmasked
    "t_lstm_2x8_bienc_bidec": dict(num_layers=2, cell="LSTM", bidirectional_encoder=True, bidirectional_decoder=True),
    "t_lstm_1x8_uni": dict(cell="LSTM"),
}


class OldNetwork:
    """Numbers of one network of auDeep 0.9; spectrograms are [batch, time, freq]."""

    def __init__(self, golden: Path, name: str) -> None:
        with np.load(golden / "models" / f"{name}.npz") as stored:
            arrays = {key: stored[key] for key in stored.files}
        self.options = OLD[name]
        self.inputs = torch.from_numpy(arrays["inputs"].swapaxes(0, 1).astype(np.float64))
        self.representation = arrays["representation"]
        self.reconstruction = arrays["reconstruction"][::-1].swapaxes(0, 1)  # stored backward in time
        self.loss, self.loss_after_step = float(arrays["loss"]), float(arrays["loss_after_1_step"])
        self.weights, self.weights_after_step, self.gradients = (
            {key[5:].replace("|", "/"): value.astype(np.float64) for key, value in arrays.items() if key[:5] == prefix}
            for prefix in ("var0:", "var1:", "grad:")
        )
        self.reference = network_of_old(self.weights, self.options.get("cell", "GRU"))

    def model(self) -> TimeAutoencoder:
        return TimeAutoencoder(TimeAutoencoderConfig(20, 40, num_units=8, keep_prob=1.0, **self.options)).double()


def from_old_lstm(variables: Mapping[str, np.ndarray], forget_bias: float) -> dict[str, Tensor]:
    """Variables of an old LSTM network under our names, all bias in bias_ih and none in bias_hh."""
    ours = {}
    for old, new in [
        ("representation/linear", "representation"),
        ("decoder/rnn_output_and_state", "decoder.directions.0.projection"),
        ("reconstruction/time_dist_linear/linear", "reconstruction"),
    ]:
        if f"model/{old}/weights" in variables:
            ours[f"{new}.linear.weight"] = variables[f"model/{old}/weights"].T
            ours[f"{new}.linear.bias"] = variables[f"model/{old}/bias"]
    stacks = {"rnn": "forward_stack", "bidirectional_rnn/fw": "forward_stack", "bidirectional_rnn/bw": "backward_stack"}
    for (coder, (old, new)), layer in itertools.product(
        itertools.product(("encoder", "decoder"), stacks.items()), "01"
    ):
        old_name = f"model/{coder}/rnn_output_and_state/{old}/multi_rnn_cell/cell_{layer}/lstm_cell"
        if f"{old_name}/kernel" not in variables:
            continue
        in_front = "decoder.directions.0.stack" if (coder, old) == ("decoder", "rnn") else f"{coder}.recurrence.{new}"
        ours_name = f"{in_front}.layers.{layer}.rnn"
        write, candidate, keep, show = np.split(variables[f"{old_name}/kernel"], 4, axis=1)
        kernel = np.hstack([write, keep, candidate, show]).T  # [gates, input + state]
        write, candidate, keep, show = np.split(variables[f"{old_name}/bias"], 4)
        ours[f"{ours_name}.weight_ih_l0"], ours[f"{ours_name}.weight_hh_l0"] = kernel[:, :-8], kernel[:, -8:]
        ours[f"{ours_name}.bias_ih_l0"] = np.hstack([write, keep + forget_bias, candidate, show])
        ours[f"{ours_name}.bias_hh_l0"] = np.zeros(32)
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in ours.items()}


@pytest.mark.parametrize("name", OLD)
def test_reference_with_old_cells_reproduces_the_old_networks(golden: Path, name: str) -> None:
    """So the wiring of the reference, which our model shares, is that of auDeep 0.9."""
    old = OldNetwork(golden, name)
    sequences, fed = time_major(old.inputs), old.options.get("feed_previous_prob", 0.0)
    np.testing.assert_allclose(old.reference.embed(sequences), old.representation, atol=1e-6)
    np.testing.assert_allclose(old.reference.reconstruct(sequences, fed).swapaxes(0, 1), old.reconstruction, atol=1e-6)
    assert old.reference.loss(sequences, fed) == pytest.approx(old.loss, abs=1e-6)


@pytest.mark.parametrize("name", OLD)
def test_model_has_the_sizes_of_the_old_network(golden: Path, name: str) -> None:
    manifest = json.loads((golden / "models" / "manifest.json").read_text())["models"][name]
    old = OldNetwork(golden, name)
    model = old.model()
    with torch.no_grad():
        assert list(model.embed(old.inputs).shape) == manifest["rep_shape"]
        assert list(model.reconstruct(old.inputs).transpose(0, 1).shape) == manifest["rec_shape"]
    ours = sum(weights.numel() for key, weights in model.named_parameters() if "bias_hh" not in key)
    assert ours == sum(weights.size for weights in old.weights.values())


def test_old_lstm_network_is_matched_exactly(golden: Path) -> None:
    old = OldNetwork(golden, "t_lstm_2x8_bienc_bidec")
    model = old.model()
    model.load_state_dict(from_old_lstm(old.weights, forget_bias=1.0))
    with torch.no_grad():
        np.testing.assert_allclose(model.embed(old.inputs), old.representation, atol=1e-6)
        np.testing.assert_allclose(model.reconstruct(old.inputs), old.reconstruction, atol=1e-6)
    loss = model.loss(old.inputs)
    assert loss.item() == pytest.approx(old.loss, abs=1e-6)

    loss.backward()
    gradients = from_old_lstm(old.gradients, forget_bias=0.0)
    for name, weights in model.named_parameters():
        expected = gradients[name.replace("bias_hh", "bias_ih")]  # only the sum of the two biases counts
        torch.testing.assert_close(weights.grad, expected, atol=1e-7, rtol=1e-4, msg=name)


def test_old_lstm_network_is_matched_after_a_step_of_adam(golden: Path) -> None:
    """But for the second bias of torch's cells, which moves as the first does and is put back here."""
    old = OldNetwork(golden, "t_lstm_2x8_bienc_bidec")
    model = old.model()
    model.load_state_dict(from_old_lstm(old.weights, forget_bias=1.0))
    epsilon = 1e-8 / np.sqrt(1 - 0.999)  # TensorFlow adds 1e-8 before it corrects the second moment, torch after
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, eps=epsilon)
    model.loss(old.inputs).backward()
    optimiser.step()
    expected = from_old_lstm(old.weights_after_step, forget_bias=1.0)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "bias_hh" in name:
                weights.zero_()
            torch.testing.assert_close(weights, expected[name], atol=5e-6, rtol=0, msg=name)
        assert model.loss(old.inputs).item() == pytest.approx(old.loss_after_step, abs=1e-6)


def test_old_unidirectional_lstm_network_is_matched_but_for_its_late_input(golden: Path) -> None:
    old = OldNetwork(golden, "t_lstm_1x8_uni")
    model = old.model()
    model.load_state_dict(from_old_lstm(old.weights, forget_bias=1.0))
    expected = replace(old.reference, delay=1).reconstruct(time_major(old.inputs)).swapaxes(0, 1)
    with torch.no_grad():
        np.testing.assert_allclose(model.embed(old.inputs), old.representation, atol=1e-6)
        np.testing.assert_allclose(model.reconstruct(old.inputs), expected, atol=1e-9)
    assert np.abs(expected - old.reconstruction).max() > 1e-3
