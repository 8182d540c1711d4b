# SPDX-License-Identifier: GPL-3.0-or-later
"""Activations summed up: sequences by statistics over time, images by their mean or maximum."""

import torch
from torch import Tensor
from torch.nn import functional

from audeep.models.layers.lengths import frames_within, lengths_of, single

SMALLEST_DEVIATION = 0.03  # added to the standard deviations
SMALLEST_CHANGE = 0.01  # and to those of deltas


def pooled(activations: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Mean, log standard deviation, and log standard deviation of deltas: [time, batch, units] -> [batch, 3 * units].

    Deltas are the changes from one step to the next. A constant is added to each standard deviation before its
    logarithm is taken. Only the first `lengths` [batch] steps count.
    """
    each = activations.transpose(0, 1)  # [batch, time, units]
    lengths = lengths_of(each, lengths)
    mean, deviation = moments(each, lengths)
    _, change = moments(each[:, 1:] - each[:, :-1], (lengths - 1).clamp(min=1))
    return torch.cat([mean, (deviation + SMALLEST_DEVIATION).log(), (change + SMALLEST_CHANGE).log()], dim=1)


def moments(values: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over the first `lengths` of [batch, time, units]."""
    within = frames_within(values, lengths).unsqueeze(2)
    count = lengths.view(-1, 1, 1)
    mean = (values * within).sum(dim=1, keepdim=True) / count
    variance = ((values - mean).square() * within).sum(dim=1, keepdim=True) / count
    return mean[:, 0], variance[:, 0].sqrt()


def sliding(activations: Tensor, lengths: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Mean and maximum of each `size` successive steps of [time, batch, units]: each [time, batch, units].

    A window begins at each step, and ends after the first `lengths` [batch] steps.
    """
    each = activations.permute(1, 2, 0)  # [batch, units, time]
    within = frames_within(activations.transpose(0, 1), lengths).unsqueeze(1)
    each, after = each.where(within, 0), (0, size - 1)
    count = (lengths.unsqueeze(1) - torch.arange(activations.shape[0], device=activations.device)).clamp(1, size)
    sums = functional.avg_pool1d(functional.pad(each, after), size, 1) * size
    maxima = functional.max_pool1d(functional.pad(each.where(within, -torch.inf), after, value=-torch.inf), size, 1)
    return (sums / count.unsqueeze(1)).permute(2, 0, 1), maxima.where(within, 0).permute(2, 0, 1)


def mean_of(images: Tensor, lengths: Tensor | None = None) -> Tensor:
    """[batch, channel, time, freq] -> [batch, channel], in float32; only the first `lengths` [batch] steps count."""
    images = single(images)
    if lengths is None:
        return images.mean(dim=(2, 3))
    within = frames_within(images[:, 0], lengths)[:, None, :, None]
    return images.where(within, 0).sum(dim=(2, 3)) / (lengths.unsqueeze(1) * images.shape[3])


def maximum_of(images: Tensor, lengths: Tensor | None = None) -> Tensor:
    """[batch, channel, time, freq] -> [batch, channel]; only the first `lengths` [batch] steps count."""
    if lengths is not None:
        images = images.where(frames_within(images[:, 0], lengths)[:, None, :, None], -torch.inf)
    return images.flatten(2).amax(dim=2)
