# SPDX-License-Identifier: GPL-3.0-or-later
"""compare: features of the same recordings beside each other, with intervals of the differences."""

import argparse
from pathlib import Path

from audeep.cli.evaluate import add_drawn_folds, add_evaluated_partitions, evaluated_partitions, in_drawn_folds
from audeep.cli.learner_options import LearnerCommand, SvmOptions
from audeep.cli.options import positive_int
from audeep.cli.render.scores import comparison_text, score_texts
from audeep.errors import OptionError
from audeep.runtime.constants import NUM_RESAMPLES


class Compare(SvmOptions, LearnerCommand):
    """Compare features of the same recordings by a linear SVM on the same folds, with intervals of differences."""

    examples = ("a.nc b.nc",)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "input",
            type=Path,
            nargs="+",
            metavar="FILE",
            help="data set files of feature vectors, whose instances are matched by name and chunk; the others are"
            " compared with the first",
        )
        add_evaluated_partitions(parser)
        add_drawn_folds(parser)
        parser.add_argument(
            "--bootstrap",
            type=positive_int,
            default=NUM_RESAMPLES,
            metavar="N",
            help="resample recordings, or groups where there are some, N times (default: %(default)s)",
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE as JSON")
        super().add_options(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.data.splits import remove_cv_setup
        from audeep.evaluation.bootstrap import compare

        if bool(parsed_args.train_partitions) != bool(parsed_args.eval_partitions):
            raise OptionError("--train-partitions and --eval-partitions go together; give both, or none for the folds")
        if parsed_args.train_partitions and parsed_args.folds is not None:
            raise OptionError("--folds and --train-partitions: both say how to evaluate; leave one of them out")
        paths = parsed_args.input
        plan, partitions = self.plan_of(parsed_args), evaluated_partitions(parsed_args)
        data_sets, learner = [load(path) for path in paths], self.make_learner(parsed_args)
        if parsed_args.folds is not None:
            data_sets = [in_drawn_folds(data_sets[0], parsed_args), *map(remove_cv_setup, data_sets[1:])]
        evaluations, found = compare(data_sets, learner, plan, partitions, parsed_args.bootstrap)
        if self.is_quiet:
            for number in range(len(paths)):
                scores = {name: each[number] for name, each in found.scores.items()}
                self.write(",".join(score_texts(scores, for_scripts=True)))
        else:
            self.write(comparison_text([str(path) for path in paths], found, self.width))
        if parsed_args.json is not None:
            from audeep.runtime.results import write_results

            records = [
                {
                    "input": str(path),
                    "scores": found.record(number),
                    "above_the_first": found.record_of_difference(number),
                    "evaluation": evaluation.record(),
                }
                for number, (path, evaluation) in enumerate(zip(paths, evaluations, strict=True))
            ]
            results = {"resampled": found.what, "features": records}
            write_results(parsed_args.json, str(self.cmd_name), vars(parsed_args), results)
