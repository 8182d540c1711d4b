# SPDX-License-Identifier: GPL-3.0-or-later
"""fuse, fuse chunks: features of the same instances, or of the chunks of a file, put together."""

import argparse
import logging
from pathlib import Path

from audeep.cli.options import AudeepCommand, add_input, add_output

logger = logging.getLogger(__name__)


def add_dimension(parser: argparse.ArgumentParser) -> None:
    """--dimension."""
    parser.add_argument(
        "--dimension",
        default="generated",
        help="axis to join along; 'audeep inspect netcdf' shows the axes (default: %(default)s)",
    )


class Fuse(AudeepCommand):
    """Join the features of data sets that have the same instances, matched by name and chunk; others are refused."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--input", type=Path, nargs="+", required=True, metavar="FILE", help="two or more data set files to fuse"
        )
        add_dimension(parser)
        add_output(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.combine import fuse
        from audeep.data.data_set import load
        from audeep.errors import OptionError

        if len(parsed_args.input) < 2:
            raise OptionError("--input names one data set file; two or more are needed to fuse")
        fused = fuse([load(path) for path in parsed_args.input], parsed_args.dimension)
        fused.save(parsed_args.output)
        logger.info("%s: features of shape %s written", parsed_args.output, list(fused.feature_shape))


class FuseChunks(AudeepCommand):
    """Make one instance of all chunks of a file, by joining their features."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file with chunks")
        add_dimension(parser)
        add_output(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.combine import fuse_chunks
        from audeep.data.data_set import load

        fused = fuse_chunks(load(parsed_args.input), parsed_args.dimension)
        fused.save(parsed_args.output)
        logger.info(
            "%s: %d instances with features of shape %s written",
            parsed_args.output,
            len(fused),
            list(fused.feature_shape),
        )
