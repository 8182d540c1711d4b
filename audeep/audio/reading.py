# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings as arrays, and what their headers say."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from audeep.audio.integrity import check_whole, cut_off, no_samples
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
    """Read the header of a recording, without decoding it.

    The length of an MP3 file whose header states none is an estimate.

    Raises:
        AudioError: the file is missing, is not audio, is visibly cut off, or holds no samples.
    """
    with opened(Path(path)) as recording:
        return AudioInfo(recording.frames, recording.samplerate, recording.channels)


def read_audio(path: Path | str) -> tuple[Samples, int]:
    """Decode a recording.

    Returns:
        the samples [channels, num_samples], float64, full scale being ±1, and the sample rate in Hz.

    Raises:
        AudioError: the file is missing, is not audio, is cut off, holds no samples, or some that are not finite.
    """
    path = Path(path)
    with opened(path) as recording:
        samples = _samples(recording)
        _, found = samples.shape
        if found < recording.frames and recording.format != "MP3":
            raise cut_off(path, f"gives {found} of the {recording.frames} samples that its header promises")
        if found < recording.frames:  # which is an estimate where an MP3 file states no length
            logger.warning(
                "%s: gives %d samples where %d were expected, it may be cut off", path, found, recording.frames
            )
        if found == 0:
            raise no_samples(path)
        if not np.isfinite(samples).all():
            raise AudioError(
                f"{path}: holds {np.count_nonzero(~np.isfinite(samples))} samples that are NaN or infinite, finite "
                "ones were expected; repair the file or remove it from the data set"
            )
        return samples, recording.samplerate


def _samples(recording: soundfile.SoundFile) -> Samples:
    """All samples, [channels, num_samples]; memory grows with what is there, not with what the header promises."""
    blocks: list[Samples] = []  # [samples, channels]
    left = recording.frames
    while left:
        size = min(left, max(1, BLOCK_VALUES // recording.channels))
        blocks.append(recording.read(size, dtype="float64", always_2d=True))
        left = left - size if len(blocks[-1]) == size else 0
    return (blocks[0] if len(blocks) == 1 else np.concatenate(blocks)).T


@contextmanager
def opened(path: Path) -> Iterator[soundfile.SoundFile]:
    """Open a recording that is there, is whole as far as its headers tell, and holds samples."""
    if not path.is_file():
        raise AudioError(
            f"{path}: {found_at(path)}, a recording was expected; check the base directory and its lists of files"
        )
    try:
        with soundfile.SoundFile(path) as recording:
            check_whole(path, recording)
            yield recording
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: headerless files, by their suffix .raw
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise AudioError(
            f"{path}: cannot be decoded ({reason}), a whole recording in a format of libsndfile (WAV, FLAC, OGG, MP3, "
            "...) was expected; replace the file or remove it from the data set"
        ) from error
