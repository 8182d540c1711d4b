# SPDX-License-Identifier: GPL-3.0-or-later
"""vgg-gap against the original of Dorfer and Widmer, run with the same weights."""

import json

import numpy as np
import pytest
import torch

from audeep.errors import ShapeError
from audeep.models.vgg_gap import VggGap, VggGapConfig
from tests.support import hashed_weights as hashed
from tests.support.networks import assert_close, assert_lengths_change_nothing, num_parameters, num_saved

LAYERS = 15


def make(width: int, bands: int = 128, **options: object) -> VggGap:
    return VggGap(VggGapConfig(384, bands, 41, width=width, **options)).eval()


def tensors_of(model: VggGap) -> list[torch.Tensor]:
    """In the order of the original: weight, shift, scale, running mean, running inverse deviation of each layer."""
    pairs = [(block.conv, block.norm) for block in model.layers.blocks] + [(model.output, model.output_norm)]
    return [
        tensor
        for conv, norm in pairs
        for tensor in (conv.weight, norm.bias, norm.weight, norm.running_mean, norm.running_inverse_std)
    ]


def as_ours(tensor: torch.Tensor) -> torch.Tensor:
    """The original has frequency before time."""
    return tensor.transpose(-1, -2) if tensor.ndim == 4 else tensor


@torch.no_grad()
def golden_model(width: int, **options: object) -> VggGap:
    model = make(width, **options)
    for number, tensor in enumerate(tensors_of(model)):
        shape = list(as_ours(tensor).shape)
        if number % 5 == 0:
            value = as_ours(hashed.weight(number, shape, int(np.prod(shape[1:]))))
        elif number % 5 == 2:
            value = hashed.gamma(number, shape[0])
        elif number % 5 == 4:
            value = hashed.single(1 / np.sqrt(hashed.variance(number, shape[0]).double().numpy() + 1e-4))
        else:
            value = hashed.bias(number, shape[0])
        tensor.copy_(value)
    return model


def golden_input(number: int = 9200, batch: int = 2, num_frames: int = 384) -> torch.Tensor:
    return hashed.inputs(number, [batch, 1, 128, num_frames], 1.5, -0.5)[:, 0].transpose(1, 2)


@pytest.fixture(scope="module")
def numbers(golden):
    return np.load(golden / "tagging" / "a_network.npz")


@pytest.fixture(scope="module")
def facts(golden):
    return json.loads((golden / "tagging" / "a_network.json").read_text())


def test_the_hash_gives_the_numbers_that_its_description_shows():
    assert hashed.uniform(0, [3]).tolist() == [0.5733975800685585, 0.5883937727194279, 0.7041337329428643]
    assert hashed.uniform(137, [3]).tolist() == [0.04161586635746062, 0.042432666290551424, 0.8564871631097049]
    assert_close(hashed.weight(0, [3], 9), [0.11985774, 0.14434643, 0.333349], 1e-7)


@pytest.mark.parametrize(
    ("width", "num_labels", "trained", "saved"),
    [
        (64, 41, 14_855_570, 14_865_124),
        (48, 41, 8_362_306, 8_369_492),
        (4, 41, 59_990, 60_664),
        (64, 10, 14_839_636, None),
    ],
)
def test_it_has_as_many_parameters_as_the_original(width, num_labels, trained, saved):
    with torch.device("meta"):
        model = VggGap(VggGapConfig(384, 128, num_labels, width=width))
    assert num_parameters(model) == trained
    assert saved in (None, num_saved(model))


def test_activations_and_probabilities_are_those_of_the_original(numbers, facts):
    model = golden_model(4)
    inner = [entry for entry in facts["tiny_eval_activations"] if len(entry["shape"]) == 4]
    ends = [  # what a block gives: the layer before dropout, or before the next convolution
        entry
        for entry, after in zip(inner, inner[1:], strict=False)
        if after["layer"] in ("Conv2DDNNLayer", "DropoutLayer") and entry["layer"] not in ("InputLayer", "DropoutLayer")
    ]
    with torch.inference_mode():
        images, _ = model.layers.blocks[0](golden_input().unsqueeze(1))
        for number, entry in enumerate(ends):
            if number:
                images, _ = model.layers.blocks[number](images)
            image = images.transpose(2, 3)
            assert list(image.shape) == entry["shape"]
            assert_close(image.flatten()[:10], entry["first10"], 1e-4)
            assert_close(
                [image.mean(), image.std(correction=0), image.abs().max()],
                [entry[k] for k in ("mean", "std", "absmax")],
                1e-4,
            )
        assert number == LAYERS - 2
        logits = model.output_norm(model.output(images)[0])
        assert_close(logits.transpose(2, 3), numbers["tiny/eval_map_before_gap"], 2e-5)
        assert_close(model(golden_input()).softmax(dim=1), numbers["tiny/eval_probs"], 1e-6)
        assert_close(logits.mean(dim=(2, 3)), model(golden_input()), 1e-5)


