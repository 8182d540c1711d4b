# SPDX-License-Identifier: GPL-3.0-or-later
"""What a decoder is shown of a file: parts that are decoded one after another, some with a header put right."""

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Segment = bytes | range  # bytes of our own, or a range of those of the file

TAG_BYTES = 128  # which libmpg123 reads at the end of a file before it decodes it


@dataclass(frozen=True)
class Part:
    """Segments of a file that make one recording.

    Attributes:
        num_samples: per channel, where it is known better than by the decoder.
        claimed_size: bytes that the decoder is told of where it is to read on beyond its own estimate of the length.
    """

    segments: tuple[Segment, ...]
    num_samples: int | None = None
    claimed_size: int = 0


@dataclass
class Contents:
    """What a file holds: `parts`, or, without any, one recording as it is; and what its user should know."""

    parts: list[Part] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    is_mpeg: bool = False  # the format that libsndfile estimates the length of


def patched(size: int, at: int, content: bytes) -> tuple[Segment, ...]:
    """The segments of a file of `size` bytes with `content` in place of what is at `at`."""
    return range(at), content, range(at + len(content), size)


class RandomAccess(io.RawIOBase):
    """A file of `size` bytes, as it tells, that is read at a position of its own; subclasses give what is there."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.position = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.size}[whence])
        return self.position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        target = memoryview(buffer).cast("B")
        found = 0
        while found < len(target) and (content := self._some(len(target) - found)):
            target[found : found + len(content)] = content
            found += len(content)
            self.position += len(content)
        return found

    def _some(self, most: int) -> bytes:
        """Up to `most` bytes from the position on; none where nothing is to be read."""
        raise NotImplementedError


class View(RandomAccess):
    """A part of an open file as a file of its own."""

    def __init__(self, file: BinaryIO, part: Part) -> None:
        self.file = file
        self.segments: Sequence[Segment] = [segment for segment in part.segments if len(segment)]
        self.ends = list(accumulate(map(len, self.segments)))
        super().__init__(max(self.ends[-1] if self.ends else 0, part.claimed_size))

    def _some(self, most: int) -> bytes:
        """Bytes of one segment."""
        for segment, end in zip(self.segments, self.ends, strict=True):
            if self.position < end:
                skipped = self.position - (end - len(segment))
                rest = segment[skipped : skipped + most]
                if isinstance(rest, bytes):
                    return rest
                self.file.seek(rest.start)
                return self.file.read(len(rest))
        is_tag = self.size - TAG_BYTES <= self.position < self.size
        return bytes(min(most, self.size - self.position)) if is_tag else b""
