# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets from CSV and ARFF files, partitions and folds as directories: the reverse of `exporters`."""

import csv
import logging
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

import arff
import numpy as np
import pandas as pd

from audeep.data.data_set import DataSet, empty
from audeep.data.schema import (
    CHUNK_NR,
    FILENAME,
    GENERATED,
    LABEL_NOMINAL,
    LABEL_NUMERIC,
    LABEL_VALUE,
    NUM_FRAMES,
    START_SECONDS,
    Partition,
    Split,
)
from audeep.errors import DataError
from audeep.runtime.constants import LARGEST_INTEGER
from audeep.runtime.files import found_at

logger = logging.getLogger(__name__)

COLUMNS = {variable.name: variable.name for variable in (FILENAME, CHUNK_NR, LABEL_NOMINAL, LABEL_NUMERIC, LABEL_VALUE)}
FORMATS = (".csv", ".arff")
MAX_SPARSE_VALUES = 2**27  # that sparse rows may stand for, 1 GiB
MISSING = ("", "?", "nan", "NaN", "NA", "N/A", "null")  # numbers that are not there, in CSV


@dataclass(frozen=True)
class _Place:
    """A file, and what its directory says of its instances."""

    path: Path
    partition: Partition | None = None
    fold: int | None = None  # from 0


def import_(basedir: Path, name: str, columns: Mapping[str, str] = COLUMNS) -> DataSet:
    """Read the data set whose files are called `name` below `basedir`, laid out as `exporters.export` does.

    All columns but those of the metadata are features, in their order; axes that `export` has flattened, and numbers of
    frames along them, do not come back. Instances that folds share must be the same in each. What is missing of the
    metadata is made up: names ("synthetic_0", with a warning), chunk numbers (in order of appearance) and numbers of
    labels (in alphabetical order). Without label columns, instances have no labels, and without a column of values no
    values.

    Args:
        name: with the suffix .csv or .arff, or without.
        columns: names of the columns of filename, chunk_nr, label_nominal, label_numeric and label_value, where they
            are others than these.

    Raises:
        DataError: there is no such data set, a file cannot be read, or files or rows contradict each other.
    """
    columns = {**COLUMNS, **columns}
    places = _places(basedir, name)
    frames = [_read(place.path, columns) for place in places]
    features = [
        [column for column in frame.columns if column not in (*columns.values(), NUM_FRAMES.name, START_SECONDS)]
        for frame in frames
    ]
    for place, frame, names in zip(places, frames, features, strict=True):
        _check_columns(place.path, frame, names, places[0].path, features[0], columns)
    matrices = [_numbers(place.path, frame[features[0]]) for place, frame in zip(places, frames, strict=True)]
    rows = pd.concat(
        [_metadata(place, frame, columns) for place, frame in zip(places, frames, strict=True)], ignore_index=True
    )
    if not len(rows):
        raise DataError(f"{places[0].path}: has no instances; at least one was expected")
    _name_nameless(rows)
    return _data_set(rows, np.concatenate(matrices), num_folds=1 + max(place.fold or 0 for place in places))


# where the files are


def sources(basedir: Path, name: str) -> list[Path]:
    """The files that `import_` reads.

    Raises:
        DataError: there is no such data set.
    """
    return [place.path for place in _places(basedir, name)]


def _places(basedir: Path, name: str) -> list[_Place]:
    if not basedir.is_dir():
        raise DataError(
            f"{basedir}: {found_at(basedir, 'directory')}; name the directory of the files with basedir=DIR"
        )
    partitions = [partition for partition in Partition if (basedir / partition.name.lower()).is_dir()]
    places = [
        place
        for partition in partitions
        for place in _places_of_folds(basedir / partition.name.lower(), name, partition)
    ]
    counts = {partition: sum(place.partition is partition for place in places) for partition in partitions}
    if len(set(counts.values())) > 1:
        texts = ", ".join(f"{partition.name.lower()} {count}" for partition, count in counts.items())
        raise DataError(f"{basedir}: partitions have different numbers of folds ({texts}); complete them")
    plain = [path for path in _files(basedir, name) if places]
    if plain or (places and _folds(basedir)):
        other = plain[0] if plain else basedir / "fold_1"
        raise DataError(f"{basedir}: has {other.name} beside directories of partitions; remove one or the other")
    return places or _places_of_folds(basedir, name, None)


