# SPDX-License-Identifier: GPL-3.0-or-later
"""Random cross-validation folds and partitions, and their removal."""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from audeep.data.data_set import DataSet
from audeep.data.schema import CV_FOLDS, PARTITION, Partition, Split, Variable
from audeep.data.stratify import deal, deal_groups, deal_sets
from audeep.data.upsample import original_names
from audeep.errors import DataError

logger = logging.getLogger(__name__)


def modify(
    data_set: DataSet, num_folds: int | None = None, partitions: Sequence[Partition] | None = None, seed: int = 0
) -> DataSet:
    """The same instances in random folds and partitions; 0 folds or no partitions remove what there is, None leaves it.

    Raises:
        DataError: there are fewer recordings, or groups of them, than folds or partitions.
    """
    if partitions is not None:
        data_set = add_partitioning(data_set, partitions, seed) if partitions else remove_partitioning(data_set)
    if num_folds is not None:
        data_set = add_cv_setup(data_set, num_folds, seed) if num_folds else remove_cv_setup(data_set)
    return data_set


def add_cv_setup(data_set: DataSet, num_folds: int, seed: int = 0) -> DataSet:
    """The same instances in random cross-validation folds, each validated in exactly one; any old folds are replaced.

    Chunks of a recording, and what `upsample` made of it, stay together. Folds have equally many recordings of each
    class, within each partition if there are some, and equally many in all, give or take one; so have they of verified
    and of other recordings of a class. Numbers to predict by regression are spread evenly over the folds, within each
    class if there are some. A group of recordings (`DataSet.groups`) is in one fold, and recordings may have several
    labels: then classes are spread as evenly as this allows (`stratify`).

    Raises:
        DataError: there are fewer recordings, or groups of them, than folds.
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
    each class, and equally many in all, give or take one. Verified recordings, numbers to predict by regression, groups
    and several labels are dealt with as for folds.

    Raises:
        DataError: there are fewer recordings, or groups of them, than partitions.
    """
    drawn = _dealt(data_set, [], len(partitions), seed, "partitions")
    return _with_column(data_set, PARTITION, np.array(partitions, dtype=np.float64)[drawn])


def remove_partitioning(data_set: DataSet) -> DataSet:
    """The same instances without partitions."""
    return _with_column(data_set, PARTITION, np.full(len(data_set), np.nan))


def num_units(data_set: DataSet) -> int:
    """The recordings that folds can be made of, where those of a group count as one."""
    codes, first = _recordings(data_set)
    return len(first) and int(_groups(data_set[first]).max()) + 1


def _recordings(data_set: DataSet) -> tuple[np.ndarray, np.ndarray]:
    """The number of the recording of each instance, and the first instance of each recording."""
    codes, _ = pd.factorize(original_names(data_set.filenames))
    return codes, np.unique(codes, return_index=True)[1]


def _groups(recordings: DataSet) -> np.ndarray:
    """The number of the group of each recording; one that is in none is a group of its own."""
    names = [name if name is not None else index for index, name in enumerate(recordings.groups)]
    return np.asarray(pd.factorize(np.array(names, dtype=object))[0])


def _dealt(data_set: DataSet, columns: Sequence[np.ndarray], num_hands: int, seed: int, what: str) -> np.ndarray:
    """A number below `num_hands` for each instance, the same for all of a recording, and of a group if there are some.

    Recordings are spread by `columns`, by class, by whether they are verified, and by value, where `num_hands`
    neighbouring values count as one.
    """
    codes, first = _recordings(data_set)
    if len(first) < num_hands:
        raise DataError(f"{len(first)} recordings cannot be spread over {num_hands} {what}; ask for fewer")
    recordings, generator = data_set[first], np.random.default_rng(seed)
    columns = [column[first] for column in columns]
    if recordings.has_label_sets or recordings.has_groups:
        hands = _dealt_in_groups(recordings, columns, num_hands, generator, what)
    else:
        strata = [recordings.verified, recordings.labels_numeric, *columns]
        values = pd.Series(recordings.label_values)
        neighbours = (values.groupby(strata, dropna=False).rank(method="first") - 1) // num_hands
        _warn_of_rare(recordings, np.arange(len(first)), num_hands, what)
        hands = deal([neighbours.to_numpy(), *strata], num_hands, generator)
    dealt: np.ndarray = hands[codes]
    return dealt


def _dealt_in_groups(
    recordings: DataSet, columns: Sequence[np.ndarray], num_hands: int, generator: np.random.Generator, what: str
) -> np.ndarray:
    """A number for each recording, where some have several labels or are in groups; others are groups of their own."""
    kinds = _kinds(recordings, columns)
    groups = _groups(recordings)
    num_groups = int(groups.max()) + 1
    if num_groups < num_hands:
        raise DataError(f"{num_groups} groups cannot be spread over {num_hands} {what}; ask for fewer")
    _warn_of_rare(recordings, groups, num_hands, what)
    if num_groups == len(recordings):
        return deal_sets(kinds, num_hands, generator)
    counts = np.zeros((num_groups, kinds.shape[1]), np.int64)
    np.add.at(counts, groups, kinds)
    return np.asarray(deal_groups(counts, num_hands, generator)[groups])


def _kinds(recordings: DataSet, columns: Sequence[np.ndarray]) -> np.ndarray:
    """What each recording counts as [recording, kind], bool: its labels, each apart for `columns` and verified ones."""
    values = pd.Series(recordings.label_values)
    quarters = (values.rank(method="first") - 1) * 4 // max(1, values.count())
    strata = [*columns, recordings.verified, quarters.to_numpy()]
    if recordings.has_label_sets:
        labels = recordings.label_sets
        labels = np.column_stack([labels, ~labels.any(axis=1)])
    else:
        labels = _one_of_each([recordings.labels_numeric])
    of_stratum = _one_of_each(strata)
    kinds: np.ndarray = np.concatenate([labels & stratum[:, np.newaxis] for stratum in of_stratum.T], axis=1)
    return kinds[:, kinds.any(axis=0)]


def _one_of_each(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Which of the different rows of `columns` each row is [row, different row], bool."""
    codes = pd.DataFrame(dict(enumerate(columns))).groupby(list(range(len(columns))), dropna=False).ngroup().to_numpy()
    one: np.ndarray = codes[:, np.newaxis] == np.arange(codes.max() + 1)
    return one


def _warn_of_rare(recordings: DataSet, groups: np.ndarray, num_hands: int, what: str) -> None:
    """Warn of classes that are in fewer groups than there are hands."""
    if recordings.has_label_sets:
        rows, positions = np.nonzero(recordings.label_sets)
        found = dict(enumerate(recordings.label_names))
    else:
        rows = np.flatnonzero(~np.isnan(recordings.labels_numeric))
        positions = recordings.labels_numeric[rows].astype(int)
        found = {number: name for name, number in recordings.labels.items()}
    pairs = np.unique(np.column_stack([positions, groups[rows]]), axis=0)
    labels, counts = np.unique(pairs[:, 0], return_counts=True)
    if (counts < num_hands).any():
        rare = ", ".join(str(found.get(int(label), int(label))) for label in labels[counts < num_hands][:3])
        unit = "groups" if recordings.has_groups else "recordings"
        logger.warning(
            "%d classes (%s) have fewer %s than the %d %s; some have none of them",
            *((counts < num_hands).sum(), rare, unit, num_hands, what),
        )


def _with_column(data_set: DataSet, variable: Variable, column: np.ndarray) -> DataSet:
    return DataSet(
        data_set.data.drop_vars(variable.name).assign({variable.name: (variable.dims, column)}), data_set.label_map
    )
