# SPDX-License-Identifier: GPL-3.0-or-later
"""Open recordings: what a file holds, decoded block by block as one signal."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from audeep.audio import containers, flac, mpeg, ogg
from audeep.audio.integrity import check_rate, no_samples, stranger, undecodable
from audeep.audio.parts import Contents, Part, View
from audeep.audio.signal import Samples
from audeep.audio.silence import silenced
from audeep.errors import AudioError

SKIPPED_VALUES = 2**20  # samples of all channels that are decoded at once where they are not wanted
UNKNOWN = 2**62  # as many samples or more: the decoder does not know how many

_MPEG_SUFFIXES = (".mp3", ".mp2", ".mpga", ".mpg")
_EXACT = frozenset(("AIFF", "AU", "CAF", "FLAC", "RF64", "W64", "WAV", "WAVEX"))  # formats where samples have places
# first bytes of formats whose decoders print nothing
_QUIET = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"OggS", b"fLaC", b"caff", b"riff", b".snd", b"dns.")


def begins_like_audio(path: Path) -> bool:
    """Whether a file begins with the mark of a format that can be decoded."""
    try:
        with open(path, "rb") as file:
            head = file.read(32)
    except OSError:
        return False
    mark, kind = head[:4], head[8:12]
    if mark in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return kind == b"WAVE"
    if mark == b"FORM":
        return kind in (b"AIFF", b"AIFC")
    return head.startswith((*_QUIET, b"ID3", b"NIST_1A", b"Creative Voice File")) or mpeg.parsed(head) is not None


class Recording:
    """A recording that is open: its parts, one after another.

    Attributes:
        sample_rate: Hz.
        num_samples: per channel, by its headers; None where they state no length.
        is_estimate: whether fewer samples may be right: MPEG audio is decoded as far as it goes.
    """

    def __init__(self, path: Path, parts: list[tuple["Source", int | None]], is_estimate: bool, quiet: "Quiet") -> None:
        """Of open sources and the samples of each, where they are known better than by the source."""
        self.path = path
        self.parts = parts
        self.sample_rate: int = parts[0][0].samplerate
        self.num_channels: int = parts[0][0].channels
        self.is_estimate = is_estimate
        self.quiet = quiet
        self.index = 0

    @property
    def num_samples(self) -> int | None:
        numbers = [source.frames if known is None else known for source, known in self.parts]
        return None if max(numbers) >= UNKNOWN else sum(numbers)

    def read(self, num_samples: int) -> Samples:
        """The samples that come next, float64 [num_samples, channels]; fewer at the end alone.

        Raises:
            AudioError: they cannot be decoded.
        """
        blocks: list[Samples] = []
        left = num_samples
        try:
            while left and self.index < len(self.parts):
                with self.quiet():
                    blocks.append(self.parts[self.index][0].read(left, dtype="float64", always_2d=True))
                self.index += len(blocks[-1]) < left
                left -= len(blocks[-1])
        except soundfile.SoundFileError as error:
            raise undecodable(self.path, getattr(error, "error_string", str(error))) from error
        if len(blocks) == 1:
            return blocks[0]
        return np.concatenate(blocks) if blocks else np.empty((0, self.num_channels))

    def skip(self, num_samples: int) -> None:
        """Pass over samples that come next, no further than to the end; where that can be, they are not decoded.

        Raises:
            AudioError: they cannot be decoded.
        """
        source = self.parts[0][0]
        if len(self.parts) == 1 and source.format in _EXACT and num_samples <= source.frames < UNKNOWN:
            try:
                with self.quiet():
                    source.seek(num_samples, soundfile.SEEK_CUR)
            except soundfile.SoundFileError as error:
                raise undecodable(self.path, getattr(error, "error_string", str(error))) from error
            return
        while num_samples > 0:
            block = min(num_samples, SKIPPED_VALUES // self.num_channels + 1)
            if len(self.read(block)) < block:
                return
            num_samples -= block


class Source(soundfile.SoundFile):
    """A file that is read from its start to its end, wherever it ends."""

    def seekable(self) -> bool:
        """Never: soundfile goes back and forth in files otherwise, which some cannot that state no length."""
        return False


Quiet = Callable[[], AbstractContextManager[None]]


@contextmanager
def opened_parts(path: Path, warn: Callable[[str], None]) -> Iterator[Recording]:
    """Open a file; what its user should know goes to `warn`.

    Raises:
        AudioError: it was cut off, holds no samples, or is nothing that can be decoded.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open(path, "rb"))
            found, quiet = _contents(path, file)
            parts = []
            shown: list[Part | None] = [*found.parts] or [None]  # None: the file as it is
            for part in shown:
                with quiet():
                    source = Source(_as_is(path) if part is None else View(file, part))
                stack.enter_context(_closing(source, quiet))
                parts.append((source, part.num_samples if part else None))
        except soundfile.SoundFileError as error:
            raise undecodable(path, _reason(error)) from error
        except (TypeError, OSError) as error:  # TypeError: headerless files, by their suffix .raw
            raise undecodable(path, str(error)) from error
        recording = Recording(path, parts, found.is_mpeg, quiet)
        _check(recording)
        for warning in found.warnings:
            warn(warning)
        yield recording


