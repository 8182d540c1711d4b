# SPDX-License-Identifier: GPL-3.0-or-later
"""Data set files: those of auDeep 0.9 open here, those written here open there, broken ones say what is wrong."""

import json
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from audeep.data import netcdf
from audeep.data.data_set import empty, load
from audeep.data.integrity import validate
from audeep.errors import DataError, OutputError, ShapeError
from tests.support.disks import small_files

OLD_FILES = {
    "old_spectrograms_cv": ("time", "freq"),
    "old_spectrograms_partitioned": ("time", "freq"),
    "old_spectrograms_chunks": ("time", "freq"),
    "old_spectrograms_unlabelled": ("time", "freq"),
    "old_features_cv": ("generated",),
    "old_features_partitioned": ("generated",),
}
COLUMNS = ["filename", "chunk_nr", "label_nominal", "label_numeric", "cv_folds", "partition"]


# files of auDeep 0.9


@pytest.mark.parametrize("name", OLD_FILES)
def test_a_file_of_the_old_version_loads_as_it_stands(golden: Path, name: str) -> None:
    data_set = load(golden / f"{name}.nc")
    with netCDF4.Dataset(golden / f"{name}.nc") as file:
        file.set_auto_mask(False)
        assert data_set.filenames.tolist() == file["filename"][:].tolist()
        assert data_set.chunk_nrs.tolist() == file["chunk_nr"][:].tolist()
        labels = file["label_nominal"][:].tolist()
        assert data_set.labels_nominal.tolist() == [label if isinstance(label, str) else None for label in labels]
        np.testing.assert_array_equal(data_set.labels_numeric, file["label_numeric"][:])
        np.testing.assert_array_equal(data_set.cv_folds, file["cv_folds"][:])
        np.testing.assert_array_equal(data_set.partition, file["partition"][:])
        np.testing.assert_array_equal(data_set.features, file["features"][:])
        label_map = json.loads(getattr(file, "label_map", "null"))
    assert data_set.label_map == (label_map and dict(label_map))
    assert data_set.feature_dims == OLD_FILES[name]


@pytest.mark.parametrize("name", OLD_FILES)
def test_a_file_of_the_old_version_is_sound(golden: Path, name: str) -> None:
    constraints = validate(load(golden / f"{name}.nc"))
    assert [constraint.violations for constraint in constraints] == [[]] * 7


@pytest.mark.parametrize("name", OLD_FILES)
def test_a_file_of_the_old_version_keeps_its_types_and_values_when_saved_again(
    golden: Path, tmp_path: Path, name: str
) -> None:
    load(golden / f"{name}.nc").save(tmp_path / "again.nc")
    with netCDF4.Dataset(golden / f"{name}.nc") as old, netCDF4.Dataset(tmp_path / "again.nc") as new:
        assert set(new.variables) == set(old.variables)
        for key, variable in old.variables.items():
            assert (new[key].dtype, new[key].dimensions) == (variable.dtype, variable.dimensions)
            assert new[key].ncattrs() == variable.ncattrs()
            np.testing.assert_array_equal(new[key][:], variable[:])
        assert new.__dict__ == old.__dict__


# files written here


def written(path: Path, metadata: dict[str, list], num_folds: int = 0, **options: object) -> xr.Dataset:
    """A file of features [instance, 2], as auDeep 0.9 opens it."""
    features = np.ones((len(metadata["filename"]), 2), np.float32)
    with netcdf.writing(path, ["generated"], [2], num_folds, **options) as writer:
        writer.append(metadata, features)
    with xr.open_dataset(path) as data:
        return data.load()


def test_plain_xarray_opens_a_complete_file(tmp_path: Path) -> None:
    metadata = {
        "filename": ["a.wav", "b.wav"],
        "chunk_nr": [0, 0],
        "label_nominal": ["dog", "cat"],
        "label_numeric": [1, 0],
        "cv_folds": [[0, 1, 1], [1, 0, 1]],
        "partition": [0, 2],
    }
    data = written(tmp_path / "new.nc", metadata, 3, label_map={"dog": 1, "cat": 0})
    assert dict(data.sizes) == {"instance": 2, "fold": 3, "generated": 2}
    assert {name: data[name].values.tolist() for name in COLUMNS} == metadata
    assert {data[name].dtype for name in COLUMNS if name not in ("filename", "label_nominal")} == {np.dtype(np.int64)}
    assert data["cv_folds"].dims == ("instance", "fold")
    assert data["features"].dtype == np.float32
    assert data.attrs == {"feature_dims": '["generated"]', "label_map": '[["cat", 0], ["dog", 1]]'}


