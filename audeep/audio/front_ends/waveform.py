# SPDX-License-Identifier: GPL-3.0-or-later
"""The samples themselves, for networks that read them."""

from dataclasses import dataclass

import numpy as np

from audeep.audio.front_ends.base import Array, Frames
from audeep.audio.front_ends.clips import ClipFrontEnd, rate_option
from audeep.audio.signal import Samples
from audeep.errors import AudioError


@dataclass(frozen=True)
class Waveform(ClipFrontEnd):
    """The signal of a recording: each sample is a frame of one value, full scale being 1."""

    sample_rate: int | None = rate_option(16000)

    def __call__(self, signal: Samples, sample_rate: int) -> Frames:
        """[num_samples] -> [1, time, 1].

        Raises:
            AudioError: there are no samples.
        """
        if not len(signal):
            raise AudioError("has no samples, one at least was expected; use a longer fixed_length=S")
        with np.errstate(over="ignore"):
            return self.finite(signal.astype(np.float32)[np.newaxis, :, np.newaxis])

    def times(self, num_frames: int, sample_rate: int) -> Array:
        """Times of samples, in seconds."""
        times: Array = np.arange(num_frames) / sample_rate
        return times
