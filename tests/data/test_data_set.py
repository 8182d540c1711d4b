# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets in memory and loaded from files behave alike."""

import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

import audeep
from audeep.data.combine import concat_instances, fuse
from audeep.data.data_set import DataSet, Instance, empty, load
from audeep.data.schema import Partition, Split
from audeep.data.splits import add_cv_setup
from audeep.data.upsample import upsample
from audeep.errors import DataError, OutputError, ShapeError

FILENAMES = ["a.wav", "a.wav", "b.wav", "b.wav", "c.wav", "d.wav"]
CHUNK_NRS = [0, 1, 0, 1, 0, 0]
NOMINAL = ["dog", "dog", "cat", "cat", "dog", None]
NUMERIC = [0, 0, 1, 1, 0, None]
FOLDS = [[0, 1], [0, 1], [1, 0], [1, 0], [0, 0], [None, None]]
PARTITIONS = [0, 0, 2, 2, 1, None]
FEATURES = np.random.default_rng(0).normal(3, 5, (6, 2, 3)).astype(np.float32)
LABEL_MAP = {"dog": 0, "cat": 1}

MIB = 2**20


def numbers(values: list) -> np.ndarray:
    return np.array(values, float)  # None becomes NaN


def recordings() -> DataSet:
    """Six chunks of four recordings; the last one has no label, no folds and no partition."""
    data_set = empty(6, [("time", 2), ("freq", 3)], num_folds=2, label_map=LABEL_MAP)
    data_set.filenames[:] = FILENAMES
    data_set.chunk_nrs[:] = CHUNK_NRS
    data_set.labels_nominal[:] = NOMINAL
    data_set.labels_numeric[:] = numbers(NUMERIC)
    data_set.cv_folds[:] = numbers(FOLDS)
    data_set.partition[:] = numbers(PARTITIONS)
    return data_set.with_features(FEATURES.copy(), ["time", "freq"])


@pytest.fixture(params=["in memory", "on file"])
def data_set(request: pytest.FixtureRequest, tmp_path: Path) -> DataSet:
    if request.param == "in memory":
        return recordings()
    recordings().save(tmp_path / "recordings.nc")
    return load(tmp_path / "recordings.nc")


def names_and_chunks(data_set: DataSet) -> list[str]:
    return [f"{filename}{chunk}" for filename, chunk in zip(data_set.filenames, data_set.chunk_nrs, strict=True)]


# columns


def test_columns_are_typed_and_missing_values_are_nan_or_none(data_set: DataSet) -> None:
    assert data_set.filenames.tolist() == FILENAMES
    assert data_set.chunk_nrs.tolist() == CHUNK_NRS
    assert data_set.labels_nominal.tolist() == NOMINAL
    np.testing.assert_array_equal(data_set.labels_numeric, numbers(NUMERIC))
    np.testing.assert_array_equal(data_set.cv_folds, numbers(FOLDS))
    np.testing.assert_array_equal(data_set.partition, numbers(PARTITIONS))
    np.testing.assert_array_equal(data_set.features, FEATURES)
    assert data_set.chunk_nrs.dtype == np.int64
    assert data_set.labels_numeric.dtype == data_set.cv_folds.dtype == data_set.partition.dtype == np.float64
    assert data_set.features.dtype == np.float32


def test_metadata_are_all_columns_but_the_features(data_set: DataSet) -> None:
    metadata = data_set.metadata
    names = "filename chunk_nr label_nominal label_numeric cv_folds partition label_value num_frames"
    assert list(metadata) == [*names.split(), "verified", "usage", "group"]
    assert metadata["filename"].tolist() == FILENAMES
    np.testing.assert_array_equal(metadata["cv_folds"], numbers(FOLDS))


def test_dimensions_are_known(data_set: DataSet) -> None:
    assert len(data_set) == 6
    assert data_set.num_folds == 2
    assert data_set.feature_dims == ("time", "freq")
    assert data_set.feature_shape == (2, 3)
    assert data_set.label_map == LABEL_MAP


