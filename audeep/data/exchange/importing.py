# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets from tables of any format, partitions and folds as directories: the reverse of `exporting`."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from audeep.data.data_set import DataSet
from audeep.data.exchange.cells import names_in
from audeep.data.exchange.formats import MISSING, format_named
from audeep.data.exchange.joining import joined
from audeep.data.exchange.matrices import all_of
from audeep.data.exchange.places import Place, places_in
from audeep.data.schema import (
    CHUNK_NR,
    FILENAME,
    GROUP,
    LABEL_NOMINAL,
    LABEL_NUMERIC,
    LABEL_VALUE,
    LABELS,
    NUM_FRAMES,
    START_SECONDS,
    USAGE,
    VERIFIED,
)
from audeep.errors import DataError
from audeep.runtime.constants import LARGEST_INTEGER

logger = logging.getLogger(__name__)

COLUMNS = {
    variable.name: variable.name
    for variable in (
        *(FILENAME, CHUNK_NR, LABEL_NOMINAL, LABEL_NUMERIC, LABEL_VALUE),
        *(LABELS, VERIFIED, USAGE, GROUP),
    )
}


def import_(
    basedir: Path | str,
    name: str,
    columns: Mapping[str, str] = COLUMNS,
    ignore_column: Sequence[str] = (),
    features: Sequence[str] | None = None,
) -> DataSet:
    """Read the data set whose files are called `name` below `basedir`, laid out as `exporting.export` does.

    All columns but those of the metadata, and those known to be row numbers or times, are features, in their order;
    missing values stay NaN, with a warning that says where. Axes that `export` has flattened, and numbers of frames
    along them, do not come back. Instances that folds share must be the same in each. What is missing of the metadata
    is made up: names ("synthetic_0", with a warning), chunk numbers (in order of appearance) and numbers of labels (in
    alphabetical order, or in that of numbers where all are integers). Without label columns, instances have no labels,
    and without a column of values no values. Several labels of an instance are names in one cell, separated by commas.

    Args:
        name: with the suffix of its format, or without; "huggingface" for a data set of Hugging Face.
        columns: names of the columns of filename, chunk_nr, label_nominal, label_numeric, label_value, labels,
            verified, usage and group, where they are others than these.
        ignore_column: columns that are not read.
        features: the columns that are features, in this order, with all numbers of each; None for all that may be.

    Raises:
        DataError: there is no such data set, a file cannot be read, or files or rows contradict each other.
    """
    columns = {**COLUMNS, **columns}
    places = places_in(Path(basedir), name)
    frames = [_read(place.path, columns) for place in places]
    found = [
        _features_of(place.path, frame, columns, ignore_column, features)
        for place, frame in zip(places, frames, strict=True)
    ]
    for place, frame, names in zip(places, frames, found, strict=True):
        _check_columns(place.path, frame, names, places[0].path, found[0], columns)
    matrices = [_numbers(place.path, frame[found[0]]) for place, frame in zip(places, frames, strict=True)]
    rows = pd.concat(
        [_metadata(place, frame, columns) for place, frame in zip(places, frames, strict=True)], ignore_index=True
    )
    if not len(rows):
        raise DataError(f"{places[0].path}: has no instances; at least one was expected")
    _name_nameless(rows)
    return joined(rows, np.concatenate(matrices), num_folds=1 + max(place.fold or 0 for place in places))


# what is in a file


