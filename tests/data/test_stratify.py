# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of several kinds, and groups of them, dealt evenly."""

from itertools import product

import numpy as np
import pytest

from audeep.data.stratify import deal_groups, deal_sets


def table(hands: np.ndarray, counts: np.ndarray, num_hands: int) -> np.ndarray:
    """How many of each kind a hand has [hand, kind]."""
    return np.array([counts[hands == hand].sum(axis=0) for hand in range(num_hands)])


def cost(hands: tuple[int, ...] | np.ndarray, counts: np.ndarray, num_hands: int) -> float:
    """The squared shares of all kinds, and of all recordings, in all hands."""
    counts = np.column_stack([counts, counts.sum(axis=1)])
    return float(((table(np.array(hands), counts, num_hands) / counts.sum(axis=0)) ** 2).sum())


def test_rare_kinds_are_dealt_first_and_all_are_even() -> None:
    """One of each pair of alike recordings goes to each hand, which dealing by the frequent kind first may miss."""
    members = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 0, 1], [1, 0, 0], [1, 0, 0]], bool)
    for seed in range(20):
        hands = deal_sets(members, 2, np.random.default_rng(seed))
        assert table(hands, members, 2).tolist() == [[3, 1, 1], [3, 1, 1]]


@pytest.mark.slow
@pytest.mark.parametrize("num_hands", [2, 4, 10])
def test_kinds_of_many_recordings_are_even_to_a_few_and_far_more_so_than_by_chance(num_hands: int) -> None:
    generator = np.random.default_rng(3)
    members = generator.random((2000, 80)) < generator.uniform(0.002, 0.05, 80)
    members = members[members.any(axis=1)]
    hands = deal_sets(members, num_hands, np.random.default_rng(0))
    even = members.sum(axis=0) / num_hands
    assert (np.abs(table(hands, members, num_hands) - even) < 4).all()
    assert np.ptp(np.bincount(hands, minlength=num_hands)) <= 0.03 * len(members)
    by_chance = table(np.random.default_rng(0).permutation(hands), members, num_hands) - even
    assert np.abs(table(hands, members, num_hands) - even).mean() < 0.25 * np.abs(by_chance).mean()
    np.testing.assert_array_equal(hands, deal_sets(members, num_hands, np.random.default_rng(0)))
    assert (hands != deal_sets(members, num_hands, np.random.default_rng(1))).any()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_groups_are_nearly_as_even_as_the_best_of_all_ways(seed: int) -> None:
    counts = np.random.default_rng(seed).integers(0, 9, (8, 3)) + 1
    hands = deal_groups(counts, 3, np.random.default_rng(seed))
    costs = [cost(way, counts, 3) for way in product(range(3), repeat=8)]
    best, typical = min(costs), float(np.median(costs))
    assert cost(hands, counts, 3) - best < 0.1 * (typical - best)


def test_groups_that_can_be_even_are() -> None:
    """Two speakers of each of three sizes, each speaking in both classes."""
    counts = np.array([[6, 3], [6, 3], [2, 4], [2, 4], [1, 1], [1, 1]])
    for seed in range(10):
        hands = deal_groups(counts, 2, np.random.default_rng(seed))
        assert table(hands, counts, 2).tolist() == [[9, 8], [9, 8]]


def test_no_hand_stays_empty_where_there_are_groups_enough() -> None:
    for seed in range(10):
        counts = np.eye(5, dtype=np.int64)[[0, 1, 2, 3, 4]] * 7
        assert set(deal_groups(counts, 5, np.random.default_rng(seed))) == set(range(5))
        assert set(deal_groups(np.array([[50], [1], [1]]), 3, np.random.default_rng(seed))) == {0, 1, 2}
