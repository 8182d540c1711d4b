# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings as arrays: decode, fix the length, fuse the channels."""

import logging
import math
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import soundfile

from audeep.errors import AudioError
from audeep.runtime.files import found_at

log = logging.getLogger(__name__)

LARGEST_FILTER = 2**25  # values of the filter of `resample`, 256 MiB

LARGEST_WINDOW = 2**28  # samples of all channels, 2 GiB
BLOCK_VALUES = 2**22  # samples of all channels that are decoded at once
HIGHEST_RATE = 10**7  # Hz; what --fixed-length needs grows with the rate

# Formats of libsndfile whose suffixes stand for sound: not RAW, which says nothing about itself, and not MAT4,
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


class Channels(str, Enum):
    """How a recording with two channels becomes one signal."""

    MEAN = "MEAN"
    LEFT = "LEFT"
    RIGHT = "RIGHT"
    DIFF = "DIFF"  # left - right


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
    """Tell by its suffix whether `path` is a recording; hidden files and directories are none."""
    path = Path(path)
    return path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".") and path.is_file()


def audio_info(path: Path | str) -> AudioInfo:
    """Read the header of a recording, without decoding it.

    The length of an MP3 file whose header states none is an estimate.

    Raises:
        AudioError: the file is missing, is no audio, is visibly cut off, or holds no samples.
    """
    with _opened(Path(path)) as recording:
        return AudioInfo(recording.frames, recording.samplerate, recording.channels)


def read_audio(path: Path | str) -> tuple[np.ndarray, int]:
    """Decode a recording.

    Returns:
        the samples [channels, num_samples], float64, full scale being ±1, and the sample rate in Hz.

    Raises:
        AudioError: the file is missing, is no audio, is cut off, holds no samples, or samples that are no numbers.
    """
    path = Path(path)
    with _opened(path) as recording:
        samples = _samples(recording)
        _, found = samples.shape
        if found < recording.frames and recording.format != "MP3":
            raise _cut_off(path, f"gives {found} of the {recording.frames} samples that its header promises")
        if found < recording.frames:  # which is an estimate where an MP3 file states no length
            log.warning("%s: gives %d samples where %d were expected, it may be cut off", path, found, recording.frames)
        if found == 0:
            raise _no_samples(path)
        if not np.isfinite(samples).all():
            raise AudioError(
                f"{path}: holds {np.count_nonzero(~np.isfinite(samples))} samples that are NaN or infinite, numbers "
                "were expected; repair the file or remove it from the data set"
            )
        return samples, recording.samplerate


