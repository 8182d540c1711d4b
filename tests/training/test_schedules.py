# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning rates at each step."""

from pathlib import Path

import numpy as np
import pytest

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
