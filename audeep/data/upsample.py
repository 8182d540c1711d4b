# SPDX-License-Identifier: GPL-3.0-or-later
"""Balancing classes by repeating instances."""

import numpy as np


def upsampled_indices(labels: np.ndarray) -> np.ndarray:
    """Positions in `labels` that balance the classes: each instance of class c comes max_count // count_c times."""
    _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.repeat(np.arange(len(labels)), (counts.max() // counts)[classes])
