# SPDX-License-Identifier: GPL-3.0-or-later
"""mlp evaluate, svm evaluate: how well labels or values can be predicted from features."""

import argparse
import csv
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from audeep.cli.learner_options import LearnerCommand, MlpOptions, SvmOptions
from audeep.cli.options import add_input, add_plot, partition_name, positive_int
from audeep.cli.render.tables import table
from audeep.errors import OptionError
from audeep.runtime.files import replacing

if TYPE_CHECKING:
    from audeep.evaluation.results import ClassEvaluation, Evaluation


BASELINES = ("SVM on mean and deviation of each band", "chance")


class EvaluateFeatures(LearnerCommand):
    """What evaluation shares for all learners."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file of feature vectors with labels or values")
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
        parser.add_argument(
            "--baseline",
            type=Path,
            metavar="FILE",
            help="also report chance, and an SVM on mean and standard deviation over time of the spectrograms in FILE,"
            " from which the features were generated",
        )
        parser.add_argument(
            "--json",
            type=Path,
            metavar="FILE",
            help="write the results to FILE as JSON, with settings, versions and each prediction",
        )
        add_plot(parser, "the confusion matrix with the scores of each class, or predicted against true values,")
        parser.add_argument(
            "--confusion",
            type=Path,
            metavar="FILE",
            help="write the confusion matrix to FILE as CSV, true classes by row",
        )
        parser.add_argument(
            "--per-class",
            type=Path,
            metavar="FILE",
            help="write recall, precision, F1 and number of instances of each class to FILE as CSV",
        )
        super().add_options(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        partitions = (parsed_args.train_partitions, parsed_args.eval_partitions)
        if parsed_args.cross_validate == any(partitions) or any(partitions) != all(partitions):
            raise OptionError(
                "how to evaluate is not clear; give --cross-validate, or --train-partitions and --eval-partitions"
            )
        for option in ("confusion", "per_class"):
            if getattr(parsed_args, option) is not None and parsed_args.task == "regression":
                raise OptionError(
                    f"--{option.replace('_', '-')}: --task regression has no classes; leave one of them out"
                )

        evaluation, *baselines = self._evaluations(parsed_args)
        baselines = dict(zip(BASELINES, baselines, strict=False))  # there may be none
        self._report(evaluation, baselines, parsed_args.cross_validate)
        if parsed_args.plot is not None:
            _plot(evaluation, parsed_args.plot)
        if parsed_args.confusion is not None:
            _write_csv(parsed_args.confusion, ["class", *evaluation.labels], evaluation.labels, evaluation.confusion)
        if parsed_args.per_class is not None:
            scores = evaluation.class_scores
            _write_csv(parsed_args.per_class, ["class", *scores], evaluation.labels, zip(*scores.values(), strict=True))
        if parsed_args.json is not None:
            from audeep.runtime.results import write_results

            results = evaluation.record() | {"baselines": {name: one.record() for name, one in baselines.items()}}
            write_results(parsed_args.json, self.cmd_name, vars(parsed_args), results)

    def _evaluations(self, parsed_args: argparse.Namespace) -> "Iterator[Evaluation]":
        """That of the features, and those of the baselines in the order of `BASELINES` if they are asked for."""
        from audeep.data.data_set import load
        from audeep.data.schema import Partition
        from audeep.evaluation.baselines import COMPLEXITIES, ConstantLearner, order_blind
        from audeep.evaluation.learners import svms
        from audeep.evaluation.results import evaluate

        options = self.training_options(parsed_args)
        data_set = load(parsed_args.input)
        statistics = None if parsed_args.baseline is None else order_blind(data_set, load(parsed_args.baseline))
        if not parsed_args.cross_validate:
            names = (parsed_args.train_partitions, parsed_args.eval_partitions)
            options["partitions"] = tuple([Partition[name] for name in part] for part in names)
        evaluated = partial(evaluate, **options)
        yield evaluated(data_set, self.learner_factory(parsed_args), repeat=parsed_args.repeat)
        if statistics is not None:
            yield evaluated(statistics, svms(COMPLEXITIES, options["regression"]))
            yield evaluated(statistics, ConstantLearner, upsample=False)

    def _report(self, evaluation: "Evaluation", baselines: dict[str, "Evaluation"], has_folds: bool) -> None:
        from audeep.evaluation.results import ClassEvaluation, mean_and_spread

        if self.is_quiet:
            for one in (evaluation, *baselines.values()):
                self.write(",".join(_texts(_means(one), for_scripts=True)))
            return
        self._report_scores(evaluation, has_folds)
        if isinstance(evaluation, ClassEvaluation):
            self._report_confusion(evaluation)
        complexities = [fold.complexity for fold in evaluation.folds]
        if None not in complexities:
            self.write(f"\ncomplexity taken{' by fold' * has_folds}: {', '.join(f'{one:g}' for one in complexities)}")
        if baselines:
            rows = [(name, *_texts(_means(one))) for name, one in {"these features": evaluation, **baselines}.items()]
            header = ("", *evaluation.scores)
            self.write("\n" + table("baselines", [header], rows, align="<" + ">" * len(evaluation.scores)))
        both = {name: mean_and_spread(scores) for name, scores in evaluation.scores.items()}
        means, spreads = (_texts({name: pair[which] for name, pair in both.items()}) for which in (0, 1))
        parts = zip(both, means, spreads, strict=True)
        self.write("\n" + ", ".join(f"{name} {mean} (+/- {spread})" for name, mean, spread in parts))

    def _report_scores(self, evaluation: "Evaluation", has_folds: bool) -> None:
        from audeep.evaluation.results import ClassEvaluation, mean_and_spread

        scores = evaluation.scores
        rows = [("all", *_texts(_means(evaluation)))]
        if has_folds:
            by_fold = zip(*(found.mean(axis=0) for found in scores.values()), strict=True)
            rows = [
                (f"fold {number}", *_texts(dict(zip(scores, found, strict=True))))
                for number, found in enumerate(by_fold, 1)
            ]
            rows.append(("mean", *_texts(_means(evaluation))))
            rows.append(("2 x std. dev.", *_texts({name: mean_and_spread(found)[1] for name, found in scores.items()})))
        title = "accuracy and unweighted average recall"
        if not isinstance(evaluation, ClassEvaluation):
            title = "correlations of true and predicted values, and errors"
            if has_folds:
                rows.append(("folds together", *_texts(evaluation.joint_scores)))
        self.write(table(title, [("", *scores)], rows, align="<" + ">" * len(scores)))

    def _report_confusion(self, evaluation: "ClassEvaluation") -> None:
        numbers = [f"({number})" for number in range(1, len(evaluation.labels) + 1)]
        confusion = [
            (f"{number} {label}", *counts)
            for number, label, counts in zip(numbers, evaluation.labels, evaluation.confusion, strict=True)
        ]
        title = "confusion matrix: true class by row, predicted class by column"
        self.write("\n" + table(title, [("", *numbers)], confusion, align="<" + ">" * len(numbers)))


def _means(evaluation: "Evaluation") -> dict[str, float]:
    """Each score, mean over repeats and folds."""
    from audeep.evaluation.results import mean_and_spread

    return {name: mean_and_spread(scores)[0] for name, scores in evaluation.scores.items()}


def _texts(scores: dict[str, float], for_scripts: bool = False) -> list[str]:
    """Scores as they are shown; scripts get shares rather than per cent."""
    shares = ".4f" if for_scripts else ".2%"
    formats = {"accuracy": shares, "UAR": shares, "MAE": ".4g", "RMSE": ".4g"}
    return [f"{score:{formats.get(name, '.4f')}}" for name, score in scores.items()]


def _plot(evaluation: "Evaluation", file: Path) -> None:
    from audeep.cli.render.plots import plot_confusion, plot_values
    from audeep.evaluation.results import ClassEvaluation

    if isinstance(evaluation, ClassEvaluation):
        plot_confusion(evaluation.confusion, evaluation.labels, file)
    else:
        plot_values(evaluation.folds, file)


def _write_csv(path: Path, header: list[str], labels: Iterable[str], rows: Iterable[Iterable[float]]) -> None:
    """A row for each class; what is not known is empty."""
    with replacing(path) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for label, row in zip(labels, rows, strict=True):
            writer.writerow([label, *("" if value != value else value for value in row)])


class EvaluateSvm(SvmOptions, EvaluateFeatures):
    """Evaluate feature vectors with a linear SVM."""


class EvaluateMlp(MlpOptions, EvaluateFeatures):
    """Evaluate feature vectors with a multilayer perceptron."""
