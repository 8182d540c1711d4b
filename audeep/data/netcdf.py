# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns from and to netCDF 4 files, in the format of `schema`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from audeep.data import schema
from audeep.data.schema import FEATURES, FOLD, INSTANCE, VARIABLES, Variable
from audeep.errors import DataError, OutputError, ShapeError
from audeep.files import replacing

CHUNK_BYTES = 2**16  # smallest chunk of the features on file, unless one instance is larger


class Writer:
    """Appends instances to a file that is being written: features go to disk at once, metadata at the end."""

    def __init__(self, file: netCDF4.Dataset, path: Path, num_folds: int, label_map: Mapping[str, int] | None) -> None:
        self.file = file
        self.path = path
        self.num_folds = num_folds
        self.label_map = label_map
        self.num_instances = 0
        self.columns: dict[str, list[np.ndarray]] = {variable.name: [] for variable in VARIABLES}

    def append(self, metadata: Mapping[str, ArrayLike], features: np.ndarray) -> None:
        """Add instances: columns by variable name (a column left out is missing), features [instance, ...].

        Raises:
            ShapeError: the features of an instance have another shape than the file, or a column another length.
            OutputError: the file cannot be written.
        """
        target = self.file[FEATURES]
        if features.shape[1:] != target.shape[1:]:
            raise ShapeError(f"{self.path}: features of shape {features.shape[1:]}, expected {target.shape[1:]}")
        for variable in VARIABLES:
            shape = (len(features), self.num_folds)[: len(variable.dims)]
            column = metadata.get(variable.name)
            column = variable.missing_column(shape) if column is None else np.asarray(column, _memory_type(variable))
            if column.shape != shape:
                raise ShapeError(f"{self.path}: '{variable.name}' has shape {column.shape}, expected {shape}")
            self.columns[variable.name].append(column)
        with _write_failures(self.path):
            target[self.num_instances : self.num_instances + len(features)] = features
        self.num_instances += len(features)

    def finish(self) -> None:
        """Write the metadata.

        Raises:
            OutputError: the file cannot be written.
        """
        with _write_failures(self.path):
            for variable in VARIABLES:
                shape = (self.num_instances, self.num_folds)[: len(variable.dims)]
                column = _on_file(
                    np.concatenate([variable.missing_column((0, *shape[1:])), *self.columns[variable.name]])
                )
                kind = str if column.dtype == object else column.dtype
                chunks = [max(1, min(size, 4096)) for size in shape]
                self.file.createVariable(variable.name, kind, variable.dims, chunksizes=chunks)
                if column.size:
                    self.file[variable.name][:] = column
            self.file.setncattr(schema.FEATURE_DIMS, json.dumps(self.file[FEATURES].dimensions[1:]))
            if self.label_map is not None:
                self.file.setncattr(schema.LABEL_MAP, json.dumps(sorted(self.label_map.items())))


