# SPDX-License-Identifier: GPL-3.0-or-later
"""CSV and ARFF files as audeep exports them, and as other programs write them."""

from collections.abc import Callable
from pathlib import Path

import arff
import numpy as np
import pandas as pd
import pytest

from audeep.data.data_set import DataSet, empty, load
from audeep.data.exchange.exporting import export
from audeep.data.exchange.importing import import_
from audeep.data.schema import Partition, Split
from audeep.errors import DataError

NAMES = [
    "a.wav",
    "b c.wav",
    "d,e.wav",
    "it's.wav",
    'say "f".wav',
    "100%.wav",
    "{g}.wav",
    "ä/ö.wav",
    "?",
    "NA",
    "1",
    "x\\y",
]
LABELS = ["dog bark", "cat's", "?", "{x}"]


def sample(num_folds: int, partitioned: bool, labelled: bool = True, chunks: int = 2) -> DataSet:
    """Instances with awkward names and labels, chunks of recordings side by side; folds overlap in one recording."""
    label_map = {label: number for number, label in enumerate(LABELS)} if labelled else None
    data_set = empty(chunks * len(NAMES), [("generated", 3)], num_folds, label_map)
    for row, instance in enumerate(data_set):
        number = row // chunks
        instance.filename, instance.chunk_nr = NAMES[number], row % chunks
        if labelled:
            instance.label_nominal, instance.label_numeric = LABELS[number % 4], number % 4
        instance.cv_folds = [Split(number % num_folds == fold or number == 5) for fold in range(num_folds)]
        instance.partition = Partition(number % 3) if partitioned else None
    values = np.random.default_rng(0).standard_normal((len(data_set), 3)).astype(np.float32)
    values[0] = [1e-30, -1 / 3, 16777217]
    values[1, 2] = np.nan
    return data_set.with_features(values, ["generated"])


def assert_same_but_for_order(found: DataSet, expected: DataSet) -> None:
    keys = [list(zip(data_set.filenames, data_set.chunk_nrs, strict=True)) for data_set in (found, expected)]
    order = [keys[0].index(key) for key in keys[1]]
    assert sorted(order) == list(range(len(expected))) == list(range(len(found)))
    found = found[np.array(order)]
    for name, column in expected.metadata.items():
        assert found.metadata[name].dtype == column.dtype
        np.testing.assert_array_equal(found.metadata[name], column, err_msg=name)
    np.testing.assert_array_equal(found.features, expected.features)
    assert found.label_map == expected.label_map and found.feature_dims == expected.feature_dims


@pytest.mark.parametrize("file_format", ["csv", "arff"])
@pytest.mark.parametrize("labels_last", [False, True])
@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize(("num_folds", "partitioned"), [(0, False), (4, False), (0, True), (2, True)])
def test_what_is_exported_and_imported_is_the_same(
    tmp_path: Path, num_folds: int, partitioned: bool, labelled: bool, labels_last: bool, file_format: str
) -> None:
    data_set = sample(num_folds, partitioned, labelled)
    export(data_set, tmp_path, "birds", file_format, labels_last)
    assert_same_but_for_order(import_(tmp_path, "birds"), data_set)


@pytest.mark.parametrize("name", ["old_export_csv", "old_export_arff", "old_export_csv_partitioned"])
def test_what_the_old_version_exported_can_be_imported(golden: Path, name: str) -> None:
    source = "old_features_partitioned" if name.endswith("partitioned") else "old_features_cv"
    assert_same_but_for_order(import_(golden / name, source), load(golden / f"{source}.nc"))


