# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsers by name: ``esc``, ``dotted.name.Class`` or ``file.py:Class``."""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from audeep.errors import ParserError
from audeep.parsers.base import Parser
from audeep.runtime.files import found_at

SHORT_NAMES = {
    "meta": "audeep.parsers.meta.MetaParser",
    "partitioned": "audeep.parsers.partitioned.PartitionedParser",
    "cross-validated": "audeep.parsers.cross_validated.CrossValidatedParser",
    "no-metadata": "audeep.parsers.no_metadata.NoMetadataParser",
    "table": "audeep.parsers.table.TableParser",
    "esc": "audeep.parsers.esc.ESCParser",
    "dcase": "audeep.parsers.dcase.DCASEParser",
    "dcase18-task4": "audeep.parsers.dcase.DCASE18Task4Parser",
    "urban-sound-8k": "audeep.parsers.urban_sound_8k.UrbanSound8KParser",
    "gtzan": "audeep.parsers.gtzan.GTZANParser",
    "compare18-atypical-affect": "audeep.parsers.compare.Compare18AtypicalAffectParser",
    "compare18-crying": "audeep.parsers.compare.Compare18CryingParser",
    "compare18-heartbeat": "audeep.parsers.compare.Compare18HeartbeatParser",
    "compare18-sas": "audeep.parsers.compare.Compare18SASParser",
    "compare19-bs": "audeep.parsers.compare.Compare19BSParser",
    "compare19-cs": "audeep.parsers.compare.Compare19CSParser",
    "compare19-oa": "audeep.parsers.compare.Compare19OAParser",
    "compare19-sd": "audeep.parsers.compare.Compare19SDParser",
    "compare20-elderly": "audeep.parsers.compare.Compare20ElderlyParser",
    "compare20-elderly-arousal": "audeep.parsers.compare.Compare20ElderlyArousalParser",
    "compare20-mask": "audeep.parsers.compare.Compare20MaskParser",
    "compare21": "audeep.parsers.compare.Compare21Parser",
}


def open_parser(basedir: Path | str, name: str, **options: Any) -> Parser:
    """The parser called `name` for `basedir`, which it can read and in which it finds recordings.

    Args:
        options: for the parser; `TableParser` alone has some.

    Raises:
        ParserError: there is no such parser, or it cannot read the base directory.
    """
    basedir, parser_type = Path(basedir), find_parser(name)
    if not basedir.is_dir():
        found = found_at(basedir, "directory")
        raise ParserError(f"{basedir}: {found}; name the directory of the recordings with basedir=DIR")
    if not any(basedir.iterdir()):
        raise ParserError(f"{basedir}: is empty; name the directory of the recordings with basedir=DIR")
    parser = parser_type(basedir, **options)
    if not parser.can_parse():
        raise ParserError(
            f"{basedir}: {parser_type.__name__} is unable to parse it; looked for and did not find: {parser.missing()};"
            " use another --parser (no-metadata reads any folder of recordings)"
        )
    if not parser.parse():
        raise ParserError(f"{basedir}: {parser_type.__name__} found no recordings; check the files or the --parser")
    return parser


def find_parser(name: str) -> type[Parser]:
    """The class of a parser by its short name, its dotted name, or a file and its name in it.

    A file is executed to get the class; nothing else is.

    Raises:
        ParserError: there is no such class, or it is no parser.
    """
    path, separator, class_name = name.rpartition(":")
    if separator:
        module, where = _from_file(Path(path)), path
    else:
        where, _, class_name = SHORT_NAMES.get(name, name).rpartition(".")
        module = _import(where, name)
    parser_type = getattr(module, class_name, None)
    if not isinstance(parser_type, type):
        raise ParserError(f"parser {name!r}: {where} has no class {class_name!r}; check the spelling")
    if not issubclass(parser_type, Parser):
        raise ParserError(f"parser {name!r}: {class_name} is no parser; derive it from audeep.parsers.base.Parser")
    for old, new in (("can_parse", "missing"), ("parse", "instances")):
        if all(getattr(parser_type, method) is getattr(Parser, method) for method in (old, new)):
            raise ParserError(f"parser {name!r}: {class_name} has neither {old}() nor {new}(); write one of them")
    return parser_type


def _import(module_name: str, name: str) -> object:
    try:
        return importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        known, error_text = ", ".join(SHORT_NAMES), _one_line(error)
        raise ParserError(
            f"there is no parser {name!r} ({error_text}); use one of {known}, a dotted class name, or FILE.py:CLASS"
        ) from error


def _from_file(path: Path) -> object:
    if not path.is_file():
        raise ParserError(f"{path}: no such file; --parser FILE.py:CLASS must name a Python file")
    spec = importlib.util.spec_from_file_location(f"audeep_parser_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ParserError(f"{path}: is no Python file; --parser FILE.py:CLASS must name one")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ParserError(f"{path}: cannot be run: {_one_line(error)}; mend it") from error
    return module


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
