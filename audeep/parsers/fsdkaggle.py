# SPDX-License-Identifier: GPL-3.0-or-later
"""FSDKaggle2018 (Fonseca et al., DCASE workshop 2018) and FSDKaggle2019 (Fonseca et al., DCASE workshop 2019)."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from audeep.data.exchange.cells import fitted, names_in
from audeep.data.schema import Partition
from audeep.errors import ParserError
from audeep.parsers.base import InstanceMetadata, Parser, audio_in, read_lines

logger = logging.getLogger(__name__)

CLASS_MAP = "class_map.csv"
SUBMISSION = "sample_submission.csv"  # which names recordings, and has labels that are made up
TRUTH = "test_post_competition.csv"
SCORED = ("public", "private")  # other recordings of the test set are there to hide those that count
LABEL_COLUMNS = ("labels", "label")

CLASSES_2018 = tuple(
    (
        "Acoustic_guitar Applause Bark Bass_drum Burping_or_eructation Bus Cello Chime Clarinet Computer_keyboard Cough"
        " Cowbell Double_bass Drawer_open_or_close Electric_piano Fart Finger_snapping Fireworks Flute Glockenspiel"
        " Gong Gunshot_or_gunfire Harmonica Hi-hat Keys_jangling Knock Laughter Meow Microwave_oven Oboe Saxophone"
        " Scissors Shatter Snare_drum Squeak Tambourine Tearing Telephone Trumpet Violin_or_fiddle Writing"
    ).split()
)


@dataclass(frozen=True)
class Part:
    """A folder of recordings, the tables of which the first that is there is read, and what holds for all of it."""

    folder: str
    tables: tuple[str, ...]
    partition: Partition
    verified: bool | None = None


@dataclass(frozen=True)
class _Row:
    """What a table says of a recording; `line` is that of the table."""

    table: Path
    line: int
    label: str = ""
    verified: bool | None = None
    usage: str | None = None


class FreesoundParser(Parser):
    """Folders of recordings with tables that name them in the column ``fname``; what both competitions share.

    Tables and folders may be absent; recordings without a row in a table are unlabelled. ``class_map.csv`` has lines
    of <number>,<name>, from 0, if there is one; a label that is not among the classes is an error.
    """

    parts: Sequence[Part]

    def missing(self) -> str | None:
        if any(self._table(part) and (self.basedir / part.folder).is_dir() for part in self.parts):
            return None
        return " or ".join(f"{part.folder}/ with {' or '.join(part.tables)}" for part in self.parts)

    def _table(self, part: Part) -> Path | None:
        return next((path for name in part.tables if (path := self.basedir / name).is_file()), None)

    @cached_property
    def _rows(self) -> dict[str, dict[str, _Row]]:
        """The rows of each part by the names of recordings."""
        return {part.folder: _read(table) if (table := self._table(part)) else {} for part in self.parts}

    @cached_property
    def _class_map(self) -> dict[str, int] | None:
        """Numbers of the classes, in their order, where ``class_map.csv`` is there."""
        path = self.basedir / CLASS_MAP
        if not path.is_file():
            return None
        lines = [(line, [cell.strip() for cell in cells]) for line, cells in read_lines(path, ",")]
        for number, (line, cells) in enumerate(lines):
            names = [cells[1] for _, cells in lines[:number]]
            if len(cells) != 2 or cells[0] != str(number) or not cells[1] or cells[1] in names:
                raise ParserError(
                    f"{path}: line {line} is {','.join(cells)!r}; expected {number} and a new name; fix it"
                )
        return {cells[1]: number for number, (_, cells) in enumerate(lines)}

    def instances(self) -> Iterator[InstanceMetadata]:
        for part in self.parts:
            rows, folder = self._rows[part.folder], self.basedir / part.folder
            paths = audio_in(folder) if folder.is_dir() else []
            _tell_of_gaps(folder, self._table(part), rows, [path.name for path in paths])
            for path in paths:
                yield self._instance(path, part, rows.get(path.name))

    def _instance(self, path: Path, part: Part, row: _Row | None) -> InstanceMetadata:
        """A recording and what its row says of it."""
        raise NotImplementedError

    def _number_of(self, label: str, name: str, row: _Row, classes: dict[str, int]) -> int:
        if label not in classes:
            known = ", ".join(list(classes)[:6]) + ", ..." * (len(classes) > 6)
            raise ParserError(
                f"{row.table}: line {row.line}: {name} has the label {label!r}, expected one of {len(classes)}: {known}"
            )
        return classes[label]


class FSDKaggle2018Parser(FreesoundParser):
    """``audio_train/`` with ``train.csv``, ``audio_test/`` with ``test_post_competition.csv``: one of 41 labels each.

    Instead of the latter, ``sample_submission.csv`` may name the recordings. Test recordings that are neither public
    nor private in the column ``usage`` have no label.
    """

    parts = (
        Part("audio_train", ("train.csv",), Partition.TRAIN),
        Part("audio_test", (TRUTH, SUBMISSION), Partition.TEST),
    )

    @property
    def label_map(self) -> dict[str, int]:
        return self._class_map or {name: number for number, name in enumerate(CLASSES_2018)}

    def _instance(self, path: Path, part: Part, row: _Row | None) -> InstanceMetadata:
        if row is None or not row.label:
            return _unlabelled(path, part, row)
        number = self._number_of(row.label, path.name, row, self.label_map)
        return InstanceMetadata(
            *(path, path.name, row.label, number),
            partition=part.partition,
            verified=row.verified,
            usage=row.usage,
        )


class FSDKaggle2019Parser(FreesoundParser):
    """``train_curated/`` and ``train_noisy/`` with a table each, ``test/``: any number of labels each.

    The tables are ``train_curated.csv``, ``train_noisy.csv`` and, with the truth of the test set,
    ``test_post_competition.csv``; ``sample_submission.csv`` may name its recordings instead. Labels of curated
    recordings are verified. Without ``class_map.csv`` classes are the columns of ``sample_submission.csv``, or else the
    labels for training, in alphabetical order.
    """

    parts = (
        Part("train_curated", ("train_curated.csv",), Partition.TRAIN, True),
        Part("train_noisy", ("train_noisy.csv",), Partition.TRAIN, False),
        Part("test", (TRUTH, SUBMISSION), Partition.TEST),
    )

    @cached_property
    def _numbers(self) -> dict[str, int]:
        if self._class_map is not None:
            return self._class_map
        path = self.basedir / SUBMISSION
        lines = read_lines(path, ",") if path.is_file() else []
        names = [name.strip() for name in lines[0][1][1:]] if lines else []
        if len(set(names)) < len(names) or "" in names:
            raise ParserError(f"{path}: does not have a column of its own for each class; restore it")
        if len(names) < 2:  # not a column for each class
            tables = [self._rows[part.folder] for part in self.parts if part.partition is Partition.TRAIN]
            rows = [row for table in tables for row in table.values()] or list(self._rows["test"].values())
            names = sorted({label for row in rows for label in _labels_of(row)})
        return {name: number for number, name in enumerate(names)}

    @property
    def label_map(self) -> dict[str, int]:
        return self._numbers

    @property
    def _has_label_sets(self) -> bool:
        return bool(self._numbers)

    def _instance(self, path: Path, part: Part, row: _Row | None) -> InstanceMetadata:
        if row is None or not row.label:
            return _unlabelled(path, part, row)
        labels = _labels_of(row)
        for label in labels:
            self._number_of(label, path.name, row, self._numbers)
        return InstanceMetadata(
            *(path, path.name),
            partition=part.partition,
            verified=part.verified,
            label_set=labels,
            usage=row.usage,
        )


def _unlabelled(path: Path, part: Part, row: _Row | None) -> InstanceMetadata:
    usage = None if row is None else row.usage
    return InstanceMetadata(path, path.name, partition=part.partition, usage=usage)


def _read(table: Path) -> dict[str, _Row]:
    """The rows of a table by the names of recordings; labels of a sample submission are none."""
    lines = read_lines(table, ",")
    header = [name.strip() for name in lines.pop(0)[1]] if lines else []
    label = next((name for name in LABEL_COLUMNS if name in header and table.name != SUBMISSION), None)
    if "fname" not in header or label is None and table.name != SUBMISSION:
        columns = ", ".join(header[:10]) or "none"
        raise ParserError(f"{table}: has the columns {columns}; it needs fname and label or labels")
    rows: dict[str, _Row] = {}
    for line, texts in lines:
        cells = fitted(texts, header)
        if len(cells) != len(header):
            raise ParserError(f"{table}: line {line} has {len(cells)} cells, the first line has {len(header)}; fix it")
        found = dict(zip(header, map(str.strip, cells), strict=True))
        name, usage, checked = found["fname"], found.get("usage") or None, found.get("manually_verified")
        if not name or name in rows:
            problem = f"names {name!r}, as does line {rows[name].line}" if name else "names no recording"
            raise ParserError(f"{table}: line {line} {problem}; fix it")
        text = found[label] if label and (usage is None or usage.lower() in SCORED) else ""
        rows[name] = _Row(table, line, text, None if checked is None else checked == "1", usage)
    return rows


def _labels_of(row: _Row) -> tuple[str, ...]:
    try:
        return names_in(row.label)
    except ValueError as error:
        raise ParserError(f"{row.table}: line {row.line} has the labels {row.label!r} ({error}); fix it") from error


def _tell_of_gaps(folder: Path, table: Path | None, rows: dict[str, _Row], names: Sequence[str]) -> None:
    """Warn of rows without recordings, and of recordings without rows."""
    absent = sorted(set(rows) - set(names))
    if absent:
        logger.warning(
            "%s: %d of %d recordings in %s are not there (%s, ...)", folder, len(absent), len(rows), table, absent[0]
        )
    unnamed = sorted(set(names) - set(rows))
    if unnamed:
        logger.warning(
            "%s: %d of %d recordings are in no table and unlabelled (%s, ...)",
            *(folder, len(unnamed), len(names), unnamed[0]),
        )
