# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of Apache Arrow: Parquet files, and streams as Hugging Face keeps data sets on disk.

The features of an instance are one list in the column `features`. In files of others, lists of one length are features
as well, and numbers that stand for classes become their names where Hugging Face says so.
"""

import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audeep.data.exchange.cells import cell_of
from audeep.data.exchange.formats import Append, Format
from audeep.data.exchange.matrices import check_growth, unfolded
from audeep.data.schema import FEATURES, LABELS, START_SECONDS, VARIABLES, features_among
from audeep.errors import OptionError

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import ipc, parquet
except ImportError as error:
    raise OptionError(
        f"Parquet and Arrow files need the package pyarrow ({error}); run: pip install 'audeep[parquet]'"
    ) from error

TYPES = {
    **{each.name: {str: pa.string(), float: pa.float64()}.get(each.dtype, pa.int64()) for each in VARIABLES},
    LABELS.name: pa.string(),
    START_SECONDS: pa.float64(),
}


class ArrowFormat(Format):
    """What both kinds of files share."""

    @abstractmethod
    def writer(self, path: Path, schema: pa.Schema) -> Any:
        """What has a method write_table, and is closed at the end of a block."""

    @abstractmethod
    def table(self, path: Path) -> pa.Table:
        """All of a file."""

    @contextmanager
    def writing(self, path: Path, columns: Sequence[str], labels: Sequence[str] = ()) -> Iterator[Append]:
        features = features_among(columns)
        places = [name for name in columns if name not in features[1:]]
        kinds = {**TYPES, features[0]: pa.list_(pa.float32(), len(features))}
        named = {features[0]: FEATURES}
        schema = pa.schema([(named.get(name, name), kinds[name]) for name in places])
        with self.writer(path, schema) as writer:

            def append(frame: pd.DataFrame) -> None:
                found = [
                    pa.array(frame[name].astype(object), kinds[name], from_pandas=True)
                    if name in TYPES
                    else _lists(frame[features].to_numpy(np.float32))
                    for name in places
                ]
                writer.write_table(pa.Table.from_arrays(found, schema=schema))

            yield append

    def read(self, path: Path, metadata: Sequence[str]) -> pd.DataFrame:
        table = self.table(path)
        classes = _classes(table.schema)
        columns: dict[str, np.ndarray | pd.Series] = {}
        for name in table.column_names:
            columns[name] = _values(name, table.column(name).combine_chunks(), name in metadata, classes.get(name))
        return unfolded(columns)


class Parquet(ArrowFormat):
    """Files of Apache Parquet."""

    def writer(self, path: Path, schema: pa.Schema) -> parquet.ParquetWriter:
        return parquet.ParquetWriter(path, schema)

    def table(self, path: Path) -> pa.Table:
        with parquet.ParquetFile(path) as file:
            about = file.metadata
            groups = (about.row_group(index) for index in range(about.num_row_groups))
            num_values = sum(group.column(index).num_values for group in groups for index in range(group.num_columns))
            check_growth(max(num_values, about.num_rows), path.stat().st_size)
            return file.read()


class Arrow(ArrowFormat):
    """Streams of Apache Arrow, or files of the same content, which readers may tell apart."""

    def writer(self, path: Path, schema: pa.Schema) -> ipc.RecordBatchStreamWriter:
        return ipc.new_stream(str(path), schema)

    def table(self, path: Path) -> pa.Table:
        with pa.memory_map(str(path)) as file:
            try:
                table = ipc.open_stream(file).read_all()
            except pa.ArrowInvalid:
                file.seek(0)
                table = ipc.open_file(file).read_all()
            check_growth(table.num_rows * table.num_columns, path.stat().st_size)
            return table


def _lists(features: np.ndarray) -> pa.Array:
    """[row, feature] as a list a row."""
    return pa.FixedSizeListArray.from_arrays(pa.array(features.reshape(-1)), features.shape[1])


def _classes(schema: pa.Schema) -> dict[str, list[str]]:
    """Names of classes by column, where Hugging Face has noted them."""
    try:
        about = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = about.get("info", {}).get("features", {})
        return {name: facts["names"] for name, facts in features.items() if facts.get("_type") == "ClassLabel"}
    except (ValueError, AttributeError, KeyError):  # notes of somebody else
        return {}


def _values(name: str, column: pa.Array, is_metadata: bool, classes: list[str] | None) -> np.ndarray | pd.Series:
    """A column [row], or, of lists of numbers, an array [row, ...]."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _is_list(column.type):
        if is_metadata:
            return pd.Series(
                [None if row is None else cell_of(map(str, row)) for row in column.to_pylist()], dtype=object
            )
        return _matrix(name, column)
    if classes is not None and pa.types.is_integer(column.type):
        column = pa.array([None if each is None or each < 0 else classes[each] for each in column.to_pylist()])
    if is_metadata and pa.types.is_boolean(column.type):
        column = column.cast(pa.int64())
    values: pd.Series = column.to_pandas()
    return values


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _matrix(name: str, column: pa.Array) -> np.ndarray:
    """Lists of one length, within lists of one length or not: an array [row, ...].

    Raises:
        ValueError: they differ in length, are missing, or hold something else.
    """
    shape = [len(column)]
    while _is_list(column.type):
        lengths = pc.unique(pc.list_value_length(column)).to_pylist()
        if column.null_count or len(lengths) > 1:
            found = "missing lists" if column.null_count else f"lists of {min(lengths)} to {max(lengths)} values"
            raise ValueError(f"column {name!r} has {found}, the same number in each row was expected")
        shape.append(column.type.list_size if pa.types.is_fixed_size_list(column.type) else max(lengths, default=0))
        column = column.flatten()
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise ValueError(f"column {name!r} has lists of {column.type}, numbers were expected; leave it out of the file")
    numbers: np.ndarray = column.to_numpy(zero_copy_only=False)
    return numbers.reshape(shape)
