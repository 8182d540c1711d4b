# SPDX-License-Identifier: GPL-3.0-or-later
"""import: a data set file from tables."""

import argparse
import logging
from pathlib import Path

from audeep.cli.layout import add_column, columns_of
from audeep.cli.options import AudeepCommand
from audeep.cli.outputs import check_outputs
from audeep.data.exchange.formats import HUGGING_FACE, tables

logger = logging.getLogger(__name__)

COLUMNS = {
    "filename": "file names; made up where missing",
    "chunk_nr": "chunk numbers; counted where missing",
    "label_nominal": "names of the labels",
    "label_numeric": "numbers of the labels; alphabetical where missing",
    "label_value": "numbers to predict by regression",
    "labels": "several labels a recording, separated by commas",
    "verified": "flags of labels that were checked by hand, 0 or 1",
    "usage": "uses of test recordings by a competition",
    "group": "groups, such as speakers, which no split shares",
}


class Import(AudeepCommand):
    """Make a data set file of tables or arrays of other programs, partitions and folds being directories."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--basedir",
            type=Path,
            required=True,
            metavar="DIR",
            help="directory of the file, or of directories train, devel, test or fold_1, fold_2, ... with a file each",
        )
        parser.add_argument(
            "--name",
            required=True,
            help=f"name of the files, with its suffix (.{', .'.join(tables())}) if there are several; or"
            f" {HUGGING_FACE}: DIR is a data set of Hugging Face, as it is downloaded or saved to disk",
        )
        for name, what in COLUMNS.items():
            flag = f"--{name.replace('_', '-')}-attribute"
            text = f"column of the {what} (default: %(default)s)"
            add_column(parser, flag, name, default=name, metavar="COLUMN", help=text)
        parser.add_argument(
            "--ignore-column",
            action="append",
            default=[],
            metavar="NAME",
            help="column that is neither features nor metadata; may be given several times",
        )
        parser.add_argument(
            "--columns",
            dest="features",
            nargs="+",
            metavar="NAME",
            help="columns of the features, in this order (default: all but those of the metadata)",
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="data set file to write (default: NAME.nc in the working directory)",
        )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.exchange.importing import import_
        from audeep.data.exchange.places import places_in, stem_of

        basedir, name = parsed_args.basedir, parsed_args.name
        output = parsed_args.output or Path(f"{stem_of(Path(name).name)}.nc")
        check_outputs([place.path for place in places_in(basedir, name)], [output])
        data_set = import_(basedir, name, columns_of(parsed_args), parsed_args.ignore_column, parsed_args.features)
        data_set.save(output)
        logger.info(
            "%s: %d instances with %d features, %d labels, %d folds, %s partitions",
            *(output, len(data_set), data_set.feature_shape[0], len(data_set.labels), data_set.num_folds),
            "with" if data_set.has_partition_info else "no",
        )
