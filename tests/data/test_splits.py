# SPDX-License-Identifier: GPL-3.0-or-later
"""Random folds and partitions: recordings whole, classes balanced, sizes even."""

from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from audeep.data.data_set import DataSet, empty
from audeep.data.integrity import validate
from audeep.data.schema import Partition
from audeep.data.splits import add_cv_setup, add_partitioning, modify, remove_cv_setup, remove_partitioning
from audeep.data.upsample import upsample
from audeep.errors import DataError


def chunked(labels: list[int | None], chunks: int = 3) -> DataSet:
    """One recording of `chunks` chunks for each label, the chunks of all recordings interleaved."""
    known = sorted({label for label in labels if label is not None})
    data_set = empty(chunks * len(labels), [("generated", 1)], label_map={f"class {n}": n for n in known} or None)
    for row, instance in enumerate(data_set):
        label = labels[row % len(labels)]
        instance.filename, instance.chunk_nr = f"{row % len(labels):03d}.wav", row // len(labels)
        if label is not None:
            instance.label_nominal, instance.label_numeric = f"class {label}", label
    data_set.data["features"][:] = np.arange(len(data_set), dtype=np.float32)[:, None]
    return data_set


def held_out(data_set: DataSet) -> dict[str, int]:
    """The fold that validates each recording; fails where chunks differ or a recording is validated more than once."""
    folds: dict[str, int] = {}
    for instance in data_set:
        (fold,) = np.flatnonzero(instance.cv_folds)
        assert folds.setdefault(instance.filename, int(fold)) == fold
    return folds


def spread(numbers: list[int], size: int) -> int:
    counts = np.bincount(numbers, minlength=size)
    return int(counts.max() - counts.min())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("num_folds", [2, 5, 7])
def test_folds_are_even_in_all_and_in_each_class_and_keep_recordings_whole(num_folds, seed):
    labels = np.random.default_rng(seed).choice(4, 83, p=[0.5, 0.25, 0.15, 0.1]).tolist()
    data_set = add_cv_setup(chunked(labels), num_folds, seed)
    assert data_set.num_folds == num_folds and data_set.has_cv_info
    folds = held_out(data_set)
    assert spread(list(folds.values()), num_folds) <= 1
    for label in set(labels):
        assert spread([folds[f"{row:03d}.wav"] for row, other in enumerate(labels) if other == label], num_folds) <= 1
    assert not any(constraint.violations for constraint in validate(data_set))


@pytest.mark.parametrize("names", [["TRAIN"], ["DEVEL", "TRAIN"], ["TRAIN", "DEVEL", "TEST"]])
def test_partitions_are_even_in_all_and_in_each_class_and_keep_recordings_whole(names):
    labels = [0] * 20 + [1] * 11 + [2] * 6
    partitions = [Partition[name] for name in names]
    data_set = add_partitioning(chunked(labels), partitions, seed=3)
    drawn: dict[str, Partition] = {}
    for instance in data_set:
        assert drawn.setdefault(instance.filename, instance.partition) == instance.partition
    assert set(drawn.values()) == set(partitions)
    for wanted in (set(labels), {0}, {1}, {2}):
        counts = Counter(drawn[f"{row:03d}.wav"] for row, label in enumerate(labels) if label in wanted)
        assert max(counts.values()) - min(counts[partition] for partition in partitions) <= 1


def test_folds_are_even_within_each_partition():
    data_set = add_partitioning(chunked([0, 1] * 15), [Partition.TRAIN, Partition.TEST], seed=1)
    folds = held_out(add_cv_setup(data_set, 5))
    for partition in (Partition.TRAIN, Partition.TEST):
        names = set(data_set.partitions([partition]).filenames)
        assert len(names) == 15 and spread([folds[name] for name in names], 5) == 0


def test_unlabelled_data_can_be_split():
    data_set = chunked([None] * 10)
    assert spread(list(held_out(add_cv_setup(data_set, 5)).values()), 5) == 0
    assert np.bincount(add_partitioning(data_set, list(Partition)).partition.astype(int)).tolist() == [12, 9, 9]


def test_copies_that_upsampling_made_stay_with_their_original():
    data_set = upsample(chunked([0] * 12 + [1] * 3))
    folds = held_out(add_cv_setup(data_set, 3))
    assert any(".upsampled." in name for name in folds)
    assert all(folds[name] == folds[name.partition(".upsampled.")[0]] for name in folds)