@contextmanager
def writing(
    path: Path | str,
    feature_dims: Sequence[str],
    feature_shape: Sequence[int],
    num_folds: int = 0,
    label_map: Mapping[str, int] | None = None,
    compression: int = 0,
) -> Iterator[Writer]:
    """Write a data set file instance by instance; the file appears under its name when the block ends well.

    ::

        with writing("features.nc", ["generated"], [1024], data_set.num_folds, data_set.label_map) as writer:
            for block in data_set.blocks():
                writer.append(block.metadata, represent(block.features))

    Args:
        compression: how hard to compress the features, from 0 (not at all) to 9.

    Raises:
        OutputError: the file cannot be written.
    """
    path = Path(path)
    with replacing(path) as partial, _closing(_created(partial), path) as file:
        file.createDimension(INSTANCE, None)
        file.createDimension(FOLD, num_folds)
        for name, size in zip(feature_dims, feature_shape, strict=True):
            file.createDimension(name, size)
        together = max(1, CHUNK_BYTES // max(1, 4 * int(np.prod(feature_shape))))
        file.createVariable(
            FEATURES,
            np.float32,
            [INSTANCE, *feature_dims],
            chunksizes=[together, *(max(1, size) for size in feature_shape)],
            fill_value=np.float32(np.nan),
            compression="zlib" if compression else None,
            complevel=compression,
        )
        writer = Writer(file, path, num_folds, label_map)
        yield writer
        writer.finish()


def read(path: Path | str) -> tuple[xr.Dataset, dict[str, int] | None]:
    """Columns as `schema` has them in memory, with features that are read when asked for; and the label map.

    Raises:
        DataError: the file is missing, is not netCDF 4, or is no data set.
    """
    path = Path(path)
    if not path.is_file():
        found = "is a directory" if path.is_dir() else "no such file"
        raise DataError(f"{path}: {found}; a data set file, as 'audeep preprocess' writes, was expected")
    try:
        data = xr.open_dataset(path, engine="netcdf4", decode_times=False, decode_coords=False, cache=False)
        return _checked(path, data), _label_map(path, data.attrs)
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise DataError(f"{path}: not a readable netCDF 4 file ({reason}); write it again") from error


def _checked(path: Path, data: xr.Dataset) -> xr.Dataset:
    if FEATURES not in data or data[FEATURES].dims[:1] != (INSTANCE,):
        raise DataError(f"{path}: has no variable 'features' over 'instance'; this is no data set file of audeep")
    features = data[FEATURES]
    if features.dtype.kind not in "fiu":
        raise DataError(f"{path}: features are of type {features.dtype}, numbers were expected")
    columns = {}
    for variable in VARIABLES:
        shape = (data.sizes[INSTANCE], data.sizes.get(FOLD, 0))[: len(variable.dims)]
        column = _column(path, data, variable, shape)
        columns[variable.name] = xr.Variable(variable.dims, column, fastpath=True)  # else None becomes NaN in texts
    return xr.Dataset(columns).assign({FEATURES: features})


def _column(path: Path, data: xr.Dataset, variable: Variable, shape: tuple[int, ...]) -> np.ndarray:
    """One column as `schema` has it in memory."""
    name = variable.name
    if name not in data:
        if variable.required:
            raise DataError(f"{path}: has no variable '{name}'; this is no data set file of audeep")
        return variable.missing_column(shape)
    if data[name].dims != variable.dims:
        raise DataError(f"{path}: '{name}' is over {data[name].dims}, expected {variable.dims}; write the file again")
    values = data[name].values
    column = _texts(values) if variable.dtype is str else _numbers(values)
    if column is None:
        kind = "text" if variable.dtype is str else "whole numbers"
        raise DataError(f"{path}: '{name}' holds {values.dtype}, expected {kind}; write the file again")
    missing = _is_missing(column)
    if variable.values is not None and not np.isin(column[~missing], list(variable.values)).all():
        allowed = ", ".join(f"{value} ({value.name.lower()})" for value in variable.values)
        raise DataError(f"{path}: '{name}' holds other values than {allowed}; write the file again")
    if variable.required and missing.any():
        raise DataError(f"{path}: '{name}' lacks a value for {missing.sum()} instances; each instance needs one")
    return column.astype(_memory_type(variable))


def _memory_type(variable: Variable) -> type:
    if variable.dtype is str:
        return object
    return np.int64 if variable.required else np.float64


def _is_missing(column: np.ndarray) -> np.ndarray:
    return np.equal(column, None) if column.dtype == object else np.isnan(column)


def _texts(values: np.ndarray) -> np.ndarray | None:
    """Text with None for what is missing; None if these are no texts."""
    if values.dtype.kind == "f" and np.isnan(values).all():
        return np.full(values.shape, None, dtype=object)
    if values.dtype.kind not in "OU":
        return None
    texts = values.astype(object)
    texts[texts == ""] = None
    return texts


def _numbers(values: np.ndarray) -> np.ndarray | None:
    """Whole numbers as float64 with NaN for what is missing; None if these are no whole numbers."""
    if values.dtype.kind not in "fiu":
        return None
    numbers = values.astype(np.float64)
    present = numbers[~np.isnan(numbers)]
    return numbers if np.isfinite(present).all() and np.array_equal(present, np.trunc(present)) else None


def _on_file(column: np.ndarray) -> np.ndarray:
    """A column as `schema` says that it stands on file."""
    missing = _is_missing(column)
    if column.dtype == object:
        return np.full(column.shape, np.nan) if missing.all() and column.size else np.where(missing, "", column)
    return column if missing.any() or not column.size else column.astype(np.int64)


def _label_map(path: Path, attributes: Mapping[str, Any]) -> dict[str, int] | None:
    if schema.LABEL_MAP not in attributes:
        return None
    try:
        return {str(name): int(number) for name, number in json.loads(attributes[schema.LABEL_MAP])}
    except (TypeError, ValueError, OverflowError) as error:
        found = f"{path}: attribute 'label_map' is no JSON list of [name, number] pairs"
        raise DataError(f"{found}; write the file again") from error


def _created(path: Path) -> netCDF4.Dataset:
    path.touch()  # fails for a reason; netCDF says that permission is denied
    return netCDF4.Dataset(str(path), "w", format="NETCDF4")


@contextmanager
def _closing(file: netCDF4.Dataset, path: Path) -> Iterator[netCDF4.Dataset]:
    """Close `file` at the end; a full disk often shows only then."""
    try:
        yield file
    finally:
        with _write_failures(path):
            file.close()


@contextmanager
def _write_failures(path: Path) -> Iterator[None]:
    """Turn what the netCDF library raises into an OutputError."""
    try:
        yield
    except (RuntimeError, OSError) as error:
        raise OutputError(f"{path}: cannot be written: {error}; is the disk full?") from error
