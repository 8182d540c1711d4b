# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches: each instance once per epoch, from memory or from the file."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from audeep.data.data_set import DataSet, empty, load
from audeep.errors import DataError, ShapeError
from audeep.models.base import Batch
from audeep.training.augmentation import cropped
from audeep.training.batches import Batches

CPU = torch.device("cpu")


def numbered(count: int, first: int = 0, shape: tuple[int, int] = (3, 2)) -> DataSet:
    """Instances that are filled with their numbers."""
    data_set = empty(count, [("time", shape[0]), ("freq", shape[1])])
    data_set.features[:] = np.arange(first, first + count)[:, None, None]
    data_set.filenames[:] = [f"{number}.wav" for number in range(first, first + count)]
    return data_set


def seen(batches: Batches, seed: int = 0) -> list[list[int]]:
    """Numbers of the instances in each batch of an epoch."""
    epoch = list(batches.epoch(np.random.default_rng(seed)))
    for spectrograms, lengths, targets in epoch:
        assert lengths is None and targets is None
        assert spectrograms.dtype == torch.float32 and spectrograms.shape[1:] == batches.shape
        assert (spectrograms == spectrograms[:, :1, :1]).all()
    return [batch.frames[:, 0, 0].int().tolist() for batch in epoch]


@pytest.mark.parametrize("memory_bytes", [0, 10**6])
def test_an_epoch_has_each_instance_of_all_data_sets_once(memory_bytes: int) -> None:
    batches = Batches([numbered(5), numbered(1, 5), numbered(8, 6)], 4, CPU, memory_bytes)
    epoch = seen(batches)
    assert [len(batch) for batch in epoch] == [4, 4, 4, 2]  # the last batch is smaller
    assert sorted(sum(epoch, [])) == list(range(14))
    assert (batches.num_instances, batches.per_epoch) == (14, 4)


@pytest.mark.parametrize("batch_size, sizes", [(1, [1] * 6), (3, [3, 3]), (6, [6]), (50, [6])])
def test_batch_size_is_kept_where_instances_last(batch_size: int, sizes: list[int]) -> None:
    batches = Batches([numbered(6)], batch_size, CPU)
    assert [len(batch) for batch in seen(batches)] == sizes
    assert batches.per_epoch == len(sizes)


def test_order_is_random_and_follows_from_the_generator() -> None:
    batches = Batches([numbered(30)], 10, CPU)
    assert seen(batches, 1) == seen(batches, 1)
    assert seen(batches, 1) != seen(batches, 2)
    assert seen(batches, 1)[0] != sorted(seen(batches, 1)[0])


def test_batches_are_the_same_from_memory_and_from_files(tmp_path: Path, make_spectrograms: Callable) -> None:
    paths = [tmp_path / "a.nc", tmp_path / "b.nc"]
    for seed, path in enumerate(paths):
        make_spectrograms(7 + seed, seed=seed).save(path)
    in_memory = Batches([load(path) for path in paths], 4, CPU)
    from_files = Batches([load(path) for path in paths], 4, CPU, memory_bytes=0)
    assert in_memory.memory is not None and from_files.memory is None
    for one, other in zip(
        in_memory.epoch(np.random.default_rng(3)), from_files.epoch(np.random.default_rng(3)), strict=True
    ):
        assert torch.equal(one.frames, other.frames)


def test_features_are_kept_in_memory_up_to_the_limit() -> None:
    size = 5 * 3 * 2 * 4
    assert Batches([numbered(5)], 4, CPU, memory_bytes=size).memory is not None
    assert Batches([numbered(5)], 4, CPU, memory_bytes=size - 1).memory is None


def test_inputs_of_different_shapes_are_refused() -> None:
    message = "input 3 has spectrograms of shape 3 x 4, the first 3 x 2; preprocess all inputs with the same settings"
    with pytest.raises(ShapeError, match=message):
        Batches([numbered(2), numbered(2), numbered(2, shape=(3, 4))], 4, CPU)


def test_feature_vectors_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"features have axes \['generated'\], spectrograms \[time, freq\] are needed"):
        Batches([empty(3, [("generated", 5)])], 4, CPU)


def test_no_instances_are_refused() -> None:
    with pytest.raises(DataError, match="there are no instances to train on; check the input with 'audeep inspect"):
        Batches([numbered(0), numbered(0)], 4, CPU)


