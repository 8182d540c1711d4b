# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning curves of folds as one."""

import numpy as np

from audeep.models.curve import Point, mean_curve


def curve(losses, validation_losses):
    points = enumerate(zip(losses, validation_losses, strict=True), 1)
    return [Point(epoch, 10 * epoch, *both) for epoch, both in points]


def test_the_mean_of_curves_ends_with_the_shortest_and_marks_the_best_epoch_of_the_mean() -> None:
    random = np.random.default_rng(0)
    losses, validation = random.uniform(0, 2, (3, 7)), random.uniform(0, 2, (3, 7))
    lengths = (5, 7, 6)
    found = mean_curve([curve(losses[fold, :n], validation[fold, :n]) for fold, n in enumerate(lengths)])
    assert found.num_folds == 3 and found.epochs.tolist() == [1, 2, 3, 4, 5] and found.validation_loss is not None
    for band, values in ((found.loss, losses), (found.validation_loss, validation)):
        for epoch in range(5):
            mean = sum(values[:, epoch]) / 3
            np.testing.assert_allclose(band.mean[epoch], mean)
            np.testing.assert_allclose(band.deviation[epoch] ** 2, sum((values[:, epoch] - mean) ** 2) / 3)
    assert found.best == min(range(5), key=lambda epoch: sum(validation[:, epoch]))


def test_of_equally_good_epochs_the_first_is_the_best_and_without_validation_there_is_none() -> None:
    assert mean_curve([curve([3, 2, 1], [1.0, 0.5, 0.5])]).best == 1
    found = mean_curve([curve([3, 2], [1.0, 0.5]), curve([3, 2], [None, None])])
    assert found.best is None and found.validation_loss is None and found.loss.deviation.tolist() == [0, 0]
