# SPDX-License-Identifier: GPL-3.0-or-later
"""svm fit, mlp fit and classify: classifiers of features that are kept and used."""

import argparse
import logging
from pathlib import Path

from audeep.cli.learner_options import LearnerCommand, MlpOptions, SvmOptions
from audeep.cli.options import AudeepCommand, add_input, add_partitions, add_step, load_partitions
from audeep.cli.taggers import add_majority_vote, add_scores_output, write_scores
from audeep.errors import OptionError

logger = logging.getLogger(__name__)


class Fit(LearnerCommand):
    """What fitting shares for all learners."""

    plan_options = ("upsample", "seed")
    has_task = False

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file of feature vectors with labels")
        add_partitions(parser)
        parser.add_argument(
            "--model-dir",
            type=Path,
            metavar="DIR",
            help="directory of the models that the features are from, NAME/logs of a run: 'tag' refuses others then",
        )
        add_step(parser)
        parser.add_argument(
            "--output", type=Path, required=True, metavar="FILE", help="file to write, FILE.safetensors"
        )
        super().add_options(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.evaluation.classifier import fit_classifier

        if parsed_args.step is not None and parsed_args.model_dir is None:
            raise OptionError("--step: is of a model; name it with --model-dir, or leave --step out")
        classifier = fit_classifier(
            load_partitions(parsed_args.input, parsed_args.partitions),
            self.make_learner(parsed_args),
            self.plan_of(parsed_args),
            parsed_args.model_dir,
            parsed_args.step,
        )
        classifier.save(parsed_args.output)
        logger.info("%s: %s of %d labels written", parsed_args.output, classifier.kind, len(classifier.labels))


class FitSvm(SvmOptions, Fit):
    """Fit a linear SVM to feature vectors with labels, and keep it."""


class FitMlp(MlpOptions, Fit):
    """Fit a multilayer perceptron to feature vectors with labels, and keep it."""


class Classify(AudeepCommand):
    """Predict labels of feature vectors with a classifier that 'svm fit' or 'mlp fit' wrote."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file of feature vectors, from the model that the classifier was fitted on")
        parser.add_argument(
            "--classifier",
            dest="classifiers",
            type=Path,
            required=True,
            metavar="FILE",
            help="what 'svm fit' or 'mlp fit' wrote",
        )
        add_partitions(parser)
        add_majority_vote(parser)
        add_scores_output(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.evaluation.classifier import Classifier, classify

        classifier = Classifier.load(parsed_args.classifiers)
        scores = classify(classifier, load_partitions(parsed_args.input, parsed_args.partitions))
        write_scores(scores, parsed_args.output, parsed_args.majority_vote)
