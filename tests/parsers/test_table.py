# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of recordings: what is read from which column, and what is refused."""

import logging
import unicodedata
from pathlib import Path

import pytest

from audeep.data.schema import Partition, Split
from audeep.errors import ParserError
from audeep.parsers.registry import open_parser
from audeep.parsers.table import TableParser


@pytest.fixture
def parser(grow, tmp_path):
    """Makes a parser for the recordings a.wav, b.wav, far/c.wav and a table with the given text."""

    def parser(text: str, **columns: str) -> TableParser:
        (tmp_path / "t.csv").write_bytes(text.encode())
        return TableParser(grow("a.wav", "b.wav", "far/c.wav"), tmp_path / "t.csv", columns)

    return parser


def test_columns_are_found_by_name_in_any_order_and_case(parser, tmp_path):
    header = "Label,extra,FileName,fold,value,Split\n"
    found = parser(f"{header}dog,1,b.wav,2,-0.5,dev\ncat,2,a.wav,1,1e3,Train\ndog,3,far/c.wav,4,7,TEST\n")
    first, second, third = found.parse()
    assert [item.filename for item in (first, second, third)] == ["a.wav", "b.wav", "far/c.wav"]
    assert third.path == tmp_path / "base" / "far" / "c.wav"
    assert [item.label_nominal for item in (first, second, third)] == ["cat", "dog", "dog"]
    assert [item.label_value for item in (first, second, third)] == [1000, -0.5, 7]
    assert [item.partition for item in (first, second, third)] == [Partition.TRAIN, Partition.DEVEL, Partition.TEST]
    train, valid = Split
    assert [item.cv_folds for item in (first, second, third)] == [
        [valid, train, train],
        [train, valid, train],
        [train, train, valid],
    ]
    assert found.label_map == {"cat": 0, "dog": 1} and found.num_folds == 3


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cells_are_separated_by_commas_semicolons_or_tabs(parser, delimiter):
    text = '\ufefffile|label\r\na.wav|"dog, cat; \t"\r\n'.replace("|", delimiter)
    (item,) = parser(text).parse()
    assert (item.filename, item.label_nominal) == ("a.wav", "dog, cat;")


def test_a_table_of_files_alone_gives_recordings_without_labels(parser):
    found = parser("path\n./b.wav\na.wav\n")
    assert [item.filename for item in found.parse()] == ["a.wav", "b.wav"]
    assert found.label_map is None and found.num_folds == 0
    assert {(item.label_nominal, item.partition, item.label_value) for item in found.parse()} == {(None, None, None)}


def test_empty_cells_and_question_marks_are_missing(parser):
    text = "file,label,fold,partition,value\na.wav,,1,train,2\nb.wav,?,2.0, ,?\nfar/c.wav,dog,,?,\n"
    first, second, third = parser(text).parse()
    assert [item.label_nominal for item in (first, second, third)] == [None, None, "dog"]
    assert [item.partition for item in (first, second, third)] == [Partition.TRAIN, None, None]
    assert [item.label_value for item in (first, second, third)] == [2, None, None]
    assert second.cv_folds == [Split.TRAIN, Split.VALID] and third.cv_folds == [None, None]


def test_columns_given_by_name_go_before_usual_ones_and_an_empty_name_leaves_one_out(parser):
    text = "file,label,mood,fold,value\na.wav,dog,glad,one,x\nb.wav,cat,sad,two,y\n"
    found = parser(text, label="mood", fold="", value="")
    assert found.label_map == {"glad": 0, "sad": 1}
    assert found.num_folds == 0 and found.parse()[0].label_value is None


@pytest.mark.parametrize(
    "labels, expected",
    [
        ("10 2 9", {"2": 2, "9": 9, "10": 10}),
        ("10 2 x", {"10": 0, "2": 1, "x": 2}),
        ("1 01 2", {"01": 0, "1": 1, "2": 2}),
        ("1 12345678901234567890 ?", {"1": 0, "12345678901234567890": 1}),
    ],
)
def test_labels_that_are_whole_numbers_are_their_own_numbers(parser, labels, expected):
    rows = "".join(
        f"{file},{label}\n" for file, label in zip(("a.wav", "b.wav", "far/c.wav"), labels.split(), strict=True)
    )
    assert parser(f"file,label\n{rows}").label_map == expected


