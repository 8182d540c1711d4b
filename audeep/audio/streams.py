# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows along a recording, as it is read, or arrives on standard input or from a microphone."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audeep.audio.arriving import opened_input
from audeep.audio.decoding import Recording
from audeep.audio.integrity import no_samples
from audeep.audio.microphone import Listening, Microphone
from audeep.audio.reading import BLOCK_VALUES, Segment, opened, read_audio
from audeep.audio.signal import LARGEST_SIGNAL, Samples, fix_length
from audeep.errors import AudioError

logger = logging.getLogger(__name__)

STANDARD_INPUT = "-"


@dataclass(frozen=True, eq=False)
class Sound:
    """A recording that is in memory.

    Attributes:
        samples: [channels, num_samples], float64.
        sample_rate: Hz.
    """

    name: str
    samples: Samples
    sample_rate: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return float(self.samples.shape[1] / self.sample_rate)


class Playing:
    """A recording in memory that is read like one in a file."""

    def __init__(self, samples: Samples, sample_rate: int) -> None:
        self.samples = samples
        self.sample_rate = sample_rate
        self.num_channels = len(samples)
        self.position = 0

    def read(self, num_samples: int) -> Samples:
        """The samples that come next [num_samples, channels]; fewer at the end alone."""
        block = self.samples[:, self.position : self.position + num_samples].T
        self.position += len(block)
        return block


# a file, `STANDARD_INPUT`, what is heard now, a part of a file, what is in memory
Origin = Path | str | Microphone | Segment | Sound
Opened = Recording | Listening | Playing


def name_of(origin: Origin) -> Path | str:
    """What errors call a recording."""
    if isinstance(origin, Microphone | Sound):
        return origin.name
    if isinstance(origin, Segment):
        return str(origin)
    return "standard input" if str(origin) == STANDARD_INPUT else origin


def arrives(origin: Origin) -> bool:
    """Whether a recording is there in part only, and can be read once."""
    return isinstance(origin, Microphone) or (isinstance(origin, Path | str) and str(origin) == STANDARD_INPUT)


def windows(
    origin: Origin, width: float, hop: float, replace_nan: bool = False
) -> Iterator[tuple[float, Samples, int]]:
    """Windows of a recording, `width` seconds long, one each `hop` seconds, as they are read.

    What does not fill a window at the end is left out; a recording shorter than one is padded with silence.

    Args:
        replace_nan: let samples that are NaN or infinite be silence; a warning says so once.

    Yields:
        when the window starts, in seconds; its samples [channels, num_samples], float64; the sample rate in Hz.

    Raises:
        AudioError: the recording cannot be read, a hop is shorter than one sample, or a window too long for memory.
    """
    name, has_replaced = name_of(origin), False
    with _opened(origin) as recording:
        rate = recording.sample_rate
        size, step = int(min(width * rate, 2**62)), int(min(hop * rate, 2**62))
        if size < 1 or step < 1:
            raise AudioError(f"{name}: has {rate} Hz, a window and a hop of at least one sample were expected")
        if size * recording.num_channels > LARGEST_SIGNAL:
            raise AudioError(
                f"{name}: a window of {width:g} s has {size} samples of {recording.num_channels} channels, at most"
                f" {LARGEST_SIGNAL} were expected in all; choose a shorter one"
            )
        kept, start, skipped = np.empty((0, recording.num_channels)), 0, 0  # [samples, channels]
        while _skip(recording, skipped):
            found = recording.read(size - len(kept))
            is_finite = np.isfinite(found)
            if not is_finite.all():
                if not replace_nan:
                    raise AudioError(
                        f"{name}: holds samples that are NaN or infinite, finite ones were expected; repair it"
                    )
                if not has_replaced:
                    logger.warning("%s: holds samples that are NaN or infinite; they are taken as silence", name)
                found, has_replaced = np.where(is_finite, found, 0.0), True
            kept = np.concatenate([kept, found])
            if len(kept) < size and start > 0:
                return
            if not len(kept):
                raise no_samples(name)
            yield start / rate, fix_length(kept.T, size), rate
            if len(kept) < size:
                return
            kept, skipped, start = kept[step:], max(0, step - size), start + step


def _skip(recording: Opened, num_samples: int) -> bool:
    """Read past samples; whether there were as many."""
    while num_samples:
        block = min(num_samples, BLOCK_VALUES // recording.num_channels)
        if len(recording.read(block)) < block:
            return False
        num_samples -= block
    return True


def _opened(origin: Origin) -> AbstractContextManager[Opened]:
    """Open a recording, or what comes on standard input, which may state a length of its own or none."""
    if isinstance(origin, Microphone):
        return origin.opened()
    if isinstance(origin, Segment):
        return nullcontext(Playing(*read_audio(origin)))
    if isinstance(origin, Sound):
        return nullcontext(Playing(origin.samples, origin.sample_rate))
    return opened_input() if str(origin) == STANDARD_INPUT else opened(Path(origin))
