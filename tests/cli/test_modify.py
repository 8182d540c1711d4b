# SPDX-License-Identifier: GPL-3.0-or-later
"""modify, from its command line to its output."""

import numpy as np
import pytest

from audeep import load


def test_folds_and_partitions_are_added_together(audeep, spectrograms, tmp_path):
    output = tmp_path / "modified.nc"
    result = audeep(f"modify --input {spectrograms} --output {output} --add-cv-setup 4 --add-partitioning train test")
    assert result.status == 0 and "24 instances written, 4 folds, with partitions" in result.err
    data_set, before = load(output), load(spectrograms)
    np.testing.assert_array_equal(data_set.features, before.features)
    np.testing.assert_array_equal(data_set.cv_folds.sum(axis=0), [6, 6, 6, 6])
    assert np.bincount(data_set.partition.astype(int)).tolist() == [12, 0, 12]
    assert audeep(f"validate --input {output}").status == 0


def test_both_can_be_removed(audeep, spectrograms, tmp_path):
    for old, new, options in (
        (spectrograms, tmp_path / "1.nc", "--add-partitioning DEVEL"),
        (tmp_path / "1.nc", tmp_path / "2.nc", "--remove-cv-setup"),
        (tmp_path / "2.nc", tmp_path / "3.nc", "--remove-partitioning"),
    ):
        assert audeep(f"modify --input {old} --output {new} {options}").status == 0
    one, two, three = (load(tmp_path / f"{number}.nc") for number in (1, 2, 3))
    assert [data_set.num_folds for data_set in (one, two, three)] == [3, 0, 0]
    assert [data_set.has_partition_info for data_set in (one, two, three)] == [True, True, False]


def test_the_same_seed_gives_the_same_bytes(audeep, spectrograms, tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        audeep(f"modify --input {spectrograms} --output {tmp_path}/{name}.nc --add-cv-setup 3 --seed {seed}")
    a, b, c = ((tmp_path / f"{name}.nc").read_bytes() for name in "abc")
    assert a == b != c


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "there is nothing to modify; give --add-cv-setup, "),
        ("--add-cv-setup 3 --remove-cv-setup", "argument --remove-cv-setup: not allowed with argument --add-cv-setup"),
        (
            "--add-partitioning TEST --remove-partitioning",
            "--remove-partitioning: not allowed with argument --add",
        ),
        ("--add-partitioning TEST TEST", "--add-partitioning TEST TEST: names a partition twice"),
        ("--add-cv-setup 1", "argument --add-cv-setup: '1' found, expected an integer >= 2"),
        ("--add-partitioning LEARN", "'LEARN' found, expected one of TRAIN, DEVEL, TEST"),
        ("--add-cv-setup 25", "24 recordings cannot be spread over 25 folds"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(audeep, spectrograms, tmp_path, options, message):
    result = audeep(f"modify --input {spectrograms} --output {tmp_path}/out.nc {options}")
    assert result.status == 1 and message in result.err and result.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
