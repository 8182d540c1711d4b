# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets put together, and divided."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from audeep.data.columns import is_missing
from audeep.data.data_set import DataSet
from audeep.data.manifest import measured, replacing_shards, shard_name, shares
from audeep.data.schema import (
    CHUNK_NR,
    CV_FOLDS,
    GROUP,
    INSTANCE,
    LABEL,
    LABEL_NOMINAL,
    LABEL_NUMERIC,
    LABEL_VALUE,
    LABELS,
    PARTITION,
    USAGE,
    VARIABLES,
    VERIFIED,
    Variable,
)
from audeep.errors import DataError, OptionError, ShapeError

_TAKEN_OVER = (CV_FOLDS, PARTITION, LABEL_NOMINAL, LABEL_NUMERIC, LABEL_VALUE, VERIFIED, USAGE, GROUP)


def concat_instances(data_sets: Sequence[DataSet], *, any_preprocessing: bool = False) -> DataSet:
    """One data set with the instances of all, in order; reads the features.

    Args:
        any_preprocessing: put spectrograms together that were made with different settings, too.

    Raises:
        ShapeError: features differ in shape or axes.
        DataError: no data set is given, or they differ in the number of folds or in the labels.
        OptionError: spectrograms were made with different settings.
    """
    first = _first(data_sets)
    for number, data_set in enumerate(data_sets[1:], 2):
        if not any_preprocessing:
            _check_made_alike(number, data_set.preprocessing, first.preprocessing)
        for what in ("feature_dims", "feature_shape"):
            _check_equal(ShapeError, number, what, getattr(data_set, what), getattr(first, what))
        for what in ("num_folds", "label_map", "label_names"):
            _check_equal(DataError, number, what, getattr(data_set, what), getattr(first, what))
    return DataSet(
        xr.concat([data_set.data for data_set in data_sets], dim=INSTANCE, combine_attrs="drop_conflicts"),
        first.label_map,
    )


def save_in_shards(data_set: DataSet, directory: Path | str, num_shards: int) -> None:
    """Write a data set to so many files in `directory`, in place of shards that are there; `load` takes the directory.

    Raises:
        OptionError: there are more shards than instances.
        OutputError: something else than shards is at `directory`, or it cannot be written.
    """
    parts = shares(len(data_set), num_shards)
    with replacing_shards(Path(directory)) as (folder, shards):
        for number, rows in enumerate(parts):
            path = folder / shard_name(number)
            data_set[rows].save(path)
            shards.append(measured(path, rows.stop - rows.start))


def fuse(data_sets: Sequence[DataSet], dimension: str, *, any_preprocessing: bool = False) -> DataSet:
    """One data set with the same instances, whose features are joined along one axis; reads the features.

    Instances are matched by name and chunk; they come in the order of the first data set. Folds, partitions, labels,
    values, or what else is known of recordings, that one has and another has none of, are taken over.

    Args:
        any_preprocessing: join spectrograms that were made with different settings, too. Features of models tell
            nothing of settings and are joined in any case.

    Raises:
        ShapeError: there is no such axis, or the other axes differ.
        DataError: no data set is given, or they differ in instances or metadata.
        OptionError: spectrograms were made with different settings.
    """
    if not any_preprocessing:
        for number, data_set in enumerate(data_sets[1:], 2):
            _check_made_alike(number, data_set.preprocessing, data_sets[0].preprocessing)
    merged, parts = aligned(data_sets)
    first = parts[0]
    for number, data_set in enumerate(parts[1:], 2):
        _check_equal(ShapeError, number, "feature_dims", data_set.feature_dims, first.feature_dims)
        axis = _axis(first, dimension)
        rest, expected = (np.delete(part.feature_shape, axis).tolist() for part in (data_set, first))
        _check_equal(ShapeError, number, f"shape beside {dimension!r}", rest, expected)
    _check_no_gaps(parts, dimension)
    axis = _axis(first, dimension) + 1  # after that of the instances
    features = np.concatenate([data_set.features for data_set in parts], axis=axis)
    return merged.with_features(features, first.feature_dims)


def aligned(data_sets: Sequence[DataSet]) -> tuple[DataSet, list[DataSet]]:
    """The first data set with the metadata that others have and it has none of, and all of them in its order.

    Raises:
        DataError: no data set is given, or they differ in instances or metadata.
    """
    first = merged = _first(data_sets)
    parts = [first]
    for number, data_set in enumerate(data_sets[1:], 2):
        _check_equal(DataError, number, "number of instances", len(data_set), len(first))
        parts.append(_in_order_of(first, data_set))
        merged = _completed(merged, number, parts[-1])
    return merged, parts


def _in_order_of(first: DataSet, data_set: DataSet) -> DataSet:
    """The instances of `data_set` in the order of `first`, if they are the same and each is there once."""
    expected, found = (list(zip(part.filenames, part.chunk_nrs, strict=True)) for part in (first, data_set))
    places = {key: row for row, key in enumerate(found)}
    if expected == found or len(places) < len(found) or set(expected) != set(found):
        return data_set
    return data_set[np.array([places[key] for key in expected])]


