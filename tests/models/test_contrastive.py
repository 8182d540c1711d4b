# SPDX-License-Identifier: GPL-3.0-or-later
"""contrastive: its features against NumPy, its losses against their definitions, and its training."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audeep.errors import ModelError, OptionError
from audeep.inference.embedder import Embedder
from audeep.models.base import Batch
from audeep.models.checkpoints import load_model, model_path, optimiser_path, steps_in
from audeep.models.contrastive import Contrastive, ContrastiveConfig, TellingApart, pair_scores
from audeep.models.curve import read_curve
from audeep.models.layers.draws import drawing_from
from audeep.training.options import ContrastiveOptions, TrainingOptions
from audeep.training.trainer import train

SMALL = {"channels": "4,6", "head_units": 8, "vector_size": 5}
GRU = {"channels": "none", "recurrent_layers": 1, "recurrent_units": 3}
QUICK = ContrastiveOptions(
    **{"num_epochs": 2, "batch_size": 4, "passes": 2, "seed": 1, "device": "cpu", "precision": "float32"},
    **{"crop_frames": 5, "time_mask_frames": 2, "freq_mask_bands": 1, "freq_shift": 1.0},
)


def make(**given: object) -> Contrastive:
    with drawing_from(3):
        model = Contrastive(ContrastiveConfig(**{"num_steps": 12, "num_features": 8, **SMALL, **given}))
    return model.eval()


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def convolved(images: np.ndarray, weight: np.ndarray, strides: tuple[int, int]) -> np.ndarray:
    """Cross-correlation with zeros at all ends: [channel, time, freq], weight [outputs, inputs, time, freq]."""
    size = weight.shape[2]
    padded = np.pad(images, [(0, 0), (size // 2,) * 2, (size // 2,) * 2])
    times, bands = (range(0, length, stride) for length, stride in zip(images.shape[1:], strides, strict=True))
    return np.array(
        [[[(padded[:, t : t + size, f : f + size] * each).sum() for f in bands] for t in times] for each in weight]
    )


def statistics(images: np.ndarray) -> np.ndarray:
    """Mean, and logarithms of deviations, over time of [channel, time, freq]."""
    changes = np.diff(images, axis=1)
    change = changes.std(axis=1) if changes.shape[1] else np.zeros((len(images), images.shape[2]))
    parts = images.mean(axis=1), np.log(images.std(axis=1) + 0.03), np.log(change + 0.01)
    return np.concatenate([part.ravel() for part in parts])


@pytest.mark.parametrize("num_frames", [1, 2, 11, 30])
def test_features_are_statistics_over_time_of_all_layers(num_frames: int) -> None:
    model = make(kernels="5,3", time_strides="2,1", freq_strides="1,2")
    for number, block in enumerate(model.blocks):
        block.norm.running_mean += 0.1 * (number + 1)
        block.norm.running_var *= 0.7
    frames = noise(2, num_frames, 8)
    expected = []
    for spectrogram in frames.double().numpy():
        images, found = spectrogram[np.newaxis], []
        for number, (block, strides) in enumerate(zip(model.blocks, [(2, 1), (1, 2)], strict=True)):
            images = convolved(images, block.conv.weight.detach().double().numpy(), strides)
            images = np.maximum(0, (images - 0.1 * (number + 1)) / math.sqrt(0.7 + 1e-5))
            found.append(statistics(images))
        expected.append(np.concatenate(found))
    np.testing.assert_allclose(model.embed(frames).detach(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("num_frames", [1, 12, 13, 40])
def test_pooled_features_are_those_of_the_head_over_all_excerpts_as_long_as_in_training(num_frames: int) -> None:
    model = make(time_strides="2,2", excerpt_frames=12)  # 12 frames become 3 steps
    norm = model.head.norm
    norm.running_mean += 0.1
    norm.running_var *= 0.7
    hidden, frames = model.head.hidden, noise(2, num_frames, 8)
    *_, (outputs, _) = model.layer_outputs(frames)
    for steps, found in zip(outputs.transpose(0, 1).detach().numpy(), model.embed_pooled(frames), strict=True):
        windows = [steps[start : start + 3] for start in range(max(1, len(steps) - 2))]
        summed = np.array([np.concatenate([window.mean(axis=0), window.max(axis=0)]) for window in windows])
        units = summed @ hidden.weight.detach().numpy().T + hidden.bias.detach().numpy()
        units = np.maximum(0, (units - 0.1) / math.sqrt(0.7 + 1e-5))
        expected = np.concatenate([units.mean(axis=0), units.std(axis=0)])
        np.testing.assert_allclose(found.detach(), expected, rtol=1e-4, atol=1e-5)
    assert Embedder(model, pooled=True).size == 2 * 8


def test_a_model_knows_how_long_the_excerpts_are(tmp_path: Path, make_spectrograms: Callable) -> None:
    train([make_spectrograms(8)], "contrastive", tmp_path, SMALL, replace(QUICK, crop_frames=7))
    assert load_model(tmp_path / "logs")[0].config.excerpt_frames == 7


@pytest.mark.parametrize("embed", [Contrastive.embed, Contrastive.embed_pooled])
@pytest.mark.parametrize("given", [{}, {"recurrent_layers": 2, "recurrent_units": 3}, GRU])
def test_what_follows_a_recording_changes_nothing(given: dict[str, object], embed: Callable) -> None:
    model, lengths = make(excerpt_frames=5, **given), [9, 3, 14, 1]
    frames = noise(4, 20, 8)
    found = embed(model, frames, torch.tensor(lengths))
    for index, length in enumerate(lengths):
        alone = embed(model, frames[index : index + 1, :length])
        torch.testing.assert_close(found[index : index + 1], alone, rtol=1e-4, atol=1e-4)


def test_the_sizes_of_layers_are_those_asked_for() -> None:
    model = make(num_features=20, channels="3,5,7", kernels="7,1", time_strides="1,3", freq_strides="2")
    kernels = [tuple(block.conv.weight.shape[2:]) for block in model.blocks]
    assert kernels == [(7, 7), (1, 1), (1, 1)]
    shapes = [tuple(outputs.shape) for outputs, _ in model.layer_outputs(noise(4, 18, 20))]
    assert shapes == [(18, 4, 3 * 10), (6, 4, 5 * 5), (2, 4, 7 * 3)]
    assert Embedder(model).size == 3 * (3 * 10 + 5 * 5 + 7 * 3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"channels": "8,x"}, "channels=8,x: expected integers >= 1 with commas between them, such as 32,64"),
        ({"channels": ""}, "channels=: expected integers >= 1"),
        ({"time_strides": "2,0"}, "time_strides=2,0: expected integers >= 1"),
        ({"kernels": "5,4"}, "kernels=5,4: expected odd numbers"),
        ({"excerpt_frames": 10**12}, "excerpt_frames=1000000000000: expected an integer >= 1 and <= 1048576"),
        ({"channels": "none"}, "channels=none: there are no layers; add some, or recurrent_layers=LAYERS"),
    ],
)
def test_sizes_that_make_no_network_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make(**given)


def test_the_loss_is_the_cross_entropy_of_cosines_with_the_vectors_of_recordings() -> None:
    model = make(temperature=0.2).train()
    objective = TellingApart(model)
    with drawing_from(5):
        vectors = objective.learned_beside(6)
    numbers = torch.tensor([4, 0, 5])
    loss = objective.loss(Batch(noise(3, 12, 8), None, numbers)).item()
    model = make(temperature=0.2).train()
    found, known = (each.detach().numpy() for each in (model(noise(3, 12, 8)), vectors.vectors))
    known = known / np.linalg.norm(known, axis=1, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    scores = np.exp(found @ known.T / 0.2)
    expected = -np.log(scores[np.arange(3), numbers] / scores.sum(axis=1)).mean()
    assert loss == pytest.approx(expected, rel=1e-5)


def test_nt_xent_compares_each_excerpt_with_those_of_other_recordings() -> None:
    found = torch.nn.functional.normalize(noise(8, 3), dim=1)
    numbers = torch.tensor([3, 7, 3, 1] * 2)  # of which one occurs twice
    scores, others = pair_scores(found, numbers)
    assert others.tolist() == [4, 5, 6, 7, 0, 1, 2, 3]
    for row in range(8):
        for column in range(8):
            counts = numbers[row] != numbers[column] or column == others[row]
            expected = float(found[row] @ found[column]) if counts else -math.inf
            assert scores[row, column].item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["instances", "nt-xent"])
def test_a_training_tells_recordings_apart_and_goes_on_to_the_same_bytes(
    tmp_path: Path, make_spectrograms: Callable, loss: str
) -> None:
    data_set, config = make_spectrograms(12), {**SMALL, "loss": loss}
    options = replace(QUICK, validation_split=0.25, schedule="constant")
    for name in ("one", "two"):
        train([data_set], "contrastive", tmp_path / name, config, options)
    train([data_set], "contrastive", tmp_path / "parts", config, replace(options, num_epochs=1))
    train([data_set], "contrastive", tmp_path / "parts", config, options, resume=True)
    for path in (model_path, optimiser_path):
        first, *others = [path(tmp_path / name / "logs", 8).read_bytes() for name in ("one", "two", "parts")]
        assert others == [first, first]
    assert all(0 < point.validation_loss < 10 for point in read_curve(tmp_path / "one" / "logs", 8))


def test_recurrent_layers_read_what_the_convolutions_give() -> None:
    model = make(recurrent_layers=2, recurrent_units=3)
    frames = noise(2, 12, 8)
    first, second, third, fourth = (outputs for outputs, _ in model.layer_outputs(frames))
    layers = [stack.layers for stack in (model.recurrence.forward_stack, model.recurrence.backward_stack)]
    inputs = [second, second.flip(0)]  # each direction is a stack of its own
    for expected, pair in zip((third, fourth), zip(*layers, strict=True), strict=True):
        inputs = [layer.rnn(each)[0] for layer, each in zip(pair, inputs, strict=True)]
        torch.testing.assert_close(torch.cat([inputs[0], inputs[1].flip(0)], dim=2), expected)
    assert Embedder(model).size == 3 * (first.shape[2] + second.shape[2] + 6 + 6)


def test_recurrent_layers_alone_read_the_spectrogram() -> None:
    model, frames = make(**GRU), noise(2, 12, 8)
    ((outputs, _),) = model.layer_outputs(frames)
    forward = model.recurrence.forward_stack.layers[0].rnn(frames.transpose(0, 1))[0]
    torch.testing.assert_close(outputs[:, :, :3], forward)


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"recurrent_layers": 1, "recurrent_units": 8}, GRU | {"recurrent_units": 16}])
def test_the_loss_falls(tmp_path: Path, make_spectrograms: Callable, more: dict[str, object]) -> None:
    data_set = make_spectrograms(16)
    config = {"channels": "8,16", "head_units": 16, "vector_size": 8, **more}
    train([data_set], "contrastive", tmp_path, config, replace(QUICK, num_epochs=40, learning_rate=0.01))
    curve = read_curve(tmp_path / "logs", 400)
    assert curve[-1].loss < 0.8 * curve[0].loss


def test_a_model_is_applied_without_the_vectors_of_recordings(tmp_path: Path, make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(8)
    trained = train([data_set], "contrastive", tmp_path, SMALL, QUICK)
    model, _ = load_model(tmp_path / "logs")
    assert not any("vectors" in name for name in model.state_dict())
    np.testing.assert_array_equal(Embedder(model)(data_set.features), Embedder(trained)(data_set.features))


def test_other_recordings_are_not_gone_on_with(tmp_path: Path, make_spectrograms: Callable) -> None:
    train([make_spectrograms(8)], "contrastive", tmp_path, SMALL, replace(QUICK, num_epochs=1))
    with pytest.raises(ModelError, match="was trained on 8 instances, found 9; continue with the data of the first"):
        train([make_spectrograms(9)], "contrastive", tmp_path, SMALL, QUICK, resume=True)


def test_recordings_shorter_than_an_excerpt_are_told_apart(tmp_path: Path, make_spectrograms: Callable) -> None:
    options = replace(QUICK, crop_frames=20, validation_split=0.5)
    train([make_spectrograms(12, steps=9, lengths=[9, 3, 6])], "contrastive", tmp_path, SMALL, options)
    assert math.isfinite(read_curve(tmp_path / "logs", 100)[-1].validation_loss)


def test_an_epoch_has_several_excerpts_of_each_recording(tmp_path: Path, make_spectrograms: Callable) -> None:
    train([make_spectrograms(8)], "contrastive", tmp_path, SMALL, replace(QUICK, passes=5, num_epochs=1))
    assert steps_in(tmp_path / "logs") == [10]


def test_excerpts_have_a_length() -> None:
    with pytest.raises(OptionError, match="crop_frames=None: excerpts are what is told apart; give them a length"):
        replace(QUICK, crop_frames=None, loudest_of=1, time_stretch=1.0)


def test_its_options_are_those_of_contrastive_models(tmp_path: Path, make_spectrograms: Callable) -> None:
    with pytest.raises(OptionError, match="TrainingOptions: contrastive needs ContrastiveOptions; pass some"):
        train([make_spectrograms(4)], "contrastive", tmp_path, SMALL, TrainingOptions(num_epochs=1))
