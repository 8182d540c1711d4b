# SPDX-License-Identifier: GPL-3.0-or-later
"""score: how good predictions are that are scores of labels."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from audeep.cli.evaluate import add_result_files, write_classes
from audeep.cli.options import AudeepCommand, choice_of, index, positive_int
from audeep.cli.render.scores import score_texts, tag_scores_text
from audeep.errors import OptionError
from audeep.evaluation.plan import GROUPINGS

if TYPE_CHECKING:
    from audeep.evaluation.scoring import TagScores


class Score(AudeepCommand):
    """Score predictions of labels: accuracy, UAR, MAP@k, lwlrap, mean average precision, and each class."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        given = parser.add_mutually_exclusive_group(required=True)
        given.add_argument("--input", type=Path, metavar="FILE", help="data set file of predictions")
        given.add_argument(
            "--submission", type=Path, metavar="FILE", help="CSV file as 'export submission' writes it; needs --truth"
        )
        parser.add_argument(
            "--truth",
            type=Path,
            metavar="FILE",
            help="what is true of the recordings of --submission: a data set file, or a CSV file with the columns"
            " fname, label or labels, and perhaps usage",
        )
        parser.add_argument(
            "--by",
            type=choice_of(GROUPINGS),
            metavar="WHAT",
            help=f"also score the parts of the data by {', '.join(GROUPINGS[:-1])} or {GROUPINGS[-1]}",
        )
        parser.add_argument(
            "--k", type=positive_int, default=3, help="labels that MAP@k looks at (default: %(default)s)"
        )
        parser.add_argument("--by-file", action="store_true", help="average the scores of all chunks of a file")
        parser.add_argument(
            "--mistakes",
            type=index,
            default=0,
            metavar="N",
            help="also list the N recordings with the worst mistakes (default: none)",
        )
        add_result_files(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        found = self._found(parsed_args)
        if found.several and parsed_args.confusion is not None:
            raise OptionError("--confusion: recordings with several labels have no confusion matrix; leave it out")
        if self.is_quiet:
            for measures in (*found.by_group.values(), found.overall):
                self.write(",".join(score_texts(measures, for_scripts=True)))
        else:
            self.write(tag_scores_text(found, parsed_args.mistakes))
        self._write_files(found, parsed_args)

    def _found(self, parsed_args: argparse.Namespace) -> "TagScores":
        from audeep.data.data_set import load
        from audeep.evaluation.scoring import score
        from audeep.evaluation.submissions import read_truth, score_submission

        if (parsed_args.submission is None) != (parsed_args.truth is None):
            raise OptionError("--submission and --truth go together; give both, or --input")
        if parsed_args.submission is None:
            return score(load(parsed_args.input), parsed_args.k, parsed_args.by, parsed_args.by_file)
        if parsed_args.by_file:
            raise OptionError("--by-file: a submission has one row for each file; leave it out")
        truth = (read_truth if parsed_args.truth.suffix.lower() == ".csv" else load)(parsed_args.truth)
        return score_submission(parsed_args.submission, truth, parsed_args.k, parsed_args.by)

    def _write_files(self, found: "TagScores", parsed_args: argparse.Namespace) -> None:
        if parsed_args.plot is not None:
            from audeep.cli.render.plots import plot_classes, plot_confusion

            if found.several:
                plot_classes(found, parsed_args.plot)
            else:
                plot_confusion(found.evaluation, parsed_args.plot)
        if parsed_args.confusion is not None:
            write_classes(parsed_args.confusion, ["class", *found.names], found.names, found.evaluation.confusion)
        if parsed_args.per_class is not None:
            columns = found.class_scores
            rows = zip(*columns.values(), strict=True)
            write_classes(parsed_args.per_class, ["class", *columns], found.names, rows)
        if parsed_args.json is not None:
            from audeep.runtime.results import write_results

            write_results(parsed_args.json, str(self.cmd_name), vars(parsed_args), found.record())
