# SPDX-License-Identifier: GPL-3.0-or-later
"""Random changes of frequency and level, as other recordings of a sound would have them.

Spectrograms are in decibels, of which `decibels_per_unit` are a difference of 1. All random numbers come from the draws
of the layers.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from audeep.models.layers.draws import CPU, generator_for
from audeep.training.options import AugmentationOptions


def changed(frames: Tensor, options: AugmentationOptions) -> Tensor:
    """Spectrograms [batch, time, freq] after all changes that are asked for; as they are if there is none."""
    if options.freq_shift or options.freq_scale > 1:
        frames = warped(frames, *_warps(len(frames), options))
    lowest = frames.amin() if options.noise_floor else None  # before levels change
    if options.equaliser or options.gain:
        frames = frames + _curves(frames, options).unsqueeze(1)
    if options.power_mix or lowest is not None:
        frames = _added(frames, lowest, options)
    if options.clamp_min is not None or options.clamp_max is not None:
        frames = frames.clamp(options.clamp_min, options.clamp_max)
    if options.gaussian_noise:
        frames = torch.add(frames, _normal(frames.shape, frames.device), alpha=options.gaussian_noise)
    return frames


def warped(frames: Tensor, shifts: Tensor, scales: Tensor) -> Tensor:
    """[batch, time, freq] moved up by `shifts` [batch] bands and stretched about the middle by `scales` [batch].

    Values are interpolated linearly between bands; beyond the edge they are those at the edge.
    """
    num_bands = frames.shape[2]
    bands, middle = torch.arange(num_bands, device=frames.device), (num_bands - 1) / 2
    offsets = bands - middle - shifts.to(frames.device).unsqueeze(1)
    sources = (middle + offsets / scales.to(frames.device).unsqueeze(1)).clamp(0, num_bands - 1)  # [batch, freq]
    weights = (1 - (sources.unsqueeze(1) - bands.unsqueeze(1)).abs()).clamp(min=0)  # [batch, from, to]
    return frames @ weights.to(frames.dtype)


def factors(size: int, largest: float) -> Tensor:
    """Random numbers [size] between 1 / `largest` and `largest`, as often below 1 as above."""
    return torch.exp(math.log(largest) * _even(size))


def _warps(size: int, options: AugmentationOptions) -> tuple[Tensor, Tensor]:
    """Shifts and scales [batch]."""
    return options.freq_shift * _even(size), factors(size, options.freq_scale)


def _curves(frames: Tensor, options: AugmentationOptions) -> Tensor:
    """Random changes of level [batch, freq]: a gain, and a curve that is linear between points, in units."""
    size, num_bands = len(frames), frames.shape[2]
    points = options.equaliser * _normal((size, options.equaliser_points))
    places = torch.linspace(0, options.equaliser_points - 1, num_bands)
    weights = (1 - (places - torch.arange(options.equaliser_points).unsqueeze(1)).abs()).clamp(min=0)  # [point, freq]
    gains = options.gain * _normal((size, 1))
    return ((points @ weights + gains) / options.decibels_per_unit).to(frames.device)


def _added(frames: Tensor, lowest: Tensor | None, options: AugmentationOptions) -> Tensor:
    """Spectrograms with shares of others of the batch, and noise above `lowest`, added in power."""
    size, per_unit = len(frames), options.decibels_per_unit
    to_power, highest = per_unit * math.log(10) / 10, frames.amax()  # powers are at most 1, so that none overflows
    power = torch.exp((frames - highest) * to_power)
    if options.power_mix:
        shares = options.power_mix * torch.rand(size, 1, 1, generator=generator_for()).to(frames.device)
        others = torch.randperm(size, generator=generator_for()).to(frames.device)
        power = torch.lerp(power, power[others], shares)
    if lowest is not None:
        levels = torch.rand(size, 1, 1, generator=generator_for()).to(frames.device) * (options.noise_floor / per_unit)
        noise = _normal(frames.shape, frames.device) * (options.noise_floor_deviation / per_unit)
        power += torch.exp_(noise.add_(levels + (lowest - highest)).mul_(to_power))
    return power.clamp_(min=torch.finfo(power.dtype).tiny).log_().div_(to_power).add_(highest)


def _even(size: int) -> Tensor:
    """Random numbers [size] between -1 and 1."""
    return 2 * torch.rand(size, generator=generator_for()) - 1


def _normal(shape: Sequence[int], device: torch.device = CPU) -> Tensor:
    return torch.randn(*shape, generator=generator_for(device), device=device)
