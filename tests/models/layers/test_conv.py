# SPDX-License-Identifier: GPL-3.0-or-later
"""Convolutions of images of different lengths: each is treated as if it were alone."""

import pytest
import torch

from audeep.models.layers.batch_norm import BatchNorm
from audeep.models.layers.conv import Block, Blocks, Conv, as_images

LENGTHS = [9, 4, 12, 7]


def blocks() -> Blocks:
    """A convolution with a stride, a depthwise one, one of single steps, and pooling."""
    torch.manual_seed(0)
    convs = [
        Block(Conv(1, 4, (3, 3), 2, padding=None), BatchNorm(4, 0.1, 1e-4)),
        Block(Conv(4, 4, (3, 3), padding=None, groups=4), None),
        Block(Conv(4, 6, (1, 1)), BatchNorm(6, 0.1, 1e-4)),
        Block(Conv(6, 6, (3, 3), padding=1, has_bias=True), None, (2, 2)),
    ]
    return Blocks(convs).eval()


def images(lengths: list[int]) -> torch.Tensor:
    frames = torch.rand(len(lengths), max(lengths), 8) - 0.5
    for each, length in zip(frames, lengths, strict=True):
        each[length:] = 100
    return frames


@torch.no_grad()
def test_an_image_gives_what_it_gives_alone() -> None:
    layers, frames = blocks(), images(LENGTHS)
    found, lengths = layers(as_images(frames, None, 1), torch.tensor(LENGTHS))
    assert lengths is not None and lengths.tolist() == [2, 1, 3, 2]
    for each, frame, outputs, length in zip(found, frames, lengths, LENGTHS, strict=True):
        alone, _ = layers(as_images(frame[None, :length], None, 1))
        torch.testing.assert_close(each[:, :outputs], alone[0])


@pytest.mark.parametrize("lengths", [None, torch.tensor(LENGTHS)])
@torch.no_grad()
def test_channels_stay_last_in_memory_whether_lengths_differ_or_not(lengths: torch.Tensor | None) -> None:
    found = as_images(images(LENGTHS), None, 1)
    for block in blocks().blocks:
        before = lengths
        found, lengths = block(found, before)
        assert found.is_contiguous(memory_format=torch.channels_last), f"after {block.conv}"
