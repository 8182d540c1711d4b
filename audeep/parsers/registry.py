# SPDX-License-Identifier: GPL-3.0-or-later
"""The parsers, and how they are called: ``esc``, ``dotted.name.Class`` or ``file.py:Class``.

A new one is a line here, or an entry point in the group `audeep.parsers` of another package.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from audeep.errors import ParserError
from audeep.runtime.files import found_at
from audeep.runtime.modules import module_in, module_named
from audeep.runtime.registry import Entry, Registry

if TYPE_CHECKING:
    from audeep.parsers.base import Parser

logger = logging.getLogger(__name__)

_HERE = "audeep.parsers"

PARSERS = Registry(
    "audeep.parsers",
    "parser",
    [
        Entry("meta", f"{_HERE}.meta:MetaParser", "", "whichever of the layouts a directory has"),
        Entry("partitioned", f"{_HERE}.partitioned:PartitionedParser", "", "partitions with classes"),
        Entry("cross-validated", f"{_HERE}.cross_validated:CrossValidatedParser", "", "folds with classes"),
        Entry("class-folders", f"{_HERE}.class_folders:ClassFoldersParser", "", "one folder for each class"),
        Entry("no-metadata", f"{_HERE}.no_metadata:NoMetadataParser", "", "all recordings, without labels"),
        Entry("table", f"{_HERE}.table:TableParser", "", "recordings that a table lists"),
        Entry("esc", f"{_HERE}.esc:ESCParser", "", "ESC-10 and ESC-50"),
        Entry("dcase", f"{_HERE}.dcase:DCASEParser", "", "acoustic scenes of DCASE 2017"),
        Entry("dcase18-task4", f"{_HERE}.dcase:DCASE18Task4Parser", "", "activities at home of DCASE 2018"),
        Entry("urban-sound-8k", f"{_HERE}.urban_sound_8k:UrbanSound8KParser", "", "UrbanSound8K"),
        Entry("fsdkaggle-2018", f"{_HERE}.fsdkaggle:FSDKaggle2018Parser", "", "DCASE 2018 task 2, tags of Freesound"),
        Entry("fsdkaggle-2019", f"{_HERE}.fsdkaggle:FSDKaggle2019Parser", "", "DCASE 2019 task 2, several tags each"),
        Entry("gtzan", f"{_HERE}.gtzan:GTZANParser", "", "GTZAN, music by genre"),
        *(
            Entry(name, f"{_HERE}.compare:{class_name}", "", f"ComParE {description}")
            for name, class_name, description in (
                ("compare18-atypical-affect", "Compare18AtypicalAffectParser", "2018, atypical affect"),
                ("compare18-crying", "Compare18CryingParser", "2018, crying"),
                ("compare18-heartbeat", "Compare18HeartbeatParser", "2018, heart beats"),
                ("compare18-sas", "Compare18SASParser", "2018, self-assessed affect"),
                ("compare19-bs", "Compare19BSParser", "2019, baby sounds"),
                ("compare19-cs", "Compare19CSParser", "2019, continuous sleepiness"),
                ("compare19-oa", "Compare19OAParser", "2019, orca activity"),
                ("compare19-sd", "Compare19SDParser", "2019, Styrian dialects"),
                ("compare20-elderly", "Compare20ElderlyParser", "2020, valence of the elderly"),
                ("compare20-elderly-arousal", "Compare20ElderlyArousalParser", "2020, arousal of the elderly"),
                ("compare20-mask", "Compare20MaskParser", "2020, mask"),
                ("compare21", "Compare21Parser", "2021, any task"),
            )
        ),
    ],
    ParserError,
)


def open_parser(basedir: Path | str | Sequence[Path | str], name: str, **options: Any) -> "Parser":
    """The parser called `name` for `basedir`, which it can read and in which it finds recordings.

    Args:
        basedir: a directory, or several, whose recordings go together.
        options: for the parser; `TableParser` alone has some.

    Raises:
        ParserError: there is no such parser, or it cannot read a base directory.
    """
    from audeep.parsers.several import SeveralFolders

    folders = [Path(basedir)] if isinstance(basedir, Path | str) else [Path(folder) for folder in basedir]
    parser_type = find_parser(name)
    for folder in folders:
        if not folder.is_dir():
            found = found_at(folder, "directory")
            raise ParserError(f"{folder}: {found}; name the directory of the recordings with basedir=DIR")
        if not any(folder.iterdir()):
            raise ParserError(f"{folder}: is empty; name the directory of the recordings with basedir=DIR")
    if len(folders) == 1:
        return _checked(parser_type(folders[0], **options), folders)
    if parser_type.takes_several_folders:
        return _checked(cast(Any, parser_type)(folders, **options), folders)
    return _checked(SeveralFolders([_checked(parser_type(folder, **options), [folder]) for folder in folders]), [])


def _checked(parser: "Parser", folders: Sequence[Path]) -> "Parser":
    """The parser, if it can read its base directory and finds recordings; the log says what `folders` have beside.

    Raises:
        ParserError: it cannot, or what it finds does not go together.
    """
    from audeep.parsers.base import check_labels, check_names
    from audeep.parsers.walking import left_out

    basedir, parser_type = parser.basedir, type(parser)
    if not parser.can_parse():
        raise ParserError(
            f"{basedir}: {parser_type.__name__} is unable to parse it; looked for and did not find: {parser.missing()};"
            f" use another parser (no-metadata reads any folder of recordings){_beside(basedir)}"
        )
    instances = parser.parse()
    if not instances:
        raise ParserError(
            f"{basedir}: {parser_type.__name__} found no recordings; check the files, or use another parser"
            f"{_beside(basedir)}"
        )
    check_names(instances)
    check_labels(parser)
    for folder in folders:
        remark = left_out(folder, [item.path for item in instances])
        if remark is not None:
            logger.warning("%s: %s", folder, remark)
    return parser


def _beside(basedir: Path) -> str:
    """What to add to an error where there are recordings of formats that cannot be decoded."""
    from audeep.parsers.walking import undecodable

    found = undecodable(basedir)
    return f"; {found}" if found else ""


def find_parser(name: str) -> "type[Parser]":
    """The class of a parser by its short name, its dotted name, or a file and its name in it.

    A file is executed to get the class; nothing else is.

    Raises:
        ParserError: there is no such class, or it is not a parser.
    """
    from audeep.parsers.base import Parser

    path, separator, class_name = name.rpartition(":")
    if name in PARSERS:
        where, _, class_name = PARSERS.find(name).target.partition(":")
        parser_type = PARSERS.load(name)
    elif separator:
        where = path
        parser_type = getattr(module_in(Path(path), "FILE.py:CLASS", ParserError), class_name, None)
    else:
        where, _, class_name = name.rpartition(".")
        parser_type = getattr(_import(where, name), class_name, None)
    if not isinstance(parser_type, type):
        raise ParserError(f"parser {name!r}: {where} has no class {class_name!r}; check the spelling")
    if not issubclass(parser_type, Parser):
        raise ParserError(f"parser {name!r}: {class_name} is not a parser; derive it from audeep.parsers.base.Parser")
    for old, new in (("can_parse", "missing"), ("parse", "instances")):
        if all(getattr(parser_type, method) is getattr(Parser, method) for method in (old, new)):
            raise ParserError(f"parser {name!r}: {class_name} has neither {old}() nor {new}(); write one of them")
    return parser_type


def _import(module_name: str, name: str) -> object:
    try:
        return module_named(module_name)
    except ImportError as error:
        known = ", ".join(entry.name for entry in PARSERS)
        raise ParserError(
            f"there is no parser {name!r} ({error}); use one of {known}, a dotted class name, or FILE.py:CLASS"
        ) from error
