# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of front ends: what a model takes of a recording."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audeep.audio.reading import Excerpt, read_audio
from audeep.audio.signal import Channels, Samples, fix_length, fuse_channels, resample
from audeep.errors import AudioError

logger = logging.getLogger(__name__)

Frames = NDArray[np.float32]


class FrontEnd(ABC):
    """Settings that turn a recording into what a model takes: spectra, coefficients, or samples.

    A front end is a frozen dataclass whose fields are declared with `option`, those below among them: commands and
    estimators take them, and `options.from_json` makes it of the settings that a model was trained with.

    Attributes:
        channels: how several channels become one signal.
        sample_rate: of the signal, in Hz; None keeps that of the recording.
        fixed_length: of the signal, in seconds; None keeps that of the recording.
        center_fixed: cut or pad to it at both ends rather than at the end alone.
    """

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

    def chunks(self, path: Path | str) -> Frames:
        """What a model takes of a recording, [chunk, time, ...].

        Raises:
            AudioError: the recording cannot be read, or does not suit the settings.
        """
        return self.chunks_and_rate(path)[0]

    def chunks_and_rate(self, path: Path | str) -> tuple[Frames, int]:
        """What `chunks` gives, and the sample rate in Hz that it is made from.

        Raises:
            AudioError: as `chunks` does.
        """
        return self.chunks_and_rate_of(path, *self.read(path))

    def read(self, path: Path | str) -> tuple[Samples, int]:
        """What `read_audio` gives; of a long recording that is cut to a fixed length no more than that takes.

        Raises:
            AudioError: the recording cannot be read.
        """
        if self.fixed_length is None:
            return read_audio(path)
        return read_audio(path, Excerpt(self.fixed_length, self.center_fixed, self.sample_rate))

    def chunks_and_rate_of(
        self, name: Path | str, samples: Samples, sample_rate: int, warn_of_silence: bool = True
    ) -> tuple[Frames, int]:
        """What `chunks_and_rate` gives for a recording of the samples [channels, num_samples]; errors call it `name`.

        Raises:
            AudioError: it does not suit the settings.
        """
        signal, sample_rate = self.signal(name, samples, sample_rate, warn_of_silence)
        with naming(name):
            return self(signal, sample_rate), sample_rate

    def signal(
        self, name: Path | str, samples: Samples, sample_rate: int, warn_of_silence: bool = True
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
def naming(name: Path | str) -> Iterator[None]:
    """Let errors say which recording they are about."""
    try:
        yield
    except AudioError as error:
        raise AudioError(f"{name}: {error}") from None
