# SPDX-License-Identifier: GPL-3.0-or-later
"""Sequences of different lengths in one tensor, padded at the end."""

import torch
from torch import Tensor
from torch.nn import functional

from audeep.runtime.constants import SILENCE


def frames_within(frames: Tensor, lengths: Tensor) -> Tensor:
    """Whether a frame is among the first `lengths` [batch] of [batch, time, freq]: [batch, time]."""
    return torch.arange(frames.shape[1], device=frames.device) < lengths.unsqueeze(1)


def lengths_of(frames: Tensor, lengths: Tensor | None, device: torch.device | None = None) -> Tensor:
    """The `lengths` [batch] of [batch, time, ...], or that of all frames for each, on a device or where frames are."""
    device = device or frames.device
    if lengths is None:
        return torch.full((frames.shape[0],), frames.shape[1], device=device)
    return lengths.to(device)


def single(values: Tensor) -> Tensor:
    """Values of lower precision in float32, in which sums are to be made; others as they are."""
    return values.float() if values.dtype.itemsize < 4 else values


def backward(sequences: Tensor, lengths: Tensor | None = None) -> Tensor:
    """[time, batch, ...] from the last step to the first; of `lengths` [batch] steps each, what follows stays there."""
    if lengths is None:
        return sequences.flip(0)
    steps = torch.arange(len(sequences), device=sequences.device).unsqueeze(1)
    sources = torch.where(steps < lengths, lengths - 1 - steps, steps)  # [time, batch]
    return sequences.gather(0, sources.unsqueeze(2).expand_as(sequences))


def root_mean_squared_error(
    outputs: Tensor, targets: Tensor, lengths: Tensor | None = None, mask_silence: bool = False
) -> Tensor:
    """Over all elements [batch, time, freq], or those of the first `lengths` [batch] frames; a scalar.

    With `mask_silence` there are no errors where targets are silent.
    """
    if mask_silence:
        outputs = torch.where(targets == SILENCE, targets, outputs)
    if lengths is None:
        return torch.sqrt(functional.mse_loss(outputs, targets))
    squares = (outputs - targets).square().sum(dim=2) * frames_within(targets, lengths)  # [batch, time]
    return torch.sqrt(squares.sum() / (lengths.sum() * targets.shape[2]))


def parts_of(values: Tensor, size: int) -> tuple[Tensor, ...]:
    """Parts of at most so many rows; all at once where operations are recorded."""
    return (values,) if is_recorded() else values.split(size)


def is_recorded() -> bool:
    """Whether operations are being recorded, to be exported for inputs of any size."""
    is_traced = bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]
    return is_traced or torch.compiler.is_compiling()  # by torch.export, too
