# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that say where recordings are, and how they are laid out."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audeep.errors import OptionError
from audeep.parsers.registry import PARSERS

if TYPE_CHECKING:
    from audeep.parsers.base import Parser

META = "audeep.backend.parsers.MetaParser"  # the default of --parser


def add_raw_data(parser: argparse.ArgumentParser) -> None:
    """--basedir and --parser, and --labels with its columns."""
    add_basedir(parser, "base directory of the recordings, or several", required=True)
    add_layout(parser)


def add_basedir(parser: "argparse._ActionsContainer", text: str, **facts: Any) -> None:
    """--basedir, of recordings."""
    parser.add_argument("--basedir", type=Path, nargs="+", metavar="DIR", help=text, **facts)


def add_layout(parser: argparse.ArgumentParser) -> None:
    """--parser, and --labels with its columns."""
    parser.add_argument(
        "--parser",
        default=META,
        help=f"how the base directory is laid out: a short name ({', '.join(entry.name for entry in PARSERS)}), a"
        " dotted class name, or FILE.py:CLASS (default: meta, which finds out)",
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="a table of the recordings, or of parts of them, with what is known of each; the default is --parser table"
        " then",
    )
    what = {name: f"the {name}" for name in ("file", "label", "fold", "partition", "value")}
    what |= {"labels": "several labels a recording, in place of one", "verified": "whether labels are verified, 1 or 0"}
    what["group"] = "the group, such as the speaker, which folds are not to share"
    what |= {name: f"the {name} of a part of the recording, in seconds" for name in ("start", "end")}
    for column, gives in what.items():
        text = f"column of --labels that gives {gives}; '' for none (default: the one with a usual name)"
        add_column(parser, f"--{column}-column", column, metavar="NAME", help=text)
    parser.add_argument(
        "--separator", metavar="CHARACTER", help="what stands between several labels in a cell of --labels (default: ,)"
    )


def add_column(parser: argparse.ArgumentParser, flag: str, column: str, **facts: Any) -> None:
    """An option that names a column of a table, one of the mapping `columns` that functions of the library take."""
    parser.add_argument(flag, dest=f"columns[{column!r}]", **facts)


def columns_of(parsed_args: argparse.Namespace) -> dict[str, str]:
    """The mapping `columns` that the options of `add_column` make, as far as they are given or have a default."""
    found = ((re.fullmatch(r"columns\['(.*)'\]", name), value) for name, value in vars(parsed_args).items())
    return {match[1]: value for match, value in found if match and value is not None}


def open_raw_data(parsed_args: argparse.Namespace) -> "Parser":
    """The parser that the options of `add_raw_data` name."""
    from audeep.parsers.registry import open_parser

    columns = columns_of(parsed_args)
    options: dict[str, Any] = {}
    name = "table" if parsed_args.labels is not None and parsed_args.parser == META else parsed_args.parser
    if name in ("table", PARSERS.find("table").target.replace(":", ".")):
        if parsed_args.labels is None:
            raise OptionError(f"--parser {name}: needs a table of the recordings; name it with --labels")
        options = {"labels": parsed_args.labels, "columns": columns}
        if parsed_args.separator is not None:
            options["separator"] = parsed_args.separator
    elif parsed_args.labels is not None or parsed_args.separator is not None or columns:
        raise OptionError("--labels and its columns are for --parser table; give that, or leave them out")
    return open_parser(parsed_args.basedir, name, **options)
