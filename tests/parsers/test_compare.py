# SPDX-License-Identifier: GPL-3.0-or-later
"""Each corpus on a small tree in its layout."""

import pytest

from audeep.data.schema import Partition
from audeep.errors import ParserError
from audeep.parsers import compare
from audeep.parsers.registry import PARSERS, find_parser

TRAIN, DEVEL, TEST = Partition.TRAIN, Partition.DEVEL, Partition.TEST
CORPORA = {  # short name: public table, confidential table, columns, labels in order of their numbers, first number
    "compare18-atypical-affect": (
        *("ComParE2018_AtypicalAffect.tsv", "ComParE2018_AtypicalAffect.confidential.tsv"),
        *("file_name\temotion", "happy sad neutral angry", 0),
    ),
    "compare18-crying": (
        *("ComParE2018_Crying.tsv", "ComParE2018_Crying_confidential.tsv", "file_name\tlabel", "0 1 2", 0),
    ),
    "compare18-heartbeat": (
        *("ComParE2018_Heartbeat.tsv", "ComParE2018_Heartbeat_confidential.tsv", "file_name\tlabel", "0 1 2", 0),
    ),
    "compare18-sas": (
        *("ComParE2018_SelfAssessedAffect.tsv", "ComParE2018_SelfAssessedAffect.confidential.tsv"),
        *("file_name\tValence", "l m h", 0),
    ),
    "compare19-bs": (
        *("labels.csv", "labels_confidential.csv", "file_name,label"),
        *("Canonical Crying Junk Laughing Non-canonical", 0),
    ),
    "compare19-cs": ("labels.csv", "labels_confidential.csv", "file_name,label", "1 2 3 4 5 6 7 8 9", 1),
    "compare19-oa": ("labels.csv", "labels_confidential.csv", "file_name,label", "noise orca", 0),
    "compare19-sd": ("labels.csv", "labels_confidential.csv", "file_name,label", "EasternS NorthernS UrbanS", 0),
    "compare20-elderly": ("labels.csv", "labels_confidential.csv", "filename_audio,V_cat", "L M H", 0),
    "compare20-elderly-arousal": ("labels.csv", "labels_confidential.csv", "filename_audio,A_cat", "L M H", 0),
    "compare20-mask": ("labels.csv", "labels_confidential.csv", "file_name,label", "clear mask", 0),
}
FILES = ("devel_01.wav", "test_01.wav", "train_01.wav", "train_02.wav")


def write_table(basedir, name, header, labels):
    """A table with other columns around the two that matter."""
    delimiter = "\t" if "\t" in header else ","
    file_column, label_column = header.split(delimiter)
    lines = [delimiter.join(("id", label_column, "x", file_column))]
    lines += [delimiter.join(("7", label, "y", file)) for file, label in labels.items()]
    (basedir / "lab").mkdir(exist_ok=True)
    (basedir / "lab" / name).write_text("\n".join(lines) + "\n")


def described(parser):
    return [(item.filename, item.label_nominal, item.label_numeric, item.partition) for item in parser.parse()]


@pytest.mark.parametrize("corpus", CORPORA)
def test_labels_and_partitions_of_each_corpus(corpus, grow):
    table, confidential, header, labels, first = CORPORA[corpus]
    labels = labels.split()
    basedir = grow(*(f"wav/{name}" for name in reversed(FILES)))
    by_file = {"train_02.wav": labels[0], "train_01.wav": labels[-1], "devel_01.wav": labels[1], "test_01.wav": "?"}
    write_table(basedir, table, header, by_file)
    parser = find_parser(corpus)(basedir)
    assert parser.can_parse()
    devel = TEST if corpus == "compare18-crying" else DEVEL
    assert described(parser) == [
        ("devel_01.wav", labels[1], first + 1, devel),
        ("test_01.wav", None, None, TEST),
        ("train_01.wav", labels[-1], first + len(labels) - 1, TRAIN),
        ("train_02.wav", labels[0], first, TRAIN),
    ]
    assert parser.label_map == {label: first + number for number, label in enumerate(labels)}
    assert [item.path for item in parser.parse()] == [basedir / "wav" / name for name in FILES]
    assert (parser.num_folds, parser.num_instances) == (0, 4)


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_confidential_table_is_used_where_it_is_there_and_a_warning_says_so(corpus, grow, caplog):
    table, confidential, header, labels, first = CORPORA[corpus]
    basedir = grow(*(f"wav/{name}" for name in FILES))
    write_table(basedir, table, header, {"train_01.wav": labels.split()[0], "test_01.wav": "?"})
    write_table(basedir, confidential, header, dict.fromkeys(FILES, labels.split()[-1]))
    parser = find_parser(corpus)(basedir)
    assert [item.label_nominal for item in parser.parse()] == [labels.split()[-1]] * 4
    assert caplog.text.count(f"the confidential labels in lab/{confidential} are used") == 1


