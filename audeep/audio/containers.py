# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the sound is in files that are made of chunks: WAV, RF64, BW64, W64, AIFF, SVX, CAF, AU and VOC.

The sizes that their headers state are compared with the size of the file.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from audeep.audio import mpeg
from audeep.audio.integrity import cut_off
from audeep.audio.parts import Contents, Part, Segment, patched

MOST_CHUNKS = 10_000
LONGEST_PADDING = 2**16  # bytes of zeros after the sound
LARGEST_REST = 1024  # bytes after the sound that need no explanation
_UNKNOWN_LENGTH = 0x7FFFF000  # programs that write into a pipe state sizes from here on
_LARGEST = 0xFFFFFFFF
_MP3_IN_WAV = 0x55
_TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICS")
_W64_GUID = bytes.fromhex("2e91cf11a5d628db04c10000")  # the last 12 bytes of that of "riff"


@dataclass(frozen=True)
class Sound:
    """The bytes of sound of a file, by its header.

    Attributes:
        size: as stated; None where the header says that it is unknown.
        field: where the size is stated, how it is packed, and what it counts beside the sound.
        rest: what chunk starts at a position after the sound, as (mark, where it ends).
    """

    start: int
    size: int | None
    field: tuple[int, str, int]
    rest: Callable[[int], tuple[bytes, int] | None] | None = None
    mark: bytes = b""  # in place of the first bytes of the file
    codec: int = 0


def contents(path: Path, file: BinaryIO, size: int) -> Contents:
    """What a file of `size` bytes holds; a file of another kind, or one without sound, is left to its decoder.

    Raises:
        AudioError: it was cut off.
    """
    file.seek(0)
    sound = _sound(file, file.read(64), size)
    if sound is None or sound.start > size:
        return Contents()
    found, stated = size - sound.start, sound.size
    if stated is not None and stated > found:
        raise cut_off(path, f"holds {found} of the {stated} bytes that its header promises")
    at, packing, extra = sound.field
    most = (1 << 8 * struct.calcsize(packing)) - 1
    result = Contents()
    segments: tuple[Segment, ...] = (range(size),)
    if sound.codec == _MP3_IN_WAV:
        return mpeg.contents(path, file, sound.start, sound.start + (stated or found), False) or result
    if stated is None or (stated == 0 and _unexplained(file, sound, size)):
        if stated == 0:
            result.warnings.append(f"{path}: states a length of 0, the {found} bytes that follow are read as sound")
        segments = patched(size, at, struct.pack(packing, min(found + extra, most)))
        if found + extra > most:
            result.warnings.append(
                f"{path}: holds {found} bytes of sound, {most} of which its format can state are read"
            )
    elif number := _unexplained(file, sound, size):
        result.warnings.append(
            f"{path}: holds {number} bytes after the {stated} bytes of sound that its header states; they are not "
            "read, the header may be wrong"
        )
    if sound.mark:
        segments = _with_mark(segments, sound.mark)
    if segments != (range(size),):
        result.parts.append(Part(segments))
    return result


def _with_mark(segments: tuple[Segment, ...], mark: bytes) -> tuple[Segment, ...]:
    return mark, segments[0][len(mark) :], *segments[1:]


def _unexplained(file: BinaryIO, sound: Sound, size: int) -> int:
    """Bytes after the sound that are no chunks, tags or zeros, if there are many."""
    end = sound.start + (sound.size or 0)
    rest = size - end
    if rest <= (LARGEST_REST if sound.size else 0):
        return 0
    file.seek(end)
    head = file.read(LARGEST_REST)
    if head.startswith(_TAGS) or (rest <= LONGEST_PADDING and not any(head)):
        return 0
    for start in (end, end + (end & 1)):
        chunk = sound.rest(start) if sound.rest else None
        if chunk is not None and chunk[0].isascii() and chunk[0].decode().isprintable() and chunk[1] <= size + 1:
            return 0
    return rest


def _sound(file: BinaryIO, head: bytes, size: int) -> Sound | None:
    """The sound of a file that starts with `head`."""
    mark = head[:4]
    if mark in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _wave(file, mark, size)
    if mark == b"FORM" and head[8:12] in (b"AIFF", b"AIFC", b"8SVX", b"16SV"):
        return _form(file, size)
    if mark == b"riff" and head[4:16] == _W64_GUID:
        return _w64(file, size)
    if mark == b"caff":
        return _caf(file, size)
    if mark in (b".snd", b"dns.") and len(head) >= 24:
        order = ">" if mark == b".snd" else "<"
        start, stated = struct.unpack_from(f"{order}II", head, 4)
        return Sound(start, None if stated >= _UNKNOWN_LENGTH else stated, (8, f"{order}I", 0))
    if head.startswith(b"Creative Voice File\x1a"):
        return _voc(file, int.from_bytes(head[20:22], "little"), size)
    return None


