# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings with several labels, verified labels, usage and groups: in memory, and on file."""

import json
import tracemalloc
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from audeep.data.data_set import DataSet, empty, load
from audeep.errors import DataError, ShapeError

NAMES = ("Bark", "Gasp", "Sigh")


def tagged() -> DataSet:
    """Four recordings: two labels, one, none of them, not known."""
    data_set = empty(4, [("time", 3), ("freq", 2)], label_names=NAMES)
    data_set.filenames[:] = [f"{index}.wav" for index in range(4)]
    for index, labels in enumerate([("Gasp", "Sigh"), ("Bark",), ()]):
        data_set[index].labels = labels
    data_set.verified[:] = [1, 0, np.nan, 1]
    data_set.usage[:] = [None, "Public", "Private", None]
    data_set.groups[:] = ["ann", "ann", None, "bob"]
    data_set.data["features"].values[:] = np.arange(24).reshape(4, 3, 2)
    return data_set


@pytest.fixture(params=["in memory", "on file"])
def data_set(request: pytest.FixtureRequest, tmp_path: Path) -> DataSet:
    if request.param == "in memory":
        return tagged()
    tagged().save(tmp_path / "tagged.nc")
    return load(tmp_path / "tagged.nc")


def test_labels_are_sets_of_names_and_a_matrix(data_set: DataSet) -> None:
    assert data_set.has_label_sets
    assert data_set.label_names == NAMES
    assert data_set.label_map == {"Bark": 0, "Gasp": 1, "Sigh": 2} == data_set.labels
    assert data_set.label_sets.tolist() == [[False, True, True], [True, False, False], [False] * 3, [False] * 3]
    assert [instance.labels for instance in data_set] == [("Gasp", "Sigh"), ("Bark",), (), None]
    assert data_set.is_labelled.tolist() == [True, True, True, False]
    assert not data_set.is_fully_labelled and data_set[:3].is_fully_labelled


def test_what_else_is_known_comes_back(data_set: DataSet) -> None:
    assert [instance.verified for instance in data_set] == [True, False, None, True]
    np.testing.assert_array_equal(data_set.verified, [1, 0, np.nan, 1])
    assert data_set.usage.tolist() == [None, "Public", "Private", None]
    assert [instance.group for instance in data_set] == ["ann", "ann", None, "bob"]


def test_selections_keep_the_labels_even_where_none_is_known(data_set: DataSet, tmp_path: Path) -> None:
    part = data_set[[3, 0]]
    assert [instance.labels for instance in part] == [None, ("Gasp", "Sigh")]
    unknown = data_set[3:]
    unknown.save(tmp_path / "unknown.nc")
    for selected in (unknown, load(tmp_path / "unknown.nc")):
        assert selected.has_label_sets and selected.label_names == NAMES and not selected.is_labelled.any()


def test_other_features_keep_the_labels(data_set: DataSet, tmp_path: Path) -> None:
    data_set.with_features(np.ones((4, 7), np.float32), ["generated"]).save(tmp_path / "features.nc")
    again = load(tmp_path / "features.nc")
    assert again.label_names == NAMES
    np.testing.assert_array_equal(again.label_sets, data_set.label_sets)
    with pytest.raises(ShapeError, match="features are 5 scores, the recordings have 3 labels"):
        data_set.with_features(np.ones((4, 5), np.float32), ["label"])


def test_plain_xarray_sees_the_names_as_coordinates(tmp_path: Path) -> None:
    tagged().save(tmp_path / "tagged.nc")
    with xr.open_dataset(tmp_path / "tagged.nc") as file:
        assert file["label"].values.tolist() == list(NAMES)
        assert file["labels"].sel(label="Sigh").values[:3].tolist() == [1, 0, 0]
        assert file["labels"].dims == ("instance", "label")
    tagged()[:3].save(tmp_path / "known.nc")
    with netCDF4.Dataset(tmp_path / "known.nc") as file:
        assert file["labels"].dtype.kind == "i"


def test_nothing_of_this_is_written_where_nothing_has_it(tmp_path: Path) -> None:
    empty(2, [("generated", 1)], 1, {"a": 0}).save(tmp_path / "plain.nc")
    with netCDF4.Dataset(tmp_path / "plain.nc") as file:
        assert not {"verified", "usage", "group", "labels", "label"} & set(file.variables)
        assert set(file.dimensions) == {"instance", "fold", "generated"}


def test_a_label_that_is_not_among_the_names_cannot_be_set(data_set: DataSet) -> None:
    with pytest.raises(DataError, match=r"0.wav: has the label 'Meow', expected some of Bark, Gasp, Sigh"):
        data_set[0].labels = ("Meow",)


def test_one_label_can_be_insisted_on() -> None:
    with pytest.raises(DataError, match=r"several labels each \(Bark, Gasp, Sigh, ...\), one label to train on"):
        tagged().check_single_labels("to train on")
    empty(1, [("generated", 1)]).check_single_labels("to train on")


# files that are wrong in one way each


