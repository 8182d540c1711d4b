# SPDX-License-Identifier: GPL-3.0-or-later
"""import, from its command line to its output."""

import numpy as np
import pytest

from audeep import load


@pytest.mark.slow
def test_an_exported_data_set_is_imported_and_can_be_evaluated(audeep, golden, tmp_path):
    source = golden / "old_features_cv.nc"
    assert audeep(f"export --input {source} --format arff --name birds --output {tmp_path}/arff").status == 0
    result = audeep(f"import --basedir {tmp_path}/arff --name birds --output {tmp_path}/imported.nc")
    assert result.status == 0
    assert "imported.nc: 40 instances with 32 features, 4 labels, 5 folds, no partitions" in result.err
    scores = [
        audeep(f"-q svm evaluate --input {path} --cross-validate --complexity 0.01").out
        for path in (source, tmp_path / "imported.nc")
    ]
    assert scores[0] == scores[1]


def test_columns_can_be_named_and_the_output_has_the_name_of_the_input(audeep, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calls.v2.csv").write_text("file,part,bird,number,x\na.wav,0,wren,4,1.5\na.wav,1,wren,4,2.5\n")
    names = "--filename-attribute file --chunk-nr-attribute part --label-nominal-attribute bird"
    result = audeep(f"import --basedir . --name calls.v2 {names} --label-numeric-attribute number")
    assert result.status == 0
    data_set = load(tmp_path / "calls.v2.nc")
    assert data_set.label_map == {"wren": 4} and data_set.chunk_nrs.tolist() == [0, 1]
    np.testing.assert_array_equal(data_set.features, [[1.5], [2.5]])


def test_the_source_is_not_written_over(audeep, tmp_path):
    (tmp_path / "x.csv").write_text("x,y\n1,2\n")
    result = audeep(f"import --basedir {tmp_path} --name x.csv --output {tmp_path}/x.csv")
    assert result.status == 1 and "x.csv: is an input and an output of this command" in result.err
    assert (tmp_path / "x.csv").read_text() == "x,y\n1,2\n"


def test_columns_are_left_out_or_chosen_as_the_message_says(audeep, tmp_path):
    (tmp_path / "x.csv").write_text("filename,voiced,g,f\na,True,2,1\n")
    command = f"import --basedir {tmp_path} --name x --output {tmp_path}/x.nc"
    result = audeep(command)
    assert result.status == 1 and "'voiced' has 'True'" in result.err
    assert "leave it out with --ignore-column NAME" in result.err
    assert audeep(f"{command} --ignore-column voiced").status == 0
    assert load(tmp_path / "x.nc").features.tolist() == [[2, 1]]
    assert audeep(f"{command} --columns f g").status == 0
    assert load(tmp_path / "x.nc").features.tolist() == [[1, 2]]
    assert "no column 'h', as --columns h wants" in audeep(f"{command} --columns h").err


def test_errors_are_one_line_and_leave_nothing(audeep, tmp_path):
    (tmp_path / "x.csv").write_text("x,class\n1,dog\n")
    result = audeep(f"import --basedir {tmp_path} --name x --output {tmp_path}/out.nc")
    assert result.status == 1 and result.err.count("\n") == 1 and "column 'class' has 'dog'" in result.err
    assert "or name columns of metadata, as with --label-nominal-attribute NAME\n" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]
