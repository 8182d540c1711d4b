# SPDX-License-Identifier: GPL-3.0-or-later
"""What all data set layouts share."""

import csv
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from audeep.audio.reading import Segment, is_audio, part_of
from audeep.data.exchange.cells import delimited, natural_order
from audeep.data.schema import PARTITION_FOLDERS, Partition, Split
from audeep.errors import ParserError


def audio_in(directory: Path) -> list[Path]:
    """The recordings in `directory`, sorted by name."""
    return sorted(path for path in directory.iterdir() if is_audio(path))


def folders_in(directory: Path) -> list[Path]:
    """The visible directories in `directory`, sorted by name."""
    return sorted(path for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))


PARTITIONS = {  # by the names that tables and folders have for them, in lower case
    **{name: partition for partition, names in PARTITION_FOLDERS.items() for name in names},
    "training": Partition.TRAIN,
    **dict.fromkeys(("testing", "eval", "evaluation"), Partition.TEST),
}


@dataclass(frozen=True)
class InstanceMetadata:
    """A recording and what is known of it.

    Attributes:
        path: where the recording is.
        filename: its name in the data set; recordings need different names.
        label_nominal, label_numeric: name and number of its class.
        cv_folds: the split it is in, for each cross-validation fold.
        partition: the part of the data set it is in.
        label_value: number to predict by regression.
        verified: whether the label was checked by hand.
        label_set: names of several labels, in place of `label_nominal`; empty for a recording that has none of them.
        usage: what a competition uses a test recording for.
        group: what it belongs to, such as a speaker; a group is on one side of a split.
        start, end: of the part of it that is meant, in seconds; None are those of the recording.
    """

    path: Path
    filename: str
    label_nominal: str | None = None
    label_numeric: int | None = None
    cv_folds: Sequence[Split | None] = field(default_factory=list)
    partition: Partition | None = None
    label_value: float | None = None
    verified: bool | None = None
    label_set: tuple[str, ...] | None = None
    usage: str | None = None
    group: str | None = None
    start: float | None = None
    end: float | None = None

    @property
    def source(self) -> Path | Segment:
        """What its frames are made of: the recording, or a part of it."""
        return part_of(self.path, self.start, self.end)


