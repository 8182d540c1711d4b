# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings in any folders, or parts of them, with a table of what is known of them."""

import logging
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any, NoReturn

from audeep.audio.reading import is_audio
from audeep.data.exchange.cells import fitted, names_in
from audeep.data.groups import FILE_COLUMNS, GROUP_COLUMNS
from audeep.data.schema import Partition
from audeep.errors import OptionError, ParserError
from audeep.parsers.base import PARTITIONS, InstanceMetadata, Parser, read_lines, splits
from audeep.parsers.walking import files_below
from audeep.runtime.files import found_at

logger = logging.getLogger(__name__)

OTHER_LABELS = ("emotion", "target")  # columns of labels where there is none of several labels
COLUMNS = {
    "file": FILE_COLUMNS,
    "label": ("label", "label_nominal", "class", "category", *OTHER_LABELS),
    "fold": ("fold", "cv_fold"),
    "partition": ("partition", "split", "subset"),
    "value": ("value", "label_value"),
    "labels": ("labels", "tags"),
    "verified": ("verified", "manually_verified"),
    "group": GROUP_COLUMNS,
    "start": ("start", "start_seconds", "begin", "onset"),
    "end": ("end", "end_seconds", "stop", "offset"),
}
FLAGS = {**dict.fromkeys(("1", "true", "yes"), True), **dict.fromkeys(("0", "false", "no"), False)}
SHOWN = 4  # usual names of a column, in an error
MISSING = ("", "?")
NO_TIME = ("nan", "nat", "none")  # as libraries write it
CLOCK = re.compile(r"(?:(\d+) days? )?(\d+):(\d\d?):(\d\d?(?:\.\d*)?)")