def _contents(path: Path, file: BinaryIO) -> tuple[Contents, Quiet]:
    """What a file holds, and what its decoder is to be called within."""
    size = os.fstat(file.fileno()).st_size
    start = mpeg.after_tags(file)
    file.seek(start)
    head = file.read(1024)
    words = stranger(head)
    if words is not None:
        raise AudioError(
            f"{path}: is {words}, a recording in a format of libsndfile (WAV, FLAC, OGG, MP3, ...) was expected; "
            "convert or replace it"
        )
    mark, is_called_mpeg = head[:4], path.suffix.lower() in _MPEG_SUFFIXES
    found: Contents | None = None
    if mark == b"OggS":
        found = ogg.contents(path, file, size)
    elif mark == b"fLaC":
        found = flac.contents(path, file, start, size)
    elif start == 0 and (mark in _QUIET or not is_called_mpeg):
        found = containers.contents(path, file, size)
    if mark in _QUIET and found is not None and not found.is_mpeg:
        return found, _nothing
    if mark not in _QUIET and (start or is_called_mpeg or mpeg.parsed(head) is not None):
        found = mpeg.contents(path, file, 0, size, True)
        if found is None and mpeg.is_free_format(head):
            found = Contents(is_mpeg=True)
        if found is None and is_called_mpeg:
            zeros = "" if any(head) else ", it begins with zeros"
            raise undecodable(path, f"no MPEG audio in its first 64 KiB{zeros}")
    return found or Contents(), silenced


def _nothing() -> AbstractContextManager[None]:
    """What decoders that print nothing are called within."""
    return nullcontext()


def _check(recording: Recording) -> None:
    if recording.num_samples == 0:
        raise no_samples(recording.path)
    check_rate(recording.path, recording.sample_rate)
    kinds = {(source.samplerate, source.channels) for source, _ in recording.parts}
    if len(kinds) > 1:
        found = " and ".join(f"{rate} Hz with {channels} channels" for rate, channels in sorted(kinds))
        raise AudioError(
            f"{recording.path}: joins recordings of {found}, one sample rate and number of channels was expected; "
            "split it"
        )


def _as_is(path: Path) -> Any:
    """The name of a file as libsndfile takes it, whether or not it is in UTF-8."""
    return os.fsencode(path) if os.name == "posix" else str(path)


def _reason(error: Exception) -> str:
    """What libsndfile says of a file that it cannot open."""
    reason = str(getattr(error, "error_string", error))
    # what it says of all MPEG audio that it cannot open
    return "no decoder takes it" if "does not exist or is not a regular file" in reason else reason


@contextmanager
def _closing(source: Source, quiet: Quiet) -> Iterator[None]:
    try:
        yield
    finally:
        with quiet():
            source.close()