def _read(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    """All columns of a file; those of the metadata as text, None where missing."""
    suffix = path.suffix[1:].lower()
    table_format = format_named(suffix)
    try:
        frame = table_format.read(path, list(columns.values()))
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not text in UTF-8 ({error.reason} at byte {error.start}); convert it") from error
    except Exception as error:  # damaged files make pandas and liac-arff raise almost anything
        reason = " ".join(str(getattr(error, "strerror", None) or error).split()).rstrip(".")[:200]
        raise DataError(f"{path}: is not a readable {suffix.upper()} file: {reason}; fix it") from error
    for column in set(columns.values()) & set(frame.columns):
        texts = [_text(value) for value in frame[column]]
        _check_storable(path, column, texts)
        frame[column] = np.array(texts, dtype=object)
    return frame


def _check_storable(path: Path, column: str, texts: Iterable[str | None]) -> None:
    for row, text in enumerate(texts):
        if text is not None and re.search("[\0\ud800-\udfff]", text):
            raise DataError(
                f"{path}: column {column!r} has {text[:60]!r} in data row {row + 1}, with a NUL or an unpaired"
                " surrogate; replace it"
            )


def _text(value: object) -> str | None:
    if value is None or value != value or value == "":
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


# what the files say together


def _features_of(
    path: Path, frame: pd.DataFrame, columns: Mapping[str, str], ignored: Sequence[str], wanted: Sequence[str] | None
) -> list[str]:
    """Names of the columns of features."""
    ignored, wanted = all_of(ignored, frame), wanted if wanted is None else all_of(wanted, frame)
    for name in (*ignored, *(wanted or ())):
        if name not in frame.columns:
            what = "ignore_column" if name in ignored else "features"
            raise DataError(
                f"{path}: has no column {name!r}, as {what}={name} wants; it has {_some(list(frame.columns))}"
            )
    if wanted is not None:
        return [name for name in wanted if name not in ignored]
    known = (*columns.values(), NUM_FRAMES.name, START_SECONDS, *ignored)
    names = [str(name) for name in frame.columns if name not in known]
    beside = [name for name in names if _is_time_or_row_number(name, frame)]
    if beside:
        logger.warning("%s: %s: left out, being times or row numbers rather than features", path, _some(beside))
    return [name for name in names if name not in beside]


def _is_time_or_row_number(name: str, frame: pd.DataFrame) -> bool:
    """Whether a column is one that openSMILE writes for times, or that pandas and R write to number rows."""
    if name.lower() in ("frametime", "frameindex"):
        return True
    if name in ("start", "end"):
        return all(other in frame.columns for other in ("file", "start", "end"))
    if name not in ("index", "level_0", "X", "rownames", "row.names", "row_names"):
        return False
    column = frame[name]
    return column.dtype.kind in "iu" and bool((np.diff(column.to_numpy()) > 0).all())


def _check_columns(
    path: Path,
    frame: pd.DataFrame,
    features: Sequence[str],
    first_path: Path,
    first: Sequence[str],
    columns: Mapping[str, str],
) -> None:
    if not features:
        beside = f" beside {', '.join(map(str, frame.columns))}" if len(frame.columns) else ""
        raise DataError(f"{path}: has no columns of features{beside}; at least one was expected")
    for variable, column in columns.items():
        if column not in frame.columns and column != variable:
            raise DataError(f"{path}: has no column {column!r} for {variable}; it has {_some(list(frame.columns))}")
    differing = set(features) ^ set(first)
    if differing:
        raise DataError(f"{path}: has other features than {first_path}: {_some(sorted(differing))} in one of them only")


def _some(names: Sequence[str]) -> str:
    return ", ".join(name[:60] for name in names[:6]) + (f", ... ({len(names)} in all)" if len(names) > 6 else "")


def _numbers(path: Path, frame: pd.DataFrame) -> np.ndarray:
    """Features [instance, feature], float32."""
    converted = {}
    for name, kind in frame.dtypes.items():
        if kind.kind not in "fiu":
            column = frame[name]
            numbers = pd.to_numeric(column.astype(str).where(column.notna()), errors="coerce")
            wrong = column[numbers.isna() & column.notna()]
            if len(wrong) or kind.kind == "b":
                row = wrong.index[0] if len(wrong) else 0
                found = str(column[row])[:60]
                raise DataError(
                    f"{path}: column {name!r} has {found!r} in data row {row + 1}, features are numbers;"
                    " leave it out with ignore_column=NAME, or name columns of metadata, as with"
                    " columns['label_nominal']=NAME"
                )
            converted[name] = numbers
    frame = frame.assign(**converted) if converted else frame
    exact = frame.to_numpy(np.float64, na_value=np.nan)
    with np.errstate(over="ignore"):
        features: np.ndarray = exact.astype(np.float32)
    for row, column in np.argwhere(np.isinf(features) & np.isfinite(exact))[:1]:
        raise DataError(
            f"{path}: column {frame.columns[column]!r} has {exact[row, column]:g} in data row {row + 1},"
            f" features are below {np.finfo(np.float32).max:.3g}; scale them"
        )
    missing = np.argwhere(np.isnan(features))
    if len(missing):
        row, column = missing[0]
        logger.warning(
            "%s: %d values of features are missing, the first in column %r, data row %d; most learners refuse them",
            *(path, len(missing), frame.columns[column], row + 1),
        )
    return features


def _metadata(place: Place, frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """One row for each instance: its metadata, where it is and what its place says of it."""
    given = pd.DataFrame(index=frame.index)
    for variable, column in columns.items():
        given[variable] = frame[column].astype(object) if column in frame.columns else None
    chunk_nrs = _parsed(place.path, given[CHUNK_NR.name], int)
    _check_labels(place.path, given[chunk_nrs.isna()])
    in_order = given.groupby(FILENAME.name).cumcount()  # NaN without a name
    labels, numbers = given[LABEL_NOMINAL.name], _parsed(place.path, given[LABEL_NUMERIC.name], int)
    unknown = labels.isin(format_named(place.path.suffix[1:].lower()).unknown) & numbers.isna()
    if unknown.any():
        logger.warning(
            "%s: %d rows have %r for a label and so none", place.path, unknown.sum(), labels[unknown].iloc[0]
        )
        labels = labels.where(~unknown, None)
    nameless = labels.isna() & numbers.notna()
    labels = labels.where(~nameless, numbers.map("{:.0f}".format))
    return pd.DataFrame(
        {
            FILENAME.name: given[FILENAME.name],
            CHUNK_NR.name: chunk_nrs.fillna(in_order).fillna(0).astype(np.int64),
            LABEL_NOMINAL.name: labels,
            LABEL_NUMERIC.name: numbers,
            LABEL_VALUE.name: _parsed(place.path, given[LABEL_VALUE.name], float),
            LABELS.name: _sets(place.path, given[LABELS.name]),
            VERIFIED.name: _parsed(place.path, given[VERIFIED.name], bool),
            USAGE.name: given[USAGE.name],
            GROUP.name: given[GROUP.name],
            "partition": np.nan if place.partition is None else float(place.partition),
            "fold": np.nan if place.fold is None else float(place.fold),
            "path": str(place.path),
        }
    )


def _check_labels(path: Path, rows: pd.DataFrame) -> None:
    """Check that rows of one recording, whose chunks no number tells apart, have one label."""
    for name in (LABEL_NOMINAL.name, LABEL_NUMERIC.name, LABELS.name):
        named = rows[rows[FILENAME.name].notna()]
        labels = named.groupby(FILENAME.name, sort=False)[name].agg(lambda column: sorted(set(column.dropna())))
        for recording, different in labels[labels.map(len) > 1].items():
            count = (named[FILENAME.name] == recording).sum()
            raise DataError(
                f"{path}: {count} rows are called {recording!r} and have different values of {name}"
                f" ({', '.join(different[:4])}), but a recording has one; give each a name of its own, or name the"
                " column of the names with columns['filename']=NAME"
            )


def _parsed(path: Path, texts: pd.Series, kind: type) -> pd.Series:
    """Texts as integers, as 0 and 1 (bool), or as finite numbers (float): float64, NaN where missing."""
    numbers = pd.to_numeric(texts, errors="coerce").astype(np.float64)
    fits = np.isfinite(numbers)
    if kind is not float:
        fits &= (numbers == np.trunc(numbers)) & (numbers.abs() <= LARGEST_INTEGER)
    if kind is bool:
        fits &= numbers.isin([0, 1])
    wrong = texts[texts.notna() & ~fits]
    wrong = wrong[~wrong.isin(MISSING)]
    if len(wrong):
        found, expected = wrong.iloc[0][:60], {int: "an integer", bool: "0 or 1", float: "a finite number"}[kind]
        raise DataError(f"{path}: {texts.name} is {found!r} in data row {wrong.index[0] + 1}, expected {expected}")
    return numbers


def _sets(path: Path, texts: pd.Series) -> pd.Series:
    """Cells of several labels as tuples of names; None where they are missing."""
    sets: list[tuple[str, ...] | None] = []
    for row, text in enumerate(texts):
        try:
            sets.append(None if text is None or text != text or text in MISSING else names_in(text))
        except ValueError as error:
            raise DataError(f"{path}: {texts.name} is {text[:60]!r} in data row {row + 1} ({error}); fix it") from error
    return pd.Series(sets, index=texts.index, dtype=object)


def _name_nameless(rows: pd.DataFrame) -> None:
    """Give the instances without a file name one each."""
    nameless = np.flatnonzero(rows[FILENAME.name].isna())
    if len(nameless):
        taken = set(rows[FILENAME.name])
        free = (name for name in (f"synthetic_{index}" for index in range(2 * len(rows))) if name not in taken)
        names = [next(free) for _ in nameless]
        rows.loc[nameless, FILENAME.name] = names
        logger.warning(
            "%d of %d instances have no file name and are called %s to %s", len(names), len(rows), names[0], names[-1]
        )
