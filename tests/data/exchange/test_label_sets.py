# SPDX-License-Identifier: GPL-3.0-or-later
"""Several labels, verified labels, usage and groups in tables: what `export` writes comes back by `import_`."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audeep.data.data_set import DataSet, empty
from audeep.data.exchange.cells import cell_of, names_in
from audeep.data.exchange.exporting import export
from audeep.data.exchange.importing import import_
from audeep.errors import DataError

NAMES = ["'tick", "Gasp", "Sigh, long", 'the "Bark"']


def tagged() -> DataSet:
    data_set = empty(5, [("generated", 2)], label_names=NAMES)
    data_set.filenames[:] = [f"{index}.wav" for index in range(5)]
    for index, labels in enumerate([("Gasp", "Sigh, long"), ("'tick",), (), ('the "Bark"', "'tick"), None]):
        data_set[index].labels = labels
    data_set.verified[:] = [1, 0, np.nan, 0, 1]
    data_set.usage[:] = [None, "Public", "Private, later", None, None]
    data_set.groups[:] = ["ann", None, "bob", "ann", "x'y"]
    data_set.data["features"].values[:] = np.arange(10).reshape(5, 2)
    return data_set


@pytest.mark.parametrize("file_format", ["csv", "arff"])
@pytest.mark.parametrize("labels_last", [False, True])
def test_what_is_known_of_recordings_comes_back(tmp_path: Path, file_format: str, labels_last: bool) -> None:
    data_set = tagged()
    export(data_set, tmp_path, "tagged", file_format, labels_last)
    again = import_(tmp_path, "tagged")
    assert again.label_names == tuple(NAMES) and again.label_map == data_set.label_map
    assert [item.labels for item in again] == [item.labels for item in data_set]
    for name in ("verified", "usage", "group"):
        assert [getattr(item, name) for item in again] == [getattr(item, name) for item in data_set]
    np.testing.assert_array_equal(again.features, data_set.features)


def test_a_table_has_the_labels_of_a_recording_in_one_cell(tmp_path: Path) -> None:
    export(tagged(), tmp_path, "tagged", "csv")
    table = pd.read_csv(tmp_path / "tagged.csv", dtype=str, keep_default_na=False)
    columns = ["filename", "chunk_nr", "labels", "verified", "usage", "group", "feature_0", "feature_1"]
    assert table.columns.tolist() == columns
    assert table["labels"].tolist()[:2] + table["labels"].tolist()[4:] == ['Gasp,"Sigh, long"', "'tick", ""]
    assert table["verified"].tolist() == ["1", "0", "", "0", "1"]


def test_columns_of_what_no_recording_has_are_not_written(tmp_path: Path) -> None:
    data_set = tagged()[[0, 3]]
    data_set.verified[:], data_set.usage[:], data_set.groups[:] = np.nan, None, None
    export(data_set, tmp_path, "tagged", "csv")
    assert (tmp_path / "tagged.csv").read_text().startswith("filename,chunk_nr,labels,feature_0")


def test_labels_of_folds_come_back(tmp_path: Path) -> None:
    data_set = tagged()
    data_set.data = data_set.data.drop_dims("fold").assign(cv_folds=(("instance", "fold"), np.eye(5)[:, :2]))
    data_set.cv_folds[2:, 1] = 1
    export(data_set, tmp_path, "tagged", "csv")
    again = import_(tmp_path, "tagged")
    assert {item.filename: item.labels for item in again} == {item.filename: item.labels for item in data_set}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('labels,x\n"""Gasp,Sigh",1\n', "labels is '\"Gasp,Sigh' in data row 1 \\(unexpected end of data\\); fix it"),
        ("verified,x\n1,1\n2,1\n", "verified is '2' in data row 2, expected 0 or 1"),
        (
            "labels,label_nominal,x\nGasp,Gasp,1\n",
            "synthetic_0 has a label in the column label_nominal or label_num",
        ),
        ("filename,labels,x\na,Gasp,1\na,Sigh,1\n", "2 rows are called 'a' and have different values of labels"),
    ],
)
def test_tables_that_contradict_themselves_are_refused_in_one_line(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(DataError, match=problem) as error:
        import_(tmp_path, "bad")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("Gasp,Sigh", ("Gasp", "Sigh")),
        (" Gasp , Sigh ", ("Gasp", "Sigh")),
        ('Gasp, "a, b"', ("Gasp", "a, b")),
        ("Gasp,Gasp,", ("Gasp",)),
        ('""', ()),
        ("", ()),
    ],
)
def test_names_in_a_cell(cell: str, names: tuple[str, ...]) -> None:
    assert names_in(cell) == names
    assert names_in(cell_of(names)) == names
    assert names_in(cell_of(names, "|"), "|") == names
