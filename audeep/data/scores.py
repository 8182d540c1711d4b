# SPDX-License-Identifier: GPL-3.0-or-later
"""Predictions as data sets: features are scores over the axis `label`, with its names; truth and metadata beside."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audeep.data.columns import is_missing
from audeep.data.data_set import DataSet
from audeep.data.schema import FEATURES, INSTANCE, LABEL, LABELS, NUM_FRAMES
from audeep.errors import DataError, ShapeError


def with_scores(data_set: DataSet, scores: np.ndarray, names: Sequence[str]) -> DataSet:
    """The same metadata with scores as features.

    Where recordings have several labels, these are put in the order of `names`; labels that no recording has may be
    missing there.

    Args:
        scores: [instance, label].
        names: of the labels, in the order of the scores.

    Raises:
        ShapeError: `scores` has another shape.
        DataError: a name is there twice, or a recording has a label that is not among several of them.
    """
    names = _distinct(names)
    if scores.shape != (len(data_set), len(names)):
        raise ShapeError(f"scores have shape {scores.shape}, expected {len(data_set)} instances, {len(names)} labels")
    data, label_map = data_set.data.drop_vars(FEATURES), data_set.label_map
    if data_set.has_label_sets:
        truth = np.full(scores.shape, np.nan)
        truth[data_set.is_labelled] = truth_of(data_set, names)[data_set.is_labelled]
        label_map = {name: number for number, name in enumerate(names)}
        data = data.drop_vars([LABELS.name, LABEL]).assign({LABELS.name: (LABELS.dims, truth)})
    data = data.drop_vars(LABEL, errors="ignore").assign(
        {
            NUM_FRAMES.name: (INSTANCE, np.full(len(data_set), np.nan)),  # there is no axis of time any more
            FEATURES: ((INSTANCE, LABEL), scores.astype(np.float32, copy=False)),
        }
    )
    data.attrs = {}  # which were about the features
    return DataSet(data.assign_coords({LABEL: np.array(names, dtype=object)}), label_map)


def scores_of(data_set: DataSet) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Names of the labels, and their scores [instance, label].

    Raises:
        DataError: features are not scores of labels that have names.
    """
    if data_set.feature_dims != (LABEL,) or not data_set.label_names:
        axes, where = ", ".join(data_set.feature_dims), f"{data_set.source}: " if data_set.source else ""
        raise DataError(
            f"{where}features over {axes} found, scores over 'label' with the names of the labels were expected; write"
            " predictions of a tagger"
        )
    return data_set.label_names, data_set.features


def truth_of(data_set: DataSet, names: Sequence[str]) -> NDArray[np.bool_]:
    """Which of the labels `names` each recording has [instance, label], whether it has one label or several.

    Recordings whose labels are not known (`DataSet.is_labelled`) have none here.

    Raises:
        DataError: a name is there twice, or a recording has a label that is not among `names`.
    """
    names = _distinct(names)
    positions = {name: position for position, name in enumerate(names)}
    truth = np.zeros((len(data_set), len(names)), bool)
    if data_set.has_label_sets:
        sets = data_set.label_sets
        for column, name in enumerate(data_set.label_names):
            rows = np.flatnonzero(sets[:, column])
            if name in positions:
                truth[rows, positions[name]] = True
            elif len(rows):
                raise _outside(data_set, int(rows[0]), name, names)
        return truth
    by_number = {number: name for name, number in data_set.labels.items()}
    labels, numbers = data_set.labels_nominal, data_set.labels_numeric
    for row in np.flatnonzero(~is_missing(labels) | ~np.isnan(numbers)):
        name = labels[row] if labels[row] is not None else by_number.get(int(numbers[row]), f"{numbers[row]:.0f}")
        if name not in positions:
            raise _outside(data_set, int(row), name, names)
        truth[row, positions[name]] = True
    return truth


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise DataError(f"the label {twice!r} is there twice; give each label once")
    return tuple(names)


def _outside(data_set: DataSet, row: int, name: str, names: Sequence[str]) -> DataError:
    known = ", ".join(names[:6]) + (f", ... ({len(names)} in all)" if len(names) > 6 else "")
    return DataError(f"{data_set.filenames[row]}: has the label {name!r}, expected one of {known}")
