# SPDX-License-Identifier: GPL-3.0-or-later
"""mfcc-cnn against the second network of the Freesound kernel as it is remembered, run in Keras."""

import json

import numpy as np
import pytest
import torch

from audeep.errors import ShapeError
from audeep.models.mfcc_cnn import MfccCnn, MfccCnnConfig
from tests.support import hashed_weights as hashed
from tests.support.networks import assert_close, num_parameters, num_saved


def make(width: int = 32, frames: int = 173, bands: int = 40, labels: int = 41) -> MfccCnn:
    return MfccCnn(MfccCnnConfig(frames, bands, labels, width=width)).eval()


@torch.no_grad()
def golden_model() -> MfccCnn:
    """The golden numbers are of MFCC that were not standardised."""
    model = make()
    model.standardise.running_var.fill_(1 - model.standardise.eps)
    number = 0

    def take(make_tensor, *arguments):
        nonlocal number
        number += 1
        return make_tensor(number - 1, *arguments)

    def fill_norm(norm):
        size = len(norm.bias)
        norm.weight.copy_(take(hashed.gamma, size))
        norm.bias.copy_(take(hashed.bias, size))
        norm.running_mean.copy_(take(hashed.bias, size))
        norm.running_var.copy_(take(hashed.variance, size))

    for block in model.layers.blocks:
        inputs = block.conv.weight.shape[1]
        theirs = take(hashed.weight, [4, 10, inputs, 32], 40 * inputs)  # [coefficient, frame, in, out]
        block.conv.weight.copy_(theirs.permute(3, 2, 1, 0))
        block.conv.bias.copy_(take(hashed.bias, 32))
        fill_norm(block.norm)
    dense = take(hashed.weight, [640, 64], 640).reshape(2, 10, 32, 64)  # [coefficient, frame, channel, out]
    model.hidden.weight.copy_(dense.permute(3, 2, 1, 0).reshape(64, 640))
    model.hidden.bias.copy_(take(hashed.bias, 64))
    fill_norm(model.hidden_norm)
    model.output.weight.copy_(take(hashed.weight, [64, 41], 64).T)
    model.output.bias.copy_(take(hashed.bias, 41))
    return model


@pytest.fixture(scope="module")
def mfcc() -> torch.Tensor:
    return hashed.inputs(9101, [2, 40, 173, 1], 2, 0)[..., 0].transpose(1, 2)


@pytest.fixture(scope="module")
def numbers(golden):
    return np.load(golden / "tagging" / "c_network.npz")


@pytest.fixture(scope="module")
def facts(golden):
    return json.loads((golden / "tagging" / "c_network.json").read_text())


def test_it_has_as_many_parameters_as_the_original_and_averages_of_its_input(facts):
    model = make()
    saved, trained = facts["params_2d_recalled"]
    assert num_parameters(model) == trained == 168_361
    assert num_saved(model) == saved + 2 * 40 + 1  # mean and variance of each coefficient, and of how many batches


def test_activations_and_probabilities_are_those_of_the_original(mfcc, numbers, facts):
    model, images = golden_model(), mfcc.unsqueeze(1)
    with torch.inference_mode():
        for number, (block, entry) in enumerate(zip(model.layers.blocks, facts["activations_2d"], strict=False)):
            images, _ = block(images)
            theirs = images.permute(0, 3, 2, 1)
            assert list(theirs.shape) == entry["shape"]
            assert_close(theirs.flatten()[:10], entry["first10"], 5e-5)
            if not number:
                assert_close(theirs[0, ..., :2], numbers["net2d_recalled/pool1_first2ch_sample0"], 1e-5)
        assert_close(theirs, numbers["net2d_recalled/pool4"], 5e-5)
        assert_close(model(mfcc).softmax(dim=1), numbers["net2d_recalled/eval_probs"], 1e-5)


def test_what_it_reads_is_standardised_by_all_that_it_was_trained_on():
    model = make(2, 20, 16, 3).train()
    batches = torch.rand(3, 8, 20, 16) * torch.linspace(1, 300, 16) - 100
    for batch in batches:
        model(batch)
    standardised = model.eval().standardise(batches.flatten(0, 1).transpose(1, 2))
    assert_close(standardised.mean(dim=(0, 2)), torch.zeros(16), 1e-3)
    assert_close(standardised.std(dim=(0, 2)), torch.ones(16), 0.02)


@pytest.mark.parametrize("num_frames", [19, 21])
def test_other_numbers_of_frames_are_refused(num_frames):
    model = make(2, 20, 16, 3)
    with torch.inference_mode():
        assert model(torch.rand(2, 20, 16)).shape == (2, 3)
        assert model(torch.rand(2, 25, 16), torch.tensor([20, 20])).shape == (2, 3)
        with pytest.raises(ShapeError, match=f"{num_frames} frames, this model reads (at least )?20"):
            model(torch.rand(2, num_frames, 16))


@pytest.mark.parametrize("shape", [(15, 40), (173, 15)])
def test_features_that_leave_nothing_after_pooling_are_refused(shape):
    with pytest.raises(ShapeError, match="mfcc-cnn reads at least 16 of each"):
        make(2, *shape)


def test_a_batch_of_one_is_no_obstacle_to_training():
    model = make(2, 20, 16, 3).train()
    model(torch.rand(1, 20, 16)).sum().backward()
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())
