# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings as arrays, and what their headers say."""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from audeep.audio.decoding import UNKNOWN, Recording, begins_like_audio, opened_parts
from audeep.audio.integrity import cut_off, no_samples
from audeep.audio.signal import Samples
from audeep.errors import AudioError
from audeep.runtime.files import found_at

logger = logging.getLogger(__name__)

BLOCK_VALUES = 2**22  # samples of all channels that are decoded at once
MPEG_TOLERANCE = 2 * 1152  # samples: some programs count the frame of the header, too
END_TOLERANCE = 0.1  # seconds: tables of segments round, and the last ends a little after its recording
LONGEST_FILTER = 1000  # samples, at the lower of two rates, that resampling looks at before and after a moment

# Formats of libsndfile whose suffixes stand for sound: not RAW, which says nothing of itself, and not MAT4,
# MAT5, HTK, XI and the like, whose suffixes mostly mean something else in the folders of a data set.
_SUFFIXES_BY_FORMAT = {
    "AIFF": (".aif", ".aifc", ".aiff"),
    "AU": (".au", ".snd"),
    "CAF": (".caf",),
    "FLAC": (".flac",),
    "MP3": (".mp3",),
    "NIST": (".sph",),
    "OGG": (".oga", ".ogg", ".opus"),
    "RF64": (".rf64",),
    "VOC": (".voc",),
    "W64": (".w64",),
    "WAV": (".wav", ".wave"),
}

AUDIO_SUFFIXES = frozenset(
    suffix
    for name, suffixes in _SUFFIXES_BY_FORMAT.items()
    if name in soundfile.available_formats()
    for suffix in suffixes
)


@dataclass(frozen=True)
class AudioInfo:
    """What the header of a recording says."""

    num_samples: int  # per channel
    sample_rate: int  # Hz
    num_channels: int

    @property
    def duration_seconds(self) -> float:
        return self.num_samples / self.sample_rate


@dataclass(frozen=True)
class Segment:
    """Part of a recording that is taken like a recording of its own.

    Attributes:
        start: in seconds.
        end: in seconds; None is that of the recording.
    """

    path: Path
    start: float = 0.0
    end: float | None = None

    def __str__(self) -> str:
        return f"{self.path} ({self.start:g} s to {'the end' if self.end is None else f'{self.end:g} s'})"

    def range(self, recording: Recording) -> tuple[int, int | None]:
        """The first sample, and the one after the last; None is the end.

        Raises:
            AudioError: the recording is over before.
        """
        rate, length = recording.sample_rate, recording.num_samples
        start = round(self.start * rate)
        stop = length if self.end is None else round(self.end * rate)
        if length is not None and (start >= length or (stop or 0) > length + END_TOLERANCE * rate):
            raise AudioError(f"{self}: the recording ends at {length / rate:g} s; correct the times")
        if stop is not None and stop <= start:
            raise AudioError(f"{self}: holds no samples at {rate} Hz; correct the times")
        return start, stop if length is None or stop is None else min(stop, length)


def part_of(path: Path | str, start: float | None, end: float | None) -> Path | Segment:
    """A recording from `start` to `end` in seconds; None are its own, and with both it is all of it."""
    return Path(path) if start is None and end is None else Segment(Path(path), start or 0.0, end)


Source = Path | str | Segment  # what frames are made of


def file_of(source: Source) -> Path:
    """The file that a recording, or a part of one, is in."""
    return source.path if isinstance(source, Segment) else Path(source)


def is_audio(path: Path | str) -> bool:
    """Whether `path` is a recording, by its suffix, or, where it has none, by how it begins; hidden files are not."""
    path = Path(path)
    if path.name.startswith("."):
        return False
    if not path.suffix:
        return path.is_file() and begins_like_audio(path)
    return path.suffix.lower() in AUDIO_SUFFIXES and path.is_file()


def audio_info(source: Source) -> AudioInfo:
    """Read the header of a recording; it is decoded only where nothing in it tells its length.

    Raises:
        AudioError: the file is missing, is not audio, is visibly cut off, or holds no samples; a segment is beyond it.
    """
    with opened(file_of(source)) as recording:
        num_samples = recording.num_samples
        if isinstance(source, Segment):
            start, stop = source.range(recording)
            num_samples = (count_samples(recording) if stop is None else stop) - start
        return AudioInfo(
            count_samples(recording) if num_samples is None else num_samples,
            recording.sample_rate,
            recording.num_channels,
        )


