# SPDX-License-Identifier: GPL-3.0-or-later
"""Random cross-validation folds and partitions, and their removal."""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from audeep.data.data_set import DataSet
from audeep.data.schema import CV_FOLDS, PARTITION, Partition, Split, Variable
from audeep.data.upsample import original_names
from audeep.errors import DataError

logger = logging.getLogger(__name__)


def modify(
    data_set: DataSet, num_folds: int | None = None, partitions: Sequence[Partition] | None = None, seed: int = 0
) -> DataSet:
    """The same instances in random folds and partitions; 0 folds or no partitions remove what there is, None leaves it.

    Raises:
        DataError: there are fewer recordings than folds or partitions.
    """
    if partitions is not None:
        data_set = add_partitioning(data_set, partitions, seed) if partitions else remove_partitioning(data_set)
    if num_folds is not None:
        data_set = add_cv_setup(data_set, num_folds, seed) if num_folds else remove_cv_setup(data_set)
    return data_set


def add_cv_setup(data_set: DataSet, num_folds: int, seed: int = 0) -> DataSet:
    """The same instances in random cross-validation folds, each validated in exactly one; any old folds are replaced.

    Chunks of a recording, and what `upsample` made of it, stay together. Folds have equally many recordings of each
    class, within each partition if there are some, and equally many in all, give or take one. Numbers to predict by
    regression are spread evenly over the folds, within each class if there are some.

    Raises:
        DataError: there are fewer recordings than folds.
    """
    fold = _dealt(data_set, [data_set.partition], num_folds, seed, "folds")
    folds = np.where(fold[:, np.newaxis] == np.arange(num_folds), Split.VALID, Split.TRAIN)
    return _with_column(data_set, CV_FOLDS, folds.astype(np.float64))


def remove_cv_setup(data_set: DataSet) -> DataSet:
    """The same instances without cross-validation folds."""
    return _with_column(data_set, CV_FOLDS, np.empty((len(data_set), 0)))


def add_partitioning(data_set: DataSet, partitions: Sequence[Partition], seed: int = 0) -> DataSet:
    """The same instances in random partitions; any old partitions are replaced.

    Chunks of a recording, and what `upsample` made of it, stay together. Partitions have equally many recordings of
    each class, and equally many in all, give or take one. Numbers to predict by regression are spread evenly over them.

    Raises:
        DataError: there are fewer recordings than partitions.
    """
    drawn = _dealt(data_set, [], len(partitions), seed, "partitions")
    return _with_column(data_set, PARTITION, np.array(partitions, dtype=np.float64)[drawn])


def remove_partitioning(data_set: DataSet) -> DataSet:
    """The same instances without partitions."""
    return _with_column(data_set, PARTITION, np.full(len(data_set), np.nan))


def _dealt(data_set: DataSet, columns: Sequence[np.ndarray], num_hands: int, seed: int, what: str) -> np.ndarray:
    """A number below `num_hands` for each instance, the same for all of a recording.

    Recordings are shuffled, ordered by what is known of their first instance, and dealt like cards: by `columns` (the
    last decides first), then by class, then by value, where `num_hands` neighbouring values count as one.
    """
    codes, _ = pd.factorize(original_names(data_set.filenames))
    _, first = np.unique(codes, return_index=True)
    strata = [column[first] for column in (data_set.labels_numeric, *columns)]
    labels, values = strata[0], pd.Series(data_set.label_values[first])
    neighbours = (values.groupby(strata, dropna=False).rank(method="first") - 1) // num_hands
    strata.insert(0, neighbours.to_numpy())
    if len(first) < num_hands:
        raise DataError(f"{len(first)} recordings cannot be spread over {num_hands} {what}; ask for fewer")
    labels, counts = np.unique(labels[~np.isnan(labels)], return_counts=True)
    if (counts < num_hands).any():
        names = {number: name for name, number in data_set.labels.items()}
        rare = ", ".join(str(names.get(int(label), int(label))) for label in labels[counts < num_hands][:3])
        logger.warning(
            "%d classes (%s) have fewer recordings than the %d %s; some have none of them",
            *((counts < num_hands).sum(), rare, num_hands, what),
        )
    shuffled = np.random.default_rng(seed).permutation(len(first))
    order = shuffled[np.lexsort([stratum[shuffled] for stratum in strata])]
    hands = np.empty(len(first), int)
    hands[order] = np.arange(len(first)) % num_hands
    dealt: np.ndarray = hands[codes]
    return dealt


def _with_column(data_set: DataSet, variable: Variable, column: np.ndarray) -> DataSet:
    return DataSet(
        data_set.data.drop_vars(variable.name).assign({variable.name: (variable.dims, column)}), data_set.label_map
    )
