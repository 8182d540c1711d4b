# SPDX-License-Identifier: GPL-3.0-or-later
"""extract: features straight from recordings."""

import argparse
from pathlib import Path

from audeep.cli.options import AudeepCommand, add_device, add_model_dir, add_step, seconds


class Extract(AudeepCommand):
    """Embed recordings with a trained t-rae or ft-rae, or windows that slide along them; no data set is needed."""

    uses_compiled_parts = True

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="recordings; - is standard input, as it arrives")
        add_model_dir(parser)
        add_step(parser)
        parser.add_argument(
            "--window",
            type=seconds,
            metavar="S",
            help="one vector for each window of S seconds (default: for each file)",
        )
        parser.add_argument("--hop", type=seconds, metavar="S", help="from window to window (default: as --window)")
        parser.add_argument(
            "--pooled", action="store_true", help="take the features that 't-rae generate --pooled' gives"
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="file to write: .csv, .arff, .nc, which has no times of windows, or .npy with features alone (default:"
            " CSV on standard output)",
        )
        add_device(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.pipeline.extract import extract

        extract(
            parsed_args.files,
            parsed_args.model_dir,
            parsed_args.output or self.app.stdout,
            step=parsed_args.step,
            window=parsed_args.window,
            hop=parsed_args.hop,
            pooled=parsed_args.pooled,
            device=parsed_args.device,
        )
