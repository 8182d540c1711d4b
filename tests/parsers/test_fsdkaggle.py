# SPDX-License-Identifier: GPL-3.0-or-later
"""The layouts of FSDKaggle2018 and FSDKaggle2019, as far as they are there."""

import json
import re
from pathlib import Path

import pytest

from audeep.data.schema import Partition
from audeep.errors import ParserError
from audeep.parsers.fsdkaggle import FSDKaggle2018Parser, FSDKaggle2019Parser
from audeep.parsers.meta import MetaParser
from audeep.parsers.registry import open_parser

TRAIN_2018 = "fname,label,manually_verified\nb.wav,Writing,1\na.wav,Acoustic_guitar,0\n"
TEST_2018 = (
    "fname,label,usage,freesound_id,license\n"
    "t1.wav,Hi-hat,Private,1,x\n"
    "\n"
    "t2.wav,Bark,Public,2,x\n"
    "t3.wav,None,Ignored,3,x\n"
)
FILES_2018 = ("audio_train/a.wav", "audio_train/b.wav", *(f"audio_test/t{number}.wav" for number in (1, 2, 3)))
CURATED = 'fname,labels\nc1.wav,"Gasp,Sigh"\nc2.wav,Bark\n'
NOISY = 'fname,aso_ids,label\nn1.wav,/m/1,"Sigh, Meow"\n'
FILES_2019 = ("train_curated/c1.wav", "train_curated/c2.wav", "train_noisy/n1.wav", "test/t1.wav", "test/t2.wav")


@pytest.fixture
def layout(grow):
    """Makes a tree of empty recordings with tables of the given content."""

    def make(*names: str, **tables: str) -> Path:
        basedir = grow(*names)
        for name, text in tables.items():
            (basedir / f"{name}.csv").write_text(text, encoding="utf-8")
        return basedir

    return make


def test_2018_has_one_label_each_and_says_which_are_verified(layout):
    basedir = layout(*FILES_2018, train=TRAIN_2018, test_post_competition=TEST_2018)
    for name in ("fsdkaggle-2018", "meta"):
        parser = open_parser(basedir, name)
        found = [
            (item.filename, item.label_nominal, item.label_numeric, item.verified, item.partition, item.usage)
            for item in parser.parse()
        ]
        assert found == [
            ("a.wav", "Acoustic_guitar", 0, False, Partition.TRAIN, None),
            ("b.wav", "Writing", 40, True, Partition.TRAIN, None),
            ("t1.wav", "Hi-hat", 23, None, Partition.TEST, "Private"),
            ("t2.wav", "Bark", 2, None, Partition.TEST, "Public"),
            ("t3.wav", None, None, None, Partition.TEST, "Ignored"),
        ]
        assert len(parser.label_map) == 41 and parser.label_map["Hi-hat"] == 23
        assert parser.label_names == () and parser.num_folds == 0


@pytest.mark.parametrize("absent", ["train", "test_post_competition"])
def test_either_table_may_be_absent(layout, absent, caplog):
    tables = {"train": TRAIN_2018, "test_post_competition": TEST_2018}
    del tables[absent]
    labels = {item.filename: item.label_nominal for item in FSDKaggle2018Parser(layout(*FILES_2018, **tables)).parse()}
    unlabelled = {"train": {"a.wav", "b.wav"}, "test_post_competition": {"t1.wav", "t2.wav"}}[absent]
    assert {name for name, label in labels.items() if label is None} == unlabelled | {"t3.wav"}
    assert "recordings are in no table and unlabelled" in caplog.text


def test_a_sample_submission_names_the_test_recordings_and_its_labels_are_not_believed(layout, caplog):
    tables = {
        "train": TRAIN_2018,
        "sample_submission": "fname,label\n" + "".join(f"t{n}.wav,a b c\n" for n in range(5)),
    }
    parser = FSDKaggle2018Parser(layout(*FILES_2018, **tables))
    assert [item.label_nominal for item in parser.parse()] == ["Acoustic_guitar", "Writing", None, None, None]
    (record,) = caplog.records
    assert "audio_test: 2 of 5 recordings in" in record.message and "(t0.wav, ...)" in record.message


