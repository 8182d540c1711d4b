# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from audeep.data.schema import Partition
from audeep.parsers.partitioned import PartitionedParser


def test_partitions_and_classes_come_from_the_directories(grow):
    basedir = grow("test/cat/1.wav", "train/dog/2.wav", "train/dog/1.FLAC", "devel/ant/x.ogg", "train/bee/1.wav")
    parser = PartitionedParser(basedir)
    assert parser.can_parse()
    assert [(item.filename, item.label_nominal, item.label_numeric, item.partition) for item in parser.parse()] == [
        ("train/bee/1.wav", "bee", 1, Partition.TRAIN),
        ("train/dog/1.FLAC", "dog", 3, Partition.TRAIN),
        ("train/dog/2.wav", "dog", 3, Partition.TRAIN),
        ("devel/ant/x.ogg", "ant", 0, Partition.DEVEL),
        ("test/cat/1.wav", "cat", 2, Partition.TEST),
    ]
    assert all(item.path == basedir / item.filename and list(item.cv_folds) == [] for item in parser.parse())
    assert parser.label_map == {"ant": 0, "bee": 1, "cat": 2, "dog": 3}
    assert (parser.num_folds, parser.num_instances) == (0, 5)


def test_one_partition_is_enough_and_other_directories_and_files_are_left_out(grow):
    basedir = grow(
        *("devel/dog/1.wav", "devel/dog/README.md", "devel/dog/.DS_Store", "devel/.git/2.wav", "devel/3.wav"),
        *("other/dog/4.wav", "train/empty/notes.txt", "devel/dog/deeper/5.wav", "6.wav"),
    )
    assert [item.filename for item in PartitionedParser(basedir).parse()] == ["devel/dog/1.wav"]


@pytest.mark.parametrize("name", ["val", "Validation", "dev", "DEVEL"])
def test_the_development_set_has_several_names_and_case_does_not_matter(grow, name):
    parser = PartitionedParser(grow("Train/dog/1.wav", f"{name}/dog/2.wav", "test/dog/3.wav"))
    assert [(item.filename, item.partition) for item in parser.parse()] == [
        ("Train/dog/1.wav", Partition.TRAIN),
        (f"{name}/dog/2.wav", Partition.DEVEL),
        ("test/dog/3.wav", Partition.TEST),
    ]


@pytest.mark.parametrize("name", ["train/1.wav", "train/dog/readme.txt", "dog/train/1.wav", "training/dog/1.wav"])
def test_other_trees_lack_the_partition_directories(grow, name):
    parser = PartitionedParser(grow(name))
    assert not parser.can_parse()
    assert parser.missing() == "directories train, devel or test with one directory of recordings for each class"
