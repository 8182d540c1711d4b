# SPDX-License-Identifier: GPL-3.0-or-later
"""Balancing classes by repeating instances."""

import re
from collections.abc import Iterable

import numpy as np

from audeep.data.data_set import DataSet
from audeep.data.schema import FILENAME, INSTANCE, Partition
from audeep.errors import DataError

_COPY = re.compile(r"(\.upsampled\.\d+)+$")


def original_names(filenames: np.ndarray) -> np.ndarray:
    """Names of the recordings that instances come from: without the ending that `upsample` gives to copies."""
    return np.array([_COPY.sub("", name) for name in filenames], dtype=object)


def repetitions(labels: np.ndarray) -> np.ndarray:
    """How often each instance comes for balanced classes: max_count // count_c times for one of class c."""
    _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    times: np.ndarray = counts.max() // counts
    return times[classes]


def upsample(data_set: DataSet, partitions: Iterable[Partition] | None = None) -> DataSet:
    """Repeat instances so that classes are about equally frequent; features are shared until they are read.

    Repeated instances are named ``<filename>.upsampled.<i>``, counted from 1, so that names stay unique.

    Args:
        partitions: those to balance together, all others staying as they are; by default the whole data set.

    Raises:
        DataError: a partition is not there, or an instance to balance has no label, or several.
    """
    chosen = np.ones(len(data_set), bool)
    if partitions is not None:
        chosen = np.isin(data_set.partition, [float(partition) for partition in partitions])
        if not chosen.any():
            raise DataError("the data set has no instance in these partitions; see them with 'audeep inspect netcdf'")
    data_set.check_single_labels("to balance by")
    labels = data_set.labels_numeric
    missing = int(np.isnan(labels[chosen]).sum())
    if missing:
        raise DataError(f"{missing} of {chosen.sum()} instances to balance have no label; labels are needed here")
    times = np.ones(len(data_set), int)
    if chosen.any():
        times[chosen] = repetitions(labels[chosen])
    rows = np.repeat(np.arange(len(data_set)), times)
    copies = np.arange(len(rows)) - np.repeat(np.cumsum(times) - times, times)  # 0 for the original
    balanced = data_set[rows]
    names = [
        f"{name}.upsampled.{copy}" if copy else name for name, copy in zip(balanced.filenames, copies, strict=True)
    ]
    column = (INSTANCE, np.array(names, dtype=object))
    return DataSet(balanced.data.assign({FILENAME.name: column}), data_set.label_map)
