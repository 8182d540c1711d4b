# SPDX-License-Identifier: GPL-3.0-or-later
"""What evaluation and prediction share: how to train, and the options of the SVM and the MLP."""

import argparse
import logging
from typing import TYPE_CHECKING, Any

from audeep.cli.options import (
    AudeepCommand,
    add_device,
    add_keep_prob,
    add_learning_rate,
    add_seed,
    choice_of,
    positive,
    positive_int,
)
from audeep.errors import OptionError

if TYPE_CHECKING:
    from audeep.evaluation.learners import LearnerFactory

logger = logging.getLogger(__name__)


class LearnerCommand(AudeepCommand):
    """A command that trains a learner."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--task",
            type=choice_of(("classification", "regression")),
            default="classification",
            metavar="TASK",
            help="predict labels (classification) or values (regression) (default: %(default)s)",
        )
        parser.add_argument("--upsample", action="store_true", help="repeat training instances to balance the classes")
        parser.add_argument(
            "--majority-vote",
            action="store_true",
            help="let the chunks of a file vote on one label for the file; of values, take the mean",
        )
        add_seed(parser)
        self.add_learner_options(parser)

    def add_learner_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options of the learner."""
        raise NotImplementedError

    def learner_factory(self, parsed_args: argparse.Namespace) -> "LearnerFactory | dict[float, LearnerFactory]":
        """What makes the learners."""
        raise NotImplementedError

    def training_options(self, parsed_args: argparse.Namespace) -> dict[str, Any]:
        """What evaluation and prediction take beside data and learners."""
        if parsed_args.task == "regression" and parsed_args.upsample:
            raise OptionError("--upsample balances classes, which --task regression has not; leave one of them out")
        options = {name: getattr(parsed_args, name) for name in ("upsample", "majority_vote", "seed")}
        return {**options, "regression": parsed_args.task == "regression"}


class SvmOptions:
    """The learner of a command is a linear SVM."""

    def add_learner_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--complexity",
            type=positive,
            nargs="+",
            required=True,
            metavar="C",
            help="the weight of errors in training; of several, the one is taken that does best in cross-validation"
            " within the training data",
        )

    def learner_factory(self, parsed_args: argparse.Namespace) -> "dict[float, LearnerFactory]":
        from audeep.evaluation.learners import svms

        return svms(parsed_args.complexity, parsed_args.task == "regression")


class MlpOptions:
    """The learner of a command is a multilayer perceptron."""

    def add_learner_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--num-epochs", type=positive_int, default=400, help="training steps (default: %(default)s)"
        )
        add_learning_rate(parser)
        parser.add_argument("--num-layers", type=positive_int, default=2, help="hidden layers (default: %(default)s)")
        parser.add_argument(
            "--num-units", type=positive_int, default=150, help="units per layer (default: %(default)s)"
        )
        add_keep_prob(parser, default=0.6)
        parser.add_argument(
            "--shuffle",
            action="store_true",
            help="accepted for old scripts, without effect: each training step uses all instances at once",
        )
        add_device(parser)

    def learner_factory(self, parsed_args: argparse.Namespace) -> "LearnerFactory":
        from audeep.evaluation.learners import MlpLearner, MlpRegressor
        from audeep.models.devices import select_device

        if parsed_args.shuffle:
            logger.info("--shuffle: has no effect, since each training step uses all instances at once")
        names = ("num_epochs", "learning_rate", "num_layers", "num_units", "keep_prob")
        options = {name: getattr(parsed_args, name) for name in names}
        device = str(select_device(parsed_args.device))
        learner = MlpRegressor if parsed_args.task == "regression" else MlpLearner
        return lambda seed: learner(**options, seed=seed, device=device)
