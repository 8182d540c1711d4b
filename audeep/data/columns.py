# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns of metadata as they stand on file, and as they are in memory (`schema` describes both)."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from audeep.data.schema import Variable
from audeep.errors import DataError
from audeep.runtime.constants import LARGEST_INTEGER


def is_missing(column: np.ndarray) -> np.ndarray:
    """Which values of a column in memory are missing, bool."""
    missing: np.ndarray = pd.isna(column)
    return missing


def memory_type(variable: Variable) -> type:
    """NumPy's type of a column in memory."""
    if variable.dtype is str:
        return object
    return np.int64 if variable.required else np.float64


def kind_of(dtype: np.dtype) -> str:
    """What an array on file holds, in words."""
    return {"O": "text", "U": "text", "S": "bytes"}.get(dtype.kind, str(dtype))


def from_file(path: Path, data: xr.Dataset, variable: Variable, shape: tuple[int, ...]) -> np.ndarray:
    """A column of the file at `path` as it is in memory.

    Raises:
        DataError: it is not there though it must be, or holds something else than it should.
    """
    name = variable.name
    if name not in data:
        if variable.required:
            raise DataError(f"{path}: has no variable '{name}'; this is not a data set file of audeep")
        return variable.missing_column(shape)
    if data[name].dims != variable.dims:
        raise DataError(f"{path}: '{name}' is over {data[name].dims}, expected {variable.dims}; write the file again")
    values = data[name].values
    column = texts_of(values) if variable.dtype is str else _numbers(values, variable.dtype)
    if column is None:
        kind = {str: "text", int: "integers", float: "finite numbers", bool: "0 and 1"}[variable.dtype]
        raise DataError(f"{path}: '{name}' holds {kind_of(values.dtype)}, expected {kind}; write the file again")
    missing = is_missing(column)
    if variable.values is not None and not np.isin(column[~missing], list(variable.values)).all():
        allowed = ", ".join(f"{value} ({value.name.lower()})" for value in variable.values)
        raise DataError(f"{path}: '{name}' holds other values than {allowed}; write the file again")
    if variable.required and missing.any():
        raise DataError(f"{path}: '{name}' lacks a value for {missing.sum()} instances; each instance needs one")
    return column.astype(memory_type(variable))


def to_file(column: np.ndarray, variable: Variable) -> np.ndarray:
    """A column in memory as it stands on file."""
    missing = is_missing(column)
    if column.dtype == object:
        return np.full(column.shape, np.nan) if missing.all() and column.size else np.where(missing, "", column)
    return column if variable.dtype is float or missing.any() or not column.size else column.astype(np.int64)


def texts_of(values: np.ndarray) -> np.ndarray | None:
    """Text on file with None for what is missing; None if this is not text."""
    if values.dtype.kind == "f" and np.isnan(values).all():
        return np.full(values.shape, None, dtype=object)
    if values.dtype.kind not in "OU":
        return None
    texts = values.astype(object)
    texts[texts == ""] = None
    return texts


def _numbers(values: np.ndarray, kind: type) -> np.ndarray | None:
    """Numbers as float64 with NaN for what is missing; None if some are too large, or not of the kind.

    Args:
        kind: int, float for any finite numbers, or bool for 0 and 1.
    """
    if values.dtype.kind not in "fiu":
        return None
    numbers = values.astype(np.float64)
    present = numbers[~np.isnan(numbers)]
    if kind is float:
        return numbers if np.isfinite(present).all() else None
    if kind is bool:
        return numbers if np.isin(present, (0, 1)).all() else None
    return numbers if (np.abs(present) <= LARGEST_INTEGER).all() and (present == np.trunc(present)).all() else None
