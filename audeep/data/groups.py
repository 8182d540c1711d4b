# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of recordings, such as those of a speaker, from a table."""

import csv
from pathlib import Path

import numpy as np

from audeep.data.data_set import DataSet
from audeep.data.exchange.cells import delimited, fitted
from audeep.data.schema import GROUP
from audeep.data.upsample import original_names
from audeep.errors import DataError
from audeep.runtime.files import found_at

FILE_COLUMNS = (
    *("file", "filename", "file_name", "path", "wav", "audio", "recording", "name"),
    *("fname", "filepath", "file_path", "wav_file", "audio_file", "clip"),
)
"""What the column of recordings is called in tables, in upper or lower case."""


GROUP_COLUMNS = ("group", "speaker", "speaker_id")
"""What the column of groups is called in tables, in upper or lower case."""


def check_groups(data_set: DataSet, name: str) -> None:
    """Check that a data set has groups that may go by a name; on file they have none of their own.

    Raises:
        DataError: it has no groups, or the name is not a usual one of such a column.
    """
    if name.lower() not in GROUP_COLUMNS:
        raise DataError(
            f"group={name}: a data set has groups under the names {', '.join(GROUP_COLUMNS)} alone; take one of them,"
            f" or name the table that has the column with groups=FILE"
        )
    if not data_set.has_groups:
        raise DataError(
            f"group={name}: the data set has no groups; name a table that has this column with groups=FILE, or make the"
            " spectrograms with --group-column"
        )


def with_groups(data_set: DataSet, table: Path | str, column: str = GROUP.name) -> DataSet:
    """The same instances, each in the group that a table of recordings has for it; an empty cell is no group.

    Folds and partitions drawn afterwards keep groups together.

    Args:
        table: its first line names the columns; recordings are called as in `data_set`.
        column: of the groups.

    Raises:
        DataError: the table cannot be read, lacks a column, or has no line, or different ones, for a recording.
    """
    groups = _read(Path(table), column)
    names = original_names(data_set.filenames)
    absent = [name for name in names if name not in groups]
    if absent:
        count = len(set(absent))
        raise DataError(f"{table}: has no line for {count} recordings, such as {absent[0]}; add one for each")
    found = np.array([groups[name] for name in names], dtype=object)
    data = data_set.data.drop_vars(GROUP.name).assign({GROUP.name: (GROUP.dims, found)})
    return DataSet(data, data_set.label_map)


def _read(table: Path, column: str) -> dict[str, str | None]:
    """The group of each recording in a table."""
    if not table.is_file():
        raise DataError(f"{table}: {found_at(table)}; name a table of recordings and their groups with groups=FILE")
    try:
        with open(table, encoding="utf-8-sig", newline="") as file:
            lines = list(delimited(file)[1])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{table}: is not a table in UTF-8 ({reason}); convert it, or restore it") from error
    header = [name.strip() for name in lines.pop(0)[1]] if lines else []
    files = [name for name in header if name.lower() in FILE_COLUMNS]
    if not files or column not in header:
        wanted = f"{column} (another is named by group_column=NAME)" if files else f"file, and {column}"
        raise DataError(f"{table}: has the columns {', '.join(header[:10]) or 'none'}; it needs {wanted}")
    groups: dict[str, str | None] = {}
    for line, texts in lines:
        cells = fitted(texts, header)
        if len(cells) != len(header):
            raise DataError(f"{table}: line {line} has {len(cells)} cells, the first line has {len(header)}; fix it")
        found = dict(zip(header, map(str.strip, cells), strict=True))
        name, group = found[files[0]], found[column] or None
        if groups.setdefault(name, group) != group:
            raise DataError(f"{table}: line {line} has {name} in another group than before; leave one")
    return groups
