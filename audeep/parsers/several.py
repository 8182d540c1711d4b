# SPDX-License-Identifier: GPL-3.0-or-later
"""Several base directories as one data set."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from audeep.errors import ParserError
from audeep.parsers.base import InstanceMetadata, Parser, numbered


class SeveralFolders(Parser):
    """The recordings of several base directories, one after the other, each found by a parser of its own.

    Recordings that share a name are called by the directory as well. Labels keep their numbers where these are the same
    in all directories; elsewhere they are numbered alphabetically.

    Raises:
        ParserError: the directories have different numbers of folds.
    """

    def __init__(self, parsers: Sequence[Parser]) -> None:
        super().__init__(os.path.commonpath([parser.basedir.absolute() for parser in parsers]))
        self.parsers = parsers

    def missing(self) -> str | None:
        return None

    def instances(self) -> Iterator[InstanceMetadata]:
        folds = {parser.num_folds: parser.basedir for parser in self.parsers}
        if len(folds) > 1:
            found = " and ".join(f"{number} in {basedir}" for number, basedir in sorted(folds.items()))
            raise ParserError(f"{found} folds were found; give directories with as many folds each")
        counts = Counter(item.filename for parser in self.parsers for item in parser.parse())
        numbers = self.label_map or {}
        for parser in self.parsers:
            for item in parser.parse():
                if counts[item.filename] > 1:
                    item = replace(item, filename=f"{self._name(parser.basedir)}/{item.filename}")
                if item.label_nominal is not None:
                    item = replace(item, label_numeric=numbers[item.label_nominal])
                yield item

    def _name(self, basedir: Path) -> str:
        return basedir.absolute().relative_to(self.basedir).as_posix()

    @property
    def label_map(self) -> dict[str, int] | None:
        maps = [parser.label_map or {} for parser in self.parsers]
        merged = {name: number for each in maps for name, number in each.items()}
        is_one_to_one = len(set(merged.values())) == len(merged)
        if is_one_to_one and all(merged[name] == number for each in maps for name, number in each.items()):
            return merged or None
        return numbered(list(merged)) or None

    @property
    def label_names(self) -> tuple[str, ...]:
        numbers = self.label_map or {}
        is_several = any(parser.label_names for parser in self.parsers)
        return tuple(sorted(numbers, key=numbers.__getitem__)) if is_several else ()
