# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out how a data set is laid out."""

import logging
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import islice

from audeep.audio.reading import is_audio
from audeep.errors import ParserError
from audeep.parsers.base import InstanceMetadata, Parser
from audeep.parsers.class_folders import ClassFoldersParser, are_classes
from audeep.parsers.cross_validated import CrossValidatedParser
from audeep.parsers.dcase import DCASEParser
from audeep.parsers.esc import ESCParser
from audeep.parsers.fsdkaggle import FSDKaggle2018Parser, FSDKaggle2019Parser
from audeep.parsers.no_metadata import NoMetadataParser
from audeep.parsers.partitioned import PartitionedParser
from audeep.parsers.urban_sound_8k import UrbanSound8KParser
from audeep.parsers.walking import MAX_FILES, files_below

logger = logging.getLogger(__name__)

LAYOUTS = (
    *(DCASEParser, PartitionedParser, CrossValidatedParser, ESCParser, UrbanSound8KParser),
    *(FSDKaggle2018Parser, FSDKaggle2019Parser),
)
TABLE_SUFFIXES = (".csv", ".tsv")
MOST_SHOWN = 2  # folders, in an error


class MetaParser(Parser):
    """Whichever of the layouts with labels the base directory has.

    Where it has none of them, directories of recordings are classes if there are several and no recordings beside them;
    recordings without any directory of recordings have no labels.
    """

    @cached_property
    def _candidates(self) -> list[Parser]:
        return [parser_type(self.basedir) for parser_type in LAYOUTS]

    @cached_property
    def _able(self) -> list[Parser]:
        """The parsers of known layouts that can read it; where there is none, the one for what it looks like."""
        able = [parser for parser in self._candidates if parser.can_parse()]
        return able or [parser for parser in (self._of_folders(),) if parser is not None]

    def _of_folders(self) -> Parser | None:
        counts = self._recordings_by_folder
        if set(counts) == {"."}:
            tables = sorted(path.name for path in self.basedir.iterdir() if path.suffix.lower() in TABLE_SUFFIXES)
            hint = f"; if {tables[0]} is a table of labels, name it with labels=FILE" if tables else ""
            logger.info("%s: read as %d recordings without labels%s", self.basedir, counts["."], hint)
            return NoMetadataParser(self.basedir)
        if all("/" not in name for name in counts) and "." not in counts and are_classes(sorted(counts)):
            logger.info("%s: its %d folders are read as classes", self.basedir, len(counts))
            return ClassFoldersParser(self.basedir)
        return None

    @cached_property
    def _recordings_by_folder(self) -> Counter[str]:
        """How many recordings are in which folder below the base directory."""
        paths = filter(is_audio, islice(files_below(self.basedir), MAX_FILES))
        return Counter(path.parent.relative_to(self.basedir).as_posix() for path in paths)

    def missing(self) -> str | None:
        """What there is, and what was expected; the log of debugging has what each layout needs."""
        if self._able:
            return None
        for parser in self._candidates:
            logger.debug("%s: %s needs %s", self.basedir, type(parser).__name__, parser.missing())
        return f"class folders, a known layout or recordings alone; {self.found}"

    @property
    def found(self) -> str:
        """What is below the base directory, in words."""
        counts = self._recordings_by_folder
        if not counts:
            return "found no recordings"
        shown = [f"{count} in {'it' if name == '.' else name}" for name, count in sorted(counts.items())]
        more = f", {len(shown) - MOST_SHOWN} more folders" if len(shown) > MOST_SHOWN else ""
        return f"found {counts.total()} recordings: {', '.join(shown[:MOST_SHOWN])}{more}"

    @property
    def _parser(self) -> Parser:
        if len(self._able) != 1:
            names = " and ".join(type(parser).__name__ for parser in self._able) or "no parser"
            raise ParserError(f"{self.basedir}: {names} can read it, exactly one was expected; choose a parser by name")
        return self._able[0]

    def instances(self) -> Iterator[InstanceMetadata]:
        return iter(self._parser.parse())

    @property
    def label_map(self) -> dict[str, int] | None:
        return self._parser.label_map

    @property
    def num_folds(self) -> int:
        return self._parser.num_folds

    @property
    def label_names(self) -> tuple[str, ...]:
        return self._parser.label_names
