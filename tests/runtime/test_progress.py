# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of long work on terminals, in log files, and not at all."""

import io
import logging
import re
import sys

import pytest

from audeep.runtime import progress as module
from audeep.runtime.progress import progress


@pytest.fixture
def verbose(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="audeep.runtime.progress")
    return caplog


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that shows the number in this list."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines_of_slow_work(items: object, seconds_per_item: float, clock: list[float], total: int | None = None) -> int:
    """Go through `items` in the time given and tell how many there were."""
    count = 0
    for _ in progress(items, "preprocess", "files", total):
        clock[0] += seconds_per_item
        count += 1
    return count


def test_without_a_terminal_a_line_appears_every_ten_seconds(
    verbose: pytest.LogCaptureFixture, clock: list[float]
) -> None:
    assert lines_of_slow_work(["file"] * 10, 4.0, clock) == 10
    assert verbose.messages == [
        "preprocess: 3 of 10 files, 12 s",
        "preprocess: 6 of 10 files, 24 s",
        "preprocess: 9 of 10 files, 36 s",
    ]


def test_the_total_may_be_unknown_or_given(verbose: pytest.LogCaptureFixture, clock: list[float]) -> None:
    assert lines_of_slow_work(iter("ab"), 11.0, clock) == 2
    assert lines_of_slow_work(iter("ab"), 11.0, clock, total=7) == 2
    assert verbose.messages == [
        "preprocess: 1 files, 11 s",
        "preprocess: 2 files, 22 s",
        "preprocess: 1 of 7 files, 11 s",
        "preprocess: 2 of 7 files, 22 s",
    ]


def test_short_work_prints_nothing(
    verbose: pytest.LogCaptureFixture, clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    assert lines_of_slow_work(["file"] * 9, 1.0, clock) == 9
    assert verbose.messages == []
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_a_bar(verbose: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert list(progress(["a", "b", "c"], "preprocess", "files")) == ["a", "b", "c"]
    assert "preprocess: " in sys.stderr.getvalue()
    assert "/3 [" in sys.stderr.getvalue()
    assert " files" in sys.stderr.getvalue()
    assert verbose.messages == []


def test_a_part_of_the_work_counts_on_from_what_was_done(
    verbose: pytest.LogCaptureFixture, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in progress("ab", "epoch 3 of 5", "batches", 10, done=4):
        clock[0] += 11.0
    assert verbose.messages == ["epoch 3 of 5: 5 of 10 batches, 11 s", "epoch 3 of 5: 6 of 10 batches, 22 s"]
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert list(progress("ab", "epoch 3 of 5", "batches", 10, done=4)) == ["a", "b"]
    assert re.search(r"epoch 3 of 5:  40%\|.*\| 4/10 \[", sys.stderr.getvalue())
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr("tqdm.std.time", lambda: 1000.0)
    assert list(progress("ab", "epoch 3 of 5", "batches", 10, done=4, begun=(1, 970.0))) == ["a", "b"]
    assert re.search(r"\| 4/10 \[00:30<01:00, +10.00s/ batches\]", sys.stderr.getvalue())  # 3 of them in 30 s


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_a_quiet_logger_shows_nothing(
    caplog: pytest.LogCaptureFixture, clock: list[float], monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO]
) -> None:
    caplog.set_level(logging.WARNING, logger="audeep.runtime.progress")
    monkeypatch.setattr(sys, "stderr", stream())
    assert lines_of_slow_work(["file"] * 10, 60.0, clock) == 10
    assert caplog.messages == []
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
def test_items_are_taken_one_at_a_time(caplog: pytest.LogCaptureFixture, level: int) -> None:
    caplog.set_level(level, logger="audeep.runtime.progress")
    taken = []
    items = progress((taken.append(item) or item for item in "abc"), "preprocess", "files")
    assert taken == []
    assert next(items) == "a"
    assert taken == ["a"]
    assert list(items) == ["b", "c"]
