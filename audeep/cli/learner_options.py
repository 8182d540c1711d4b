# SPDX-License-Identifier: GPL-3.0-or-later
"""What evaluation and prediction share: how to train, and the options of the SVM and the MLP."""

import argparse
import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from audeep.cli.options import AudeepCommand, add_declared, add_device, choice_of, declared_values, reader_of
from audeep.evaluation.plan import COMPLEXITIES
from audeep.runtime.options import options_of

if TYPE_CHECKING:
    from audeep.evaluation.learners import LearnerChoice
    from audeep.evaluation.plan import EvaluationPlan

logger = logging.getLogger(__name__)


class LearnerCommand(AudeepCommand):
    """A command that trains a learner."""

    plan_options: ClassVar[Iterable[str] | None] = None  # all
    has_task: ClassVar[bool] = True  # whether it may be regression

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        from audeep.evaluation.plan import EvaluationPlan

        parser.set_defaults(task="classification")
        if self.has_task:
            parser.add_argument(
                "--task",
                type=choice_of(("classification", "regression")),
                default="classification",
                metavar="TASK",
                help="predict labels (classification) or values (regression) (default: %(default)s)",
            )
        add_declared(parser, EvaluationPlan, self.plan_options)
        self.add_learner_options(parser)

    def add_learner_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options of the learner."""
        raise NotImplementedError

    def make_learner(self, parsed_args: argparse.Namespace) -> "LearnerChoice":
        """What makes the learners."""
        raise NotImplementedError

    def plan_of(self, parsed_args: argparse.Namespace) -> "EvaluationPlan":
        """What evaluation and prediction take beside data and learners."""
        from audeep.evaluation.plan import EvaluationPlan

        options = declared_values(parsed_args, EvaluationPlan)
        return EvaluationPlan(**options, regression=parsed_args.task == "regression")


class SvmOptions:
    """The learner of a command is a linear SVM."""

    def add_learner_options(self, parser: argparse.ArgumentParser) -> None:
        from audeep.evaluation.learners import SvmLearner

        option = options_of(SvmLearner)["complexity"]
        parser.add_argument(
            "--complexity",
            type=reader_of(option),
            nargs="+",
            default=list(COMPLEXITIES),
            metavar=option.metavar,
            help=f"{option.help} (default: {', '.join(map(str, COMPLEXITIES))})",
        )

    def make_learner(self, parsed_args: argparse.Namespace) -> "LearnerChoice":
        from audeep.evaluation.learners import svms

        return svms(parsed_args.complexity, parsed_args.task == "regression")


class MlpOptions:
    """The learner of a command is a multilayer perceptron."""

    def add_learner_options(self, parser: argparse.ArgumentParser) -> None:
        from audeep.evaluation.learners import MlpLearner

        add_declared(parser, MlpLearner)
        parser.add_argument(
            "--shuffle",
            action="store_true",
            help="accepted for old scripts, without effect: each training step uses all instances at once",
        )
        add_device(parser)

    def make_learner(self, parsed_args: argparse.Namespace) -> "LearnerChoice":
        from audeep.evaluation.learners import MlpLearner, MlpRegressor
        from audeep.models.devices import select_device

        if parsed_args.shuffle:
            logger.info("--shuffle: has no effect, since each training step uses all instances at once")
        options = {**declared_values(parsed_args, MlpLearner), "device": str(select_device(parsed_args.device))}
        learner = (MlpRegressor if parsed_args.task == "regression" else MlpLearner)(**options)
        return lambda seed: replace(learner, seed=seed)
