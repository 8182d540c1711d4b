# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories of shards are one data set; manifests that say something else than is there are refused in one line."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audeep import DataSet, load, validate
from audeep.data import shards
from audeep.data.combine import save_in_shards
from audeep.data.manifest import MANIFEST
from audeep.data.schema import Split
from audeep.errors import DataError, OptionError, OutputError
from tests.support.data_sets import assert_same


@pytest.fixture
def directory(make_spectrograms: Callable[..., DataSet], tmp_path: Path) -> Path:
    """Ten spectrograms in three shards."""
    save_in_shards(make_spectrograms(10), tmp_path / "data", 3)
    return tmp_path / "data"


@pytest.mark.slow
@pytest.mark.parametrize("num_shards", [1, 3, 10])
@pytest.mark.parametrize("kind", ["alike", "padded", "label sets"])
def test_shards_are_the_data_set_that_one_file_is(
    make_spectrograms, make_label_sets, tmp_path: Path, num_shards: int, kind: str
) -> None:
    data_set = (make_label_sets if kind == "label sets" else make_spectrograms)(
        10, lengths=[6, 3, 4] if kind == "padded" else None
    )
    data_set.data.attrs["preprocessing"] = json.dumps({"window_width": 0.5})
    data_set.save(tmp_path / "one.nc")
    save_in_shards(data_set, tmp_path / "several", num_shards)
    assert len(list((tmp_path / "several").glob("*.nc"))) == num_shards
    assert_same(load(tmp_path / "several"), load(tmp_path / "one.nc"))
    assert load(tmp_path / "several").source == str(tmp_path / "several")


def test_any_selection_gives_the_features_of_its_instances(directory: Path, make_spectrograms) -> None:
    found, expected = load(directory), make_spectrograms(10).features
    np.testing.assert_array_equal(found.shuffled(3).features, expected[np.random.default_rng(3).permutation(10)])
    for rows in ([9, 1, 1, 5, 0, -1], slice(2, 8), slice(8, 2, -2), np.array([], int), [7]):
        np.testing.assert_array_equal(found[rows].features, expected[rows])
    np.testing.assert_array_equal(found[[8, 2, 5, 0]][1:][::2].features, expected[[2, 0]])
    np.testing.assert_array_equal(found[4].features, expected[4])
    np.testing.assert_array_equal(np.concatenate([block.features for block in found.blocks(500)]), expected)
    turned = found.with_feature_dimensions(["freq", "time"])
    np.testing.assert_array_equal(turned[3:].features, expected[3:].transpose(0, 2, 1))
    part = found.data["features"][:, 1:4, [3, 0]]
    np.testing.assert_array_equal(part.values, expected[:, 1:4][:, :, [3, 0]])
    valid = found.split(0, Split.VALID)
    np.testing.assert_array_equal(valid.features, expected[found.cv_folds[:, 0] == 1])


def test_features_stay_on_disk_and_few_files_are_open(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "MOST_OPEN", 2)
    before = len(os.listdir("/proc/self/fd"))
    data_set = load(directory)
    assert len(os.listdir("/proc/self/fd")) == before
    expected = data_set.features
    np.testing.assert_array_equal(data_set.shuffled(0).shuffled(1)[::-1].features.sum(), expected.sum())
    assert len(os.listdir("/proc/self/fd")) - before <= 2 * 2


def test_shards_may_be_empty(make_spectrograms, tmp_path: Path) -> None:
    data_set = make_spectrograms(4)
    save_in_shards(data_set, tmp_path / "data", 2)
    manifest = json.loads((tmp_path / "data" / MANIFEST).read_text())
    data_set[[]].save(tmp_path / "data" / "none.nc")
    size = (tmp_path / "data" / "none.nc").stat().st_size
    manifest["shards"].insert(1, {"name": "none.nc", "instances": 0, "bytes": size, "sha256": ""})
    (tmp_path / "data" / MANIFEST).write_text(json.dumps(manifest))
    np.testing.assert_array_equal(load(tmp_path / "data")[[3, 0]].features, data_set[[3, 0]].features)


def test_a_shard_that_is_written_to_after_loading_is_not_read(directory: Path, make_spectrograms) -> None:
    data_set = load(directory)
    make_spectrograms(4).save(directory / "shard-0002.nc")
    assert data_set[:2].features.shape == (2, 6, 4)
    with pytest.raises(DataError, match="shard-0002.nc: was written to after it was loaded; load it again"):
        data_set[8:].features  # noqa: B018


def damaged(directory: Path) -> list[str]:
    return next(each.violations for each in validate(load(directory)) if each.number == 14)


def test_validate_reads_all_shards(directory: Path, make_spectrograms) -> None:
    features = make_spectrograms(10).features
    assert damaged(directory) == []
    path = directory / "shard-0001.nc"
    content = bytearray(path.read_bytes())
    content[content.index(features[4].tobytes())] ^= 1
    path.write_bytes(content)
    (violation,) = damaged(directory)
    assert violation.startswith("shard-0001.nc: has the checksum ")


def edited(directory: Path, edit: Callable[[Any], Any]) -> None:
    path = directory / MANIFEST
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(edit(manifest) or manifest))


def second(**changes: object) -> Callable[[Any], None]:
    return lambda manifest: manifest["shards"][1].update(changes)


