# SPDX-License-Identifier: GPL-3.0-or-later
import csv
from collections import Counter

import pytest

from audeep.data.schema import Split
from audeep.errors import ParserError
from audeep.parsers.esc import ESCParser

HEADER = "filename,fold,target,category,esc10,src_file,take\n"


@pytest.fixture
def esc50(grow):
    """Makes the layout of ESC-50 with two recordings and the given lines in its table."""

    def make(*lines: str, header: str = HEADER):
        basedir = grow("audio/1-9-A-0.wav", "audio/5-7-B-14.wav", "meta/esc50.csv", "README.md")
        (basedir / "meta" / "esc50.csv").write_text(header + "".join(f"{line}\n" for line in lines))
        return basedir

    return make


def valid_in(item) -> list[int]:
    """Numbers of the folds, from 1, in which a recording is in the validation split."""
    return [fold for fold, split in enumerate(item.cv_folds, 1) if split is Split.VALID]


def test_classes_come_from_numbered_directories_and_folds_from_the_first_digit(grow):
    basedir = grow("010 - Fire crackling/2-1-A.wav", "001 - Dog bark/5-1-A.ogg", "001 - Dog bark/1-2-B.FLAC")
    parser = ESCParser(basedir)
    assert parser.can_parse()
    assert [(item.filename, item.label_nominal, item.label_numeric, valid_in(item)) for item in parser.parse()] == [
        ("1-2-B.FLAC", "Dog bark", 0, [1]),
        ("5-1-A.ogg", "Dog bark", 0, [5]),
        ("2-1-A.wav", "Fire crackling", 1, [2]),
    ]
    assert [item.path.parent.name for item in parser.parse()] == [*["001 - Dog bark"] * 2, "010 - Fire crackling"]
    assert (parser.num_folds, parser.num_instances) == (5, 3)
    assert parser.label_map == {"Dog bark": 0, "Fire crackling": 1}


def test_other_files_and_directories_are_left_out(grow):
    basedir = grow(
        *("001 - a/1-1.wav", "001 - a/README.md", "001 - a/.DS_Store"),
        *("02 - b/1-1.wav", "0003 - c/1-1.wav", "004-d/1-1.wav", "005 - /1-1.wav"),
    )
    assert [item.label_nominal for item in ESCParser(basedir).parse()] == ["a"]


@pytest.mark.parametrize("name", ["x-1.wav", "0-1.wav", "6-1.wav"])
def test_a_file_name_without_the_digit_of_a_fold_is_an_error(grow, name):
    parser = ESCParser(grow(f"001 - a/{name}"))
    with pytest.raises(ParserError, match=rf"001 - a/{name}: the name must start with the number of a fold, 1 to 5"):
        parser.parse()


def test_the_layout_of_esc_50_is_read_by_its_table(esc50):
    basedir = esc50("5-7-B-14.wav,5,14,chirping_birds,False,7,B", "1-9-A-0.wav,1,0,dog,True,9,A")
    parser = ESCParser(basedir)
    assert parser.can_parse()
    assert [(item.filename, item.label_nominal, item.label_numeric, valid_in(item)) for item in parser.parse()] == [
        ("1-9-A-0.wav", "dog", 0, [1]),
        ("5-7-B-14.wav", "chirping_birds", 14, [5]),
    ]
    assert [item.path for item in parser.parse()] == [basedir / "audio" / item.filename for item in parser.parse()]
    assert parser.label_map == {"chirping_birds": 14, "dog": 0}
    assert parser.num_folds == 5


@pytest.mark.parametrize(
    "line, message",
    [
        ("2-3-A-0.wav,2,0,dog,,,", r"esc50\.csv: 1 of its 2 recordings are not there: \S*audio/2-3-A-0\.wav; complete"),
        ("5-7-B-14.wav,6,14,chirp,,,", r"esc50\.csv: 5-7-B-14\.wav: is in fold 6, there are 1 to 5"),
        (
            "5-7-B-14.wav,5,x,chirp,,,",
            r"esc50\.csv: line 3 is '5-7-B-14\.wav,5,x,chirp,,,'; expected filename, fold \(",
        ),
    ],
)
def test_a_table_that_does_not_fit_says_where(esc50, line, message):
    with pytest.raises(ParserError, match=message):
        ESCParser(esc50("1-9-A-0.wav,1,0,dog,True,9,A", line)).parse()


def test_a_table_without_a_column_says_which(esc50):
    with pytest.raises(ParserError, match=r"esc50\.csv: has no column target, but .*; it needs filename, fold, "):
        ESCParser(esc50("1-9-A-0.wav,1,dog", header="filename,fold,category\n")).parse()


@pytest.mark.parametrize("names", [["dogs/1-1.wav"], ["001 - a/1-1.txt"], ["audio/1-9-A-0.wav"]])
def test_other_trees_lack_both_layouts(grow, names):
    parser = ESCParser(grow(*names))
    assert not parser.can_parse()
    assert parser.missing() == "directories '001 - <class>' with recordings, or audio/ with meta/esc50.csv"


def test_the_real_esc_10(esc10):
    parser = ESCParser(esc10)
    assert parser.num_instances == 400
    assert parser.num_folds == 5
    assert list(parser.label_map) == sorted(parser.label_map)
    assert sorted(parser.label_map, key=parser.label_map.get) == [
        *("Dog bark", "Rain", "Sea waves", "Baby cry", "Clock tick"),
        *("Person sneeze", "Helicopter", "Chainsaw", "Rooster", "Fire crackling"),
    ]
    assert Counter(tuple(valid_in(item)) for item in parser.parse()) == {(fold,): 80 for fold in range(1, 6)}
    assert Counter(item.label_numeric for item in parser.parse()) == {number: 40 for number in range(10)}


def test_names_and_folds_are_those_of_the_old_program(esc10, golden):
    items = {item.filename: item for item in ESCParser(esc10).parse()}
    seen = 0
    for fold in range(1, 6):
        with open(golden / "old_export_csv" / f"fold_{fold}" / "old_features_cv.csv", newline="") as file:
            for row in csv.DictReader(file):
                item = items[row["filename"]]
                assert (item.label_nominal, valid_in(item)) == (row["label_nominal"], [fold])
                seen += 1
    assert seen == 40


def test_each_class_may_number_its_recordings_alike(grow):
    basedir = grow("001 - Dog/1-1.wav", "001 - Dog/2-1.wav", "002 - Cat/1-1.wav", "002 - Cat/2-2.wav")
    names = [item.filename for item in ESCParser(basedir).parse()]
    assert names == ["001 - Dog/1-1.wav", "2-1.wav", "002 - Cat/1-1.wav", "2-2.wav"]


def test_the_table_may_be_separated_by_semicolons(esc50):
    basedir = esc50("1-9-A-0.wav;1;0;dog", header="filename;fold;target;category\n")
    (item,) = ESCParser(basedir).parse()
    assert (item.label_nominal, item.label_numeric) == ("dog", 0)
