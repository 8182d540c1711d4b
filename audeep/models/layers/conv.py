# SPDX-License-Identifier: GPL-3.0-or-later
"""Convolutions of images of spectrograms, and blocks of them.

An image is [batch, channel, time, freq], and lies in memory with its channels last. Where images differ in length, what
follows the first `lengths` [batch] steps of one changes nothing: it is zeros to a convolution that looks beyond an end.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from audeep.errors import ShapeError
from audeep.models.layers.batch_norm import BatchNorm
from audeep.models.layers.draws import draw_normal, draw_uniform
from audeep.models.layers.dropout import Dropout
from audeep.models.layers.lengths import frames_within, is_recorded

Start = Callable[[Tensor], None]
Images = tuple[Tensor, Tensor | None]  # with their lengths, if they differ
Steps = TypeVar("Steps", int, Tensor)


def he_normal(weight: Tensor) -> None:
    """Start weights [outputs, inputs, ...] with variance 2 / fan-in (He et al., ICCV 2015)."""
    draw_normal(weight, math.sqrt(2 / weight[0].numel()))


def glorot_uniform(weight: Tensor) -> None:
    """Start weights [outputs, inputs, ...] uniform within sqrt(6 / (fan-in + fan-out)) (Glorot, AISTATS 2010).

    As in TensorFlow, a depthwise convolution [channels, 1, ...] counts all its channels as one of both.
    """
    draw_uniform(weight, math.sqrt(6 / (weight[0, 0].numel() * sum(weight.shape[:2]))))


def uniform(weight: Tensor) -> None:
    """Start weights [outputs, inputs, ...] uniform within 1 / sqrt(fan-in), as PyTorch does by itself."""
    draw_uniform(weight, 1 / math.sqrt(weight[0].numel()))


class Conv(nn.Module):
    """Convolution (cross-correlation) over time and frequency.

    Args:
        kernel: [time, freq].
        stride: of both axes, or [time, freq].
        padding: zeros at both ends of both axes; None for as many as give ceil(size / stride) outputs, the odd one
            after the end ("SAME" of TensorFlow).
        groups: into how many groups the channels fall; depthwise if there are as many as channels.
    """

    __call__: Callable[..., Images]

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | None = 0,
        *,
        groups: int = 1,
        has_bias: bool = False,
        start: Start = glorot_uniform,
    ) -> None:
        super().__init__()
        self.kernel, self.padding, self.groups = kernel, padding, groups
        self.stride = (stride, stride) if isinstance(stride, int) else stride
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, *kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if has_bias else None
        start(self.weight)

    def forward(self, images: Tensor, lengths: Tensor | None = None) -> Images:
        steps, bands = images.shape[2:]
        pads = self._pads(steps, 0), self._pads(bands, 1)
        if lengths is not None:
            if self.padding is None and self.stride[0] > 1:
                images, pads = self._aligned(images, lengths), ((0, 0), pads[1])
            elif self.kernel[0] > 1:
                images = silent_after(images, lengths)
            lengths = self.num_outputs(lengths)
        outputs = self._convolved(images, pads)
        return outputs if lengths is None else outputs[:, :, : int(lengths.max())], lengths

    def num_outputs(self, steps: Steps) -> Steps:
        """Steps of the outputs of so many."""
        if self.padding is None:
            return (steps - 1) // self.stride[0] + 1
        return (steps + 2 * self.padding - self.kernel[0]) // self.stride[0] + 1

    def fewest_inputs(self, steps: int) -> int:
        """Of how many steps so many outputs are made, at least."""
        if self.padding is None:
            return (steps - 1) * self.stride[0] + 1
        return max(1, (steps - 1) * self.stride[0] + self.kernel[0] - 2 * self.padding)

    def _pads(self, size: int, axis: int) -> tuple[int, int]:
        """Zeros before and after an axis."""
        if self.padding is not None:
            return self.padding, self.padding
        total = ((size - 1) // self.stride[axis]) * self.stride[axis] + self.kernel[axis] - size
        if self.kernel[axis] < self.stride[axis]:  # else it is none below 0, and a size that is a symbol stays simple
            total = max(0, total)
        return total // 2, total - total // 2

    def _aligned(self, images: Tensor, lengths: Tensor) -> Tensor:
        """Images with zeros before each that suit its own length, and enough zeros after it."""
        before = torch.tensor([self._pads(length, 0)[0] for length in lengths.tolist()], device=images.device)
        sources = torch.arange(images.shape[2] + self.kernel[0], device=images.device) - before.unsqueeze(1)
        is_beyond = (sources < 0) | (sources >= lengths.unsqueeze(1))  # [batch, time]
        rows = torch.arange(len(images), device=images.device).unsqueeze(1)
        taken = as_stored(images)[rows, sources.clamp(0, images.shape[2] - 1)]  # [batch, time, freq, channel]
        return taken.masked_fill(is_beyond[:, :, None, None], 0).permute(0, 3, 1, 2)

    def _convolved(self, images: Tensor, pads: Sequence[tuple[int, int]]) -> Tensor:
        weight: Tensor = self.weight
        (top, bottom), (left, right) = pads
        if self.groups > 1 and not is_recorded():  # a zero more before the kernel costs less than a copy of the images
            weight = functional.pad(weight, (right - left, 0, bottom - top, 0))
        elif (self.padding is None and is_recorded()) or (top, left) != (bottom, right):  # other lengths differ
            images, bottom, right = functional.pad(images, (left, right, top, bottom)), 0, 0
        return functional.conv2d(images, weight, self.bias, self.stride, (bottom, right), 1, self.groups)


class Block(nn.Module):
    """Convolution, batch normalisation, ReLU, and then perhaps max pooling and dropout.

    Args:
        norm: None for none.
        pool: [time, freq], of which a remainder is dropped.
        keep_prob: probability that dropout keeps an activation.
    """

    __call__: Callable[..., Images]

    def __init__(
        self, conv: Conv, norm: BatchNorm | None, pool: tuple[int, int] | None = None, keep_prob: float = 1.0
    ) -> None:
        super().__init__()
        self.conv, self.norm, self.pool = conv, norm, pool
        self.dropout = Dropout(1 - keep_prob)

    def forward(self, images: Tensor, lengths: Tensor | None = None) -> Images:
        images, lengths = self.conv(images, lengths)
        if self.norm is not None:
            images = self.norm(images, lengths)
        if self.pool is not None:  # before ReLU, which changes no maximum but makes negative ones zero
            images = functional.max_pool2d(images, self.pool)
            lengths = None if lengths is None else lengths // self.pool[0]
        images = images.relu_()
        if self.dropout.p:
            images = self.dropout(as_stored(images)).permute(0, 3, 1, 2)
        return images, lengths

    def fewest_inputs(self, steps: int) -> int:
        """Of how many steps so many outputs are made, at least."""
        return self.conv.fewest_inputs(steps if self.pool is None else steps * self.pool[0])


class Blocks(nn.Module):
    """Blocks, one after the other."""

    __call__: Callable[..., Images]

    def __init__(self, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.blocks = cast("list[Block]", nn.ModuleList(blocks))

    def forward(self, images: Tensor, lengths: Tensor | None = None) -> Images:
        for block in self.blocks:
            images, lengths = block(images, lengths)
        return images, lengths

    def fewest_inputs(self, steps: int = 1) -> int:
        """Of how many steps so many outputs are made, at least."""
        for block in reversed(self.blocks):
            steps = block.fewest_inputs(steps)
        return steps


def as_images(frames: Tensor, lengths: Tensor | None, shortest: int) -> Tensor:
    """[batch, time, freq] -> [batch, 1, time, freq].

    Raises:
        ShapeError: there are fewer frames than the `shortest` input has.
    """
    num_frames = frames.shape[1] if lengths is None else int(lengths.min())
    if num_frames < shortest:
        raise ShapeError(
            f"a spectrogram has {num_frames} frames, this model reads at least {shortest}; leave out what is shorter,"
            " or repeat it"
        )
    return frames.unsqueeze(3).permute(0, 3, 1, 2)  # lies in memory as if its channels came last


def silent_after(images: Tensor, lengths: Tensor) -> Tensor:
    """Images with zeros after the first `lengths` [batch] steps."""
    is_after = ~frames_within(images[:, 0], lengths)[:, :, None, None]
    return as_stored(images).masked_fill(is_after, 0).permute(0, 3, 1, 2)


def as_stored(images: Tensor) -> Tensor:
    """[batch, channel, time, freq] -> [batch, time, freq, channel], the order in which they lie in memory.

    Operations on it that keep the order keep images as fast to convolve as they were.
    """
    return images.permute(0, 2, 3, 1)
