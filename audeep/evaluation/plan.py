# SPDX-License-Identifier: GPL-3.0-or-later
"""How to train learners on features, and how to count what they predict."""

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
