# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of all files of a data set, joined to its instances."""

import numpy as np
import pandas as pd

from audeep.data.data_set import DataSet, empty
from audeep.data.exchange.cells import natural_order
from audeep.data.schema import (
    CHUNK_NR,
    FILENAME,
    GENERATED,
    GROUP,
    LABEL_NOMINAL,
    LABEL_NUMERIC,
    LABEL_VALUE,
    LABELS,
    USAGE,
    VERIFIED,
    Split,
)
from audeep.errors import DataError


def joined(rows: pd.DataFrame, features: np.ndarray, num_folds: int) -> DataSet:
    """The instances of which `rows` tell; one may be in several folds, if it is the same in all.

    Args:
        rows: metadata, what the place of each says (partition, fold from 0), and the path of its file.
        features: of the rows [row, feature].

    Raises:
        DataError: rows contradict each other.
    """
    has_folds = rows["fold"].notna().any()
    codes = rows.groupby([FILENAME.name, CHUNK_NR.name], sort=False).ngroup().to_numpy()
    _, first = np.unique(codes, return_index=True)
    _check_repeated(rows, features, first[codes])
    label_map, numbers = _label_map(rows)
    names = _label_names(rows)
    data_set = empty(len(first), [(GENERATED, 0)], num_folds if has_folds else 0, label_map, names)
    data_set.filenames[:] = rows[FILENAME.name].to_numpy()[first]
    data_set.chunk_nrs[:] = rows[CHUNK_NR.name].to_numpy()[first]
    labels = rows[LABEL_NOMINAL.name].to_numpy(dtype=object, na_value=None)[first]
    data_set.labels_nominal[:] = labels
    data_set.labels_numeric[:] = numbers[first]
    data_set.partition[:] = rows["partition"].to_numpy()[first]
    for variable in (LABEL_VALUE, VERIFIED):
        data_set.data[variable.name].values[:] = rows[variable.name].to_numpy()[first]
    for variable in (USAGE, GROUP):
        data_set.data[variable.name].values[:] = rows[variable.name].to_numpy(dtype=object, na_value=None)[first]
    if names:
        for instance, found in zip(data_set, rows[LABELS.name].to_numpy()[first], strict=True):
            instance.labels = found
    if has_folds:
        data_set.cv_folds[:] = Split.TRAIN
        data_set.cv_folds[codes, rows["fold"].to_numpy(int)] = Split.VALID
    return data_set.with_features(features[first], [GENERATED])


def _check_repeated(rows: pd.DataFrame, features: np.ndarray, first: np.ndarray) -> None:
    """Check that an instance is in each fold once, and is the same in all of them; `first` is its first row."""
    repeated = np.flatnonzero(first != np.arange(len(first)))
    if not len(repeated):
        return
    one, other = rows.iloc[first[repeated]], rows.iloc[repeated]

    def fail(position: int, text: str) -> None:
        row, before = other.iloc[position], one.iloc[position]
        raise DataError(
            f"{row['path']}: {row[FILENAME.name]}, chunk {row[CHUNK_NR.name]}, {text} (before: {before['path']});"
            " an instance may be in several folds, but must be the same in all"
        )

    twice = rows.duplicated([FILENAME.name, CHUNK_NR.name, "fold"]).to_numpy()[repeated]
    if twice.any():
        fail(int(np.argmax(twice)), "is there twice")
    same = (LABEL_NOMINAL, LABEL_NUMERIC, LABEL_VALUE, LABELS, VERIFIED, USAGE, GROUP)
    for name in (*(variable.name for variable in same), "partition"):
        left, right = one[name].reset_index(drop=True), other[name].reset_index(drop=True)
        differs = ~((left == right) | (left.isna() & right.isna()))
        if differs.any():
            fail(int(np.argmax(differs)), f"has another {name}")
    for position, (row, before) in enumerate(zip(repeated, first[repeated], strict=True)):
        if not np.array_equal(features[row], features[before], equal_nan=True):
            fail(position, "has other features")


def _label_names(rows: pd.DataFrame) -> list[str]:
    """Names of several labels a row, in alphabetical order, or in that of numbers; none where rows have one each."""
    several = rows[LABELS.name].notna()
    single = rows[LABEL_NOMINAL.name].notna() | rows[LABEL_NUMERIC.name].notna()
    if several.any() and single.any():
        row = rows[single].iloc[0]
        raise DataError(
            f"{row['path']}: {row[FILENAME.name]} has a label in the column {LABEL_NOMINAL.name} or"
            f" {LABEL_NUMERIC.name}, rows have several in the column {LABELS.name}; remove one of them"
        )
    return natural_order(name for names in rows.loc[several, LABELS.name] for name in names)


def _label_map(rows: pd.DataFrame) -> tuple[dict[str, int] | None, np.ndarray]:
    """Numbers of the labels by name, and the number of each row's label (NaN without one)."""
    labels, numbers = rows[LABEL_NOMINAL.name], rows[LABEL_NUMERIC.name]
    labelled = labels.notna()
    if not labelled.any():
        return None, np.full(len(rows), np.nan)
    if numbers[labelled].isna().all():
        label_map = {str(name): number for number, name in enumerate(natural_order(labels[labelled]))}
    else:
        pairs = rows.loc[labelled, [LABEL_NOMINAL.name, LABEL_NUMERIC.name, "path"]].drop_duplicates(
            [LABEL_NOMINAL.name, LABEL_NUMERIC.name]
        )
        for row in pairs.itertuples(index=False):
            if np.isnan(row.label_numeric):
                raise DataError(f"{row.path}: label {row.label_nominal!r} has no number, others have; give all or none")
        for name, other in ((LABEL_NOMINAL.name, LABEL_NUMERIC.name), (LABEL_NUMERIC.name, LABEL_NOMINAL.name)):
            clash = pairs[pairs.duplicated(name, keep=False)]
            if len(clash):
                same = clash[clash[name] == clash[name].iloc[0]]
                found = " and ".join(map(_quoted, same[other]))
                raise DataError(
                    f"{same['path'].iloc[1]}: {name} {_quoted(same[name].iloc[0])} goes with {other} {found};"
                    " each label needs one number of its own"
                )
        label_map = {str(name): int(number) for name, number in pairs.iloc[:, :2].itertuples(index=False)}
    return label_map, labels.map(label_map).to_numpy(np.float64, na_value=np.nan)


def _quoted(label: str | float) -> str:
    return repr(label) if isinstance(label, str) else f"{label:.0f}"