class Parser:
    """Finds the recordings of a data set below `basedir`.

    A subclass says in `missing` what its layout needs and the base directory lacks, and yields the recordings from
    `instances`, in sorted order. Or it defines `can_parse` and `parse` outright, as parsers for auDeep 0.9 do.

    Attributes:
        takes_several_folders: whether it is given all base directories at once; several others are joined.
    """

    takes_several_folders: ClassVar[bool] = False

    def __init__(self, basedir: Path | str) -> None:
        self.basedir = self._basedir = Path(basedir)
        self.log = logging.getLogger(f"{type(self).__module__}.{type(self).__name__}")

    def missing(self) -> str | None:
        """What this layout needs and the base directory lacks; None if it can be read."""
        if type(self).can_parse is Parser.can_parse:
            raise NotImplementedError(f"{type(self).__name__} has neither missing() nor can_parse()")
        return None if self.can_parse() else f"what {type(self).__name__} asks for"

    def can_parse(self) -> bool:
        """Whether the base directory has this layout."""
        return self.missing() is None

    def instances(self) -> Iterator[InstanceMetadata]:
        """The recordings, in sorted order."""
        raise NotImplementedError(f"{type(self).__name__} has neither instances() nor parse()")

    def parse(self) -> list[InstanceMetadata]:
        """The recordings, in sorted order; the folders are read once."""
        return self._instances

    @cached_property
    def _instances(self) -> list[InstanceMetadata]:
        return told_apart(self.basedir, list(self.instances()))

    @property
    def label_map(self) -> dict[str, int] | None:
        """Numbers of the labels by name; None if no recording has a label.

        Where the recordings give no numbers, labels are numbered alphabetically. Several labels of a recording have
        the numbers 0, 1, ...
        """
        if self._has_label_sets:
            return numbered([name for item in self.parse() for name in item.label_set or ()])
        labels = {(item.label_nominal, item.label_numeric) for item in self.parse() if item.label_nominal is not None}
        known = sorted((name, number) for name, number in labels if number is not None)
        if len(known) < len(labels):
            return numbered([name for name, _ in labels])
        return dict(known) or None

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the labels by number where recordings have several; else empty."""
        numbers = self.label_map or {}
        return tuple(sorted(numbers, key=numbers.__getitem__)) if self._has_label_sets else ()

    @property
    def _has_label_sets(self) -> bool:
        return any(item.label_set is not None for item in self.parse())

    @property
    def num_folds(self) -> int:
        """Cross-validation folds; 0 if there are none."""
        return max((len(item.cv_folds) for item in self.parse()), default=0)

    @property
    def num_instances(self) -> int:
        """Recordings."""
        return len(self.parse())


def told_apart(basedir: Path, instances: Sequence[InstanceMetadata]) -> list[InstanceMetadata]:
    """The same recordings; those that share a name are called by their paths below the base directory.

    Raises:
        ParserError: some still share a name.
    """
    counts = Counter(item.filename for item in instances)
    named = [
        replace(item, filename=item.path.relative_to(basedir).as_posix())
        if counts[item.filename] > 1 and item.path.is_relative_to(basedir)
        else item
        for item in instances
    ]
    check_names(named)
    return named


def check_names(instances: Sequence[InstanceMetadata]) -> None:
    """Check that recordings have different names.

    Raises:
        ParserError: two have the same.
    """
    paths: dict[str, Path] = {}
    for item in instances:
        if item.filename in paths:
            raise ParserError(
                f"{item.path}: is called {item.filename!r}, as is {paths[item.filename]}; give each recording a name"
                " of its own, such as its path, and list it once"
            )
        paths[item.filename] = item.path


def check_labels(parser: Parser) -> None:
    """Check that recordings have one label each, or several, which are all among those of the parser.

    Raises:
        ParserError: some have one and others several, or a label is not among them.
    """
    names = set(parser.label_names)
    for item in parser.parse() if names else ():
        if item.label_nominal is not None or item.label_numeric is not None:
            raise ParserError(f"{item.path}: has one label, others several; give all recordings a set of labels")
        unknown = [label for label in item.label_set or () if label not in names]
        if unknown:
            raise ParserError(f"{item.path}: has the label {unknown[0]!r}, which is not in the label map; add it there")


def splits(fold: int, num_folds: int) -> list[Split]:
    """The split in each fold of a recording that is validated in `fold` (from 0) alone."""
    return [Split.VALID if index == fold else Split.TRAIN for index in range(num_folds)]


def numbered(names: Sequence[str]) -> dict[str, int]:
    """Each different name and its position: in the order of numbers if all are integers, else in alphabetical order."""
    return {name: number for number, name in enumerate(natural_order(names))}


def in_classes(basedir: Path, folders: Sequence[tuple[Path, Mapping[str, Any]]]) -> Iterator[InstanceMetadata]:
    """The recordings in directories that are called as their classes, each with what else is known of its recordings.

    They are named by their paths below `basedir`.
    """
    numbers = numbered([folder.name for folder, _ in folders])
    for folder, facts in folders:
        for path in audio_in(folder):
            name = path.relative_to(basedir).as_posix()
            yield InstanceMetadata(path, name, folder.name, numbers[folder.name], **facts)


def lacks(basedir: Path, names: Sequence[str]) -> str | None:
    """Which of the files and directories `names` are not in `basedir`, as text; None if all are."""
    return ", ".join(name for name in names if not (basedir / name).exists()) or None


def read_table(
    path: Path, columns: Mapping[str, type], delimiter: str = ",;\t", header: bool = True
) -> list[tuple[Any, ...]]:
    """The given columns of each line of a table, converted to their types (str or int).

    A table without a header has `columns` as its first ones.

    Raises:
        ParserError: the table cannot be read, lacks a column, or has a line without the values.
    """
    rows = read_lines(path, delimiter)
    names = list(columns)
    if header:
        names = [name.strip() for name in rows.pop(0)[1]] if rows else []
    lacking = [column for column in columns if column not in names]
    if lacking:
        found = ", ".join(name[:60] for name in names[:10]) + ", ..." * (len(names) > 10) or "none"
        raise ParserError(f"{path}: has no column {', '.join(lacking)}, but {found}; it needs {', '.join(columns)}")
    kinds = [(names.index(column), kind) for column, kind in columns.items()]
    values = []
    for line, row in rows:
        try:
            values.append(tuple(kind(row[index]) for index, kind in kinds))
        except (IndexError, ValueError) as error:
            needs = ", ".join(f"{name} (an integer)" if kind is int else name for name, kind in columns.items())
            raise ParserError(f"{path}: line {line} is {','.join(row)!r}; expected {needs}; fix it") from error
    return values


def read_lines(path: Path, delimiters: str) -> list[tuple[int, list[str]]]:
    """The lines of a table that are not empty, cut into cells, each with its number (from 1); `sep=;` is understood.

    Args:
        delimiters: of them, the one that is most frequent in the first line stands between cells.

    Raises:
        ParserError: the table cannot be read.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return list(delimited(file, delimiters)[1])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ParserError(f"{path}: is not a table in UTF-8 ({reason}); convert it, or restore it") from error


def require_files(table: Path, paths: Sequence[Path]) -> None:
    """Check that all recordings that a table lists are there.

    Raises:
        ParserError: some are not; it names the first three.
    """
    absent = [path for path in paths if not path.is_file()]
    if absent:
        names = ", ".join(map(str, absent[:3])) + (", ..." if len(absent) > 3 else "")
        raise ParserError(
            f"{table}: {len(absent)} of its {len(paths)} recordings are not there: {names}; complete the data set"
        )


class LoggingMixin:
    """Gives a class the logger `self.log`; parsers for auDeep 0.9 inherit it."""

    @cached_property
    def log(self) -> logging.Logger:
        """A logger named after the class."""
        return logging.getLogger(f"{type(self).__module__}.{type(self).__name__}")
