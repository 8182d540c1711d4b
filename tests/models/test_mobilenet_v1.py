# SPDX-License-Identifier: GPL-3.0-or-later
"""mobilenet-v1 against the baseline of DCASE 2019 task 2, run with the same weights."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from audeep.models.mobilenet_v1 import MobileNetConfig, MobileNetV1
from tests.support import hashed_weights as hashed
from tests.support.networks import assert_close, assert_lengths_change_nothing, num_parameters, num_saved


def make(width: float = 1.0, bands: int = 96, labels: int = 80, **options: object) -> MobileNetV1:
    return MobileNetV1(MobileNetConfig(100, bands, labels, width=width, **options)).eval()


def weight_as_ours(number: int, tensor: torch.Tensor) -> torch.Tensor:
    """The weight of a convolution; the original has its axes last, and channels of a depthwise one before them."""
    outputs, inputs, *kernel = tensor.shape
    if inputs == 1 and number:
        return hashed.weight(5 * number, [*kernel, outputs, 1], 9).permute(2, 3, 0, 1)
    return hashed.weight(5 * number, [*kernel, inputs, outputs], inputs * kernel[0] * kernel[1]).permute(3, 2, 0, 1)


@torch.no_grad()
def golden_model(**options: object) -> MobileNetV1:
    model = make(**options)
    for number, block in enumerate(model.layers.blocks):
        size, norm = block.conv.weight.shape[0], block.norm
        block.conv.weight.copy_(weight_as_ours(number, block.conv.weight))
        norm.weight.copy_(hashed.gamma(5 * number + 1, size))
        norm.bias.copy_(hashed.bias(5 * number + 2, size))
        norm.running_mean.copy_(hashed.bias(5 * number + 3, size))
        norm.running_var.copy_(hashed.variance(5 * number + 4, size))
    model.output.weight.copy_(hashed.weight(135, [1024, 80], 1024).T)
    model.output.bias.copy_(hashed.bias(136, 80))
    return model


def trained(model: MobileNetV1) -> Iterator[torch.Tensor]:
    """In the order of the original."""
    for block in model.layers.blocks:
        yield from (block.conv.weight, block.norm.weight, block.norm.bias)
    yield from (model.output.weight, model.output.bias)


def as_theirs(tensor: torch.Tensor, is_depthwise: bool = False) -> torch.Tensor:
    if tensor.ndim == 4:
        return tensor.permute(2, 3, 0, 1) if is_depthwise else tensor.permute(2, 3, 1, 0)
    return tensor.T if tensor.ndim == 2 else tensor


@pytest.fixture(scope="module")
def frames() -> torch.Tensor:
    return hashed.inputs(9000, [4, 100, 96], 4, -1)


@pytest.fixture(scope="module")
def numbers(golden):
    return np.load(golden / "tagging" / "b_network.npz")


@pytest.fixture(scope="module")
def facts(golden):
    return json.loads((golden / "tagging" / "b_network.json").read_text())


@pytest.mark.parametrize(("num_labels", "expected"), [(80, 3_287_024), (10, 3_215_274)])
def test_it_has_as_many_parameters_as_the_original(num_labels, expected):
    with torch.device("meta"):
        model = make(labels=num_labels)
    assert num_parameters(model) == expected
    assert num_saved(model) == expected + 2 * 10_912


@pytest.mark.slow
def test_activations_are_those_of_the_original(numbers, facts, frames):
    model = golden_model()
    assert_close(frames[0], numbers["input"][0], 0)
    images = frames[:, None]
    with torch.inference_mode():
        for block, entry, shape in zip(
            model.layers.blocks, facts["eval_activations"], facts["activation_shapes"], strict=True
        ):
            images, _ = block(images)
            theirs = images.permute(0, 2, 3, 1)
            assert list(theirs.shape) == shape
            assert_close(theirs.flatten()[:10], entry["first10"], 1e-4)
            assert_close([theirs.mean(), theirs.std(correction=0)], [entry["mean"], entry["std"]], 1e-5)
    assert_close(images[0, :8].permute(1, 2, 0), numbers["eval/last_map_sample0_first8ch"], 2e-5)


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_logits_and_scores_are_those_of_the_original(numbers, frames, pooling):
    model = golden_model(pooling=pooling)
    with torch.inference_mode():
        logits = model(frames)
    assert_close(logits, numbers[f"eval/{pooling}/logits"], 1e-4)
    assert_close(logits.sigmoid(), numbers[f"eval/{pooling}/scores"], 2e-5)


def smooth_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, labels * 0.9 + 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_a_step_of_training_is_that_of_the_original(numbers, facts, frames, pooling):
    model, labels = golden_model(pooling=pooling).train(), torch.from_numpy(numbers["train/labels"])
    parameters = list(trained(model))
    adam = hashed.Adam(parameters, lr=1e-4)
    logits = model(frames)
    assert_close(
        logits, numbers[f"train/{pooling}/logits"], 2e-3
    )  # against double precision, theirs are off by 1e-3, ours by 5e-4
    loss = smooth_loss(logits, labels)
    assert_close(loss, numbers[f"train/{pooling}/loss_first"], 1e-5)
    loss.backward()
    if pooling == "max":
        # rounding puts some of the activations of 27 layers on the other side of a ReLU
        first = torch.from_numpy(numbers["train/grad_first_conv"])
        assert_close((as_theirs(parameters[0].grad) - first).norm(), 0, 0.1 * first.norm())
        assert_close(parameters[-1].grad, numbers["train/grad_bias"], 1e-6)
        for number, (tensor, entry) in enumerate(zip(parameters, facts["grads"], strict=True)):
            theirs = as_theirs(tensor.grad, number % 6 == 3)
            assert list(theirs.shape) == entry["shape"]
            assert_close(theirs.norm(), entry["l2"], 0.1 * entry["l2"])
    adam.step()
    if pooling == "max":
        assert_close(parameters[-1], numbers["train/bias_after_step"], 1e-7)
        buffers = [each for block in model.layers.blocks for each in (block.norm.running_mean, block.norm.running_var)]
        for name, found in zip(facts["moving_names"], buffers, strict=True):
            key = f"train/moving_after_one_step/{name.partition(':')[0]}"
            if key in numbers:
                assert_close(found[: len(numbers[key])], numbers[key], 2e-6)
    assert_close(smooth_loss(model(frames), labels), numbers[f"train/{pooling}/loss_after_one_step"], 1e-3)


def test_a_batch_moves_the_running_mean_by_three_ten_thousandths():
    norm = make(0.1).layers.blocks[0].norm.train()
    norm(2 + torch.tensor([-1.0, 1.0]).repeat(len(norm.bias), 1)[None, :, :, None])
    assert_close(norm.running_mean, torch.full_like(norm.bias, 0.0006), 1e-9)


@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("training", [False, True])
def test_what_follows_the_lengths_changes_nothing(pooling, training):
    model = make(0.05, bands=5, labels=3, pooling=pooling)
    assert_lengths_change_nothing(model, [1, 30, 33, 20], training)


def test_weights_start_glorot_uniform_as_in_the_original(facts):
    model = make()
    weights = [tensor for tensor in trained(model) if tensor.ndim > 1]
    for tensor, entry in zip(weights, facts["init"], strict=True):
        if tensor.numel() > 10_000:
            assert_close(tensor.std(), entry["std"], 0.02 * entry["std"])
            assert_close([tensor.min(), tensor.max()], [entry["min"], entry["max"]], 0.01 * entry["max"])


@pytest.mark.slow
def test_the_embedding_is_what_is_pooled(frames):
    model = golden_model(pooling="max")
    with torch.inference_mode():
        vectors = model.embed(frames)
        assert vectors.shape == (4, 1024)
        assert_close(model.output(vectors), model(frames), 1e-6)


def test_dropout_keeps_the_share_that_it_is_told():
    model = make(0.25, keep_prob=0.25).train()
    vectors = model.dropout(torch.ones(4, 4096))
    assert_close((vectors > 0).float().mean(), 0.25, 0.02)


@pytest.mark.parametrize("share", [1.0, 0.0003])
def test_running_averages_take_the_share_of_a_batch_that_is_asked_for(frames, share):
    model = make(norm_momentum=share, width=0.1).train()
    first = model.layers.blocks[0]
    mean = torch.nn.functional.conv2d(frames.unsqueeze(1), first.conv.weight, padding=1).mean(dim=(0, 2, 3)).detach()
    model(frames)
    assert mean.abs().max() > 1e-3
    torch.testing.assert_close(first.norm.running_mean, share * mean, rtol=1e-4, atol=1e-7)
