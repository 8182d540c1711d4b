# SPDX-License-Identifier: GPL-3.0-or-later
"""A trained model applied to spectrograms, of any kind, its own methods being what it is held to."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from audeep.data.data_set import DataSet
from audeep.errors import OptionError, ShapeError
from audeep.inference.embedder import Embedder, check_shape, fits, results_of
from audeep.models.frequency_autoencoder import FrequencyAutoencoder, FrequencyAutoencoderConfig
from audeep.models.time_autoencoder import TimeAutoencoder, TimeAutoencoderConfig
from tests.support.toy_kinds import ToyAutoencoder, ToyConfig

SHAPE = (6, 4)


@pytest.fixture
def padded(make_spectrograms: Callable[..., DataSet]) -> DataSet:
    """Five spectrograms of 6, 3 and 4 frames."""
    return make_spectrograms(5, steps=6, lengths=[6, 3, 4])


def of_frames() -> FrequencyAutoencoder:
    return FrequencyAutoencoder(FrequencyAutoencoderConfig(*SHAPE, freq_window_width=2, freq_window_overlap=1))


@pytest.mark.parametrize("batch_size", [1, 2, 500])
@pytest.mark.parametrize("pooled", [False, True])
def test_parts_of_a_data_set_have_the_embeddings_of_single_spectrograms(
    padded: DataSet, batch_size: int, pooled: bool
) -> None:
    model = TimeAutoencoder(TimeAutoencoderConfig(*SHAPE, num_units=3, encoder_noise=0.5)).train()
    embedder = Embedder(model, pooled)
    parts = list(embedder.parts(padded, batch_size))
    assert sum(len(part) for part, _ in parts) == 5
    found = np.concatenate([embeddings for _, embeddings in parts])
    for instance, length, vector in zip(padded, padded.num_frames, found, strict=True):
        with torch.no_grad():
            frames = torch.from_numpy(instance.features[None, :length])
            expected = model.embed_pooled(frames) if pooled else model.embed(frames)
        np.testing.assert_allclose(vector, expected[0], atol=1e-6)
        assert len(vector) == embedder.size


def test_the_vector_of_an_instance_is_the_mean_over_its_own_frames(padded: DataSet) -> None:
    model = of_frames().eval()
    found = Embedder(model).vectors(padded, batch_size=2)
    assert found.feature_dims == ("generated",) and found.filenames.tolist() == padded.filenames.tolist()
    for instance, length, vector in zip(padded, padded.num_frames, found.features, strict=True):
        with torch.no_grad():
            frames = model.embed(torch.from_numpy(instance.features[None, :length]))[0]
        np.testing.assert_allclose(vector, frames.mean(dim=0), atol=1e-6)


def test_batches_are_of_similar_lengths_and_results_in_order(make_spectrograms: Callable[..., DataSet]) -> None:
    lengths = [6, 1, 5, 2, 4, 3, 6, 1, 2, 2]
    data_set = make_spectrograms(10, steps=6, lengths=lengths)
    model = TimeAutoencoder(TimeAutoencoderConfig(*SHAPE, num_units=3)).eval()
    seen: list[tuple[int, ...]] = []

    def frames_and_lengths(frames: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
        seen.append((*frames.shape[:2], lengths is not None))
        if lengths is None:
            lengths = torch.full((len(frames),), frames.shape[1])
        return torch.stack([lengths.float(), frames[:, 0, 0]], dim=1)

    parts = list(results_of(frames_and_lengths, data_set, 4, model, "generate"))
    assert seen == [(4, 2, True), (4, 5, True), (2, 6, False)], "instances, frames, and whether some are shorter"
    found = np.concatenate([results for _, results in parts])
    np.testing.assert_array_equal(found, np.stack([lengths, data_set.features[:, 0, 0]], axis=1))
    assert np.concatenate([part.filenames for part, _ in parts]).tolist() == data_set.filenames.tolist()


def test_small_batches_are_as_alike_as_large_ones(make_spectrograms: Callable[..., DataSet]) -> None:
    data_set = make_spectrograms(120, steps=6, lengths=[6, 1, 5, 2, 4, 3])  # 20 of each
    model = TimeAutoencoder(TimeAutoencoderConfig(*SHAPE, num_units=3)).eval()
    padded = 0

    def count(frames: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
        nonlocal padded
        padded += lengths is not None
        return frames[:, 0]

    (part, results) = next(iter(results_of(count, data_set, 2, model, "generate")))
    np.testing.assert_array_equal(results, part.features[:, 0])
    assert len(part) == 120 and padded == 0


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_vectors_of_frames_are_as_long_as_the_features(padded: DataSet, batch_size: int) -> None:
    model = of_frames().eval()
    parts = list(Embedder(model).parts(padded, batch_size))
    found = np.concatenate([embeddings for _, embeddings in parts])
    assert found.shape[:2] == (5, 6)
    for instance, length, vectors in zip(padded, padded.num_frames, found, strict=True):
        with torch.no_grad():
            expected = model.embed(torch.from_numpy(instance.features[None, :length]))[0]
        np.testing.assert_allclose(vectors[:length], expected, atol=1e-6)
        assert not vectors[length:].any()


def test_a_kind_of_another_package_needs_no_more_than_embed(padded: DataSet) -> None:
    model = ToyAutoencoder(ToyConfig(*SHAPE, width=1.5))
    embedder = Embedder(model)
    assert embedder.size == 6 and not embedder.is_of_frames
    assert embedder.vectors(padded).feature_shape == (6,)
    with pytest.raises(OptionError, match="pooled=True: this kind of model has no pooled features; leave it out"):
        Embedder(model, pooled=True)


def test_embeddings_of_frames_say_so() -> None:
    embedder = Embedder(of_frames())
    assert embedder.is_of_frames
    assert embedder(np.zeros((2, 9, 4), np.float32)).shape == (2, 9, embedder.size)


@pytest.mark.parametrize(
    "shape, any_length, expected",
    [
        ((6, 4), False, True),
        ((6, 4), True, True),
        ((7, 4), False, False),
        ((7, 4), True, True),
        ((6, 5), True, False),
        ((4,), False, False),
        ((4,), True, False),
        ((6, 4, 1), True, False),
    ],
)
def test_spectrograms_need_the_bands_and_mostly_the_length_of_training(
    shape: tuple[int, ...], any_length: bool, expected: bool
) -> None:
    assert fits(of_frames(), shape, any_length) is expected


def test_what_does_not_fit_is_named(make_spectrograms: Callable[..., DataSet]) -> None:
    check_shape(of_frames(), make_spectrograms(2, steps=9, lengths=[9, 2]), Path("logs"))
    with pytest.raises(ShapeError, match="have features of shape 9 x 4, the model in logs was trained on 6 x 4; run"):
        check_shape(of_frames(), make_spectrograms(2, steps=9), Path("logs"))
