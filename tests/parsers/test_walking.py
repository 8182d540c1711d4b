# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings that a parser leaves out are told, and linked directories are followed."""

import os
from pathlib import Path

import pytest

from audeep.errors import ParserError
from audeep.parsers.base import InstanceMetadata, Parser
from audeep.parsers.no_metadata import NoMetadataParser
from audeep.parsers.registry import open_parser
from audeep.parsers.walking import files_below


def test_files_in_linked_directories_are_found_and_circles_end(grow, tmp_path):
    basedir = grow("a/1.wav", "b/2.wav")
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (tmp_path / "far" / "deep" / "3.wav").touch()
    (basedir / "link").symlink_to(tmp_path / "far", target_is_directory=True)
    (basedir / "a" / "up").symlink_to(basedir, target_is_directory=True)
    (tmp_path / "far" / "self").symlink_to(".", target_is_directory=True)
    found = [path.relative_to(basedir).as_posix() for path in files_below(basedir)]
    assert found == ["a/1.wav", "b/2.wav", "link/deep/3.wav"]
    assert [item.filename for item in NoMetadataParser(basedir).parse()] == found


def test_one_line_says_how_many_files_are_not_read_and_why(grow, caplog):
    basedir = grow(
        *("train/dog/1.wav", "test/dog/2.wav", "other/dog/3.wav", "train/dog/deep/4.wav", "train/5.wav"),
        *("train/dog/6.m4a", "train/dog/7.M4A", "test/dog/8.wma", "train/dog/notes.txt", "train/dog/.9.wav"),
    )
    assert len(open_parser(basedir, "partitioned").parse()) == 2
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == (
        f"{basedir}: 6 files are not read: 3 recordings are not where this parser looks, such as other/dog/3.wav;"
        " 3 have formats that cannot be decoded (.m4a 2, .wma 1); convert them, as to .wav or .flac"
    )


def test_nothing_is_said_where_all_is_read(grow, caplog):
    open_parser(grow("train/dog/1.wav", "val/dog/2.wav", "README.md"), "partitioned")
    assert not caplog.records


@pytest.mark.parametrize("parser", ["no-metadata", "partitioned"])
def test_recordings_of_formats_that_cannot_be_decoded_are_named_with_their_suffixes(grow, parser):
    basedir = grow("train/dog/1.m4a", "train/dog/2.m4a", "train/cat/3.aac")
    message = r"3 have formats that cannot be decoded \(\.aac 1, \.m4a 2\); convert them"
    with pytest.raises(ParserError, match=message) as caught:
        open_parser(basedir, parser)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user may read everything")
def test_a_directory_that_cannot_be_read_is_named(grow, caplog):
    basedir = grow("a/1.wav", "b/2.wav")
    (basedir / "a").chmod(0)
    assert len(list(files_below(basedir))) == 1
    assert f"{basedir}/a: cannot be read: Permission denied; its files are left out" in caplog.text


class ByBaseName(Parser):
    """As the example in the docs."""

    def missing(self) -> str | None:
        return None

    def instances(self):
        for path in sorted(self.basedir.rglob("*.wav")):
            yield InstanceMetadata(path, path.name, label_nominal=path.parent.name)


class Old(ByBaseName):
    """As one for auDeep 0.9."""

    def parse(self) -> list[InstanceMetadata]:
        return list(self.instances())


def test_recordings_that_share_a_name_are_called_by_their_paths(grow):
    basedir = grow("cat/1.wav", "dog/1.wav", "dog/2.wav")
    parser = ByBaseName(basedir)
    assert [item.filename for item in parser.parse()] == ["cat/1.wav", "dog/1.wav", "2.wav"]
    assert [item.label_nominal for item in parser.parse()] == ["cat", "dog", "dog"]


def test_recordings_that_still_share_a_name_are_refused(grow, monkeypatch):
    basedir = grow("cat/1.wav", "dog/1.wav")
    with pytest.raises(ParserError, match=r"dog/1.wav: is called '1.wav', as is \S+cat/1.wav; give each .* of its own"):
        open_parser(basedir, f"{__name__}.Old")
    path = Path(basedir / "cat" / "1.wav")
    monkeypatch.setattr(ByBaseName, "instances", lambda self: iter([InstanceMetadata(path, "x")] * 2))
    with pytest.raises(ParserError, match="1.wav: is called 'cat/1.wav', as is .* list it once"):
        ByBaseName(basedir).parse()
