# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels that a model learns from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audeep.data.data_set import DataSet
from audeep.errors import DataError


class Labels:
    """The labels of some data sets, in the order of their numbers.

    Attributes:
        names: of the labels.
        are_sets: whether a recording may have several of them.

    Raises:
        DataError: the data sets number labels differently, or have fewer than two; or recordings of some have several
            labels, of others one.
    """

    def __init__(self, data_sets: Sequence[DataSet]) -> None:
        first = data_sets[0].labels
        for number, data_set in enumerate(data_sets[1:], 2):
            if data_set.labels != first:
                raise DataError(
                    f"input {number} has the labels {_listed(data_set.labels)}, the first {_listed(first)}; all need"
                    " the same, with the same numbers"
                )
        if len(first) < 2:
            raise DataError(f"the input has the labels {_listed(first)}; two or more are needed to learn from")
        self.are_sets = data_sets[0].has_label_sets
        if any(data_set.has_label_sets != self.are_sets for data_set in data_sets):
            raise DataError(
                "some inputs have several labels for a recording, others one; give inputs of one kind, or import the"
                " labels of all as several"
            )
        self.names = tuple(first)
        self.numbers = np.array(list(first.values()))

    def targets_of(self, data_set: DataSet) -> NDArray[np.int64] | NDArray[np.float32]:
        """The position in `names` of the label of each instance [instance]; of several, 1 or 0 [instance, label].

        Raises:
            DataError: an instance has no label, or one that has no name.
        """
        if self.are_sets:
            _check_known(data_set, np.flatnonzero(~data_set.is_labelled), "labels that are known")
            sets: NDArray[np.float32] = data_set.label_sets.astype(np.float32)
            return sets
        labels = data_set.labels_numeric
        positions = np.searchsorted(self.numbers, labels).clip(max=len(self.numbers) - 1)
        wrong = np.flatnonzero(self.numbers[positions] != labels)  # NaN where there is none
        _check_known(data_set, wrong, "label that has a name")
        return positions.astype(np.int64)

    def check_all_occur(self, targets: NDArray[Any], fold: int) -> None:
        """Check that all labels occur in the training part of a fold.

        Args:
            targets: of its instances, as `targets_of` gives them.

        Raises:
            DataError: one does not.
        """
        counts = targets.sum(axis=0) if self.are_sets else np.bincount(targets, minlength=len(self.names))
        missing = [name for name, count in zip(self.names, counts, strict=True) if not count]
        if missing:
            raise DataError(
                f"validation_fold={fold}: no instance of {missing[0]!r} is for training; make other folds, for example"
                " with 'audeep modify --add-cv-setup'"
            )


def _check_known(data_set: DataSet, wrong: np.ndarray, what: str) -> None:
    if len(wrong):
        raise DataError(
            f"{len(wrong)} of {len(data_set)} instances have no {what}, the first is {data_set.filenames[wrong[0]]};"
            " labels are needed to learn from"
        )


def _listed(labels: dict[str, int]) -> str:
    return ", ".join(labels) or "none"
