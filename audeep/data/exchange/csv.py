# SPDX-License-Identifier: GPL-3.0-or-later
"""Values separated by commas; in files from elsewhere also by semicolons or tabs, whichever the header has most of."""

import csv
import io
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from audeep.data.exchange.cells import delimited, fitted, is_nameless
from audeep.data.exchange.formats import MISSING, TextFormat, check_names
from audeep.data.schema import LABELS, VARIABLES

logger = logging.getLogger(__name__)

TEXTS = [LABELS.name, *(variable.name for variable in VARIABLES if variable.dtype is str)]

_DECIMAL = re.compile(r"\s*[+-]?(\d+|\d*,\d+|\d+,)([eE][+-]?\d+)?\s*")


class Csv(TextFormat):
    """The first line has the names of the columns; columns without one, such as row numbers, are left out.

    Where cells are not separated by commas, numbers may have decimal commas.
    """

    unknown = ("?", "NA", "N/A", "nan", "NaN", "<NA>")

    def header(self, columns: Sequence[str], labels: Sequence[str]) -> str:
        return str(pd.DataFrame(columns=columns).to_csv(index=False, lineterminator="\n"))

    def rows(self, frame: pd.DataFrame) -> str:
        texts = frame[frame.columns.intersection(TEXTS)].to_numpy().flat
        is_broken = any(isinstance(text, str) and "\r" in text for text in texts)  # which would be left unquoted
        quoting = csv.QUOTE_NONNUMERIC if is_broken else csv.QUOTE_MINIMAL
        return str(frame.to_csv(index=False, header=False, lineterminator="\n", quoting=quoting))

    def read(self, path: Path, metadata: Sequence[str]) -> pd.DataFrame:
        with open(path, encoding="utf-8-sig", newline="") as file:
            if "\0" in file.readline():
                raise ValueError("it has NUL characters, as UTF-16 has; UTF-8 was expected")
            file.seek(0)
            delimiter, lines = delimited(file)
            names = [name.strip() for name in next(lines, (0, []))[1]]
            check_names([name for name in names if not is_nameless(name)])
            texts: dict[str, list[str]] = {name: [] for name in names if name in metadata}
            features = [index for index, name in enumerate(names) if name not in texts and not is_nameless(name)]
            nameless = [index for index, name in enumerate(names) if is_nameless(name)]
            with io.BytesIO() as buffer, io.TextIOWrapper(buffer, "utf-8", newline="", write_through=True) as clean:
                writer, num_rows = csv.writer(clean, lineterminator="\n"), 0
                filled: set[int] = set()
                for row in _rows(lines, names):
                    writer.writerow([row[index] for index in features])
                    filled.update(index for index in nameless if row[index].strip())
                    num_rows += 1
                    for name in texts:
                        texts[name].append(row[names.index(name)])
                buffer.seek(0)
                frame = _features(buffer, [names[index] for index in features], num_rows)
        if filled:
            places = ", ".join(str(index + 1) for index in sorted(filled))
            logger.warning("%s: column %s has no name, as row numbers have none, and is left out", path, places)
        if delimiter != ",":
            frame = _with_decimal_commas(frame)
        return pd.concat(
            [pd.DataFrame({name: _unquoted(cells) for name, cells in texts.items()}, dtype=object), frame], axis=1
        )


def _rows(lines: Iterable[tuple[int, list[str]]], names: Sequence[str]) -> Iterator[list[str]]:
    """The cells below the names, as many on each line."""
    for number, cells in lines:
        row = fitted(cells, names)
        if len(row) != len(names):
            raise ValueError(f"line {number} has {len(row)} values, the header has {len(names)}")
        yield row


def _features(file: io.BytesIO, names: Sequence[str], num_rows: int) -> pd.DataFrame:
    """Columns of numbers, as far as they are some."""
    if not names or not num_rows:
        return pd.DataFrame({name: np.empty(num_rows) for name in names}, index=range(num_rows))
    return pd.read_csv(
        file,
        header=None,
        names=list(names),
        keep_default_na=False,
        na_values=MISSING,
        index_col=False,
        low_memory=False,
        skip_blank_lines=False,
    )


def _with_decimal_commas(frame: pd.DataFrame) -> pd.DataFrame:
    """The same columns, those whose numbers have decimal commas as numbers."""
    numbers = {}
    for name in [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]:
        present = frame[name].dropna().astype(str)
        if present.str.fullmatch(_DECIMAL).all():
            numbers[name] = pd.to_numeric(frame[name].str.replace(",", ".", regex=False))
    points = [name for name in frame.select_dtypes(float) if (frame[name] % 1 > 0).any()]
    if numbers and points:
        raise ValueError(
            f"column {points[0]!r} has decimal points, column {next(iter(numbers))!r} decimal commas; use one of them"
        )
    return frame.assign(**numbers)


def _unquoted(cells: list[str]) -> list[str]:
    """Texts without the single quotes that openSMILE puts around each."""
    if any(cells) and all(not cell or re.fullmatch("'.*'", cell, re.DOTALL) for cell in cells):
        return [cell[1:-1] for cell in cells]
    return cells
