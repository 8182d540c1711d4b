# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets of instances with metadata and features: in memory, and in netCDF 4 files (format: `schema`)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import xarray as xr

from audeep.data import netcdf, schema
from audeep.data.columns import is_missing
from audeep.data.schema import FEATURES, FOLD, INSTANCE, VARIABLES, Partition, Split, Variable
from audeep.errors import DataError, ShapeError

BLOCK_BYTES = 32 * 2**20  # features held in memory at a time when a data set is passed through


class DataSet:
    """Instances with metadata and features.

    Metadata are typed columns in memory; features stay on disk until they are asked for. Selections (`split`,
    `partitions`, `shuffled`, `[start:stop]`, `[indices]`) give new data sets that share the features on disk.

    Args:
        data: the variables of `schema.VARIABLES` and `features`, as `schema` describes them in memory.
        label_map: numbers of the nominal labels; None if any label goes.
    """

    def __init__(self, data: xr.Dataset, label_map: Mapping[str, int] | None = None) -> None:
        self.data = data
        self.label_map = dict(label_map) if label_map is not None else None

    def __len__(self) -> int:
        return self.data.sizes[INSTANCE]

    @overload
    def __getitem__(self, index: int | np.integer[Any]) -> "Instance": ...

    @overload
    def __getitem__(self, index: slice | Sequence[int] | np.ndarray) -> "DataSet": ...

    def __getitem__(self, index: int | np.integer[Any] | slice | Sequence[int] | np.ndarray) -> "Instance | DataSet":
        if isinstance(index, int | np.integer):
            if not -len(self) <= index < len(self):
                raise DataError(f"instance {index} is out of range: the data set has instances 0 to {len(self) - 1}")
            return Instance(self, int(index) % len(self))
        return DataSet(self.data.isel({INSTANCE: index}), self.label_map)

    def __iter__(self) -> Iterator["Instance"]:
        return (Instance(self, index) for index in range(len(self)))

    @property
    def filenames(self) -> np.ndarray:
        """[instance], text."""
        return self.data[schema.FILENAME.name].values

    @property
    def chunk_nrs(self) -> np.ndarray:
        """[instance], int64."""
        return self.data[schema.CHUNK_NR.name].values

    @property
    def labels_nominal(self) -> np.ndarray:
        """[instance], text or None."""
        return self.data[schema.LABEL_NOMINAL.name].values

    @property
    def labels_numeric(self) -> np.ndarray:
        """[instance], float64 with NaN where there is no label."""
        return self.data[schema.LABEL_NUMERIC.name].values

    @property
    def cv_folds(self) -> np.ndarray:
        """[instance, fold], float64: values of `Split`, or NaN."""
        return self.data[schema.CV_FOLDS.name].values

    @property
    def partition(self) -> np.ndarray:
        """[instance], float64: values of `Partition`, or NaN."""
        return self.data[schema.PARTITION.name].values

    @property
    def label_values(self) -> np.ndarray:
        """Numbers to predict by regression [instance], float64 with NaN where there is none."""
        return self.data[schema.LABEL_VALUE.name].values

    @property
    def num_frames(self) -> np.ndarray:
        """Frames of each spectrogram [instance], int64; what follows on the first axis of its features is padding."""
        column = self.data[schema.NUM_FRAMES.name].values
        return np.where(np.isnan(column), self.feature_shape[0], column).astype(np.int64)

    @property
    def is_padded(self) -> bool:
        """Whether there are spectrograms with fewer frames than the first axis of the features is long."""
        return len(self.feature_shape) > 1 and bool((self.num_frames < self.feature_shape[0]).any())

    @property
    def features(self) -> np.ndarray:
        """[instance, ...], float32; reads all of them."""
        if not len(self):  # of which older versions of xarray lose the shape
            return np.empty((0, *self.feature_shape), np.float32)
        return netcdf.read_features(self.data[FEATURES])

    @property
    def metadata(self) -> dict[str, np.ndarray]:
        """All columns but the features, by variable name."""
        return {variable.name: self.data[variable.name].values for variable in VARIABLES}

    @property
    def feature_dims(self) -> tuple[str, ...]:
        """Names of the feature axes."""
        return tuple(str(dim) for dim in self.data[FEATURES].dims[1:])

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of the features of one instance."""
        return self.data[FEATURES].shape[1:]

    @property
    def num_folds(self) -> int:
        """Cross-validation folds; 0 if there is no cross-validation information."""
        return self.data.sizes[FOLD]

    @property
    def has_cv_info(self) -> bool:
        """Whether each instance has a split in each of at least one fold."""
        return self.num_folds > 0 and not np.isnan(self.cv_folds).any()

    @property
    def has_partition_info(self) -> bool:
        """Whether there are instances, and each belongs to a partition."""
        return len(self) > 0 and not np.isnan(self.partition).any()

    @property
    def has_values(self) -> bool:
        """Whether an instance has a number to predict by regression."""
        return not np.isnan(self.label_values).all()

    @property
    def preprocessing(self) -> dict[str, Any] | None:
        """Settings that the spectrograms were made with, by name, where that is known."""
        settings = self.data.attrs.get(schema.PREPROCESSING)
        return None if settings is None else json.loads(settings)

    @property
    def source(self) -> str | None:
        """The file that the features are read from, if they come from one."""
        return self.data[FEATURES].encoding.get("source")

    @property
    def is_fully_labelled(self) -> bool:
        """Whether each instance has a nominal and a numeric label."""
        return not np.isnan(self.labels_numeric).any() and None not in self.labels_nominal

    @property
    def labels(self) -> dict[str, int]:
        """Numbers of the labels by name, sorted by number: the label map, or else what the instances show."""
        pairs = self.label_map
        if pairs is None:
            labelled = ~np.isnan(self.labels_numeric) & ~is_missing(self.labels_nominal)
            pairs = dict(zip(self.labels_nominal[labelled], self.labels_numeric[labelled].astype(int), strict=True))
        return dict(sorted(((str(name), int(number)) for name, number in pairs.items()), key=lambda pair: pair[1]))

    def blocks(self, max_bytes: int = BLOCK_BYTES) -> Iterator["DataSet"]:
        """Consecutive parts whose features fit into `max_bytes` each, or are one instance."""
        step = max(1, max_bytes // max(1, 4 * int(np.prod(self.feature_shape))))
        return (self[start : start + step] for start in range(0, len(self), step))

    def split(self, fold: int, split: Split) -> "DataSet":
        """The instances in one split of a cross-validation fold, counted from 0.

        Raises:
            DataError: there is no such fold.
        """
        if not 0 <= fold < self.num_folds:
            raise DataError(f"fold {fold} is out of range: the data set has {self.num_folds} cross-validation folds")
        return self[np.flatnonzero(self.cv_folds[:, fold] == split)]

    def partitions(self, partitions: Iterable[Partition]) -> "DataSet":
        """The instances that belong to one of `partitions`."""
        return self[np.flatnonzero(np.isin(self.partition, [float(partition) for partition in partitions]))]

    def shuffled(self, seed: int | np.random.Generator | None = None) -> "DataSet":
        """The same instances in random order."""
        return self[np.random.default_rng(seed).permutation(len(self))]

    def scaled(self) -> "DataSet":
        """The same instances, each feature with mean 0 and standard deviation 1; constant features become 0."""
        features = self.features.astype(np.float64)
        deviation = features.std(axis=0)
        scaled = (features - features.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
        return self.with_features(scaled.astype(np.float32), self.feature_dims)

    def with_features(self, features: np.ndarray, feature_dims: Sequence[str]) -> "DataSet":
        """The same metadata with other features [instance, ...] over axes named `feature_dims`.

        Raises:
            ShapeError: `features` has another number of instances, or of axes.
        """
        if features.shape[0] != len(self) or features.ndim != 1 + len(feature_dims):
            raise ShapeError(
                f"features have shape {features.shape}, expected {len(self)} instances"
                f" and {len(feature_dims)} axes ({', '.join(feature_dims)})"
            )
        data = self.data.drop_vars(FEATURES).assign({FEATURES: ((INSTANCE, *feature_dims), features)})
        data.attrs = {}  # which are about the features
        return DataSet(data, self.label_map)

    def with_feature_dimensions(self, feature_dims: Sequence[str]) -> "DataSet":
        """The same features with their axes transposed into the order `feature_dims`.

        Raises:
            ShapeError: `feature_dims` are not the present axes.
        """
        if set(feature_dims) != set(self.feature_dims) or len(feature_dims) != len(self.feature_dims):
            raise ShapeError(f"features have axes {list(self.feature_dims)}, expected {list(feature_dims)}")
        return DataSet(
            self.data.assign({FEATURES: self.data[FEATURES].transpose(INSTANCE, *feature_dims)}), self.label_map
        )

    def save(self, path: Path | str) -> None:
        """Write to a netCDF 4 file, block by block.

        Raises:
            OutputError: `path` cannot be written.
        """
        layout = (self.feature_dims, self.feature_shape, self.num_folds, self.label_map)
        attributes = {name: text for name, text in self.data.attrs.items() if name == schema.PREPROCESSING}
        with netcdf.writing(path, *layout, attributes=attributes) as writer:
            for block in self.blocks():
                writer.append(block.metadata, block.features)


class Instance:
    """One instance of a data set: reads and writes the columns of its row.

    None is a missing value.
    """

    __slots__ = ("data_set", "index")

    data_set: DataSet
    index: int
    filename: str
    chunk_nr: int
    label_nominal: str | None
    label_numeric: int | None
    cv_folds: Sequence[Split | None]
    partition: Partition | None
    label_value: float | None
    num_frames: int | None
    features: np.ndarray

    def __init__(self, data_set: DataSet, index: int) -> None:
        object.__setattr__(self, "data_set", data_set)
        object.__setattr__(self, "index", index)

    def __getattr__(self, name: str) -> Any:
        if name == FEATURES:
            return netcdf.read_features(self.data_set.data[FEATURES][self.index])
        variable = _variable(name)
        value = self.data_set.data[variable.name].values[self.index]
        if FOLD in variable.dims:
            return [_value(variable, item) for item in value]
        return _value(variable, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == FEATURES:
            self.data_set.data[FEATURES].load()[self.index] = value
            return
        variable = _variable(name)
        if FOLD in variable.dims:
            value = [variable.missing if item is None else item for item in value]
        self.data_set.data[variable.name].values[self.index] = variable.missing if value is None else value

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


def empty(
    num_instances: int,
    feature_dims: Sequence[tuple[str, int]],
    num_folds: int = 0,
    label_map: Mapping[str, int] | None = None,
) -> DataSet:
    """A data set in memory with nothing filled in: empty file names, chunks 0, all else missing, features NaN.

    Args:
        feature_dims: name and size of each feature axis.
    """
    columns = {}
    for variable in VARIABLES:
        shape = (num_instances, num_folds)[: len(variable.dims)]
        columns[variable.name] = (variable.dims, variable.missing_column(shape))
    names, sizes = [name for name, _ in feature_dims], [size for _, size in feature_dims]
    columns[FEATURES] = ((INSTANCE, *names), np.full((num_instances, *sizes), np.nan, np.float32))
    return DataSet(xr.Dataset(columns), label_map)


def load(path: Path | str) -> DataSet:
    """Open a data set file; metadata are read now, features when they are asked for.

    Raises:
        DataError: the file is missing, is not netCDF 4, or is not a data set.
    """
    return DataSet(*netcdf.read(path))
