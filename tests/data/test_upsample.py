# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes balanced by repeating instances."""

from collections import Counter

import numpy as np
import pytest

from audeep.data.upsample import upsampled_indices


def test_instances_of_rare_classes_come_more_often() -> None:
    labels = np.array([7, 2, 7, 7, 2, 7, 5, 7])  # five of class 7, two of class 2, one of class 5
    times = Counter(upsampled_indices(labels).tolist())
    assert times == {0: 1, 2: 1, 3: 1, 5: 1, 7: 1, 1: 2, 4: 2, 6: 5}


def test_balanced_classes_stay_as_they_are() -> None:
    assert upsampled_indices(np.array([1, 0, 0, 1])).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("labels", [np.array([0.0, 1.0, 1.0]), np.array(["dog", "cat", "cat"])])
def test_labels_may_be_fractional_numbers_or_texts(labels: np.ndarray) -> None:
    assert sorted(upsampled_indices(labels).tolist()) == [0, 0, 1, 2]


def test_no_class_ends_up_larger_than_the_largest_or_smaller_than_half_of_it() -> None:
    labels = np.random.default_rng(0).choice(6, 500, p=[0.4, 0.3, 0.15, 0.1, 0.04, 0.01])
    counts = np.bincount(labels[upsampled_indices(labels)])
    assert counts.max() == np.bincount(labels).max()
    assert counts.min() > counts.max() / 2
