# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings from files: decoding, fixing the length, making one channel of several."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import soundfile

from audeep.errors import AudioError


class Channels(str, Enum):
    """What to make of several channels."""

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
        """Length of the recording."""
        return self.num_samples / self.sample_rate


def audio_info(path: Path | str) -> AudioInfo:
    """Read the header of a recording.

    Raises:
        AudioError: the file is missing, or libsndfile cannot read it.
    """
    with _opened(path) as file:
        return AudioInfo(file.frames, file.samplerate, file.channels)


def read_audio(path: Path | str, dtype: type[np.floating] = np.float32) -> tuple[np.ndarray, int]:
    """Decode a recording: samples in [-1, 1] [channel, sample] of type `dtype`, and the sample rate in Hz.

    Raises:
        AudioError: the file is missing, cannot be decoded, is truncated or has no samples, or samples are no numbers.
    """
    with _opened(path) as file:
        try:
            samples = file.read(dtype=np.dtype(dtype).name, always_2d=True).T  # [channel, sample]
        except soundfile.LibsndfileError as error:
            raise AudioError(f"{path}: cannot be decoded ({_reason(error)}); replace or remove the recording") from error
        promised, sample_rate = max(file.frames, _promised_frames(path, file)), file.samplerate
    if samples.shape[1] < promised:
        raise AudioError(
            f"{path}: has {samples.shape[1]} samples where its header promises {promised}: it is truncated;"
            " replace or remove the recording"
        )
    if samples.shape[1] == 0:
        raise AudioError(f"{path}: has no samples; replace or remove the recording")
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: has samples that are infinite or no numbers; replace or remove the recording")
    return samples, sample_rate


def _opened(path: Path | str) -> soundfile.SoundFile:
    if not Path(path).is_file():
        found = "is a directory" if Path(path).is_dir() else "no such file"
        raise AudioError(f"{path}: {found}, a recording was expected; check the base directory")
    try:
        return soundfile.SoundFile(str(path))
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path}: is no recording that libsndfile can read ({_reason(error)}); remove it") from error


def _reason(error: soundfile.LibsndfileError) -> str:
    return error.error_string.strip().rstrip(".")


def _promised_frames(path: Path | str, file: soundfile.SoundFile) -> int:
    """Samples per channel by the header of a WAV file; libsndfile trusts the length of the file instead."""
    if file.format not in ("WAV", "WAVEX") or not file.subtype.startswith(("PCM", "FLOAT", "DOUBLE")):
        return 0
    with open(path, "rb") as content:
        content.seek(12)
        bytes_per_frame = 0
        while len(header := content.read(8)) == 8:
            size = int.from_bytes(header[4:], "little")
            if header[:4] == b"fmt ":
                bytes_per_frame = int.from_bytes(content.read(size)[12:14], "little")
                content.seek(size % 2, 1)
            elif header[:4] == b"data":
                # a length of all ones is what writers of streams leave when they do not know better
                return 0 if size >= 0xFFFFFF00 or not bytes_per_frame else size // bytes_per_frame
            else:
                content.seek(size + size % 2, 1)
    return 0


def fix_length(samples: np.ndarray, num_samples: int, center: bool = False) -> np.ndarray:
    """Cut or pad with zeros to `num_samples` along the last axis: at the end, or with `center` at both ends."""
    length = samples.shape[-1]
    if length >= num_samples:
        offset = (length - num_samples) // 2 if center else 0
        return samples[..., offset : offset + num_samples]
    before = (num_samples - length) // 2 if center else 0
    padding = [(0, 0)] * (samples.ndim - 1) + [(before, num_samples - length - before)]
    return np.pad(samples, padding)


def fuse_channels(samples: np.ndarray, channels: Channels) -> np.ndarray:
    """One channel [sample] out of [channel, sample]; a single channel stays what it is.

    Raises:
        AudioError: LEFT, RIGHT or DIFF is asked of more than two channels.
    """
    if len(samples) == 1:
        return samples[0]
    if channels is Channels.MEAN:
        return samples.mean(axis=0)
    if len(samples) != 2:
        raise AudioError(f"has {len(samples)} channels, {channels.value} needs two; use --channels MEAN")
    left, right = samples
    return {Channels.LEFT: left, Channels.RIGHT: right, Channels.DIFF: left - right}[channels]