def _places_of_folds(directory: Path, name: str, partition: Partition | None) -> list[_Place]:
    """The file in `directory`, or those in the directories of its folds."""
    folds = _folds(directory)
    if not folds:
        return [_Place(_file(directory, name), partition)]
    if _files(directory, name):
        raise DataError(f"{directory}: has {name} beside directories of folds; remove one or the other")
    absent = next(number for number in count(1) if number not in folds)
    if absent < max(folds):
        raise DataError(f"{directory}: has no fold_{absent}, but fold_{max(folds)}; complete the folds")
    return [_Place(_file(folds[number], name), partition, number - 1) for number in sorted(folds)]


def _folds(directory: Path) -> dict[int, Path]:
    matches = ((re.fullmatch(r"fold_([1-9]\d*)", path.name), path) for path in directory.iterdir() if path.is_dir())
    return {int(match[1]): path for match, path in matches if match}


def _files(directory: Path, name: str) -> list[Path]:
    names = [name] if name.lower().endswith(FORMATS) else [f"{name}{suffix}" for suffix in FORMATS]
    return [directory / name for name in names if (directory / name).is_file()]


def _file(directory: Path, name: str) -> Path:
    files = _files(directory, name)
    if len(files) != 1:
        found = " and ".join(path.name for path in files) or f"no {name} as .csv or .arff"
        raise DataError(
            f"{directory}: {found} found, one file was expected; check --basedir, and --name with its suffix"
        )
    return files[0]


# what is in a file


