# SPDX-License-Identifier: GPL-3.0-or-later
"""How the C library deals with memory."""

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # of malloc.h


def reuse_memory() -> None:
    """Ask glibc to keep what is freed: repeated work needs the same memory again, and new pages cost time."""
    with suppress(OSError, AttributeError, TypeError):  # where the C library is another one
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_ARENA_MAX, 1)  # the others map memory anew
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
