# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets of instances with metadata and features: in memory, and in netCDF 4 files (format: `schema`)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import xarray as xr

from audeep.data import netcdf, schema, shards
from audeep.data.columns import is_missing
from audeep.data.instance import Instance as Instance
from audeep.data.schema import FEATURES, FOLD, INSTANCE, LABEL, LABELS, VARIABLES, Partition, Split
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

    def __repr__(self) -> str:
        shape = " x ".join(f"{size} {dim}" for size, dim in zip(self.feature_shape, self.feature_dims, strict=True))
        facts = [f"{len(self)} instances of {shape}"]
        if self.label_map or self.label_names:
            facts.append(f"{len(self.label_map or self.label_names)} classes")
        facts += [f"{self.num_folds} folds"] * bool(self.num_folds) + ["partitions"] * self.has_partition_info
        return f"DataSet({', '.join([*facts, *([repr(self.source)] if self.source else [])])})"

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
    def verified(self) -> np.ndarray:
        """Whether labels were checked by hand [instance], float64: 1, 0, or NaN where that is not known."""
        return self.data[schema.VERIFIED.name].values

    @property
    def usage(self) -> np.ndarray:
        """What a competition uses test recordings for [instance], text or None."""
        return self.data[schema.USAGE.name].values

    @property
    def groups(self) -> np.ndarray:
        """Groups such as speakers, which no two splits share [instance], text or None."""
        return self.data[schema.GROUP.name].values

    @property
    def has_groups(self) -> bool:
        """Whether an instance belongs to a group."""
        return not is_missing(self.groups).all()

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names along the axis `label`: of several labels a recording, or of scores; empty without such an axis."""
        return tuple(self.data.indexes[LABEL]) if LABEL in self.data.coords else ()

    @property
    def has_label_sets(self) -> bool:
        """Whether recordings have several labels (`label_sets`) rather than one each."""
        return LABELS.name in self.data

    @property
    def label_sets(self) -> np.ndarray:
        """Labels that instances have [instance, label], bool; none where they are not known (see `is_labelled`)."""
        if not self.has_label_sets:
            return np.zeros((len(self), 0), bool)
        return np.asarray(self.data[LABELS.name].values == 1)

    @property
    def is_labelled(self) -> np.ndarray:
        """Whether the label or the labels of instances are known [instance], bool."""
        if self.has_label_sets:
            return np.asarray(~np.isnan(self.data[LABELS.name].values).any(axis=1))
        return np.asarray(~np.isnan(self.labels_numeric) & ~is_missing(self.labels_nominal))

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
        names = (variable.name for variable in VARIABLES)
        return {name: self.data[name].values for name in names if name in self.data}

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
        """Whether the label of each instance is known by name and number, or its labels are."""
        return bool(self.is_labelled.all())

    @property
    def labels(self) -> dict[str, int]:
        """Numbers of the labels by name, sorted by number: the label map, or else what the instances show."""
        pairs = self.label_map
        if pairs is None:
            labelled = self.is_labelled
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
        sizes = dict(zip(feature_dims, features.shape[1:], strict=True))
        data = self._without_features(sizes.get(LABEL)).assign({FEATURES: ((INSTANCE, *feature_dims), features)})
        data.attrs = {}  # which are about the features
        return DataSet(data, self.label_map)

    def _without_features(self, num_scores: int | None) -> xr.Dataset:
        """Metadata for features that are so many scores, or none (None): without the axis of the present ones.

        Raises:
            ShapeError: recordings have other labels on that axis.
        """
        metadata, num_labels = self.data.drop_vars(FEATURES), self.data.sizes.get(LABEL)
        if num_scores is None and self.has_label_sets or num_scores == num_labels and LABEL in self.feature_dims:
            return metadata
        if self.has_label_sets:
            raise ShapeError(
                f"features are {num_scores} scores, the recordings have {num_labels} labels; name those of the scores"
                " by with_scores"
            )
        return metadata.drop_vars(LABEL, errors="ignore")

    def check_single_labels(self, purpose: str) -> None:
        """Refuse recordings with several labels where one is needed.

        Args:
            purpose: what it is needed for, as in "to train on".

        Raises:
            DataError: recordings have several labels.
        """
        if self.has_label_sets:
            raise DataError(
                f"recordings have several labels each ({', '.join(self.label_names[:3])}, ...), one label {purpose} was"
                " expected; train a tagger on them, or use data with one label for each recording"
            )

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
        with netcdf.writing(path, *layout, attributes=attributes, label_names=self.label_names) as writer:
            for block in self.blocks():
                writer.append(block.metadata, block.features)


def empty(
    num_instances: int,
    feature_dims: Sequence[tuple[str, int]],
    num_folds: int = 0,
    label_map: Mapping[str, int] | None = None,
    label_names: Sequence[str] = (),
) -> DataSet:
    """A data set in memory with nothing filled in: empty file names, chunks 0, all else missing, features NaN.

    Args:
        feature_dims: name and size of each feature axis.
        label_names: for recordings with several labels; the label map has their positions then. Or those of scores,
            where `label` is a feature axis.
    """
    columns = {}
    sizes = {INSTANCE: num_instances, FOLD: num_folds, LABEL: len(label_names), **dict(feature_dims)}
    has_label_sets = bool(label_names) and LABEL not in dict(feature_dims)
    for variable in VARIABLES:
        if variable is not LABELS or has_label_sets:
            columns[variable.name] = (variable.dims, variable.missing_column(variable.shape(sizes)))
    shape = [size for _, size in feature_dims]
    dims = (INSTANCE, *(name for name, _ in feature_dims))
    columns[FEATURES] = (dims, np.full((num_instances, *shape), np.nan, np.float32))
    data = xr.Dataset(columns)
    if label_names:
        data = data.assign_coords({LABEL: np.array(label_names, dtype=object)})
        if has_label_sets:
            label_map = {name: number for number, name in enumerate(label_names)}
    return DataSet(data, label_map)


def load(path: Path | str) -> DataSet:
    """Open a data set file, or a directory of shards; metadata are read now, features when they are asked for.

    Raises:
        DataError: the file is missing, is not netCDF 4, or is not a data set; the same of a shard, or of the manifest.
    """
    return DataSet(*(shards if Path(path).is_dir() else netcdf).read(path))
