# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances put together by length."""

import numpy as np

from audeep.data.lengths import by_length


def test_each_part_of_an_order_runs_from_the_shortest_to_the_longest() -> None:
    lengths = np.array([5, 1, 4, 2, 3, 9, 8])
    order = np.array([6, 0, 1, 2, 3, 4, 5])
    assert by_length(order, lengths, 3).tolist() == [1, 0, 6, 3, 4, 2, 5]
    assert by_length(order, lengths, 100).tolist() == [1, 3, 4, 2, 0, 6, 5]
    assert by_length(order[:0], lengths, 3).tolist() == []


def test_equal_lengths_stay_in_order() -> None:
    assert by_length(np.array([3, 0, 2, 1]), np.array([7, 7, 7, 7]), 4).tolist() == [3, 0, 2, 1]