def _completed(first: DataSet, number: int, data_set: DataSet) -> DataSet:
    """`first` with the metadata that it has none of and `data_set` has; both must agree in what both have."""
    data, maps = first.data, [part.label_map for part in (first, data_set) if part.label_map is not None]
    if len(maps) > 1:
        _check_equal(DataError, number, "label_map", maps[1], maps[0])
    for variable in (variable for variable in VARIABLES if variable is not LABELS):
        ours, theirs = (is_missing(part.data[variable.name].values).all() for part in (first, data_set))
        if variable in _TAKEN_OVER and ours:
            data = data.drop_vars(variable.name).assign({variable.name: data_set.data[variable.name].variable})
        elif variable not in _TAKEN_OVER or not theirs:
            if variable is CV_FOLDS:
                _check_equal(DataError, number, "num_folds", data_set.num_folds, first.num_folds)
            _check_same_column(number, variable, data_set, first)
    if first.has_label_sets and data_set.has_label_sets:
        _check_same_column(number, LABELS, data_set, first)
    elif data_set.has_label_sets:
        data = data.assign_coords({LABEL: data_set.data[LABEL].values})
        data = data.assign({LABELS.name: data_set.data[LABELS.name].variable})
    return DataSet(data, maps[0] if maps else None)


def fuse_chunks(data_set: DataSet, dimension: str) -> DataSet:
    """One instance for each file, in the order of first appearance, whose chunks are joined along one axis.

    Raises:
        ShapeError: there is no such axis.
        DataError: files have different numbers of chunks, a chunk number is not there once, or metadata differ.
    """
    axis = _axis(data_set, dimension)
    _check_no_gaps([data_set], dimension)
    if not len(data_set):
        raise DataError("there is no instance to fuse; check the input with 'audeep inspect netcdf'")
    _, first, files = np.unique(data_set.filenames.astype(str), return_index=True, return_inverse=True)
    counts = np.bincount(files)
    order = np.lexsort((data_set.chunk_nrs, files))
    expected = np.tile(np.arange(counts[0]), len(counts))
    if (counts != counts[0]).any() or not np.array_equal(data_set.chunk_nrs[order], expected):
        raise DataError(
            "files do not have the same chunks 0, 1, ... once each; see which with 'audeep validate --detailed'"
        )
    rows = order.reshape(len(counts), -1)[np.argsort(first)]  # [file, chunk]
    heads = data_set[rows[:, 0]]
    for position in range(1, rows.shape[1]):
        for variable in (variable for variable in VARIABLES if variable.name in data_set.data):
            if variable is not CHUNK_NR:
                _check_same_column(position + 1, variable, data_set[rows[:, position]], heads, "chunk")
    parts = [data_set[rows[:, position]].features for position in range(rows.shape[1])]
    return heads.with_features(np.concatenate(parts, axis=axis + 1), data_set.feature_dims)


def _first(data_sets: Sequence[DataSet]) -> DataSet:
    if not data_sets:
        raise DataError("there is no data set to concatenate; give at least one")
    return data_sets[0]


def _axis(data_set: DataSet, dimension: str) -> int:
    """Position of an axis among those of the features."""
    if dimension not in data_set.feature_dims:
        raise ShapeError(f"features have no axis {dimension!r}; choose one of {', '.join(data_set.feature_dims)}")
    if dimension == LABEL and data_set.label_names:
        raise ShapeError("features are scores of labels, which cannot be joined; join those of another kind")
    return data_set.feature_dims.index(dimension)


def _check_no_gaps(data_sets: Sequence[DataSet], dimension: str) -> None:
    """Refuse to join along time what has padding at its end."""
    for data_set in data_sets:
        if data_set.is_padded and dimension == data_set.feature_dims[0]:
            raise ShapeError(
                f"spectrograms of different lengths cannot be joined along {dimension!r}; join them along another axis,"
                " or preprocess the recordings to a fixed length"
            )


def _check_equal(error: type[DataError], number: int, what: str, found: object, expected: object) -> None:
    if found != expected:
        raise error(f"data set {number} has {what} {found}, the first has {expected}; they must agree")


def _check_made_alike(number: int, found: Mapping[str, Any] | None, expected: Mapping[str, Any] | None) -> None:
    """Check that spectrograms were made with the same settings, as far as these are known."""
    if found is None or expected is None:
        return
    names = [*expected, *(name for name in found if name not in expected)]
    differing = [name for name in names if (found.get(name) or None) != (expected.get(name) or None)]
    if differing:
        texts = ", ".join(f"{name} {found.get(name)} rather than {expected.get(name)}" for name in differing)
        raise OptionError(
            f"data set {number} was made with {texts} of the first; preprocess both alike, or, where different"
            " spectrograms are wanted, pass any_preprocessing=True"
        )


def _check_same_column(
    number: int, variable: Variable, data_set: DataSet, first: DataSet, what: str = "data set"
) -> None:
    found, expected = (part.data[variable.name].values for part in (data_set, first))
    both_missing = (found != found) & (expected != expected)
    differing = (found != expected) & ~both_missing
    rows = np.flatnonzero(differing.any(axis=1) if differing.ndim == 2 else differing)
    if len(rows):
        values = [getattr(part[int(rows[0])], variable.name) for part in (data_set, first)]
        raise DataError(
            f"{what} {number} has other metadata than the first for {len(rows)} instances: instance {rows[0]}"
            f" ({first.filenames[rows[0]]}) has {variable.name} {values[0]!r}, not {values[1]!r}; only the same"
            " instances can be fused"
        )
