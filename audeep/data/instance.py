# SPDX-License-Identifier: GPL-3.0-or-later
"""A row of a data set."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from audeep.data import netcdf
from audeep.data.schema import FEATURES, FOLD, LABELS, VARIABLES, Partition, Split, Variable
from audeep.errors import DataError

if TYPE_CHECKING:
    from audeep.data.data_set import DataSet


class Instance:
    """One instance of a data set: reads and writes the columns of its row.

    None is a missing value. Several labels are their names, in the order of the data set's.
    """

    __slots__ = ("data_set", "index")

    data_set: "DataSet"
    index: int
    filename: str
    chunk_nr: int
    label_nominal: str | None
    label_numeric: int | None
    cv_folds: Sequence[Split | None]
    partition: Partition | None
    label_value: float | None
    num_frames: int | None
    verified: bool | None
    usage: str | None
    group: str | None
    labels: tuple[str, ...] | None
    features: np.ndarray

    def __init__(self, data_set: "DataSet", index: int) -> None:
        object.__setattr__(self, "data_set", data_set)
        object.__setattr__(self, "index", index)

    def __getattr__(self, name: str) -> Any:
        if name == FEATURES:
            return netcdf.read_features(self.data_set.data[FEATURES][self.index])
        variable = _variable(name)
        if variable is LABELS and not self.data_set.has_label_sets:
            return None
        value = self.data_set.data[variable.name].values[self.index]
        if variable is LABELS:
            names = np.array(self.data_set.label_names, dtype=object)
            return None if np.isnan(value).any() else tuple(names[value == 1])
        if FOLD in variable.dims:
            return [_value(variable, item) for item in value]
        return _value(variable, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == FEATURES:
            self.data_set.data[FEATURES].load()[self.index] = value
            return
        variable = _variable(name)
        if variable is LABELS and not self.data_set.has_label_sets:
            raise DataError("recordings of this data set have one label each; make one with several by label_names")
        if variable is LABELS and value is not None:
            names = self.data_set.label_names
            unknown = [label for label in value if label not in names]
            if unknown:
                raise DataError(f"{self.filename}: has the label {unknown[0]!r}, expected some of {', '.join(names)}")
            value = [name in value for name in names]
        if FOLD in variable.dims:
            value = [variable.missing if item is None else item for item in value]
        self.data_set.data[variable.name].values[self.index] = variable.missing if value is None else value

    def __repr__(self) -> str:
        known = ("filename", "chunk_nr", "label_nominal", "labels", "label_value", "partition", "group")
        found = {name: getattr(self, name) for name in known}
        found["partition"] = None if self.partition is None else self.partition.name
        facts = [f"{name}={value!r}" for name, value in found.items() if value is not None]
        return f"Instance({', '.join(facts)}, shape={self.shape})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the features."""
        return self.data_set.feature_shape


def _variable(name: str) -> Variable:
    for variable in VARIABLES:
        if variable.name == name:
            return variable
    raise AttributeError(f"an instance has no {name!r}; it has {[v.name for v in VARIABLES] + [FEATURES]}")


def _value(variable: Variable, value: Any) -> Any:
    """A single value in plain Python, None if missing."""
    if value is None or value != value:
        return None
    number_type = variable.values or variable.dtype
    return number_type(value)
