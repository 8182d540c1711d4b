# SPDX-License-Identifier: GPL-3.0-or-later
"""export, export submission: a data set file as tables; predictions as a competition takes them."""

import argparse
import glob
import logging
from collections.abc import Iterator
from pathlib import Path

from audeep.cli.options import AudeepCommand, add_input, choice_of, partition_name, positive_int
from audeep.data.exchange.formats import export_formats, suffix_of, tables
from audeep.evaluation.plan import ALL_SCORES, BEST_LABELS, SUBMISSION_FORMATS

logger = logging.getLogger(__name__)


def _directory(text: str) -> Path:
    """An argparse type: the name of a directory, which is not one of a table."""
    path = Path(text)
    if path.suffix.lower().lstrip(".") in tables() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} found, expected a directory; --name gives the name of the files")
    return path


class Export(AudeepCommand):
    """Write a data set as tables or arrays of other programs, partitions and folds as directories."""

    examples = (
        "--input features.nc --format csv --output folder",
        "--input features.nc --format parquet --output folder",
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file to export")
        names = export_formats()
        parser.add_argument(
            "--format",
            dest="file_format",
            type=choice_of(tuple(names)),
            required=True,
            metavar="FORMAT",
            help=f"{', '.join(names[:-1])}, or {names[-1]}, which is Parquet with a card for 'datasets.load_dataset'",
        )
        parser.add_argument(
            "--labels-last", action="store_true", help="put the labels after the features (default: before them)"
        )
        parser.add_argument("--name", help="name of the files, without suffix (default: that of the input file)")
        parser.add_argument(
            "--output", type=_directory, required=True, metavar="DIR", help="directory to write to; created if need be"
        )

    def writes(self, parsed_args: argparse.Namespace) -> Iterator[Path]:
        name = f"{parsed_args.name or parsed_args.input.stem}.{suffix_of(parsed_args.file_format)}"
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


class ExportSubmission(AudeepCommand):
    """Write predictions as the CSV file of a competition: the best labels, or the scores of all, of each file."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file of predictions")
        parser.add_argument(
            "--format",
            dest="file_format",
            type=choice_of(SUBMISSION_FORMATS),
            required=True,
            metavar="FORMAT",
            help=f"{BEST_LABELS}: fname,label with the best labels; {ALL_SCORES}: fname and the score of each label",
        )
        parser.add_argument(
            "--k", type=positive_int, default=3, help=f"labels of a file in {BEST_LABELS} (default: %(default)s)"
        )
        parser.add_argument(
            "--partitions",
            type=partition_name,
            nargs="+",
            metavar="PARTITION",
            help="take these partitions alone (TRAIN, DEVEL, TEST)",
        )
        parser.add_argument(
            "--expected",
            type=Path,
            metavar="FILE",
            help="CSV file whose column fname has the files that must be there and no others, such as the sample"
            " submission",
        )
        parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="CSV file to write")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.data.schema import Partition
        from audeep.evaluation.submissions import export_submission

        predictions, names = load(parsed_args.input), parsed_args.partitions
        if names is not None:
            predictions = predictions.partitions([Partition[name] for name in names])
        rows = export_submission(
            predictions, parsed_args.output, parsed_args.file_format, parsed_args.expected, parsed_args.k
        )
        logger.info("%s: submission of %d files written", parsed_args.output, rows)
