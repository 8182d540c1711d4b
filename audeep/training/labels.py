# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels that a model learns from."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audeep.data.data_set import DataSet
from audeep.errors import DataError


class Labels:
    """The labels of some data sets, in the order of their numbers.

    Raises:
        DataError: the data sets number labels differently, or have fewer than two.
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
        self.names = tuple(first)
        self.numbers = np.array(list(first.values()))

    def targets_of(self, data_set: DataSet) -> NDArray[np.int64]:
        """The position in `names` of the label of each instance [instance].

        Raises:
            DataError: an instance has no label, or one that has no name.
        """
        labels = data_set.labels_numeric
        positions = np.searchsorted(self.numbers, labels).clip(max=len(self.numbers) - 1)
        wrong = np.flatnonzero(self.numbers[positions] != labels)  # NaN where there is none
        if len(wrong):
            name = data_set.filenames[wrong[0]]
            raise DataError(
                f"{len(wrong)} of {len(data_set)} instances have no label that has a name, the first is {name}; labels"
                " are needed to learn from"
            )
        return positions.astype(np.int64)


def _listed(labels: dict[str, int]) -> str:
    return ", ".join(labels) or "none"
