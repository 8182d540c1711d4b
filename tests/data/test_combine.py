# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets put together."""

import json
from pathlib import Path

import numpy as np
import pytest

from audeep.cli.app import main
from audeep.data.combine import concat_instances, fuse, fuse_chunks
from audeep.data.data_set import DataSet, empty, load
from audeep.data.scores import with_scores
from audeep.errors import DataError, OptionError, ShapeError


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


def make_chunks() -> DataSet:
    """Two files of three chunks of [2, 1] each, out of order."""
    data_set = empty(6, [("time", 2), ("freq", 1)], 1, {"x": 0})
    data_set.filenames[:] = ["b", "a", "b", "a", "a", "b"]
    data_set.chunk_nrs[:] = [1, 0, 0, 2, 1, 2]
    data_set.labels_nominal[:], data_set.labels_numeric[:], data_set.cv_folds[:] = "x", 0, 1
    numbers = 10 * np.array([2, 1, 2, 1, 1, 2]) + data_set.chunk_nrs
    data_set.data["features"][:] = (numbers[:, None] + np.array([0, 0.5])).astype(np.float32)[:, :, None]
    return data_set


def test_chunks_of_a_file_are_joined_in_the_order_of_their_numbers() -> None:
    fused = fuse_chunks(make_chunks(), "time")
    assert fused.filenames.tolist() == ["b", "a"] and fused.chunk_nrs.tolist() == [0, 0]
    assert fused.features[:, :, 0].tolist() == [[20, 20.5, 21, 21.5, 22, 22.5], [10, 10.5, 11, 11.5, 12, 12.5]]
    assert fuse_chunks(make_chunks(), "freq").features[1].tolist() == [[10, 11, 12], [10.5, 11.5, 12.5]]


def test_chunks_that_are_not_there_once_each_or_differ_are_refused() -> None:
    with pytest.raises(ShapeError, match="no axis 'generated'; choose one of time, freq"):
        fuse_chunks(make_chunks(), "generated")
    with pytest.raises(DataError, match="no instance to fuse"):
        fuse_chunks(make_chunks()[:0], "time")
    with pytest.raises(DataError, match="do not have the same chunks"):
        fuse_chunks(make_chunks()[:5], "time")
    twice = make_chunks()
    twice.chunk_nrs[0] = 0
    with pytest.raises(DataError, match="do not have the same chunks"):
        fuse_chunks(twice, "time")
    differing = make_chunks()
    differing.partition[0] = 1
    with pytest.raises(DataError, match=r"chunk 2 .* instance 0 \(b\) has partition <Partition.DEVEL: 1>, not None"):
        fuse_chunks(differing, "time")


def test_features_are_joined_along_an_axis(golden: Path) -> None:
    data_set = load(golden / "old_features_cv.nc")
    other = data_set.with_features(-data_set.features[:, :5], ["generated"])
    fused = fuse([data_set, other], "generated")
    np.testing.assert_array_equal(fused.features, np.hstack([data_set.features, -data_set.features[:, :5]]))
    assert all(np.array_equal(fused.metadata[name], column) or np.isnan(column).all()
               for name, column in data_set.metadata.items())  # fmt: skip


def test_data_sets_that_differ_are_not_fused_and_the_error_says_where(golden: Path) -> None:
    data_set, other = load(golden / "old_features_cv.nc"), load(golden / "old_features_cv.nc")
    other.cv_folds[[3, 7], 0] = 1 - other.cv_folds[[3, 7], 0]
    with pytest.raises(DataError, match=r"data set 2 .* 2 instances: instance 3 \(3-144028-A.ogg\) has cv_folds \["):
        fuse([data_set, other], "generated")
    with pytest.raises(DataError, match="data set 2 has number of instances 39, the first has 40"):
        fuse([data_set, data_set[:39]], "generated")
    spectrograms = load(golden / "old_spectrograms_cv.nc")
    with pytest.raises(ShapeError, match=r"data set 2 has feature_dims \('time', 'freq'\)"):
        fuse([data_set, spectrograms], "generated")


def test_instances_are_matched_by_name_and_chunk(golden: Path) -> None:
    data_set = load(golden / "old_features_cv.nc")
    order = np.random.default_rng(0).permutation(len(data_set))
    fused = fuse([data_set, data_set[order]], "generated")
    np.testing.assert_array_equal(fused.features, np.hstack([data_set.features] * 2))
    assert fused.filenames.tolist() == data_set.filenames.tolist()
    other = data_set[order]
    other.labels_nominal[0] = "someone else"
    with pytest.raises(DataError, match="data set 2 has other metadata than the first for 1 instances.*label_nominal"):
        fuse([data_set, other], "generated")