@pytest.mark.parametrize(
    "edit, message",
    [
        (second(name="../data/shard-0001.nc"), "shard 1 is '../data/shard-0001.nc', the name of a file beside it"),
        (second(name="/etc/passwd"), "shard 1 is '/etc/passwd', the name of a file beside it was expected"),
        (second(name=".."), "shard 1 is '..', the name of a file"),
        (second(name=""), "shard 1 is '', the name of a file"),
        (second(name="."), "shard 1 is '.', the name of a file"),
        (second(name="a\0b"), "the name of a file beside it"),
        (second(name="a\nb"), r"data/a\nb: No such file or directory, but"),
        (second(name="b" * 300), "File name too long, but"),
        (second(name="shard-0000.nc"), "lists shard-0000.nc twice"),
        (second(name=MANIFEST), "the name of a file beside it was expected"),
        (second(name="gone.nc"), "gone.nc: No such file or directory, but "),
        (second(name=3), "shard 1 lacks one of name, instances, bytes, sha256"),
        (second(instances=4), "has 3 instances, "),
        (second(instances=10**30), "has 3 instances, "),
        (second(instances=-1), "shard 1 has -1 instances"),
        (second(instances=3.0), "shard 1 lacks one of"),
        (second(instances=True), "shard 1 lacks one of"),
        (second(bytes=5), "bytes, "),
        (lambda manifest: manifest["shards"].pop(1).clear(), None),
        (lambda manifest: manifest["shards"][1].pop("sha256") and None, "shard 1 lacks one of"),
        (lambda manifest: manifest.update(format=2), "format 2 found, expected 1"),
        (lambda manifest: manifest.update(format=True), "format True found, expected 1"),
        (lambda manifest: manifest.update(shards=[]), "lists no shards"),
        (lambda manifest: manifest.update(shards={"0": 1}), "lists no shards"),
        (lambda manifest: [manifest], "format None found"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused_in_one_line(directory: Path, edit, message: str | None) -> None:
    edited(directory, edit)
    if message is None:  # a list that leaves out a shard is another data set
        assert len(load(directory)) == 7
        return
    with pytest.raises(DataError) as caught:
        load(directory)
    assert message in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 700


@pytest.mark.parametrize("content", ["", "{", "[" * 10**5, '{"format": 1e400}', "\x00"])
def test_a_manifest_that_is_not_json_is_refused(directory: Path, content: str) -> None:
    (directory / MANIFEST).write_text(content)
    with pytest.raises(DataError, match=rf"data/{MANIFEST}: (is not JSON|format)"):
        load(directory)


def test_a_directory_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"{tmp_path}: is a directory without {MANIFEST}; a data set file"):
        load(tmp_path)


def with_columns(data_set: DataSet) -> DataSet:
    return DataSet(data_set.data, {"rise": 0, "fall": 5})


@pytest.mark.parametrize(
    "change, what",
    [
        (lambda data_set: data_set.with_features(data_set.features[:, 1:], ["time", "freq"]), "other dimensions"),
        (lambda data_set: data_set.with_features(data_set.features, ["time", "other"]), "other feature axes"),
        (with_columns, "other label_map"),
        (lambda data_set: DataSet(data_set.data.assign_attrs(preprocessing="{}"), data_set.label_map), "attributes"),
        (lambda data_set: DataSet(data_set.data.isel(fold=[0]), data_set.label_map), "other dimensions"),
    ],
)
def test_shards_that_do_not_go_together_are_refused(directory: Path, make_spectrograms, change, what: str) -> None:
    change(make_spectrograms(3)).save(directory / "shard-0001.nc")
    edited(directory, second(bytes=(directory / "shard-0001.nc").stat().st_size))
    with pytest.raises(DataError, match=f"shard-0001.nc: has {what}|shard-0001.nc: has other {what}") as caught:
        load(directory)
    assert "\n" not in str(caught.value)


def test_no_more_shards_than_instances(make_spectrograms, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="shards=4: there are 3"):
        save_in_shards(make_spectrograms(3), tmp_path / "data", 4)
    assert os.listdir(tmp_path) == []


def test_shards_replace_shards_and_nothing_else(directory: Path, make_spectrograms, tmp_path: Path) -> None:
    save_in_shards(make_spectrograms(4), directory, 2)
    assert sorted(os.listdir(directory)) == ["shard-0000.nc", "shard-0001.nc", MANIFEST]
    assert len(load(directory)) == 4
    (directory / "mine.txt").touch()
    with pytest.raises(OutputError, match=r"data: has other files than shards \(mine.txt\); choose another name"):
        save_in_shards(make_spectrograms(4), directory, 2)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file: is a file, a directory for shards was expected"):
        save_in_shards(make_spectrograms(4), tmp_path / "file", 2)
    assert sorted(os.listdir(tmp_path)) == ["data", "file"] and len(load(directory)) == 4


def test_what_fails_leaves_the_shards_that_were_there(
    directory: Path, make_spectrograms, tmp_path, monkeypatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("audeep.data.combine.measured", fail)
    with pytest.raises(ZeroDivisionError):
        save_in_shards(make_spectrograms(4), directory, 2)
    assert os.listdir(tmp_path) == ["data"] and len(load(directory)) == 10


def test_shards_that_cannot_be_replaced_stay(directory: Path, make_spectrograms, tmp_path: Path, monkeypatch) -> None:
    rename = os.rename

    def fail_once(source: Path, target: Path) -> None:
        if target == directory:
            moved.append(source)
            if len(moved) == 1:
                raise OSError(5, "Input/output error")
        rename(source, target)

    moved: list[Path] = []
    monkeypatch.setattr("audeep.data.manifest.os.rename", fail_once)
    with pytest.raises(OutputError, match="Input/output error"):
        save_in_shards(make_spectrograms(4), directory, 2)
    assert len(moved) == 2 and os.listdir(tmp_path) == ["data"] and len(load(directory)) == 10
