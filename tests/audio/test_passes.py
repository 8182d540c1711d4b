# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that come in blocks, and are what they are in one array."""

import numpy as np
import pytest

from audeep.audio.passes import SUMMED, Values, normalise


def test_normalised_values_fill_minus_1_to_1():
    decibels = np.array([[-60.0, -30.0], [0.0, -45.0]])
    np.testing.assert_allclose(normalise(decibels), [[-1, 0], [1, -0.5]])
    assert decibels[0, 0] == -60


@pytest.mark.parametrize(("spread", "expected"), [(0, [0, 0]), (0.9e-4, [0, 0.9e-4]), (1.1e-4, [-1, 1])])
def test_nearly_constant_values_are_shifted_to_0_and_not_stretched(spread, expected):
    np.testing.assert_allclose(normalise(np.array([-5.0, -5.0 + spread])), expected, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (1000, 128), (3001, 129), (12345, 961)])
def test_statistics_are_the_same_to_the_last_bit_whatever_blocks_values_come_in(shape):
    values = -60 * np.random.default_rng(0).random(shape)
    found = {
        Values(iter(np.array_split(values, max(1, len(values) // size)))).statistics(values.size)
        for size in (1, 77, SUMMED)
    }
    ((mean, lowest, highest),) = found
    assert mean == pytest.approx(values.mean(), rel=1e-13) and (lowest, highest) == (values.min(), values.max())
