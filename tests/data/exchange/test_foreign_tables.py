# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables as pandas, R, spreadsheets, Weka, KEEL and openSMILE write them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audeep.data.data_set import DataSet
from audeep.data.exchange.importing import import_
from audeep.errors import DataError

NAMED = {"filename": "name"}


@pytest.fixture
def imported(tmp_path: Path) -> Callable[..., DataSet]:
    """Imports a text as a file of the given format."""

    def imported(text: str, suffix: str = "csv", columns: dict[str, str] | None = None, **options: object) -> DataSet:
        (tmp_path / f"t.{suffix}").write_bytes(text.encode())
        return import_(tmp_path, f"t.{suffix}", columns or {}, **options)

    return imported


@pytest.mark.parametrize("reset", [False, True])
def test_row_numbers_of_pandas_are_no_features(imported, caplog, reset):
    frame = pd.DataFrame({"filename": ["a", "b", "c"], "label_nominal": ["x", "x", "y"], "f": [0.5, 2, 1]})
    text = frame.reset_index().to_csv(index=False) if reset else frame.to_csv()
    assert imported(text).features.tolist() == [[0.5], [2], [1]]
    assert "left out" in caplog.text and "row numbers" in caplog.text
    assert imported(frame.rename_axis("Unnamed: 0").to_csv()).feature_shape == (1,)


def test_a_question_mark_is_a_missing_label_unless_it_has_a_number(imported, caplog):
    found = imported("filename,label_nominal,f\na,x,1\nb,?,2\nc,NA,3\n")
    assert found.labels_nominal.tolist() == ["x", None, None] and found.label_map == {"x": 0}
    assert "t.csv: 2 rows have '?' for a label and so none" in caplog.text
    found = imported("filename,label_nominal,label_numeric,f\na,x,0,1\nb,?,1,2\n")
    assert found.label_map == {"x": 0, "?": 1}


@pytest.mark.parametrize(
    "text", ["filename,f,g,\na,1,2,\nb,3,4,\n", "filename,f,g\na,1,2,\nb,3,4,,\n", "filename,f,g,\na,1,2\nb,3,4\n"]
)
def test_delimiters_at_the_end_of_lines_are_no_column(imported, caplog, text):
    assert imported(text).features.tolist() == [[1, 2], [3, 4]]
    assert "left out" not in caplog.text


def test_quotes_and_times_of_opensmile_are_no_part_of_names_and_features(imported):
    text = "name;frameIndex;frameTime;f\n'a.wav';0;0.0;1.5e+00\n'a.wav';1;0.5;-2\n"
    found = imported(text, columns=NAMED)
    assert found.filenames.tolist() == ["a.wav"] * 2 and found.chunk_nrs.tolist() == [0, 1]
    assert found.features.tolist() == [[1.5], [-2]]
    arff = (
        "@relation r\n@attribute name string\n@attribute frameTime numeric\n@attribute f numeric\n@data\n'a.wav',0,1\n"
    )
    assert imported(arff, "arff", NAMED).features.tolist() == [[1]]
    assert imported("name,f\n'a',1\nb',2\n", columns=NAMED).filenames.tolist() == ["'a'", "b'"]


def test_the_index_of_opensmile_for_python_is_no_feature(imported, caplog):
    text = "file,start,end,f\na.wav,0 days,0 days 00:00:02.5,1\na.wav,0 days 00:00:02.5,,2\n"
    found = imported(text, columns={"filename": "file"})
    assert found.features.tolist() == [[1], [2]] and found.chunk_nrs.tolist() == [0, 1]
    assert "t.csv: start, end: left out, being times" in caplog.text


def test_labels_that_are_integers_are_in_the_order_of_numbers(imported):
    rows = "".join(f"{number}.wav,{number},{number}\n" for number in range(1, 13))
    found = imported(f"filename,label_nominal,f\n{rows}")
    assert list(found.labels) == [str(number) for number in range(1, 13)]
    assert list(imported("filename,label_nominal,f\na,10,1\nb,9,1\nc,x,1\n").labels) == ["10", "9", "x"]


