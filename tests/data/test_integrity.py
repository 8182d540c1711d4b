# SPDX-License-Identifier: GPL-3.0-or-later
"""The constraints: what breaks each of them, and what does not."""

from pathlib import Path

import numpy as np
import pytest

from audeep.data.data_set import DataSet, empty, load
from audeep.data.integrity import validate
from audeep.data.schema import Partition, Split

LABEL_MAP = {"dog": 0, "cat": 1}


def sound(label_map: dict[str, int] | None = LABEL_MAP) -> DataSet:
    """Two chunks of each of four recordings: a dog, b cat, c dog, d cat."""
    data_set = empty(8, [("generated", 2)], num_folds=2, label_map=label_map)
    for row, instance in enumerate(data_set):
        recording = row // 2
        instance.filename, instance.chunk_nr = f"{'abcd'[recording]}.wav", row % 2
        instance.label_nominal, instance.label_numeric = (("dog", 0), ("cat", 1))[recording % 2]
        instance.cv_folds = [Split(recording % 2), Split.TRAIN]
        instance.partition = Partition.TRAIN if recording < 2 else Partition.TEST
    return data_set


def found(data_set: DataSet) -> dict[int, list[str]]:
    """Violations by the number of the constraint, those that hold left out."""
    return {constraint.number: constraint.violations for constraint in validate(data_set) if constraint.violations}


def test_constraints_come_in_the_order_of_the_manual_with_a_text_each() -> None:
    constraints = validate(sound())
    assert [constraint.number for constraint in constraints] == [1, 2, 3, 4, 5, 6, 7]
    assert [constraint.text for constraint in constraints] == [
        "same nominal label in all chunks of a file",
        "same numeric label in all chunks of a file",
        "same cross-validation splits in all chunks of a file",
        "same partition in all chunks of a file",
        "labels as in the label map",
        "same number of chunks in all files",
        "chunk numbers 0, 1, ... once each in all files",
    ]


@pytest.mark.parametrize("rows", [range(8), [7, 0, 3, 5, 1, 6, 2, 4], []])
def test_a_sound_data_set_violates_nothing_in_any_order(rows: list[int]) -> None:
    assert found(sound()[list(rows)]) == {}


def test_missing_values_violate_nothing_if_they_are_missing_throughout(tmp_path: Path) -> None:
    data_set = empty(4, [("generated", 2)], num_folds=3)
    data_set.filenames[:] = ["a", "a", "b", "b"]
    data_set.chunk_nrs[:] = [0, 1, 0, 1]
    assert found(data_set) == {}
    assert found(DataSet(data_set.data, LABEL_MAP)) == {}
    data_set.save(tmp_path / "missing.nc")
    assert found(load(tmp_path / "missing.nc")) == {}


def test_1_nominal_labels_differ_within_files() -> None:
    data_set = sound(label_map=None)
    data_set[1].label_nominal = "cat"
    data_set[4].label_nominal = None
    assert found(data_set) == {
        1: ["a.wav: label_nominal is 'dog' and 'cat'", "c.wav: label_nominal is missing and 'dog'"]
    }


def test_2_numeric_labels_differ_within_files() -> None:
    data_set = sound(label_map=None)
    data_set[3].label_numeric = None
    data_set[6].label_numeric = 5
    assert found(data_set) == {2: ["b.wav: label_numeric is 1 and missing", "d.wav: label_numeric is 5 and 1"]}


def test_3_folds_differ_within_files() -> None:
    data_set = sound()
    data_set[1].cv_folds = [Split.TRAIN, Split.VALID]
    data_set[2].cv_folds = [Split.VALID, None]
    assert found(data_set) == {
        3: [
            "a.wav: cv_folds is [TRAIN, TRAIN] and [TRAIN, VALID]",
            "b.wav: cv_folds is [VALID, missing] and [VALID, TRAIN]",
        ]
    }


def test_4_partitions_differ_within_files() -> None:
    data_set = sound()
    data_set[0].partition = Partition.DEVEL
    data_set[7].partition = None
    assert found(data_set) == {4: ["a.wav: partition is DEVEL and TRAIN", "d.wav: partition is TEST and missing"]}


def test_5_labels_are_not_pairs_of_the_label_map_counted_by_instance() -> None:
    data_set = sound()
    for row in (0, 1):
        data_set[row].label_nominal = "cow"
    for row in (2, 3):
        data_set[row].label_numeric = 0
    for row in (4, 5):
        data_set[row].label_nominal = None
    for row in (6, 7):
        data_set[row].label_numeric = None
    assert found(data_set) == {
        5: [
            "a.wav, chunk 0: label 'cow' has number 0, no such label in the map",
            "a.wav, chunk 1: label 'cow' has number 0, no such label in the map",
            "b.wav, chunk 0: label 'cat' has number 0, the map says 1",
            "b.wav, chunk 1: label 'cat' has number 0, the map says 1",
            "c.wav, chunk 0: label missing has number 0, no such label in the map",
            "c.wav, chunk 1: label missing has number 0, no such label in the map",
            "d.wav, chunk 0: label 'cat' has number missing, the map says 1",
            "d.wav, chunk 1: label 'cat' has number missing, the map says 1",
        ]
    }
    assert found(DataSet(data_set.data)) == {}


def test_5_recordings_without_any_label_are_let_pass_among_labelled_ones(tmp_path: Path) -> None:
    data_set = sound()
    for row in (2, 3):
        data_set[row].label_nominal = data_set[row].label_numeric = None
    assert found(data_set) == {}
    data_set.save(tmp_path / "partly.nc")
    assert found(load(tmp_path / "partly.nc")) == {}


