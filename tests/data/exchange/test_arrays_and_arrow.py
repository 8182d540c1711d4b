# SPDX-License-Identifier: GPL-3.0-or-later
"""NumPy, Parquet and Arrow files, and folders of Hugging Face, as audeep exports them and as other programs do."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from audeep.data.exchange import matrices, npy
from audeep.data.exchange.exporting import export
from audeep.data.exchange.importing import import_
from audeep.data.schema import Partition
from audeep.errors import DataError, OutputError
from tests.data.exchange.test_importing import assert_same_but_for_order, sample

LAYOUTS = [(0, False), (3, False), (0, True), (3, True)]


@pytest.mark.parametrize(("num_folds", "partitioned"), LAYOUTS)
@pytest.mark.parametrize("file_format", ["npz", "parquet", "arrow"])
def test_import_restores_what_was_exported(tmp_path, file_format, num_folds, partitioned):
    if file_format != "npz":
        pytest.importorskip("pyarrow")
    expected = sample(num_folds, partitioned)
    export(expected, tmp_path, "x", file_format)
    assert_same_but_for_order(import_(tmp_path, "x"), expected)


@pytest.mark.slow
def test_label_sets_and_optional_columns_come_back(tmp_path, make_label_sets):
    pytest.importorskip("pyarrow")
    expected = make_label_sets()
    for file_format in ("npz", "parquet"):
        export(expected, tmp_path, "x", file_format)
        found, wanted = (
            {(item.filename, item.chunk_nr): set(item.labels) for item in data_set}
            for data_set in (import_(tmp_path, f"x.{file_format}"), expected)
        )
        assert found == wanted


def test_numpy_reads_what_npz_and_npy_hold(tmp_path):
    data_set = sample(0, False)
    for file_format in ("npz", "npy"):
        export(data_set, tmp_path, "x", file_format)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as arrays:
        assert sorted(arrays.files) == ["chunk_nr", "features", "filename", "label_nominal", "label_numeric"]
        assert arrays["filename"].tolist() == data_set.filenames.tolist()
        assert arrays["label_numeric"].tolist() == data_set.labels_numeric.tolist()
        np.testing.assert_array_equal(arrays["features"], data_set.features)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), data_set.features)
    found = import_(tmp_path, "x.npy")
    np.testing.assert_array_equal(found.features, data_set.features)
    assert found.filenames[0] == "synthetic_0"


def test_npz_is_the_same_bytes_each_time(tmp_path):
    for name in ("a", "b"):
        export(sample(0, False), tmp_path, name, "npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_archives_of_others_have_features_of_any_shape(tmp_path):
    embedding = np.arange(12, dtype=np.float64).reshape(3, 2, 2)
    np.savez_compressed(tmp_path / "x.npz", path=np.array(["a", "b", "c"]), embedding=embedding, loudness=[1, 2, 3])
    found = import_(tmp_path, "x", {"filename": "path"})
    assert found.filenames.tolist() == ["a", "b", "c"] and found.feature_shape == (5,)
    np.testing.assert_array_equal(found.features[:, :4], embedding.reshape(3, 4))
    np.testing.assert_array_equal(import_(tmp_path, "x", {"filename": "path"}, ["embedding"]).features[:, 0], [1, 2, 3])
    assert import_(tmp_path, "x", {"filename": "path"}, features=["embedding"]).feature_shape == (4,)


def test_pyarrow_reads_features_as_one_list(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    data_set = sample(0, False)
    export(data_set, tmp_path, "x", "parquet")
    table = parquet.read_table(tmp_path / "x.parquet")
    assert table.column_names == ["filename", "chunk_nr", "label_nominal", "label_numeric", "features"]
    assert table["filename"].to_pylist() == data_set.filenames.tolist()
    np.testing.assert_array_equal(np.array(table["features"].to_pylist(), np.float32), data_set.features)


def test_parquet_files_of_others_are_read(tmp_path):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {
        "file": ["a", "b", None],
        "class": pa.array(["x", "y", "x"]).dictionary_encode(),
        "embedding": pa.array([[1.5, 2], [3, 4], [5, 6]]),
        "image": pa.array([[[1, 2], [3, 4]]] * 3, pa.list_(pa.list_(pa.int16()))),
        "level": pa.array([1, None, 3], pa.int8()),
        "checked": [True, False, True],
    }
    parquet.write_table(pa.table(columns), tmp_path / "x.parquet")
    names = {"filename": "file", "label_nominal": "class", "verified": "checked"}
    found = import_(tmp_path, "x", names)
    assert found.filenames.tolist() == ["a", "b", "synthetic_0"] and found.labels == {"x": 0, "y": 1}
    assert found.verified.tolist() == [1, 0, 1]
    np.testing.assert_array_equal(found.features[0], [1.5, 2, 1, 2, 3, 4, 1])
    assert np.isnan(found.features[1, 6])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([[1.0], [2.0, 3.0]], "column 'x' has lists of 1 to 2 values, the same number in each row was expected"),
        ([[1.0], None], "column 'x' has missing lists"),
        ([["a"], ["b"]], "column 'x' has lists of string, numbers were expected"),
        (["a", "b"], "column 'x' has 'a' in data row 1, features are numbers"),
    ],
)
def test_columns_that_are_not_features_are_refused(tmp_path, column, message):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table({"x": column}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=message):
        import_(tmp_path, "x")


@pytest.mark.slow
@pytest.mark.parametrize(("num_folds", "partitioned"), LAYOUTS)
def test_a_folder_for_hugging_face_has_a_card_that_lists_its_splits(tmp_path, num_folds, partitioned):
    pytest.importorskip("pyarrow")
    yaml = pytest.importorskip("yaml")
    expected = sample(num_folds, partitioned)
    files = export(expected, tmp_path, "x", "huggingface")
    assert files[-1] == tmp_path / "README.md"
    (config,) = yaml.safe_load(files[-1].read_text().split("---")[1])["configs"]
    splits = {each["split"]: import_((tmp_path / each["path"]).parent, "x") for each in config["data_files"]}
    if not num_folds and not partitioned:
        assert list(splits) == ["train"] and len(splits["train"]) == len(expected)
    elif not num_folds:
        assert list(splits) == ["train", "validation", "test"]
        assert set(splits["validation"].filenames) == set(expected.partitions([Partition.DEVEL]).filenames)
    elif not partitioned:
        assert list(splits) == ["fold_1", "fold_2", "fold_3"]
    assert_same_but_for_order(import_(tmp_path, "huggingface"), expected)
    export(expected, tmp_path, "x", "huggingface")  # again, over its own card


def test_a_readme_of_somebody_else_is_left_alone(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(OutputError, match=r"README.md: is there already and not of audeep; move it"):
        export(sample(0, False), tmp_path, "x", "huggingface")
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def save_to_disk(folder: Path, names: list[str], labels: list[int]) -> None:
    """What `Dataset.save_to_disk` of datasets 5.2 writes, in two files."""
    pa = pytest.importorskip("pyarrow")
    folder.mkdir(parents=True)
    about = {"info": {"features": {"label": {"_type": "ClassLabel", "names": ["cat", "dog"]}}}}
    for part in (0, 1):
        features = [[float(ord(name)), -label] for name, label in zip(names[part::2], labels[part::2], strict=True)]
        columns = {"file": names[part::2], "label": labels[part::2], "x": features}
        table = pa.table(columns).replace_schema_metadata({"huggingface": json.dumps(about)})
        with pa.ipc.new_stream(str(folder / f"data-0000{part}-of-00002.arrow"), table.schema) as writer:
            writer.write_table(table)
    listed = [{"filename": f"data-0000{part}-of-00002.arrow"} for part in (0, 1)]
    (folder / "state.json").write_text(json.dumps({"_data_files": listed, "_split": None}))
    (folder / "dataset_info.json").write_text("{}")


def test_data_sets_that_hugging_face_saved_to_disk_are_read_with_the_names_of_classes(tmp_path):
    save_to_disk(tmp_path / "one", ["a", "b", "c"], [1, 0, -1])
    columns = {"filename": "file", "label_nominal": "label"}
    found = import_(tmp_path / "one", "huggingface", columns)
    assert found.filenames.tolist() == ["a", "c", "b"] and found.labels_nominal.tolist() == ["dog", None, "cat"]
    np.testing.assert_array_equal(found.features, [[97, -1], [99, 1], [98, 0]])
    save_to_disk(tmp_path / "two" / "train", ["a", "b"], [1, 0])
    save_to_disk(tmp_path / "two" / "test", ["c", "d"], [0, 0])
    (tmp_path / "two" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    found = import_(tmp_path / "two", "huggingface", columns)
    partitions = dict(zip(found.filenames, found.partition, strict=True))
    assert partitions == {"a": Partition.TRAIN, "b": Partition.TRAIN, "c": Partition.TEST, "d": Partition.TEST}
    (tmp_path / "one" / "data-00001-of-00002.arrow").unlink()
    with pytest.raises(DataError, match=r"data-00001-of-00002.arrow: no such file, .*state.json lists it"):
        import_(tmp_path / "one", "huggingface", columns)


def test_downloaded_parquet_files_are_splits_by_their_names(tmp_path):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    (tmp_path / "data").mkdir()
    for name, recording in (("train-00000-of-00002", "a"), ("train-00001-of-00002", "b"), ("validation", "c")):
        parquet.write_table(pa.table({"filename": [recording], "x": [1.0]}), tmp_path / "data" / f"{name}.parquet")
    found = import_(tmp_path, "huggingface")
    assert found.partition.tolist() == [Partition.TRAIN, Partition.TRAIN, Partition.DEVEL]
    (tmp_path / "data" / "validation.parquet").unlink()
    assert not import_(tmp_path, "huggingface").has_partition_info  # train is what all data are called by default
    with pytest.raises(DataError, match="is not a data set of Hugging Face"):
        import_(Path(__file__).parent, "huggingface")


def test_files_that_declare_more_than_they_hold_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(npy, "COMPRESSED", 2**20)
    with open(tmp_path / "big.npy", "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (10**12, 4)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(100))
    with zipfile.ZipFile(tmp_path / "big.npz", "w") as archive:
        archive.write(tmp_path / "big.npy", "features.npy")
    np.savez_compressed(tmp_path / "bomb.npz", features=np.zeros((2**16, 16), np.float32))
    np.save(tmp_path / "objects.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "rows.npz", features=np.zeros((3, 2)), filename=["a", "b"])
    np.savez(tmp_path / "single.npz", features=np.zeros((1, 2)), rate=np.float64(3))
    for name, message in (
        ("big.npy", "is not a readable NPY file"),
        ("big.npz", "'features.npy' says that it holds 16000000000000 bytes, it has"),
        ("bomb.npz", "'features.npy' has .* bytes for 4194432"),
        ("objects.npy", "is not a readable NPY file: .*objects"),
        ("rows.npz", r"numbers of rows differ \('features' 3, 'filename' 2\)"),
        ("single.npz", "array 'rate' holds a single value"),
    ):
        with pytest.raises(DataError, match=message):
            import_(tmp_path, name)


def test_a_parquet_file_of_few_bytes_does_not_become_an_endless_table(tmp_path, monkeypatch):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(matrices, "LARGEST_TABLE", 2**20)
    parquet.write_table(pa.table({"x": np.zeros(2**21, np.float32)}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="bytes stand for 2097152 values, at most"):
        import_(tmp_path, "x")


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "npy", "npz"])
def test_damaged_files_are_refused_in_one_line(tmp_path, suffix):
    if suffix in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    export(sample(0, False), tmp_path, "x", suffix)
    path = tmp_path / f"x.{suffix}"
    content = path.read_bytes()
    for damaged in (b"", content[: len(content) // 2], b"no file of this kind"):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=rf"x\.{suffix}: is not a readable {suffix.upper()} file: .*; fix it"):
            import_(tmp_path, path.name)
