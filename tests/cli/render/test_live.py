# SPDX-License-Identifier: GPL-3.0-or-later
"""Bars of scores, and where they are drawn."""

import io

import pytest

from audeep.cli.render.live import WAITING, Display, bars, line
from audeep.cli.render.tables import width_of

BEST = [("dog", 0.75), ("crying baby", 0.25), ("雨", 0.0)]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bars_are_as_long_as_scores_and_fill_the_width():
    assert bars(BEST, 40) == [
        "dog         ███████████████       75.0 %",
        "crying baby █████                 25.0 %",
        "雨                                 0.0 %",
    ]
    assert bars([("a", 0.51)], 20)[0] == "a █████▏      51.0 %"
    assert [each.count("█") for each in bars([("a", 1.0), ("b", 0.5)], 400)] == [40, 20]


@pytest.mark.parametrize("width", [1, 5, 12, 20, 33, 80])
def test_no_line_is_wider_than_the_terminal(width):
    found = bars([*BEST, ("a very long label indeed " * 5, 0.5), ("雨" * 40, 1.0)], width)
    assert len(found) == 5 and max(map(width_of, found)) <= width


def test_labels_send_no_control_sequences():
    assert line([("a\x1b[2J", 0.5)]) == r"a\x1b[2J 50.0 %"
    assert bars([("a\x1b[2J\n", 0.5)], 80)[0].startswith(r"a\x1b[2J\n ")


def test_a_terminal_is_drawn_over_and_a_file_gets_lines():
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        display = Display(stream, 40)
        display.show("0.0 s", BEST)
        display.show("0.5 s \x1b]0;x\x07", BEST[:1])
        display.show("1.0 s", BEST, is_silent=True)
    frames = terminal.getvalue().split("\x1b[4F")
    assert len(frames) == 3 and [frame.count("\n") for frame in frames] == [4, 4, 4]
    assert r"0.5 s \x1b]0;x\x07" in frames[1] and frames[2].startswith(f"1.0 s\x1b[K\n{WAITING}\x1b[K\n\x1b[K\n")
    assert file.getvalue() == (
        f"0.0 s  dog 75.0 %, crying baby 25.0 %, 雨 0.0 %\n0.5 s \\x1b]0;x\\x07  dog 75.0 %\n1.0 s  {WAITING}\n"
    )
