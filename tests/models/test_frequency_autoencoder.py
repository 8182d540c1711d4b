# SPDX-License-Identifier: GPL-3.0-or-later
"""The f-rae, against networks of auDeep 0.9 and against a plain computation."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from audeep.errors import OptionError
from audeep.models.frequency_autoencoder import FrequencyAutoencoder, FrequencyAutoencoderConfig
from audeep.models.layers.bands import Windows
from audeep.models.layers.codecs import FeedbackDecoder, shifted
from audeep.models.layers.recurrent import RecurrentLayer


def old_gru_step(layer: RecurrentLayer, frame: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """A GRU of auDeep 0.9, whose reset gate acts before the product; gates in the order reset, update, candidate."""
    hidden, weights = state[:, 0], layer.rnn
    units = hidden.shape[1]
    from_input = frame @ weights.weight_ih_l0.T + weights.bias_ih_l0
    recurrent = weights.weight_hh_l0.T
    reset, update = torch.sigmoid(from_input[:, : 2 * units] + hidden @ recurrent[:, : 2 * units]).chunk(2, dim=1)
    candidate = torch.tanh(from_input[:, 2 * units :] + (reset * hidden) @ recurrent[:, 2 * units :])
    hidden = update * hidden + (1 - update) * candidate
    return hidden, hidden.unsqueeze(1)


def old_gru_forward(
    layer: RecurrentLayer, inputs: Tensor, state: Tensor, lengths: None = None
) -> tuple[Tensor, Tensor]:
    outputs = []
    for frame in inputs:
        output, state = old_gru_step(layer, frame, state)
        outputs.append(output)
    return torch.stack(outputs), state


def late_feedback(decoder: FeedbackDecoder, targets: Tensor, state: Tensor) -> Tensor:
    """Decoders of auDeep 0.9 got targets that were late by a step already, and made them late by another."""
    return right_feedback(decoder, shifted(targets), state)


right_feedback = FeedbackDecoder.forward


def load_old(model: FrequencyAutoencoder, archive: dict, kind: str = "var0") -> dict[str, Tensor]:
    """Weights, or with `kind` "grad" gradients, of auDeep 0.9 by our names."""

    def get(name: str) -> Tensor:
        return torch.from_numpy(archive[f"{kind}:model|" + name.replace("/", "|")])

    values = {}

    def add_stack(ours: str, theirs: str, input_size: int) -> None:
        gates, candidate = (
            get(f"{theirs}/multi_rnn_cell/cell_0/gru_cell/{part}/kernel") for part in ("gates", "candidate")
        )
        kernel = torch.cat([gates, candidate], dim=1)  # [input + state, 3 * units]
        values[f"{ours}.layers.0.rnn.weight_ih_l0"] = kernel[:input_size].T
        values[f"{ours}.layers.0.rnn.weight_hh_l0"] = kernel[input_size:].T
        biases = [get(f"{theirs}/multi_rnn_cell/cell_0/gru_cell/{part}/bias") for part in ("gates", "candidate")]
        values[f"{ours}.layers.0.rnn.bias_ih_l0"] = torch.cat(biases)

    def add_linear(ours: str, theirs: str) -> None:
        values[f"{ours}.linear.weight"], values[f"{ours}.linear.bias"] = (
            get(f"{theirs}/weights").T,
            get(f"{theirs}/bias"),
        )

    config, width = model.config, model.config.freq_window_width
    base = "encoder/rnn_output_and_state"
    if config.bidirectional_encoder:
        add_stack("encoder.recurrence.forward_stack", f"{base}/bidirectional_rnn/fw", width)
        add_stack("encoder.recurrence.backward_stack", f"{base}/bidirectional_rnn/bw", width)
    else:
        add_stack("encoder.recurrence.forward_stack", f"{base}/rnn", width)
    for direction, part in enumerate(("/fw", "/bw") if config.bidirectional_decoder else ("",)):
        add_stack(f"decoder.directions.{direction}.stack", f"decoder/rnn_output_and_state{part}/rnn", width)
        add_linear(f"decoder.directions.{direction}.projection", f"decoder/rnn_output_and_state{part}")
    add_linear("representation", "representation/linear")
    add_linear("reconstruction", "reconstruction/linear")
    if config.bidirectional_decoder:
        # the old decoder never turned the outputs of its backward half round again
        weight = values["reconstruction.linear.weight"].clone().unflatten(1, (model.windows.count, 2, width))
        weight[:, :, 1] = weight[:, :, 1].flip(1)
        values["reconstruction.linear.weight"] = weight.flatten(1)
    return values


@pytest.mark.parametrize("name, is_both", [("f_gru_1x8", False), ("f_gru_1x8_bidec_bienc", True)])
def test_it_is_the_network_of_auDeep_but_for_its_known_faults(golden, monkeypatch, name, is_both):
    archive = dict(np.load(golden / "models" / f"{name}.npz"))
    config = FrequencyAutoencoderConfig(
        20, 40, 16, 8, num_units=8, bidirectional_encoder=is_both, bidirectional_decoder=is_both, keep_prob=1.0
    )
    model = FrequencyAutoencoder(config)
    missing, unexpected = model.load_state_dict(load_old(model, archive), strict=False)
    assert not unexpected and all(key.endswith("bias_hh_l0") for key in missing)
    monkeypatch.setenv("AUDEEP_PLAIN_RNN", "1")
    monkeypatch.setattr(RecurrentLayer, "forward", old_gru_forward)
    monkeypatch.setattr(FeedbackDecoder, "forward", late_feedback)

    spectrograms = torch.from_numpy(archive["inputs"]).transpose(0, 1)  # [batch, time, freq]
    loss = model.loss(spectrograms)
    loss.backward()

    np.testing.assert_allclose(model.embed(spectrograms).detach(), archive["representation"], atol=1e-5)
    reconstruction = model.reconstruct(spectrograms).detach().transpose(0, 1).flip(2)  # [time, batch, high to low]
    np.testing.assert_allclose(reconstruction, archive["reconstruction"], atol=1e-5)
    assert loss.item() == pytest.approx(float(archive["loss"]), abs=1e-6)
    gradients = load_old(model, archive, "grad")
    for key, parameter in model.named_parameters():
        if not key.endswith("bias_hh_l0"):
            np.testing.assert_allclose(parameter.grad, gradients[key], atol=1e-5, err_msg=key)


def test_windows_advance_from_low_to_high_and_leave_out_bands_that_fill_none(caplog):
    windows = Windows(num_features=11, width=4, overlap=1)
    frames = torch.arange(22.0).reshape(2, 11)
    assert windows.count == 3 and windows.num_dropped == 1
    assert windows.cut(frames)[:, 1].tolist() == [[11, 12, 13, 14], [14, 15, 16, 17], [17, 18, 19, 20]]
    windows.warn_of_dropped()
    assert "1 of 11 bands fill no whole window of 4 bands with overlap 1" in caplog.text


@pytest.mark.parametrize("width, overlap, text", [(4, 4, "overlap=4: must be"), (12, 1, "width=12: the input has 11")])
def test_windows_that_do_not_fit_are_refused(width, overlap, text):
    with pytest.raises(OptionError, match=text):
        Windows(11, width, overlap)


@pytest.mark.parametrize(
    "cell, encoder, decoder, layers, feed", [*product(("GRU", "LSTM"), *[(False, True)] * 2, (1, 2), (0, 1))]
)
def test_every_combination_embeds_reconstructs_and_learns(cell, encoder, decoder, layers, feed):
    torch.manual_seed(0)
    config = FrequencyAutoencoderConfig(5, 11, 4, 1, layers, 3, encoder, decoder, 1.0, 0.0, feed, cell)
    model = FrequencyAutoencoder(config)
    spectrograms = torch.rand(2, 5, 11) * 2 - 1
    size = layers * 3 * (2 if cell == "LSTM" else 1) * (2 if decoder else 1)
    assert model.embed(spectrograms).shape == (2, 5, size)
    assert model.reconstruct(spectrograms).shape == (2, 5, 11)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(20):
        optimiser.zero_grad()
        losses.append(loss := model.loss(spectrograms))
        loss.backward()
        optimiser.step()
    assert losses[-1] < 0.9 * losses[0]
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_each_frame_is_embedded_by_itself():
    torch.manual_seed(0)
    model = FrequencyAutoencoder(FrequencyAutoencoderConfig(5, 11, 4, 1, keep_prob=1.0)).eval()
    spectrograms = torch.rand(2, 5, 11)
    changed = spectrograms.clone()
    changed[1, 3] = 0
    difference = (model.embed(changed) - model.embed(spectrograms)).abs().sum(dim=2)
    assert [tuple(index) for index in difference.nonzero().tolist()] == [(1, 3)]
