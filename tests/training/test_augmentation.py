# SPDX-License-Identifier: GPL-3.0-or-later
"""What is drawn at random at each step: excerpts, masks, mixtures; and what targets become."""

from pathlib import Path

import numpy as np
import pytest
import torch

from audeep.models.base import Batch, TaggerConfig
from audeep.models.layers.draws import drawing_from
from audeep.training.augmentation import cropped, excerpts, masked, mixed, smoothed
from audeep.training.options import AugmentationOptions, TaggingOptions


def config(**given: object) -> TaggerConfig:
    return TaggerConfig(**{"num_steps": 4, "num_features": 1, "num_labels": 4, **given})


def ramp(*lengths: int) -> Batch:
    """Recordings whose frames are numbered from 1, with 0 in the padding."""
    frames = torch.zeros(len(lengths), max(lengths), 1)
    for row, length in enumerate(lengths):
        frames[row, :length, 0] = torch.arange(1, length + 1)
    return Batch(frames, torch.tensor(lengths), torch.arange(len(lengths)) % 4)


def test_mixtures_are_those_of_the_original(golden: Path) -> None:
    numbers = np.load(golden / "tagging" / "a_pieces.npz")
    frames = torch.from_numpy(numbers["mixup/x"][:, 0]).transpose(1, 2)  # [batch, time, freq]
    found = mixed(Batch(frames, None, torch.from_numpy(numbers["mixup/y"])), numbers["mixup/lambda"], 41)
    np.testing.assert_allclose(found.frames.transpose(1, 2), numbers["mixup/x_out"][:, 0], atol=1e-6)
    np.testing.assert_allclose(found.targets, numbers["mixup/y_out"], atol=1e-6)


def test_each_instance_is_mixed_with_the_one_from_the_end_of_the_batch() -> None:
    batch = Batch(torch.tensor([1.0, 2, 3, 4]).view(4, 1, 1), None, torch.arange(4))
    found = mixed(batch, np.array([1, 0.25, 0.5, 0.9]), 4)
    np.testing.assert_allclose(found.frames.flatten(), [1, 2.75, 2.5, 3.7], atol=1e-6)
    expected = [[1, 0, 0, 0], [0, 0.25, 0.75, 0], [0, 0.5, 0.5, 0], [0.1, 0, 0, 0.9]]
    np.testing.assert_allclose(found.targets, expected, atol=1e-6)


def test_excerpts_are_drawn_from_all_places_and_never_reach_beyond_the_end() -> None:
    with drawing_from(3):
        found = [excerpts(ramp(9, 6), 4, config()).frames[:, :, 0] for _ in range(200)]
    for row, length in enumerate((9, 6)):
        starts = {int(frames[row, 0]) for frames in found}
        assert starts == set(range(1, length - 4 + 2))
        assert all((frames[row].diff() == 1).all() for frames in found)


def test_recordings_are_repeated_up_to_the_length_that_excerpts_are_taken_from() -> None:
    with drawing_from(3):
        found = [excerpts(ramp(5), 7, config(fit_frames=12)).frames[0, :, 0] for _ in range(200)]
    assert {int(frames[0]) for frames in found} == {1, 2, 3, 4, 5}
    tiled = np.tile(np.arange(1, 6), 4)
    for frames in found:
        start = int(frames[0]) - 1
        np.testing.assert_array_equal(frames, tiled[start : start + 7])


def test_a_longer_recording_is_cut_before_excerpts_are_taken() -> None:
    with drawing_from(3):
        found = [excerpts(ramp(50), 3, config(fit_frames=5)).frames.max() for _ in range(100)]
    assert max(found) == 5


def test_padding_is_spread_at_random_around_a_shorter_recording() -> None:
    with drawing_from(3):
        found = [excerpts(ramp(3), 5, config(fill="pad", pad_value=-7.0)).frames[0, :, 0] for _ in range(100)]
    expected = {(1, 2, 3, -7, -7), (-7, 1, 2, 3, -7), (-7, -7, 1, 2, 3)}
    assert {tuple(frames.tolist()) for frames in found} == expected


def test_recordings_of_the_size_of_an_excerpt_stay_as_they_are() -> None:
    batch = ramp(4, 4)
    for fill in ("repeat", "pad"):
        np.testing.assert_array_equal(excerpts(batch, 4, config(fill=fill)).frames, batch.frames)
    assert cropped(Batch(batch.frames), 4).frames is batch.frames


