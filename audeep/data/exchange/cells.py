# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells of tables in text, as spreadsheets, R and other programs write them."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TextIO

_DECLARED = re.compile(r'"?sep=([^\r\n])"?[,;\t]*[\r\n]*', re.IGNORECASE)


def delimited(file: TextIO, delimiters: str = ",;\t") -> tuple[str, Iterator[tuple[int, list[str]]]]:
    """What separates cells, and each line that has some, with its number (from 1); cells keep their blanks.

    A first line `sep=;`, as Excel writes it, names the delimiter. Lines whose cells are all empty are left out.

    Args:
        delimiters: of them, the one that the first line has most of outside quotes, where there is no such line.
    """
    first, skipped, delimiter = file.readline(), 0, ""
    while first and not delimiter and (not first.strip() or (declared := _DECLARED.fullmatch(first))):
        delimiter = declared[1] if first.strip() and declared else ""
        first, skipped = file.readline(), skipped + 1
    bare = re.sub(r'"[^"]*"', "", first)
    delimiter = delimiter or max(delimiters, key=bare.count)
    reader = csv.reader(chain([first], file), delimiter=delimiter, strict=True)  # no open quote at the end
    lines = ((reader.line_num + skipped, row) for row in reader)
    return delimiter, ((number, row) for number, row in lines if any(cell.strip() for cell in row))


def fitted(row: list[str], names: Sequence[str]) -> list[str]:
    """A row with as many cells as there are names, if it lacks or adds no more than empty ones after the last."""
    size = len(names)
    if len(row) == size - 1 and not names[-1]:
        return [*row, ""]
    return row[:size] if not any(cell.strip() for cell in row[size:]) else row


def is_nameless(name: str) -> bool:
    """Whether a column has no name, as the row numbers that pandas and R write, or none but what pandas made up."""
    return re.fullmatch(r"(Unnamed: \d+(_level_\d+)?)?", name.strip()) is not None


def natural_order(names: Iterable[str]) -> list[str]:
    """Each different name once: in the order of numbers where all are integers, in alphabetical order otherwise."""
    different = sorted(set(names))
    if all(re.fullmatch(r"[+-]?\d{1,15}", name, re.ASCII) for name in different):
        return sorted(different, key=int)
    return different


def names_in(cell: str, separator: str = ",") -> tuple[str, ...]:
    """The names in a cell, such as "Gasp, Sigh", each once; in double quotes where they have the separator in them.

    Raises:
        ValueError: a quote is open.
    """
    lines = csv.reader([cell], delimiter=separator, skipinitialspace=True, strict=True)
    try:
        names = [name.strip() for line in lines for name in line]
    except csv.Error as error:
        raise ValueError(str(error)) from error
    return tuple(dict.fromkeys(name for name in names if name))


def cell_of(names: Iterable[str], separator: str = ",") -> str:
    """The cell that `names_in` reads; two quotes for no name, since an empty cell is a missing value."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator, lineterminator="").writerow(list(names) or [""])
    return buffer.getvalue()
