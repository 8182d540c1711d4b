# SPDX-License-Identifier: GPL-3.0-or-later
"""export: a data set file as tables."""

import argparse
import glob
import logging
from collections.abc import Iterator
from pathlib import Path

from audeep.cli.options import AudeepCommand, add_input, choice_of
from audeep.data.exchange.formats import tables

logger = logging.getLogger(__name__)


def _directory(text: str) -> Path:
    """An argparse type: the name of a directory, which is not one of a table."""
    path = Path(text)
    if path.suffix.lower().lstrip(".") in tables() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} found, expected a directory; --name gives the name of the files")
    return path


class Export(AudeepCommand):
    """Write a data set as CSV or ARFF files, partitions and cross-validation folds as directories."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file to export")
        names = tables()
        parser.add_argument(
            "--format", dest="file_format", type=choice_of(tuple(names)), required=True, help=" or ".join(names)
        )
        parser.add_argument(
            "--labels-last", action="store_true", help="put the labels after the features (default: before them)"
        )
        parser.add_argument("--name", help="name of the files, without suffix (default: that of the input file)")
        parser.add_argument(
            "--output", type=_directory, required=True, metavar="DIR", help="directory to write to; created if need be"
        )

    def writes(self, parsed_args: argparse.Namespace) -> Iterator[Path]:
        name = f"{parsed_args.name or parsed_args.input.stem}.{parsed_args.file_format}"
        output, places = parsed_args.output, ("", "*/", "*/*/")  # as far as there are partitions and folds
        found = (path for place in places for path in output.glob(f"{place}{glob.escape(name)}"))
        yield from {output / name, *found}

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.data.exchange.exporting import export

        data_set = load(parsed_args.input)
        name = parsed_args.name or parsed_args.input.stem
        files = export(data_set, parsed_args.output, name, parsed_args.file_format, parsed_args.labels_last)
        logger.info("%s: %d instances written to %d files", parsed_args.output, len(data_set), len(files))
