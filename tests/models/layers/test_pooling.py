# SPDX-License-Identifier: GPL-3.0-or-later
"""Pooled representations, the frame decoder, and frames that are hidden."""

import numpy as np
import pytest
import torch

from audeep.models.layers.pooling import pooled
from audeep.models.time_autoencoder import TimeAutoencoder, TimeAutoencoderConfig, stretches


def by_numpy(activations: np.ndarray) -> np.ndarray:
    """Mean, spread and roughness of [time, units]."""
    change = np.diff(activations, axis=0).std(axis=0) if len(activations) > 1 else np.zeros(activations.shape[1])
    return np.concatenate(
        [activations.mean(axis=0), np.log(activations.std(axis=0) + 0.03), np.log(change + 0.01)], axis=0
    )


@pytest.mark.parametrize("lengths", [None, [9, 1, 4, 2]])
def test_pooled_are_mean_spread_and_roughness_of_the_true_frames(lengths):
    activations = torch.randn(9, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = pooled(activations, None if lengths is None else torch.tensor(lengths))
    for index, each in enumerate(activations.unbind(1)):
        length = 9 if lengths is None else lengths[index]
        np.testing.assert_allclose(found[index], by_numpy(each[:length].numpy()), rtol=1e-9)


def make(decoder: str, **options: object) -> TimeAutoencoder:
    torch.manual_seed(1)
    config = TimeAutoencoderConfig(
        12, 6, num_layers=2, num_units=5, bidirectional_encoder=True, keep_prob=1.0, decoder=decoder, **options
    )
    return TimeAutoencoder(config).double()


@pytest.mark.parametrize("decoder", ["sequence", "frame"])
def test_pooled_representations_are_of_the_outputs_of_all_layers_and_directions(decoder):
    model = make(decoder).eval()
    spectrograms = torch.rand(3, 12, 6, dtype=torch.float64) * 2 - 1
    found = model.represent_pooled(spectrograms)
    parts = []
    for direction in ("forward", "backward"):
        sequences = spectrograms if direction == "forward" else spectrograms.flip(1)
        for layer in getattr(model.encoder.recurrence, f"{direction}_stack").layers:
            sequences, _ = layer.rnn(sequences.transpose(0, 1))
            sequences = sequences.transpose(0, 1)
            parts.append((sequences if direction == "forward" else sequences.flip(1)).detach().numpy())
    first, second = np.concatenate([parts[0], parts[2]], axis=2), np.concatenate([parts[1], parts[3]], axis=2)
    expected = [np.concatenate([by_numpy(first[index]), by_numpy(second[index])]) for index in range(3)]
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-9)


def test_a_frame_decoder_rebuilds_each_frame_by_one_linear_layer_of_the_highest_outputs():
    model = make("frame").eval()
    spectrograms = torch.rand(3, 12, 6, dtype=torch.float64) * 2 - 1
    outputs, _ = model.encoder.recurrence(spectrograms.transpose(0, 1))
    linear = model.reconstruction
    expected = (outputs @ linear.weight.T + linear.bias).transpose(0, 1)
    torch.testing.assert_close(model.reconstruct(spectrograms), expected)
    torch.testing.assert_close(model.represent(spectrograms), model.represent_pooled(spectrograms))
    torch.testing.assert_close(model.loss(spectrograms), (expected - spectrograms).square().mean().sqrt())


def test_padding_changes_no_pooled_feature():
    model = make("frame").eval()
    spectrograms = torch.rand(3, 12, 6, dtype=torch.float64) * 2 - 1
    lengths = torch.tensor([12, 1, 7])
    found = model.represent(spectrograms, lengths)
    for index, length in enumerate(lengths):
        torch.testing.assert_close(found[index], model.represent(spectrograms[index : index + 1, :length])[0])


def test_frames_are_hidden_behind_the_mean_while_training_alone():
    model = make("frame", hidden_frames=0.4, hidden_stretch=3)
    spectrograms = torch.rand(50, 12, 6, dtype=torch.float64) * 2 - 1
    read = model._read(spectrograms, None).transpose(0, 1)
    hidden = (read == spectrograms.mean()).all(dim=2)
    assert 0.2 < hidden.double().mean() < 0.45
    assert torch.equal(read[~hidden], spectrograms[~hidden])
    model.eval()
    assert torch.equal(model._read(spectrograms, None).transpose(0, 1), spectrograms)


@pytest.mark.parametrize("decoder", ["sequence", "frame"])
def test_what_is_behind_the_last_frame_changes_no_training_loss(decoder):
    model = make(decoder, hidden_frames=0.4, hidden_stretch=3)
    lengths = torch.tensor([12, 5, 8])
    spectrograms = torch.rand(3, 12, 6, dtype=torch.float64) * 2 - 1
    losses = []
    for padding in (-1, 7):
        padded = spectrograms.clone()
        for row, length in zip(padded, lengths, strict=True):
            row[length:] = padding
        torch.manual_seed(2)
        losses.append(model.loss(padded, lengths).item())
    assert losses[0] == losses[1]


def test_a_frame_decoder_tells_what_has_no_effect(caplog):
    make("frame", bidirectional_decoder=True)
    assert "--bidirectional-decoder and --feed-previous-prob have no effect" in caplog.text


@pytest.mark.parametrize(("share", "length"), [(0.1, 1), (0.4, 6), (0.9, 12)])
def test_stretches_cover_about_the_share_that_is_asked_for(share, length):
    torch.manual_seed(0)
    covered = stretches(100, 400, share, length)
    # n stretches of mean length l, each step covered by one with probability l / (100 + l / 2), more or less
    number = max(1, round(share * 100 / length))
    expected = 1 - (1 - length / (100 + length / 2)) ** number
    assert abs(covered.double().mean().item() - expected) < 0.02
    changes = covered.int().diff(dim=0).abs().sum(dim=0).double().mean()
    assert changes <= 2 * number


def test_an_unknown_decoder_is_refused():
    with pytest.raises(KeyError, match="window"):
        make("window")