def test_missing_values_are_told_with_file_column_and_row(imported, caplog):
    found = imported("filename,f,g\na,1,2\nb,1.5,\nc,3,nan\n")
    assert np.isnan(found.features[1:, 1]).all()
    assert "t.csv: 2 values of features are missing, the first in column 'g', data row 2" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\r\nfilename;f\r\na,b;1.5\r\n",
        '"sep=;"\nfilename;f\na,b;1.5\n',
        "sep=|\nfilename|f\na,b|1.5\n",
        "\n\nfilename;f\na,b;1.5\n;\n \n;;\n",
        "\ufefffilename;f\na,b;1,5\n",
    ],
)
def test_tables_of_spreadsheets(imported, text):
    found = imported(text)
    assert found.filenames.tolist() == ["a,b"] and found.features.tolist() == [[1.5]]


def test_decimal_commas_and_points_in_one_file_are_refused(imported):
    assert imported("filename;f;g\na;1,5;1\nb;-2;,5\nc;;2e3\n").features[:2].tolist() == [[1.5, 1], [-2, 0.5]]
    with pytest.raises(DataError, match="column 'g' has decimal points, column 'f' decimal commas; use one of them"):
        imported("filename;f;g\na;1,5;1.234\n")
    with pytest.raises(DataError, match="column 'f' has '1.234,5' in data row 1"):
        imported("filename;f\na;1.234,5\n")


def test_columns_can_be_left_out_or_chosen(imported):
    text = "filename,voiced,g,f\na,True,2,1\n"
    with pytest.raises(DataError, match="'voiced' has 'True' .*; leave it out with ignore_column=NAME") as caught:
        imported(text)
    assert "\n" not in str(caught.value)
    assert imported(text, ignore_column=["voiced"]).features.tolist() == [[2, 1]]
    assert imported(text, features=["f", "g"]).features.tolist() == [[1, 2]]
    for option in ({"ignore_column": ["h"]}, {"features": ["h"]}):
        with pytest.raises(DataError, match=rf"no column 'h', as {next(iter(option))}=h wants; it has filename"):
            imported(text, **option)


@pytest.mark.parametrize("separator", [",", ";"])
def test_rows_of_one_name_with_different_labels_are_refused(imported, separator):
    text = "name,label_nominal,f\nnoname,x,1\nnoname,y,2\nnoname,x,3\n".replace(",", separator)
    message = r"t.csv: 3 rows are called 'noname' and have different values of label_nominal \(x, y\), but a recording"
    with pytest.raises(DataError, match=message) as caught:
        imported(text, columns=NAMED)
    assert "\n" not in str(caught.value)
    assert len(imported(text.replace("y", "x"), columns=NAMED)) == 3
    told_apart = "filename,chunk_nr,label_nominal,f\na,0,x,1\na,1,y,2\n"
    assert imported(told_apart).labels_nominal.tolist() == ["x", "y"]