def _read(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    """All columns of a file; those of the metadata as text, None where missing."""
    read = _read_csv if path.suffix.lower() == ".csv" else _read_arff
    try:
        frame = read(path, list(columns.values()))
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is no text in UTF-8 ({error.reason} at byte {error.start}); convert it") from error
    except Exception as error:  # damaged files make pandas and liac-arff raise almost anything
        raise DataError(
            f"{path}: is no {path.suffix[1:].upper()} file that can be read: {_reason(error)}; mend it"
        ) from error
    for column in set(columns.values()) & set(frame.columns):
        texts = [_text(value) for value in frame[column]]
        _check_storable(path, column, texts)
        frame[column] = np.array(texts, dtype=object)
    return frame


def _reason(error: Exception) -> str:
    try:
        text = str(getattr(error, "strerror", None) or error)
    except TypeError:  # liac-arff takes a % in what it quotes for a place to fill in
        text = str(error.message).partition("%d")[0].rstrip(" ,:")
    text = re.sub(r",? (at|in) line -1", "", text)  # where liac-arff does not know
    return " ".join(text.split()).rstrip(".")[:200]


def _check_storable(path: Path, column: str, texts: Iterable[str | None]) -> None:
    for row, text in enumerate(texts):
        if text is not None and re.search("[\0\ud800-\udfff]", text):
            raise DataError(
                f"{path}: column {column!r} has {text[:60]!r} in data row {row + 1}, with a character that is no text"
            )


def _text(value: object) -> str | None:
    if value is None or value != value or value == "":
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _read_csv(path: Path, metadata: Sequence[str]) -> pd.DataFrame:
    with open(path, encoding="utf-8-sig", newline="") as file:
        header = file.readline()
        if "\0" in header:
            raise ValueError("it has NUL characters, as UTF-16 has; UTF-8 was expected")
        delimiter = max(",;\t", key=header.count)
        reader = csv.reader(chain([header], file), delimiter=delimiter)
        names = next(reader, [])
        _check_names(names)
        texts: dict[str, list[str]] = {name: [] for name in names if name in metadata}
        for row in reader:
            if row and len(row) != len(names):
                raise ValueError(f"line {reader.line_num} has {len(row)} values, the header has {len(names)}")
            for name in texts if row else ():
                texts[name].append(row[names.index(name)])
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(
            path,
            sep=delimiter,
            encoding="utf-8-sig",
            usecols=[index for index, name in enumerate(names) if name not in metadata] if texts else None,
            keep_default_na=False,
            na_values=MISSING,
            index_col=False,
            low_memory=False,
        )
    return pd.concat([pd.DataFrame(texts, dtype=object), frame], axis=1)


def _read_arff(path: Path, metadata: Sequence[str]) -> pd.DataFrame:
    with open(path, encoding="utf-8-sig") as file:
        sparse = _is_sparse(file)
        file.seek(0)
        content = arff.load(_simplified_header(file), return_type=arff.LOD_GEN if sparse else arff.DENSE_GEN)
        names, kinds = zip(*content["attributes"], strict=True)
        _check_names(names)
        if sparse:
            return pd.DataFrame(dict(zip(names, _of_sparse(kinds, list(content["data"])), strict=True)))
        return pd.DataFrame(list(content["data"]), columns=names)


def _is_sparse(lines: Iterable[str]) -> bool:
    """Whether the first row of data is a sparse one."""
    stripped = (line.strip() for line in lines)
    is_data = False
    for line in stripped:
        if is_data and line and not line.startswith("%"):
            return line.startswith("{")
        is_data = is_data or line.lower().startswith("@data")
    return False


def _simplified_header(lines: Iterable[str]) -> Iterator[str]:
    """The same lines, made fit for the decoder.

    It takes no tab behind a keyword, and would cut fractions off the numbers of an integer attribute.
    """
    for line in lines:
        if line.lstrip().startswith("@"):
            line = re.sub(r"^\s*(@\w+)\s+", r"\1 ", line)
            line = re.sub(r"(?i)^(@attribute .*\s)integer\s*$", r"\1real", line)
        yield line


def _of_sparse(kinds: Sequence[str | list[str]], rows: Sequence[Mapping[int, object]]) -> list[np.ndarray]:
    """Columns of sparse rows, which do not name what is 0, or the first value of a nominal attribute."""
    if len(kinds) * len(rows) > MAX_SPARSE_VALUES:
        raise ValueError(
            f"its sparse rows stand for {len(kinds) * len(rows)} values, at most {MAX_SPARSE_VALUES} are read"
        )
    columns = []
    for kind in kinds:
        is_text = isinstance(kind, list) or kind == "STRING"
        absent = kind[0] if isinstance(kind, list) else None if is_text else 0
        columns.append(np.full(len(rows), absent, object if is_text else float))
    for number, row in enumerate(rows):
        for index, value in row.items():
            columns[index][number] = value
    return columns


def _check_names(names: Sequence[str]) -> None:
    twice = [name for name, count in pd.Series(names, dtype=object).value_counts(sort=False).items() if count > 1]
    if twice:
        raise ValueError(f"the column {twice[0]!r} is there twice")


# what the files say together


def _check_columns(
    path: Path,
    frame: pd.DataFrame,
    features: Sequence[str],
    first_path: Path,
    first: Sequence[str],
    columns: Mapping[str, str],
) -> None:
    if not features:
        raise DataError(f"{path}: has no columns of features beside {', '.join(map(str, frame.columns))}")
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
                    " name columns of metadata with --filename-attribute, --label-nominal-attribute and the like"
                )
            converted[name] = numbers
    frame = frame.assign(**converted) if converted else frame
    exact = frame.to_numpy(np.float64, na_value=np.nan)
    with np.errstate(over="ignore"):
        features = exact.astype(np.float32)
    row, column = next(zip(*np.nonzero(np.isinf(features) & np.isfinite(exact)), strict=True), (None, None))
    if row is not None:
        raise DataError(
            f"{path}: column {frame.columns[column]!r} has {exact[row, column]:g} in data row {row + 1},"
            f" features are below {np.finfo(np.float32).max:.3g}; scale them"
        )
    return features


