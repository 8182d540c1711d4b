# SPDX-License-Identifier: GPL-3.0-or-later
"""Attribute-relation files of Weka, with dense or sparse rows."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import arff
import numpy as np
import pandas as pd

from audeep.data.exchange.arff_lines import ArffLines
from audeep.data.exchange.formats import TextFormat, check_names
from audeep.data.schema import (
    CHUNK_NR,
    FILENAME,
    GROUP,
    LABEL_NOMINAL,
    LABEL_NUMERIC,
    LABELS,
    NUM_FRAMES,
    USAGE,
    VERIFIED,
)

logger = logging.getLogger(__name__)

RELATION = "auDeep exported data set"
MAX_SPARSE_VALUES = 2**27  # that sparse rows may stand for, 1 GiB

_SYNTAX = re.compile(r"[{}]|^\?$|^$")  # what means something without quotes and arff.encode_string leaves unquoted


class Arff(TextFormat):
    """Features are real; nominal labels are those of the label map."""

    def header(self, columns: Sequence[str], labels: Sequence[str]) -> str:
        types = {
            FILENAME.name: "STRING",
            CHUNK_NR.name: "INTEGER",
            NUM_FRAMES.name: "INTEGER",
            LABEL_NOMINAL.name: f"{{{', '.join(map(_value, labels))}}}" if labels else "STRING",
            LABEL_NUMERIC.name: "INTEGER",
            VERIFIED.name: "INTEGER",
            **dict.fromkeys((LABELS.name, USAGE.name, GROUP.name), "STRING"),
        }
        attributes = "".join(f"@ATTRIBUTE {column} {types.get(column, 'REAL')}\n" for column in columns)
        return f'@RELATION "{RELATION}"\n\n{attributes}\n@DATA\n'

    def rows(self, frame: pd.DataFrame) -> str:
        return "".join(",".join(map(_value, row)) + "\n" for row in frame.astype(object).to_numpy())

    def read(self, path: Path, metadata: Sequence[str]) -> pd.DataFrame:
        with open(path, encoding="utf-8-sig") as file:
            sparse = _is_sparse(file)
            file.seek(0)
            lines = ArffLines(file, sparse)
            try:
                content = arff.load(iter(lines), return_type=arff.LOD_GEN if sparse else arff.DENSE_GEN)
                names, kinds = zip(*content["attributes"], strict=True)
                check_names(names)
                rows = list(content["data"])
            except arff.ArffException as error:
                raise ValueError(lines.wrong_value() or _reason(error)) from error
        if lines.dates:
            logger.warning("%s: dates are no features, left out: %s", path, ", ".join(lines.dates))
        if lines.has_weights:
            logger.warning("%s: weights of instances are left out", path)
        columns = _of_sparse(kinds, rows) if sparse else _of_dense(kinds, rows)
        texts = [values if values.dtype.kind == "f" else pd.Series(values, dtype=object) for values in columns]
        return pd.DataFrame(dict(zip(names, texts, strict=True)), index=range(len(rows))).drop(columns=lines.dates)


def _value(value: object) -> str:
    if isinstance(value, str):
        encoded = str(arff.encode_string(value))
        return f"'{value}'" if encoded == value and _SYNTAX.search(value) else encoded
    return "?" if value is None or value is pd.NA or value != value else str(value)


def _reason(error: arff.ArffException) -> str:
    try:
        text = str(error)
    except TypeError:  # it takes a % in what it quotes for a place to fill in
        text = str(error.message).partition("%d")[0].rstrip(" ,:")
    return re.sub(r",? (at|in) line -1", "", text)  # where it does not know


def _is_sparse(lines: Iterable[str]) -> bool:
    """Whether the first row of data is a sparse one."""
    stripped = (line.strip() for line in lines)
    is_data = False
    for line in stripped:
        if is_data and line and not line.startswith("%"):
            return line.startswith("{")
        is_data = is_data or line.lower().startswith("@data")
    return False


def _of_dense(kinds: Sequence[str | list[str]], rows: Sequence[Sequence[object]]) -> list[np.ndarray]:
    """Columns of rows; of objects where they are texts, which may be no Unicode."""
    is_text = [isinstance(kind, list) or kind == "STRING" for kind in kinds]
    columns = zip(*rows, strict=True) if rows else ([] for _ in kinds)
    found = []
    for text, values in zip(is_text, columns, strict=True):
        column = np.empty(len(rows), object if text else float)
        column[:] = values
        found.append(column)
    return found


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