@dataclass
class _Row:
    """A line of the table.

    Attributes:
        cells: texts of its cells by what they are, as far as there are columns; None for those missing.
        names: of the columns, by what they hold.
        path, file: of the recording, and its path below its folder.
        start, end: of the part of it, in seconds.
    """

    line: int
    cells: dict[str, str | None]
    names: dict[str, str]
    path: Path = Path()
    file: str = ""
    start: float | None = None
    end: float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the recording."""
        return self.start is None and self.end is None

    @property
    def key(self) -> tuple[str, float, float]:
        """What lines differ in, and are sorted by."""
        return self.file, self.start or 0.0, math.inf if self.end is None else self.end

    @property
    def name(self) -> str:
        """The name in the data set: with the times as in media fragments (W3C, 2012)."""
        if self.is_whole:
            return self.file
        end = "" if self.end is None else f",{_time(self.end)}"
        return f"{self.file}#t={_time(self.start or 0.0)}{end}"


class TableParser(Parser):
    """Recordings that a table lists, one a line, with label, fold, partition and value as far as it has them.

    Recordings are named by their paths below the base directory, with / or \\, in any Unicode normal form, and without
    suffix where only one recording can be meant. Cells are separated by commas, semicolons or tabs; an empty one, or a
    question mark, is a missing value. Folds are numbered in their order. Labels that are all integers are their own
    numbers. Recordings have one label, or several in one cell of the column `labels`, in double quotes where a name has
    the separator in it.

    With columns of start and end, in seconds or as H:MM:SS, a line is a part of its recording, called by it and its
    times, "a.wav#t=1.5,3"; an empty cell is the start or the end of the recording. Where a recording has several parts,
    and there is no column of groups, the parts of each recording are a group.

    Args:
        basedir: the folder of the recordings, or several, in the first of which that has it a recording is read.
        labels: the table, whose first line names the columns.
        columns: names of the columns of file, label, fold, partition, value, labels, verified, group, start and end; an
            empty name for a column that is not to be used. Those not given are found by the names in `COLUMNS`, in
            upper or lower case, `labels` only where no label is, start and end only together; the column of the file
            must be there.
        separator: of several labels in a cell, one character.

    Raises:
        OptionError: there are columns for one label and for several, or `separator` is not a character.
    """

    takes_several_folders = True

    def __init__(
        self,
        basedir: Path | str | Sequence[Path | str],
        labels: Path | str,
        columns: Mapping[str, str] | None = None,
        separator: str = ",",
    ) -> None:
        self.folders = [Path(basedir)] if isinstance(basedir, Path | str) else [Path(folder) for folder in basedir]
        super().__init__(self.folders[0])
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
        folds = [self._parsed(row, "fold", _whole, "an integer") for row in self._rows]
        numbers = sorted(set(folds) - {None})
        if len(numbers) == 1:
            raise ParserError(f"{self.labels}: all folds are {numbers[0]}; two or more are needed, or none")
        labels = {label for row in self._rows if (label := row.cells.get("label")) is not None}
        are_numbers = all(label.isdecimal() and len(label) < 10 and label == str(int(label)) for label in labels)
        counts = Counter(row.file for row in self._rows)
        has_parts = max(counts.values(), default=0) > 1
        for row, fold in zip(self._rows, folds, strict=True):
            label, group = row.cells.get("label"), row.cells.get("group")
            yield InstanceMetadata(
                row.path,
                row.name,
                label,
                int(label) if are_numbers and label is not None else None,
                [None] * len(numbers) if fold is None else splits(numbers.index(fold), len(numbers)),
                self._parsed(row, "partition", _partition, "train, devel or test"),
                self._parsed(row, "value", _finite, "a finite number"),
                self._parsed(row, "verified", _flag, "1 or 0, true or false"),
                self._parsed(row, "labels", self._names, "names, with all quotes closed"),
                group=row.file if has_parts and "group" not in row.names else group,
                start=row.start,
                end=row.end,
            )

    @cached_property
    def _rows(self) -> list[_Row]:
        """The lines of the table, sorted by file and times."""
        lines = read_lines(self.labels, ",;\t")
        header = [name.strip() for name in lines.pop(0)[1]] if lines else []
        names = self._names_of_columns(header)
        rows: dict[tuple[str, float, float], _Row] = {}
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
            row.start, row.end = (self._parsed(row, what, _seconds, "a time in seconds") for what in ("start", "end"))
            if row.end is not None and row.end <= (row.start or 0):
                self._refuse(row, "end", f"more than the start, {row.start or 0:g}")
            row.path, row.file = self._recording(row)
            if row.key in rows:
                what = "each recording once" if row.is_whole else "each part of a recording once"
                self._refuse(row, "file", f"{what}, but line {rows[row.key].line} has it too")
            rows[row.key] = row
        return [rows[key] for key in sorted(rows)]

    def _names_of_columns(self, header: list[str]) -> dict[str, str]:
        """Names of the columns by what they hold, as far as there are any."""
        names = {what: name for what in COLUMNS if (name := self._column(what, header)) is not None}
        if "label" in names and "labels" in names:
            is_other = self.columns.get("labels") or (
                not self.columns.get("label") and names["label"].lower() in OTHER_LABELS
            )
            del names["label" if is_other else "labels"]
        for what, other in (("start", "end"), ("end", "start")):
            if what in names and other not in names and not self.columns.get(what):
                del names[what]
        used = ", ".join(f"{what} from column {name!r}" for what, name in names.items())
        logger.info("%s: %s", self.labels, used)
        others = [name for name in header if name and name not in names.values()]
        if others and not names.keys() & {"label", "labels", "value"} and self.columns.get("label") != "":
            logger.warning(
                "%s: no column is known as that of labels; the others are %s; name one of them with"
                " columns['label']=NAME",
                *(self.labels, ", ".join(others)),
            )
        return names

    def _recording(self, row: _Row) -> tuple[Path, str]:
        """The recording that a line names, and its path below its folder."""
        text = str(row.cells["file"])
        for name in dict.fromkeys((text, text.replace("\\", "/"))):
            path = PurePath(name)
            if path.is_absolute() or PureWindowsPath(text).drive or ".." in path.parts:
                self._refuse(row, "file", f"a path below {self._place}, without .. and not absolute")
            for folder in self.folders:
                if (folder / path).is_file():
                    return folder / path, path.as_posix()
        alike = self._files.get(_plain(path.as_posix()), [])
        if len(alike) != 1:
            absent = f"a recording below {self._place}, where it is not"
            several = f"one recording, but it may be {' or '.join(name for _, name in alike[:2])}"
            self._refuse(row, "file", several if alike else absent)
        return alike[0]

    @property
    def _place(self) -> str:
        return " or ".join(map(str, self.folders))

    @cached_property
    def _files(self) -> dict[str, list[tuple[Path, str]]]:
        """The recordings below the folders by their paths, and by those without suffix, in one normal form."""
        files: dict[str, list[tuple[Path, str]]] = {}
        for folder in self.folders:
            for path in sorted(filter(is_audio, files_below(folder))):
                name = path.relative_to(folder)
                for key in {_plain(name.as_posix()), _plain(name.with_suffix("").as_posix())}:
                    files.setdefault(key, []).append((path, name.as_posix()))
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
            usual = ", ".join([*wanted[:SHOWN], *["..."] * (len(wanted) > SHOWN)])
            raise ParserError(
                f"{self.labels}: has no column {usual} for the {what}, but {', '.join(header) or 'none'}; name one of"
                f" them with columns[{what!r}]=NAME"
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


def _seconds(text: str) -> float | None:
    """A time in seconds: a number, or hours, minutes and seconds, perhaps after days, as pandas writes times."""
    if text.lower() in NO_TIME:
        return None
    clock = CLOCK.fullmatch(text)
    if clock is not None:
        days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    number = _finite(text)
    if number < 0:
        raise ValueError
    return number


def _time(seconds: float) -> str:
    """A time to the microsecond, without zeros at the end."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".")