@pytest.mark.parametrize("file_format", ["csv", "arff"])
def test_other_readers_find_the_same_in_the_exported_files(tmp_path: Path, file_format: str) -> None:
    data_set = sample(0, False)
    (path,) = export(data_set, tmp_path, "birds", file_format)
    if file_format == "csv":
        frame = pd.read_csv(path, keep_default_na=False, na_values={"feature_2": [""]})
    else:
        content = arff.loads(path.read_text(encoding="utf-8"))
        frame = pd.DataFrame(content["data"], columns=[name for name, _ in content["attributes"]])
        assert dict(content["attributes"])["label_nominal"] == sorted(LABELS)
    assert frame["filename"].tolist() == data_set.filenames.tolist()
    assert frame["label_nominal"].tolist() == data_set.labels_nominal.tolist()
    assert frame["label_numeric"].tolist() == data_set.labels_numeric.tolist()
    features = frame[["feature_0", "feature_1", "feature_2"]].to_numpy(np.float32)
    np.testing.assert_array_equal(features, data_set.features)


WEKA = """% 1. Title: birds
%
@relation 'bird calls'

@attribute 'file name' string
@ATTRIBUTE\tpitch numeric
@attribute "f 10" REAL
@attribute f_2 real   % not the second, the third
@attribute class {'song thrush', wren, crow}

% the data begin here
@data
'a b.wav', 1.5, 2, -1e-3, 'song thrush'
c.wav,?,0.25,3,wren
% in between
"d's.wav",7,8,9,crow
"""
SPARSE = """@relation 'sparse -W'
@attribute class {no,'ye s'}
@attribute x1 numeric
@attribute x2 numeric
@attribute x3 numeric
@data
{1 2.5, 3 -4}
% nothing but zeros
{}
{0 'ye s', 2 ?}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes files with the given texts by name, and returns their directory."""

    def write(**texts: str) -> Path:
        for name, text in texts.items():
            path = tmp_path / "base" / name.replace("__", "/").replace("_csv", ".csv").replace("_arff", ".arff")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path / "base"

    return write


def test_an_arff_file_as_weka_writes_it(write):
    basedir = write(birds_arff=WEKA.replace("   % not the second, the third", ""))
    data_set = import_(
        basedir,
        "birds",
        {"filename": "file name", "chunk_nr": "chunk_nr", "label_nominal": "class", "label_numeric": "label_numeric"},
    )
    assert data_set.filenames.tolist() == ["a b.wav", "c.wav", "d's.wav"]
    assert data_set.labels_nominal.tolist() == ["song thrush", "wren", "crow"]
    assert data_set.label_map == {"crow": 0, "song thrush": 1, "wren": 2}
    assert data_set.labels_numeric.tolist() == [1, 2, 0]
    expected = np.array([[1.5, 2, -1e-3], [np.nan, 0.25, 3], [7, 8, 9]], np.float32)
    np.testing.assert_array_equal(data_set.features, expected)


def test_sparse_rows_stand_for_zeros_and_the_first_class(write, caplog):
    data_set = import_(
        write(sparse_arff=SPARSE),
        "sparse.arff",
        {"filename": "filename", "chunk_nr": "chunk_nr", "label_nominal": "class", "label_numeric": "label_numeric"},
    )
    np.testing.assert_array_equal(data_set.features, np.array([[2.5, 0, -4], [0, 0, 0], [0, np.nan, 0]], np.float32))
    assert data_set.labels_nominal.tolist() == ["no", "no", "ye s"]
    assert data_set.filenames.tolist() == ["synthetic_0", "synthetic_1", "synthetic_2"]
    assert "3 of 3 instances have no file name and are called synthetic_0 to synthetic_2" in caplog.text


def test_features_come_in_order_of_appearance_and_chunk_numbers_are_none_of_them(write):
    basedir = write(x_csv="z,label_nominal,feature_10,filename,chunk_nr,feature_2\n1,a,2,f.wav,0,3\n4,b,5,f.wav,1,6\n")
    data_set = import_(basedir, "x")
    assert data_set.features.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert data_set.chunk_nrs.tolist() == [0, 1]


def test_semicolons_tabs_and_byte_order_marks_are_understood(write):
    for text in ("\ufefffilename;x;y\na.wav;1;2\n", "filename\tx\ty\na.wav\t1\t2\n"):
        data_set = import_(write(x_csv=text), "x")
        assert data_set.filenames.tolist() == ["a.wav"] and data_set.features.tolist() == [[1, 2]]


