# SPDX-License-Identifier: GPL-3.0-or-later
"""export-model: a trained model as a file of another format."""

import argparse
import logging
from pathlib import Path

from audeep.cli.options import AudeepCommand, add_model_dir, add_step, positive_int

logger = logging.getLogger(__name__)


class ExportModel(AudeepCommand):
    """Write a trained model as ONNX or torch.export, which gives the same for the same spectrograms without audeep."""

    examples = ("--model-dir run --output model.onnx", "--model-dir run --output model.pt2")

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_model_dir(parser)
        add_step(parser)
        parser.add_argument(
            "--output", type=Path, required=True, metavar="FILE", help="file to write: .onnx, or .pt2 for torch.export"
        )
        parser.add_argument("--pooled", action="store_true", help="export the features that 'generate --pooled' gives")
        parser.add_argument(
            "--frames",
            type=positive_int,
            metavar="N",
            help="read spectrograms of N frames alone, which some kinds of models need (default: of any length)",
        )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.inference.model_export import export_model, format_of

        difference = export_model(
            parsed_args.model_dir,
            parsed_args.output,
            parsed_args.step,
            pooled=parsed_args.pooled,
            frames=parsed_args.frames,
        )
        form, _ = format_of(parsed_args.output)
        logger.info("%s: model written; as %s it gives the same within %.1g", parsed_args.output, form, difference)
