# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets of which it is known what the nearest training instance predicts."""

import numpy as np

from audeep.data.data_set import DataSet, empty
from audeep.data.schema import Partition

LABELS = {"zebra": 0, "ant": 1}  # by name they would come the other way round


class NearestNeighbour:
    """Predicts the label of the nearest training instance."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, features: np.ndarray, labels: np.ndarray) -> None:
        self.features, self.labels = features, labels

    def predict(self, features: np.ndarray) -> np.ndarray:
        distances = np.abs(features - self.features[:, 0])  # [instance, training instance]
        return self.labels[distances.argmin(axis=1)]


class NearestValue(NearestNeighbour):
    """Predicts the value of the nearest training instance."""


def make_data_set(rows: list[tuple[str, str, float, object]], label_map: dict[str, int] | None = LABELS) -> DataSet:
    """One instance per row: file name, label, feature, and the fold that validates it (a number) or its partition."""
    num_folds = 1 + max((row[3] for row in rows if type(row[3]) is int), default=-1)
    data_set = empty(len(rows), [("generated", 1)], num_folds, label_map)
    for instance, (filename, label, feature, part) in zip(data_set, rows, strict=True):
        instance.filename, instance.label_nominal, instance.label_numeric = filename, label, LABELS[label]
        instance.features = [feature]
        if isinstance(part, Partition):
            instance.partition = part
        elif part is not None:
            instance.cv_folds = [int(fold == part) for fold in range(num_folds)]
    return data_set


FOLDS = [
    ("a", "zebra", 0.0, 0),  # nearest in the other fold: 0.2 zebra, right
    ("b", "zebra", 1.0, 0),  # 1.2 ant, wrong
    ("c", "ant", 10.0, 0),  # 9.0 ant, right
    ("d", "zebra", 0.2, 1),  # 0.0 zebra, right
    ("e", "ant", 9.0, 1),  # 10.0 ant, right
    ("f", "ant", 1.2, 1),  # 1.0 zebra, wrong
    ("g", "ant", 0.6, 1),  # 1.0 zebra, wrong
]


CHUNKS = [
    ("a", "zebra", 0.0, 0),  # right
    ("a", "zebra", 0.1, 0),  # right
    ("a", "zebra", 8.0, 0),  # wrong, outvoted
    ("b", "ant", 9.0, 0),  # right
    ("b", "ant", 0.2, 0),  # wrong; a tie, which zebra wins: wrong
    ("c", "zebra", 0.0, 1),  # right
    ("d", "ant", 9.0, 1),  # right
    ("d", "ant", 9.1, 1),  # right
]


def make_values(rows: list[tuple[str, float, float, int]], num_folds: int = 2) -> DataSet:
    """One instance per row: file name, value, feature, and the fold that validates it."""
    data_set = empty(len(rows), [("generated", 1)], num_folds)
    for instance, (filename, value, feature, fold) in zip(data_set, rows, strict=True):
        instance.filename, instance.label_value, instance.features = filename, value, [feature]
        instance.cv_folds = [int(fold == number) for number in range(num_folds)]
    return data_set


VALUES = [
    ("a", 1.0, 0.0, 0),  # nearest in the other fold: d, 2
    ("a", 1.0, 8.9, 0),  # e, 5
    ("b", 4.0, 8.8, 0),  # e, 5
    ("c", -3.0, -4.0, 0),  # d, 2
    ("d", 2.0, -0.1, 1),  # a, 1
    ("e", 5.0, 9.0, 1),  # a, 1
    ("f", 2.5, 20.0, 1),  # a, 1
    ("g", 7.0, -9.0, 1),  # c, -3
]
