# SPDX-License-Identifier: GPL-3.0-or-later
from audeep.parsers.no_metadata import NoMetadataParser


def test_all_recordings_at_any_depth_are_named_by_their_path_in_sorted_order(grow):
    basedir = grow("z.wav", "b/c/y.OGG", "b/a.flac", "b/notes.txt", ".DS_Store", "README.md")
    parser = NoMetadataParser(basedir)
    assert parser.can_parse()
    assert [item.filename for item in parser.parse()] == ["b/a.flac", "b/c/y.OGG", "z.wav"]
    assert all(item.path == basedir / item.filename for item in parser.parse())


def test_recordings_have_no_metadata(grow):
    parser = NoMetadataParser(grow("001 - Dog bark/1-a.wav"))
    (item,) = parser.parse()
    assert (item.label_nominal, item.label_numeric, list(item.cv_folds), item.partition) == (None, None, [], None)
    assert (parser.label_map, parser.num_folds, parser.num_instances) == (None, 0, 1)


def test_hidden_directories_are_left_out_but_the_base_directory_may_be_in_one(grow):
    basedir = grow(".hidden/a.wav", ".hidden/b/c.wav", ".hidden/.cache/d.wav")
    assert not NoMetadataParser(basedir).can_parse()
    assert [item.filename for item in NoMetadataParser(basedir / ".hidden").parse()] == ["a.wav", "b/c.wav"]


def test_a_tree_without_recordings_lacks_them(grow):
    assert NoMetadataParser(grow("a/b.txt")).missing() == "recordings at any depth"