def test_missing_numbers_decode_as_nan_and_missing_texts_as_empty(tmp_path: Path) -> None:
    metadata = {
        "filename": ["a.wav", "b.wav"],
        "label_nominal": ["dog", None],
        "label_numeric": [1, None],
        "cv_folds": [[0, None], [1, 0]],
        "partition": [np.nan, 2],
    }
    data = written(tmp_path / "new.nc", metadata, 2)
    assert data["label_nominal"].values.tolist() == ["dog", ""]
    np.testing.assert_array_equal(data["label_numeric"], [1, np.nan])
    np.testing.assert_array_equal(data["cv_folds"], [[0, np.nan], [1, 0]])
    np.testing.assert_array_equal(data["partition"], [np.nan, 2])
    assert load(tmp_path / "new.nc").labels_nominal.tolist() == ["dog", None]


def test_columns_left_out_are_missing_throughout_and_without_folds_the_axis_has_size_0(tmp_path: Path) -> None:
    data = written(tmp_path / "new.nc", {"filename": ["a.wav", "b.wav"]})
    assert data["chunk_nr"].values.tolist() == [0, 0]
    for name in ("label_nominal", "label_numeric", "partition"):
        assert data[name].dtype == np.float64
        assert np.isnan(data[name]).all()
    assert data["cv_folds"].shape == (2, 0)
    assert data.attrs == {"feature_dims": '["generated"]'}


def test_two_feature_axes_are_named_in_their_order(tmp_path: Path) -> None:
    empty(0, [("generated_0", 3), ("generated_1", 4)]).save(tmp_path / "new.nc")
    with netCDF4.Dataset(tmp_path / "new.nc") as file:
        assert json.loads(file.feature_dims) == ["generated_0", "generated_1"]
        assert file["features"].dimensions == ("instance", "generated_0", "generated_1")


def test_names_of_any_script_and_length_survive(tmp_path: Path) -> None:
    names = ["ä/ö ü.wav", "音/犬.wav", "x" * 3000, "a\nb"]
    written(tmp_path / "new.nc", {"filename": names, "label_nominal": names, "label_numeric": [0, 1, 2, 3]})
    assert load(tmp_path / "new.nc").filenames.tolist() == names
    assert load(tmp_path / "new.nc").labels_nominal.tolist() == names


def test_instances_are_appended_in_order_however_many_at_a_time(tmp_path: Path) -> None:
    features = np.random.default_rng(0).standard_normal((10, 3, 2)).astype(np.float32)
    names = np.array([f"{row}.wav" for row in range(10)], object)
    with netcdf.writing(tmp_path / "new.nc", ["time", "freq"], [3, 2], num_folds=1) as writer:
        for start, stop in ((0, 4), (4, 4), (4, 5), (5, 10)):
            part = slice(start, stop)
            folds = None if start == 4 else np.arange(10)[part, None] % 2
            metadata = {"filename": names[part], "chunk_nr": np.arange(10)[part], "cv_folds": folds}
            writer.append({key: column for key, column in metadata.items() if column is not None}, features[part])
    data_set = load(tmp_path / "new.nc")
    assert data_set.filenames.tolist() == names.tolist()
    assert data_set.chunk_nrs.tolist() == list(range(10))
    np.testing.assert_array_equal(data_set.cv_folds[:, 0], [0, 1, 0, 1, np.nan, 1, 0, 1, 0, 1])
    np.testing.assert_array_equal(data_set.features, features)


@pytest.mark.slow
def test_features_go_to_disk_while_the_file_is_written(tmp_path: Path) -> None:
    megabyte = np.ones((1, 2**18), np.float32)
    with netcdf.writing(tmp_path / "new.nc", ["generated"], [2**18]) as writer:
        for row in range(120):
            writer.append({"filename": [f"{row}.wav"]}, megabyte)
        (partial,) = tmp_path.iterdir()
        assert partial.stat().st_size > 50 * 2**20


# writing that fails


def test_an_exception_leaves_the_older_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "features.nc"
    written(path, {"filename": ["old.wav"]})
    with pytest.raises(KeyboardInterrupt), netcdf.writing(path, ["generated"], [2]) as writer:
        writer.append({"filename": ["new.wav"]}, np.zeros((1, 2)))
        raise KeyboardInterrupt
    assert load(path).filenames.tolist() == ["old.wav"]
    assert list(tmp_path.iterdir()) == [path]


def test_an_exception_leaves_nothing_where_nothing_was(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no more"), netcdf.writing(tmp_path / "new.nc", ["generated"], [2]):
        raise ValueError("no more")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(1, 3), (1, 2, 1), (1,)])
