# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out how a data set is laid out."""

from collections.abc import Iterator
from functools import cached_property

from audeep.errors import ParserError
from audeep.parsers.base import InstanceMetadata, Parser
from audeep.parsers.cross_validated import CrossValidatedParser
from audeep.parsers.dcase import DCASEParser
from audeep.parsers.esc import ESCParser
from audeep.parsers.fsdkaggle import FSDKaggle2018Parser, FSDKaggle2019Parser
from audeep.parsers.partitioned import PartitionedParser
from audeep.parsers.urban_sound_8k import UrbanSound8KParser

LAYOUTS = (
    *(DCASEParser, PartitionedParser, CrossValidatedParser, ESCParser, UrbanSound8KParser),
    *(FSDKaggle2018Parser, FSDKaggle2019Parser),
)


class MetaParser(Parser):
    """Whichever of the layouts with labels the base directory has."""

    @cached_property
    def _candidates(self) -> list[Parser]:
        return [parser_type(self.basedir) for parser_type in LAYOUTS]

    def missing(self) -> str | None:
        lacks = [(type(parser).__name__, parser.missing()) for parser in self._candidates]
        if any(text is None for _, text in lacks):
            return None
        return "; ".join(f"{name}: {text}" for name, text in lacks)

    @cached_property
    def _parser(self) -> Parser:
        able = [parser for parser in self._candidates if parser.can_parse()]
        if len(able) != 1:
            names = " and ".join(type(parser).__name__ for parser in able) or "no parser"
            raise ParserError(f"{self.basedir}: {names} can read it, exactly one was expected; choose a parser by name")
        return able[0]

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
