# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings in any folders, with a table of what is known of them."""

import logging
import math
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any, NamedTuple, NoReturn

from audeep.audio.reading import is_audio
from audeep.data.exchange.cells import fitted, names_in
from audeep.data.groups import FILE_COLUMNS
from audeep.data.schema import PARTITION_FOLDERS, Partition
from audeep.errors import OptionError, ParserError
from audeep.parsers.base import InstanceMetadata, Parser, read_lines, splits
from audeep.parsers.walking import files_below
from audeep.runtime.files import found_at

logger = logging.getLogger(__name__)

COLUMNS = {
    "file": FILE_COLUMNS,
    "label": ("label", "label_nominal", "class", "category"),
    "fold": ("fold", "cv_fold"),
    "partition": ("partition", "split", "subset"),
    "value": ("value", "label_value"),
    "labels": ("labels", "tags"),
    "verified": ("verified", "manually_verified"),
    "group": ("group",),
}
PARTITIONS = {
    **{name: partition for partition, names in PARTITION_FOLDERS.items() for name in names},
    "training": Partition.TRAIN,
    **dict.fromkeys(("testing", "eval", "evaluation"), Partition.TEST),
}
FLAGS = {**dict.fromkeys(("1", "true", "yes"), True), **dict.fromkeys(("0", "false", "no"), False)}
MISSING = ("", "?")


class _Row(NamedTuple):
    """A line of the table.

    Attributes:
        cells: texts of its cells by what they are, as far as there are columns; None for those missing.
        names: of the columns, by what they hold.
    """

    line: int
    cells: dict[str, str | None]
    names: dict[str, str]


