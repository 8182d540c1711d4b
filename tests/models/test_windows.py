# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows along spectrograms."""

from pathlib import Path

import numpy as np
import pytest
import torch

from audeep.models.layers.windows import Windows, fit, spaced_starts, windows_of


def ramp(length: int) -> torch.Tensor:
    return torch.arange(length, dtype=torch.float32).view(1, length, 1)


def test_recordings_are_repeated_or_cut_to_a_length() -> None:
    for length, expected in ((5, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]), (20, list(range(12)))):
        found, lengths = fit(ramp(length), None, 12, "repeat", 0.0)
        assert lengths is None
        np.testing.assert_array_equal(found[0, :, 0], expected)


def test_padding_stands_before_and_after_a_recording() -> None:
    found = windows_of(ramp(9), torch.tensor([4]), torch.tensor([-2]), 8, "pad", -1.0)
    np.testing.assert_array_equal(found[0, :, 0], [-1, -1, 0, 1, 2, 3, -1, -1])


@pytest.mark.parametrize(("key", "num_frames", "count"), [("T3000_n25", 3000, 25), ("T3000_n5", 3000, 5)])
def test_spaced_windows_are_those_of_the_original_that_leaves_out_the_last_frame(
    golden: Path, key: str, num_frames: int, count: int
) -> None:
    expected = np.load(golden / "tagging" / "a_pieces.npz")[f"slices/equal_{key}"]
    np.testing.assert_array_equal(spaced_starts(num_frames - 1, 384, count), expected)


def test_spaced_windows_reach_both_ends() -> None:
    assert list(spaced_starts(10, 4, 3)) == [0, 3, 6]
    assert list(spaced_starts(3, 4, 2)) == [0, 0]


def test_windows_are_framed_as_in_the_dcase_2019_baseline(golden: Path) -> None:
    numbers = np.load(golden / "tagging" / "b_features_synth.npz")
    frames = torch.from_numpy(numbers["chirp_44k/logmel"])[None]
    starts = Windows(100, 50).starts(frames.shape[1])
    found = [windows_of(frames, None, torch.tensor([start]), 100, "pad", 0.0)[0] for start in starts]
    np.testing.assert_array_equal(np.stack(found), numbers["chirp_44k/windows"])
    names = {key.partition("/")[0] for key in numbers}
    for name in names:
        num_frames, num_windows = int(numbers[f"{name}/n_frames"]), int(numbers[f"{name}/n_windows"])
        assert len(Windows(100, 50).starts(num_frames)) == num_windows
