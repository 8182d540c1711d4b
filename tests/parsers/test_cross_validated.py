# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from audeep.data.schema import Split
from audeep.parsers.cross_validated import CrossValidatedParser

TRAIN, VALID = Split.TRAIN, Split.VALID


def test_folds_and_classes_come_from_the_directories_folds_in_the_order_of_their_numbers(grow):
    basedir = grow("fold_10/dog/a.wav", "fold_2/cat/a.wav", "fold_2/dog/b.ogg", "fold_1/emu/a.wav")
    parser = CrossValidatedParser(basedir)
    assert parser.can_parse()
    assert [(item.filename, item.label_nominal, item.label_numeric, item.cv_folds) for item in parser.parse()] == [
        ("fold_1/emu/a.wav", "emu", 2, [VALID, TRAIN, TRAIN]),
        ("fold_2/cat/a.wav", "cat", 0, [TRAIN, VALID, TRAIN]),
        ("fold_2/dog/b.ogg", "dog", 1, [TRAIN, VALID, TRAIN]),
        ("fold_10/dog/a.wav", "dog", 1, [TRAIN, TRAIN, VALID]),
    ]
    assert all(item.path == basedir / item.filename and item.partition is None for item in parser.parse())
    assert parser.label_map == {"cat": 0, "dog": 1, "emu": 2}
    assert (parser.num_folds, parser.num_instances) == (3, 4)


def test_folds_may_be_written_with_a_capital(grow):
    parser = CrossValidatedParser(grow("fold_1/dog/a.wav", "fold_2/dog/a.wav", "Fold_3/dog/a.wav"))
    assert parser.num_folds == 3 and parser.parse()[2].filename == "Fold_3/dog/a.wav"


def test_files_that_are_no_audio_and_other_directories_are_left_out(grow):
    basedir = grow("fold_1/a/1.wav", "fold_1/a/README.md", "fold_2/a/2.wav", "fold_2/.x/3.wav", "fold_b/a/4.wav")
    assert [item.filename for item in CrossValidatedParser(basedir).parse()] == ["fold_1/a/1.wav", "fold_2/a/2.wav"]


@pytest.mark.parametrize(
    "names",
    [
        ["fold_1/dog/a.wav"],
        ["fold_1/dog/a.wav", "fold_2/a.wav"],
        ["fold1/dog/a.wav", "fold2/dog/a.wav"],
        ["fold_1/dog/a.txt", "fold_2/dog/a.txt"],
    ],
)
def test_other_trees_lack_the_fold_directories(grow, names):
    parser = CrossValidatedParser(grow(*names))
    assert not parser.can_parse()
    assert parser.missing() == (
        "two or more directories fold_1, fold_2, ... with one directory of recordings for each class"
    )