def test_recordings_without_a_row_are_unlabelled_and_said(layout, caplog):
    parser = FSDKaggle2018Parser(layout(*FILES_2018, "audio_train/z.wav", train=TRAIN_2018 + "y.wav,Bark,1\n"))
    (last,) = (item for item in parser.parse() if item.filename == "z.wav")
    assert (last.label_nominal, last.verified, last.partition) == (None, None, Partition.TRAIN)
    assert "1 of 3 recordings are in no table and unlabelled (z.wav, ...)" in caplog.text
    assert "1 of 3 recordings in" in caplog.text and "(y.wav, ...)" in caplog.text


def test_other_classes_than_those_of_2018_need_a_class_map(layout):
    table = "fname,label,manually_verified\na.wav,dog,1\nb.wav,rain,0\n"
    with pytest.raises(ParserError, match="line 2: a.wav has the label 'dog', expected one of 41: Acoustic"):
        FSDKaggle2018Parser(layout(*FILES_2018, train=table)).parse()
    parser = FSDKaggle2018Parser(layout(*FILES_2018, train=table, class_map="0,rain\n1,dog\n"))
    assert parser.label_map == {"rain": 0, "dog": 1}
    assert [item.label_numeric for item in parser.parse()[:2]] == [1, 0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0,dog\n2,cat\n", "line 2 is '2,cat'; expected 1 and a new name"),
        ("0,dog\n1,dog\n", "line 2 is '1,dog'; expected 1 and a new name"),
        ("index,name\n0,dog\n", "line 1 is 'index,name'; expected 0 and a new name"),
    ],
)
def test_a_class_map_that_is_not_one_is_an_error(layout, text, problem):
    with pytest.raises(ParserError, match=f"class_map.csv: {problem}; fix it"):
        FSDKaggle2018Parser(layout(*FILES_2018, train=TRAIN_2018, class_map=text)).parse()


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("fname,labl\na.wav,Bark\n", "has the columns fname, labl; it needs fname and label or labels"),
        ("name,label\na.wav,Bark\n", "has the columns name, label; it needs fname and label or labels"),
        ("", "has the columns none; it needs fname and label or labels"),
        ("fname,label\na.wav,Bark,1\n", "line 2 has 3 cells, the first line has 2; fix it"),
        ("fname,label\na.wav,Bark\na.wav,Bark\n", "line 3 names 'a.wav', as does line 2; fix it"),
        ("fname,label\n,Bark\n", "line 2 names no recording; fix it"),
    ],
)
def test_a_table_that_cannot_be_understood_is_an_error_in_one_line(layout, table, problem):
    with pytest.raises(ParserError, match=f"train.csv: {re.escape(problem)}$"):
        FSDKaggle2018Parser(layout(*FILES_2018, train=table)).parse()


def test_2019_has_several_labels_each_and_curated_ones_are_verified(layout):
    truth = 'fname,labels,usage\nt1.wav,"Bark,Gasp",Public\nt2.wav,Sigh,Private\n'
    basedir = layout(*FILES_2019, train_curated=CURATED, train_noisy=NOISY, test_post_competition=truth)
    for name in ("fsdkaggle-2019", "meta"):
        parser = open_parser(basedir, name)
        found = [(item.filename, item.label_set, item.verified, item.partition.name) for item in parser.parse()]
        assert found == [
            ("c1.wav", ("Gasp", "Sigh"), True, "TRAIN"),
            ("c2.wav", ("Bark",), True, "TRAIN"),
            ("n1.wav", ("Sigh", "Meow"), False, "TRAIN"),
            ("t1.wav", ("Bark", "Gasp"), None, "TEST"),
            ("t2.wav", ("Sigh",), None, "TEST"),
        ]
        assert [item.usage for item in parser.parse()[3:]] == ["Public", "Private"]
        assert parser.label_names == ("Bark", "Gasp", "Meow", "Sigh")
        assert parser.label_map == {"Bark": 0, "Gasp": 1, "Meow": 2, "Sigh": 3}


