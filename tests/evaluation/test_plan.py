# SPDX-License-Identifier: GPL-3.0-or-later
"""How to evaluate, as one object."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import audeep
from audeep.errors import OptionError
from audeep.evaluation.plan import EvaluationPlan
from tests.support.known_results import FOLDS, NearestNeighbour, make_data_set


def test_a_plan_is_public_frozen_and_has_plain_values() -> None:
    plan = audeep.EvaluationPlan(repeat=np.int64(2), majority_vote=np.bool_(True))
    assert plan == EvaluationPlan(2, False, True, 0, False)
    assert type(plan.repeat) is int and type(plan.majority_vote) is bool
    with pytest.raises(FrozenInstanceError):
        plan.repeat = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"repeat": 0}, "repeat=0: expected an integer >= 1"),
        ({"seed": 2**32}, "seed=4294967296: expected an integer >= 0 and <= 4294967295"),
        ({"upsample": "no"}, "upsample='no': expected True or False"),
        ({"upsample": True, "regression": True}, "upsample=True balances classes, and regression has none; leave one"),
    ],
)
def test_what_is_not_possible_is_refused(options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=f"^{message}"):
        EvaluationPlan(**options)


def test_the_public_function_takes_a_plan_and_perhaps_partitions() -> None:
    data_set = make_data_set(FOLDS)
    data_set.partition[:] = data_set.cv_folds[:, 0] * 2  # fold 0 is for testing
    train, _, test = audeep.Partition
    evaluation = audeep.evaluate(
        data_set, NearestNeighbour, plan=EvaluationPlan(repeat=2), partitions=([train], [test])
    )
    assert evaluation.confusions.tolist() == [[[[1, 1], [0, 1]]]] * 2
    cross_validated = audeep.evaluate(data_set, NearestNeighbour)
    assert cross_validated.confusions.tolist() == [[[[1, 1], [0, 1]], [[1, 0], [2, 1]]]]
