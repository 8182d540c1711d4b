# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets put together."""

from pathlib import Path

import numpy as np
import pytest

from audeep.data.combine import concat_instances
from audeep.data.data_set import DataSet, empty, load
from audeep.errors import DataError, ShapeError


def recordings(*names: str, num_folds: int = 1, label_map: dict[str, int] | None = None, dim: str = "freq") -> DataSet:
    """One instance per name, the first of which has no label; features are the length of the name."""
    data_set = empty(len(names), [("time", 2), (dim, 3)], num_folds, label_map)
    for row, name in enumerate(names):
        instance = data_set[row]
        instance.filename, instance.chunk_nr, instance.features = name, row, np.full((2, 3), len(name))
        if row:
            instance.label_nominal, instance.label_numeric = name[0], row
    return data_set


@pytest.mark.parametrize("on_file", [False, True])
def test_instances_follow_each_other_with_all_their_columns(tmp_path: Path, on_file: bool) -> None:
    parts = [recordings("a", "bb"), recordings("ccc"), recordings("d", "ee", "fff")]
    if on_file:
        for number, part in enumerate(parts):
            part.save(tmp_path / f"{number}.nc")
        parts = [load(tmp_path / f"{number}.nc") for number in range(3)]
    joined = concat_instances(parts)
    assert joined.filenames.tolist() == ["a", "bb", "ccc", "d", "ee", "fff"]
    assert joined.chunk_nrs.tolist() == [0, 1, 0, 0, 1, 2]
    assert joined.labels_nominal.tolist() == [None, "b", None, None, "e", "f"]
    np.testing.assert_array_equal(joined.labels_numeric, [np.nan, 1, np.nan, np.nan, 1, 2])
    assert joined.cv_folds.shape == (6, 1)
    np.testing.assert_array_equal(joined.features, np.array([1, 2, 3, 1, 2, 3])[:, None, None] * np.ones((6, 2, 3)))
    assert joined.feature_dims == ("time", "freq")
    assert joined.features.dtype == np.float32


def test_the_result_can_be_saved(tmp_path: Path) -> None:
    concat_instances([recordings("a", "bb", label_map={"b": 1})] * 2).save(tmp_path / "joined.nc")
    loaded = load(tmp_path / "joined.nc")
    assert loaded.filenames.tolist() == ["a", "bb", "a", "bb"]
    assert loaded.labels_nominal.tolist() == [None, "b", None, "b"]
    assert loaded.label_map == {"b": 1}


def test_a_single_data_set_is_given_back_and_empty_ones_add_nothing() -> None:
    assert concat_instances([recordings("a", "bb")]).filenames.tolist() == ["a", "bb"]
    assert concat_instances([recordings(), recordings("a"), recordings()]).filenames.tolist() == ["a"]


def test_nothing_cannot_be_put_together() -> None:
    with pytest.raises(DataError, match="there is no data set to concatenate; give at least one"):
        concat_instances([])


def test_other_axes_are_an_error_that_names_both() -> None:
    expected = r"data set 2 has feature_dims \('time', 'mel'\), the first has \('time', 'freq'\); they must agree"
    with pytest.raises(ShapeError, match=expected):
        concat_instances([recordings("a"), recordings("b", dim="mel")])


def test_another_shape_is_an_error_that_names_both() -> None:
    longer = recordings("b").with_features(np.zeros((1, 9, 3), np.float32), ["time", "freq"])
    with pytest.raises(ShapeError, match=r"data set 3 has feature_shape \(9, 3\), the first has \(2, 3\)"):
        concat_instances([recordings("a"), recordings("b"), longer])


def test_another_number_of_folds_is_an_error() -> None:
    with pytest.raises(DataError, match="data set 2 has num_folds 3, the first has 1"):
        concat_instances([recordings("a"), recordings("b", num_folds=3)])


@pytest.mark.parametrize("other", [None, {"dog": 1}])
def test_another_label_map_is_an_error(other: dict[str, int] | None) -> None:
    with pytest.raises(DataError, match="data set 2 has label_map .*, the first has {'dog': 0}"):
        concat_instances([recordings("a", label_map={"dog": 0}), recordings("b", label_map=other)])
