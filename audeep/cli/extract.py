# SPDX-License-Identifier: GPL-3.0-or-later
"""extract: features straight from recordings."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from audeep.cli.options import AudeepCommand, add_device, add_model_dir, add_step, positive_int, seconds


class RecordingsCommand(AudeepCommand):
    """What the commands share that apply models to recordings."""

    uses_compiled_parts = True

    def add_how(self, parser: argparse.ArgumentParser, models: str) -> None:
        """--skip-bad, --jobs and --device; each job has `models` in memory."""
        parser.add_argument(
            "--skip-bad",
            action="store_true",
            help="leave out recordings that cannot be used, listed beside the output (default: stop at the first)",
        )
        parser.add_argument(
            "--jobs",
            type=positive_int,
            default=1,
            metavar="N",
            help=f"work on N recordings at once, each in a process with {models} in memory (default: %(default)s)",
        )
        add_device(parser)

    def writes(self, parsed_args: argparse.Namespace) -> Iterator[Path]:
        from audeep.pipeline.outcomes import bad_list

        if parsed_args.output is not None:
            yield parsed_args.output
            if parsed_args.skip_bad:
                yield bad_list(parsed_args.output)


class Extract(RecordingsCommand):
    """Embed recordings with a trained t-rae or ft-rae, or windows that slide along them; no data set is needed."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "files",
            nargs="+",
            metavar="FILE",
            help="recordings, or folders of them at any depth; - is standard input, as it arrives",
        )
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
        self.add_how(parser, "the model")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.pipeline.extract import extract

        extract(
            parsed_args.files,
            parsed_args.model_dir,
            parsed_args.output or self.stream,
            step=parsed_args.step,
            window=parsed_args.window,
            hop=parsed_args.hop,
            pooled=parsed_args.pooled,
            device=parsed_args.device,
            skip_bad=parsed_args.skip_bad,
            jobs=parsed_args.jobs,
        )