def test_6_numbers_of_chunks_differ_from_the_usual_one() -> None:
    assert found(sound()[[0, 1, 2, 4, 5, 6, 7]]) == {6: ["b.wav: 1 chunks, most files have 2"]}
    longer = sound()
    for row in (2, 3):
        longer[row].filename, longer[row].chunk_nr = "a.wav", row
        longer[row].label_nominal, longer[row].label_numeric = "dog", 0
        longer[row].cv_folds = [Split.TRAIN, Split.TRAIN]
    assert found(longer) == {6: ["a.wav: 4 chunks, most files have 2"]}


def test_6_of_two_equally_frequent_numbers_of_chunks_the_larger_is_the_usual_one() -> None:
    assert found(sound()[[0, 2, 3, 4, 5, 6]]) == {
        6: ["a.wav: 1 chunks, most files have 2", "d.wav: 1 chunks, most files have 2"]
    }


def test_7_chunk_numbers_are_doubled_or_do_not_begin_at_0() -> None:
    data_set = sound()
    data_set[1].chunk_nr = 0
    data_set[4].chunk_nr = 2
    assert found(data_set) == {
        7: ["a.wav: chunk numbers [0, 0], expected [0, 1]", "c.wav: chunk numbers [1, 2], expected [0, 1]"]
    }


def test_all_constraints_can_be_violated_at_once() -> None:
    data_set = sound()[[0, 1, 2, 4, 5, 6, 7]]
    data_set[0].label_nominal, data_set[0].label_numeric, data_set[0].chunk_nr = "cow", 3, 7
    data_set[0].cv_folds, data_set[0].partition = [None, None], None
    assert {number: len(violations) for number, violations in found(data_set).items()} == dict.fromkeys(range(1, 8), 1)


@pytest.mark.slow
def test_a_hundred_thousand_instances_are_loaded_split_and_validated(tmp_path: Path) -> None:
    rows = np.arange(100_000)
    recordings = rows // 4
    data_set = empty(len(rows), [("generated", 3)], num_folds=10, label_map={f"class {n}": n for n in range(50)})
    data_set.filenames[:] = [f"{recording}.wav" for recording in recordings]
    data_set.chunk_nrs[:] = rows % 4
    data_set.labels_nominal[:] = [f"class {recording % 50}" for recording in recordings]
    data_set.labels_numeric[:] = recordings % 50
    data_set.cv_folds[:] = recordings[:, None] % 10 == np.arange(10)
    data_set.partition[:] = recordings % 3
    data_set.with_features(np.repeat(rows[:, None], 3, axis=1).astype(np.float32), ["generated"]).save(
        tmp_path / "a.nc"
    )

    loaded = load(tmp_path / "a.nc")
    assert found(loaded) == {}
    assert [len(loaded.split(fold, Split.VALID)) for fold in range(10)] == [10_000] * 10
    np.testing.assert_array_equal(loaded.split(3, Split.VALID).features[:, 0], rows[recordings % 10 == 3])
    np.testing.assert_array_equal(loaded.partitions([Partition.TEST]).features[:, 2], rows[recordings % 3 == 2])
    loaded[77_777].partition = Partition.TEST if loaded[77_777].partition != Partition.TEST else Partition.DEVEL
    loaded[50_000].chunk_nr = 4
    assert {number: len(violations) for number, violations in found(loaded).items()} == {4: 1, 7: 1}


def test_where_there_are_values_chunks_of_a_file_agree_in_them() -> None:
    data_set = sound()
    data_set.label_values[:] = [0.5, 0.5, np.nan, np.nan, 1, 1, 2, 2]
    assert validate(data_set)[7].text == "same value in all chunks of a file"
    assert found(data_set) == {}
    data_set.label_values[[1, 3]] = [0.25, 7]
    assert found(data_set) == {8: ["a.wav: label_value is 0.5 and 0.25", "b.wav: label_value is missing and 7.0"]}


def test_what_is_only_known_of_some_data_is_checked_there_under_numbers_of_its_own() -> None:
    data_set = empty(6, [("generated", 1)], num_folds=1, label_names=["Bark", "Gasp"])
    for row, instance in enumerate(data_set):
        instance.filename, instance.chunk_nr = f"{'abc'[row // 2]}.wav", row % 2
        instance.labels, instance.verified, instance.usage, instance.group = ["Bark"], True, "Public", "ann"
        instance.cv_folds, instance.partition = [Split.TRAIN], Partition.TRAIN
    assert [constraint.number for constraint in validate(data_set)] == [*range(1, 8), 9, 10, 11, 12, 13]
    assert found(data_set) == {}
    data_set[1].labels = ["Bark", "Gasp"]
    data_set[3].verified, data_set[5].usage = None, "Private"
    data_set[4].group = data_set[5].group = "bob"
    data_set[5].group = None
    assert found(data_set) == {
        9: ["a.wav: labels is ['Bark'] and ['Bark', 'Gasp']"],
        10: ["b.wav: verified is True and missing"],
        11: ["c.wav: usage is 'Public' and 'Private'"],
        12: ["c.wav: group is 'bob' and missing"],
    }


def test_13_a_group_is_on_both_sides_of_a_split() -> None:
    data_set = sound()
    data_set.groups[:] = ["ann", "ann", "ann", "ann", None, None, "bob", "bob"]
    assert found(data_set) == {13: ["ann: is in 2 different splits"]}
    data_set.groups[4:6] = "ann"
    assert found(data_set) == {13: ["ann: is in 2 partitions and 2 different splits"]}