def broken(path: Path, change: str) -> Path:
    """A file with labels, one thing of which is wrong."""
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("instance", 2), ("fold", 0), ("label", 3), ("generated", 1)):
            file.createDimension(name, size)
        file.createVariable("features", "f4", ("instance", "generated"))[:] = 0
        file.createVariable("filename", str, ("instance",))[:] = np.array(["a.wav", "b.wav"], dtype=object)
        file.createVariable("chunk_nr", "i8", ("instance",))[:] = 0
        names = {"twice": ["a", "a", "b"], "nameless": ["a", "", "b"]}.get(change, list("abc"))
        if change == "numbers":
            file.createVariable("label", "i8", ("label",))[:] = [0, 1, 2]
        elif change == "elsewhere":
            file.createVariable("label", str, ("instance",))[:] = np.array(["a", "b"], dtype=object)
        elif change != "no names":
            file.createVariable("label", str, ("label",))[:] = np.array(names, dtype=object)
        dims = ("instance",) if change == "flat" else ("instance", "label")
        kind = "f8" if change in ("partial", "half") else "i8"
        values = file.createVariable("labels", kind, dims)
        values[:] = 0
        if change in ("partial", "half", "two"):
            values[0, 0] = {"partial": np.nan, "half": 0.5, "two": 2}[change]
        if change == "single":
            file.createVariable("label_numeric", "i8", ("instance",))[:] = 1
        if change == "map":
            file.label_map = json.dumps([["a", 1], ["b", 0], ["c", 2]])
        if change == "verified":
            file.createVariable("verified", "i8", ("instance",))[:] = [0, 3]
        if change == "usage":
            file.createVariable("usage", "i8", ("instance",))[:] = [0, 3]
    return path


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("twice", "'label' does not have a different name for each label"),
        ("nameless", "'label' does not have a different name for each label"),
        ("numbers", "'label' does not have a different name for each label"),
        ("no names", "has 'labels', but no variable 'label' with their names"),
        ("elsewhere", "has 'labels', but no variable 'label' with their names|not a readable netCDF 4 file"),
        ("flat", r"'labels' is over \('instance',\), expected \('instance', 'label'\)"),
        ("partial", "'labels' lacks some values of an instance, not all"),
        ("half", "'labels' holds float64, expected 0 and 1"),
        ("two", "'labels' holds int64, expected 0 and 1"),
        ("single", "has 'label_numeric' beside 'labels'; keep one of them"),
        ("map", "attribute 'label_map' does not have the labels in 'label'"),
        ("verified", "'verified' holds int64, expected 0 and 1"),
        ("usage", "'usage' holds int64, expected text"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, change: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem) as error:
        load(broken(tmp_path / "broken.nc", change))
    assert "\n" not in str(error.value) and str(tmp_path / "broken.nc") in str(error.value)


def test_the_file_that_is_broken_above_is_sound_otherwise(tmp_path: Path) -> None:
    data_set = load(broken(tmp_path / "sound.nc", "nothing"))
    assert data_set.label_names == ("a", "b", "c")
    assert data_set[0].labels == ()


def test_labels_that_a_small_file_merely_declares_take_no_memory(tmp_path: Path) -> None:
    path = broken(tmp_path / "large.nc", "nothing")
    with netCDF4.Dataset(path, "a") as file:
        file.createDimension("many", 2**31)
        file.renameVariable("labels", "other")
        file.createVariable("labels", "i8", ("instance", "many"), chunksizes=[1, 2**20])
    with pytest.raises(DataError, match="'labels' is declared to have .* bytes, more than a file of"):
        load(path)


def test_a_variable_label_without_such_an_axis_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "own.nc"
    single = empty(2, [("generated", 1)])
    single.filenames[:] = ["a.wav", "b.wav"]
    single.save(path)
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable("label", "i8", ("instance",))[:] = [4, 5]
    assert not load(path).has_label_sets


@pytest.mark.slow
def test_scores_without_truth_take_no_memory_before_they_are_read(tmp_path: Path) -> None:
    """Features over `label` stay on disk, and no column of several labels is made up beside them."""
    with netCDF4.Dataset(tmp_path / "scores.nc", "w") as file:
        for name, size in (("instance", 2000), ("fold", 0), ("label", 100_000)):
            file.createDimension(name, size)
        file.createVariable("features", "f4", ("instance", "label"), zlib=True, chunksizes=(1, 100_000))
        file.createVariable("filename", str, ("instance",))[:] = np.array([f"{row}.wav" for row in range(2000)], object)
        file.createVariable("chunk_nr", "i8", ("instance",))[:] = 0
        file.createVariable("padding", "i1", ("label",))[:] = np.random.default_rng(0).integers(0, 99, 100_000)
        file.createVariable("label", str, ("label",))[:] = np.array([str(number) for number in range(100_000)], object)
    tracemalloc.start()
    data_set = load(tmp_path / "scores.nc")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not data_set.has_label_sets and len(data_set.label_names) == 100_000
    assert peak < 2000 * 100_000


def test_one_label_each_cannot_become_several() -> None:
    with pytest.raises(DataError, match="recordings of this data set have one label each"):
        empty(1, [("generated", 1)])[0].labels = ["Bark"]


def test_no_instances_can_have_several_labels_too(tmp_path: Path) -> None:
    tagged()[:0].save(tmp_path / "none.nc")
    assert load(tmp_path / "none.nc").has_label_sets and load(tmp_path / "none.nc").label_names == NAMES
