# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals: resampling against analytic tones and SciPy, lengths, and channels."""

import resource
from math import ceil

import numpy as np
import pytest
import scipy.signal

from audeep.audio.signal import LARGEST_SIGNAL, Channels, fix_length, fuse_channels, resample
from audeep.errors import AudioError

RATES = [(16000, 8000), (8000, 16000), (44100, 16000), (8000, 11025), (22257, 16000), (48000, 44100)]


def tone(frequency: float, rate: int, num_samples: int) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(num_samples) / rate)


def middle(signal: np.ndarray) -> np.ndarray:
    """Without the ends, where the filter reaches beyond the signal."""
    return signal[..., signal.shape[-1] // 4 : -signal.shape[-1] // 4]


@pytest.mark.parametrize(("rate", "wanted"), RATES)
@pytest.mark.parametrize("fraction", [0.01, 0.3, 0.9])
def test_a_tone_below_the_lower_nyquist_frequency_stays_that_tone(rate: int, wanted: int, fraction: float) -> None:
    frequency = fraction * min(rate, wanted) / 2
    found = resample(tone(frequency, rate, 2 * rate)[np.newaxis], rate, wanted)
    assert found.shape == (1, 2 * wanted) and found.dtype == np.float64
    np.testing.assert_allclose(middle(found)[0], middle(tone(frequency, wanted, 2 * wanted)), rtol=0, atol=1.2e-3)


@pytest.mark.parametrize(("rate", "wanted"), [(rate, wanted) for rate, wanted in RATES if wanted < rate])
@pytest.mark.parametrize("fraction", [1.0, 1.05, 1.3])
def test_a_tone_above_the_new_nyquist_frequency_vanishes(rate: int, wanted: int, fraction: float) -> None:
    frequency = min(fraction * wanted / 2, 0.49 * rate)
    found = resample(tone(frequency, rate, 2 * rate)[np.newaxis], rate, wanted)
    assert np.abs(middle(found)).max() < 1e-8


def test_a_higher_rate_adds_no_image_of_the_spectrum() -> None:
    found = resample(tone(3000, 8000, 16000)[np.newaxis], 8000, 16000)[0]
    spectrum = np.abs(np.fft.rfft(scipy.signal.get_window("blackmanharris", len(found)) * found))
    assert spectrum[len(spectrum) // 2 :].max() < 1e-5 * spectrum.max()


@pytest.mark.parametrize(("rate", "wanted", "up", "down"), [(44100, 16000, 160, 441), (8000, 11025, 441, 320)])
def test_resampled_music_like_noise_equals_the_polyphase_filter_of_scipy(rate, wanted, up, down) -> None:
    noise = np.random.default_rng(0).standard_normal(2 * rate)
    low = scipy.signal.sosfiltfilt(scipy.signal.butter(12, 0.3 * min(rate, wanted), fs=rate, output="sos"), noise)
    window = scipy.signal.firwin(2 * 64 * max(up, down) + 1, 0.95 / max(up, down), window=("kaiser", 12))
    expected = scipy.signal.resample_poly(low, up, down, window=window)
    found = resample(low[np.newaxis], rate, wanted)[0]
    np.testing.assert_allclose(middle(found), middle(expected), rtol=0, atol=1e-3 * low.std())


@pytest.mark.parametrize("num_samples", [1, 2, 3, 100, 44101, 1000007])
@pytest.mark.parametrize(("rate", "wanted"), [*RATES, (9999991, 9999973)])
def test_the_number_of_samples_is_rounded_up(rate: int, wanted: int, num_samples: int) -> None:
    found = resample(np.ones((1, num_samples)), rate, wanted)
    assert found.shape == (1, -(-num_samples * wanted // rate))


def test_each_channel_is_resampled_like_a_signal_of_its_own() -> None:
    channels = np.random.default_rng(0).standard_normal((3, 44100))
    found = resample(channels, 44100, 16000)
    for channel, alone in zip(found, channels, strict=True):
        np.testing.assert_array_equal(channel, resample(alone[np.newaxis], 44100, 16000)[0])
    np.testing.assert_array_equal(found, resample(np.asfortranarray(channels), 44100, 16000))


@pytest.mark.parametrize(
    ("stretch", "message"),
    [
        (
            lambda samples: resample(samples, 1, 44100),
            "would have 268436700 samples when resampled from 1 Hz to 44100 Hz, at most 268435456 were expected; pass a"
            " lower sample_rate=HZ",
        ),
        (
            lambda samples: fix_length(samples, LARGEST_SIGNAL + 1),
            "would have 268435457 samples when padded to one length, at most .*; pass a shorter fixed_length=S",
        ),
    ],
)
def test_gigabytes_of_a_short_recording_are_refused_before_memory_is_taken(stretch, message) -> None:
    samples = np.zeros((1, ceil(LARGEST_SIGNAL / 44100)))
    limits = resource.getrlimit(resource.RLIMIT_AS)
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, limits[1]))
    try:
        with pytest.raises(AudioError, match=f"^{message}"):
            stretch(samples)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


@pytest.mark.parametrize(
    ("num_samples", "center", "expected"),
    [
        (6, False, [1, 2, 3, 0, 0, 0]),
        (6, True, [0, 1, 2, 3, 0, 0]),
        (5, True, [0, 1, 2, 3, 0]),
        (3, False, [1, 2, 3]),
        (3, True, [1, 2, 3]),
        (1, False, [1]),
        (1, True, [2]),
        (2, True, [1, 2]),
    ],
)
def test_length_is_fixed_at_the_end_or_at_both_ends(num_samples, center, expected):
    samples = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(fix_length(samples, num_samples, center), [expected, expected])


@pytest.mark.parametrize(
    ("channels", "expected"), [("MEAN", [0.5, 0.0]), ("LEFT", [1.0, 2.0]), ("RIGHT", [0.0, -2.0]), ("DIFF", [1.0, 4.0])]
)
def test_two_channels_are_fused_by_the_chosen_rule(channels, expected):
    np.testing.assert_array_equal(fuse_channels(np.array([[1.0, 2.0], [0.0, -2.0]]), Channels(channels)), expected)


@pytest.mark.parametrize("channels", list(Channels))
def test_mono_is_taken_as_it_is(channels):
    np.testing.assert_array_equal(fuse_channels(np.array([[1.0, 2.0]]), channels), [1.0, 2.0])


def test_more_than_two_channels_are_averaged():
    np.testing.assert_array_equal(fuse_channels(np.array([[1.0, 2.0], [3.0, 2.0], [5.0, 5.0]])), [3.0, 3.0])


@pytest.mark.parametrize("channels", ["LEFT", "RIGHT", "DIFF"])
def test_one_side_of_more_than_two_channels_is_refused(channels):
    with pytest.raises(AudioError, match=f"^6 channels found, channels={channels} needs exactly 2; pass .*MEAN$"):
        fuse_channels(np.zeros((6, 10)), Channels(channels))
