# SPDX-License-Identifier: GPL-3.0-or-later
"""tag: scores of labels for new recordings."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audeep.cli.extract import RecordingsCommand
from audeep.cli.options import add_model_dirs, add_step, choice_of, positive_int, probability, seconds
from audeep.errors import OptionError
from audeep.evaluation.plan import MEANS

if TYPE_CHECKING:
    from audeep.pipeline.rows import Rows
    from audeep.pipeline.tag import Watch

SHOWN = 5  # labels that --live shows
FORMATS = ("csv", "jsonl", "nc")


class Tag(RecordingsCommand):
    """Give recordings, windows that slide along them, or what is heard scores of labels, by trained taggers."""

    examples = (
        "a.wav b.wav --model-dir run --output scores.csv",
        "recordings --model-dir run --window 1 --hop 0.5 --output scores.jsonl",
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "files",
            nargs="*",
            metavar="FILE",
            help="recordings, or folders of them at any depth; - is standard input, as it arrives",
        )
        parser.add_argument(
            "--microphone",
            action="store_true",
            help="listen until Ctrl-C, in place of recordings; needs audeep[microphone]",
        )
        add_model_dirs(parser, "the mean score is taken, each with the front end that it was trained with")
        add_step(parser)
        parser.add_argument(
            "--classifier",
            dest="classifiers",
            type=Path,
            nargs="+",
            default=[],
            metavar="FILE",
            help="what 'svm fit' or 'mlp fit' wrote, one for each --model-dir, where models do not know labels"
            " themselves",
        )
        parser.add_argument(
            "--pooled", action="store_true", help="give classifiers the features of 'generate --pooled'"
        )
        parser.add_argument(
            "--method",
            type=choice_of(MEANS),
            default=MEANS[0],
            metavar="METHOD",
            help="of several models: mean or geometric mean of the scores (default: %(default)s)",
        )
        self.add_what(parser)
        self.add_how(parser, "the models")

    def add_what(self, parser: argparse.ArgumentParser) -> None:
        """What gets scores, and which of them are shown, where and how."""
        parser.add_argument(
            "--window", type=seconds, metavar="S", help="scores for each window of S seconds (default: for each file)"
        )
        parser.add_argument("--hop", type=seconds, metavar="S", help="from window to window (default: as --window)")
        parser.add_argument(
            "--top", type=positive_int, metavar="K", help=f"the K best labels alone (default: all; with --live {SHOWN})"
        )
        parser.add_argument(
            "--threshold", type=probability, metavar="SCORE", help="labels with this score or a higher one alone"
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="file to write: .csv, .jsonl (a JSON object a line), or .nc, a data set of predictions without times"
            " of windows (default: standard output)",
        )
        parser.add_argument(
            "--format",
            type=choice_of(FORMATS),
            metavar="FORMAT",
            help="csv, jsonl or nc (default: as the suffix of --output says; csv on standard output)",
        )
        parser.add_argument(
            "--live", action="store_true", help="show the best labels of each window as bars, on standard output"
        )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.pipeline.tag import tag

        files: list[Any] = parsed_args.files
        if bool(files) == parsed_args.microphone:
            raise OptionError("what to tag is not clear; name recordings, or give --microphone")
        if parsed_args.live and parsed_args.output is None and parsed_args.format is not None:
            raise OptionError("--live shows bars on standard output; name a file for the scores with --output")
        if parsed_args.microphone:
            from audeep.audio.microphone import Microphone

            files = [Microphone()]
        watch, output = None, parsed_args.output or self.stream
        if parsed_args.live:
            watch, output = self._display(parsed_args), parsed_args.output
        tag(
            files,
            parsed_args.model_dir,
            output,
            step=parsed_args.step,
            classifiers=parsed_args.classifiers,
            pooled=parsed_args.pooled,
            method=parsed_args.method,
            window=parsed_args.window,
            hop=parsed_args.hop,
            top=parsed_args.top,
            threshold=parsed_args.threshold,
            format=parsed_args.format,
            device=parsed_args.device,
            skip_bad=parsed_args.skip_bad,
            jobs=parsed_args.jobs,
            cluster=parsed_args.cluster,
            watch=watch,
        )

    def _display(self, parsed_args: argparse.Namespace) -> "Watch":
        """Shows rows of scores."""
        from audeep.cli.render.live import Display
        from audeep.data.exchange.scores import Choice

        display = Display(self.app.stdout)

        def show(rows: "Rows", labels: Sequence[str]) -> None:
            choose = Choice(labels, parsed_args.top or SHOWN, parsed_args.threshold)
            for number, scores in enumerate(rows.vectors):
                when = "" if rows.starts is None else f"  {rows.starts[number]:.2f} s"
                display.show(f"{rows.name}{when}", choose(scores), bool(rows.silent and rows.silent[number]))

        return show
