# SPDX-License-Identifier: GPL-3.0-or-later
"""How the C library deals with memory."""

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h


def reuse_memory() -> None:
    """Ask glibc to keep what the main thread frees, however large: repeated work needs it again, and pages cost time.

    This holds for the process from then on, which gives memory back when over 2 GB at its end are free.
    """
    with suppress(OSError, AttributeError, TypeError):  # where the C library is another one
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
