# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals: change the sample rate, fix the length, fuse the channels."""

from enum import Enum

import numpy as np
import soxr
from numpy.typing import NDArray

from audeep.errors import AudioError

Samples = NDArray[np.float64]

LARGEST_SIGNAL = 2**28  # samples of all channels, 2 GiB
LARGEST_GROWTH = 8  # times, where resampling makes an even larger one: 8 kHz become 48 kHz and more


class Channels(str, Enum):
    """How a recording with two channels becomes one signal."""

    MEAN = "MEAN"
    LEFT = "LEFT"
    RIGHT = "RIGHT"
    DIFF = "DIFF"  # left - right

    def __str__(self) -> str:
        return self.value


def resample(samples: Samples, sample_rate: int, wanted_rate: int, quality: str = "VHQ") -> Samples:
    """Change the sample rate of [channels, num_samples] from `sample_rate` to `wanted_rate`, in Hz.

    The result has ceil(num_samples * wanted_rate / sample_rate) samples; the first is of the same moment. Frequencies
    up to 0.91 of the lower Nyquist frequency are kept within 0.01 dB, those above it removed. The default quality is
    soxr's VHQ, whose arithmetic is in double precision: the noise of HQ, at -125 dB, would show in spectrograms that
    are not clipped.

    Raises:
        AudioError: the result would take an unreasonable amount of memory.
    """
    size = resampled_size(samples.shape[-1], sample_rate, wanted_rate)
    check_growth(samples.shape[-1], len(samples), sample_rate, wanted_rate)
    return fix_length(soxr.resample(samples.T, sample_rate, wanted_rate, quality).T, size)  # soxr rounds to the nearest


def resampled_size(num_samples: int, sample_rate: int, wanted_rate: int) -> int:
    """How many samples `resample` makes of so many."""
    return -(-num_samples * wanted_rate // sample_rate)


def check_growth(num_samples: int, num_channels: int, sample_rate: int, wanted_rate: int) -> None:
    """Check that resampling so many samples takes no unreasonable amount of memory.

    Raises:
        AudioError: it does.
    """
    size = num_channels * resampled_size(num_samples, sample_rate, wanted_rate)
    how = f"when resampled from {sample_rate} Hz to {wanted_rate} Hz"
    check_size(num_channels * num_samples, size, "samples", how, "pass a lower sample_rate=HZ")


def fix_length(samples: Samples, num_samples: int, center: bool = False) -> Samples:
    """Cut or zero-pad [channels, time] to [channels, num_samples].

    Without `center`, the end is cut or padded. With it, both ends are, the front by the smaller half.

    Raises:
        AudioError: the result would take an unreasonable amount of memory.
    """
    length = samples.shape[-1]
    check_padding(length, len(samples), num_samples)
    if length >= num_samples:
        start = (length - num_samples) // 2 if center else 0
        return samples[..., start : start + num_samples]
    front = (num_samples - length) // 2 if center else 0
    padded = np.zeros((*samples.shape[:-1], num_samples), samples.dtype)
    padded[..., front : front + length] = samples
    return padded


def check_padding(length: int, num_channels: int, num_samples: int) -> None:
    """Check that padding from `length` to `num_samples` takes no unreasonable amount of memory.

    Raises:
        AudioError: it does.
    """
    size = num_channels * num_samples
    check_size(num_channels * length, size, "samples", "when padded to one length", "pass a shorter fixed_length=S")


def fuse_channels(samples: Samples, channels: Channels = Channels.MEAN) -> Samples:
    """Make one signal of all channels: [channels, num_samples] -> [num_samples].

    A mono recording is taken as it is. MEAN averages any number of channels.

    Raises:
        AudioError: LEFT, RIGHT or DIFF of more than two channels.
    """
    fused: Samples
    if len(samples) == 1:
        fused = samples[0]
    elif channels == Channels.MEAN:
        fused = samples.mean(axis=0)
    elif len(samples) != 2:
        raise AudioError(f"{len(samples)} channels found, channels={channels} needs exactly 2; pass channels=MEAN")
    elif channels == Channels.DIFF:
        fused = samples[0] - samples[1]
    else:
        fused = samples[0 if channels == Channels.LEFT else 1]
    return fused


def check_size(given: int, size: int, what: str, how: str, remedy: str) -> None:
    """Check that making `size` values of those that are `given` takes no more memory than is reasonable.

    Raises:
        AudioError: it does.
    """
    most = max(LARGEST_SIGNAL, LARGEST_GROWTH * given)
    if size > most:
        raise AudioError(f"would have {size} {what} {how}, at most {most} were expected; {remedy}")
