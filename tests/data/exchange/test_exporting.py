# SPDX-License-Identifier: GPL-3.0-or-later
"""CSV and ARFF files as auDeep 0.9 wrote them, and as other programs read them."""

from pathlib import Path

import arff
import numpy as np
import pandas as pd
import pytest

from audeep.data.data_set import DataSet, empty, load
from audeep.data.exchange.exporting import export
from audeep.data.exchange.importing import import_
from audeep.data.schema import Partition, Split
from audeep.errors import OutputError

PATHS = ["a.wav", "b.wav", "c.wav", "d.wav"]


def recordings(num_folds: int = 0, partitions: tuple[Partition | None, ...] = (None,) * 4) -> DataSet:
    """Four labelled instances; in fold k (from 0) instance k is for validation."""
    data_set = empty(4, [("generated", 2)], num_folds, {"dog": 0, "cat": 1})
    for row, instance in enumerate(data_set):
        instance.filename = PATHS[row]
        instance.label_nominal, instance.label_numeric = (("dog", 0), ("cat", 1))[row % 2]
        instance.cv_folds = [Split(row == fold) for fold in range(num_folds)]
        instance.partition = partitions[row]
        instance.features = [row, row / 10]
    return data_set


def files_below(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def names_by_file(directory: Path) -> dict[str, list[str]]:
    """File names of the instances in each CSV file."""
    return {
        str(path.relative_to(directory)): pd.read_csv(path)["filename"].tolist()
        for path in sorted(directory.rglob("*.csv"))
    }


# the same files as auDeep 0.9


@pytest.mark.parametrize(
    ("source", "file_format", "labels_last", "expected"),
    [
        ("old_features_cv", "csv", False, "old_export_csv"),
        ("old_features_cv", "arff", True, "old_export_arff"),
        ("old_features_partitioned", "csv", True, "old_export_csv_partitioned"),
    ],
)
def test_files_are_those_of_the_old_version_to_the_byte(
    golden: Path, tmp_path: Path, source: str, file_format: str, labels_last: bool, expected: str
) -> None:
    written = export(load(golden / f"{source}.nc"), tmp_path, source, file_format, labels_last)
    assert files_below(tmp_path) == files_below(golden / expected)
    assert sorted(written) == sorted(path for path in tmp_path.rglob("*") if path.is_file())


# directories


def test_without_partitions_and_folds_there_is_one_file(tmp_path: Path) -> None:
    assert export(recordings(), tmp_path / "out", "birds", "csv") == [tmp_path / "out" / "birds.csv"]
    assert names_by_file(tmp_path) == {"out/birds.csv": PATHS}


def test_partitions_are_directories(tmp_path: Path) -> None:
    partitions = (Partition.TRAIN, Partition.TEST, Partition.DEVEL, Partition.TRAIN)
    export(recordings(partitions=partitions), tmp_path, "birds", "csv")
    assert names_by_file(tmp_path) == {
        "train/birds.csv": ["a.wav", "d.wav"],
        "devel/birds.csv": ["c.wav"],
        "test/birds.csv": ["b.wav"],
    }


def test_partitions_without_instances_have_no_directory(tmp_path: Path) -> None:
    export(recordings(partitions=(Partition.TRAIN, Partition.TEST) * 2), tmp_path, "birds", "csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["test", "train"]


def test_folds_are_directories_with_their_validation_split(tmp_path: Path) -> None:
    export(recordings(num_folds=3), tmp_path, "birds", "csv")
    assert names_by_file(tmp_path) == {f"fold_{fold + 1}/birds.csv": [PATHS[fold]] for fold in range(3)}


def test_overlapping_folds_repeat_instances(tmp_path: Path) -> None:
    data_set = recordings(num_folds=2)
    data_set[3].cv_folds = [Split.VALID, Split.VALID]
    export(data_set, tmp_path, "birds", "csv")
    assert names_by_file(tmp_path) == {
        "fold_1/birds.csv": ["a.wav", "d.wav"],
        "fold_2/birds.csv": ["b.wav", "d.wav"],
    }


def test_folds_stand_within_partitions_and_may_be_empty_there(tmp_path: Path) -> None:
    partitions = (Partition.TRAIN, Partition.DEVEL, Partition.TRAIN, Partition.DEVEL)
    export(recordings(num_folds=2, partitions=partitions), tmp_path, "birds", "csv")
    assert names_by_file(tmp_path) == {
        "train/fold_1/birds.csv": ["a.wav"],
        "train/fold_2/birds.csv": [],
        "devel/fold_1/birds.csv": [],
        "devel/fold_2/birds.csv": ["b.wav"],
    }


@pytest.mark.parametrize("file_format", ["csv", "arff"])
def test_an_empty_fold_has_a_header_only(tmp_path: Path, file_format: str) -> None:
    export(recordings(num_folds=5), tmp_path, "birds", file_format)
    path = tmp_path / "fold_5" / f"birds.{file_format}"
    if file_format == "csv":
        assert path.read_text() == "filename,chunk_nr,label_nominal,label_numeric,feature_0,feature_1\n"
    else:
        assert arff.loads(path.read_text())["data"] == []


@pytest.mark.parametrize("file_format", ["csv", "arff"])
def test_a_data_set_without_instances_has_a_header_only(tmp_path: Path, file_format: str) -> None:
    (path,) = export(recordings()[[]], tmp_path, "birds", file_format)
    assert "feature_1" in path.read_text()
    assert "wav" not in path.read_text()


def test_partial_partition_and_fold_information_is_left_out(tmp_path: Path) -> None:
    partial = recordings(num_folds=2, partitions=(Partition.TRAIN, Partition.TRAIN, Partition.TEST, None))
    partial[0].cv_folds = [Split.VALID, None]
    export(partial, tmp_path / "neither", "birds", "csv")
    assert names_by_file(tmp_path / "neither") == {"birds.csv": PATHS}

    partial[3].partition = Partition.TEST
    export(partial, tmp_path / "partitions", "birds", "csv")
    assert list(names_by_file(tmp_path / "partitions")) == ["test/birds.csv", "train/birds.csv"]

    partial[0].cv_folds, partial[3].partition = [Split.VALID, Split.TRAIN], None
    export(partial, tmp_path / "folds", "birds", "csv")
    assert list(names_by_file(tmp_path / "folds")) == ["fold_1/birds.csv", "fold_2/birds.csv"]


def test_an_older_export_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "birds.csv").write_text("old\n" * 100)
    export(recordings(), tmp_path, "birds", "csv")
    assert names_by_file(tmp_path) == {"birds.csv": PATHS}
    assert list(tmp_path.iterdir()) == [tmp_path / "birds.csv"]


def test_a_directory_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("keep")
    with pytest.raises(OutputError, match="notes.txt/birds.csv: cannot be written"):
        export(recordings(), tmp_path / "notes.txt", "birds", "csv")


# columns


def test_csv_has_metadata_in_front_of_the_features(tmp_path: Path) -> None:
    export(recordings(), tmp_path, "birds", "csv")
    assert (tmp_path / "birds.csv").read_text().splitlines()[:3] == [
        "filename,chunk_nr,label_nominal,label_numeric,feature_0,feature_1",
        "a.wav,0,dog,0,0.0,0.0",
        "b.wav,0,cat,1,1.0,0.1",
    ]


def test_labels_can_be_put_after_the_features(tmp_path: Path) -> None:
    export(recordings(), tmp_path, "birds", "csv", labels_last=True)
    assert (tmp_path / "birds.csv").read_text().splitlines()[:2] == [
        "filename,chunk_nr,feature_0,feature_1,label_nominal,label_numeric",
        "a.wav,0,0.0,0.0,dog,0",
    ]


def test_arff_declares_types_and_the_classes_of_the_label_map(tmp_path: Path) -> None:
    export(DataSet(recordings().data, {"dog": 0, "cat": 1, "ant": 2}), tmp_path, "birds", "arff")
    contents = arff.loads((tmp_path / "birds.arff").read_text())
    assert contents["relation"] == "auDeep exported data set"
    assert contents["attributes"] == [
        ("filename", "STRING"),
        ("chunk_nr", "INTEGER"),
        ("label_nominal", ["ant", "cat", "dog"]),
        ("label_numeric", "INTEGER"),
        ("feature_0", "REAL"),
        ("feature_1", "REAL"),
    ]
    assert contents["data"][1] == ["b.wav", 0, "cat", 1, 1.0, pytest.approx(0.1)]


def test_arff_without_a_label_map_declares_the_classes_that_occur(tmp_path: Path) -> None:
    export(DataSet(recordings().data), tmp_path, "birds", "arff", labels_last=True)
    attributes = arff.loads((tmp_path / "birds.arff").read_text())["attributes"]
    assert attributes[-2:] == [("label_nominal", ["cat", "dog"]), ("label_numeric", "INTEGER")]


@pytest.mark.parametrize("labelled", [0, 1])
def test_missing_labels_are_missing_values(tmp_path: Path, labelled: int) -> None:
    data_set = recordings()
    for row in range(labelled, 4):
        data_set[row].label_nominal = data_set[row].label_numeric = None
    data_set.save(tmp_path / "birds.nc")
    for part in (data_set, load(tmp_path / "birds.nc")):
        export(part, tmp_path, "birds", "csv")
        export(DataSet(part.data), tmp_path, "birds", "arff")
        table = pd.read_csv(tmp_path / "birds.csv")
        assert table[["label_nominal", "label_numeric"]].notna().sum().tolist() == [labelled, labelled]
        rows = arff.loads((tmp_path / "birds.arff").read_text())["data"]
        assert [row[2:4] for row in rows] == [["dog", 0]] * labelled + [[None, None]] * (4 - labelled)
        assert "nan" not in (tmp_path / "birds.csv").read_text() + (tmp_path / "birds.arff").read_text().lower()


# round trips

NAMES = [
    "a,b",
    'q"uote',
    "apo'strophe",
    "ü ñ 音",
    "new\nline",
    "tab\there",
    "100%",
    "back\\slash",
    " spaces ",
    "#1",
    "2",
]


@pytest.fixture
def oddly_named() -> DataSet:
    """Names with all that separates, quotes or escapes in CSV or ARFF; features of two axes."""
    features = np.random.default_rng(0).standard_normal((len(NAMES), 2, 3)).astype(np.float32)
    features[:4, 0, 0] = [1e-30, 3e30, -0.0, 16_777_217]
    features[4, 1, 2] = np.nan
    data_set = empty(len(NAMES), []).with_features(features, ["time", "freq"])
    data_set.filenames[:] = [f"{name}.wav" for name in NAMES]
    data_set.chunk_nrs[:] = np.arange(len(NAMES)) + 1000
    data_set.labels_nominal[:] = NAMES
    data_set.labels_numeric[:] = np.arange(len(NAMES))
    return data_set


def assert_same(table: pd.DataFrame, data_set: DataSet) -> None:
    assert table["filename"].tolist() == data_set.filenames.tolist()
    assert table["chunk_nr"].tolist() == data_set.chunk_nrs.tolist()
    assert table["label_nominal"].astype(str).tolist() == data_set.labels_nominal.tolist()
    assert table["label_numeric"].tolist() == data_set.labels_numeric.tolist()
    features = table[[f"feature_{index}" for index in range(6)]].to_numpy(np.float32)
    np.testing.assert_array_equal(features.reshape(-1, 2, 3), data_set.features)
    assert len(table.columns) == 10


@pytest.mark.parametrize("labels_last", [False, True])
def test_pandas_reads_back_what_csv_holds(oddly_named: DataSet, tmp_path: Path, labels_last: bool) -> None:
    (path,) = export(oddly_named, tmp_path, "birds", "csv", labels_last)
    assert_same(pd.read_csv(path), oddly_named)


@pytest.mark.parametrize("labels_last", [False, True])
def test_liac_arff_reads_back_what_arff_holds(oddly_named: DataSet, tmp_path: Path, labels_last: bool) -> None:
    (path,) = export(oddly_named, tmp_path, "birds", "arff", labels_last)
    contents = arff.loads(path.read_text(encoding="utf-8"))
    assert_same(pd.DataFrame(contents["data"], columns=[name for name, _ in contents["attributes"]]), oddly_named)


@pytest.mark.parametrize("file_format", ["csv", "arff"])
def test_large_features_are_exported_block_by_block_without_a_seam(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_format: str
) -> None:
    (whole,) = export(recordings(), tmp_path, "whole", file_format)
    blocks = DataSet.blocks
    monkeypatch.setattr(DataSet, "blocks", lambda data_set: blocks(data_set, 3 * 4 * 2))  # three instances each
    (parts,) = export(recordings(), tmp_path, "parts", file_format)
    assert parts.read_bytes() == whole.read_bytes()


# values


@pytest.mark.parametrize("labels_last", [False, True])
@pytest.mark.parametrize("file_format", ["csv", "arff"])
def test_values_are_exported_after_the_labels_and_imported_again(
    tmp_path: Path, file_format: str, labels_last: bool
) -> None:
    data_set = recordings(num_folds=2)
    data_set.cv_folds[2:] = [[0, 1], [0, 1]]
    data_set.label_values[:] = [0.1, np.nan, -1e-7, 3]
    export(data_set, tmp_path, "birds", file_format, labels_last)
    text = (tmp_path / "fold_2" / f"birds.{file_format}").read_text()
    if file_format == "csv":
        header = text.splitlines()[0].split(",")
    else:
        header = [name for name, _ in arff.loads(text)["attributes"]]
        assert dict(arff.loads(text)["attributes"])["label_value"] == "REAL"
    labels, features = ["label_nominal", "label_numeric", "label_value"], ["feature_0", "feature_1"]
    assert header == ["filename", "chunk_nr", *(features + labels if labels_last else labels + features)]
    imported = import_(tmp_path, "birds")
    order = np.argsort(imported.filenames)
    np.testing.assert_array_equal(imported.label_values[order], data_set.label_values)
    np.testing.assert_array_equal(imported.features[order], data_set.features)


def test_padded_spectrograms_are_exported_with_their_numbers_of_frames(tmp_path):
    data_set = empty(2, [("time", 2), ("freq", 2)])
    data_set.features[:] = [[[1, 2], [3, 4]], [[5, 6], [-1, -1]]]
    data_set[1].num_frames = 1
    (path,) = export(data_set, tmp_path, "x", "csv")
    frame = pd.read_csv(path)
    assert frame["num_frames"].tolist() == [2, 1]
    assert frame[[f"feature_{index}" for index in range(4)]].to_numpy().tolist() == [[1, 2, 3, 4], [5, 6, -1, -1]]
    (path,) = export(data_set, tmp_path, "x", "arff")
    assert "@ATTRIBUTE num_frames INTEGER\n" in path.read_text()
    for suffix in ("csv", "arff"):
        assert import_(tmp_path, f"x.{suffix}").features.tolist() == [[1, 2, 3, 4], [5, 6, -1, -1]]
