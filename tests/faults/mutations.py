# SPDX-License-Identifier: GPL-3.0-or-later
"""Damage to the bytes of a valid file."""

import random
from collections.abc import Callable

MAX_PIECE = 64  # bytes that are deleted, inserted or repeated at a time, at most


def flip(data: bytes, at: int, size: int, noise: bytes) -> bytes:
    """Change bits of one byte."""
    return data[:at] + bytes([data[at] ^ (noise[0] or 1)]) + data[at + 1 :]


def overwrite(data: bytes, at: int, size: int, noise: bytes) -> bytes:
    """Put noise over some bytes."""
    return data[:at] + noise[:size] + data[at + size :]


def erase(data: bytes, at: int, size: int, noise: bytes) -> bytes:
    """Set some bytes to zero, or to 255."""
    return data[:at] + (b"\xff" if noise[0] & 1 else b"\0") * size + data[at + size :]


def delete(data: bytes, at: int, size: int, noise: bytes) -> bytes:
    """Leave out some bytes."""
    return data[:at] + data[at + size :]


def insert(data: bytes, at: int, size: int, noise: bytes) -> bytes:
    """Add noise."""
    return data[:at] + noise[:size] + data[at:]


def repeat(data: bytes, at: int, size: int, noise: bytes) -> bytes:
    """Double some bytes."""
    return data[: at + size] + data[at:]


def truncate(data: bytes, at: int, size: int, noise: bytes) -> bytes:
    """End here."""
    return data[:at]


OPERATIONS: dict[str, Callable[[bytes, int, int, bytes], bytes]] = {
    operation.__name__: operation for operation in (flip, overwrite, erase, delete, insert, repeat, truncate)
}


def mutate(data: bytes, generator: random.Random) -> bytes:
    """`data` with one to four of these operations at random places, mostly those where something stands."""
    written = [position for position, byte in enumerate(data) if byte]
    for _ in range(generator.choice((1, 1, 2, 4))):
        if data:
            operation = generator.choice(list(OPERATIONS.values()))
            at = generator.choice(written) if generator.random() < 0.8 else generator.randrange(len(data))
            size = generator.choice((1, 2, 4, 8, MAX_PIECE))
            data = operation(data, min(at, len(data) - 1), size, generator.randbytes(MAX_PIECE))
    return data
