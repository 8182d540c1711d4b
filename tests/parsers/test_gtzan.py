# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from audeep.parsers.gtzan import GTZANParser


@pytest.mark.parametrize("folder", ["genres", "genres_original"])
def test_genres_are_directories(grow, folder):
    basedir = grow(f"{folder}/rock/rock.00000.au", f"{folder}/blues/blues.00001.wav", f"{folder}/blues/blues.00000.au")
    grow(f"{folder}/notes/readme.txt", "other/x/y.wav")
    parser = GTZANParser(basedir)
    assert parser.can_parse()
    assert [(item.path, item.filename, item.label_nominal, item.label_numeric) for item in parser.parse()] == [
        (basedir / folder / "blues" / "blues.00000.au", "blues/blues.00000.au", "blues", 0),
        (basedir / folder / "blues" / "blues.00001.wav", "blues/blues.00001.wav", "blues", 0),
        (basedir / folder / "rock" / "rock.00000.au", "rock/rock.00000.au", "rock", 1),
    ]
    assert parser.label_map == {"blues": 0, "rock": 1} and parser.num_folds == 0


def test_what_is_not_there_is_named(grow):
    parser = GTZANParser(grow("genres/readme.txt", "blues/a.wav"))
    assert not parser.can_parse()
    assert parser.missing() == "a directory genres with one directory of recordings for each genre"
