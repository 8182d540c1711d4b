# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances of different lengths, put together by length."""

import numpy as np

BATCHES_ALIKE = 16  # out of so many, instances of similar length are put together


def by_length(order: np.ndarray, lengths: np.ndarray, together: int) -> np.ndarray:
    """Indices in the order given, but each `together` of them from the shortest instance to the longest.

    Args:
        lengths: of all instances.
    """
    parts = [order[start : start + together] for start in range(0, len(order), together)]
    return np.concatenate([order[:0], *(part[np.argsort(lengths[part], kind="stable")] for part in parts)])
