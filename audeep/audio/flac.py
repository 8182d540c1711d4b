# SPDX-License-Identifier: GPL-3.0-or-later
"""How long FLAC files (RFC 9639) are, where their headers state nothing or too little: by their last frame."""

from functools import cache
from pathlib import Path
from typing import BinaryIO

from audeep.audio.parts import Contents, Part, patched

_TAIL = 2**18  # bytes at the end in which the last frame is looked for; frames of usual sizes are a tenth of it
_BLOCK_SIZES = {1: 192, **{code: 576 << code - 2 for code in range(2, 6)}, **{c: 256 << c - 8 for c in range(8, 16)}}
_RATE_BYTES = {12: 1, 13: 2, 14: 2}


def contents(path: Path, file: BinaryIO, start: int, size: int) -> Contents:
    """What a FLAC file of `size` bytes holds whose mark is at `start`."""
    file.seek(start)
    head = file.read(42)
    if len(head) < 42 or head[4] & 0x7F != 0:
        return Contents()
    stated = int.from_bytes(head[21:26], "big") & (1 << 36) - 1
    found = _num_samples(file, start, size, int.from_bytes(head[10:12], "big"), stated)
    if found is None or found <= stated:
        return Contents()
    field = (int.from_bytes(head[21:26], "big") - stated + found).to_bytes(5, "big")
    result = Contents([Part(patched(size, start + 21, field), found)])
    if stated:
        result.warnings.append(f"{path}: holds {found} samples where its header states {stated}, all are read")
    return result


def _num_samples(file: BinaryIO, start: int, size: int, block_size: int, stated: int) -> int | None:
    """Samples up to the end of the last frame; None if there is none that is whole, or no more than are stated."""
    at = max(start, size - _TAIL)
    file.seek(at)
    tail = file.read()
    end = len(tail) - 128 if tail[-128:-125] == b"TAG" else len(tail)
    position = end
    for _ in range(64):
        position = tail.rfind(b"\xff", 0, position)
        while position >= 0 and tail[position + 1 : position + 2] not in (b"\xf8", b"\xf9"):
            position = tail.rfind(b"\xff", 0, position)
        if position < 0:
            return None
        found = _frame_end(tail[position : position + 16], block_size)
        if found is not None and found == stated:
            return found
        if found is not None and _crc(tail[position : end - 2], 16) == int.from_bytes(tail[end - 2 : end], "big"):
            return found
    return None


def _frame_end(head: bytes, block_size: int) -> int | None:
    """The number of the sample after the frame that starts with these bytes; None if none does."""
    if len(head) < 16 or head[3] & 1 or head[2] & 15 == 15 or not head[2] >> 4:
        return None
    num_more = 0 if head[4] < 0x80 else 8 - (head[4] ^ 0xFF).bit_length() - 1
    if head[4] >= 0x80 and not 1 <= num_more <= 6:
        return None
    number = head[4] & (0x7F if not num_more else (1 << 6 - num_more) - 1)
    for byte in head[5 : 5 + num_more]:
        number = number << 6 | byte & 0x3F
    at = 5 + num_more
    code = head[2] >> 4
    size_bytes = {6: 1, 7: 2}.get(code, 0)
    length = int.from_bytes(head[at : at + size_bytes], "big") + 1 if size_bytes else _BLOCK_SIZES[code]
    at += size_bytes + _RATE_BYTES.get(head[2] & 15, 0)
    if at >= len(head) or _crc(head[:at], 8) != head[at]:
        return None
    return (number if head[1] & 1 else number * block_size) + length


def _crc(content: bytes, bits: int) -> int:
    table, mask, crc = _table(bits), (1 << bits) - 1, 0
    for byte in content:
        crc = (crc << 8 & mask) ^ table[crc >> bits - 8 ^ byte]
    return crc


@cache
def _table(bits: int) -> list[int]:
    polynomial, top, mask = {8: 0x07, 16: 0x8005}[bits], 1 << bits - 1, (1 << bits) - 1
    table = []
    for crc in (byte << bits - 8 for byte in range(256)):
        for _ in range(8):
            crc = (crc << 1 ^ (polynomial if crc & top else 0)) & mask
        table.append(crc)
    return table
