# SPDX-License-Identifier: GPL-3.0-or-later
import logging

import pytest

from audeep.errors import ParserError
from audeep.parsers.cross_validated import CrossValidatedParser
from audeep.parsers.dcase import DCASEParser
from audeep.parsers.esc import ESCParser
from audeep.parsers.fsdkaggle import FSDKaggle2018Parser, FSDKaggle2019Parser
from audeep.parsers.meta import MetaParser
from audeep.parsers.partitioned import PartitionedParser
from audeep.parsers.registry import open_parser
from audeep.parsers.urban_sound_8k import UrbanSound8KParser

DCASE = ["meta.txt", "audio/a.wav", *(f"evaluation_setup/fold{fold}_train.txt" for fold in range(1, 5))]
TREES = {
    DCASEParser: DCASE,
    PartitionedParser: ["train/dog/a.wav", "test/cat/a.wav"],
    CrossValidatedParser: ["fold_1/dog/a.wav", "fold_2/dog/a.wav", "fold_2/cat/b.wav"],
    ESCParser: ["001 - Dog/1-1-A.ogg", "002 - Cat/2-1-A.ogg"],
    UrbanSound8KParser: ["audio/fold1/a.wav", "metadata/UrbanSound8K.csv"],
    FSDKaggle2018Parser: ["audio_train/a.wav", "train.csv"],
    FSDKaggle2019Parser: ["train_curated/a.wav", "train_curated.csv"],
}
TEXTS = {
    "train.csv": "fname,label\na.wav,Bark\n",
    "train_curated.csv": 'fname,labels\na.wav,"Bark,Yell"\n',
    "meta.txt": "audio/a.wav\tbus\n",
    "metadata/UrbanSound8K.csv": "slice_file_name,fold,classID,class\na.wav,1,3,dog_bark\n",
}


@pytest.fixture
def tree(grow):
    """Makes a tree with the content of its tables."""

    def make(*names: str):
        basedir = grow(*names)
        for name in TEXTS.keys() & set(names):
            (basedir / name).write_text(TEXTS[name])
        return basedir

    return make


@pytest.mark.parametrize("kind", TREES)
def test_it_reads_each_layout_like_the_parser_for_it(tree, kind):
    basedir = tree(*TREES[kind])
    meta, own = MetaParser(basedir), kind(basedir)
    assert meta.can_parse()
    assert meta.parse() == own.parse() != []
    assert (meta.label_map, meta.num_folds, meta.num_instances) == (own.label_map, own.num_folds, own.num_instances)
    assert meta.label_names == own.label_names


def test_two_parsers_that_can_read_a_tree_are_an_error_that_names_both(tree):
    parser = MetaParser(tree(*TREES[PartitionedParser], *TREES[ESCParser]))
    with pytest.raises(ParserError, match="PartitionedParser and ESCParser can read it, .*; choose a parser by name"):
        parser.parse()


def test_the_log_says_for_each_layout_what_it_needs(tree, caplog):
    parser = MetaParser(tree("a.wav", "b/c.wav"))
    with caplog.at_level(logging.DEBUG):
        assert not parser.can_parse()
    needs = {f"{parser.basedir}: {kind.__name__} needs {kind(parser.basedir).missing()}" for kind in TREES}
    assert needs == set(caplog.messages)


def test_class_folders_are_read_as_such(tree):
    basedir = tree("dog/b.wav", "dog/a.wav", "rain/a.flac", "notes/readme.txt", "labels.txt")
    items = MetaParser(basedir).parse()
    assert [(item.filename, item.label_nominal, item.label_numeric) for item in items] == [
        ("dog/a.wav", "dog", 0),
        ("dog/b.wav", "dog", 0),
        ("rain/a.flac", "rain", 1),
    ]
    assert MetaParser(basedir).num_folds == 0 and {item.partition for item in items} == {None}


def test_recordings_without_folders_have_no_labels_and_a_table_beside_them_is_told_of(tree, caplog):
    with caplog.at_level(logging.INFO):
        parser = MetaParser(tree("b.wav", "a.wav", "birds.csv", "docs/readme.txt"))
        assert [(item.filename, item.label_nominal) for item in parser.parse()] == [("a.wav", None), ("b.wav", None)]
    assert "read as 2 recordings without labels; if birds.csv is a table of labels, name it with" in caplog.text
    assert parser.label_map is None


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("a.wav", "b/c.wav"), "2 recordings: 1 in it, 1 in b"),
        (("wav/a.wav", "wav/b.wav"), "2 recordings: 2 in wav"),
        (("train/a.wav", "test/b.wav"), "2 recordings: 1 in test, 1 in train"),
        (("train/a.wav", "eval/b.wav"), "2 recordings: 1 in eval, 1 in train"),
        (("fold1/a.wav", "fold2/b.wav"), "2 recordings: 1 in fold1, 1 in fold2"),
        (("a/b/c.wav", "d/e/f.wav"), "2 recordings: 1 in a/b, 1 in d/e"),
        (tuple(f"{name}/x/a.wav" for name in "abcde"), "5 recordings: 1 in a/x, 1 in b/x, 3 more folders"),
        (("notes.txt",), "no recordings"),
    ],
)
def test_what_it_cannot_read_is_told_in_at_most_three_lines(tree, names, found):
    basedir = tree(*names)
    with pytest.raises(ParserError) as raised:
        open_parser(basedir, "meta")
    message = str(raised.value).removeprefix(str(basedir))
    assert f"class folders, a known layout or recordings alone; found {found}; use another parser" in message
    assert len(message) <= 3 * 80
    with pytest.raises(ParserError, match="no parser can read it"):
        MetaParser(basedir).parse()


def test_the_real_esc_10_is_read(esc10):
    assert MetaParser(esc10).parse() == ESCParser(esc10).parse()
