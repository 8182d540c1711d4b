# SPDX-License-Identifier: GPL-3.0-or-later
"""What the front ends of the tagging systems share: how a recording becomes one signal, and its Fourier transform."""

import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from audeep.audio.front_ends.base import CHANNELS_HELP, LENGTH_HELP, Frames, FrontEnd, naming
from audeep.audio.integrity import HIGHEST_RATE
from audeep.audio.reading import Source, read_audio
from audeep.audio.signal import Channels, Samples, fix_length, fuse_channels, resample
from audeep.audio.trimming import at_peak, trim_silence
from audeep.errors import AudioError, OptionError
from audeep.runtime.options import check_options, option

logger = logging.getLogger(__name__)


def rate_option(default: int | None) -> Any:
    """The field `sample_rate` of a front end."""
    text = "resample recordings that have another rate"
    return option(default, text, least=1, most=HIGHEST_RATE, metavar="HZ", unit="Hz")


def trim_option(default: bool) -> Any:
    """The field `trim_silence` of a front end."""
    return option(default, "cut silence off both ends of recordings; those that are silent all along stay as they are")


def peak_option(default: bool) -> Any:
    """The field `normalise_peak` of a front end."""
    return option(default, "scale recordings so that their loudest sample has full scale")


@dataclass(frozen=True)
class ClipFrontEnd(FrontEnd):
    """A recording as one signal: silence cut off both ends, resampled, scaled, cut or padded, as far as wanted.

    Raises:
        OptionError: the settings are out of range or contradict each other.
    """

    channels: Channels = option(Channels.MEAN, CHANNELS_HELP)
    fixed_length: float | None = option(None, LENGTH_HELP, above=0, metavar="S", unit="s")
    center_fixed: bool = option(False, "cut or pad at both ends rather than at the end alone")
    sample_rate: int | None = rate_option(None)
    trim_silence: bool = trim_option(False)
    trim_threshold: float = option(
        0.0015, "level of silence, the root mean square of 20 ms; full scale is 1", above=0, most=1, metavar="LEVEL"
    )
    trim_duration: float = option(
        0.025, "how long a recording must be louder to begin there", above=0, metavar="S", unit="s"
    )
    trim_peak: float = option(
        -0.1, "peak to which recordings are scaled before silence is cut off", most=0, metavar="DB", unit="dB"
    )
    normalise_peak: bool = peak_option(False)

    def __post_init__(self) -> None:
        check_options(self)
        problem = self.problem()
        if problem is not None:
            raise OptionError(problem)

    def problem(self) -> str | None:
        """What is wrong with the settings, if anything."""
        return None

    def untrimmed(self) -> "ClipFrontEnd":
        """The same settings without cutting off silence."""
        return replace(self, trim_silence=False)

    def read(self, path: Source) -> tuple[Samples, int]:
        """What `read_audio` gives; the whole recording where its silence or its peak matters."""
        return read_audio(path) if self.trim_silence or self.normalise_peak else super().read(path)

    def signal(
        self, name: Source, samples: Samples, sample_rate: int, warn_of_silence: bool = True
    ) -> tuple[Samples, int]:
        """The signal of a recording, as of any front end; its silence is cut off first, its length fixed last."""
        with naming(name):
            signal = fuse_channels(samples, self.channels)
            if self.trim_silence:
                trimmed = trim_silence(signal, sample_rate, self.trim_threshold, self.trim_duration, self.trim_peak)
                signal = trimmed if len(trimmed) else signal
            if self.sample_rate is not None and self.sample_rate != sample_rate:
                signal = resample(signal[np.newaxis], sample_rate, self.sample_rate, "HQ")[0]
                sample_rate = self.sample_rate
            signal = self.levelled(signal)
            if self.fixed_length is not None:
                signal = fix_length(signal[np.newaxis], int(self.fixed_length * sample_rate), self.center_fixed)[0]
        if warn_of_silence and not signal.any():
            logger.warning("%s: is silent, its frames are constant", name)
        return signal, sample_rate

    def finite(self, frames: Frames) -> Frames:
        """The frames of a signal.

        Raises:
            AudioError: they are not all finite, because it is too loud.
        """
        if not np.isfinite(frames).all():
            raise AudioError("has samples that are too loud for single precision; full scale is 1, scale it")
        return frames

    def levelled(self, signal: Samples) -> Samples:
        """The signal at the level that is wanted."""
        return at_peak(signal, 1) if self.normalise_peak else signal
