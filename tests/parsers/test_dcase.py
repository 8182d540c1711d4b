# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from audeep.data.schema import Split
from audeep.errors import ParserError
from audeep.parsers.dcase import DCASE18Task4Parser, DCASEParser

TRAIN, VALID = Split.TRAIN, Split.VALID
SCENES = (
    "beach bus cafe/restaurant car city_center forest_path grocery_store home library metro_station office park "
    "residential_area train tram"
).split()


@pytest.fixture
def dcase(grow):
    """Makes the layout of the challenge, with the given lines in meta.txt; fold K trains on b<K>.wav and extra.wav."""

    def make(*lines: str):
        folds = [f"evaluation_setup/fold{fold}_train.txt" for fold in range(1, 5)]
        basedir = grow("meta.txt", "audio/b1.wav", "audio/b2.wav", "audio/b10.wav", "audio/unlisted.wav", *folds)
        (basedir / "meta.txt").write_text("".join(f"{line}\n" for line in lines))
        for fold, name in enumerate(folds, 1):
            (basedir / name).write_text(f"audio/b{fold}.wav\tcar\naudio/b10.wav\tpark\n")
        return basedir

    return make


def test_recordings_come_in_the_order_of_the_table_and_train_where_a_fold_lists_them(dcase):
    basedir = dcase("audio/b2.wav\tcar\tx1", "audio/b10.wav\tcafe/restaurant\tx2", "audio/b1.wav\ttram\tx3")
    parser = DCASEParser(basedir)
    assert parser.can_parse()
    assert [(item.filename, item.label_nominal, item.label_numeric, item.cv_folds) for item in parser.parse()] == [
        ("b2.wav", "car", 3, [VALID, TRAIN, VALID, VALID]),
        ("b10.wav", "cafe/restaurant", 2, [TRAIN, TRAIN, TRAIN, TRAIN]),
        ("b1.wav", "tram", 14, [TRAIN, VALID, VALID, VALID]),
    ]
    assert [item.path for item in parser.parse()] == [basedir / "audio" / item.filename for item in parser.parse()]
    assert (parser.num_folds, parser.num_instances) == (4, 3)


def test_the_labels_are_the_fifteen_scenes_even_where_few_are_present(dcase):
    assert DCASEParser(dcase("audio/b1.wav\tbus")).label_map == {label: number for number, label in enumerate(SCENES)}


def test_a_label_of_another_challenge_is_an_error(dcase):
    with pytest.raises(ParserError, match=r"meta\.txt: audio/b1\.wav: has the label 'cooking', expected one of beach"):
        DCASEParser(dcase("audio/b1.wav\tcooking")).parse()


def test_a_listed_recording_that_is_not_there_is_an_error(dcase):
    with pytest.raises(
        ParserError, match=r"meta\.txt: 1 of its 2 recordings are not there: \S*audio/b3\.wav; complete"
    ):
        DCASEParser(dcase("audio/b1.wav\tbus", "audio/b3.wav\tbus")).parse()


def test_what_is_not_there_is_named(dcase):
    basedir = dcase("audio/b1.wav\tbus")
    (basedir / "meta.txt").unlink()
    (basedir / "evaluation_setup" / "fold3_train.txt").unlink()
    parser = DCASEParser(basedir)
    assert not parser.can_parse()
    assert parser.missing() == "meta.txt, evaluation_setup/fold3_train.txt"


def test_the_challenge_of_2018_has_other_labels(dcase):
    parser = DCASE18Task4Parser(dcase("audio/b1.wav\tcooking", "audio/b2.wav\tother"))
    assert [(item.filename, item.label_numeric) for item in parser.parse()] == [("b1.wav", 8), ("b2.wav", 0)]
    activities = "other social_activity eating working absence vacuum_cleaner dishwashing watching_tv cooking".split()
    assert parser.label_map == {label: number for number, label in enumerate(activities)}
