# SPDX-License-Identifier: GPL-3.0-or-later
"""modify: cross-validation folds and partitions of a data set, drawn at random or removed; its shards."""

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

from audeep.cli.options import AudeepCommand, add_input, add_output, add_seed, number, partition_name, positive_int
from audeep.data.manifest import MANIFEST
from audeep.errors import OptionError

logger = logging.getLogger(__name__)


class Modify(AudeepCommand):
    """Add cross-validation folds or partitions, drawn at random with balanced classes, or remove them; divide a data
    set into shards, or put shards into one file.
    """

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file to modify")
        add_output(parser)
        folds, partitions = parser.add_mutually_exclusive_group(), parser.add_mutually_exclusive_group()
        folds.add_argument(
            "--add-cv-setup",
            type=number(int, least=2),
            metavar="NUM_FOLDS",
            help="put recordings into so many folds of even size, in place of any folds there are",
        )
        folds.add_argument("--remove-cv-setup", action="store_true", help="remove cross-validation folds")
        partitions.add_argument(
            "--add-partitioning",
            type=partition_name,
            nargs="+",
            metavar="PARTITION",
            help="put recordings into these partitions (TRAIN, DEVEL, TEST) of even size, in place of any there are",
        )
        partitions.add_argument("--remove-partitioning", action="store_true", help="remove partitions")
        parser.add_argument(
            "--groups",
            type=Path,
            metavar="FILE",
            help="a table of recordings and their groups, such as speakers, which are stored; folds and partitions"
            " keep groups together wherever a data set has some",
        )
        parser.add_argument(
            "--group-column", metavar="NAME", help="column of --groups that gives the group (default: group)"
        )
        parser.add_argument(
            "--shards",
            type=positive_int,
            metavar="N",
            help="make --output a directory of N files with a manifest, which every --input takes as one data set"
            " (default: one file)",
        )
        add_seed(parser)

    def writes(self, parsed_args: argparse.Namespace) -> Iterator[Path]:
        yield parsed_args.output if parsed_args.shards is None else parsed_args.output / MANIFEST

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        num_folds, names = parsed_args.add_cv_setup, parsed_args.add_partitioning
        groups, column = parsed_args.groups, parsed_args.group_column
        is_divided = parsed_args.shards is not None or parsed_args.input.is_dir()  # into shards, or out of them
        changes = (num_folds, names, parsed_args.remove_cv_setup, parsed_args.remove_partitioning, groups, is_divided)
        if not any(changes):
            raise OptionError(
                "there is nothing to modify; give --add-cv-setup, --remove-cv-setup, --add-partitioning,"
                " --remove-partitioning, --groups or --shards"
            )
        if column is not None and groups is None:
            raise OptionError("--group-column is a column of --groups; give that too, or leave it out")
        if names and len(set(names)) < len(names):
            raise OptionError(f"--add-partitioning {' '.join(names)}: names a partition twice; name each once")

        from audeep.data.combine import save_in_shards
        from audeep.data.data_set import load
        from audeep.data.groups import with_groups
        from audeep.data.schema import GROUP, Partition
        from audeep.data.splits import modify

        partitions = [] if parsed_args.remove_partitioning else names and [Partition[name] for name in names]
        num_folds = 0 if parsed_args.remove_cv_setup else num_folds
        data_set = load(parsed_args.input)
        if groups is not None:
            data_set = with_groups(data_set, groups, column or GROUP.name)
        data_set = modify(data_set, num_folds, partitions, parsed_args.seed)
        if parsed_args.shards is None:
            data_set.save(parsed_args.output)
        else:
            save_in_shards(data_set, parsed_args.output, parsed_args.shards)
        logger.info(
            "%s: %d instances written, %d folds, %s partitions",
            *(parsed_args.output, len(data_set), data_set.num_folds, "with" if data_set.has_partition_info else "no"),
        )