def test_numbers_may_be_written_with_a_fraction_of_zero(grow):
    basedir = grow("wav/train_1.wav", "wav/x.wav")
    write_table(basedir, "ComParE2018_Crying.tsv", "file_name\tlabel", {"train_1.wav": "2.0", "x.wav": ""})
    assert described(compare.Compare18CryingParser(basedir)) == [
        ("train_1.wav", "2", 2, TRAIN),
        ("x.wav", None, None, TEST),
    ]


def test_recordings_without_a_row_have_no_label_and_rows_without_a_recording_are_warned_of(grow, caplog):
    basedir = grow("wav/train_1.wav", "wav/train_2.wav")
    write_table(basedir, "labels.csv", "file_name,label", {"train_2.wav": "mask", "train_3.wav": "clear"})
    assert described(compare.Compare20MaskParser(basedir)) == [
        ("train_1.wav", None, None, TRAIN),
        ("train_2.wav", "mask", 1, TRAIN),
    ]
    assert "wav: 1 of 2 recordings in the table are not there (train_3.wav, ...)" in caplog.text


def test_compare_2021_has_three_tables_and_any_labels(grow):
    basedir = grow("wav/train_1.wav", "wav/devel_1.wav", "wav/test_1.wav", "wav/test_2.wav")
    write_table(basedir, "train.csv", "filename,label", {"train_1.wav": "positive"})
    write_table(basedir, "devel.csv", "filename,label", {"devel_1.wav": "10"})
    parser = compare.Compare21Parser(basedir)
    assert not parser.can_parse() and parser.missing() == "lab/test.csv"
    write_table(basedir, "test.csv", "filename,label", {"test_1.wav": "?", "test_2.wav": "9"})
    assert parser.can_parse()
    assert parser.label_map == {"10": 0, "9": 1, "positive": 2}
    assert described(parser) == [
        ("devel_1.wav", "10", 0, DEVEL),
        ("test_1.wav", None, None, TEST),
        ("test_2.wav", "9", 1, TEST),
        ("train_1.wav", "positive", 2, TRAIN),
    ]


def test_labels_of_another_corpus_and_tables_without_the_columns_are_errors(grow):
    basedir = grow("wav/train_1.wav")
    write_table(basedir, "labels.csv", "file_name,label", {"train_1.wav": "orca"})
    with pytest.raises(
        ParserError, match=r"labels\.csv: train_1\.wav: has the label 'orca', expected one of clear, mask"
    ):
        compare.Compare20MaskParser(basedir).parse()
    with pytest.raises(ParserError, match=r"labels\.csv: has no column filename_audio, V_cat, but .*; it needs"):
        compare.Compare20ElderlyParser(basedir).parse()


def test_what_is_not_there_is_named(grow):
    assert compare.Compare19OAParser(grow("lab/other.csv")).missing() == "wav, lab/labels.csv"


def test_each_corpus_has_a_short_name():
    corpora = {name for name in vars(compare) if name.startswith("Compare") and name != "CompareParser"}
    assert {entry.target.partition(":")[2] for entry in PARSERS if entry.name.startswith("compare")} == corpora
