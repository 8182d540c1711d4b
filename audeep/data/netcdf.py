# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns from and to netCDF 4 files, in the format of `schema`."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from audeep.data import schema
from audeep.data.checks import NAMES, check_declaration, checked
from audeep.data.columns import is_missing, memory_type, to_file
from audeep.data.hdf5 import LIBRARY, OpenFile, created, in_time, netCDF4, unreadable, write_errors
from audeep.data.schema import FEATURES, FOLD, INSTANCE, LABEL, LABELS, VARIABLES
from audeep.errors import DataError, ShapeError
from audeep.runtime.files import found_at, replacing

CHUNK_BYTES = 2**16  # smallest chunk of the features on file, unless one instance is larger
LARGEST_CHUNK = 2**25  # bytes; longer instances are stored and written in parts


class Writer:
    """Appends instances to a file that is being written: features go to disk at once, metadata at the end."""

    def __init__(
        self, file: netCDF4.Dataset, path: Path, label_map: Mapping[str, int] | None, label_names: Sequence[str] = ()
    ) -> None:
        self.file = file
        self.path = path
        self.label_map = label_map
        self.label_names = label_names
        with LIBRARY:
            self.sizes = {name: dimension.size for name, dimension in file.dimensions.items()}
            self.feature_shape = file[FEATURES].shape[1:]
        self.num_instances = 0
        self.columns: dict[str, list[np.ndarray]] = {variable.name: [] for variable in VARIABLES}

    def append(self, metadata: Mapping[str, ArrayLike], features: np.ndarray) -> None:
        """Add instances: columns by variable name (a column left out is missing), features [instance, ...].

        Several labels are given for all instances, or for none.

        Raises:
            ShapeError: the features of an instance have another shape than the file, or a column another length.
            OSError: the file cannot be written.
        """
        if features.shape[1:] != self.feature_shape:
            raise ShapeError(f"{self.path}: features of shape {features.shape[1:]}, expected {self.feature_shape}")
        for variable in VARIABLES:
            shape = variable.shape({**self.sizes, INSTANCE: len(features)})
            values, kind = metadata.get(variable.name), memory_type(variable)
            if variable is LABELS and values is None:
                continue
            try:
                column = variable.missing_column(shape) if values is None else np.asarray(values, kind)
            except ValueError as error:
                raise ShapeError(f"{self.path}: '{variable.name}' has rows that differ in length") from error
            if column.shape != shape:
                raise ShapeError(f"{self.path}: '{variable.name}' has shape {column.shape}, expected {shape}")
            self.columns[variable.name].append(column)
        with write_errors(self.path):
            self._write(features)
        self.num_instances += len(features)

    def _write(self, features: np.ndarray) -> None:
        """Write the features of instances, long ones chunk by chunk: the netCDF library copies what it writes."""
        target, start, chunk = self.file[FEATURES], self.num_instances, _chunk_of(self.feature_shape)
        if not chunk or chunk[0] >= self.feature_shape[0]:
            target[start : start + len(features)] = features
            return
        for row, instance in enumerate(features, start):
            for first in range(0, len(instance), chunk[0]):
                target[row, first : first + chunk[0]] = instance[first : first + chunk[0]]

    @property
    def _has_label_sets(self) -> bool:
        """Whether recordings have several labels, also where none of them is known."""
        is_axis_of_labels = bool(self.label_names) and LABEL not in self.file[FEATURES].dimensions
        return is_axis_of_labels or bool(self.columns[LABELS.name])

    def finish(self) -> None:
        """Write the metadata.

        Raises:
            OSError: the file cannot be written.
        """
        with write_errors(self.path):
            for variable in VARIABLES:
                shape = variable.shape({**self.sizes, INSTANCE: self.num_instances})
                column = np.concatenate([variable.missing_column((0, *shape[1:])), *self.columns[variable.name]])
                if variable is LABELS:
                    if not self._has_label_sets:
                        continue
                elif not variable.always and is_missing(column).all():
                    continue
                column = to_file(column, variable)
                kind = str if column.dtype == object else column.dtype
                chunks = [max(1, min(size, 4096)) for size in shape]
                self.file.createVariable(variable.name, kind, variable.dims, chunksizes=chunks)
                if column.size:
                    self.file[variable.name][:] = column
            if self.label_names:
                self.file.createVariable(LABEL, str, [LABEL])[:] = np.array(self.label_names, dtype=object)
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
    attributes: Mapping[str, str] | None = None,
    in_place: bool = False,
    label_names: Sequence[str] = (),
) -> Iterator[Writer]:
    """Write a data set file instance by instance; the file appears under its name when the block ends well.

    ::

        with writing("features.nc", ["generated"], [1024], data_set.num_folds, data_set.label_map) as writer:
            for block in data_set.blocks():
                writer.append(block.metadata, embed(block.features))

    Args:
        compression: how hard to compress the features, from 0 (not at all) to 9.
        attributes: others of the file than those that are written anyway.
        in_place: write to `path` at once, where the caller replaces files; what fails is an OSError then.
        label_names: of the axis `label`, for recordings with several labels or features that are scores.

    Raises:
        OutputError: the file cannot be written.
    """
    path = Path(path)
    with nullcontext(path) if in_place else replacing(path) as partial, created(partial) as file:
        with LIBRARY:
            file.createDimension(INSTANCE, None)
            file.createDimension(FOLD, num_folds)
            if label_names and LABEL not in feature_dims:
                file.createDimension(LABEL, len(label_names))
            for name, size in zip(feature_dims, feature_shape, strict=True):
                file.createDimension(name, size)
            together = max(1, CHUNK_BYTES // max(1, 4 * int(np.prod(feature_shape))))
            file.createVariable(
                FEATURES,
                "f4",
                [INSTANCE, *feature_dims],
                chunksizes=[together, *_chunk_of(feature_shape)],
                fill_value=np.float32(np.nan),
                compression="zlib" if compression else None,
                complevel=cast(Any, compression),
            )
            file.setncatts(attributes or {})
        writer = Writer(file, path, label_map, label_names)
        yield writer
        writer.finish()


def _chunk_of(shape: Sequence[int]) -> list[int]:
    """The part of an instance that is stored together: all of it, or, where it is long, some frames."""
    sizes = [max(1, size) for size in shape]
    if 4 * math.prod(sizes) > LARGEST_CHUNK:
        sizes[0] = max(1, LARGEST_CHUNK // (4 * math.prod(sizes[1:])))
    return sizes


def read(path: Path | str) -> tuple[xr.Dataset, dict[str, int] | None]:
    """Columns as `schema` has them in memory, with features that are read when asked for; and the label map.

    Raises:
        DataError: the file is missing, is not netCDF 4, or is not a data set.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: {found_at(path)}; a data set file, as 'audeep preprocess' writes, was expected")
    try:
        return in_time(_read, path)
    except DataError:
        raise
    except Exception as error:  # damaged files make netCDF4 and xarray raise almost anything
        raise unreadable(path, error) from error


def read_features(features: xr.DataArray) -> np.ndarray:
    """The values of `features` or a part of them, float32.

    Raises:
        DataError: the file is damaged where they are.
    """
    try:
        return features.values.astype(np.float32, copy=False)
    except (OSError, RuntimeError) as error:
        raise unreadable(features.encoding.get("source", FEATURES), error) from error


def features_of(path: Path, cache_bytes: int) -> xr.DataArray:
    """The features alone of a file that was read before, of which the library keeps so many bytes.

    Raises:
        DataError: the file is damaged.
    """
    try:
        return in_time(lambda path: _opened(path, cache_bytes)[FEATURES], path)
    except DataError:
        raise
    except Exception as error:
        raise unreadable(path, error) from error


def _read(path: Path) -> tuple[xr.Dataset, dict[str, int] | None]:
    return checked(path, _opened(path))


def _opened(path: Path, cache_bytes: int | None = None) -> xr.Dataset:
    """What audeep knows of the variables of a file, as they are there; nothing is read."""
    file = OpenFile(path)
    foreign = [name for name in file.file.variables if name not in NAMES]
    for name, variable in file.file.variables.items():
        if name in NAMES:
            check_declaration(path, name, variable)
    if cache_bytes is not None:
        file.file[FEATURES].set_var_chunk_cache(cache_bytes)
    store = xr.backends.NetCDF4DataStore(file, lock=file)  # type: ignore[no-untyped-call]
    return xr.open_dataset(store, drop_variables=foreign, decode_times=False, decode_coords=False, cache=False)
