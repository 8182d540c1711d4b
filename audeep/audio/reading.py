# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings as arrays, and what their headers say."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from audeep.audio.decoding import UNKNOWN, Recording, opened_parts
from audeep.audio.integrity import cut_off, no_samples
from audeep.audio.signal import Samples
from audeep.errors import AudioError
from audeep.runtime.files import found_at

logger = logging.getLogger(__name__)

BLOCK_VALUES = 2**22  # samples of all channels that are decoded at once

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


def is_audio(path: Path | str) -> bool:
    """Whether `path` is a recording, by its suffix; hidden files and directories are not."""
    path = Path(path)
    return path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".") and path.is_file()


def audio_info(path: Path | str) -> AudioInfo:
    """Read the header of a recording; it is decoded only where nothing in it tells its length.

    Raises:
        AudioError: the file is missing, is not audio, is visibly cut off, or holds no samples.
    """
    with opened(Path(path)) as recording:
        num_samples = recording.num_samples
        return AudioInfo(
            _count(recording) if num_samples is None else num_samples, recording.sample_rate, recording.num_channels
        )


def read_audio(path: Path | str) -> tuple[Samples, int]:
    """Decode a recording.

    Returns:
        the samples [channels, num_samples], float64, full scale being ±1, and the sample rate in Hz.

    Raises:
        AudioError: the file is missing, is not audio, is cut off, holds no samples, or some that are not finite.
    """
    path = Path(path)
    with opened(path) as recording:
        samples, expected = _samples(recording), recording.num_samples
        _, found = samples.shape
        if expected is not None and found < expected:
            if not recording.is_estimate:
                raise cut_off(path, f"gives {found} of the {expected} samples that its header promises")
            logger.warning("%s: gives %d samples where %d were expected, it may be cut off", path, found, expected)
        if found == 0:
            raise no_samples(path)
        if not np.isfinite(samples).all():
            raise AudioError(
                f"{path}: holds {np.count_nonzero(~np.isfinite(samples))} samples that are NaN or infinite, finite "
                "ones were expected; repair the file or remove it from the data set"
            )
        return samples, recording.sample_rate


def _samples(recording: Recording) -> Samples:
    """All samples, [channels, num_samples]; memory grows with what is there, not with what the header promises."""
    blocks = list(_blocks(recording))
    return (blocks[0] if len(blocks) == 1 else np.concatenate(blocks)).T


def _count(recording: Recording) -> int:
    return sum(map(len, _blocks(recording)))


def _blocks(recording: Recording) -> Iterator[Samples]:
    """What is left of a recording, [num_samples, channels]; one block at least."""
    num_samples = recording.num_samples
    left = UNKNOWN if num_samples is None else num_samples
    while True:
        size = min(left, max(1, BLOCK_VALUES // recording.num_channels))
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
