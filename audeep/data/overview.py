# SPDX-License-Identifier: GPL-3.0-or-later
"""What recordings there are, before anything is learned from them: how many of each class, and how long they are."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audeep.data.data_set import DataSet
from audeep.data.schema import TIME, Partition
from audeep.data.scores import truth_of
from audeep.errors import DataError

VERIFIED, UNVERIFIED, UNKNOWN = "verified", "not verified", "not known"
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class Overview:
    """Columns of recordings, or of the instances of a data set.

    Attributes:
        names: of the labels.
        truth: which of them each recording has, bool [recording, label].
        verified: whether labels were checked by hand [recording]: 1, 0, or NaN where that is not known.
        partition: values of `Partition` [recording], or NaN.
        lengths: in samples of one channel, or in frames where `rates` is None; None where they were not asked for.
        rates: sample rates in Hz [recording].
    """

    names: tuple[str, ...]
    truth: NDArray[np.bool_]
    verified: NDArray[np.float64]
    partition: NDArray[np.float64]
    lengths: NDArray[np.int64] | None = None
    rates: NDArray[np.int64] | None = None

    @property
    def durations(self) -> NDArray[np.float64]:
        """Lengths in seconds, or in frames where there are no sample rates [recording]."""
        assert self.lengths is not None, "lengths were asked for"
        return self.lengths / (np.ones(len(self.lengths)) if self.rates is None else self.rates)

    @property
    def parts(self) -> dict[str, NDArray[np.int64]]:
        """The recordings of each partition that has any, by name; those of none come last."""
        found = {part.name: np.flatnonzero(self.partition == part) for part in Partition}
        found["no partition"] = np.flatnonzero(np.isnan(self.partition))
        return {name: rows for name, rows in found.items() if len(rows)}


@dataclass(frozen=True)
class ClassCounts:
    """How many recordings have each label; labels are in ascending order of that, and by name where it is equal.

    Attributes:
        names: of the labels.
        parts: by whether labels are verified, as far as that occurs, [label]; all are "not known" where nothing is.
    """

    names: tuple[str, ...]
    parts: dict[str, NDArray[np.int64]]

    @property
    def totals(self) -> NDArray[np.int64]:
        """Recordings of each label [label]."""
        found: NDArray[np.int64] = np.sum(list(self.parts.values()), axis=0, dtype=np.int64)
        return found


@dataclass(frozen=True)
class Peak:
    """A length that several recordings have to the sample, or frame.

    Attributes:
        length: in samples, or in frames where `rate` is None.
        rate: their sample rate in Hz.
        counts: recordings by the names of `Overview.parts`.
    """

    length: int
    rate: int | None
    counts: dict[str, int]


def overview_of(data_set: DataSet) -> Overview:
    """The instances of a data set; lengths in frames where features have a time axis.

    Raises:
        DataError: there is none.
    """
    if not len(data_set):
        raise DataError("there is no instance to draw; check the input with 'audeep inspect netcdf'")
    names = tuple(data_set.labels)
    lengths = data_set.num_frames if data_set.feature_dims[:1] == (TIME,) else None
    return Overview(names, truth_of(data_set, names), data_set.verified, data_set.partition, lengths)


def class_counts(overview: Overview) -> ClassCounts:
    """How many recordings have each label, by whether it is verified.

    Raises:
        DataError: no recording has a label.
    """
    if not overview.truth.any():
        raise DataError("no recording has a label, so there are no classes to count; check where labels are from")
    flags = {VERIFIED: overview.verified == 1, UNVERIFIED: overview.verified == 0, UNKNOWN: np.isnan(overview.verified)}
    names, totals = overview.names, overview.truth.sum(axis=0)
    order = sorted(range(len(names)), key=lambda label: (totals[label], names[label]))
    counts = {flag: overview.truth[rows].sum(axis=0)[order] for flag, rows in flags.items()}
    return ClassCounts(
        tuple(names[label] for label in order), {flag: found for flag, found in counts.items() if found.any()}
    )


def length_quantiles(overview: Overview) -> dict[str, NDArray[np.float64]]:
    """The `QUANTILES` of `Overview.durations` for each label that a recording has, in ascending order of the median."""
    durations = overview.durations
    found = {
        name: np.quantile(durations[overview.truth[:, label]], QUANTILES)
        for label, name in enumerate(overview.names)
        if overview.truth[:, label].any()
    }
    return dict(sorted(found.items(), key=lambda pair: (pair[1][QUANTILES.index(0.5)], pair[0])))


def frequent_lengths(overview: Overview, most: int = 10) -> list[Peak]:
    """The lengths that most recordings share exactly, the most frequent first; equally frequent ones by length.

    Args:
        most: how many of them.
    """
    assert overview.lengths is not None, "lengths were asked for"
    rates = np.zeros(len(overview.lengths), np.int64) if overview.rates is None else overview.rates
    keys = list(zip(overview.lengths.tolist(), rates.tolist(), strict=True))
    by_part = {name: Counter(keys[row] for row in rows) for name, rows in overview.parts.items()}
    shared = [(key, count) for key, count in Counter(keys).items() if count > 1]
    shared.sort(key=lambda pair: (-pair[1], pair[0]))
    return [
        Peak(length, rate or None, {name: counts[length, rate] for name, counts in by_part.items()})
        for (length, rate), _ in shared[:most]
    ]
