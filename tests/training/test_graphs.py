# SPDX-License-Identifier: GPL-3.0-or-later
"""Training steps by CUDA graphs: what they must not change, and what is not recorded."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from audeep import train
from audeep.models.base import Batch
from audeep.models.layers.draws import drawing_from, generator_for
from audeep.models.layers.dropout import Dropout
from audeep.training.graphs import STEPS_BEFORE, RecordedSteps
from audeep.training.options import TrainingOptions

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")


class Steps:
    """Steps of a small network, and how often its Python code has run."""

    def __init__(self, device: str, draws_on: str | None = None) -> None:
        self.num_runs = 0
        with drawing_from(0), torch.device(device):
            self.layers = nn.Sequential(nn.Linear(5, 8), Dropout(0.5), nn.Linear(8, 1))
            for parameter in self.layers.parameters():
                nn.init.constant_(parameter, 0.1)
        self.draws_on = draws_on
        self.parameters = list(self.layers.parameters())
        self.recorded = RecordedSteps(self.gradients, self.parameters, is_on=True)

    def gradients(self, batch: Batch) -> Tensor:
        self.num_runs += 1
        loss = self.layers(batch.frames).square().mean()
        if self.draws_on is not None:
            loss = loss * torch.rand((), generator=generator_for(torch.device(self.draws_on)), device=self.draws_on).to(
                loss.device
            )
        loss.backward()
        return loss.detach()

    def run(self, number: int, size: int = 4) -> list[Tensor]:
        """Loss and gradients of a step."""
        for parameter in self.parameters:
            parameter.grad = None
        frames = torch.rand(size, 3, 5, generator=torch.Generator().manual_seed(number))
        with drawing_from(number):
            loss = self.recorded(Batch(frames.to(self.parameters[0].device), None, None))
        return [loss.clone(), *(parameter.grad.clone() for parameter in self.parameters if parameter.grad is not None)]


def test_nothing_is_recorded_on_the_cpu() -> None:
    steps = Steps("cpu")
    for number in range(STEPS_BEFORE + 3):
        steps.run(number)
    assert steps.num_runs == STEPS_BEFORE + 3


@needs_cuda
def test_recorded_steps_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = Steps("cuda")
    monkeypatch.setenv("AUDEEP_PLAIN_STEPS", "1")
    plain = Steps("cuda")
    for number in range(STEPS_BEFORE + 5):
        for found, expected in zip(recorded.run(number), plain.run(number), strict=True):
            assert torch.equal(found, expected)
    assert recorded.num_runs == STEPS_BEFORE + 1
    assert plain.num_runs == STEPS_BEFORE + 5


@needs_cuda
def test_batches_of_other_shapes_and_unequal_lengths_have_steps_of_their_own() -> None:
    steps = Steps("cuda")
    for number in range(2 * (STEPS_BEFORE + 5)):
        steps.run(number, size=4 + 2 * (number % 2))
    assert steps.num_runs == 2 * (STEPS_BEFORE + 1)
    steps.num_runs, lengths = 0, torch.full((4,), 3, device="cuda")
    for _ in range(STEPS_BEFORE + 5):
        steps.recorded(Batch(torch.rand(4, 3, 5, device="cuda"), lengths, None))
        for parameter in steps.parameters:
            parameter.grad = None
    assert steps.num_runs == STEPS_BEFORE + 5


@needs_cuda
def test_steps_that_draw_on_the_cpu_are_not_recorded() -> None:
    steps = Steps("cuda", draws_on="cpu")
    losses = {float(steps.run(number)[0]) for number in range(STEPS_BEFORE + 5)}
    assert len(losses) == STEPS_BEFORE + 5
    assert not steps.recorded.is_on
    assert torch.rand(3, device="cuda").shape == (3,)  # by the generator of PyTorch


@needs_cuda
@pytest.mark.parametrize("options", [{}, {"precision": "float16"}, {"crop_frames": 8}], ids=str)
def test_a_training_has_the_same_bytes_with_and_without_graphs(
    make_spectrograms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict
) -> None:
    def weights(name: str) -> list[Tensor]:
        made = TrainingOptions(num_epochs=4, batch_size=4, device="cuda", **options)
        model = train(
            [make_spectrograms(12, steps=12)], "t-rae", tmp_path / name, {"num_units": 8, "masked_frames": 0.3}, made
        )
        return list(model.state_dict().values())

    found = weights("recorded")
    monkeypatch.setenv("AUDEEP_PLAIN_STEPS", "1")
    for one, other in zip(found, weights("plain"), strict=True):
        assert torch.equal(one, other)
