# SPDX-License-Identifier: GPL-3.0-or-later
"""mlp evaluate, svm evaluate: how well labels can be predicted from features."""

import argparse
from typing import TYPE_CHECKING

from audeep.cli.learner_options import LearnerCommand, MlpOptions, SvmOptions
from audeep.cli.options import add_input, add_plot, partition_name, positive_int
from audeep.cli.tables import table
from audeep.errors import OptionError

if TYPE_CHECKING:
    from audeep.evaluation import Evaluation


class EvaluateFeatures(LearnerCommand):
    """What evaluation shares for all learners."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file of feature vectors with labels")
        parser.add_argument("--cross-validate", action="store_true", help="evaluate on the folds in the file")
        for option, purpose in (("--train-partitions", "train on"), ("--eval-partitions", "predict")):
            parser.add_argument(
                option,
                type=partition_name,
                nargs="+",
                metavar="PARTITION",
                help=f"evaluate on partitions, and {purpose} these (TRAIN, DEVEL, TEST)",
            )
        parser.add_argument("--repeat", type=positive_int, default=1, metavar="N", help="evaluate N times (default: 1)")
        add_plot(parser, "the confusion matrix")
        super().add_options(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        partitions = (parsed_args.train_partitions, parsed_args.eval_partitions)
        if parsed_args.cross_validate == any(partitions) or any(partitions) != all(partitions):
            raise OptionError(
                "how to evaluate is not clear; give --cross-validate, or --train-partitions and --eval-partitions"
            )

        from audeep.data.data_set import load
        from audeep.data.schema import Partition
        from audeep.evaluation import cross_validate, evaluate_partitions

        data_set = load(parsed_args.input)
        common = {name: getattr(parsed_args, name) for name in ("repeat", "upsample", "majority_vote", "seed")}
        make_learner = self.learner_factory(parsed_args)
        if parsed_args.cross_validate:
            evaluation = cross_validate(data_set, make_learner, **common)
        else:
            train, valid = ([Partition[name] for name in names] for names in partitions)
            evaluation = evaluate_partitions(data_set, make_learner, train, valid, **common)
        self._report(evaluation, "fold" if parsed_args.cross_validate else None)
        if parsed_args.plot is not None:
            from audeep.cli.plots import plot_confusion

            plot_confusion(evaluation.confusion, evaluation.labels, parsed_args.plot)

    def _report(self, evaluation: "Evaluation", unit: str | None) -> None:
        from audeep.evaluation import mean_and_spread

        (accuracy, accuracy_spread), (recall, recall_spread) = (
            mean_and_spread(scores) for scores in (evaluation.accuracies, evaluation.recalls)
        )
        if self.is_quiet:
            self.write(f"{accuracy:.4f},{recall:.4f}")
            return
        if unit is not None:
            by_fold = zip(evaluation.accuracies.mean(axis=0), evaluation.recalls.mean(axis=0), strict=True)
            rows = [
                (f"{unit} {fold}", f"{scores[0]:.2%}", f"{scores[1]:.2%}") for fold, scores in enumerate(by_fold, 1)
            ]
            rows.append(("mean", f"{accuracy:.2%}", f"{recall:.2%}"))
            rows.append(("2 x std. dev.", f"{accuracy_spread:.2%}", f"{recall_spread:.2%}"))
        else:
            rows = [("all", f"{accuracy:.2%}", f"{recall:.2%}")]
        self.write(table("accuracy and unweighted average recall", [("", "accuracy", "UAR")], rows, align="<>>"))
        numbers = [f"({number})" for number in range(1, len(evaluation.labels) + 1)]
        confusion = [
            (f"{number} {label}", *counts)
            for number, label, counts in zip(numbers, evaluation.labels, evaluation.confusion, strict=True)
        ]
        align = "<" + ">" * len(numbers)
        self.write(
            "\n"
            + table(
                "confusion matrix: true class by row, predicted class by column",
                [("", *numbers)],
                confusion,
                align=align,
            )
        )
        self.write(f"\naccuracy {accuracy:.2%} (+/- {accuracy_spread:.2%}), UAR {recall:.2%} (+/- {recall_spread:.2%})")


class EvaluateSvm(SvmOptions, EvaluateFeatures):
    """Evaluate feature vectors with a linear SVM."""


class EvaluateMlp(MlpOptions, EvaluateFeatures):
    """Evaluate feature vectors with a multilayer perceptron."""