def test_an_empty_data_set_has_nothing_filled_in() -> None:
    data_set = empty(3, [("generated", 4)], num_folds=2)
    assert len(data_set) == 3
    assert data_set.filenames.tolist() == ["", "", ""]
    assert data_set.chunk_nrs.tolist() == [0, 0, 0]
    assert data_set.labels_nominal.tolist() == [None, None, None]
    assert np.isnan(data_set.labels_numeric).all()
    assert np.isnan(data_set.cv_folds).all() and data_set.cv_folds.shape == (3, 2)
    assert np.isnan(data_set.partition).all()
    assert np.isnan(data_set.features).all() and data_set.features.shape == (3, 4)
    assert data_set.label_map is None


def test_the_public_names_of_the_package_are_those_of_the_data_model() -> None:
    assert (audeep.DataSet, audeep.load, audeep.Partition, audeep.Split) == (DataSet, load, Partition, Split)
    with pytest.raises(AttributeError, match="attribute dataset"):
        _ = audeep.dataset


# instances


def test_an_instance_shows_its_row_in_plain_python_values(data_set: DataSet) -> None:
    instance = data_set[2]
    assert instance.filename == "b.wav" and type(instance.filename) is str
    assert instance.chunk_nr == 0 and type(instance.chunk_nr) is int
    assert instance.label_nominal == "cat"
    assert instance.label_numeric == 1 and type(instance.label_numeric) is int
    assert instance.cv_folds == [Split.VALID, Split.TRAIN] and type(instance.cv_folds[0]) is Split
    assert instance.partition is Partition.TEST
    assert instance.shape == (2, 3)
    np.testing.assert_array_equal(instance.features, FEATURES[2])


def test_missing_values_of_an_instance_are_none(data_set: DataSet) -> None:
    instance = data_set[5]
    assert (instance.label_nominal, instance.label_numeric, instance.partition) == (None, None, None)
    assert instance.cv_folds == [None, None]


def test_writing_to_an_instance_changes_its_row_and_no_other(data_set: DataSet) -> None:
    instance = data_set[5]
    instance.filename, instance.chunk_nr = "e.wav", 4
    instance.label_nominal, instance.label_numeric = "cow", 7
    instance.cv_folds, instance.partition = [Split.VALID, None], Partition.DEVEL
    instance.features = np.full((2, 3), 9)
    assert names_and_chunks(data_set) == ["a.wav0", "a.wav1", "b.wav0", "b.wav1", "c.wav0", "e.wav4"]
    assert data_set.labels_nominal.tolist() == [*NOMINAL[:5], "cow"]
    assert data_set.labels_numeric.tolist() == [*NUMERIC[:5], 7]
    np.testing.assert_array_equal(data_set.cv_folds, numbers([*FOLDS[:5], [1, None]]))
    assert data_set.partition.tolist() == [*PARTITIONS[:5], 1]
    np.testing.assert_array_equal(data_set.features, [*FEATURES[:5], np.full((2, 3), 9)])
    assert (instance.label_nominal, instance.label_numeric, instance.partition) == ("cow", 7, Partition.DEVEL)


def test_writing_none_to_an_instance_removes_the_value(data_set: DataSet) -> None:
    instance = data_set[0]
    instance.label_nominal = instance.label_numeric = instance.partition = None
    instance.cv_folds = [None, Split.VALID]
    assert data_set.labels_nominal[0] is None
    assert np.isnan(data_set.labels_numeric[0])
    assert np.isnan(data_set.partition[0])
    np.testing.assert_array_equal(data_set.cv_folds[0], [np.nan, 1])


