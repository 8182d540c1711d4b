# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning rates at each step."""

from pathlib import Path

import numpy as np
import pytest
import torch

from audeep.training.options import TrainingOptions
from audeep.training.schedules import learning_rate


@pytest.mark.parametrize(
    ("key", "rate", "start", "num_epochs"),
    [
        ("pretrain_1e-3_S100_E500", 1e-3, 100, 500),
        ("finetune_2e-4_S5_E30", 2e-4, 5, 30),
        ("finetune_1e-4_S5_E30", 1e-4, 5, 30),
    ],
)
def test_linear_is_the_schedule_of_dorfer_and_widmer(
    golden: Path, key: str, rate: float, start: int, num_epochs: int
) -> None:
    options = TrainingOptions(schedule="linear", learning_rate=rate, decay_start=start, num_epochs=num_epochs)
    expected = np.load(golden / "tagging" / "a_pieces.npz")[f"lr/{key}"]
    for per_epoch in (1, 7):
        for offset in {1, per_epoch}:  # the first and the last step of each epoch
            found = [learning_rate(options, epoch * per_epoch + offset, per_epoch) for epoch in range(num_epochs)]
            np.testing.assert_allclose(found, expected, atol=rate * 1e-5)
            assert found[-1] == 0


def test_linear_without_room_to_fall_stays() -> None:
    options = TrainingOptions(schedule="linear", decay_start=10, num_epochs=5)
    assert {learning_rate(options, step, 3) for step in range(1, 16)} == {options.learning_rate}


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 3e-3), (3041, 3e-3), (3042, 2.82e-3), (6083, 2.82e-3), (6084, 2.6508e-3), (30420, 1.6158454e-3)]
    + [(121700, 2.5248487e-4)],
)
def test_staircase_is_the_schedule_of_the_dcase_2019_baseline(step: int, expected: float) -> None:
    options = TrainingOptions(schedule="staircase", learning_rate=3e-3, decay_rate=0.94, decay_epochs=2.5)
    assert learning_rate(options, step + 1, 1217) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("num_epochs", "per_epoch"), [(5, 40), (3, 7), (1, 2), (1, 1)])
def test_one_cycle_is_that_of_pytorch(num_epochs: int, per_epoch: int) -> None:
    options = TrainingOptions(schedule="one-cycle", learning_rate=3e-3, num_epochs=num_epochs, rising_share=0.15)
    steps = range(1, num_epochs * per_epoch + 1)
    found = [learning_rate(options, step, per_epoch) for step in steps]
    if len(found) < 20:  # PyTorch divides by zero where nothing rises
        assert found[-1] == pytest.approx(3e-3 / 250_000 if len(found) > 1 else found[0])
        return
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 3e-3, total_steps=len(steps), pct_start=0.15, cycle_momentum=False
    )
    for rate in found:
        assert rate == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-6)
        optimiser.step()
        schedule.step()