def _metadata(place: _Place, frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """One row for each instance: its metadata, where it is and what its place says of it."""
    given = pd.DataFrame(index=frame.index)
    for variable, column in columns.items():
        given[variable] = frame[column].astype(object) if column in frame.columns else None
    chunk_nrs = _parsed(place.path, given[CHUNK_NR.name], int)
    in_order = given.groupby(FILENAME.name).cumcount()  # NaN without a name
    labels, numbers = given[LABEL_NOMINAL.name], _parsed(place.path, given[LABEL_NUMERIC.name], int)
    nameless = labels.isna() & numbers.notna()
    labels = labels.where(~nameless, numbers.map("{:.0f}".format))
    return pd.DataFrame(
        {
            FILENAME.name: given[FILENAME.name],
            CHUNK_NR.name: chunk_nrs.fillna(in_order).fillna(0).astype(np.int64),
            LABEL_NOMINAL.name: labels,
            LABEL_NUMERIC.name: numbers,
            LABEL_VALUE.name: _parsed(place.path, given[LABEL_VALUE.name], float),
            "partition": np.nan if place.partition is None else float(place.partition),
            "fold": np.nan if place.fold is None else float(place.fold),
            "path": str(place.path),
        }
    )


def _parsed(path: Path, texts: pd.Series, kind: type) -> pd.Series:
    """Texts as whole numbers or, where `kind` is float, as finite ones (float64, NaN where missing)."""
    numbers = pd.to_numeric(texts, errors="coerce").astype(np.float64)
    fits = (numbers == np.trunc(numbers)) & (numbers.abs() <= LARGEST_INTEGER) if kind is int else np.isfinite(numbers)
    wrong = texts[texts.notna() & ~fits]
    wrong = wrong[~wrong.isin(MISSING)]
    if len(wrong):
        found, expected = wrong.iloc[0][:60], "a whole number" if kind is int else "a finite number"
        raise DataError(f"{path}: {texts.name} is {found!r} in data row {wrong.index[0] + 1}, expected {expected}")
    return numbers


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


def _data_set(rows: pd.DataFrame, features: np.ndarray, num_folds: int) -> DataSet:
    has_folds = rows["fold"].notna().any()
    codes = rows.groupby([FILENAME.name, CHUNK_NR.name], sort=False).ngroup().to_numpy()
    _, first = np.unique(codes, return_index=True)
    _check_repeated(rows, features, first[codes])
    label_map, numbers = _label_map(rows)
    data_set = empty(len(first), [(GENERATED, 0)], num_folds if has_folds else 0, label_map)
    data_set.filenames[:] = rows[FILENAME.name].to_numpy()[first]
    data_set.chunk_nrs[:] = rows[CHUNK_NR.name].to_numpy()[first]
    labels = rows[LABEL_NOMINAL.name].to_numpy(dtype=object, na_value=None)[first]
    data_set.labels_nominal[:] = labels
    data_set.labels_numeric[:] = numbers[first]
    data_set.partition[:] = rows["partition"].to_numpy()[first]
    data_set.label_values[:] = rows[LABEL_VALUE.name].to_numpy()[first]
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
    for name in (LABEL_NOMINAL.name, LABEL_NUMERIC.name, LABEL_VALUE.name, "partition"):
        left, right = one[name].reset_index(drop=True), other[name].reset_index(drop=True)
        differs = ~((left == right) | (left.isna() & right.isna()))
        if differs.any():
            fail(int(np.argmax(differs)), f"has another {name}")
    for position, (row, before) in enumerate(zip(repeated, first[repeated], strict=True)):
        if not np.array_equal(features[row], features[before], equal_nan=True):
            fail(position, "has other features")


def _label_map(rows: pd.DataFrame) -> tuple[dict[str, int] | None, np.ndarray]:
    """Numbers of the labels by name, and the number of each row's label (NaN without one)."""
    labels, numbers = rows[LABEL_NOMINAL.name], rows[LABEL_NUMERIC.name]
    labelled = labels.notna()
    if not labelled.any():
        return None, np.full(len(rows), np.nan)
    if numbers[labelled].isna().all():
        label_map = {str(name): number for number, name in enumerate(sorted(labels[labelled].unique()))}
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
