# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables some of whose columns hold several numbers a row, as arrays and lists do."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from audeep.data.exchange.formats import check_names
from audeep.data.schema import FEATURES, feature_names

WIDE = "wide"  # attribute of frames: the columns that a column with several numbers a row has become, by its name
LARGEST_TABLE = 2**27  # values, 1 GiB
LARGEST_GROWTH = 16  # values for each byte of a file, from which on a larger table is taken for hostile


def unfolded(columns: Mapping[str, np.ndarray | pd.Series]) -> pd.DataFrame:
    """A frame of columns [row], and of arrays [row, ...], whose values become columns with numbers at their names.

    Raises:
        ValueError: they have different numbers of rows, or two the same name.
    """
    parts: list[pd.DataFrame] = []
    wide: dict[str, list[str]] = {}
    num_rows = {name: len(values) if values.ndim else None for name, values in columns.items()}
    if len(set(num_rows.values())) > 1 or None in num_rows.values():
        found = ", ".join(f"{name!r} {'none' if rows is None else rows}" for name, rows in num_rows.items())
        raise ValueError(f"numbers of rows differ ({found[:120]})")
    for name, values in columns.items():
        if values.ndim == 1:
            parts.append(pd.DataFrame({name: values}))
            continue
        matrix = np.asarray(values).reshape(len(values), math.prod(values.shape[1:]))
        wide[name] = names_of(name, matrix.shape[1])
        parts.append(pd.DataFrame(matrix, columns=wide[name], copy=False))
    frame = pd.concat(parts, axis=1) if parts else pd.DataFrame()
    check_names(list(frame.columns))
    frame.attrs[WIDE] = wide
    return frame


def names_of(name: str, size: int) -> list[str]:
    """What the values of a column become: those of "features" are called as in other tables."""
    return feature_names(size) if name == FEATURES else [f"{name}_{number}" for number in range(size)]


def all_of(names: Sequence[str], frame: pd.DataFrame) -> list[str]:
    """The same names; those of columns with several numbers a row stand for all that they have become."""
    wide = frame.attrs.get(WIDE, {})
    return [each for name in names for each in wide.get(name, [name])]


def check_growth(num_values: int, num_bytes: int) -> None:
    """Check that a file holds no more values than its size explains.

    Raises:
        ValueError: it does.
    """
    most = max(LARGEST_TABLE, LARGEST_GROWTH * num_bytes)
    if num_values > most:
        raise ValueError(f"its {num_bytes} bytes stand for {num_values} values, at most {most} are read")