def test_features_of_an_instance_can_be_written_in_transposed_data(data_set: DataSet) -> None:
    transposed = data_set.with_feature_dimensions(["freq", "time"])
    transposed[1].features = np.arange(6).reshape(3, 2)
    np.testing.assert_array_equal(transposed[1].features, [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(transposed[2].features, FEATURES[2].T)


def test_what_is_written_to_an_instance_is_saved_but_the_file_it_came_from_stays(tmp_path: Path) -> None:
    recordings().save(tmp_path / "old.nc")
    changed = load(tmp_path / "old.nc")
    changed[0].features = np.zeros((2, 3))
    changed[0].label_nominal = "cat"
    changed.save(tmp_path / "new.nc")
    old, new = load(tmp_path / "old.nc")[0], load(tmp_path / "new.nc")[0]
    assert (old.label_nominal, new.label_nominal) == ("dog", "cat")
    np.testing.assert_array_equal(old.features, FEATURES[0])
    np.testing.assert_array_equal(new.features, np.zeros((2, 3)))


@pytest.mark.parametrize("name", ["label", "foo", "data"])
def test_an_unknown_attribute_of_an_instance_names_those_there_are(name: str) -> None:
    with pytest.raises(AttributeError, match=f"no '{name}'; it has .*'filename'.*'num_frames', .*'labels', 'features'"):
        getattr(recordings()[0], name)
    with pytest.raises(AttributeError, match=f"no '{name}'"):
        setattr(recordings()[0], name, 1)


# selections


@pytest.mark.parametrize("index", [4, np.int64(4), -2])
def test_a_number_selects_an_instance(data_set: DataSet, index: int) -> None:
    instance = data_set[index]
    assert isinstance(instance, Instance)
    assert instance.filename == "c.wav"
    np.testing.assert_array_equal(instance.features, FEATURES[4])


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (slice(1, 3), [1, 2]),
        (slice(None, None, -2), [5, 3, 1]),
        (slice(4, 99), [4, 5]),
        (np.array([5, 0, 0]), [5, 0, 0]),
        ([3, -1], [3, 5]),
        (np.array([True, False, False, True, False, False]), [0, 3]),
        ([], []),
    ],
)
def test_slices_and_arrays_select_data_sets(data_set: DataSet, index: slice | np.ndarray, rows: list[int]) -> None:
    selected = data_set[index]
    assert isinstance(selected, DataSet)
    assert selected.filenames.tolist() == [FILENAMES[row] for row in rows]
    assert selected.labels_nominal.tolist() == [NOMINAL[row] for row in rows]
    np.testing.assert_array_equal(selected.cv_folds, numbers(FOLDS)[rows])
    np.testing.assert_array_equal(selected.features, FEATURES[rows])
    assert selected.label_map == LABEL_MAP


def test_selections_of_selections_read_the_right_features(data_set: DataSet) -> None:
    selected = data_set[1:][[4, 0, 2]][::-1]
    np.testing.assert_array_equal(selected.features, FEATURES[[3, 1, 5]])
    np.testing.assert_array_equal(selected[0].features, FEATURES[3])


@pytest.mark.parametrize("index", [6, -7, 100])
def test_a_number_out_of_range_is_an_error_that_names_the_range(data_set: DataSet, index: int) -> None:
    with pytest.raises(DataError, match=f"instance {index} is out of range: the data set has instances 0 to 5"):
        data_set[index]


def test_iteration_gives_all_instances_in_order(data_set: DataSet) -> None:
    assert [f"{instance.filename}{instance.chunk_nr}" for instance in data_set] == names_and_chunks(data_set)
    assert len(list(data_set)) == 6


def test_a_split_has_the_instances_of_one_part_of_a_fold(data_set: DataSet) -> None:
    assert names_and_chunks(data_set.split(0, Split.TRAIN)) == ["a.wav0", "a.wav1", "c.wav0"]
    assert names_and_chunks(data_set.split(0, Split.VALID)) == ["b.wav0", "b.wav1"]
    assert names_and_chunks(data_set.split(1, Split.TRAIN)) == ["b.wav0", "b.wav1", "c.wav0"]
    np.testing.assert_array_equal(data_set.split(1, Split.VALID).features, FEATURES[:2])


@pytest.mark.parametrize("fold", [-1, 2])
def test_a_fold_out_of_range_is_an_error(data_set: DataSet, fold: int) -> None:
    with pytest.raises(DataError, match=f"fold {fold} is out of range: the data set has 2 cross-validation folds"):
        data_set.split(fold, Split.TRAIN)


