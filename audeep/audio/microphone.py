# SPDX-License-Identifier: GPL-3.0-or-later
"""What a microphone hears, as a recording that arrives, by the optional package sounddevice."""

import logging
import queue
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from signal import SIGINT, SIGTERM
from typing import Any

import numpy as np

from audeep.audio.signal import Samples
from audeep.errors import AudioError, OptionError
from audeep.runtime.signals import deferred_signals

logger = logging.getLogger(__name__)

MOST_BLOCKS = 4096  # that wait to be read; later ones are lost
POLL_SECONDS = 0.1  # how often it is looked whether listening is to end


class Microphone:
    """The microphone that the system listens to by default; one channel at the rate of the device.

    Attributes:
        sample_rate: in Hz.

    Raises:
        OptionError: the package sounddevice, or the PortAudio library, is not there.
        AudioError: there is no microphone.
    """

    name = "microphone"

    def __init__(self) -> None:
        try:
            import sounddevice
        except (ImportError, OSError) as error:  # OSError: it does not find PortAudio
            raise OptionError(
                f"microphone=True: needs the package sounddevice ({error}); install audeep[microphone]"
            ) from error
        self.library = sounddevice
        with self._failures():
            self.sample_rate = int(sounddevice.query_devices(kind="input")["default_samplerate"])

    @contextmanager
    def opened(self) -> Iterator["Listening"]:
        """Listen, until Ctrl-C or SIGTERM: what was heard before is a whole recording.

        Raises:
            AudioError: the device cannot be opened.
        """
        with deferred_signals(SIGINT, SIGTERM) as arrived:
            listening = Listening(self.sample_rate, arrived)
            with self._failures():
                stream = self.library.InputStream(
                    samplerate=self.sample_rate, channels=1, dtype="float32", callback=listening.hear
                )
                stream.start()
            try:
                yield listening
            finally:
                stream.close()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (self.library.PortAudioError, ValueError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise AudioError(f"microphone: cannot be opened ({reason}); connect one, or allow its use") from error


class Listening:
    """A microphone that is open, read like a recording.

    Attributes:
        sample_rate: Hz.
        num_channels: 1.
    """

    num_channels = 1

    def __init__(self, sample_rate: int, arrived: Sequence[int]) -> None:
        """The signals that `arrived` end it."""
        self.sample_rate = sample_rate
        self.arrived = arrived
        self.blocks: queue.Queue[Samples] = queue.Queue(MOST_BLOCKS)
        self.rest: Samples = np.empty((0, 1))
        self.has_lost = False

    def hear(self, block: np.ndarray, _count: int, _time: Any, status: Any) -> None:
        """Take what the device gives, in a thread of its own [num_samples, 1]."""
        try:
            self.blocks.put_nowait(block.astype(np.float64))
        except queue.Full:
            self._warn()
        if status:
            self._warn()

    def read(self, num_samples: int) -> Samples:
        """The samples that come next [num_samples, 1]; fewer at the end alone."""
        found, count = [self.rest], len(self.rest)
        while count < num_samples and not self.arrived:
            try:
                found.append(self.blocks.get(timeout=POLL_SECONDS))
            except queue.Empty:
                continue
            count += len(found[-1])
        samples = np.concatenate(found)
        self.rest = samples[num_samples:]
        return samples[:num_samples]

    def _warn(self) -> None:
        if not self.has_lost:
            self.has_lost = True
            logger.warning("microphone: samples came faster than they were used, and some were lost; use longer hops")