def test_without_chunk_numbers_rows_of_a_file_are_counted(write):
    data_set = import_(write(x_csv="filename,x\na.wav,1\nb.wav,2\na.wav,3\n"), "x")
    assert data_set.chunk_nrs.tolist() == [0, 0, 1]


def test_without_names_instances_get_names_that_are_free(write, caplog):
    data_set = import_(write(x_csv="filename,x\n,1\nsynthetic_0,2\n,3\n"), "x")
    assert data_set.filenames.tolist() == ["synthetic_1", "synthetic_0", "synthetic_2"]
    assert "2 of 3 instances have no file name" in caplog.text


def test_numbers_of_labels_stand_in_for_their_names(write):
    data_set = import_(write(x_csv="label_numeric,x\n7,1\n3.0,2\n,3\n"), "x")
    assert data_set.labels_nominal.tolist() == ["7", "3", None] and data_set.label_map == {"7": 7, "3": 3}
    assert np.isnan(data_set.labels_numeric[2])


def test_features_in_another_order_are_put_in_that_of_the_first_file(write):
    basedir = write(fold_1__x_csv="filename,p,q\na,1,2\n", fold_2__x_csv="q,p,filename\n4,3,b\n")
    data_set = import_(basedir, "x")
    assert data_set.features.tolist() == [[1, 2], [3, 4]]
    assert data_set.cv_folds.tolist() == [[1, 0], [0, 1]]


ROW = "filename,label_nominal,label_numeric,x\n"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"y_csv": "x\n1\n"}, r"base: no x as \.csv, \.arff, .* found, one file was expected"),
        ({"x_csv": "x\n1\n", "x_arff": WEKA}, r"base: x\.csv and x\.arff found, one file was expected"),
        ({"fold_1__x_csv": "x\n1\n", "fold_3__x_csv": "x\n1\n"}, "base: has no fold_2, but fold_3; complete the folds"),
        ({"fold_1__x_csv": "x\n1\n", "x_csv": "x\n1\n"}, "base: has x beside directories of folds"),
        ({"train__x_csv": "x\n1\n", "x_csv": "x\n1\n"}, r"base: has x\.csv beside directories of partitions"),
        ({"train__x_csv": "x\n1\n", "fold_1__x_csv": "x\n1\n"}, "base: has fold_1 beside directories of partitions"),
        ({"train__x_csv": "x\n1\n", "devel__y_csv": "x\n1\n"}, r"devel: no x as \.csv, \.arff"),
        ({"train__x_csv": "x\n1\n", "test__fold_1__x_csv": "x\n", "test__fold_2__x_csv": "x\n"}, r"train 1, test 2\)"),
        ({"x_csv": ""}, r"x\.csv: has no columns of features|x\.csv: is not a readable CSV file"),
        ({"x_csv": "filename,label_nominal\na,b\n"}, "has no columns of features beside filename, label_nominal"),
        ({"x_csv": "filename,x\n"}, r"x\.csv: has no instances"),
        ({"x_csv": "x,y,x\n1,2,3\n"}, "the column 'x' is there twice"),
        ({"x_csv": "x,y\n1,2\n3\n"}, "line 3 has 1 values, the header has 2"),
        ({"x_csv": "x,y\n1,2\n3,4,5\n"}, "line 3 has 3 values, the header has 2"),
        (
            {"x_csv": "x,class\n1,dog\n"},
            "column 'class' has 'dog' in data row 1, features are numbers; leave it out with ignore_col",
        ),
        ({"x_csv": "x,y\n1,True\n"}, "column 'y' has 'True' in data row 1"),
        ({"x_csv": "x,chunk_nr\n1,0.5\n"}, "chunk_nr is '0.5' in data row 1, expected an integer"),
        ({"x_csv": ROW + "a,dog,1.5,0\n"}, "label_numeric is '1.5' in data row 1, expected an integer"),
        ({"x_csv": ROW + "a,dog,1,0\nb,dog,2,0\n"}, "label_nominal 'dog' goes with label_numeric 1 and 2"),
        ({"x_csv": ROW + "a,dog,1,0\nb,cat,1,0\n"}, r"label_numeric 1\S* goes with label_nominal 'dog' and 'cat'"),
        ({"x_csv": ROW + "a,dog,1,0\nb,cat,,0\n"}, "label 'cat' has no number, others have; give all or none"),
        ({"x_csv": "filename,chunk_nr,x\na,0,1\na,0,1\n"}, "x.csv: a, chunk 0, is there twice"),
        ({"train__x_csv": "filename,x\na,1\n", "test__x_csv": "filename,x\na,1\n"}, "a, chunk 0, is there twice"),
        ({"fold_1__x_csv": "filename,x\na,1\n", "fold_2__x_csv": "filename,x\na,2\n"}, "has other features"),
        ({"fold_1__x_csv": ROW + "a,d,0,1\n", "fold_2__x_csv": ROW + "a,e,1,1\n"}, "has another label_nominal"),
        (
            {"fold_1__x_csv": "filename,x\na,1\n", "fold_2__x_csv": "filename,y\nb,2\n"},
            "other features than .*: x, y in",
        ),
        ({"x_arff": "@relation x\n@attribute x numeric\n@data\n1,2\n"}, r"x\.arff: is not a readable ARFF file"),
        ({"x_arff": "@relation x\n@attribute x numeric\n@data\nbark\n"}, r"x\.arff: is not a readable ARFF file"),
        ({"x_arff": "@relation x\n@attribute d date\n@data\n1\n"}, r"x\.arff: has no columns of features"),
        ({"x_arff": "@relation x\n@attribute c {a,b}\n@data\nc\n"}, r"x\.arff: is not a readable ARFF file"),
        ({"x_arff": "no arff at all"}, r"x\.arff: is not a readable ARFF file"),
        (
            {"x_arff": "@relation x\n@attribute x real\n@attribute x real\n@data\n"},
            r"x\.arff: is not a readable ARFF file",
        ),
    ],
)
def test_what_cannot_be_imported_says_why_in_one_line(write, texts, message):
    with pytest.raises(DataError, match=message) as caught:
        import_(write(**texts), "x")
    assert "\n" not in str(caught.value)