@pytest.mark.parametrize("num_frames", [3000, 256, 191])
def test_other_lengths_give_the_probabilities_of_the_original(numbers, num_frames):
    found = golden_model(4)(golden_input(9201, 1, num_frames)).softmax(dim=1)
    assert_close(found, numbers[f"tiny/eval_probs_T{num_frames}"], 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("width", [48, 64])
def test_full_widths_give_the_probabilities_of_the_original(numbers, width):
    with torch.inference_mode():
        assert_close(golden_model(width)(golden_input()).softmax(dim=1), numbers[f"nf{width}/eval_probs"], 2e-6)


def soft_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return -(targets * logits.softmax(dim=1).clamp(1e-7, 1 - 1e-7).log()).sum(dim=1).mean()


def flip_nearest_to_zero(module: torch.nn.Module, inputs: object, outputs: torch.Tensor) -> torch.Tensor:
    """Of all outputs, the one nearest to zero gets the other sign."""
    change = torch.zeros_like(outputs).flatten()
    values = outputs.detach().flatten()
    nearest = values.abs().argmin()
    change[nearest] = -2 * values[nearest]
    return outputs + change.view_as(outputs)


@pytest.mark.slow
def test_two_steps_of_training_are_those_of_the_original(numbers, facts):
    model = golden_model(4, keep_prob=1.0, top_keep_prob=1.0).double()
    frames, targets = golden_input(9202, 4).double(), torch.from_numpy(numbers["tiny/train_targets"])
    assert_close(soft_cross_entropy(model(frames), targets), numbers["tiny/valid_loss_before"], 1e-6)
    trained = [tensor for number, tensor in enumerate(tensors_of(model)) if number % 5 < 3]
    adam = hashed.Adam(trained, lr=1e-3)
    model.train()
    # in the float32 of the original, one activation of the seventh layer (9e-7) is on the other side of the ReLU
    with model.layers.blocks[6].norm.register_forward_hook(flip_nearest_to_zero):
        logits = model(frames)
    assert_close(logits.softmax(dim=1), numbers["tiny/train_probs_step1"], 2e-6)
    loss = soft_cross_entropy(logits, targets)
    assert_close(loss, numbers["tiny/train_loss_step1"], 1e-6)
    loss.backward()
    for tensor, entry in zip(trained, facts["tiny_grads"], strict=True):
        assert_close(tensor.grad.norm(), entry["l2"], 1e-5 * entry["l2"])
        assert_close(as_ours(tensor.grad).flatten()[:5], entry["first5"], 1e-5 * entry["l2"])
    adam.step()
    for number, tensor in enumerate(tensors_of(model)):
        entry, found = facts["tiny_after1"][number], as_ours(tensor)
        assert_close([found.mean(), found.std(correction=0)], [entry["mean"], entry["std"]], 1e-6)
        if f"tiny/after1/{number:02d}" in numbers:
            assert_close(found, numbers[f"tiny/after1/{number:02d}"], 5e-6)
    assert_close(soft_cross_entropy(model(frames), targets), numbers["tiny/train_loss_step2"], 1e-5)


def test_shorter_spectrograms_than_191_frames_are_refused():
    model = make(2, keep_prob=1.0)
    assert model.shortest == 191
    assert model(torch.zeros(1, 191, 128)).shape == (1, 41)
    with pytest.raises(ShapeError, match="^a spectrogram has 190 frames, this model reads at least 191; .*$"):
        model(torch.zeros(1, 190, 128))
    with pytest.raises(ShapeError, match="has 190 frames"):
        model(torch.zeros(2, 300, 128), torch.tensor([300, 190]))


def test_fewer_bands_than_it_can_read_are_refused():
    assert make(2, bands=47)(torch.zeros(1, 191, 47)).shape == (1, 41)
    with pytest.raises(
        ShapeError, match="^spectrograms have 46 bands, vgg-gap reads at least 47; preprocess with more$"
    ):
        make(2, bands=46)


@pytest.mark.parametrize("training", [False, True])
def test_what_follows_the_lengths_changes_nothing(training):
    options = {"keep_prob": 1.0, "top_keep_prob": 1.0}
    assert_lengths_change_nothing(make(2, bands=47, **options), [191, 240, 225], training)


def test_the_embedding_is_the_mean_of_what_the_last_convolution_reads():
    model = golden_model(4)
    images, _ = model.layers(golden_input().unsqueeze(1))
    assert_close(model.embed(golden_input()), images.mean(dim=(2, 3)), 1e-6)
    assert model.embed(golden_input()).shape == (2, 32)


def test_convolutions_start_he_normal():
    model = make(16)
    for block in model.layers.blocks[1:]:
        weight = block.conv.weight
        expected = np.sqrt(2 / weight[0].numel())
        assert_close(weight.std().detach(), expected, 0.05 * expected)