def test_partitions_and_folds_have_several_names_and_what_is_not_read_is_told(tmp_path, caplog):
    for folder in ("train", "val", "Test", "training"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.csv").write_text(f"filename,f\n{folder},1\n")
    assert import_(tmp_path, "x").partition.tolist() == [0, 1, 2]
    assert f"{tmp_path}: 1 more files of that name are not read, such as {tmp_path}/training/x.csv" in caplog.text


def arff(attributes: str, rows: str) -> str:
    return f"@relation r\n@attribute name string\n{attributes}\n@data\n{rows}\n"


PLAIN = "@attribute f numeric\n@attribute label_nominal {a,'b c'}"
ROWS = "x.wav,1,a\n'50% y.wav',2,'b c'"
DATES = "x.wav,'2020-01-01 12:00',1,a\n'50% y.wav',?,2,'b c'"


@pytest.mark.parametrize(
    "text",
    [
        arff(PLAIN, "x.wav,1,a % first\n'50% y.wav',2,'b c'  % 'second'"),
        arff("@attribute f numeric % loud\n@attribute label_nominal {a,'b c'} % classes", ROWS),
        arff(PLAIN, "x.wav,1,a,\n'50% y.wav',2,'b c', "),
        arff(PLAIN, "x.wav\t1\ta\n'50% y.wav'\t2\t'b c'"),
        arff(PLAIN, "x.wav  1 a\n'50% y.wav' 2   'b c'"),
        arff(PLAIN, "x.wav,1,a,{0.5}\n'50% y.wav',2,'b c', {2}"),
        arff("@attribute f INTEGER [0,9]\n@attribute label_nominal a,'b c'", ROWS),
        arff("@attribute f real[0.5, 9]\n@inputs f\n@outputs g\n@attribute label_nominal{a,'b c'}", ROWS),
        arff("@attribute f real\n@attribute label_nominal unknown", ROWS),
        arff(f"@attribute 'd d' date \"yyyy-MM-dd HH:mm\"\n{PLAIN}", DATES),
    ],
)
def test_attribute_relation_files_of_other_programs(imported, text):
    found = imported(text, "arff", NAMED)
    assert found.filenames.tolist() == ["x.wav", "50% y.wav"]
    assert found.labels_nominal.tolist() == ["a", "b c"] and found.features.tolist() == [[1], [2]]


def test_what_is_left_out_of_an_attribute_relation_file_is_said(imported, caplog):
    imported(arff(f"@attribute taken date\n{PLAIN}", "x.wav,2020-01-01T12:00:00,1,a,{0.5}"), "arff", NAMED)
    assert "t.arff: dates are no features, left out: taken" in caplog.text
    assert "t.arff: weights of instances are left out" in caplog.text
    sparse = "@relation r\n@attribute d date\n@attribute f real\n@attribute g real\n@data\n{1 2, 2 3}, {0.5}\n{2 4}\n"
    assert imported(sparse, "arff").features.tolist() == [[2, 3], [0, 4]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("y.wav,loud,a", r"attribute 'f' has loud in data row 2 \(line 7\), a number was expected; fix it"),
        ("y.wav,1,dog", r"attribute 'label_nominal' has dog in data row 2 \(line 7\), which its declaration does not"),
        ("y.wav,1", "line 7 has 2 values, there are 3 attributes; fix it"),
        ("y.wav,1,a,b", "line 7 has 4 values, there are 3 attributes; fix it"),
    ],
)
def test_a_bad_value_is_named_with_attribute_and_row(imported, row, message):
    with pytest.raises(DataError, match=rf"t\.arff: is not a readable ARFF file: {message}"):
        imported(arff(PLAIN, f"x.wav,1,a\n{row}"), "arff", NAMED)


@pytest.mark.parametrize(
    ("name", "columns", "expected"),
    [
        ("arff_01_unknown_type.arff", {**NAMED, "label_nominal": "emotion"}, 2),
        ("arff_02_bare_class_list.arff", {**NAMED, "label_nominal": "emotion"}, 1),
        ("arff_03_integer_range.arff", {"filename": "animal", "label_nominal": "type"}, 2),
        ("arff_04_date.arff", {**NAMED, "label_nominal": "class"}, 1),
        ("arff_07_weights.arff", {"label_nominal": "cls"}, 2),
        ("arff_30_trailing_comment_attr.arff", {**NAMED, "label_nominal": "class"}, 1),
        ("arff_34_trailing_comment_data.arff", {**NAMED, "label_nominal": "class"}, 1),
        ("csv_04_opensmile_py.csv", {"filename": "file"}, 2),
        ("csv_05_opensmile_csv.csv", NAMED, 2),
        ("csv_07_excel_sep.csv", {}, 2),
        ("csv_40_index_leak.csv", {}, 5),
        ("csv_41_question.csv", {}, 2),
        ("csv_43_numeric.csv", {}, 1),
    ],
)
def test_tables_that_people_brought(shared, name, columns, expected):
    assert import_(shared / "cases" / "tables", name, columns).feature_shape == (expected,)
