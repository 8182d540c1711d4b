# SPDX-License-Identifier: GPL-3.0-or-later
"""The masked-frame autoencoder, and pooled embeddings, which t-rae has too."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from audeep.models.checkpoints import load_model
from audeep.models.masked_frames import MaskedFramesAutoencoder, MaskedFramesConfig
from audeep.models.time_autoencoder import TimeAutoencoder, TimeAutoencoderConfig

KINDS = {
    "t-rae": (TimeAutoencoder, TimeAutoencoderConfig),
    "masked-frames": (MaskedFramesAutoencoder, MaskedFramesConfig),
}


def make(kind: str = "masked-frames", **options: object) -> TimeAutoencoder | MaskedFramesAutoencoder:
    torch.manual_seed(1)
    model_type, config_type = KINDS[kind]
    config = config_type(12, 6, num_layers=2, num_units=5, bidirectional_encoder=True, keep_prob=1.0, **options)
    return model_type(config).double()


def frames_of(count: int = 3) -> torch.Tensor:
    return torch.rand(count, 12, 6, dtype=torch.float64) * 2 - 1


def statistics(activations: np.ndarray) -> np.ndarray:
    """Mean, log standard deviation, and that of deltas, of [time, units]."""
    change = np.diff(activations, axis=0).std(axis=0)
    return np.concatenate([activations.mean(axis=0), np.log(activations.std(axis=0) + 0.03), np.log(change + 0.01)])


@pytest.mark.parametrize("kind", KINDS)
def test_pooled_embeddings_are_of_the_outputs_of_all_layers_and_directions(kind: str) -> None:
    model, frames = make(kind).eval(), frames_of()
    found = model.embed_pooled(frames)
    parts = []
    for direction in ("forward", "backward"):
        sequences = frames if direction == "forward" else frames.flip(1)
        for layer in getattr(model.encoder.recurrence, f"{direction}_stack").layers:
            sequences, _ = layer.rnn(sequences.transpose(0, 1))
            sequences = sequences.transpose(0, 1)
            parts.append((sequences if direction == "forward" else sequences.flip(1)).detach().numpy())
    first, second = np.concatenate([parts[0], parts[2]], axis=2), np.concatenate([parts[1], parts[3]], axis=2)
    expected = [np.concatenate([statistics(first[index]), statistics(second[index])]) for index in range(3)]
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-9)


def test_each_frame_is_rebuilt_by_one_linear_layer_from_the_highest_outputs() -> None:
    model, frames = make().eval(), frames_of()
    outputs, _ = model.encoder.recurrence(frames.transpose(0, 1))
    linear = model.reconstruction
    expected = (outputs @ linear.weight.T + linear.bias).transpose(0, 1)
    torch.testing.assert_close(model.reconstruct(frames), expected)
    torch.testing.assert_close(model.embed(frames), model.embed_pooled(frames))
    torch.testing.assert_close(model.loss(frames), (expected - frames).square().mean().sqrt())


def test_silence_counts_no_error_where_it_is_masked() -> None:
    model, frames = make(mask_silence=True).eval(), frames_of().round().clamp(-1, 1)
    errors = (model.reconstruct(frames) - frames)[frames != -1]
    torch.testing.assert_close(model.loss(frames), (errors.square().sum() / frames.numel()).sqrt())


def test_the_embedding_sees_no_masked_frames() -> None:
    frames = frames_of()
    torch.testing.assert_close(make(masked_frames=0.9).embed(frames), make().embed(frames))


def test_padding_changes_no_pooled_feature() -> None:
    model, frames = make().eval(), frames_of()
    lengths = torch.tensor([12, 1, 7])
    found = model.embed(frames, lengths)
    for index, length in enumerate(lengths):
        torch.testing.assert_close(found[index], model.embed(frames[index : index + 1, :length])[0])


@pytest.mark.parametrize("kind", KINDS)
def test_what_follows_the_last_frame_changes_no_training_loss(kind: str) -> None:
    model, lengths, frames = make(kind, masked_frames=0.4, mask_span=3), torch.tensor([12, 5, 8]), frames_of()
    losses = []
    for padding in (-1, 7):
        padded = frames.clone()
        for row, length in zip(padded, lengths, strict=True):
            row[length:] = padding
        torch.manual_seed(2)
        losses.append(model.loss(padded, lengths).item())
    assert losses[0] == losses[1]


def test_a_t_rae_of_format_1_with_a_frame_decoder_is_read_as_this_kind(tmp_path: Path) -> None:
    model, frames = make(masked_frames=0.3).float().eval(), frames_of().float()
    config = {
        **{"num_steps": 12, "num_features": 6, "num_layers": 2, "num_units": 5, "bidirectional_encoder": True},
        **{"bidirectional_decoder": True, "keep_prob": 1.0, "encoder_noise": 0.0, "feed_previous_prob": 0.5},
        **{"cell": "GRU", "mask_silence": False, "decoder": "frame", "hidden_frames": 0.3, "hidden_stretch": 4},
    }
    facts = {"format": 1, "model": "t-rae", "config": config, "progress": {"step": 1, "epoch": 1, "seed": 0}}
    save_file(model.state_dict(), tmp_path / "model-1.safetensors", {"audeep": json.dumps(facts)})
    found, _ = load_model(tmp_path, kind="t-rae")
    assert isinstance(found, MaskedFramesAutoencoder)
    assert (found.config.masked_frames, found.config.mask_span) == (0.3, 4)
    torch.testing.assert_close(found.embed(frames), model.embed(frames))