def test_classes_of_2019_are_those_of_the_submission_or_the_map_if_there_is_one(layout):
    submission = "fname,Yell,Sigh,Gasp,Meow,Bark\nt1.wav,0,0,0,0,0\nt2.wav,0,0,0,0,0\n"
    basedir = layout(*FILES_2019, train_curated=CURATED, train_noisy=NOISY, sample_submission=submission)
    parser = FSDKaggle2019Parser(basedir)
    assert parser.label_names == ("Yell", "Sigh", "Gasp", "Meow", "Bark")
    assert [item.label_set for item in parser.parse()[3:]] == [None, None]
    (basedir / "class_map.csv").write_text("0,Gasp\n1,Bark\n2,Sigh\n")
    with pytest.raises(ParserError, match="line 2: n1.wav has the label 'Meow', expected one of 3: Gasp"):
        FSDKaggle2019Parser(basedir).parse()
    (basedir / "train_noisy.csv").unlink()
    assert FSDKaggle2019Parser(basedir).label_map == {"Gasp": 0, "Bark": 1, "Sigh": 2}


def test_a_label_of_the_test_set_that_training_lacks_is_an_error(layout):
    tables = {"train_curated": CURATED, "test_post_competition": "fname,labels,usage\nt1.wav,Yell,Public\n"}
    with pytest.raises(ParserError, match="line 2: t1.wav has the label 'Yell', expected one of 3: Bark, Gasp, Sigh"):
        FSDKaggle2019Parser(layout(*FILES_2019, **tables)).parse()


def test_a_submission_that_names_a_class_twice_is_an_error(layout):
    with pytest.raises(ParserError, match="sample_submission.csv: does not have a column of its own for each class"):
        FSDKaggle2019Parser(layout(*FILES_2019, train_curated=CURATED, sample_submission="fname,a,b,a\n")).parse()


def test_meta_does_not_take_other_layouts_for_these(layout):
    assert not FSDKaggle2019Parser(layout("train/dog/a.wav", "test/dog/b.wav")).can_parse()
    assert not FSDKaggle2018Parser(layout("audio_train/a.wav")).can_parse()
    assert MetaParser(layout("train/dog/a.wav", "test/dog/b.wav")).can_parse()


def test_records_are_read_as_the_original_reads_them_or_refused(layout, shared, golden):
    """Where the original drops an unknown label, or the second of "Gasp, Sigh", this is refused, and that read."""
    text = (shared / "seeds" / "dcase2019-task2-baseline.txt").read_text()
    classes = sorted(set(re.findall(r"^Lwlrap\((.*)\) = ", text, re.MULTILINE)))
    assert len(classes) == 80 and classes[41] == "Hi-hat"
    class_map = "".join(f"{number},{name}\n" for number, name in enumerate(classes))
    records = json.loads((golden / "tagging" / "front_end_stats.json").read_text())["b_csv_records"]
    read = 0
    for record in records:
        name = record["record"].split(",")[0]
        parser = FSDKaggle2019Parser(
            layout(f"train_curated/{name}", train_curated=f"fname,labels\n{record['record']}\n", class_map=class_map)
        )
        if "NoSuchLabel" in record["record"] or record["record"].endswith(",extra"):
            with pytest.raises(ParserError, match="'NoSuchLabel'|3 cells"):
                parser.parse()
            continue
        (item,) = (item for item in parser.parse() if item.filename == name)
        expected = [36, 60] if "Gasp, Sigh" in record["record"] else record.get("true") or [36]
        assert sorted(parser.label_map[label] for label in item.label_set) == expected
        read += 1
    assert read >= 6