@dataclass(frozen=True)
class Excerpt:
    """What is wanted of a recording: as much as is left when it is resampled and its length fixed.

    Attributes:
        seconds: that are kept.
        center: of the middle of the recording rather than its start.
        sample_rate: to which it is resampled, in Hz; None keeps that of the recording.
    """

    seconds: float
    center: bool = False
    sample_rate: int | None = None

    def range(self, recording: Recording) -> tuple[int, int | None]:
        """The first sample to keep, and the one after the last; None is the end.

        Recordings of one block are read whole. Of others there is a margin for the filters of resampling, and where
        both ends are cut, by so much that the samples of the new rate are of the same moments; as they differ by
        rounding errors then (1e-9), this is for recordings of several blocks.
        """
        length, rate = recording.num_samples, recording.sample_rate
        wanted = self.sample_rate or rate
        most = BLOCK_VALUES * (8 if self.center and wanted != rate else 1)
        if length is not None and length * recording.num_channels <= most:
            return 0, length
        margin = 0 if wanted == rate else int(rate * (1 + LONGEST_FILTER / min(rate, wanted))) + 1
        kept = math.ceil(min(self.seconds * rate, UNKNOWN)) + 1 + margin
        if not self.center:
            return 0, kept if length is None else min(length, kept)
        if length is None:
            return 0, None
        step = rate // math.gcd(rate, wanted)
        cut = max(0, (length - kept - margin) // 2 // step * step)
        return cut, length - cut


def read_audio(source: Source, excerpt: Excerpt | None = None) -> tuple[Samples, int]:
    """Decode a recording, or, where it is long, what is wanted of it; of a segment all.

    Returns:
        the samples [channels, num_samples], float64, full scale being ±1, and the sample rate in Hz.

    Raises:
        AudioError: the file is missing, is not audio, is cut off, holds no samples, or some that are not finite; a
            segment is beyond it.
    """
    if isinstance(source, Segment):
        return _read_segment(source)
    found = read_short(source, UNKNOWN, excerpt)
    assert found is not None  # nothing is as long
    return found


def _read_segment(segment: Segment) -> tuple[Samples, int]:
    with opened(segment.path) as recording:
        start, stop = segment.range(recording)
        recording.skip(start)
        blocks = list(decoded(recording, 0, None if stop is None else stop - start))
        return np.concatenate(blocks).T, recording.sample_rate


def read_short(path: Path | str, most: int, excerpt: Excerpt | None = None) -> tuple[Samples, int] | None:
    """What `read_audio` gives, or None where that has more than `most` samples in all channels.

    Raises:
        AudioError: as `read_audio` does.
    """
    with opened(Path(path)) as recording:
        start, stop = (0, recording.num_samples) if excerpt is None else excerpt.range(recording)
        left = most if stop is None else most - (stop - start) * recording.num_channels
        kept: list[Samples] = []
        for block in decoded(recording, start, stop) if left >= 0 else ():
            kept.append(block)
            left -= block.size if stop is None else 0
            if left < 0:
                break
        if left < 0:
            return None
        return (kept[0] if len(kept) == 1 else np.concatenate(kept)).T, recording.sample_rate


def decoded(
    recording: Recording,
    start: int,
    stop: int | None,
    block_values: int = BLOCK_VALUES,
    warn: Callable[..., Any] | None = None,
) -> Iterator[Samples]:
    """The samples of a range, None being the end, in blocks [num_samples, channels].

    Memory grows with what is there, not with what the header promises.

    Args:
        warn: what is told that there are fewer than expected; by default the log.

    Raises:
        AudioError: the recording is cut off, holds no samples, or some that are not finite; that comes at its end.
    """
    path, position, num_wrong = recording.path, 0, 0
    for block in _blocks(recording, stop, block_values):
        kept = block[max(0, start - position) :]
        position += len(block)
        num_wrong += int(np.count_nonzero(~np.isfinite(kept)))
        if len(kept) and not num_wrong:
            yield kept
    if stop is not None and position < stop - (MPEG_TOLERANCE if recording.is_estimate else 0):
        expected = recording.num_samples or stop
        if not recording.is_estimate:
            raise cut_off(path, f"gives {position} of the {expected} samples that its header promises")
        (warn or logger.warning)(
            "%s: gives %d samples where %d were expected, it may be cut off", path, position, expected
        )
    if position <= start:
        raise no_samples(path)
    if num_wrong:
        raise AudioError(
            f"{path}: holds {num_wrong} samples that are NaN or infinite, finite ones were expected; repair the file or"
            " remove it from the data set"
        )


def count_samples(recording: Recording) -> int:
    """Decode a recording to its end: samples per channel."""
    return sum(map(len, _blocks(recording, None)))


def _blocks(recording: Recording, stop: int | None, block_values: int = BLOCK_VALUES) -> Iterator[Samples]:
    """What comes before a sample, or the end, [num_samples, channels]; one block at least."""
    left = UNKNOWN if stop is None else stop
    while True:
        size = min(left, max(1, block_values // recording.num_channels))
        block = recording.read(size)
        yield block
        left -= size
        if len(block) < size or not left:
            return


@contextmanager
def opened(path: Path) -> Iterator[Recording]:
    """Open a recording that is there, is whole as far as its headers tell, and holds samples.

    Raises:
        AudioError: it is not.
    """
    if not path.is_file():
        raise AudioError(
            f"{path}: {found_at(path)}, a recording was expected; check the base directory and its lists of files"
        )
    with opened_parts(path, logger.warning) as recording:
        yield recording
