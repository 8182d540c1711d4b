# SPDX-License-Identifier: GPL-3.0-or-later
"""mlp evaluate on 400 vectors of 1024 features, 5 folds x 5 repetitions, against its bare matrix products.

A twentieth of the 400 epochs is run, and standardisation and prediction with it.
"""

import logging

import numpy as np
import torch
from timing import alternate, report

from audeep.data.data_set import empty
from audeep.evaluation.evaluate import evaluate
from audeep.evaluation.learners import MlpLearner
from audeep.evaluation.plan import EvaluationPlan

INSTANCES, FEATURES, CLASSES, FOLDS, REPEATS, UNITS, EPOCHS = 400, 1024, 10, 5, 5, 150, 20


def products() -> None:
    """Those of all steps, the repetitions of a fold together."""
    rows = INSTANCES * (FOLDS - 1) // FOLDS
    inputs, first = torch.randn(rows, FEATURES), torch.randn(REPEATS * UNITS, FEATURES)
    hidden = [torch.randn(REPEATS, rows, UNITS) for _ in range(2)]
    weights = [torch.randn(REPEATS, outputs, UNITS) for outputs in (UNITS, CLASSES)]
    for _ in range(FOLDS * EPOCHS):
        of_first = inputs @ first.t()
        outputs = [below @ weight.transpose(1, 2) for below, weight in zip(hidden, weights, strict=True)]
        for below, weight, output in zip(hidden, weights, outputs, strict=True):
            output.transpose(1, 2) @ below
            output @ weight
        of_first.t() @ inputs


def main() -> None:
    logging.disable(logging.INFO)
    generator = np.random.default_rng(0)
    data_set = empty(INSTANCES, [("generated", FEATURES)], FOLDS)
    data_set.labels_numeric[:] = np.arange(INSTANCES) % CLASSES
    data_set.labels_nominal[:] = [str(row % CLASSES) for row in range(INSTANCES)]
    data_set.cv_folds[:] = (np.arange(INSTANCES)[:, None] // CLASSES % FOLDS) == np.arange(FOLDS)
    features = generator.standard_normal((INSTANCES, FEATURES)).astype(np.float32)
    data_set = data_set.with_features(features, ["generated"])

    def run() -> None:
        plan = EvaluationPlan(repeat=REPEATS)
        evaluate(data_set, lambda seed: MlpLearner(num_epochs=EPOCHS, seed=seed), plan)

    seconds = alternate(audeep=run, products=products)
    report("share of the speed of the bare products", seconds["products"] / seconds["audeep"], "0.60")


if __name__ == "__main__":
    main()
