# SPDX-License-Identifier: GPL-3.0-or-later
"""The shards in a directory, read as one data set: metadata at once, features when they are asked for."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from audeep.data import netcdf
from audeep.data.manifest import MANIFEST, Shard, shards_in
from audeep.data.schema import FEATURES, INSTANCE, LABEL, VARIABLES
from audeep.errors import DataError

MOST_OPEN = 64  # shards that one data set has open at a time
CACHE_BYTES = 2**20  # that the HDF5 library keeps of the features of each

Content = tuple[xr.Dataset, dict[str, int] | None]  # of one shard


def read(directory: Path | str) -> Content:
    """Columns and label map as `netcdf.read` gives them of one file, of all shards in `directory`.

    Raises:
        DataError: there is no manifest, or it is damaged; a shard is missing or damaged, has another number of
            instances, or does not go with the first.
    """
    directory = Path(directory)
    shards = shards_in(directory)
    paths = [directory / shard.name for shard in shards]
    states = [_state(path) for path in paths]
    heads: list[xr.Dataset] = []
    first, label_map = netcdf.read(paths[0])
    for path, shard in zip(paths, shards, strict=True):
        found = (first, label_map) if path is paths[0] else netcdf.read(path)
        _check(path, shard, found, (first, label_map))
        heads.append(found[0].drop_vars([FEATURES, LABEL], errors="ignore"))
    features = first[FEATURES]
    starts = np.cumsum([0, *(shard.instances for shard in shards)])
    rows = _Rows(paths, states, starts, features.shape[1:])
    columns = {
        variable.name: xr.Variable(
            variable.dims, np.concatenate([head[variable.name].values for head in heads]), fastpath=True
        )
        for variable in VARIABLES
        if variable.name in first
    }
    data = xr.Dataset(columns, attrs=first.attrs)
    if LABEL in first.coords:
        data = data.assign_coords({LABEL: first[LABEL].values})
    lazily = xr.Variable(features.dims, indexing.LazilyIndexedArray(rows), fastpath=True)
    lazily.encoding["source"] = str(directory)
    return data.assign({FEATURES: lazily}), label_map


def _check(path: Path, shard: Shard, found: Content, expected: Content) -> None:
    """Check that a shard is what the manifest says, and goes with the first one."""
    (data, label_map), (first, first_map) = found, expected
    if data.sizes[INSTANCE] != shard.instances:
        raise DataError(
            f"{path}: has {data.sizes[INSTANCE]} instances, {path.parent / MANIFEST} says {shard.instances}; restore"
            " it, or write all shards again"
        )
    for what, ours, theirs in (
        ("feature axes", _axes(data), _axes(first)),
        ("dimensions", _sizes(data), _sizes(first)),
        ("columns", sorted(map(str, data.variables)), sorted(map(str, first.variables))),
        ("label names", _names(data), _names(first)),
        ("label_map", label_map, first_map),
        ("attributes", data.attrs, first.attrs),
    ):
        if ours != theirs:
            raise DataError(
                f"{path}: has other {what} than the first shard ({str(ours)[:100]}, not {str(theirs)[:100]}); write all"
                " shards again"
            )


def _axes(data: xr.Dataset) -> tuple[Any, ...]:
    return data[FEATURES].dims


def _sizes(data: xr.Dataset) -> dict[Any, int]:
    return {name: size for name, size in data.sizes.items() if name != INSTANCE}


def _names(data: xr.Dataset) -> list[Any]:
    return data[LABEL].values.tolist() if LABEL in data.coords else []


def _state(path: Path) -> tuple[int, int]:
    """What changes when a file is written to."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


class _Rows(BackendArray):  # type: ignore[misc,unused-ignore]
    """The features of all shards [instance, ...], of which xarray asks for parts."""

    def __init__(
        self, paths: Sequence[Path], states: Sequence[tuple[int, int]], starts: np.ndarray, shape: tuple[int, ...]
    ) -> None:
        self.paths = paths
        self.states = states
        self.starts = starts
        self.shape = (int(starts[-1]), *shape)
        self.dtype = np.dtype(np.float32)
        self._lock = RLock()
        self._open: OrderedDict[int, xr.DataArray] = OrderedDict()

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._take)

    def _take(self, key: tuple[Any, ...]) -> np.ndarray:
        """What is at an integer, a slice or an array of positions on each axis."""
        rows = np.arange(self.shape[0])[key[0]] if isinstance(key[0], slice) else np.atleast_1d(key[0])
        owners = np.searchsorted(self.starts, rows, side="right") - 1
        found = np.empty((len(rows), *self._shape_of(key[1:])), np.float32)
        for owner in np.unique(owners):
            places = np.flatnonzero(owners == owner)
            wanted, order = np.unique(rows[places] - self.starts[owner], return_inverse=True)
            is_run = wanted[-1] - wanted[0] == len(wanted) - 1
            part = self._features(int(owner))[(slice(wanted[0], wanted[-1] + 1) if is_run else wanted, *key[1:])]
            values = netcdf.read_features(part)
            found[places] = values if np.array_equal(order, np.arange(len(values))) else values[order]
        return found if np.ndim(key[0]) or isinstance(key[0], slice) else found[0]

    def _shape_of(self, key: tuple[Any, ...]) -> tuple[int, ...]:
        """The shape of what is at these positions on the axes of the features."""
        sizes: list[int] = []
        for size, each in zip(self.shape[1:], key, strict=True):
            if isinstance(each, slice):
                sizes.append(len(range(*each.indices(size))))
            elif np.ndim(each):
                sizes.append(len(each))
        return tuple(sizes)

    def _features(self, number: int) -> xr.DataArray:
        """The features of a shard, which is opened unless it is; the one that was not used for longest is closed."""
        with self._lock:
            if number not in self._open:
                path = self.paths[number]
                if not path.is_file() or _state(path) != self.states[number]:
                    raise DataError(f"{path}: was written to after it was loaded; load it again")
                self._open[number] = netcdf.features_of(path, CACHE_BYTES)
                if len(self._open) > MOST_OPEN:
                    self._open.popitem(last=False)
            self._open.move_to_end(number)
            return self._open[number]
