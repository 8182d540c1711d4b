# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectrograms beside their reconstructions."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from audeep.data.data_set import DataSet
from audeep.errors import DataError, ModelError
from audeep.inference.reconstruction import reconstruct
from audeep.models.time_autoencoder import TimeAutoencoder, TimeAutoencoderConfig
from tests.support.toy_kinds import ToyAutoencoder, ToyConfig, ToyTagger, ToyTaggerConfig


@pytest.fixture
def data_set(make_spectrograms: Callable[..., DataSet]) -> DataSet:
    return make_spectrograms(5, steps=6, lengths=[6, 3, 4])


def test_a_reconstruction_is_that_of_the_spectrogram_alone_and_its_error(data_set: DataSet) -> None:
    model = ToyAutoencoder(ToyConfig(6, 4))  # of another package
    for index, found in zip((4, 1), reconstruct(model, data_set, (4, 1)), strict=True):
        assert found.name == f"0-{index // 2}.wav, chunk {index % 2}"
        assert found.original.shape == found.output.shape == (3, 4)
        with torch.no_grad():
            output = model.reconstruct(torch.from_numpy(found.original)[None])[0].numpy()
        np.testing.assert_allclose(found.output, output, atol=1e-6)
        np.testing.assert_allclose(found.error, np.sqrt(((output - found.original) ** 2).mean()), rtol=1e-5)


def test_what_a_decoder_is_fed_follows_from_the_seed_alone(data_set: DataSet) -> None:
    model = TimeAutoencoder(TimeAutoencoderConfig(6, 4, num_units=3, feed_previous_prob=0.5))
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    one, same, other = (reconstruct(model, data_set, [0], seed)[0].output for seed in (1, 1, 2))
    assert torch.equal(torch.rand(2), expected)  # the caller's generator is where it was
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_there_must_be_something_to_reconstruct(data_set: DataSet) -> None:
    model = ToyAutoencoder(ToyConfig(6, 4))
    with pytest.raises(DataError, match="there is no instance to reconstruct; check the input with 'audeep inspect"):
        reconstruct(model, data_set, [])
    with pytest.raises(DataError, match="instance 5 is out of range"):
        reconstruct(model, data_set, [5])
    with pytest.raises(ModelError, match="the model is not an autoencoder, so it reconstructs nothing"):
        reconstruct(ToyTagger(ToyTaggerConfig(6, 4, 2)), data_set, [0])
