# SPDX-License-Identifier: GPL-3.0-or-later
"""How the C library deals with memory."""

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h


def reuse_memory() -> None:
    """Ask glibc to keep what is freed: repeated work needs the same memory again, and new pages cost time."""
    with suppress(OSError, AttributeError, TypeError):  # where the C library is another one
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, 2**25)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
