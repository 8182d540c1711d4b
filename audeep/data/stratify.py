# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings spread over folds or partitions ("hands") so that all of them have about equally many of each kind."""

import numpy as np
from numpy.typing import NDArray

MOST_EXCHANGED = 400  # groups; the time for more grows with their square


def deal(keys: list[np.ndarray], num_hands: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """A hand for each recording: they are shuffled, sorted by `keys` (the last decides first), and dealt like cards.

    Recordings that are alike in the last keys follow each other, so that hands differ by at most one in their number.

    Args:
        keys: numbers [recording] each.
    """
    shuffled = generator.permutation(len(keys[0]))
    order = shuffled[np.lexsort([key[shuffled] for key in keys])]
    hands = np.empty(len(order), np.int64)
    hands[order] = np.arange(len(order)) % num_hands
    return hands


def deal_sets(members: NDArray[np.bool_], num_hands: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """A hand for each recording that is of several kinds, by iterative stratification.

    The kind that fewest of the remaining recordings have comes first; each of them goes to the hand that lacks most of
    this kind, then most recordings at all (Sechidis, Tsoumakas and Vlahavas, ECML PKDD 2011). Single moves then even
    out frequent kinds, which came last.

    Args:
        members: which kinds each recording is of [recording, kind]; at least one.
    """
    lacking = np.tile(members.sum(axis=0) / num_hands, (num_hands, 1))  # [hand, kind]
    sizes = np.full(num_hands, len(members) / num_hands)
    hands, remaining = np.full(len(members), -1), members.sum(axis=0)
    order = generator.permutation(len(members))
    while (remaining > 0).any():
        kind = int(np.argmin(np.where(remaining > 0, remaining, np.iinfo(remaining.dtype).max)))
        for row in order[members[order, kind] & (hands[order] < 0)]:
            best = np.flatnonzero(np.isclose(lacking[:, kind], lacking[:, kind].max()))
            best = best[np.isclose(sizes[best], sizes[best].max())]
            hand = hands[row] = generator.choice(best)
            lacking[hand, members[row]] -= 1
            sizes[hand] -= 1
            remaining[members[row]] -= 1
    _even_out(hands, members, num_hands)
    return hands


def _even_out(hands: NDArray[np.int64], members: NDArray[np.bool_], num_hands: int) -> None:
    """Move recordings as long as that makes the sum of squared numbers of each kind, and of all, in hands smaller.

    It is an integer, so that this ends.
    """
    kinds = np.column_stack([members, np.ones(len(members), bool)])
    held = np.array([kinds[hands == hand].sum(axis=0) for hand in range(num_hands)])
    columns = [np.flatnonzero(row) for row in kinds]
    moved = True
    while moved:
        moved = False
        for row, those in enumerate(columns):
            sums, hand = held[:, those].sum(axis=1), hands[row]
            best = int(np.argmin(sums))
            if sums[best] + len(those) < sums[hand]:
                held[hand, those] -= 1
                held[best, those] += 1
                hands[row] = best
                moved = True


def deal_groups(counts: NDArray[np.int64], num_hands: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """A hand for each group of recordings, as even as groups allow in the numbers of each kind and in all.

    What is made small is the sum of squared shares that hands have of each kind. Large groups come first; each goes to
    the hand where the sum grows least, then to that with the fewest recordings. Then groups are moved, or exchanged for
    others, as long as that makes it smaller. Where groups are no fewer than hands, no hand stays empty.

    Args:
        counts: how many recordings of each kind a group has [group, kind].
    """
    sizes = counts.sum(axis=1, keepdims=True)
    shares = np.concatenate([counts, sizes], axis=1) / np.maximum(1, np.append(counts.sum(axis=0), sizes.sum()))
    held = np.zeros((num_hands, shares.shape[1]))  # [hand, kind], recordings of any kind last
    hands = np.empty(len(counts), np.int64)
    shuffled = generator.permutation(len(counts))
    for group in shuffled[np.argsort(-sizes[shuffled, 0], kind="stable")]:
        hand = hands[group] = np.lexsort([held[:, -1], (held @ shares[group]).round(12)])[0]
        held[hand] += shares[group]
    if len(counts) <= MOST_EXCHANGED:
        _exchange(hands, shares, held)
    return hands


def _exchange(hands: NDArray[np.int64], shares: NDArray[np.float64], held: NDArray[np.float64]) -> None:
    """Move groups, or exchange them for others, as long as `held` [hand, kind] becomes more even."""
    others = np.concatenate([shares, np.zeros_like(held)])  # no group of a hand stands for a move
    where = np.concatenate([hands, np.arange(len(held))])
    improved = True
    while improved:
        improved = False
        for group, share in enumerate(shares):
            gained = others - share  # by the hand of this group, lost by the other
            growth = 2 * (gained * (held[where[group]] - held[where] + gained)).sum(axis=1)
            growth[where == where[group]] = 0
            other = int(np.argmin(growth))
            if growth[other] < -1e-9:
                held[where[group]] += gained[other]
                held[where[other]] -= gained[other]
                if other < len(shares):
                    where[[group, other]] = where[[other, group]]
                else:
                    where[group] = where[other]
                improved = True
    hands[:] = where[: len(shares)]