def test_the_log_says_which_columns_are_used(parser, caplog):
    with caplog.at_level(logging.INFO):
        parser("wav,Class\na.wav,dog\n").parse()
    assert caplog.messages[0].endswith("t.csv: file from column 'wav', label from column 'Class'")


@pytest.mark.parametrize(
    "text, columns, message",
    [
        ("", {}, r"has no column file, filename, file_name, path, ... for the file, but none; name one .*'file'"),
        (
            "id,label\n",
            {},
            r"has no column file, .* for the file, but id, label; name one of them with columns\['file'\]=NAME",
        ),
        (
            "file,label\n",
            {"value": "age"},
            "has no column age for the value, but file, label; name .*'value'",
        ),
        ("file,Label\n", {"label": "label"}, "has no column label for the label, but file, Label"),
        ("file,fold,fold\n", {}, "has 2 columns 'fold'; rename all but one"),
        ("file,label\na.wav,dog\nb.wav\n", {}, "line 3 has 1 cells, the first line has 2; fix it"),
        ("file,label\n,dog\n", {}, "line 2, column 'file' is empty; expected the name of a recording"),
        (
            "file\na.wav\n\n./a.wav\n",
            {},
            r"line 4, column 'file' is './a.wav'; expected each recording once, but line 2 has it too",
        ),
        ("file\na.wav\nd.wav\n", {}, r"line 3, column 'file' is 'd.wav'; expected a recording below \S+base, where it"),
        ("file\nfar\n", {}, "line 2, column 'file' is 'far'; expected a recording"),
        ("file,fold\na.wav,1\nb.wav,first\n", {}, "line 3, column 'fold' is 'first'; expected an integer"),
        ("file,fold\na.wav,1.5\n", {}, "line 2, column 'fold' is '1.5'; expected an integer"),
        ("file,fold\na.wav,3\nb.wav,3\n", {}, "all folds are 3; two or more are needed, or none"),
        (
            "file,set\na.wav,blue\n",
            {"partition": "set"},
            "line 2, column 'set' is 'blue'; expected train, devel or test",
        ),
        ("file,value\na.wav,high\n", {}, "line 2, column 'value' is 'high'; expected a finite number"),
        ("file,value\na.wav,inf\n", {}, "line 2, column 'value' is 'inf'; expected a finite number"),
        ("file,value\na.wav,nan\n", {}, "line 2, column 'value' is 'nan'; expected a finite number"),
    ],
)
def test_a_table_that_is_no_good_names_file_line_and_column(parser, text, columns, message):
    with pytest.raises(ParserError, match=rf"t\.csv: {message}") as raised:
        parser(text, **columns).parse()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\r\nfile;label\r\nfar\\c.wav;dog\r\n",
        "file,label,\nfar/c.wav,dog,\n,,\n  ,\n",
        "file,label\nfar/c,dog\n\n,\n",
        "file,label\n.\\far\\c,dog\n",
    ],
)
def test_tables_of_spreadsheets_and_of_windows(parser, text):
    (item,) = parser(text).parse()
    assert (item.filename, item.label_nominal) == ("far/c.wav", "dog")