@pytest.mark.parametrize("swapped", [False, True])
def test_metadata_that_one_side_has_none_of_are_taken_over(golden: Path, swapped: bool) -> None:
    data_set = load(golden / "old_features_cv.nc")
    data_set.partition[:] = np.arange(len(data_set)) % 3
    bare = empty(len(data_set), [("generated", 3)])
    bare.filenames[:], bare.chunk_nrs[:] = data_set.filenames, data_set.chunk_nrs
    fused = fuse([bare, data_set] if swapped else [data_set, bare], "generated")
    assert fused.label_map == data_set.label_map and fused.feature_shape == (3 + data_set.feature_shape[0],)
    for name, column in data_set.metadata.items():
        np.testing.assert_array_equal(fused.metadata[name], column, err_msg=name)


def test_the_commands_fuse_files(golden: Path, tmp_path: Path) -> None:
    features, chunks = str(golden / "old_features_cv.nc"), str(golden / "old_spectrograms_chunks.nc")
    output = str(tmp_path / "f.nc")
    assert main(["-q", "fuse", "--input", features, features, "--output", output]) == 0
    assert load(output).feature_shape == (64,)
    assert main(["-q", "fuse", "chunks", "--input", chunks, "--dimension", "time", "--output", output]) == 0
    assert len(load(output)) == 40 and load(output).feature_shape == (60, 16)
    assert main(["-q", "fuse", "--input", features, "--output", output]) == 1


def test_values_are_kept_and_must_agree_to_be_fused() -> None:
    one, other = (recordings("a.wav", "b.wav") for _ in range(2))
    for data_set in (one, other):
        data_set.label_values[:] = [0.5, np.nan]
    np.testing.assert_array_equal(fuse([one, other], "freq").label_values, [0.5, np.nan])
    np.testing.assert_array_equal(concat_instances([one, other]).label_values, [0.5, np.nan] * 2)
    other.label_values[1] = 3
    with pytest.raises(DataError, match=r"instance 1 \(b.wav\) has label_value 3.0, not None"):
        fuse([one, other], "freq")
    chunks = recordings("a.wav", "a.wav")
    chunks[1].label_nominal = chunks[1].label_numeric = None
    chunks.label_values[:] = [0.5, 0.5]
    assert fuse_chunks(chunks, "freq").label_values.tolist() == [0.5]
    chunks.label_values[1] = 1
    with pytest.raises(DataError, match="chunk 2 has other metadata than the first .* has label_value 1.0, not 0.5"):
        fuse_chunks(chunks, "freq")


def test_padded_spectrograms_are_joined_along_other_axes_than_time():
    data_set = empty(2, [("time", 3), ("freq", 2)])
    data_set.features[:] = np.arange(12).reshape(2, 3, 2)
    data_set[1].num_frames = 2
    joined = fuse([data_set, data_set], "freq")
    assert joined.feature_shape == (3, 4) and joined.num_frames.tolist() == [3, 2]
    with pytest.raises(ShapeError, match="of different lengths cannot be joined along 'time'; join them along another"):
        fuse([data_set, data_set], "time")
    with pytest.raises(ShapeError, match="of different lengths cannot be joined along 'time'"):
        fuse_chunks(data_set, "time")
    other = data_set.with_features(data_set.features, data_set.feature_dims)
    other.data["num_frames"] = ("instance", np.array([np.nan, 1]))
    with pytest.raises(DataError, match="has num_frames 1, not 2"):
        fuse([data_set, other], "freq")


def made(settings: dict[str, object] | None) -> DataSet:
    """A spectrogram that was made with these settings, or with unknown ones."""
    data_set = recordings("a")
    if settings is not None:
        data_set.data.attrs["preprocessing"] = json.dumps(settings)
    return data_set