def test_features_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"new.nc: features of shape .*, expected \(2,\)"):
        with netcdf.writing(tmp_path / "new.nc", ["generated"], [2]) as writer:
            writer.append({"filename": ["a.wav"]}, np.zeros(shape))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "column", "shapes"),
    [
        ("filename", ["a.wav"], r"\(1,\), expected \(2,\)"),
        ("chunk_nr", [0, 1, 2], r"\(3,\), expected \(2,\)"),
        ("cv_folds", [[0, 1], [0, 1], [0, 1]], r"\(3, 2\), expected \(2, 3\)"),
    ],
)
def test_columns_of_another_shape_are_refused(tmp_path: Path, name: str, column: list, shapes: str) -> None:
    with pytest.raises(ShapeError, match=f"new.nc: '{name}' has shape {shapes}"):
        with netcdf.writing(tmp_path / "new.nc", ["generated"], [2], num_folds=3) as writer:
            writer.append({"filename": ["a.wav", "b.wav"], name: column}, np.zeros((2, 2)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("num_features", [2, 100_000])
def test_a_full_disk_is_reported_and_leaves_the_older_file(tmp_path: Path, num_features: int) -> None:
    path = tmp_path / "features.nc"
    path.write_text("old")
    with (
        small_files(20_000),
        pytest.raises(OutputError, match="features.nc: cannot be written: .*; check the space and"),
    ):
        with netcdf.writing(path, ["generated"], [num_features]) as writer:
            writer.append({"filename": ["x" * 1000] * 100}, np.ones((100, num_features), np.float32))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_directories_are_created(tmp_path: Path) -> None:
    written(tmp_path / "run" / "features" / "new.nc", {"filename": ["a.wav"]})
    assert load(tmp_path / "run" / "features" / "new.nc").filenames.tolist() == ["a.wav"]


def test_a_directory_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a directory, a file name was expected"):
        written(tmp_path, {"filename": ["a.wav"]})


@pytest.mark.parametrize("below", ["new.nc", "features/new.nc"])
def test_a_path_below_a_file_cannot_be_written(tmp_path: Path, below: str) -> None:
    (tmp_path / "notes.txt").write_text("keep")
    with pytest.raises(OutputError, match=f"notes.txt/{below}: cannot be written"):
        written(tmp_path / "notes.txt" / below, {"filename": ["a.wav"]})
    assert (tmp_path / "notes.txt").read_text() == "keep"


# files that are not data sets


def raw_file(path: Path, **changes: np.ndarray | str | None) -> Path:
    """A sound file of two instances but for `changes`: other columns, or attributes; None leaves one out."""
    contents = {
        "filename": np.array(["a.wav", "b.wav"], object),
        "chunk_nr": np.array([0, 0]),
        "label_nominal": np.array(["dog", "cat"], object),
        "label_numeric": np.array([1, 0]),
        "cv_folds": np.array([[0], [1]]),
        "partition": np.array([0, 2]),
        "features": np.ones((2, 3), np.float32),
        "label_map": '[["cat", 0], ["dog", 1]]',
        **changes,
    }
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("instance", 2), ("fold", 1), ("generated", 3)):
            file.createDimension(name, size)
        for name, value in contents.items():
            if isinstance(value, str):
                file.setncattr(name, value)
            elif value is not None:
                sizes = {2: "instance", 1: "fold", 3: "generated"}
                kind = str if value.dtype == object else value.dtype
                file.createVariable(name, kind, [sizes[size] for size in value.shape])[:] = value
    return path


def test_the_file_that_the_following_tests_break_is_sound(tmp_path: Path) -> None:
    data_set = load(raw_file(tmp_path / "raw.nc"))
    assert data_set.labels_nominal.tolist() == ["dog", "cat"]
    assert data_set.label_map == {"cat": 0, "dog": 1}
    assert data_set.features.tolist() == [[1, 1, 1], [1, 1, 1]]


BROKEN = {
    "no features": ({"features": None}, "has no variable 'features' over 'instance'; this is not a data set"),
    "features without instances": ({"features": np.ones(3)}, "has no variable 'features' over 'instance'"),
    "features of text": ({"features": np.full((2, 3), "x", object)}, "features are of type .*, numbers were expected"),
    "no file names": ({"filename": None}, "has no variable 'filename'; this is not a data set"),
    "no chunk numbers": ({"chunk_nr": None}, "has no variable 'chunk_nr'; this is not a data set"),
    "an empty file name": ({"filename": np.array(["a.wav", ""], object)}, "'filename' lacks a value for 1 instances"),
    "numbers as file names": ({"filename": np.array([1, 2])}, "'filename' holds int64, expected text"),
    "flat folds": (
        {"cv_folds": np.array([0, 1])},
        r"'cv_folds' is over \('instance',\), expected \('instance', 'fold'",
    ),
    "labels per fold": ({"label_numeric": np.array([[0], [1]])}, r"'label_numeric' is over \('instance', 'fold'\)"),
    "texts as numbers": (
        {"label_numeric": np.array(["1", "0"], object)},
        "'label_numeric' holds .*, expected integers",
    ),
    "fractions": ({"label_numeric": np.array([0.5, 1])}, "'label_numeric' holds float64, expected integers"),
    "infinite numbers": ({"chunk_nr": np.array([0, np.inf])}, "'chunk_nr' holds float64, expected integers"),
    "partition 7": (
        {"partition": np.array([0, 7])},
        r"'partition' holds other .* 0 \(train\), 1 \(devel\), 2 \(test\)",
    ),
    "split 2": ({"cv_folds": np.array([[2], [1]])}, r"'cv_folds' holds other values than 0 \(train\), 1 \(valid\)"),
    "chunk number missing": ({"chunk_nr": np.array([0, np.nan])}, "'chunk_nr' lacks a value for 1 instances"),
    "cut settings": (
        {"preprocessing": '{"window_width": '},
        "attribute 'preprocessing' is not a JSON object; write",
    ),
    "settings without names": (
        {"preprocessing": "[0.04]"},
        "attribute 'preprocessing' is not a JSON object; write",
    ),
    "cut label map": ({"label_map": '[["cat", 0'}, "attribute 'label_map' is not a JSON list of .name, number. pairs"),
    "label map of names": ({"label_map": '["cat", "dog"]'}, "attribute 'label_map' is not a JSON list"),
    "infinite label map": ({"label_map": '[["cat", Infinity]]'}, "attribute 'label_map' is not a JSON list"),
    "label map without numbers": ({"label_map": '[["cat", null]]'}, "attribute 'label_map' is not a JSON list"),
}


@pytest.mark.parametrize(("changes", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused_in_one_line_that_names_file_and_fault(
    tmp_path: Path, changes: dict[str, np.ndarray | str | None], message: str
) -> None:
    path = raw_file(tmp_path / "raw.nc", **changes)
    with pytest.raises(DataError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none.nc: no such file; a data set file, as 'audeep preprocess' writes"):
        load(tmp_path / "none.nc")


def test_a_directory_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a directory without shards.json; a data set file"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["", "filename,feature_0\na.wav,0.1\n"])
def test_a_text_file_is_no_data_set(tmp_path: Path, text: str) -> None:
    (tmp_path / "table.nc").write_text(text)
    with pytest.raises(DataError, match=r"table.nc: not a readable netCDF 4 file \(.*\); write it again"):
        load(tmp_path / "table.nc")


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    contents = raw_file(tmp_path / "raw.nc").read_bytes()
    (tmp_path / "cut.nc").write_bytes(contents[: int(share * len(contents))])
    with pytest.raises(DataError, match="cut.nc: not a readable netCDF 4 file") as caught:
        load(tmp_path / "cut.nc")
    assert "\n" not in str(caught.value)


# files that differ and are data sets all the same


def test_variables_that_are_not_required_may_be_absent(tmp_path: Path) -> None:
    optional = dict.fromkeys(["label_nominal", "label_numeric", "cv_folds", "partition", "label_map"])
    data_set = load(raw_file(tmp_path / "raw.nc", **optional))
    assert data_set.labels_nominal.tolist() == [None, None]
    assert np.isnan(data_set.labels_numeric).all()
    assert data_set.cv_folds.shape == (2, 0)
    assert np.isnan(data_set.partition).all()
    assert data_set.label_map is None


def test_unknown_variables_are_ignored(tmp_path: Path) -> None:
    data_set = load(raw_file(tmp_path / "raw.nc", loudness=np.array([0.5, 0.7]), comment="recorded outdoors"))
    assert "loudness" not in data_set.data
    data_set.save(tmp_path / "again.nc")
    assert "loudness" not in netCDF4.Dataset(tmp_path / "again.nc").variables


@pytest.mark.parametrize("kind", [np.float64, np.int16])
def test_features_of_other_number_types_are_read_as_float32(tmp_path: Path, kind: type) -> None:
    features = np.array([[1, 2, 3], [4, 5, 6]], kind)
    data_set = load(raw_file(tmp_path / "raw.nc", features=features))
    assert data_set.features.dtype == data_set[0].features.dtype == np.float32
    assert data_set.features.tolist() == features.tolist()


@pytest.mark.parametrize("kind", [np.float64, np.int8, np.uint16])
def test_numbers_of_other_types_are_read_as_the_same_numbers(tmp_path: Path, kind: type) -> None:
    numbers = np.array([1, 0], kind)
    data_set = load(raw_file(tmp_path / "raw.nc", label_numeric=numbers, chunk_nr=numbers, cv_folds=numbers[:, None]))
    assert data_set.labels_numeric.tolist() == data_set.cv_folds[:, 0].tolist() == [1, 0]
    assert data_set.chunk_nrs.tolist() == [1, 0]
    assert data_set[0].label_numeric == 1


# values


def test_values_are_written_as_they_are_and_only_where_there_are_some(tmp_path: Path) -> None:
    metadata = {"filename": ["a.wav", "b.wav", "c.wav"]}
    assert "label_value" not in written(tmp_path / "none.nc", {**metadata, "label_value": [None] * 3})
    data = written(tmp_path / "some.nc", {**metadata, "label_value": [2, None, -0.1]})
    assert data["label_value"].dtype == np.float64 and data["label_value"].dims == ("instance",)
    np.testing.assert_array_equal(data["label_value"], [2, np.nan, -0.1])
    whole = written(tmp_path / "whole.nc", {**metadata, "label_value": [2, 1, 3]})
    assert whole["label_value"].dtype == np.float64
    for name, expected in (("none", [np.nan] * 3), ("some", [2, np.nan, -0.1]), ("whole", [2, 1, 3])):
        data_set = load(tmp_path / f"{name}.nc")
        np.testing.assert_array_equal(data_set.label_values, expected)
        assert data_set.has_values == (name != "none")
        assert data_set[1].label_value == (1 if name == "whole" else None)


@pytest.mark.parametrize("values", [np.array([1, np.inf]), np.array(["1", "2"], object)])
def test_values_that_are_no_finite_numbers_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    with pytest.raises(DataError, match="raw.nc: 'label_value' holds .*, expected finite numbers; write the file"):
        load(raw_file(tmp_path / "raw.nc", label_value=values))


def test_numbers_of_frames_are_kept_and_checked(tmp_path):
    data_set = empty(3, [("time", 5), ("freq", 2)])
    data_set.features[:], data_set.filenames[:] = 0, list("abc")
    data_set[1].num_frames = 4
    data_set.save(tmp_path / "a.nc")
    found = load(tmp_path / "a.nc")
    assert found.num_frames.tolist() == [5, 4, 5] and found.is_padded and found[1].num_frames == 4
    assert not found[[0, 2]].is_padded
    for wrong in (0, 6, -1):
        data_set[2].num_frames = wrong
        data_set.save(tmp_path / "b.nc")
        with pytest.raises(DataError, match=f"b.nc: 'num_frames' is {wrong}, expected 1 to 5"):
            load(tmp_path / "b.nc")


def test_no_numbers_of_frames_are_written_where_there_is_no_padding(tmp_path):
    empty(3, [("time", 5), ("freq", 2)]).save(tmp_path / "a.nc")
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        assert "num_frames" not in file.variables


def test_a_file_can_be_opened_again_and_again_while_others_use_it(tmp_path):
    for name in "ab":
        data_set = empty(3, [("generated", 2)])
        data_set.features[:], data_set.filenames[:], data_set.labels_nominal[:] = 1, list("abc"), list("xyz")
        data_set.save(tmp_path / f"{name}.nc")
    kept = load(tmp_path / "a.nc")
    for turn in range(5):  # HDF5 crashes where a file is open twice, closed once, and opened again
        other = load(tmp_path / "a.nc")
        assert other.labels_nominal.tolist() == list("xyz") and other.features.all()
        del other
        load(tmp_path / ("a.nc" if turn % 2 else "b.nc"))
    assert kept.features.all()
    (tmp_path / "b.nc").replace(tmp_path / "a.nc")
    assert load(tmp_path / "a.nc").features.all() and kept.features.all()


def test_long_instances_are_stored_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netcdf, "LARGEST_CHUNK", 4 * 3 * 10)
    features = np.arange(2 * 25 * 3, dtype=np.float32).reshape(2, 25, 3)
    with netcdf.writing(tmp_path / "a.nc", ["time", "freq"], features.shape[1:]) as writer:
        writer.append({"filename": ["a", "b"], "chunk_nr": [0, 0]}, features)
    assert np.array_equal(load(tmp_path / "a.nc").features, features)
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        assert file["features"].chunking()[1:] == [10, 3]
