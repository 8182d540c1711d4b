# SPDX-License-Identifier: GPL-3.0-or-later
"""mlp evaluate, svm evaluate: how well labels or values can be predicted from features."""

import argparse
import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from audeep.cli.learner_options import LearnerCommand, MlpOptions, SvmOptions
from audeep.cli.options import AudeepCommand, add_input, add_plot, number, partition_name, positive_int
from audeep.cli.preset_options import add_preset
from audeep.cli.render.scores import evaluation_text, means, score_texts
from audeep.errors import OptionError
from audeep.runtime.files import replacing

if TYPE_CHECKING:
    from audeep.data.data_set import DataSet
    from audeep.evaluation.bootstrap import Bootstrap
    from audeep.evaluation.evaluate import Partitions
    from audeep.evaluation.results import Evaluation


class Results(NamedTuple):
    """What an evaluation may have: baselines, how certain scores are, and groups of recordings by their names."""

    evaluation: "Evaluation"
    baselines: "Mapping[str, Evaluation]" = {}
    bootstrap: "Bootstrap | None" = None
    groups: Mapping[str, str] = {}


class EvaluateFeatures(LearnerCommand):
    """What evaluation shares for all learners."""

    examples = (
        "--input features.nc --cross-validate",
        "--input features.nc --train-partitions TRAIN --eval-partitions DEVEL --plot confusion.png",
        "--input features.nc --cross-validate --baseline spectrograms.nc --json results.json",
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file of feature vectors with labels or values")
        parser.add_argument("--cross-validate", action="store_true", help="evaluate on the folds in the file")
        add_evaluated_partitions(parser)
        add_drawn_folds(parser)
        parser.add_argument(
            "--baseline",
            type=Path,
            metavar="FILE",
            help="also report chance, and an SVM on mean and standard deviation over time of the spectrograms in FILE,"
            " from which the features were generated",
        )
        parser.add_argument(
            "--bootstrap",
            type=positive_int,
            metavar="N",
            help="also report 95 %% intervals of the scores of all folds together, by N resamples of recordings, or of"
            " groups where there are some",
        )
        add_result_files(parser)
        add_preset(parser, "evaluate", str(self.cmd_name).split()[0])
        super().add_options(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        partitions = (parsed_args.train_partitions, parsed_args.eval_partitions)
        by_folds = parsed_args.cross_validate or parsed_args.folds is not None
        if by_folds == any(partitions) or any(partitions) != all(partitions):
            raise OptionError(
                "how to evaluate is not clear; give --folds N, or --cross-validate, or --train-partitions and"
                " --eval-partitions"
            )
        for name, path in (("--confusion", parsed_args.confusion), ("--per-class", parsed_args.per_class)):
            if path is not None and parsed_args.task == "regression":
                raise OptionError(f"{name}: --task regression has no classes; leave one of them out")

        report_results(self, parsed_args, self._results(parsed_args), by_folds)

    def _results(self, parsed_args: argparse.Namespace) -> "Results":
        """The evaluation of the features, and what else is asked for."""
        from audeep.data.data_set import load
        from audeep.evaluation.baselines import band_statistics, evaluate_baselines
        from audeep.evaluation.bootstrap import bootstrap, groups_of
        from audeep.evaluation.evaluate import evaluate

        plan = self.plan_of(parsed_args)
        data_set = in_drawn_folds(load(parsed_args.input), parsed_args)
        statistics = None if parsed_args.baseline is None else band_statistics(data_set, load(parsed_args.baseline))
        partitions = evaluated_partitions(parsed_args)
        evaluation = evaluate(data_set, self.make_learner(parsed_args), plan, partitions)
        baselines = {} if statistics is None else evaluate_baselines(statistics, plan, partitions)
        num_samples = parsed_args.bootstrap
        certain = None if num_samples is None else bootstrap([evaluation], data_set, num_samples, plan.seed)
        return Results(evaluation, baselines, certain, groups_of(data_set))


def add_evaluated_partitions(parser: argparse.ArgumentParser) -> None:
    """--train-partitions and --eval-partitions."""
    for option, purpose in (("--train-partitions", "train on"), ("--eval-partitions", "predict")):
        parser.add_argument(
            option,
            type=partition_name,
            nargs="+",
            metavar="PARTITION",
            help=f"evaluate on partitions, and {purpose} these (TRAIN, DEVEL, TEST)",
        )


def evaluated_partitions(parsed_args: argparse.Namespace) -> "Partitions | None":
    """What the options of `add_evaluated_partitions` name, if they are given."""
    from audeep.data.schema import Partition

    train, valid = parsed_args.train_partitions, parsed_args.eval_partitions
    if not train:
        return None
    return [Partition[name] for name in train], [Partition[name] for name in valid]


def add_drawn_folds(parser: argparse.ArgumentParser) -> None:
    """--folds, and --groups and --group, which keep recordings together in them."""
    parser.add_argument(
        "--folds",
        type=number(int, least=2),
        metavar="N",
        help="cross-validate on N random folds of even size, drawn by --seed as 'audeep modify --add-cv-setup' draws"
        " them, in place of any folds there are; groups that the file has are kept together",
    )
    parser.add_argument(
        "--group",
        "--group-column",
        metavar="COLUMN",
        help="keep recordings of a group, such as a speaker, together in --folds: column of --groups that gives the"
        " group (default: group); without a table, the groups of the file are meant, and must be there",
    )
    parser.add_argument(
        "--groups", type=Path, metavar="FILE", help="a table of recordings and their groups, for --folds"
    )


def in_drawn_folds(data_set: "DataSet", parsed_args: argparse.Namespace) -> "DataSet":
    """A data set with the folds that the options of `add_drawn_folds` ask for, if they do.

    Raises:
        OptionError: recordings are to be kept together, but no folds to be drawn.
        DataError: the data set has too few recordings, or not the groups that are asked for.
    """
    from audeep.data.groups import check_groups, with_groups
    from audeep.data.schema import GROUP
    from audeep.data.splits import add_cv_setup

    table, column = parsed_args.groups, parsed_args.group
    if parsed_args.folds is None:
        if table is not None or column is not None:
            raise OptionError("--groups and --group are for folds that are drawn; give --folds N, or leave them out")
        return data_set
    if table is not None:
        data_set = with_groups(data_set, table, column or GROUP.name)
    elif column is not None:
        check_groups(data_set, column)
    return add_cv_setup(data_set, parsed_args.folds, parsed_args.seed)


def add_result_files(parser: argparse.ArgumentParser) -> None:
    """--json, --confusion, --per-class and --plot."""
    for option, text in {
        "--json": "write the results to FILE as JSON, with settings, versions and each prediction",
        "--confusion": "write the confusion matrix to FILE as CSV, true classes by row",
        "--per-class": "write recall, precision, F1 and number of instances of each class to FILE as CSV",
    }.items():
        parser.add_argument(option, type=Path, metavar="FILE", help=text)
    add_plot(parser, "the confusion matrix with the scores of each class, or predicted against true values,")


def report_results(command: AudeepCommand, parsed_args: argparse.Namespace, found: Results, has_folds: bool) -> None:
    """Print an evaluation and baselines, and write the files that the options of `add_result_files` ask for."""
    evaluation, baselines, bootstrap, groups = found
    if command.is_quiet:
        for one in (evaluation, *baselines.values()):
            command.write(",".join(score_texts(means(one), for_scripts=True)))
    else:
        command.write(evaluation_text(evaluation, baselines, has_folds, bootstrap, command.width))
    _write_files(evaluation, parsed_args)
    if parsed_args.json is not None:
        from audeep.runtime.results import write_results

        results = evaluation.record() | {"baselines": {name: one.record() for name, one in baselines.items()}}
        if bootstrap is not None:
            results["bootstrap"] = {"resampled": bootstrap.what, "scores": bootstrap.record(0)}
        if groups:
            results["groups"] = groups
        write_results(parsed_args.json, str(command.cmd_name), vars(parsed_args), results)


def _write_files(evaluation: "Evaluation", parsed_args: argparse.Namespace) -> None:
    from audeep.evaluation.results import ClassEvaluation, ValueEvaluation

    if parsed_args.plot is not None:
        from audeep.cli.render.plots import plot_confusion, plot_values

        if isinstance(evaluation, ClassEvaluation):
            plot_confusion(evaluation, parsed_args.plot)
        elif isinstance(evaluation, ValueEvaluation):
            plot_values(evaluation, parsed_args.plot)
    if isinstance(evaluation, ClassEvaluation):
        labels, scores = evaluation.labels, evaluation.class_scores
        if parsed_args.confusion is not None:
            write_classes(parsed_args.confusion, ["class", *labels], labels, evaluation.confusion)
        if parsed_args.per_class is not None:
            write_classes(parsed_args.per_class, ["class", *scores], labels, zip(*scores.values(), strict=True))


def write_classes(path: Path, header: list[str], labels: Iterable[str], rows: Iterable[Iterable[float]]) -> None:
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