def test_spectrograms_made_otherwise_are_fused_only_if_any_are_wanted() -> None:
    first = made({"clip_below": -60.0, "mel_spectrum": 128, "sample_rate": 8000})
    other = made({"clip_below": -45.0, "mel_spectrum": 128, "sample_rate": None, "front_end": "log-mel"})
    message = (
        "data set 2 was made with clip_below -45.0 rather than -60.0, sample_rate None rather than 8000, front_end"
        " log-mel rather than None of the first; preprocess both alike, or, where different spectrograms are wanted,"
        " pass any_preprocessing=True"
    )
    with pytest.raises(OptionError, match=f"^{message}$"):
        fuse([first, other], "freq")
    assert fuse([first, other], "freq", any_preprocessing=True).feature_shape == (2, 6)
    with pytest.raises(OptionError, match=f"^{message}$"):
        concat_instances([first, other])
    assert len(concat_instances([first, other], any_preprocessing=True)) == 2


@pytest.mark.parametrize(
    "others", [None, {"clip_below": -60.0}, {"clip_below": -60.0, "center_fixed": False, "relative_to": None}]
)
def test_settings_that_are_unknown_or_newer_than_a_file_do_not_keep_from_fusing(
    others: dict[str, object] | None,
) -> None:
    assert fuse([made({"clip_below": -60.0}), made(others)], "freq").feature_shape == (2, 6)


def test_the_command_says_how_to_fuse_what_was_made_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2):
        made({"mel_spectrum": number}).save(tmp_path / f"{number}.nc")
    command = ["fuse", "--input", *(str(tmp_path / f"{number}.nc") for number in (1, 2)), "--dimension", "freq"]
    command += ["--output", str(tmp_path / "both.nc")]
    assert main(command) == 1
    assert "mel_spectrum 2 rather than 1" in (text := capsys.readouterr().err) and "--any-preprocessing" in text
    assert not (tmp_path / "both.nc").exists()
    assert main([*command, "--any-preprocessing"]) == 0


def tagged(names: list[str] | None = None) -> DataSet:
    data_set = empty(2, [("generated", 1)], label_names=names or ["Bark", "Gasp"])
    data_set.filenames[:] = ["a.wav", "b.wav"]
    data_set[0].labels, data_set[1].labels = ["Bark"], ["Bark", "Gasp"]
    data_set.verified[:] = [1, 0]
    data_set.groups[:] = ["ann", None]
    return data_set


@pytest.mark.parametrize("swapped", [False, True])
def test_several_labels_and_flags_that_one_side_has_none_of_are_taken_over(swapped: bool, tmp_path: Path) -> None:
    plain = empty(2, [("generated", 1)])
    plain.filenames[:] = ["b.wav", "a.wav"]
    parts = [plain, tagged()] if swapped else [tagged(), plain]
    fuse(parts, "generated").save(tmp_path / "fused.nc")
    fused = load(tmp_path / "fused.nc")
    assert {item.filename: (item.labels, item.verified, item.group) for item in fused} == {
        "a.wav": (("Bark",), True, "ann"),
        "b.wav": (("Bark", "Gasp"), False, None),
    }
    assert fused.label_map == {"Bark": 0, "Gasp": 1} and fused.feature_shape == (2,)


def test_several_labels_must_agree_to_be_fused_or_put_together() -> None:
    other = tagged()
    other[1].labels = ["Gasp"]
    with pytest.raises(DataError, match=r"b.wav\) has labels \('Gasp',\), not \('Bark', 'Gasp'\)"):
        fuse([tagged(), other], "generated")
    with pytest.raises(DataError, match="data set 2 has label_map .*Sigh"):
        fuse([tagged(), tagged(["Bark", "Gasp", "Sigh"])], "generated")
    with pytest.raises(DataError, match="data set 2 has label_map .*Sigh"):
        concat_instances([tagged(), tagged(["Bark", "Gasp", "Sigh"])])
    both = concat_instances([tagged(), tagged()[1:]])
    assert [item.labels for item in both] == [("Bark",), ("Bark", "Gasp"), ("Bark", "Gasp")]


def test_chunks_with_several_labels_are_joined_and_scores_are_not() -> None:
    chunks = tagged()
    chunks.filenames[:], chunks.chunk_nrs[:] = "a.wav", [0, 1]
    chunks.verified[1], chunks.groups[1] = 1, "ann"
    with pytest.raises(DataError, match="has labels"):
        fuse_chunks(chunks, "generated")
    chunks[1].labels = ["Bark"]
    (joined,) = fuse_chunks(chunks, "generated")
    assert joined.labels == ("Bark",) and joined.shape == (2,)
    scores = with_scores(tagged(), np.zeros((2, 2)), ["Gasp", "Bark"])
    with pytest.raises(ShapeError, match="scores of labels, which cannot be joined"):
        fuse([scores, scores], "label")
