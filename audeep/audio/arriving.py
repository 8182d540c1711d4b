# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings that arrive on standard input."""

import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path

import soundfile

from audeep.audio.decoding import Recording, Source
from audeep.audio.parts import RandomAccess
from audeep.errors import AudioError

LONGEST_HEADER = 2**24  # bytes to which a decoder may go back: FLAC files may have pictures in their headers
UNKNOWN_SIZE = 2**62  # that a pipe tells: more than any recording has
_BLOCK_BYTES = 2**14


@contextmanager
def opened_input() -> Iterator[Recording]:
    """Open what comes on standard input, which may state a length of its own or none.

    Raises:
        AudioError: it cannot be decoded, or not as it arrives.
    """
    number = sys.stdin.fileno()
    try:
        with ExitStack() as stack:
            target: Arriving | int = number
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                mark = _first(number, 4)
                if mark == b"fLaC":
                    target = Arriving(number, mark)
                else:
                    head = mark + (_wave_header(number) if mark == b"RIFF" else b"")
                    target = stack.enter_context(_forwarded(number, head))
            source = stack.enter_context(Source(target, closefd=False))
            yield Recording(Path("standard input"), [(source, None)], False, nullcontext)
    except soundfile.SoundFileError as error:
        raise AudioError(
            f"standard input: cannot be decoded ({error}), a WAV or another format that can be read from a pipe was "
            "expected"
        ) from error


class Arriving(RandomAccess):
    """A pipe as a file of unknown length whose first bytes can be read again."""

    def __init__(self, number: int, head: bytes) -> None:
        """The pipe of this number, from which `head` was read."""
        super().__init__(UNKNOWN_SIZE)
        self.number = number
        self.head = head
        self.length = len(head)  # of what was read

    def _some(self, most: int) -> bytes:
        """What is at the position; nothing where that is neither in the head nor where the pipe is."""
        if self.position < len(self.head):
            return self.head[self.position : self.position + most]
        if self.position != self.length:
            return b""
        content = os.read(self.number, most)
        self.length += len(content)
        if self.length <= LONGEST_HEADER:
            self.head += content
        return content


def _first(number: int, size: int) -> bytes:
    """The first bytes from a pipe; fewer if it ends."""
    head = b""
    while len(head) < size and (content := os.read(number, size - len(head))):
        head += content
    return head


def _wave_header(number: int) -> bytes:
    """What comes after "RIFF" from a pipe, up to the sound of a WAV; a length of 0 is stated as unknown."""
    header = _first(number, 8)
    if header[4:] != b"WAVE":
        return header
    while len(header) < LONGEST_HEADER:
        chunk = _first(number, 8)
        size = int.from_bytes(chunk[4:], "little")
        if chunk[:4] == b"data":
            return header + (chunk if size else b"data" + b"\xff" * 4)
        header += chunk
        if len(chunk) < 8 or size > LONGEST_HEADER:
            break
        header += _first(number, size + size % 2)
    return header


@contextmanager
def _forwarded(number: int, head: bytes) -> Iterator[int]:
    """A pipe that gives `head`, and then what comes from the one of this number."""
    source, sink = os.pipe()

    def forward() -> None:
        with suppress(OSError), open(sink, "wb", buffering=0) as file:  # OSError: nobody reads on
            content = head
            while content:
                file.write(content)
                content = os.read(number, _BLOCK_BYTES)

    threading.Thread(target=forward, daemon=True).start()
    try:
        yield source
    finally:
        os.close(source)
