# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectrograms of different lengths, padded to arrays: each is treated as if it were alone."""

from itertools import product

import pytest
import torch
from torch import Tensor, nn

from audeep.models.frequency_autoencoder import FrequencyAutoencoder, FrequencyAutoencoderConfig
from audeep.models.frequency_time_autoencoder import FrequencyTimeAutoencoder, FrequencyTimeAutoencoderConfig
from audeep.models.layers import autograd, native
from audeep.models.layers.lengths import backward
from audeep.models.time_autoencoder import TimeAutoencoder, TimeAutoencoderConfig

BLOCK = 4
LENGTHS = [3, BLOCK + 2, 1, BLOCK, 3, 2 * BLOCK + 1]
FREQ = 8
KINDS = ["t-rae", "f-rae", "ft-rae"]
WAYS = list(product([False, True], [False, True], [0.0, 1.0]))  # of encoder and decoder, autoregressive


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sequences begin and end in several of the blocks that are run at a time."""
    monkeypatch.setattr(autograd, "BLOCK", BLOCK)


def make(kind: str, cell: str, both_in: bool, both_out: bool, own_share: float) -> nn.Module:
    torch.manual_seed(4)
    shape = max(LENGTHS), FREQ
    if kind == "ft-rae":
        options = {
            **{"bidirectional_t_encoder": both_in, "bidirectional_t_decoder": both_out},
            **{
                "t_feed_previous_prob": own_share,
                "f_feed_previous_prob": own_share,
                "num_f_units": 3,
                "num_t_units": 5,
            },
        }
        config = FrequencyTimeAutoencoderConfig(*shape, 4, 2, keep_prob=1, cell=cell, **options)
        return FrequencyTimeAutoencoder(config).double()
    options = {
        **{"num_layers": 2, "num_units": 5, "keep_prob": 1, "cell": cell, "feed_previous_prob": own_share},
        **{"bidirectional_encoder": both_in, "bidirectional_decoder": both_out},
    }
    if kind == "f-rae":
        return FrequencyAutoencoder(FrequencyAutoencoderConfig(*shape, 4, 2, **options)).double()
    return TimeAutoencoder(TimeAutoencoderConfig(*shape, **options)).double()


@pytest.fixture
def padded() -> tuple[Tensor, Tensor]:
    """Spectrograms with nonsense after their ends, and their lengths."""
    generator = torch.Generator().manual_seed(1)
    spectrograms = torch.rand(len(LENGTHS), max(LENGTHS), FREQ, generator=generator, dtype=torch.float64) * 2 - 1
    for spectrogram, length in zip(spectrograms, LENGTHS, strict=True):
        spectrogram[length:] = 1e3
    return spectrograms, torch.tensor(LENGTHS)


@pytest.fixture(params=["core", "PyTorch"])
def layers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recurrent layers of our own, or those of PyTorch."""
    if request.param == "PyTorch":
        monkeypatch.setenv("AUDEEP_PLAIN_RNN", "1")


@pytest.mark.slow
@pytest.mark.usefixtures("layers")
@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_instance_is_embedded_and_rebuilt_as_if_it_were_alone(padded, kind, cell):
    for way in WAYS:
        model = make(kind, cell, *way).eval()
        with torch.inference_mode():
            embeddings, outputs = model.embed(*padded), model.reconstruct(*padded)
            for index, length in enumerate(LENGTHS):
                alone = padded[0][index : index + 1, :length]
                expected = model.embed(alone)[0]
                found = embeddings[index]
                if kind == "f-rae":
                    assert not found[length:].any()
                    found = found[:length]
                torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
                torch.testing.assert_close(outputs[index, :length], model.reconstruct(alone)[0], rtol=1e-9, atol=1e-9)


@pytest.mark.slow
@pytest.mark.usefixtures("layers")
@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_and_its_gradients_are_those_of_all_true_frames(padded, kind, cell):
    for way in WAYS:
        model = make(kind, cell, *way)
        found = torch.autograd.grad(loss := model.loss(*padded), list(model.parameters()))
        errors = [
            (model.reconstruct(alone := padded[0][index : index + 1, :length]) - alone).square().sum()
            for index, length in enumerate(LENGTHS)
        ]
        expected_loss = torch.sqrt(sum(errors) / (sum(LENGTHS) * FREQ))
        torch.testing.assert_close(loss, expected_loss, rtol=1e-9, atol=1e-9)
        for one, other in zip(found, torch.autograd.grad(expected_loss, list(model.parameters())), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)


def test_what_follows_the_end_changes_nothing_in_single_precision(padded):
    spectrograms, lengths = padded[0].float(), padded[1]
    other = spectrograms.where(spectrograms < 2, -1)
    for how in (native.kernels, None):
        with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
            patch.setattr(native, "kernels", how)
            model = make("t-rae", "GRU", True, False, 0.0).float().eval()
            assert torch.equal(model.embed(spectrograms, lengths), model.embed(other, lengths))


def test_backward_turns_each_sequence_within_its_length():
    sequences = torch.arange(8.0).reshape(4, 2, 1)  # [time, batch, 1]
    assert backward(sequences)[..., 0].T.tolist() == [[6, 4, 2, 0], [7, 5, 3, 1]]
    assert backward(sequences, torch.tensor([2, 3]))[..., 0].T.tolist() == [[2, 0, 4, 6], [5, 3, 1, 7]]
