# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut silence off both ends of a recording, as the effects `gain -n` and `silence` of SoX do one after the other."""

import numpy as np

from audeep.audio.signal import Samples

WINDOWS_PER_SECOND = 50  # the level is that of the last 20 ms
SMALLEST_PEAK = 1e-100  # of what is not silent: its square is a number
FIRST_SAMPLES = 2**14  # that are looked at first


def trim_silence(signal: Samples, sample_rate: int, threshold: float, min_seconds: float, peak_db: float) -> Samples:
    """Cut a signal [num_samples] before it first stays loud, and after it last did.

    It is scaled to a peak of `peak_db` before either end is cut. A sample is loud where the root mean square of the
    20 ms up to it is at least `threshold`, full scale being 1; the signal is kept from the first of the loud samples
    that follow each other for `min_seconds`, and reversed for the other end.

    Returns:
        what is left, scaled; nothing where the signal is never loud for that long.
    """
    window, needed = sample_rate // WINDOWS_PER_SECOND, max(1, round(min_seconds * sample_rate))
    peak, scale = 10 ** (peak_db / 20), 1.0
    for _ in range(2):
        loudest = peak_of(signal)
        if loudest <= SMALLEST_PEAK:
            return signal[:0]
        scale = peak / loudest
        signal = signal[_first_loud(signal, max(1, window), needed, threshold / scale) :][::-1]
    return signal * scale


def at_peak(signal: Samples, peak: float) -> Samples:
    """A signal scaled to a peak; one without any stays as it is."""
    loudest = peak_of(signal)
    return signal * (peak / loudest) if loudest > SMALLEST_PEAK else signal


def peak_of(signal: Samples) -> float:
    """The largest magnitude of a sample."""
    return float(max(signal.max(initial=0), -signal.min(initial=0)))


def _first_loud(signal: Samples, window: int, needed: int, threshold: float) -> int:
    """Where the first `needed` loud samples in a row begin; the length of the signal where there are none."""
    size = max(FIRST_SAMPLES, 2 * (window + needed))
    while True:
        power = signal[:size] ** 2
        sums = np.cumsum(power)
        sums[window:] -= sums[:-window].copy()
        is_loud = np.zeros(len(sums) + 2, bool)
        is_loud[1:-1] = sums >= threshold**2 * window
        changes = np.flatnonzero(is_loud[1:] != is_loud[:-1])
        starts, ends = changes[::2], changes[1::2]
        long = np.flatnonzero(ends - starts >= needed)
        if len(long):
            return int(starts[long[0]])
        if size >= len(signal):
            return len(signal)
        size *= 4
