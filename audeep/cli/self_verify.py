# SPDX-License-Identifier: GPL-3.0-or-later
"""self-verify: which labels that nobody has checked are right, as models that were trained on others judge."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from audeep.cli.options import (
    AudeepCommand,
    add_declared,
    add_input,
    add_partitions,
    declared_values,
    load_partitions,
)
from audeep.cli.render.tables import table

DECIDED = ("validation_split", "validation_fold", "verified_only", "patience", "keep_best")  # options of training


class SelfVerify(AudeepCommand):
    """Verify labels by models of cross-validation folds, and fine-tune these on what is verified, round by round."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        from audeep.pipeline.self_verify import FINE_TUNING, SelfVerification
        from audeep.runtime.options import options_of
        from audeep.training.options import TaggingOptions

        add_input(parser, "data set file of spectrograms with labels, some of them verified, and folds")
        add_partitions(parser)
        parser.add_argument(
            "--model-dir",
            type=Path,
            required=True,
            metavar="NAME",
            help="run of folds to begin with, made by 'audeep MODEL train --folds all --verified-only --run-name NAME'",
        )
        parser.add_argument(
            "--run-name",
            type=Path,
            required=True,
            metavar="NAME",
            help="directory of this run: scores, verified labels and models of each round",
        )
        parser.add_argument(
            "--continue", dest="resume", action="store_true", help="go on with a run that was interrupted"
        )
        add_declared(parser, SelfVerification)
        names = [name for name, each in options_of(TaggingOptions).items() if each.help]
        add_declared(parser, TaggingOptions, [name for name in names if name not in DECIDED])
        parser.set_defaults(**FINE_TUNING)

    def reads(self, parsed_args: argparse.Namespace) -> Iterator[Path]:
        yield from super().reads(parsed_args)
        yield from parsed_args.model_dir.glob("fold-*/logs/model-*.safetensors")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.pipeline.self_verify import SelfVerification, self_verify
        from audeep.training.options import TaggingOptions

        history = self_verify(
            load_partitions(parsed_args.input, parsed_args.partitions),
            parsed_args.model_dir,
            parsed_args.run_name,
            SelfVerification(**declared_values(parsed_args, SelfVerification)),
            TaggingOptions(**declared_values(parsed_args, TaggingOptions)),
            resume=parsed_args.resume,
        )
        rows = [(each.number, each.judged, each.confirmed, f"{each.validation_loss:.4f}") for each in history]
        self.write(table("verified labels", [("round", "judged", "confirmed", "validation loss"), *rows], align=">>>>"))
