# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of front ends: what a model takes of a recording."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from audeep.audio.reading import Excerpt, Source, read_audio
from audeep.audio.signal import Channels, Samples, fix_length, fuse_channels, resample
from audeep.errors import AudioError

logger = logging.getLogger(__name__)

Frames = NDArray[np.float32]
Array = NDArray[np.float64]
CHANNELS_HELP = "how several channels become one: MEAN, LEFT, RIGHT, or DIFF = left - right"
LENGTH_HELP = (
    "cut or pad recordings with silence to S seconds (default: each keeps its length; shorter spectrograms are padded,"
    " and their numbers of frames stored)"
)
Settings = TypeVar("Settings", bound="FrontEnd")


@dataclass(frozen=True)
class Spectrogram:
    """What a front end makes of a recording, to look at."""

    values: Frames  # [time, freq]
    times_seconds: Array | None  # [time], where frames are; None where that is not known
    frequencies_hz: Array | None  # [freq], where bands are; None where they are none
    sample_rate: int
    quantity: str = "amplitude"  # what the values are, and their unit
    unit: str = ""


class FrontEnd(ABC):
    """Settings that turn a recording into what a model takes: spectra, coefficients, or samples.

    A front end is a frozen dataclass whose fields are declared with `option`, those below among them: commands and
    estimators take them, and `options.from_json` makes it of the settings that a model was trained with.

    Attributes:
        channels: how several channels become one signal.
        sample_rate: of the signal, in Hz; None keeps that of the recording.
        fixed_length: of the signal, in seconds; None keeps that of the recording.
        center_fixed: cut or pad to it at both ends rather than at the end alone.
        padding: what follows the last frame of a recording that is shorter than others of its data set.
        quantity, unit: of the values.
    """

    padding: ClassVar[float] = 0.0
    quantity: ClassVar[str] = "amplitude"
    unit: ClassVar[str] = ""

    channels: Channels
    sample_rate: int | None
    fixed_length: float | None
    center_fixed: bool

    @abstractmethod
    def __call__(self, signal: Samples, sample_rate: int) -> Frames:
        """A signal [num_samples] at `sample_rate` (Hz) -> [chunk, time, ...]; one chunk unless the settings say more.

        Raises:
            AudioError: the signal does not suit the settings.
        """

    @property
    def has_one_length(self) -> bool:
        """Whether all recordings are to give as many frames."""
        return self.fixed_length is not None

    @property
    def part_seconds(self) -> float | None:
        """Length of what one chunk is made from; None where recordings keep their own."""
        return self.fixed_length

    @property
    def shortest_seconds(self) -> float:
        """Length of the shortest recording that gives a frame, as far as that does not depend on its sample rate."""
        return 0.0

    def of_any_length(self: Settings) -> Settings:
        """The same settings for recordings that keep their length, one chunk each."""
        return replace(self, fixed_length=None)  # type: ignore[type-var]  # all are dataclasses

    def untrimmed(self: Settings) -> Settings:
        """The same settings without any that leave out part of a recording for what it sounds like."""
        return self

    def times(self, num_frames: int, sample_rate: int) -> Array | None:
        """Where the frames of a signal at `sample_rate` (Hz) are centred, in seconds; None where that is not known."""
        return None

    def frequencies(self, sample_rate: int) -> Array | None:
        """Where the bands of a signal at `sample_rate` (Hz) are centred, in Hz; None where they are not bands."""
        return None

    def spectrogram(self, path: Source) -> Spectrogram:
        """A whole recording (cut or padded to the fixed length), to look at.

        Raises:
            AudioError: the recording cannot be read, or does not suit the settings.
        """
        signal, rate = self.signal(path, *self.read(path))
        with naming(path):
            values = self(signal, rate)[0]
        times, frequencies = self.times(len(values), rate), self.frequencies(rate)
        return Spectrogram(values, times, frequencies, rate, self.quantity, self.unit)

    @property
    def num_values(self) -> int | None:
        """Values of a frame, where the settings alone tell."""
        return None

    def chunks(self, path: Source) -> Frames:
        """What a model takes of a recording or a segment, [chunk, time, ...].

        Raises:
            AudioError: the recording cannot be read, or does not suit the settings.
        """
        return self.chunks_and_rate(path)[0]

    def chunks_and_rate(self, path: Source) -> tuple[Frames, int]:
        """What `chunks` gives, and the sample rate in Hz that it is made from.

        Raises:
            AudioError: as `chunks` does.
        """
        return self.chunks_and_rate_of(path, *self.read(path))

    def read(self, path: Source) -> tuple[Samples, int]:
        """What `read_audio` gives; of a long recording that is cut to a fixed length no more than that takes.

        Raises:
            AudioError: the recording cannot be read.
        """
        if self.fixed_length is None:
            return read_audio(path)
        return read_audio(path, Excerpt(self.fixed_length, self.center_fixed, self.sample_rate))

    def chunks_and_rate_of(
        self, name: Source, samples: Samples, sample_rate: int, warn_of_silence: bool = True
    ) -> tuple[Frames, int]:
        """What `chunks_and_rate` gives for a recording of the samples [channels, num_samples]; errors call it `name`.

        Raises:
            AudioError: it does not suit the settings.
        """
        signal, sample_rate = self.signal(name, samples, sample_rate, warn_of_silence)
        with naming(name):
            return self(signal, sample_rate), sample_rate

    def signal(
        self, name: Source, samples: Samples, sample_rate: int, warn_of_silence: bool = True
    ) -> tuple[Samples, int]:
        """The signal [num_samples] of a recording [channels, num_samples] at `sample_rate` (Hz), and its sample rate.

        Raises:
            AudioError: the channels cannot be fused, or not be resampled; it calls the recording `name`.
        """
        with naming(name):
            if self.sample_rate is not None and self.sample_rate != sample_rate:
                samples, sample_rate = resample(samples, sample_rate, self.sample_rate), self.sample_rate
            if self.fixed_length is not None:
                samples = fix_length(samples, int(self.fixed_length * sample_rate), self.center_fixed)
            signal = fuse_channels(samples, self.channels)
        if warn_of_silence and not signal.any():
            logger.warning("%s: is silent, its spectrogram is constant", name)
        return signal, sample_rate


@contextmanager
def naming(name: Source) -> Iterator[None]:
    """Let errors say which recording they are about."""
    try:
        yield
    except AudioError as error:
        raise AudioError(f"{name}: {error}") from None
