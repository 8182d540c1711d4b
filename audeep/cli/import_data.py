# SPDX-License-Identifier: GPL-3.0-or-later
"""import: a data set file from CSV or ARFF."""

import argparse
import logging
from pathlib import Path

from audeep.cli.options import AudeepCommand, check_outputs

logger = logging.getLogger(__name__)


class Import(AudeepCommand):
    """Make a data set file of CSV or ARFF files, partitions and cross-validation folds being directories."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--basedir",
            type=Path,
            required=True,
            metavar="DIR",
            help="directory of the file, or of directories train, devel, test or fold_1, fold_2, ... with a file each",
        )
        parser.add_argument(
            "--name", required=True, help="name of the files; with the suffix .csv or .arff if there are both"
        )
        for variable, what in (
            ("filename", "file names; made up where missing"),
            ("chunk_nr", "chunk numbers; counted where missing"),
            ("label_nominal", "names of the labels"),
            ("label_numeric", "numbers of the labels; alphabetical where missing"),
            ("label_value", "numbers to predict by regression"),
        ):
            parser.add_argument(
                f"--{variable.replace('_', '-')}-attribute",
                default=variable,
                metavar="COLUMN",
                help=f"column of the {what} (default: %(default)s)",
            )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="data set file to write (default: NAME.nc in the working directory)",
        )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.exchange.importers import COLUMNS, FORMATS, import_, sources

        columns = {variable: getattr(parsed_args, f"{variable}_attribute") for variable in COLUMNS}
        name = Path(parsed_args.name)
        output = parsed_args.output or Path(f"{name.stem if name.suffix.lower() in FORMATS else name.name}.nc")
        check_outputs(sources(parsed_args.basedir, parsed_args.name), [output])
        data_set = import_(parsed_args.basedir, parsed_args.name, columns)
        data_set.save(output)
        logger.info(
            "%s: %d instances with %d features, %d labels, %d folds, %s partitions",
            *(output, len(data_set), data_set.feature_shape[0], len(data_set.labels), data_set.num_folds),
            "with" if data_set.has_partition_info else "no",
        )