def windows(path: Path | str, width: float, hop: float) -> Iterator[tuple[float, np.ndarray, int]]:
    """Windows of a recording, `width` seconds long, one each `hop` seconds, as they are read; "-" is standard input.

    What does not fill a window at the end is left out; a recording shorter than one is padded with silence.

    Yields:
        when the window starts, in seconds; its samples [channels, num_samples], float64; the sample rate in Hz.

    Raises:
        AudioError: the recording cannot be read, a hop is shorter than one sample, or a window too long for memory.
    """
    name = "standard input" if str(path) == "-" else path
    with _stream(path) as recording:
        rate = recording.samplerate
        size, step = int(min(width * rate, 2**62)), int(min(hop * rate, 2**62))
        if size < 1 or step < 1:
            raise AudioError(f"{name}: has {rate} Hz, a window and a hop of at least one sample were expected")
        if size * recording.channels > LARGEST_WINDOW:
            raise AudioError(
                f"{name}: a window of {width:g} s has {size} samples of {recording.channels} channels, at most"
                f" {LARGEST_WINDOW} were expected in all; choose a shorter one"
            )
        kept, start, skipped = np.empty((0, recording.channels)), 0, 0  # [samples, channels]
        while True:
            while skipped:
                some = min(skipped, BLOCK_VALUES // recording.channels)
                skipped -= some
                if len(recording.read(some, dtype="float64", always_2d=True)) < some:
                    return
            found = recording.read(size - len(kept), dtype="float64", always_2d=True)
            if not np.isfinite(found).all():
                raise AudioError(f"{name}: holds samples that are NaN or infinite, numbers were expected; repair it")
            kept = np.concatenate([kept, found])
            if len(kept) < size and start > 0:
                return
            if not len(kept):
                raise _no_samples(name)
            yield start / rate, fix_length(kept.T, size), rate
            if len(kept) < size:
                return
            kept, skipped, start = kept[step:], max(0, step - size), start + step


@contextmanager
def _stream(path: Path | str) -> Iterator[soundfile.SoundFile]:
    """Open a recording, or what comes on standard input, which may state a length of its own or none."""
    if str(path) != "-":
        with _opened(Path(path)) as recording:
            yield recording
        return
    try:
        with soundfile.SoundFile(sys.stdin.fileno(), closefd=False) as recording:
            yield recording
    except soundfile.SoundFileError as error:
        raise AudioError(
            f"standard input: cannot be decoded ({error}), a WAV or another format that can be read from a pipe was "
            "expected"
        ) from error


def resample(path: Path | str, samples: np.ndarray, sample_rate: int, wanted_rate: int) -> np.ndarray:
    """Change the sample rate of [channels, num_samples] from `sample_rate` to `wanted_rate` (Hz) with torchaudio.

    Raises:
        AudioError: the rates of the recording at `path` have so small a common divisor that the filter gets too large.
    """
    divisor = math.gcd(sample_rate, wanted_rate)
    if sample_rate * wanted_rate // divisor**2 > LARGEST_FILTER:
        raise AudioError(
            f"{path}: has {sample_rate} Hz, which cannot be resampled to {wanted_rate} Hz; choose a --sample-rate that "
            "shares a larger divisor with it"
        )
    import torch
    from torchaudio.functional import resample as resampled

    return resampled(torch.from_numpy(samples), sample_rate, wanted_rate).numpy()


def fix_length(samples: np.ndarray, num_samples: int, center: bool = False) -> np.ndarray:
    """Cut or zero-pad the last axis to `num_samples`.

    Without `center`, the end is cut or padded. With it, both ends are, the front by the smaller half.
    """
    length = samples.shape[-1]
    if length >= num_samples:
        start = (length - num_samples) // 2 if center else 0
        return samples[..., start : start + num_samples]
    front = (num_samples - length) // 2 if center else 0
    padded = np.zeros((*samples.shape[:-1], num_samples), samples.dtype)
    padded[..., front : front + length] = samples
    return padded


def fuse_channels(samples: np.ndarray, channels: Channels = Channels.MEAN) -> np.ndarray:
    """Make one signal of all channels: [channels, num_samples] -> [num_samples].

    A mono recording is taken as it is. MEAN averages any number of channels.

    Raises:
        AudioError: LEFT, RIGHT or DIFF of more than two channels.
    """
    if len(samples) == 1:
        return samples[0]
    if channels == Channels.MEAN:
        return samples.mean(axis=0)
    if len(samples) != 2:
        raise AudioError(
            f"{len(samples)} channels found, --channels {Channels(channels).value} needs exactly 2; use --channels MEAN"
        )
    left, right = samples
    if channels == Channels.DIFF:
        return left - right
    return left if channels == Channels.LEFT else right


def _samples(recording: soundfile.SoundFile) -> np.ndarray:
    """All samples, [channels, num_samples]; memory is asked for as they come, not as the header promises."""
    blocks: list[np.ndarray] = []  # [samples, channels]
    left = recording.frames
    while left:
        size = min(left, max(1, BLOCK_VALUES // recording.channels))
        blocks.append(recording.read(size, dtype="float64", always_2d=True))
        left = left - size if len(blocks[-1]) == size else 0
    return (blocks[0] if len(blocks) == 1 else np.concatenate(blocks)).T


@contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    """Open a recording that is there, is whole as far as its headers tell, and holds samples."""
    if not path.is_file():
        raise AudioError(
            f"{path}: {found_at(path)}, a recording was expected; check the base directory and its lists of files"
        )
    try:
        with soundfile.SoundFile(path) as recording:
            _check_whole(path, recording)
            yield recording
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: headerless files, by their suffix .raw
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise AudioError(
            f"{path}: cannot be decoded ({reason}), a whole recording in a format of libsndfile (WAV, FLAC, OGG, MP3, "
            "...) was expected; replace the file or remove it from the data set"
        ) from error


# libsndfile reads what is left of a file that was cut off and only notes it: 'data : 264600 (should be 158742)'.
_SHORTER = re.compile(
    r"^\s*(?:data|riff|SSND|BODY|Data Size|Data length)\s*:?\s*(\d+) \(?should be (\d+)", re.MULTILINE
)
_SHORT_NOTES = ("Seems to be a truncated file", "does not match value from 'ds64'")
_UNKNOWN_LENGTH = 0x7FFFF000  # sizes from here on are put down by programs that write into a pipe


def _check_whole(path: Path, recording: soundfile.SoundFile) -> None:
    notes = recording.extra_info
    for promised, found in _SHORTER.findall(notes):
        if int(found) < int(promised) < _UNKNOWN_LENGTH:
            raise _cut_off(path, f"holds {found} of the {promised} bytes that its header promises")
    if any(note in notes for note in _SHORT_NOTES):
        raise _cut_off(path, "holds fewer bytes than its header promises")
    if recording.format == "OGG" and not _last_page_is_whole(path):
        raise _cut_off(path, "does not end with an Ogg page that is whole and marked as the last")
    if recording.frames == 0:
        raise _no_samples(path)
    if recording.samplerate > HIGHEST_RATE:
        raise AudioError(
            f"{path}: states a sample rate of {recording.samplerate} Hz, at most {HIGHEST_RATE} were expected; "
            "replace the file or remove it"
        )
    if recording.frames >= 2**62:
        raise AudioError(f"{path}: states no length, a number of samples was expected; convert the file to WAV")


def _last_page_is_whole(path: Path) -> bool:
    """Find the last Ogg page (RFC 3533, section 6) and look for its end-of-stream mark and its last byte."""
    header_length, largest_page = 27, 65307
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 2 * largest_page))
        tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < header_length or not page[5] & 4:
        return False
    num_segments = page[26]
    return len(page) >= header_length + num_segments + sum(page[header_length : header_length + num_segments])


def _cut_off(path: Path, found: str) -> AudioError:
    return AudioError(f"{path}: {found}, a whole recording was expected; replace the file or remove it")


def _no_samples(path: Path | str) -> AudioError:
    return AudioError(f"{path}: holds no samples, a recording was expected; replace the file or remove it")