def test_other_encodings_and_missing_directories_are_refused(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such directory; name the directory of the files with basedir=DIR"):
        import_(tmp_path / "nowhere", "x")
    (tmp_path / "x.csv").write_bytes("filename,x\nGrün.wav,1\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"x\.csv: is not text in UTF-8 \(invalid"):
        import_(tmp_path, "x")


def test_a_column_that_was_asked_for_and_is_not_there_is_an_error(write):
    columns = {"filename": "name", "chunk_nr": "chunk_nr", "label_nominal": "class", "label_numeric": "label_numeric"}
    with pytest.raises(DataError, match="has no column 'class' for label_nominal; it has name, x"):
        import_(write(x_csv="name,x\na,1\n"), "x", columns)


def test_values_may_come_from_a_column_of_any_name_and_be_missing(write):
    source = write(x_csv="filename,age,x\na,3.5,1\nb,,2\nc,1e2,3\nd,?,4\n")
    data_set = import_(source, "x", {"label_value": "age"})
    assert data_set.filenames.tolist() == ["a", "b", "c", "d"] and data_set.features[:, 0].tolist() == [1, 2, 3, 4]
    assert [instance.label_value for instance in data_set] == [3.5, None, 100, None]
    assert import_(source, "x").feature_shape == (2,)


@pytest.mark.parametrize("text", ["old", "inf"])
def test_values_that_are_no_finite_numbers_are_refused(write, text):
    with pytest.raises(DataError, match=rf"x.csv: label_value is '{text}' in data row 2, expected a finite number"):
        import_(write(x_csv=f"filename,label_value,x\na,1,1\nb,{text},2\n"), "x")


def test_an_instance_has_the_same_value_in_all_folds(write):
    texts = {f"fold_{fold}__x_csv": f"filename,label_value,x\na,{fold},1\n" for fold in (1, 2)}
    with pytest.raises(DataError, match="has another label_value"):
        import_(write(**texts), "x")
