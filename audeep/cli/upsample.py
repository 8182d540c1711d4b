# SPDX-License-Identifier: GPL-3.0-or-later
"""upsample: balance the classes of a data set."""

import argparse
import logging

from audeep.cli.options import AudeepCommand, add_input, add_output, partition_name

logger = logging.getLogger(__name__)


class Upsample(AudeepCommand):
    """Repeat instances of rare classes until all classes are about equally frequent."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file to balance")
        parser.add_argument(
            "--partitions",
            type=partition_name,
            nargs="+",
            metavar="PARTITION",
            help="balance these partitions, and leave the others as they are (TRAIN, DEVEL, TEST; default: everything)",
        )
        add_output(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.data.schema import Partition
        from audeep.data.upsample import upsample

        data_set = load(parsed_args.input)
        names = parsed_args.partitions
        balanced = upsample(data_set, None if names is None else [Partition[name] for name in names])
        balanced.save(parsed_args.output)
        logger.info("%s: %d instances made of %d", parsed_args.output, len(balanced), len(data_set))
