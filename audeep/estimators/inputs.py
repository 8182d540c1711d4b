# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms in which estimators take spectrograms.

There may be

- an array [instance, time, freq], or [instance, time] of one value per step;
- a list of arrays [time, freq], which may differ in time;
- a `DataSet`, the path of a data set file, or a list of either.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from audeep.data.data_set import DataSet, empty, load
from audeep.data.schema import FREQ, INSTANCE, LABEL_NOMINAL, LABEL_NUMERIC, NUM_FRAMES, TIME
from audeep.runtime.constants import SILENCE

Floats = NDArray[np.float32]
Spectrograms = ArrayLike | Sequence[NDArray[Any]] | DataSet | Path | str | Sequence[DataSet | Path | str]


def as_data_sets(X: Spectrograms) -> tuple[list[DataSet], bool]:
    """All forms of spectrograms as data sets, and whether they were given one by one, as arrays [time, freq].

    Raises:
        ValueError: they are of no such form, or not of numbers.
        DataError: a data set file cannot be read.
    """
    if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "OU":  # what train_test_split makes of lists
        X = X.tolist()
    items: list[Any] = list(X) if isinstance(X, list | tuple) else [X]
    if items and all(isinstance(item, str | Path | DataSet) for item in items):
        return [_checked(item if isinstance(item, DataSet) else load(item)) for item in items], False
    if isinstance(X, list | tuple) and any(np.ndim(item) == 2 for item in items):
        return [_padded([_array(spectrogram, 2) for spectrogram in items])], True
    array = _array(X, 3)
    return [as_data_set(array if array.ndim == 3 else array[..., np.newaxis])], False


def _checked(data_set: DataSet) -> DataSet:
    if len(data_set.feature_shape) != 2:
        axes = ", ".join(data_set.feature_dims)
        raise ValueError(f"features have axes [{axes}], spectrograms [time, freq] were expected")
    return data_set


def _array(X: Any, most_axes: int) -> Floats:
    """Finite float32 numbers over 2 to `most_axes` axes, none of them empty.

    Raises:
        ValueError: they are not.
    """
    array: Floats = check_array(X, dtype=np.float32, allow_nd=True, input_name="X")
    if array.ndim > most_axes or 0 in array.shape:
        raise ValueError(f"X has shape {array.shape}; [instance, time, freq] or a list of [time, freq] was expected")
    return array


def _padded(spectrograms: list[Floats]) -> DataSet:
    """Spectrograms [time, freq] that may differ in time."""
    bands = sorted({spectrogram.shape[1] for spectrogram in spectrograms})
    if len(bands) > 1:
        raise ValueError(f"spectrograms of {bands[0]} and of {bands[-1]} bands found; make all with the same settings")
    lengths = np.array([len(spectrogram) for spectrogram in spectrograms])
    features = np.full((len(spectrograms), lengths.max(), bands[0]), SILENCE, np.float32)
    for padded, spectrogram in zip(features, spectrograms, strict=True):
        padded[: len(spectrogram)] = spectrogram
    data_set = as_data_set(features)
    if (lengths < lengths.max()).any():
        data_set.data[NUM_FRAMES.name].values[:] = lengths
    return data_set


def as_data_set(features: Floats) -> DataSet:
    """[instance, time, freq] with nothing known of the instances; each is a recording of its own."""
    data_set = empty(len(features), []).with_features(features, [TIME, FREQ])
    data_set.filenames[:] = [str(index) for index in range(len(features))]
    return data_set


def labelled(data_sets: Sequence[DataSet], labels: NDArray[Any], classes: NDArray[Any]) -> list[DataSet]:
    """The data sets with other labels, [instance] over all of them, each one of the sorted `classes`."""
    found = []
    for data_set, start in zip(data_sets, np.cumsum([0, *map(len, data_sets)]), strict=False):
        numbers = np.searchsorted(classes, labels[start : start + len(data_set)])
        columns = {
            LABEL_NOMINAL.name: (INSTANCE, np.array([str(each) for each in classes], dtype=object)[numbers]),
            LABEL_NUMERIC.name: (INSTANCE, numbers.astype(np.float64)),
        }
        label_map = {str(each): number for number, each in enumerate(classes)}
        found.append(DataSet(data_set.data.assign(columns), label_map))
    return found
