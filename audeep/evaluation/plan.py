# SPDX-License-Identifier: GPL-3.0-or-later
"""How to train learners on features, how to count what they predict, and what can be done with scores of labels."""

from dataclasses import dataclass

from audeep.errors import OptionError
from audeep.runtime.options import check_options, option


@dataclass(frozen=True)
class EvaluationPlan:
    """What evaluation and prediction take beside data and learners.

    Attributes:
        repeat: learners to train on the same data, which differ in their seeds; prediction trains one.
        upsample: repeat training instances so that classes are balanced.
        majority_vote: one prediction for all chunks of a file: the most frequent label, or the mean value.
        seed: of all random numbers.
        regression: predict values (`DataSet.label_values`) rather than labels.

    Raises:
        OptionError: a value is not of its type or beyond a limit, or values are to be upsampled.
    """

    repeat: int = option(1, "evaluate N times", least=1, metavar="N")
    upsample: bool = option(False, "repeat training instances to balance the classes")
    majority_vote: bool = option(
        False, "let the chunks of a file vote on one label for the file; of values, take the mean"
    )
    seed: int = option(  # up to what scikit-learn takes
        0, "all random numbers follow from it: the same seed gives the same results", most=2**32 - 1
    )
    regression: bool = False

    def __post_init__(self) -> None:
        check_options(self)
        if self.upsample and self.regression:
            raise OptionError("upsample=True balances classes, and regression has none; leave one of them out")


DEFAULT_PLAN = EvaluationPlan()

COMPLEXITIES = (0.001, 0.01, 0.1)  # of an SVM, to choose among; higher ones take much longer
GROUPINGS = ("partition", "fold", "usage")  # parts of predictions that are scored alone
FUSION_METHODS = MEAN, GEOMETRIC, LEARNED = ("mean", "geometric", "learned")
MEANS = MEAN, GEOMETRIC  # the methods that need no labels
BEST_LABELS, ALL_SCORES = "fsdkaggle-2018", "fsdkaggle-2019"
SUBMISSION_FORMATS = (BEST_LABELS, ALL_SCORES)


@dataclass(frozen=True)
class FusionOptions:
    """How a combination is learned: full-batch Adam on the cross-entropy.

    Attributes:
        steps: at most.
        learning_rate: of Adam.
        patience: stop after this many steps, counted over the whole run, that brought no new lowest loss.

    Raises:
        OptionError: a value is not of its type or beyond a limit.
    """

    steps: int = option(10_000, "learned: take at most N steps", least=1, metavar="N")
    learning_rate: float = option(1e-3, "learned: step size of Adam", above=0)
    patience: int = option(1000, "learned: stop when N steps in all brought no new lowest loss", least=1, metavar="N")

    def __post_init__(self) -> None:
        check_options(self)
