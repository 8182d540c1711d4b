# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes balanced by repeating instances."""

import numpy as np
import pytest

from audeep.cli.app import main
from audeep.data.data_set import DataSet, empty, load
from audeep.data.integrity import validate
from audeep.data.schema import Partition
from audeep.data.upsample import repetitions, upsample
from audeep.errors import DataError


def test_instances_of_rare_classes_come_more_often() -> None:
    labels = np.array([7, 2, 7, 7, 2, 7, 5, 7])  # five of class 7, two of class 2, one of class 5
    assert repetitions(labels).tolist() == [1, 2, 1, 1, 2, 1, 5, 1]


def test_balanced_classes_stay_as_they_are() -> None:
    assert repetitions(np.array([1, 0, 0, 1])).tolist() == [1, 1, 1, 1]


def test_no_class_ends_up_larger_than_the_largest_or_smaller_than_half_of_it() -> None:
    labels = np.random.default_rng(0).choice(6, 500, p=[0.4, 0.3, 0.15, 0.1, 0.04, 0.01])
    counts = np.bincount(np.repeat(labels, repetitions(labels)))
    assert counts.max() == np.bincount(labels).max()
    assert counts.min() > counts.max() / 2


@pytest.fixture
def data_set() -> DataSet:
    """Five files of a common and two of a rare class; the last of each is in DEVEL."""
    data_set = empty(7, [("generated", 1)], 2, {"common": 0, "rare": 1})
    data_set.filenames[:] = [f"{number}.wav" for number in range(7)]
    data_set.labels_nominal[:] = ["common"] * 5 + ["rare"] * 2
    data_set.labels_numeric[:] = [0] * 5 + [1] * 2
    data_set.partition[:] = [0, 0, 0, 0, 1, 0, 1]
    data_set.cv_folds[:] = [[0, 1]] * 7
    data_set.data["features"][:] = np.arange(7, dtype=np.float32)[:, None]
    return data_set


def test_copies_are_numbered_and_have_the_features_and_metadata_of_the_original(data_set: DataSet) -> None:
    balanced = upsample(data_set)
    assert balanced.filenames.tolist() == [
        *("0.wav", "1.wav", "2.wav", "3.wav", "4.wav"),
        *("5.wav", "5.wav.upsampled.1", "6.wav", "6.wav.upsampled.1"),
    ]
    assert balanced.features[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 5, 6, 6]
    assert balanced.partition.tolist() == [0, 0, 0, 0, 1, 0, 0, 1, 1]
    assert not any(constraint.violations for constraint in validate(balanced))
    assert data_set.filenames[5] == "5.wav" and len(data_set) == 7


def test_partitions_that_are_not_named_stay_as_they_are(data_set: DataSet) -> None:
    balanced = upsample(data_set, [Partition.TRAIN])
    copies = [f"5.wav.upsampled.{copy}" for copy in (1, 2, 3)]
    assert balanced.filenames.tolist() == ["0.wav", "1.wav", "2.wav", "3.wav", "4.wav", "5.wav", *copies, "6.wav"]


def test_instances_without_label_or_partition_are_refused(data_set: DataSet) -> None:
    with pytest.raises(DataError, match="no instance in these partitions"):
        upsample(data_set, [Partition.TEST])
    data_set.labels_numeric[4] = np.nan
    with pytest.raises(DataError, match="1 of 7 instances to balance have no label"):
        upsample(data_set)
    assert len(upsample(data_set, [Partition.TRAIN])) == 10


def test_the_command_writes_the_balanced_data_set(data_set: DataSet, tmp_path) -> None:
    data_set.save(tmp_path / "in.nc")
    command = ["-q", "upsample", "--input", str(tmp_path / "in.nc"), "--output", str(tmp_path / "out.nc")]
    assert main([*command, "--partitions", "train"]) == 0
    assert len(load(tmp_path / "out.nc")) == 10
    assert main(command) == 0
    assert len(load(tmp_path / "out.nc")) == 9
