# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses
import logging
from pathlib import Path

import pytest

from audeep.data.schema import Partition, Split
from audeep.errors import ParserError
from audeep.parsers.base import InstanceMetadata, LoggingMixin, Parser, is_audio, read_table, require_files, splits


class Counting(Parser):
    """Counts how often its folders are read."""

    reads = 0

    def missing(self):
        return None

    def instances(self):
        self.reads += 1
        yield InstanceMetadata(self.basedir / "b.wav", "b.wav", "zebra", 1, splits(0, 3))
        yield InstanceMetadata(self.basedir / "a.wav", "a.wav", "ant", 0, splits(2, 3))


class Old(LoggingMixin, Parser):
    """Only what auDeep 0.9 demands of a parser that has no labels."""

    def __init__(self, basedir):
        super().__init__(basedir)

    def can_parse(self):
        return False

    def parse(self):
        return [InstanceMetadata(self._basedir / "a.wav", "a.wav")]


@pytest.mark.parametrize("name", ["a.wav", "a.WAV", "a.ogg", "a.flac", "a.mp3", "a.Aiff", "a.opus", "a b.au"])
def test_a_visible_file_with_an_audio_suffix_is_audio(grow, name):
    assert is_audio(grow(name) / name)


@pytest.mark.parametrize("name", ["README.md", ".DS_Store", "._a.wav", "wav", "a.wav.txt", "a.mat", "a.raw", "a.csv"])
def test_other_files_are_no_audio(grow, name):
    assert not is_audio(grow(name) / name)


def test_a_directory_named_like_a_recording_and_a_missing_file_are_no_audio(grow):
    basedir = grow("a.wav/b.txt")
    assert not is_audio(basedir / "a.wav")
    assert not is_audio(basedir / "b.wav")


def test_instance_metadata_has_the_six_fields_of_old_scripts_in_their_order_and_a_value():
    old = [Path("a.wav"), "a", "dog", 3, [Split.VALID], Partition.TEST]
    item = InstanceMetadata(*old)
    names = ["path", "filename", "label_nominal", "label_numeric", "cv_folds", "partition"]
    others = ["label_value", "verified", "label_set", "usage", "group", "start", "end"]
    assert [field.name for field in dataclasses.fields(InstanceMetadata)] == [*names, *others]
    assert item.label_value is None
    assert [getattr(item, name) for name in names] == old


def test_instance_metadata_may_be_path_and_name_alone_and_cannot_be_changed():
    first, second = (InstanceMetadata(Path(name), name) for name in "ab")
    assert (first.label_nominal, first.label_numeric, first.cv_folds, first.partition) == (None, None, [], None)
    assert first.cv_folds is not second.cv_folds
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.filename = "c"


def test_what_follows_from_the_recordings_reads_the_folders_once(tmp_path):
    parser = Counting(tmp_path)
    assert parser.can_parse()
    assert parser.label_map == {"ant": 0, "zebra": 1}
    assert list(parser.label_map) == ["ant", "zebra"]
    assert parser.num_folds == 3
    assert parser.num_instances == 2
    assert [item.filename for item in parser.parse()] == ["b.wav", "a.wav"]
    assert parser.reads == 1


def test_a_parser_with_can_parse_and_parse_alone_has_the_rest_by_default(tmp_path):
    parser = Old(str(tmp_path))
    assert parser.basedir == parser._basedir == tmp_path
    assert (parser.label_map, parser.num_folds, parser.num_instances) == (None, 0, 1)
    assert parser.missing() == "what Old asks for"
    assert isinstance(parser.log, logging.Logger)


def test_the_old_logging_mixin_gives_a_logger_without_a_parser(caplog):
    class Plain(LoggingMixin):
        pass

    Plain().log.warning("heard")
    assert [(record.name, record.message) for record in caplog.records] == [(f"{__name__}.Plain", "heard")]


def test_splits_validate_a_recording_in_its_own_fold_alone():
    assert splits(1, 3) == [Split.TRAIN, Split.VALID, Split.TRAIN]


def test_a_table_gives_the_named_columns_in_the_order_asked_for(tmp_path):
    (tmp_path / "t.csv").write_bytes(b'\xef\xbb\xbfname,extra,fold\r\n"a, b.wav",1,7\r\n\r\nc.wav,2,8\r\n')
    assert read_table(tmp_path / "t.csv", {"fold": int, "name": str}) == [(7, "a, b.wav"), (8, "c.wav")]


def test_a_table_without_header_gives_its_first_columns(tmp_path):
    (tmp_path / "t.txt").write_text("audio/a.wav\tcar\textra\naudio/b.wav\tbus\textra\n")
    rows = read_table(tmp_path / "t.txt", {"path": str, "label": str}, delimiter="\t", header=False)
    assert rows == [("audio/a.wav", "car"), ("audio/b.wav", "bus")]


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", r"t\.csv: has no column name, fold, but none; it needs name, fold$"),
        (b"name,label\n", r"t\.csv: has no column fold, but name, label; it needs name, fold$"),
        (b"name,fold\na,1\nb,two\n", r"t\.csv: line 3 is 'b,two'; expected name, fold \(an integer\)"),
        (b"name,fold\na\n", r"t\.csv: line 2 is 'a'; expected name, fold \(an integer\)"),
        (b"name,fold\n\xff,1\n", r"t\.csv: is not a table in UTF-8 .*0xff"),
    ],
)
def test_a_damaged_table_says_where_and_what_was_expected(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(ParserError, match=message) as raised:
        read_table(tmp_path / "t.csv", {"name": str, "fold": int})
    assert "\n" not in str(raised.value)


def test_recordings_that_a_table_lists_in_vain_are_counted_and_named(grow):
    basedir = grow("a.wav")
    paths = [basedir / f"{letter}.wav" for letter in "abcde"]
    require_files(basedir / "t.csv", paths[:1])
    with pytest.raises(ParserError, match=r"t\.csv: 1 of its 2 recordings are not there: \S+b\.wav; complete"):
        require_files(basedir / "t.csv", paths[:2])
    with pytest.raises(ParserError, match=r"4 of its 5 .*b\.wav, \S+c\.wav, \S+d\.wav, \.\.\.; complete"):
        require_files(basedir / "t.csv", paths)
