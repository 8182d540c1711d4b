# SPDX-License-Identifier: GPL-3.0-or-later
"""mlp predict, svm predict: labels or values for data without."""

import argparse
import logging
from pathlib import Path

from audeep.cli.learner_options import LearnerCommand, MlpOptions, SvmOptions
from audeep.cli.options import partition_name

logger = logging.getLogger(__name__)


class PredictLabels(LearnerCommand):
    """What prediction shares for all learners."""

    plan_options = ("upsample", "majority_vote", "seed")

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        for part, purpose in (("train", "train on"), ("eval", "predict")):
            parser.add_argument(
                f"--{part}-input", type=Path, required=True, metavar="FILE", help=f"data set file to {purpose}"
            )
            parser.add_argument(
                f"--{part}-partitions",
                type=partition_name,
                nargs="+",
                metavar="PARTITION",
                help=f"{purpose} these partitions of it alone (TRAIN, DEVEL, TEST)",
            )
        parser.add_argument(
            "--output",
            type=Path,
            required=True,
            metavar="FILE",
            help="text file to write: file name, tab, label or value; sorted by file name",
        )
        super().add_options(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.data.schema import Partition
        from audeep.evaluation.predictions import predict, write_predictions

        data_sets = []
        for part in ("train", "eval"):
            data_set, names = load(getattr(parsed_args, f"{part}_input")), getattr(parsed_args, f"{part}_partitions")
            data_sets.append(data_set if names is None else data_set.partitions([Partition[name] for name in names]))
        train, unlabelled = data_sets
        predictions = predict(train, unlabelled, self.make_learner(parsed_args), self.plan_of(parsed_args))
        write_predictions(predictions, parsed_args.output)
        logger.info("%s: %d predictions written", parsed_args.output, len(predictions))


class PredictSvm(SvmOptions, PredictLabels):
    """Predict labels or values with a linear SVM."""


class PredictMlp(MlpOptions, PredictLabels):
    """Predict labels or values with a multilayer perceptron."""
