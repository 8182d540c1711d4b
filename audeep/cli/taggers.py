# SPDX-License-Identifier: GPL-3.0-or-later
"""NAME evaluate and NAME predict, of each kind of model that learns from labels."""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from audeep.cli.evaluate import Results, add_result_files, report_results
from audeep.cli.models import ModelCommand, add_any_preprocessing
from audeep.cli.options import (
    add_cluster,
    add_device,
    add_input,
    add_model_dirs,
    add_partitions,
    add_step,
    load_partitions,
    positive_int,
)

if TYPE_CHECKING:
    from audeep.data.data_set import DataSet

logger = logging.getLogger(__name__)


class TaggerCommand(ModelCommand):
    """What the commands that apply a tagger share."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file of spectrograms, made with the settings of the training data")
        add_model_dirs(parser, "the mean score is taken")
        parser.add_argument(
            "--out-of-fold",
            action="store_true",
            help="take the validation part of each fold of the input alone, and for each the model of its fold in the"
            " run --model-dir",
        )
        add_step(parser)
        add_partitions(parser)
        add_majority_vote(parser)
        parser.add_argument(
            "--num-excerpts",
            type=positive_int,
            metavar="N",
            help="average over N excerpts that are spread evenly over each recording (default: it is read whole, or in"
            " the windows that the model has)",
        )
        parser.add_argument("--excerpt-frames", type=positive_int, metavar="FRAMES", help="length of these excerpts")
        parser.add_argument(
            "--batch-size",
            type=positive_int,
            default=16,
            help="recordings, or windows of them, at a time (default: %(default)s)",
        )
        add_cluster(parser, "")
        add_device(parser)
        add_any_preprocessing(parser)

    def scores(self, parsed_args: argparse.Namespace) -> "DataSet":
        """The instances with the scores of all labels."""
        from audeep.pipeline.predict import predict_scores

        return predict_scores(
            parsed_args.model_dir,
            load_partitions(parsed_args.input, parsed_args.partitions),
            parsed_args.step,
            kind=self.kind,
            out_of_fold=parsed_args.out_of_fold,
            num_excerpts=parsed_args.num_excerpts,
            excerpt_frames=parsed_args.excerpt_frames,
            batch_size=parsed_args.batch_size,
            device=parsed_args.device,
            any_preprocessing=parsed_args.any_preprocessing,
            cluster=parsed_args.cluster,
        )


class Predict(TaggerCommand):
    """Predict labels with"""

    examples = ("--model-dir run --input test.nc --output predictions.txt",)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        add_scores_output(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if parsed_args.output.suffix != ".nc":
            from audeep.data.data_set import load

            load(parsed_args.input).check_single_labels(f"to write to {parsed_args.output.name}")
        write_scores(self.scores(parsed_args), parsed_args.output, parsed_args.majority_vote)


class Evaluate(TaggerCommand):
    """Evaluate the labels that are predicted by"""

    examples = (
        "--model-dir run --input test.nc",
        "--model-dir run --input spectrograms.nc --out-of-fold --plot confusion.png",
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        add_result_files(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.evaluation.tagging import evaluate_scores

        scores = self.scores(parsed_args)
        evaluation = evaluate_scores(scores, scores.label_names, by_file=parsed_args.majority_vote)
        report_results(self, parsed_args, Results(evaluation), has_folds=False)


def add_majority_vote(parser: argparse.ArgumentParser) -> None:
    """--majority-vote."""
    parser.add_argument(
        "--majority-vote",
        action="store_true",
        help="give one label to all chunks of a file: that with the highest mean score",
    )


def add_scores_output(parser: argparse.ArgumentParser) -> None:
    """--output, of `write_scores`."""
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help="data set file of the scores of all labels (.nc), for 'audeep score' and 'audeep fuse predictions'; or"
        " text file: file name, tab, label; sorted by file name",
    )


def write_scores(scores: "DataSet", path: Path, by_file: bool) -> None:
    """Write scores as a data set file, or the best label of each instance, or each file, as text."""
    if path.suffix == ".nc":
        scores.save(path)
        logger.info("%s: scores of %d instances written", path, len(scores))
        return

    from audeep.evaluation.predictions import write_predictions
    from audeep.evaluation.tagging import best_labels

    predictions = best_labels(scores, scores.label_names, by_file=by_file)
    write_predictions(predictions, path)
    logger.info("%s: %d predictions written", path, len(predictions))