def test_a_batch_is_read_while_the_one_before_is_worked_on(make_spectrograms: Callable) -> None:
    batches = Batches([make_spectrograms(6)], 2, torch.device("cpu"), memory_bytes=0)
    taken, take = [], batches.take
    batches.take = lambda indices: (taken.append(len(indices)), take(indices))[1]
    epoch = batches.epoch(np.random.default_rng(0))
    next(epoch)
    deadline = time.monotonic() + 10
    while len(taken) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(taken) == 2
    assert len(list(epoch)) == 2 and len(taken) == 3


def test_features_that_cannot_be_read_stop_the_epoch(make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(6)
    data_set.data["features"][3, 0, 0] = np.nan
    with pytest.raises(DataError, match="NaN or infinite"):
        list(Batches([data_set], 2, torch.device("cpu"), memory_bytes=0).epoch(np.random.default_rng(0)))


# spectrograms of different lengths


def unequal(lengths: list[int], steps: int, first: int = 0) -> DataSet:
    """Instances that are filled with their numbers, and padded."""
    data_set = numbered(len(lengths), first, (steps, 2))
    for instance, length in zip(data_set, lengths, strict=True):
        instance.num_frames = length
        instance.features = np.where(np.arange(steps)[:, None] < length, instance.features, -1)
    return data_set


@pytest.mark.parametrize("memory_bytes", [0, 10**6])
def test_batches_of_similar_lengths_are_cut_to_the_longest(memory_bytes):
    generator = np.random.default_rng(5)
    lengths = generator.integers(1, 50, 60).tolist()
    batches = Batches([unequal(lengths[:40], 60), unequal(lengths[40:], 50, 40)], 6, CPU, memory_bytes)
    assert batches.shape == (60, 2)
    epoch = list(batches.epoch(np.random.default_rng(1)))
    found = []
    for spectrograms, given, _ in epoch:
        assert spectrograms.shape[1] == given.max()
        for spectrogram, length in zip(spectrograms, given, strict=True):
            assert (spectrogram[:length] == spectrogram[0, 0]).all() and (spectrogram[length:] == -1).all()
            found.append((int(spectrogram[0, 0]), int(length)))
    assert sorted(found) == list(enumerate(lengths)) and found != sorted(found)
    padded = sum(given.max() * len(given) - given.sum() for _, given, _ in epoch)
    assert padded < 0.1 * sum(lengths)  # by chance it would be 0.7
    longest = [int(given.max()) for _, given, _ in epoch]
    assert longest != sorted(longest) and longest != sorted(longest, reverse=True)


def test_inputs_may_differ_in_length_only_where_lengths_are_told():
    assert Batches([numbered(2, shape=(9, 2)), unequal([3, 7], 8)], 4, CPU).lengths.tolist() == [9, 9, 3, 7]
    with pytest.raises(ShapeError, match="input 2 has spectrograms of shape 8 x 2, the first 9 x 2"):
        Batches([numbered(2, shape=(9, 2)), unequal([8, 8], 8)], 4, CPU)


@pytest.mark.parametrize("lengths", [None, [9, 3, 5, 4]])
def test_a_crop_is_a_random_stretch_of_each_spectrogram(lengths):
    torch.manual_seed(0)
    spectrograms = torch.arange(9.0).view(1, 9, 1).expand(4, 9, 2) + torch.arange(4.0).view(4, 1, 1) * 100
    given = None if lengths is None else torch.tensor(lengths)
    starts = [set() for _ in range(4)]
    for _ in range(60):
        found, kept, _ = cropped(Batch(spectrograms, given), 4)
        assert found.shape == (4, 4, 2)
        assert kept is None if lengths is None else kept.tolist() == [4, 3, 4, 4]
        for index, each in enumerate(found):
            start = int(each[0, 0]) - 100 * index
            assert torch.equal(each, spectrograms[index, start : start + 4])
            starts[index].add(start)
    assert starts == ([set(range(6))] * 4 if lengths is None else [set(range(6)), {0}, {0, 1}, {0}])


def test_spectrograms_shorter_than_a_crop_stay_whole():
    batch = Batch(torch.zeros(2, 3, 4), torch.tensor([3, 2]))
    assert cropped(batch, 5) is batch
