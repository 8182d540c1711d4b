# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics over time."""

import numpy as np
import pytest
import torch

from audeep.models.layers.pooling import pooled


def by_numpy(activations: np.ndarray) -> np.ndarray:
    """Mean, log standard deviation, and that of deltas, of [time, units]."""
    change = np.diff(activations, axis=0).std(axis=0) if len(activations) > 1 else np.zeros(activations.shape[1])
    return np.concatenate(
        [activations.mean(axis=0), np.log(activations.std(axis=0) + 0.03), np.log(change + 0.01)], axis=0
    )


@pytest.mark.parametrize("lengths", [None, [9, 1, 4, 2]])
def test_pooled_are_mean_and_log_standard_deviations_of_the_true_frames(lengths):
    activations = torch.randn(9, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = pooled(activations, None if lengths is None else torch.tensor(lengths))
    for index, each in enumerate(activations.unbind(1)):
        length = 9 if lengths is None else lengths[index]
        np.testing.assert_allclose(found[index], by_numpy(each[:length].numpy()), rtol=1e-9)