@pytest.mark.parametrize(("on_disk", "in_table"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_may_be_in_another_unicode_normal_form(grow, tmp_path, on_disk, in_table):
    (name, other), (given, short) = (
        [unicodedata.normalize(form, text) for text in ("pájaro/ö.wav", "pájaro/ü.wav")] for form in (on_disk, in_table)
    )
    (tmp_path / "t.csv").write_text(f"file,label\n{given},wren\n{short[:-4]},wren\n", encoding="utf-8")
    basedir = grow(name, other)
    assert [item.path for item in TableParser(basedir, tmp_path / "t.csv").parse()] == [basedir / name, basedir / other]


OUTSIDE = ["../a.wav", "{}/a.wav", "far/../a.wav", "..\\a.wav", "C:\\a.wav", "\\\\host\\a.wav"]


@pytest.mark.parametrize("outside", OUTSIDE)
def test_paths_that_leave_the_base_directory_are_refused(parser, tmp_path, outside):
    (tmp_path / "a.wav").touch()
    text = f"file,label\n{outside.format(tmp_path)},dog\n"
    with pytest.raises(ParserError, match=r"line 2, column 'file' .*; expected a path below \S+base, without"):
        parser(text).parse()


def test_a_name_without_suffix_that_two_recordings_have_is_refused(parser, grow):
    grow("a.flac")
    with pytest.raises(ParserError, match="'file' is 'a'; expected one recording, but it may be a.flac or a.wav"):
        parser("file,label\na,dog\n").parse()


@pytest.mark.parametrize("name", ["backslash", "crlf_trailing", "nfc", "sep"])
def test_label_tables_that_people_brought(shared, grow, name):
    basedir = grow("north/1.wav", "north/2.wav", "north/pa\u0301jaro.wav")
    found = TableParser(basedir, shared / "cases" / "recordings" / f"{name}.csv").parse()
    assert len(found) == 2 and all(item.path.is_file() for item in found)


def test_a_missing_table_and_one_that_is_no_text_say_so(grow, tmp_path):
    basedir = grow("a.wav")
    with pytest.raises(ParserError, match="none.csv: no such file; name the table of the recordings with labels=FILE"):
        open_parser(basedir, "table", labels=tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"file\n\xe4.wav\n")
    with pytest.raises(ParserError, match="latin.csv: is not a table in UTF-8"):
        open_parser(basedir, "table", labels=tmp_path / "latin.csv")
    (tmp_path / "empty.csv").write_text("file\n")
    with pytest.raises(ParserError, match="TableParser found no recordings"):
        open_parser(basedir, "table", labels=Path(tmp_path / "empty.csv"))


@pytest.mark.slow
def test_a_table_of_the_real_esc_10_gives_what_its_folders_give(esc10, tmp_path):
    folders = open_parser(esc10, "esc")
    rows = [f"{item.path.relative_to(esc10)};{item.label_nominal};{item.filename[0]}\n" for item in folders.parse()]
    (tmp_path / "esc.csv").write_text("".join(["path;Category;fold\n", *reversed(rows)]))
    table = open_parser(esc10, "table", labels=tmp_path / "esc.csv")
    assert [item.path for item in table.parse()] == [item.path for item in folders.parse()]
    for one, other in zip(table.parse(), folders.parse(), strict=True):
        assert (one.label_nominal, one.cv_folds) == (other.label_nominal, other.cv_folds)
    assert len(table.label_map) == 10 and table.num_folds == 5


def test_several_labels_flags_and_groups_are_found_by_name(parser):
    rows = 'a.wav,"dog, ""cat, big""",1,ann\nb.wav,,no,\nfar/c.wav,dog,?,bob\n'
    found = parser(f"file,Labels,manually_verified,group\n{rows}")
    assert [item.label_set for item in found.parse()] == [("dog", "cat, big"), None, ("dog",)]
    assert [item.verified for item in found.parse()] == [True, False, None]
    assert [item.group for item in found.parse()] == ["ann", None, "bob"]
    assert found.label_names == ("cat, big", "dog") and found.label_map == {"cat, big": 0, "dog": 1}


def test_a_column_of_one_label_goes_before_one_of_several_unless_that_is_named(parser):
    text = 'file,label,labels\na.wav,dog,"dog,cat"\n'
    assert [(item.label_nominal, item.label_set) for item in parser(text).parse()] == [("dog", None)]
    (item,) = parser(text, labels="labels").parse()
    assert (item.label_nominal, item.label_set) == (None, ("dog", "cat"))
    (item,) = parser(text, label="").parse()
    assert item.label_set == ("dog", "cat")


def test_several_labels_of_which_a_quote_is_open_are_refused(parser):
    text = 'file,labels\na.wav,"""dog, cat"\n'
    with pytest.raises(ParserError, match="line 2, column 'labels' is '\"dog, cat'; expected names, with all quotes"):
        parser(text).parse()


def test_usual_names_of_other_fields_are_known(parser):
    first, second = parser("fname,Emotion,speaker_id\na.wav,glad,ann\nb.wav,sad,bob\n").parse()
    assert [(item.label_nominal, item.group) for item in (first, second)] == [("glad", "ann"), ("sad", "bob")]
    (item,) = parser("file,target,category\na.wav,3,dog\n").parse()
    assert item.label_nominal == "dog"
    (item,) = parser('file,target,tags\na.wav,3,"dog,cat"\n').parse()
    assert (item.label_nominal, item.label_set) == (None, ("dog", "cat"))


def test_columns_are_listed_where_none_is_known_as_that_of_labels(parser, caplog):
    parser("file,mood,weather\na.wav,glad,fair\n").parse()
    (message,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "the others are mood, weather; name one of them with columns['label']=NAME" in message
    caplog.clear()
    for text, columns in (("file\na.wav\n", {}), ("file,mood\na.wav,glad\n", {"label": ""}), ("file,value,x\n", {})):
        parser(text, **columns).parse()
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_line_with_times_is_a_part_of_its_recording(parser, tmp_path):
    found = parser(
        "file,start,end,label\na.wav,1.5,3,dog\na.wav,0 days 00:01:00.25,NaT,cat\na.wav,0,1.5,cat\nb.wav,,,dog\n"
    )
    items = found.parse()
    assert [item.filename for item in items] == ["a.wav#t=0,1.5", "a.wav#t=1.5,3", "a.wav#t=60.25", "b.wav"]
    assert [(item.start, item.end) for item in items] == [(0, 1.5), (1.5, 3), (60.25, None), (None, None)]
    assert [item.label_nominal for item in items] == ["cat", "dog", "cat", "dog"]
    assert [item.group for item in items] == ["a.wav", "a.wav", "a.wav", "b.wav"]
    assert {item.path for item in items[:3]} == {tmp_path / "base" / "a.wav"}


def test_parts_keep_the_groups_of_a_column_and_single_ones_have_none(parser):
    items = parser("file,start,end,speaker\na.wav,0,1,ann\na.wav,1,2,bob\n").parse()
    assert [item.group for item in items] == ["ann", "bob"]
    assert [item.group for item in parser("file,begin,stop\na.wav,0,1\nb.wav,1,2\n").parse()] == [None, None]


def test_a_start_without_an_end_is_no_time_unless_it_is_named(parser):
    (item,) = parser("file,start\na.wav,monday\n").parse()
    assert item.filename == "a.wav"
    (item,) = parser("file,start\na.wav,2\n", start="start").parse()
    assert item.filename == "a.wav#t=2"


@pytest.mark.parametrize(
    "text, message",
    [
        ("file,start,end\na.wav,early,3\n", "line 2, column 'start' is 'early'; expected a time in seconds"),
        ("file,start,end\na.wav,-1,3\n", "line 2, column 'start' is '-1'; expected a time in seconds"),
        ("file,start,end\na.wav,1,1\n", "line 2, column 'end' is '1'; expected more than the start, 1"),
        (
            "file,start,end\na.wav,1,2\na.wav,1.0,2.0\n",
            "line 3, column 'file' is 'a.wav'; expected each part of a recording once, but line 2 has it too",
        ),
    ],
)
def test_times_that_are_no_good_name_line_and_column(parser, text, message):
    with pytest.raises(ParserError, match=message):
        parser(text).parse()


def test_recordings_of_a_table_may_be_in_several_folders(grow, tmp_path):
    base = grow("one/a.wav", "two/b.wav", "two/c/d.wav")
    (tmp_path / "t.csv").write_text("file,label\nb,dog\na.wav,cat\nc/d.wav,dog\n")
    found = open_parser([base / "one", base / "two"], "table", labels=tmp_path / "t.csv")
    assert [item.path for item in found.parse()] == [base / "one/a.wav", base / "two/b.wav", base / "two/c/d.wav"]
    assert [item.filename for item in found.parse()] == ["a.wav", "b.wav", "c/d.wav"]
    (tmp_path / "t.csv").write_text("file,label\ne,dog\n")
    with pytest.raises(ParserError, match=r"expected a recording below \S+one or \S+two, where it is not"):
        open_parser([base / "one", base / "two"], "table", labels=tmp_path / "t.csv")
