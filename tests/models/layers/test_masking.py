# SPDX-License-Identifier: GPL-3.0-or-later
"""Masked spans of frames."""

import pytest
import torch

from audeep.models.layers.masking import SpanMask, random_spans


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("lengths", [None, torch.tensor([12, 5] * 25)])
def test_masked_frames_are_the_mean_of_what_is_there_while_training_alone(lengths: torch.Tensor | None) -> None:
    mask, frames = SpanMask(0.4, 3), torch.rand(50, 12, 6, dtype=torch.float64) * 2 - 1
    mean = frames.mean() if lengths is None else (frames[::2].sum() + frames[1::2, :5].sum()) / (25 * 17 * 6)
    read = mask(frames, lengths)
    masked = torch.isclose(read, mean).all(dim=2)
    assert 0.2 < masked.double().mean() < 0.45
    assert torch.equal(read[~masked], frames[~masked])
    assert mask.eval()(frames, lengths) is frames


@pytest.mark.parametrize(("share", "span"), [(0.1, 1), (0.4, 6), (0.9, 12)])
def test_spans_cover_about_the_share_that_is_asked_for(share: float, span: int) -> None:
    covered = random_spans(100, 400, share, span)
    # n spans of mean length l, each step covered by one with probability l / (100 + l / 2), more or less
    number = max(1, round(share * 100 / span))
    expected = 1 - (1 - span / (100 + span / 2)) ** number
    assert abs(covered.double().mean().item() - expected) < 0.02
    changes = covered.int().diff(dim=0).abs().sum(dim=0).double().mean()
    assert changes <= 2 * number
