# SPDX-License-Identifier: GPL-3.0-or-later
"""The constraints that a sound data set satisfies."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from audeep.data.columns import is_missing
from audeep.data.data_set import DataSet
from audeep.data.manifest import damaged
from audeep.data.schema import (
    CHUNK_NR,
    CV_FOLDS,
    FILENAME,
    GROUP,
    LABEL_NOMINAL,
    LABEL_NUMERIC,
    LABEL_VALUE,
    LABELS,
    PARTITION,
    USAGE,
    VERIFIED,
    Variable,
)


@dataclass(frozen=True)
class Constraint:
    """A constraint, and what breaks it: a short text for each offending file or instance."""

    number: int
    text: str
    violations: list[str] = field(default_factory=list)


def validate(data_set: DataSet) -> list[Constraint]:
    """Check constraints 1 to 7 of the data model, and 8 to 14 where there is what they are about.

    Violations are counted by file, those of 5 by instance, those of 13 by group, those of 14 by shard; 5 holds where
    there is no label map. For 14 all shards are read.
    """
    columns = pd.DataFrame({name: column for name, column in data_set.metadata.items() if column.ndim == 1})
    for variable in (variable for variable in (CV_FOLDS, LABELS) if variable.name in data_set.data):
        columns[variable.name] = pd.factorize(_rows_as_bytes(data_set.metadata[variable.name]))[0]
    texts = {
        LABEL_NOMINAL: "same nominal label in all chunks of a file",
        LABEL_NUMERIC: "same numeric label in all chunks of a file",
        CV_FOLDS: "same cross-validation splits in all chunks of a file",
        PARTITION: "same partition in all chunks of a file",
    }
    checks: list[tuple[str, list[str]]] = [
        (text, _differing(data_set, columns, variable)) for variable, text in texts.items()
    ]
    checks.append(("labels as in the label map", _outside_label_map(data_set)))
    checks.append(("same number of chunks in all files", _chunk_counts(columns)))
    checks.append(("chunk numbers 0, 1, ... once each in all files", _chunk_numbers(columns)))
    found = [Constraint(number, text, violations) for number, (text, violations) in enumerate(checks, 1)]
    optional = {LABEL_VALUE: "value", LABELS: "labels", VERIFIED: "verified flag", USAGE: "usage", GROUP: "group"}
    for number, (variable, what) in enumerate(optional.items(), len(found) + 1):
        if variable.name in data_set.data and not is_missing(data_set.metadata[variable.name]).all():
            text = f"same {what} in all chunks of a file"
            found.append(Constraint(number, text, _differing(data_set, columns, variable)))
    if data_set.has_groups:
        text = "each group in one partition, and in one split of each fold"
        found.append(Constraint(13, text, _split_groups(columns)))
    if data_set.source is not None and Path(data_set.source).is_dir():
        found.append(Constraint(14, "shards as they were written", damaged(Path(data_set.source))))
    return found


def _rows_as_bytes(matrix: np.ndarray) -> np.ndarray:
    """Each row as one comparable value."""
    return np.array([row.tobytes() for row in matrix], dtype=object)


def _differing(data_set: DataSet, columns: pd.DataFrame, variable: Variable) -> list[str]:
    """Files whose chunks differ in `variable`."""
    codes, _ = pd.factorize(columns[variable.name], use_na_sentinel=False)
    _, examples = np.unique(codes, return_index=True)
    texts = [_text(getattr(data_set[int(index)], variable.name)) for index in examples]  # by code
    pairs = pd.DataFrame({"file": columns[FILENAME.name], "code": codes}).drop_duplicates()
    pairs = pairs[pairs.duplicated("file", keep=False)]
    found: dict[str, list[str]] = {}
    for filename, code in zip(pairs["file"], pairs["code"], strict=True):
        found.setdefault(filename, []).append(texts[code])
    return [f"{filename}: {variable.name} is {' and '.join(values)}" for filename, values in found.items()]


def _split_groups(columns: pd.DataFrame) -> list[str]:
    """Groups of which instances are in different partitions or splits."""
    places = [PARTITION.name, CV_FOLDS.name]
    pairs = columns.loc[columns[GROUP.name].notna(), [GROUP.name, *places]].drop_duplicates()
    split = pairs.groupby(GROUP.name, sort=False)[places].nunique(dropna=False)
    words = {PARTITION.name: "partitions", CV_FOLDS.name: "different splits"}
    return [
        f"{group}: is in {' and '.join(f'{row[place]} {words[place]}' for place in places if row[place] > 1)}"
        for group, row in split.iterrows()
        if (row > 1).any()
    ]


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_text(item) for item in value) + "]"
    return "missing" if value is None else getattr(value, "name", None) or repr(value)


def _outside_label_map(data_set: DataSet) -> list[str]:
    """Instances whose labels are not a pair of the label map; instances without any label are let pass."""
    if data_set.label_map is None:
        return []
    nominal, numeric = data_set.labels_nominal, data_set.labels_numeric
    expected = pd.Series(nominal, dtype=object).map(data_set.label_map).to_numpy(np.float64)
    unlabelled = is_missing(nominal) & np.isnan(numeric)
    rows = np.flatnonzero(~unlabelled & ~(expected == numeric))
    violations = []
    columns = (data_set.filenames, data_set.chunk_nrs, nominal, numeric)
    for filename, chunk_nr, name, number in zip(*(column[rows] for column in columns), strict=True):
        known = data_set.label_map.get(name)
        wanted = "no such label in the map" if known is None else f"the map says {known}"
        found = "missing" if np.isnan(number) else int(number)
        violations.append(f"{filename}, chunk {chunk_nr}: label {_text(name)} has number {found}, {wanted}")
    return violations


def _chunk_counts(columns: pd.DataFrame) -> list[str]:
    """Files whose number of chunks is not the most frequent one."""
    counts = columns.groupby(FILENAME.name, sort=False).size()
    usual = counts.mode().max()
    return [
        f"{filename}: {count} chunks, most files have {usual}" for filename, count in counts.items() if count != usual
    ]


def _chunk_numbers(columns: pd.DataFrame) -> list[str]:
    """Files whose chunk numbers are not 0, 1, ... once each."""
    ordered = columns.sort_values([FILENAME.name, CHUNK_NR.name], kind="stable")
    position = ordered.groupby(FILENAME.name, sort=False).cumcount()
    offenders = ordered.loc[ordered[CHUNK_NR.name] != position, FILENAME.name].unique()
    found = ordered[ordered[FILENAME.name].isin(offenders)].groupby(FILENAME.name, sort=False)[CHUNK_NR.name]
    return [
        f"{filename}: chunk numbers {numbers.tolist()}, expected {list(range(len(numbers)))}"
        for filename, numbers in found
    ]