class TableParser(Parser):
    """Recordings that a table lists, one a line, with label, fold, partition and value as far as it has them.

    Recordings are named by their paths below the base directory, with / or \\, in any Unicode normal form, and without
    suffix where only one recording can be meant. Cells are separated by commas, semicolons or tabs; an empty one, or a
    question mark, is a missing value. Folds are numbered in their order. Labels that are all integers are their own
    numbers. Recordings have one label, or several in one cell of the column `labels`, in double quotes where a name has
    the separator in it.

    Args:
        labels: the table, whose first line names the columns.
        columns: names of the columns of file, label, fold, partition, value, labels, verified and group; an empty name
            for a column that is not to be used. Those not given are found by the names in `COLUMNS`, in upper or lower
            case, `labels` only where no label is; the column of the file must be there.
        separator: of several labels in a cell, one character.

    Raises:
        OptionError: there are columns for one label and for several, or `separator` is not a character.
    """

    def __init__(
        self,
        basedir: Path | str,
        labels: Path | str,
        columns: Mapping[str, str] | None = None,
        separator: str = ",",
    ) -> None:
        super().__init__(basedir)
        self.labels = Path(labels)
        self.columns = dict(columns or {})
        self.separator = separator
        if len(separator) != 1 or separator in '"\r\n':
            raise OptionError(f"separator={separator!r}: expected one character, such as , or ;")
        if self.columns.get("label") and self.columns.get("labels"):
            raise OptionError("there are columns for one label and for several; name one of them")

    def missing(self) -> str | None:
        if not self.labels.is_file():
            raise ParserError(
                f"{self.labels}: {found_at(self.labels)}; name the table of the recordings with labels=FILE"
            )
        return None

    def instances(self) -> Iterator[InstanceMetadata]:
        folds = {file: self._parsed(row, "fold", _whole, "an integer") for file, row in self._rows.items()}
        numbers = sorted(set(folds.values()) - {None})
        if len(numbers) == 1:
            raise ParserError(f"{self.labels}: all folds are {numbers[0]}; two or more are needed, or none")
        labels = {label for row in self._rows.values() if (label := row.cells.get("label")) is not None}
        are_numbers = all(label.isdecimal() and len(label) < 10 and label == str(int(label)) for label in labels)
        for file, row in self._rows.items():
            label, fold = row.cells.get("label"), folds[file]
            yield InstanceMetadata(
                self.basedir / file,
                file,
                label,
                int(label) if are_numbers and label is not None else None,
                [None] * len(numbers) if fold is None else splits(numbers.index(fold), len(numbers)),
                self._parsed(row, "partition", _partition, "train, devel or test"),
                self._parsed(row, "value", _finite, "a finite number"),
                self._parsed(row, "verified", _flag, "1 or 0, true or false"),
                self._parsed(row, "labels", self._names, "names, with all quotes closed"),
                group=row.cells.get("group"),
            )

    @cached_property
    def _rows(self) -> dict[str, _Row]:
        """The lines of the table by file, sorted."""
        lines = read_lines(self.labels, ",;\t")
        header = [name.strip() for name in lines.pop(0)[1]] if lines else []
        names = {what: name for what in COLUMNS if (name := self._column(what, header)) is not None}
        if "label" in names and "labels" in names:
            del names["label" if self.columns.get("labels") else "labels"]
        logger.info("%s: %s", self.labels, ", ".join(f"{what} from column {name!r}" for what, name in names.items()))
        rows: dict[str, _Row] = {}
        for line, cells in lines:
            texts = fitted(cells, header)
            if len(texts) != len(header):
                raise ParserError(
                    f"{self.labels}: line {line} has {len(texts)} cells, the first line has {len(header)}; fix it"
                )
            found = dict(zip(header, map(str.strip, texts), strict=True))
            row = _Row(
                line, {what: found[name] if found[name] not in MISSING else None for what, name in names.items()}, names
            )
            if row.cells["file"] is None:
                self._refuse(row, "file", "the name of a recording")
            file = self._recording(row)
            if file in rows:
                self._refuse(row, "file", f"each recording once, but line {rows[file].line} has it too")
            rows[file] = row
        return dict(sorted(rows.items()))

    def _recording(self, row: _Row) -> str:
        """The path below the base directory of the recording that a line names."""
        text = str(row.cells["file"])
        for name in dict.fromkeys((text, text.replace("\\", "/"))):
            path = PurePath(name)
            if path.is_absolute() or PureWindowsPath(text).drive or ".." in path.parts:
                self._refuse(row, "file", f"a path below {self.basedir}, without .. and not absolute")
            if (self.basedir / path).is_file():
                return path.as_posix()
        alike = self._files.get(_plain(path.as_posix()), [])
        if len(alike) != 1:
            absent = f"a recording below {self.basedir}, where it is not"
            several = f"one recording, but it may be {' or '.join(alike[:2])}"
            self._refuse(row, "file", several if alike else absent)
        return alike[0]

    @cached_property
    def _files(self) -> dict[str, list[str]]:
        """The recordings below the base directory by their paths, and by those without suffix, in one normal form."""
        files: dict[str, list[str]] = {}
        for path in sorted(filter(is_audio, files_below(self.basedir))):
            name = path.relative_to(self.basedir)
            for key in {_plain(name.as_posix()), _plain(name.with_suffix("").as_posix())}:
                files.setdefault(key, []).append(name.as_posix())
        return files

    def _names(self, cell: str) -> tuple[str, ...]:
        return names_in(cell, self.separator)

    def _column(self, what: str, header: list[str]) -> str | None:
        """Name of the column that holds `what`; None if there is none, or it is not to be used."""
        given = self.columns.get(what)
        if given == "" and what != "file":
            return None
        wanted = (given,) if given else COLUMNS[what]
        found = [name for text in wanted for name in header if text == (name if given else name.lower())]
        if not found and (given or what == "file"):
            raise ParserError(
                f"{self.labels}: has no column {' or '.join(wanted)} for the {what}, but {', '.join(header) or 'none'};"
                f" name one of them with columns[{what!r}]=NAME"
            )
        if found and header.count(found[0]) > 1:
            raise ParserError(f"{self.labels}: has {header.count(found[0])} columns {found[0]!r}; rename all but one")
        return found[0] if found else None

    def _parsed(self, row: _Row, what: str, parse: Callable[[str], Any], expected: str = "text") -> Any:
        """A cell as `parse` understands it; None if it is missing."""
        text = row.cells.get(what)
        try:
            return None if text is None else parse(text)
        except (KeyError, ValueError):
            self._refuse(row, what, expected)

    def _refuse(self, row: _Row, what: str, expected: str) -> NoReturn:
        found = "is empty" if row.cells[what] is None else f"is {row.cells[what]!r}"
        raise ParserError(f"{self.labels}: line {row.line}, column {row.names[what]!r} {found}; expected {expected}")


def _plain(name: str) -> str:
    """A path in one of the forms that Unicode has for letters with marks."""
    return unicodedata.normalize("NFC", name)


def _flag(text: str) -> bool:
    return FLAGS[text.lower()]


def _partition(text: str) -> Partition:
    return PARTITIONS[text.lower()]


def _whole(text: str) -> int:
    number = _finite(text)
    if not number.is_integer():
        raise ValueError
    return int(number)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number
