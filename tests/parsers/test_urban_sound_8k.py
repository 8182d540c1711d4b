# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from audeep.data.schema import Split
from audeep.errors import ParserError
from audeep.parsers.urban_sound_8k import UrbanSound8KParser

HEADER = "slice_file_name,fsID,start,end,salience,fold,classID,class\n"


@pytest.fixture
def urban(grow):
    """Makes the layout of UrbanSound8K with two recordings and the given lines in its table."""

    def make(*lines: str):
        basedir = grow(
            "audio/fold10/a.wav", "audio/fold2/b.wav", "audio/fold2/unlisted.wav", "metadata/UrbanSound8K.csv"
        )
        (basedir / "metadata" / "UrbanSound8K.csv").write_text(HEADER + "".join(f"{line}\n" for line in lines))
        return basedir

    return make


def test_folds_and_labels_come_from_the_table(urban):
    basedir = urban("a.wav,100,0.0,0.3,1,10,3,dog_bark", "b.wav,101,0.0,4.0,1,2,0,air_conditioner")
    parser = UrbanSound8KParser(basedir)
    assert parser.can_parse()
    first, second = parser.parse()
    assert (first.path, first.filename) == (basedir / "audio" / "fold10" / "a.wav", "a.wav")
    assert (second.path, second.filename) == (basedir / "audio" / "fold2" / "b.wav", "b.wav")
    assert first.cv_folds == [*[Split.TRAIN] * 9, Split.VALID]
    assert second.cv_folds == [Split.TRAIN, Split.VALID, *[Split.TRAIN] * 8]
    assert (first.label_nominal, first.label_numeric) == ("dog_bark", 3)
    assert parser.label_map == {"air_conditioner": 0, "dog_bark": 3}
    assert (parser.num_folds, parser.num_instances) == (10, 2)


@pytest.mark.parametrize(
    "line, message",
    [
        ("a.wav,100,0.0,0.3,1,3,3,dog_bark", r"8K\.csv: 1 of its 1 recordings are not there: \S*audio/fold3/a\.wav"),
        ("a.wav,100,0.0,0.3,1,11,3,dog_bark", r"8K\.csv: a\.wav: is in fold 11, there are 1 to 10"),
        ("a.wav,100,0.0,0.3,1,10", r"8K\.csv: line 2 is 'a\.wav,100,0\.0,0\.3,1,10'; expected slice_file_name, fold"),
    ],
)
def test_a_table_that_does_not_fit_says_where(urban, line, message):
    with pytest.raises(ParserError, match=message):
        UrbanSound8KParser(urban(line)).parse()


def test_what_is_not_there_is_named(grow):
    parser = UrbanSound8KParser(grow("audio/fold1/a.wav"))
    assert not parser.can_parse()
    assert parser.missing() == "metadata/UrbanSound8K.csv"


def test_the_table_may_be_separated_by_semicolons_and_an_error_says_what_was_found(grow):
    basedir = grow("audio/fold10/a.wav", "metadata/UrbanSound8K.csv")
    header = "slice_file_name;fsID;start;end;salience;fold;classID;class"
    (basedir / "metadata" / "UrbanSound8K.csv").write_text(f"{header}\na.wav;100;0,0;0,3;1;10;3;dog_bark\n")
    (item,) = UrbanSound8KParser(basedir).parse()
    assert (item.path, item.label_nominal) == (basedir / "audio" / "fold10" / "a.wav", "dog_bark")
    (basedir / "metadata" / "UrbanSound8K.csv").write_text("slice_file_name|fold\na.wav|10\n")
    with pytest.raises(ParserError, match=r"has no column slice_file_name, fold, .*, but slice_file_name\|fold; it"):
        UrbanSound8KParser(basedir).parse()