def test_partitions_can_be_taken_together(data_set: DataSet) -> None:
    assert names_and_chunks(data_set.partitions([Partition.DEVEL])) == ["c.wav0"]
    both = data_set.partitions([Partition.TEST, Partition.TRAIN])
    assert names_and_chunks(both) == ["a.wav0", "a.wav1", "b.wav0", "b.wav1"]
    np.testing.assert_array_equal(both.features, FEATURES[:4])
    assert len(data_set.partitions([])) == 0


def test_shuffling_is_a_permutation_that_the_seed_decides(data_set: DataSet) -> None:
    shuffled = data_set.shuffled(1)
    assert sorted(names_and_chunks(shuffled)) == sorted(names_and_chunks(data_set))
    assert names_and_chunks(shuffled) == names_and_chunks(data_set.shuffled(1))
    assert len({tuple(names_and_chunks(data_set.shuffled(seed))) for seed in range(5)}) > 1
    rows = [names_and_chunks(data_set).index(name) for name in names_and_chunks(shuffled)]
    np.testing.assert_array_equal(shuffled.features, FEATURES[rows])
    assert shuffled.labels_nominal.tolist() == [NOMINAL[row] for row in rows]


def test_shuffling_goes_on_with_a_given_generator() -> None:
    many = empty(50, [])
    many.chunk_nrs[:] = np.arange(50)
    generator = np.random.default_rng(3)
    assert many.shuffled(generator).chunk_nrs.tolist() != many.shuffled(generator).chunk_nrs.tolist()


def test_blocks_are_consecutive_and_no_larger_than_asked(data_set: DataSet) -> None:
    bytes_per_instance = 4 * 2 * 3
    assert [len(block) for block in data_set.blocks(4 * bytes_per_instance)] == [4, 2]
    assert [len(block) for block in data_set.blocks(bytes_per_instance - 1)] == [1] * 6
    assert [len(block) for block in data_set.blocks()] == [6]
    joined = np.concatenate([block.features for block in data_set.blocks(4 * bytes_per_instance)])
    np.testing.assert_array_equal(joined, FEATURES)


# what a data set tells about itself


def test_information_counts_only_if_no_instance_lacks_it(data_set: DataSet) -> None:
    assert not data_set.has_cv_info
    assert not data_set.has_partition_info
    assert not data_set.is_fully_labelled
    complete = data_set[:5]
    assert complete.has_cv_info
    assert complete.has_partition_info
    assert complete.is_fully_labelled


def test_one_split_missing_in_one_fold_is_partial_information(data_set: DataSet) -> None:
    complete = data_set[:5]
    complete[3].cv_folds = [None, Split.TRAIN]
    assert not complete.has_cv_info


def test_without_folds_there_is_no_cross_validation_information() -> None:
    assert not empty(3, [("generated", 2)]).has_cv_info


@pytest.mark.parametrize("missing", ["label_nominal", "label_numeric"])
def test_a_label_needs_its_name_and_its_number(data_set: DataSet, missing: str) -> None:
    complete = data_set[:5]
    setattr(complete[1], missing, None)
    assert not complete.is_fully_labelled


def test_labels_are_those_of_the_label_map_by_number() -> None:
    data_set = empty(1, [], label_map={"ant": 2, "bee": 0, "cow": 1})
    assert list(data_set.labels.items()) == [("bee", 0), ("cow", 1), ("ant", 2)]


def test_labels_without_a_label_map_are_those_that_occur(data_set: DataSet) -> None:
    unmapped = DataSet(data_set.data)
    unmapped[4].label_nominal, unmapped[4].label_numeric = "ant", 5
    assert list(unmapped.labels.items()) == [("dog", 0), ("cat", 1), ("ant", 5)]
    assert all(type(number) is int for number in unmapped.labels.values())


def test_labels_without_a_name_are_not_listed(data_set: DataSet) -> None:
    unmapped = DataSet(data_set.data)[:5]
    for row in (2, 3):
        unmapped[row].label_nominal = None
    assert unmapped.labels == {"dog": 0}


def test_without_instances_there_is_no_partition_information() -> None:
    assert not empty(0, []).has_partition_info


# other features


