# SPDX-License-Identifier: GPL-3.0-or-later
"""What a netCDF 4 file declares and holds, checked before it is believed: the format is that of `schema`."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from audeep.data import schema
from audeep.data.columns import from_file, is_missing, kind_of, texts_of
from audeep.data.hdf5 import netCDF4
from audeep.data.schema import FEATURES, FOLD, INSTANCE, LABEL, LABELS, NUM_FRAMES, VARIABLES
from audeep.errors import DataError
from audeep.runtime.constants import LARGEST_INTEGER

TEXT_BYTES = 16  # what a text takes on file at least, its length and place
COMPRESSION_LIMIT = 1032  # deflate makes at most so many bytes of one
NAMES = frozenset([FEATURES, LABEL, *(variable.name for variable in VARIABLES)])


def check_declaration(path: Path, name: str, variable: "netCDF4.Variable[Any]") -> None:
    """Check what xarray would not survive, and that no more memory is asked for than the file can fill.

    Raises:
        DataError: one or the other.
    """
    for kind, found in ((netCDF4.CompoundType, "records"), (netCDF4.VLType, "lists")):
        if isinstance(variable.datatype, kind) and variable.dtype is not str:
            raise DataError(f"{path}: '{name}' holds {found}, expected texts or numbers; write the file again")
    axes = variable.dimensions[1:]
    taken = [axis for axis in axes if axis in (INSTANCE, FOLD, *NAMES - {LABEL}) or axes.count(axis) > 1]
    if name == FEATURES and taken:
        raise DataError(f"{path}: features have an axis named '{taken[0]}', a name of its own was expected")
    declared, file_bytes = _declared_bytes(variable), path.stat().st_size
    filters: dict[str, Any] = dict(variable.filters() or {})
    is_packed = any(filters[kind] for kind in filters if kind not in ("shuffle", "complevel", "fletcher32"))
    if declared > file_bytes * (COMPRESSION_LIMIT if is_packed else 1):
        raise DataError(
            f"{path}: '{name}' is declared to have {declared} bytes, more than a file of {file_bytes} bytes can hold;"
            " write it again"
        )


def _declared_bytes(variable: "netCDF4.Variable[Any]") -> int:
    """Bytes that reading all of `variable` takes: its shape, or whole chunks."""
    size = math.prod(variable.shape)
    chunk = variable.chunking()
    if size and isinstance(chunk, list):
        size = max(size, math.prod(chunk))
    return size * (TEXT_BYTES if variable.dtype is str else np.dtype(variable.dtype).itemsize)


def checked(path: Path, data: xr.Dataset) -> tuple[xr.Dataset, dict[str, int] | None]:
    """The columns of the file at `path` as `schema` has them in memory, and the label map.

    Raises:
        DataError: the file is not a data set, or contradicts itself.
    """
    if FEATURES not in data or data[FEATURES].dims[:1] != (INSTANCE,):
        raise DataError(f"{path}: has no variable 'features' over 'instance'; this is not a data set file of audeep")
    features = data[FEATURES]
    if features.dtype.kind not in "fiu":
        raise DataError(f"{path}: features are of type {kind_of(features.dtype)}, numbers were expected")
    axes = [str(axis) for axis in features.dims[1:]]
    _check_feature_dims(path, data.attrs, axes)
    names = _label_names(path, data)
    num_folds = data.sizes.get(FOLD, 0) if schema.CV_FOLDS.name in data else 0
    sizes = {INSTANCE: data.sizes[INSTANCE], FOLD: num_folds, LABEL: len(names)}
    columns = {}
    for variable in (variable for variable in VARIABLES if variable is not LABELS or LABELS.name in data):
        column = from_file(path, data, variable, variable.shape(sizes))
        columns[variable.name] = xr.Variable(variable.dims, column, fastpath=True)  # else None becomes NaN in texts
    _check_num_frames(path, columns[NUM_FRAMES.name].values, features.shape[1:])
    label_map = _label_map(path, data.attrs)
    if LABELS.name in data:
        label_map = _checked_sets(path, columns, names, label_map)
    features.encoding["source"] = str(path)
    made = xr.Dataset(columns, attrs=_attributes(path, data.attrs))
    if names:
        made = made.assign_coords({LABEL: np.array(names, dtype=object)})
    return made.assign({FEATURES: features.variable}), label_map


def _label_names(path: Path, data: xr.Dataset) -> list[str]:
    """What the labels along the axis `label` are called; empty where there are none."""
    if LABELS.name not in data and LABEL not in data[FEATURES].dims:
        return []
    if LABEL not in data.variables or data[LABEL].dims != (LABEL,):
        if LABELS.name in data and data[LABELS.name].dims == LABELS.dims:
            raise DataError(f"{path}: has 'labels', but no variable 'label' with their names; write the file again")
        return []
    texts = texts_of(data[LABEL].values)
    if texts is None or is_missing(texts).any() or len(set(texts)) < len(texts):
        raise DataError(f"{path}: 'label' does not have a different name for each label; write the file again")
    return [str(text) for text in texts]


def _checked_sets(
    path: Path, columns: Mapping[str, xr.Variable], names: Sequence[str], label_map: dict[str, int] | None
) -> dict[str, int]:
    """The label map of recordings with several labels.

    Raises:
        DataError: there is something else beside.
    """
    expected = {name: number for number, name in enumerate(names)}
    if label_map not in (None, expected):
        raise DataError(f"{path}: attribute 'label_map' does not have the labels in 'label'; write the file again")
    for variable in (schema.LABEL_NOMINAL, schema.LABEL_NUMERIC):
        if not is_missing(columns[variable.name].values).all():
            raise DataError(f"{path}: has '{variable.name}' beside 'labels'; keep one of them")
    unknown = is_missing(columns[LABELS.name].values)
    if (unknown.any(axis=1) & ~unknown.all(axis=1)).any():
        raise DataError(f"{path}: 'labels' lacks some values of an instance, not all; write the file again")
    return expected


def _check_num_frames(path: Path, num_frames: np.ndarray, shape: tuple[int, ...]) -> None:
    most = shape[0] if len(shape) > 1 else np.inf
    wrong = num_frames[(num_frames < 1) | (num_frames > most)]
    if len(wrong):
        raise DataError(f"{path}: 'num_frames' is {wrong[0]:.0f}, expected 1 to {most:.0f}; write the file again")


def _check_feature_dims(path: Path, attributes: Mapping[str, Any], axes: Sequence[str]) -> None:
    """Check that the attribute, if there is one, agrees with the variable."""
    text = attributes.get(schema.FEATURE_DIMS)
    try:
        agrees = text is None or sorted(json.loads(text)) == sorted(axes)
    except (TypeError, ValueError, RecursionError):
        agrees = False
    if not agrees:
        raise DataError(
            f"{path}: attribute 'feature_dims' is {str(text)[:100]!r}, but features have the axes"
            f" {json.dumps(axes)}; write the file again"
        )


def _attributes(path: Path, attributes: Mapping[str, Any]) -> dict[str, str]:
    """Those that are kept as they are on file, where they are there."""
    if schema.PREPROCESSING not in attributes:
        return {}
    text = attributes[schema.PREPROCESSING]
    try:
        if not isinstance(json.loads(text), dict):
            raise TypeError("another type")
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: attribute 'preprocessing' is not a JSON object; write the file again") from error
    return {schema.PREPROCESSING: text}


def _label_map(path: Path, attributes: Mapping[str, Any]) -> dict[str, int] | None:
    if schema.LABEL_MAP not in attributes:
        return None
    try:
        pairs = json.loads(attributes[schema.LABEL_MAP])
        label_map = {name: number for name, number in pairs}
        if not all(type(name) is str and type(number) is int for name, number in label_map.items()):
            raise TypeError("other types")
    except (TypeError, ValueError, RecursionError) as error:
        found = f"{path}: attribute 'label_map' is not a JSON list of [name, number] pairs"
        raise DataError(f"{found}; write the file again") from error
    if any(abs(number) > LARGEST_INTEGER for number in label_map.values()):
        raise DataError(f"{path}: attribute 'label_map' has a number above 2^53; write the file again")
    if len(label_map) < len(pairs):
        raise DataError(f"{path}: attribute 'label_map' names a label twice; write the file again")
    return label_map