def _chunks(file: BinaryIO, start: int, size: int, packing: str, align: int) -> Iterator[tuple[bytes, int, int]]:
    """Marks, starts and stated sizes of chunks; each mark and size are packed alike, and padded to `align` bytes."""
    length = struct.calcsize(packing)
    for _ in range(MOST_CHUNKS):
        file.seek(start)
        head = file.read(length)
        if len(head) < length:
            return
        mark, stated = struct.unpack(packing, head)
        yield mark, start + length, stated
        start += length + stated + -stated % align
        if start >= size or start < 0:
            return


def _rest(file: BinaryIO, packing: str, whole: bool = False) -> Callable[[int], tuple[bytes, int] | None]:
    """What tells the chunk that starts somewhere; `whole` sizes count mark and size, too."""
    length = struct.calcsize(packing)

    def chunk(start: int) -> tuple[bytes, int] | None:
        file.seek(start)
        head = file.read(length)
        if len(head) < length:
            return None
        mark, stated = struct.unpack(packing, head)
        return mark[:4], start + stated + (0 if whole else length)

    return chunk


def _wave(file: BinaryIO, mark: bytes, size: int) -> Sound | None:
    order = ">" if mark == b"RIFX" else "<"
    is_long, long_size, long_at, codec = mark in (b"RF64", b"BW64"), None, 0, 0
    for name, start, stated in _chunks(file, 12, size, f"{order}4sI", 2):
        if name == b"ds64" and is_long:
            file.seek(start + 8)
            long_size, long_at = int.from_bytes(file.read(8), "little"), start + 8
        elif name == b"fmt ":
            file.seek(start)
            codec = int.from_bytes(file.read(2), "big" if order == ">" else "little")
        elif name == b"data":
            field, found = (start - 4, f"{order}I", 0), stated
            if is_long and long_size is not None and stated >= _UNKNOWN_LENGTH:
                field, found = (long_at, "<Q", 0), long_size
            is_unknown = found >= (1 << 62 if field[0] == long_at else _UNKNOWN_LENGTH) and found > size - start
            is_unknown |= found == _LARGEST
            rest = _rest(file, f"{order}4sI")
            return Sound(start, None if is_unknown else found, field, rest, b"RF64" if mark == b"BW64" else b"", codec)
    return None


def _form(file: BinaryIO, size: int) -> Sound | None:
    for name, start, stated in _chunks(file, 12, size, ">4sI", 2):
        if name in (b"SSND", b"BODY"):
            extra = 8 if name == b"SSND" else 0  # an offset and a block size come before the sound
            is_unknown = stated >= _UNKNOWN_LENGTH and stated > size - start
            found = None if is_unknown else max(0, stated - extra)
            return Sound(start + extra, found, (start - 4, ">I", extra), _rest(file, ">4sI"))
    return None


def _w64(file: BinaryIO, size: int) -> Sound | None:
    start, head_size = 40, 24
    for _ in range(MOST_CHUNKS):
        file.seek(start)
        head = file.read(head_size)
        if len(head) < head_size:
            return None
        stated = int.from_bytes(head[16:], "little")
        if head[:4] == b"data":
            found = max(0, stated - head_size)
            is_unknown = stated >= 1 << 62
            rest = _rest(file, "<16sQ", whole=True)
            return Sound(start + head_size, None if is_unknown else found, (start + 16, "<Q", head_size), rest)
        start += max(head_size, stated + -stated % 8)
        if start >= size:
            return None
    return None


def _caf(file: BinaryIO, size: int) -> Sound | None:
    for name, start, stated in _chunks(file, 8, size, ">4sq", 1):
        if name == b"data":  # starts with a count of edits
            found = None if stated < 0 else max(0, stated - 4)
            return Sound(start + 4, found, (start - 8, ">q", 4), _rest(file, ">4sq"))
    return None


def _voc(file: BinaryIO, start: int, size: int) -> Sound | None:
    """The blocks of a VOC file; the first that is not whole stands for all."""
    for _ in range(MOST_CHUNKS):
        file.seek(start)
        head = file.read(4)
        if len(head) < 4 or head[0] == 0:
            return None
        stated = int.from_bytes(head[1:], "little")
        if start + 4 + stated > size:
            return Sound(start + 4, stated, (start + 1, "<I", 0))
        start += 4 + stated
    return None
