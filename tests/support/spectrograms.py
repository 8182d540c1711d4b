# SPDX-License-Identifier: GPL-3.0-or-later
"""Small spectrograms to train on."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from audeep.data.data_set import DataSet, empty
from audeep.models.registry import MODELS
from audeep.runtime.constants import SILENCE
from audeep.runtime.registry import Entry
from tests.support.toy_kinds import ToyTagger


@pytest.fixture
def toy_tagger(monkeypatch: pytest.MonkeyPatch) -> type[ToyTagger]:
    """A small kind of model that learns from labels, known as "toy-tagger"."""
    entry = Entry("toy-tagger", "tests.support.toy_kinds:ToyTagger", "tagger", "a toy")
    monkeypatch.setattr(MODELS, "built_in", {**MODELS.built_in, entry.name: entry})
    return ToyTagger


@pytest.fixture
def make_label_sets(make_spectrograms: Callable[..., DataSet]) -> Callable[..., DataSet]:
    """Gives the data sets of `make_spectrograms` with several labels a recording: its sweep, and perhaps "even"."""

    def make(count: int = 12, **given: object) -> DataSet:
        data_set = make_spectrograms(count, **given)
        names = ["rise", "fall", "even"]
        sets = np.zeros((count, 3))
        for row in range(count):
            sets[row, row % 2], sets[row, 2] = 1, row % 4 < 2
        data = data_set.data.drop_vars(["labels", "label_nominal", "label_numeric"], errors="ignore")
        data = data.assign(
            labels=(("instance", "label"), sets),
            label_nominal=("instance", np.full(count, None, object)),
            label_numeric=("instance", np.full(count, np.nan)),
        ).assign_coords(label=np.array(names, object))
        return DataSet(data, {name: number for number, name in enumerate(names)})

    return make


@pytest.fixture
def make_spectrograms() -> Callable[..., DataSet]:
    """Gives what `sweeps` does."""
    return sweeps


def sweeps(
    count: int = 10, steps: int = 6, bands: int = 4, seed: int = 0, lengths: Sequence[int] | None = None
) -> DataSet:
    """Data sets of sine sweeps [time, freq] between -1 and 1, labelled, with folds and partitions.

    With `lengths`, instances have so many frames in turn, and are padded.
    """
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