def test_the_seed_decides():
    data_set = chunked([0, 1] * 20)
    first, again, other = (held_out(add_cv_setup(data_set, 4, seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_modify_draws_removes_or_leaves():
    data_set = chunked([0, 1] * 6)
    both = modify(data_set, 3, [Partition.TRAIN, Partition.TEST], seed=2)
    drawn = add_cv_setup(add_partitioning(data_set, [Partition.TRAIN, Partition.TEST], seed=2), 3, seed=2)
    np.testing.assert_array_equal(both.cv_folds, drawn.cv_folds)
    np.testing.assert_array_equal(both.partition, drawn.partition)
    assert modify(both, 0).num_folds == 0 and modify(both, 0).has_partition_info
    assert modify(both, partitions=[]).num_folds == 3 and not modify(both, partitions=[]).has_partition_info


def test_old_folds_and_partitions_are_replaced_or_removed_and_nothing_else_changes():
    data_set = add_partitioning(add_cv_setup(chunked([0, 1] * 4), 4), list(Partition))
    assert add_cv_setup(data_set, 2).num_folds == 2
    assert set(add_partitioning(data_set, [Partition.TEST]).partition) == {Partition.TEST}
    plain = remove_partitioning(remove_cv_setup(data_set))
    assert not plain.has_cv_info and not plain.has_partition_info and plain.num_folds == 0
    np.testing.assert_array_equal(plain.features, data_set.features)
    for name in ("filename", "chunk_nr", "label_nominal", "label_numeric"):
        np.testing.assert_array_equal(plain.metadata[name], data_set.metadata[name])
    assert plain.label_map == data_set.label_map
    assert data_set.num_folds == 4 and data_set.has_partition_info


def test_more_folds_than_recordings_are_refused_and_rare_classes_are_named(caplog):
    with pytest.raises(DataError, match="3 recordings cannot be spread over 4 folds; ask for fewer"):
        add_cv_setup(chunked([0, 0, 0]), 4)
    with pytest.raises(DataError, match="2 recordings cannot be spread over 3 partitions"):
        add_partitioning(chunked([0, 0]), list(Partition))
    add_cv_setup(chunked([0] * 8 + [1] * 2), 4)
    assert "1 classes (class 1) have fewer recordings than the 4 folds" in caplog.text


@pytest.mark.parametrize("labels", [[None] * 40, [0, 1] * 20])
def test_values_are_spread_evenly_and_the_seed_decides_how(labels: list[int | None]) -> None:
    data_set = chunked(labels)
    values = np.random.default_rng(0).exponential(size=40)
    data_set.label_values[:] = np.tile(values, 3)
    drawn = [held_out(add_cv_setup(data_set, 4, seed)) for seed in range(20)]
    assert len({tuple(folds.values()) for folds in drawn}) == 20
    deviations = []
    for folds in drawn:
        fold_of = np.array([folds[f"{row:03d}.wav"] for row in range(40)])
        assert Counter(fold_of) == dict.fromkeys(range(4), 10)
        deviations += [abs(values[fold_of == fold].mean() - values.mean()) for fold in range(4)]
        if labels[0] is None:  # each of four neighbours goes to a fold of its own
            ranked = fold_of[np.argsort(values)].reshape(10, 4)
            assert (np.sort(ranked, axis=1) == range(4)).all()
    assert np.mean(deviations) < 0.5 * values.std() / np.sqrt(10)


def test_values_are_copied_with_instances_that_are_repeated() -> None:
    data_set = chunked([0, 0, 1], chunks=1)
    data_set.label_values[:] = [0.5, 1.5, 2.5]
    assert upsample(data_set).label_values.tolist() == [0.5, 1.5, 2.5, 2.5]


# verified recordings, several labels, groups


def test_verified_recordings_of_a_class_are_even_over_folds_and_so_are_others(golden: Path) -> None:
    with np.load(golden / "tagging" / "a_selfverify.npz") as file:
        labels, verified = file["y"].astype(int), file["verified"].astype(float)
    data_set = chunked(labels.tolist(), chunks=1)
    data_set.verified[:] = verified
    folds = np.argmax(add_cv_setup(data_set, 4, seed=3).cv_folds, axis=1)
    for label, flag in product(np.unique(labels), (0, 1)):
        assert spread(folds[(labels == label) & (verified == flag)].tolist(), 4) <= 1
    for label in np.unique(labels):
        assert spread(folds[labels == label].tolist(), 4) <= 1
    assert spread(folds.tolist(), 4) <= 1


def tagged(num_recordings: int, chunks: int = 2) -> DataSet:
    """Recordings with any of six labels, a third of them verified."""
    names = list("abcdef")
    generator = np.random.default_rng(1)
    sets = generator.random((num_recordings, 6)) < [0.5, 0.3, 0.2, 0.1, 0.1, 0.05]
    data_set = empty(num_recordings * chunks, [("generated", 1)], label_names=names)
    for row, instance in enumerate(data_set):
        recording = row // chunks
        instance.filename, instance.chunk_nr = f"{recording:03d}.wav", row % chunks
        instance.labels = [name for name, has in zip(names, sets[recording], strict=True) if has]
        instance.verified = recording % 3 == 0
    return data_set


@pytest.mark.slow
def test_several_labels_are_even_over_folds_for_verified_recordings_and_others() -> None:
    data_set = add_cv_setup(tagged(200), 4, seed=1)
    assert data_set.has_cv_info and set(held_out(data_set).values()) == {0, 1, 2, 3}
    assert not any(constraint.violations for constraint in validate(data_set))
    sets, folds = data_set.label_sets, np.argmax(data_set.cv_folds, axis=1)
    for flag, label in product((0, 1), range(6)):
        chosen = sets[:, label] & (data_set.verified == flag)
        counts = np.bincount(folds[chosen], minlength=4) / 2  # of recordings
        assert np.ptp(counts) <= 2
    assert np.ptp(np.bincount(folds)) <= 2 * 6
    np.testing.assert_array_equal(add_cv_setup(tagged(200), 4, seed=1).cv_folds, data_set.cv_folds)
    assert (add_cv_setup(tagged(200), 4, seed=2).cv_folds != data_set.cv_folds).any()


def test_a_group_is_in_one_fold_and_in_one_partition_and_classes_are_even_all_the_same() -> None:
    """Twelve speakers with five recordings of each of two classes, and ten recordings of nobody."""
    data_set = chunked([0, 1] * 65, chunks=2)
    numbers = np.array([int(name[:3]) for name in data_set.filenames])
    data_set.groups[:] = [f"speaker {number % 12}" if number < 120 else None for number in numbers]
    for made, column in (
        (add_cv_setup(data_set, 4, seed=5), lambda made: np.argmax(made.cv_folds, axis=1)),
        (add_partitioning(data_set, list(Partition), seed=5), lambda made: made.partition),
    ):
        places = column(made)
        for group in {group for group in made.groups if group is not None}:
            assert len(set(places[made.groups == group])) == 1
        for label in (0, 1):
            counts = np.unique(places[made.labels_numeric == label], return_counts=True)[1] / 2
            assert counts.max() - counts.min() <= 10
        sizes = np.unique(places, return_counts=True)[1] / 2
        assert sizes.max() - sizes.min() <= 10
        assert not any(constraint.violations for constraint in validate(made))


def test_groups_of_recordings_with_several_labels_stay_together_too() -> None:
    data_set = tagged(120)
    data_set.groups[:] = [f"speaker {int(name[:3]) % 10}" for name in data_set.filenames]
    folds = np.argmax(add_cv_setup(data_set, 5, seed=1).cv_folds, axis=1)
    assert all(len(set(folds[data_set.groups == group])) == 1 for group in set(data_set.groups))
    assert np.bincount(folds).min() >= 24 and np.bincount(folds).max() <= 72
    for label in range(3):
        assert np.bincount(folds[data_set.label_sets[:, label]], minlength=5).min() > 0


def test_too_few_groups_are_refused_and_classes_of_few_groups_are_named(caplog) -> None:
    data_set = chunked([0, 1] * 10, chunks=1)
    data_set.groups[:] = [f"speaker {index // 5}" for index in range(20)]
    with pytest.raises(DataError, match="^4 groups cannot be spread over 5 folds; ask for fewer$"):
        add_cv_setup(data_set, 5)
    data_set.labels_numeric[5:] = 0
    add_cv_setup(data_set, 2)
    assert "1 classes (class 1) have fewer groups than the 2 folds" in caplog.text