def test_scaling_standardises_each_feature(data_set: DataSet) -> None:
    expected = StandardScaler().fit_transform(FEATURES.reshape(6, -1).astype(np.float64)).reshape(6, 2, 3)
    scaled = data_set.scaled()
    np.testing.assert_allclose(scaled.features, expected, atol=1e-6)
    assert scaled.features.dtype == np.float32
    assert scaled.feature_dims == ("time", "freq")
    assert scaled.labels_nominal.tolist() == NOMINAL
    np.testing.assert_array_equal(data_set.features, FEATURES)


def test_scaling_turns_constant_features_to_zero() -> None:
    features = np.array([[1, 0.1], [3, 0.1], [2, 0.1]], np.float32)
    scaled = empty(3, []).with_features(features, ["generated"]).scaled().features
    np.testing.assert_allclose(scaled[:, 0], np.array([-1, 1, 0]) * np.sqrt(3 / 2), rtol=1e-6)
    assert scaled[:, 1].tolist() == [0, 0, 0]


def test_features_are_transposed_into_the_order_asked_for(data_set: DataSet) -> None:
    transposed = data_set.with_feature_dimensions(["freq", "time"])
    assert transposed.feature_dims == ("freq", "time")
    assert transposed.feature_shape == (3, 2)
    np.testing.assert_array_equal(transposed.features, FEATURES.transpose(0, 2, 1))
    np.testing.assert_array_equal(transposed[[4, 1]].features, FEATURES.transpose(0, 2, 1)[[4, 1]])
    np.testing.assert_array_equal(transposed[3].features, FEATURES[3].T)
    assert data_set.feature_dims == ("time", "freq")


@pytest.mark.parametrize("dims", [["time"], ["time", "generated"], ["time", "freq", "freq"]])
def test_other_axes_than_the_present_ones_are_an_error(data_set: DataSet, dims: list[str]) -> None:
    with pytest.raises(ShapeError, match=r"features have axes \['time', 'freq'\], expected \['time'"):
        data_set.with_feature_dimensions(dims)


def test_features_can_be_replaced_by_those_of_another_shape(data_set: DataSet, tmp_path: Path) -> None:
    replaced = data_set.with_features(np.arange(24, dtype=np.float32).reshape(6, 4), ["generated"])
    assert replaced.feature_dims == ("generated",)
    assert replaced.filenames.tolist() == FILENAMES
    assert replaced.label_map == LABEL_MAP
    replaced.save(tmp_path / "replaced.nc")
    np.testing.assert_array_equal(load(tmp_path / "replaced.nc").features, np.arange(24).reshape(6, 4))
    np.testing.assert_array_equal(data_set.features, FEATURES)


@pytest.mark.parametrize(
    ("shape", "dims", "message"),
    [
        ((5, 4), ["generated"], r"shape \(5, 4\), expected 6 instances and 1 axes \(generated\)"),
        ((6, 4), ["time", "freq"], r"shape \(6, 4\), expected 6 instances and 2 axes \(time, freq\)"),
    ],
)
def test_replacing_features_by_too_few_or_flat_ones_is_an_error(
    data_set: DataSet, shape: tuple[int, ...], dims: list[str], message: str
) -> None:
    with pytest.raises(ShapeError, match=message):
        data_set.with_features(np.zeros(shape, np.float32), dims)


# files


def test_saving_and_loading_gives_the_same_data_set(data_set: DataSet, tmp_path: Path) -> None:
    data_set.save(tmp_path / "saved.nc")
    loaded = load(str(tmp_path / "saved.nc"))
    assert loaded.data.identical(data_set.data)
    assert loaded.label_map == data_set.label_map


@pytest.mark.parametrize("num_folds", [0, 2])
def test_a_data_set_without_instances_can_be_saved_and_loaded(tmp_path: Path, num_folds: int) -> None:
    empty(0, [("time", 3), ("freq", 2)], num_folds).save(tmp_path / "empty.nc")
    loaded = load(tmp_path / "empty.nc")
    assert len(loaded) == 0
    assert loaded.num_folds == num_folds
    assert loaded.feature_shape == (3, 2)
    assert list(loaded) == list(loaded.blocks()) == []


