# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of Ogg files (RFC 3533): links of a chain, and the mark of a last page that programs leave out."""

import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

from audeep.audio.integrity import cut_off
from audeep.audio.parts import Contents, Part, Segment

HEADER_SIZE = 27
_FIRST, _LAST = 2, 4  # flags of pages of a stream


@dataclass
class Link:
    """A recording in a chain; its pages lie between `start` and `stop`."""

    start: int
    stop: int
    last_page: int
    has_end: bool
    only_heads: bool = True


def contents(path: Path, file: BinaryIO, size: int) -> Contents:
    """What an Ogg file of `size` bytes holds.

    Raises:
        AudioError: it ends within a page.
    """
    links = _links(path, file, size)
    if len(links) == 1 and links[0].has_end:
        return Contents()
    result = Contents()
    for link in links:
        segments: tuple[Segment, ...] = (range(link.start, link.stop),)
        if not link.has_end:
            result.warnings.append(f"{path}: has a last Ogg page that is not marked as the last, it may be cut off")
            file.seek(link.last_page)
            segments = range(link.start, link.last_page), _marked(file.read(link.stop - link.last_page))
        result.parts.append(Part(segments))
    return result


def _links(path: Path, file: BinaryIO, size: int) -> list[Link]:
    """The links of a chain, by its pages; what is between them is passed over."""
    links: list[Link] = []
    position = 0
    while position < size:
        file.seek(position)
        head = file.read(HEADER_SIZE)
        if head[:4] != b"OggS":
            position = _next_page(file, position + 1)
            continue
        num_segments = head[26] if len(head) == HEADER_SIZE else 0
        lengths = file.read(num_segments)
        stop = position + HEADER_SIZE + num_segments + sum(lengths)
        if len(head) < HEADER_SIZE or len(lengths) < num_segments or stop > size:
            raise cut_off(path, "ends within an Ogg page")
        is_first = bool(head[5] & _FIRST)
        if not links or (is_first and not links[-1].only_heads):
            links.append(Link(position, stop, position, False))
        link = links[-1]
        link.stop, link.last_page, link.has_end = stop, position, bool(head[5] & _LAST)
        link.only_heads = is_first
        position = stop
    return links


def _next_page(file: BinaryIO, start: int) -> int:
    """Where the next page starts; the end of the file where none does."""
    while True:
        file.seek(start)
        block = file.read(2**16)
        at = block.find(b"OggS")
        if at >= 0:
            return start + at
        if len(block) < 2**16:
            return start + len(block)
        start += len(block) - 3


def _marked(page: bytes) -> bytes:
    """A page with the mark of the last."""
    head = bytearray(page[:HEADER_SIZE])
    head[5] |= _LAST
    head[22:26] = bytes(4)
    head[22:26] = struct.pack("<I", checksum(head + page[HEADER_SIZE:]))
    return bytes(head) + page[HEADER_SIZE:]


def checksum(content: bytes | bytearray) -> int:
    """The CRC of a page, whose own field is 0."""
    table, crc = _table(), 0
    for byte in content:
        crc = (crc << 8 & 0xFFFFFFFF) ^ table[crc >> 24 ^ byte]
    return crc


@cache
def _table() -> list[int]:
    table = []
    for crc in (byte << 24 for byte in range(256)):
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
        table.append(crc)
    return table
