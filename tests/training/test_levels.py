# SPDX-License-Identifier: GPL-3.0-or-later
"""Random changes of frequency and level, against what they mean in decibels."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from audeep.errors import OptionError
from audeep.models.layers.draws import drawing_from
from audeep.training.levels import changed, factors, warped
from audeep.training.options import AugmentationOptions, TaggingOptions

NOTHING = AugmentationOptions(crop_frames=4)


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def drawn(frames: torch.Tensor, seed: int = 1, **given: object) -> torch.Tensor:
    with drawing_from(seed):
        return changed(frames, replace(NOTHING, **given))


def decibels(frames: torch.Tensor) -> np.ndarray:
    return 30 * frames.numpy().astype(float)


def test_nothing_is_changed_by_default() -> None:
    frames = noise(3, 4, 5)
    for options in (AugmentationOptions(), TaggingOptions()):
        assert changed(frames, options) is frames


def test_frequency_is_shifted_and_stretched_as_numpy_interpolates() -> None:
    frames, bands = noise(3, 4, 9), np.arange(9)
    shifts, scales = torch.tensor([1.5, -2.0, 0.25]), torch.tensor([1.0, 1.1, 0.9])
    found = warped(frames, shifts, scales)
    for spectrogram, shift, scale, after in zip(frames, shifts, scales, found, strict=True):
        sources = 4 + (bands - 4 - float(shift)) / float(scale)
        expected = [np.interp(sources, bands, frame) for frame in spectrogram]
        np.testing.assert_allclose(after, expected, atol=1e-5)


def test_factors_are_as_often_below_1_as_above() -> None:
    with drawing_from(0):
        found = factors(2000, 1.5)
    assert 1 / 1.5 <= found.min() < 0.68 and 1.48 < found.max() <= 1.5
    assert 0.45 < (found < 1).float().mean() < 0.55


def test_the_equaliser_is_linear_between_its_points_and_the_same_in_all_frames() -> None:
    found = decibels(drawn(torch.zeros(2000, 3, 11), equaliser=3.0, equaliser_points=6))
    assert (found == found[:, :1]).all()
    curves = found[:, 0]
    assert 2.8 < curves[:, ::2].std() < 3.2
    np.testing.assert_allclose(curves[:, 1::2], (curves[:, :-1:2] + curves[:, 2::2]) / 2, atol=1e-4)


def test_the_gain_is_the_same_in_all_bands() -> None:
    frames = noise(2000, 2, 3)
    gains = decibels(drawn(frames, gain=4.0) - frames)
    np.testing.assert_allclose(gains, gains[:, :1, :1].repeat(2, 1).repeat(3, 2), atol=1e-4)
    assert 3.8 < gains.std() < 4.2


def test_spectrograms_are_mixed_in_power() -> None:
    levels = torch.tensor([-0.9, 0.0, 0.2, 0.7])
    frames = levels.view(4, 1, 1).expand(4, 2, 3)
    power = 10 ** (decibels(levels) / 10)
    shares = []
    for seed in range(50):
        found = drawn(frames, seed, power_mix=0.3)
        assert torch.allclose(found, found[:, :1, :1].expand_as(found))
        for index, mixed in enumerate(10 ** (decibels(found[:, 0, 0]) / 10)):
            others = (power - power[index])[np.arange(4) != index]
            possible = (mixed - power[index]) / others
            shares.append(np.abs(possible - possible.clip(0, 0.3)).min() < 1e-3)
    assert all(shares)


def test_a_noise_floor_fills_what_is_quiet_and_leaves_what_is_loud() -> None:
    frames = torch.full((500, 20, 8), -1.0)
    frames[:, :, 4:] = 0.8
    found = decibels(drawn(frames, noise_floor=20.0, noise_floor_deviation=0.0))
    quiet, loud = found[:, :, :4] + 30, found[:, :, 4:] - 24
    level = 10 * np.log10(10 ** (quiet[:, 0, 0] / 10) - 1)  # of the noise alone, above the floor
    assert -0.1 < level.min() < 0.5 and 19.5 < level.max() < 20.1
    assert np.abs(loud).max() < 0.01
    np.testing.assert_allclose(quiet, quiet[:, :1, :1].repeat(20, 1).repeat(4, 2), atol=1e-3)
    noisy = decibels(drawn(frames - 3, noise_floor=60.0, noise_floor_deviation=3.0))[:, :, :4] + 120
    loudest = noisy[noisy.mean(axis=(1, 2)) > 40]
    assert 2.7 < (loudest - loudest.mean(axis=(1, 2), keepdims=True)).std() < 3.3


def test_values_are_clamped_before_gaussian_noise_is_added() -> None:
    frames = noise(8, 50, 40) * 3
    clamped = drawn(frames, clamp_min=-1.0, clamp_max=1.3)
    assert torch.equal(clamped, frames.clamp(-1, 1.3))
    noisy = drawn(frames, clamp_min=-1.0, clamp_max=1.3, gaussian_noise=0.03)
    assert 0.029 < (noisy - clamped).std() < 0.031


def test_decibels_are_those_of_the_spectrograms() -> None:
    frames = torch.zeros(6, 2, 3)
    found = drawn(frames, gain=4.0), drawn(frames, gain=4.0, decibels_per_unit=15.0)
    torch.testing.assert_close(2 * found[0], found[1])


def test_the_same_seed_draws_the_same() -> None:
    everything = {"freq_shift": 3.0, "freq_scale": 1.1, "equaliser": 3.0, "gain": 4.0, "power_mix": 0.3}
    everything |= {"noise_floor": 20.0, "gaussian_noise": 0.03}
    found = [drawn(noise(5, 6, 7), seed, **everything) for seed in (1, 1, 2)]
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


@pytest.mark.parametrize("given", [{"loudest_of": 3}, {"crop_margin": 2}, {"time_stretch": 1.3}])
def test_what_is_about_excerpts_needs_them(given: dict[str, float]) -> None:
    (name, value), *_ = given.items()
    with pytest.raises(OptionError, match=rf"{name}={value}: is about excerpts; add crop_frames=FRAMES"):
        AugmentationOptions(**given)


def test_levels_far_beyond_those_of_spectrograms_are_added_without_overflow() -> None:
    frames = 500 * noise(4, 6, 5)
    with np.errstate(over="raise"):
        found = decibels(drawn(frames, power_mix=0.3, noise_floor=20.0))
    assert np.isfinite(found).all()
    loudest = decibels(frames).max(axis=(1, 2))
    assert (found.max(axis=(1, 2)) >= loudest - 2).all()  # at least 0.7 of the power, which are 1.5 dB less