def test_a_file_can_be_saved_over_itself(tmp_path: Path) -> None:
    recordings().save(tmp_path / "recordings.nc")
    load(tmp_path / "recordings.nc")[3:].save(tmp_path / "recordings.nc")
    loaded = load(tmp_path / "recordings.nc")
    assert loaded.filenames.tolist() == FILENAMES[3:]
    np.testing.assert_array_equal(loaded.features, FEATURES[3:])


def test_a_data_set_is_not_saved_over_a_directory(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a directory"):
        recordings().save(tmp_path)


@pytest.fixture
def peak_memory() -> Iterator[Callable[[], int]]:
    """Bytes allocated at most since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def write_mostly_empty_file(path: Path, num_instances: int, num_features: int) -> None:
    """A file of which only the features of instances 7 and 42 take space on disk."""
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("instance", num_instances), ("fold", 2), ("generated", num_features)):
            file.createDimension(name, size)
        rows = np.arange(num_instances)
        file.createVariable("filename", str, ["instance"])[:] = np.array([f"{row}.wav" for row in rows], object)
        file.createVariable("chunk_nr", "i8", ["instance"])[:] = 0
        file.createVariable("cv_folds", "i8", ["instance", "fold"])[:] = np.stack([rows % 2, rows % 3 == 0], axis=1)
        file.createVariable("partition", "i8", ["instance"])[:] = rows % 3
        features = file.createVariable("features", "f4", ["instance", "generated"], chunksizes=(1, num_features))
        features[7], features[42] = 7, 42
    os.truncate(path, path.stat().st_size + 4 * num_instances * num_features)  # what the others would take


@pytest.mark.slow
def test_features_stay_on_disk_until_they_are_asked_for_and_only_those_are_read(
    tmp_path: Path, peak_memory: Callable[[], int]
) -> None:
    write_mostly_empty_file(tmp_path / "large.nc", num_instances=2000, num_features=250_000)  # 2 GB of features
    data_set = load(tmp_path / "large.nc")
    valid = data_set.split(0, Split.VALID)
    train = data_set.partitions([Partition.TRAIN])
    shuffled = data_set.shuffled(0)
    transposed = data_set.with_feature_dimensions(["generated"])
    assert peak_memory() < 5 * MIB
    assert (len(valid), len(train), len(shuffled), len(transposed)) == (1000, 667, 2000, 2000)

    position = shuffled.filenames.tolist().index("42.wav")
    assert set(valid[3].features) == {7}
    assert train[13:15].features[1, 0] == 42
    assert set(shuffled[position : position + 3].features[0]) == {42}
    assert transposed[[42, 7]].features[:, -1].tolist() == [42, 7]
    assert peak_memory() < 40 * MIB


@pytest.mark.slow
def test_saving_holds_one_block_of_features_in_memory(tmp_path: Path, peak_memory: Callable[[], int]) -> None:
    write_mostly_empty_file(tmp_path / "large.nc", num_instances=150, num_features=250_000)  # 150 MB of features
    data_set = load(tmp_path / "large.nc")
    data_set.save(tmp_path / "copy.nc")
    assert peak_memory() < 100 * MIB
    assert load(tmp_path / "copy.nc")[[42, 7]].features[:, -1].tolist() == [42, 7]


def test_settings_of_preprocessing_stay_with_the_spectrograms(tmp_path: Path) -> None:
    recordings().save(tmp_path / "unknown.nc")
    assert load(tmp_path / "unknown.nc").preprocessing is None
    data_set = recordings()
    data_set.data.attrs["preprocessing"] = '{"window_width": 0.5}'
    data_set.partitions([Partition.TRAIN, Partition.TEST]).save(tmp_path / "known.nc")
    known, settings = load(tmp_path / "known.nc"), {"window_width": 0.5}
    assert known.preprocessing == known[1:].preprocessing == upsample(known).preprocessing == settings
    assert add_cv_setup(known, 2).preprocessing == concat_instances([known, known]).preprocessing == settings
    assert known.with_features(known.features, ["time", "freq"]).preprocessing is None
    assert fuse([known, known], "freq").preprocessing is None
    other = known[:]
    other.data.attrs = {"preprocessing": '{"window_width": 0.4}'}
    assert concat_instances([known, other], any_preprocessing=True).preprocessing is None