def test_masks_are_spans_of_frames_and_bands_that_hold_the_mean() -> None:
    options = TaggingOptions(time_masks=1, time_mask_frames=5, freq_masks=2, freq_mask_bands=3)
    frames = torch.randn(64, 20, 12, generator=torch.Generator().manual_seed(0))
    with drawing_from(1):
        found = masked(Batch(frames), options).frames
    for before, after in zip(frames, found, strict=True):
        changed = (before != after).numpy()
        times, bands = np.flatnonzero(changed.all(axis=1)), np.flatnonzero(changed.all(axis=0))
        assert len(times) <= 5 and len(bands) <= 6
        assert (np.diff(times) == 1).all()
        expected = changed.any() and after[torch.from_numpy(changed)]
        if changed.any():
            torch.testing.assert_close(expected, before.mean().expand_as(expected))
        covered = np.zeros_like(changed)
        covered[times], covered[:, bands] = True, True
        np.testing.assert_array_equal(changed, covered)
    assert (frames != found).any(dim=2).any(dim=1).float().mean() > 0.8


def test_masks_may_hold_a_value() -> None:
    with drawing_from(1):
        found = masked(Batch(torch.zeros(9, 20, 12)), TaggingOptions(time_masks=1, freq_masks=1, mask_value=-0.4))
    assert set(found.frames.unique().tolist()) == {0.0, np.float32(-0.4)}


@pytest.mark.slow
def test_the_loudest_of_several_excerpts_is_taken() -> None:
    options = AugmentationOptions(crop_frames=3, loudest_of=200)
    with drawing_from(2):
        found = [excerpts(ramp(9, 5), 3, config(), options).frames[:, 0, 0].tolist() for _ in range(20)]
    assert found == [[7, 3]] * 20
    with drawing_from(2):  # beyond the end it is silent
        quiet = [excerpts(ramp(9, 2), 3, config(fill="pad", pad_value=-9.0), options).frames[1, 0] for _ in range(20)]
    assert {float(frame) for frame in quiet} <= {1, -9}


def test_excerpts_are_stretched_in_time_within_a_recording() -> None:
    options = AugmentationOptions(crop_frames=5, time_stretch=1.5)
    with drawing_from(2):
        found = torch.cat([excerpts(ramp(9, 7), 5, config(), options).frames[:, :, 0] for _ in range(200)])
    speeds = found.diff(dim=1)
    torch.testing.assert_close(speeds, speeds[:, :1].expand_as(speeds), rtol=0, atol=1e-5)
    assert 1 / 1.5 <= speeds.min() < 0.7 and 1.45 < speeds.max() <= 1.5001
    of_instance = found.view(-1, 2, 5).transpose(0, 1)
    assert of_instance.min() == 1 and of_instance[0].max() <= 9 and of_instance[1].max() <= 7


def test_excerpts_may_begin_before_a_recording_and_end_after_it() -> None:
    options = AugmentationOptions(crop_frames=3, crop_margin=2)
    fill = config(fill="pad", pad_value=-7.0)
    with drawing_from(2):
        found = [excerpts(ramp(4), 3, fill, options).frames[0, :, 0].tolist() for _ in range(200)]
    padded = [-7, -7, 1, 2, 3, 4, -7, -7]
    assert {tuple(frames) for frames in found} == {tuple(padded[start : start + 3]) for start in range(6)}


def test_without_masks_nothing_is_drawn() -> None:
    batch = ramp(5, 5)
    assert masked(batch, TaggingOptions()) is batch


def test_the_same_seed_draws_the_same() -> None:
    options = TaggingOptions(time_masks=2, freq_masks=2)
    found = []
    for seed in (5, 5, 6):
        with drawing_from(seed):
            found.append(masked(excerpts(ramp(30, 30, 30), 10, config()), options).frames)
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize(
    ("multi_label", "targets", "expected"),
    [
        (False, torch.tensor([1]), [[0.05, 0.85, 0.05, 0.05]]),
        (True, torch.tensor([[1.0, 0, 0, 1]]), [[0.9, 0.1, 0.1, 0.9]]),
    ],
)
def test_smoothing_moves_targets_towards_even_ones(multi_label: bool, targets: torch.Tensor, expected: list) -> None:
    found = smoothed(Batch(torch.zeros(1, 1, 1), None, targets), 0.2, config(multi_label=multi_label))
    np.testing.assert_allclose(found.targets, expected, atol=1e-6)
