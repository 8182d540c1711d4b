# SPDX-License-Identifier: GPL-3.0-or-later
"""Results kept one by one: they come back after any end, and only for the same work."""

import json
from pathlib import Path

import numpy as np
import pytest

from audeep.errors import OptionError, OutputError
from audeep.runtime.journal import opened_journal

SETTINGS = {"window_width": 0.04, "clip_below": None}
ARRAYS = [np.arange(6, dtype=np.float32).reshape(1, 2, 3), None, np.full((2, 1, 1), np.nan, np.float32)]


def entries(path: Path) -> list[tuple[dict, np.ndarray | None]]:
    with opened_journal(path, SETTINGS, resume=True) as journal:
        return list(journal.replay())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of three results, the second without an array."""
    with opened_journal(tmp_path / "work", SETTINGS, resume=False) as journal:
        for number, array in enumerate(ARRAYS):
            journal.append({"number": number, "name": "\n\udce4"}, array)
    return tmp_path / "work"


def test_results_come_back_as_they_were(path):
    for number, (facts, array) in enumerate(entries(path)):
        assert facts == {"number": number, "name": "\n\udce4"}
        np.testing.assert_array_equal(array, ARRAYS[number])


def test_a_journal_cut_off_at_any_byte_gives_its_whole_results_and_goes_on(path):
    whole = path.read_bytes()
    ends = [0]  # of the first line and each result
    for size in (0, 24, 0, 8):
        ends.append(whole.index(b"\n", ends[-1]) + 1 + size)
    assert ends[-1] == len(whole)
    for length in range(ends[1], len(whole) + 1):
        path.write_bytes(whole[:length])
        with opened_journal(path, SETTINGS, resume=True) as journal:
            found = len(list(journal.replay()))
            assert found == sum(end <= length for end in ends[2:])
            for number in range(found, 3):
                journal.append({"number": number, "name": "\n\udce4"}, ARRAYS[number])
        assert path.read_bytes() == whole


def test_a_result_that_has_changed_on_the_disk_and_all_after_it_are_left_out(path):
    content = bytearray(path.read_bytes())
    content[content.index(b"\n", content.index(b"\n") + 1) + 5] ^= 1  # in the array of the first
    path.write_bytes(content)
    assert entries(path) == []


@pytest.mark.parametrize(
    "line",
    [
        {"shape": [2**40, 2**20], "crc32": 0},
        {"shape": [-1, -1], "crc32": 0},
        {"shape": [1.5], "crc32": 0},
        {"shape": "wide", "crc32": 0},
        {"shape": None},
        {"crc32": 0},
        [1, 2],
    ],
)
def test_hostile_lines_are_no_results(tmp_path, line):
    text = f"{json.dumps({'journal': SETTINGS})}\n{json.dumps(line)}\n"
    (tmp_path / "work").write_text(text)
    assert entries(tmp_path / "work") == []


def test_other_settings_are_refused_and_the_journal_stays(path):
    before = path.read_bytes()
    with pytest.raises(OptionError, match="work: the interrupted run had window_width=0.04, found 0.05; go on with"):
        with opened_journal(path, {**SETTINGS, "window_width": 0.05}, resume=True):
            pytest.fail("the block must not run")
    assert path.read_bytes() == before


def test_there_must_be_a_journal_to_go_on_with(tmp_path):
    with pytest.raises(OptionError, match="work: no such file, there is nothing to go on with; leave out resume=True"):
        with opened_journal(tmp_path / "sub" / "work", SETTINGS, resume=True):
            pytest.fail("the block must not run")
    assert list(tmp_path.iterdir()) == []


def test_a_new_start_discards_the_old_results_and_says_so(path, caplog):
    with opened_journal(path, {"other": 1}, resume=False) as journal:
        assert list(journal.replay()) == []
    assert "work: discarded; resume=True would have gone on with this interrupted run" in caplog.text


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("content", [b"mine\n", b"\xff\n", b"{}\n", b"[1]\n", b'{"journal": 3}\n'])
def test_a_file_that_is_no_journal_is_not_touched(tmp_path, content, resume):
    (tmp_path / "work").write_bytes(content)
    with pytest.raises(OutputError, match="work: is not a journal of an interrupted run; move it"):
        with opened_journal(tmp_path / "work", SETTINGS, resume):
            pytest.fail("the block must not run")
    assert (tmp_path / "work").read_bytes() == content


@pytest.mark.parametrize("resume", [True, False])
def test_a_journal_that_was_killed_at_birth_is_started(tmp_path, resume):
    (tmp_path / "work").touch()
    with opened_journal(tmp_path / "work", SETTINGS, resume) as journal:
        journal.append({}, None)
    assert entries(tmp_path / "work") == [({}, None)]


def test_only_one_at_a_time_works_with_a_journal(path):
    pytest.importorskip("fcntl")
    before = path.read_bytes()
    with opened_journal(path, SETTINGS, resume=True), pytest.raises(OutputError, match="work: another process is"):
        with opened_journal(path, SETTINGS, resume=False):
            pytest.fail("the block must not run")
    assert path.read_bytes() == before


def test_removed_journals_leave_nothing(tmp_path):
    with opened_journal(tmp_path / "a" / "b" / "work", SETTINGS, resume=False) as journal:
        journal.append({}, ARRAYS[0])
        journal.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("exists", [False, True])
def test_a_link_in_the_place_of_a_journal_is_not_followed(tmp_path, resume, exists):
    path, other = tmp_path / "out.nc.partial", tmp_path / "other"
    if exists:
        other.touch()
    path.symlink_to(other)
    with pytest.raises(OutputError, match="is a link, which is not followed"), opened_journal(path, {}, resume):
        pass
    assert path.is_symlink() and (not exists or other.read_bytes() == b"")
