# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets put together."""

from collections.abc import Sequence

import xarray as xr

from audeep.data.data_set import DataSet
from audeep.data.schema import INSTANCE
from audeep.errors import DataError, ShapeError


def concat_instances(data_sets: Sequence[DataSet]) -> DataSet:
    """One data set with the instances of all, in order; reads the features.

    Raises:
        ShapeError: features differ in shape or axes.
        DataError: no data set is given, or they differ in the number of folds or in the label map.
    """
    if not data_sets:
        raise DataError("there is no data set to concatenate; give at least one")
    first = data_sets[0]
    for number, data_set in enumerate(data_sets[1:], 2):
        for what in ("feature_dims", "feature_shape"):
            found, expected = getattr(data_set, what), getattr(first, what)
            if found != expected:
                raise ShapeError(f"data set {number} has {what} {found}, the first has {expected}; they must agree")
        for what in ("num_folds", "label_map"):
            found, expected = getattr(data_set, what), getattr(first, what)
            if found != expected:
                raise DataError(f"data set {number} has {what} {found}, the first has {expected}; they must agree")
    return DataSet(xr.concat([data_set.data for data_set in data_sets], dim=INSTANCE), first.label_map)
