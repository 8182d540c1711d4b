# SPDX-License-Identifier: GPL-3.0-or-later
"""Small spectrograms to train on."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from audeep.data.data_set import DataSet, empty
from audeep.runtime.constants import SILENCE


@pytest.fixture
def make_spectrograms() -> Callable[..., DataSet]:
    """Gives data sets of sine sweeps [time, freq] between -1 and 1, labelled, with folds and partitions.

    With `lengths`, instances have so many frames in turn, and are padded.
    """

    def make(
        count: int = 10, steps: int = 6, bands: int = 4, seed: int = 0, lengths: Sequence[int] | None = None
    ) -> DataSet:
        generator = np.random.default_rng(seed)
        data_set = empty(count, [("time", steps), ("freq", bands)], num_folds=2, label_map={"rise": 0, "fall": 1})
        time, band = np.meshgrid(np.arange(steps), np.arange(bands), indexing="ij")
        for index in range(count):
            instance, label = data_set[index], index % 2
            phase = generator.uniform(0, 2 * np.pi)
            instance.filename, instance.chunk_nr = f"{seed}-{index // 2}.wav", index % 2
            instance.label_nominal, instance.label_numeric = ("rise", "fall")[label], label
            instance.cv_folds, instance.partition = [label, 1 - label], index % 3
            instance.features = np.sin(time * (0.8 if label else -0.8) + band + phase)
            if lengths is not None:
                instance.num_frames = lengths[index % len(lengths)]
                data_set.features[index, instance.num_frames :] = SILENCE
        return data_set

    return make
