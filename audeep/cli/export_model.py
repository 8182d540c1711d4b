# SPDX-License-Identifier: GPL-3.0-or-later
"""export-model: a trained model as an ONNX file."""

import argparse
import logging
from pathlib import Path

from audeep.cli.options import AudeepCommand, add_model_dir, add_step, positive_int

logger = logging.getLogger(__name__)


class ExportModel(AudeepCommand):
    """Write a trained model as an ONNX file, which gives the same for the same spectrograms without audeep."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_model_dir(parser)
        add_step(parser)
        parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="ONNX file to write")
        parser.add_argument(
            "--pooled", action="store_true", help="export the features that 't-rae generate --pooled' gives"
        )
        parser.add_argument(
            "--frames",
            type=positive_int,
            metavar="N",
            help="read spectrograms of N frames alone, which some kinds of models need (default: of any length)",
        )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.inference.onnx_export import export_model

        difference = export_model(
            parsed_args.model_dir,
            parsed_args.output,
            parsed_args.step,
            pooled=parsed_args.pooled,
            frames=parsed_args.frames,
        )
        logger.info("%s: model written; ONNX Runtime gives the same within %.1g", parsed_args.output, difference)
