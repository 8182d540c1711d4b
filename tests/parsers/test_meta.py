# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from audeep.errors import ParserError
from audeep.parsers.cross_validated import CrossValidatedParser
from audeep.parsers.dcase import DCASEParser
from audeep.parsers.esc import ESCParser
from audeep.parsers.fsdkaggle import FSDKaggle2018Parser, FSDKaggle2019Parser
from audeep.parsers.meta import MetaParser
from audeep.parsers.partitioned import PartitionedParser
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


def test_it_says_for_each_parser_what_was_looked_for(tree):
    parser = MetaParser(tree("a.wav"))
    assert not parser.can_parse()
    parts = dict(part.split(": ", 1) for part in parser.missing().split("; "))
    assert parts == {kind.__name__: kind(parser.basedir).missing() for kind in TREES}


def test_a_tree_that_only_the_parser_without_metadata_could_read_is_left_to_it(tree):
    with pytest.raises(ParserError, match="no parser can read it"):
        MetaParser(tree("a.wav", "b/c.wav")).parse()


def test_the_real_esc_10_is_read(esc10):
    assert MetaParser(esc10).parse() == ESCParser(esc10).parse()
