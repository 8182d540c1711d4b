# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that are not trained: train with num_epochs=0."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from audeep.errors import ModelError
from audeep.models.base import Batch
from audeep.models.checkpoints import load_model, steps_in
from audeep.models.layers.batch_norm import BatchNorm
from audeep.training.calibration import calibrate
from audeep.training.options import ContrastiveOptions, TaggingOptions, TrainingOptions
from audeep.training.trainer import train

SMALL = {"channels": "4,6", "head_units": 8, "vector_size": 5}
FEW_STEPS = {"batch_size": 4, "seed": 3, "device": "cpu"}


@pytest.mark.parametrize("make", [lambda: BatchNorm(3, 0.1, 1e-5), lambda: nn.BatchNorm2d(3)])
def test_statistics_become_the_mean_over_batches(make: Callable[[], nn.Module]) -> None:
    layer = make()
    images = torch.randn(4, 8, 3, 5, 2, generator=torch.Generator().manual_seed(0)) + 2
    calibrate(layer, [Batch(each) for each in images], lambda batch, _: layer(batch.frames))
    moments = [(each.mean(axis=(0, 2, 3)), each.var(axis=(0, 2, 3), ddof=1)) for each in images.double().numpy()]
    expected = np.mean(moments, axis=0)
    np.testing.assert_allclose(layer.running_mean, expected[0], rtol=1e-5)
    np.testing.assert_allclose(layer.running_var, expected[1], rtol=1e-4)
    assert layer.momentum == 0.1 and not layer.training


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "config", "options"),
    [
        ("t-rae", {"num_units": 3}, TrainingOptions(num_epochs=0, **FEW_STEPS)),
        ("contrastive", SMALL, ContrastiveOptions(num_epochs=0, crop_frames=5, **FEW_STEPS)),
        ("toy-tagger", {}, TaggingOptions(num_epochs=0, validation_split=0.3, keep_best=True, **FEW_STEPS)),
    ],
)
@pytest.mark.usefixtures("toy_tagger")
def test_no_epochs_leave_the_weights_that_a_training_starts_with(
    tmp_path: Path, make_spectrograms: Callable, kind: str, config: dict, options: TrainingOptions
) -> None:
    data_set = make_spectrograms(12)
    train([data_set], kind, tmp_path / "untrained", config, options)
    almost = replace(options, num_epochs=1, learning_rate=1e-30, weight_decay=0.0)
    train([data_set], kind, tmp_path / "almost", config, almost)
    (untrained, progress), (started, _) = (load_model(tmp_path / name / "logs") for name in ("untrained", "almost"))
    assert (progress.step, progress.epoch, progress.seed) == (0, 0, 3)
    for (name, weight), other in zip(untrained.named_parameters(), started.parameters(), strict=True):
        torch.testing.assert_close(weight, other, rtol=0, atol=1e-20, msg=name)
    assert {path.name for path in (tmp_path / "untrained" / "logs").iterdir()} == {
        "model-0.safetensors",
        "settings.json",
    }


def test_statistics_of_an_untrained_network_are_those_of_what_it_is_trained_on(
    tmp_path: Path, make_spectrograms: Callable
) -> None:
    options = ContrastiveOptions(num_epochs=0, crop_frames=5, precision="float32", passes=3, **FEW_STEPS)
    data_set = make_spectrograms(12)
    model = train([data_set], "contrastive", tmp_path, SMALL, options)
    norm = model.blocks[0].norm
    assert not torch.equal(norm.running_mean, torch.zeros(4)) and not torch.equal(norm.running_var, torch.ones(4))
    again = train([data_set], "contrastive", tmp_path / "again", SMALL, options)
    for one, two in zip(model.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, two)


def test_no_training_goes_on_from_an_untrained_network(tmp_path: Path, make_spectrograms: Callable) -> None:
    options = TrainingOptions(num_epochs=0, **FEW_STEPS)
    train([make_spectrograms(4)], "t-rae", tmp_path, {"num_units": 3}, options)
    assert steps_in(tmp_path / "logs") == [0]
    with pytest.raises(ModelError, match="has an untrained network, of num_epochs=0; choose another run_name=DIR"):
        train([make_spectrograms(4)], "t-rae", tmp_path, {"num_units": 3}, replace(options, num_epochs=1), resume=True)
