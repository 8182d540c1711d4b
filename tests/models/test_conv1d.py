# SPDX-License-Identifier: GPL-3.0-or-later
"""conv1d against the network of the Freesound kernel, run with the same weights."""

import json

import numpy as np
import pytest
import torch

from audeep.errors import ShapeError
from audeep.models import conv1d
from audeep.models.conv1d import Conv1d, Conv1dConfig, scaled
from audeep.models.layers.draws import drawing_from
from tests.support import hashed_weights as hashed
from tests.support.networks import assert_close, assert_lengths_change_nothing, num_parameters


def make(width: int = 16, labels: int = 41, **options: object) -> Conv1d:
    return Conv1d(Conv1dConfig(32000, 1, labels, width=width, **options)).eval()


def tensors_of(model: Conv1d) -> list[torch.Tensor]:
    dense = [model.hidden[0], model.hidden[2], model.output]
    layers = [block.conv for block in model.layers.blocks] + dense
    return [tensor for layer in layers for tensor in (layer.weight, layer.bias)]


def as_theirs(tensor: torch.Tensor) -> torch.Tensor:
    """Kernels [width, in, out], dense weights [in, out]."""
    return tensor[..., 0].permute(2, 1, 0) if tensor.ndim == 4 else tensor.T if tensor.ndim == 2 else tensor


@pytest.fixture
def golden_model(monkeypatch: pytest.MonkeyPatch) -> Conv1d:
    """The golden numbers are of waveforms that were not scaled."""
    monkeypatch.setattr(conv1d, "scaled", lambda waveforms, lengths=None: waveforms)
    model = make(keep_prob=1.0, top_keep_prob=1.0)
    with torch.no_grad():
        for number, tensor in enumerate(tensors_of(model)):
            theirs = as_theirs(tensor)
            if theirs.ndim == 1:
                theirs.copy_(hashed.bias(number, len(theirs)))
            else:
                theirs.copy_(hashed.weight(number, theirs.shape, int(np.prod(theirs.shape[:-1]))))
    return model


@pytest.fixture(scope="module")
def waveforms() -> torch.Tensor:
    times = np.arange(32000)
    noise = hashed.signed(9100, [3, 32000])
    tones = np.stack([0.4 * np.sin(frequency * times) for frequency in (0.02, 0.3, 1.1)])
    return hashed.single(tones + 0.1 * noise).unsqueeze(2)


@pytest.fixture(scope="module")
def numbers(golden):
    return np.load(golden / "tagging" / "c_network.npz")


@pytest.fixture(scope="module")
def facts(golden):
    return json.loads((golden / "tagging" / "c_network.json").read_text())


def test_it_has_as_many_parameters_as_the_original(facts):
    assert num_parameters(make()) == facts["params_1d"] == 360_513


def test_activations_and_probabilities_are_those_of_the_original(golden_model, waveforms, numbers, facts):
    outputs = [entry for entry in facts["activations"] if len(entry["shape"]) == 3]
    ends = [
        entry for entry, after in zip(outputs, [*outputs[1:], {"name": ""}], strict=True) if "pool" not in after["name"]
    ]
    images = waveforms.unsqueeze(1)
    with torch.inference_mode():
        for block, entry in zip(golden_model.layers.blocks, ends, strict=True):
            images, _ = block(images)
            theirs = images[..., 0].transpose(1, 2)
            assert list(theirs.shape) == entry["shape"]
            assert_close(theirs.flatten()[:10], entry["first10"], 2e-5)
            assert_close(
                [theirs.mean(), theirs.std(correction=0), theirs.abs().max()],
                [entry[k] for k in ("mean", "std", "absmax")],
                5e-5,
            )
        assert_close(golden_model(waveforms).softmax(dim=1), numbers["eval_probs"], 1e-6)


def test_loss_and_gradients_are_those_of_the_original(golden_model, waveforms, numbers, facts):
    labels = torch.from_numpy(numbers["labels"])
    loss = torch.nn.functional.cross_entropy(golden_model.train()(waveforms), labels)
    assert_close(loss, numbers["loss_nodropout"], 2e-6)
    loss.backward()
    tensors = tensors_of(golden_model)
    assert_close(as_theirs(tensors[0].grad), numbers["grad_first_conv"], 1e-4)
    assert_close(tensors[-1].grad, numbers["grad_last_bias"], 1e-6)
    for tensor, entry in zip(tensors, facts["grads_nodropout"], strict=True):
        theirs = as_theirs(tensor.grad)
        assert list(theirs.shape) == entry["shape"]
        assert_close(theirs.norm(), entry["l2"], 1e-4 * entry["l2"])
        assert_close(theirs.flatten()[:5], entry["first5"], 1e-4 * entry["l2"])


def test_waveforms_are_scaled_as_in_the_original():
    def of(*values: float) -> torch.Tensor:
        return scaled(torch.tensor(values).reshape(1, -1, 1))[0, :, 0]

    assert_close(of(-0.5, 0, 0.5), [-0.5, -4.999995e-07, 0.499999], 1e-7)
    assert_close(of(0, 0), [-0.5, -0.5], 0)
    assert_close(of(0, 0, 0.2, -0.1), [-0.16666778, -0.16666778, 0.49999667, -0.5], 1e-7)


def test_the_lengths_of_its_layers_are_those_of_the_original():
    model, steps, found = make(1), torch.tensor([32000]), []
    for block in model.layers.blocks:
        steps = block.conv.num_outputs(steps)
        found.append(int(steps))
        if block.pool:
            steps = steps // block.pool[0]
            found.append(int(steps))
    assert found == [31992, 31984, 1999, 1997, 1995, 498, 496, 494, 123, 121, 119]


def test_shorter_waveforms_than_it_can_read_are_refused():
    model = make(1)
    with torch.inference_mode():
        assert model(torch.rand(1, model.shortest, 1)).shape == (1, 41)
        with pytest.raises(ShapeError, match=f"has {model.shortest - 1} frames, this model reads at least"):
            model(torch.rand(1, model.shortest - 1, 1))


def test_spectrograms_are_refused():
    with pytest.raises(ShapeError, match="^spectrograms of 128 bands, conv1d reads waveforms; preprocess with .*$"):
        Conv1d(Conv1dConfig(400, 128, 41))


@pytest.mark.parametrize("training", [False, True])
def test_what_follows_the_lengths_changes_nothing(training):
    model = make(2, labels=3, keep_prob=1.0, top_keep_prob=1.0)
    assert_lengths_change_nothing(model, [model.shortest, model.shortest + 311, 2000], training)


@pytest.mark.slow
def test_it_learns_to_tell_tones_apart():
    generator = torch.Generator().manual_seed(1)
    times, labels = torch.arange(1700) / 16000, torch.arange(9) % 3
    gains = torch.rand(9, 1, generator=generator) * 0.9 + 0.1
    tones = gains * torch.sin(2 * np.pi * torch.tensor([200.0, 1000.0, 4000.0])[labels, None] * times)
    with drawing_from(3):
        model = make(4, labels=3, keep_prob=1.0, top_keep_prob=1.0).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(20):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model(tones.unsqueeze(2)), labels).backward()
        optimiser.step()
    assert (model.eval()(tones.unsqueeze(2)).argmax(dim=1) == labels).all()
