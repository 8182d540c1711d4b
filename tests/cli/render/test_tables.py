# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables for the terminal."""

from audeep.cli.render.tables import table


def test_columns_are_as_wide_as_their_widest_cell_and_numbers_are_aligned_to_the_right() -> None:
    expected = """\
+------------------+
| a title, longer  |
+--------------+---+
| name         | n |
+--------------+---+
| a            | 7 |
| bb           | 8 |
+--------------+---+"""
    assert table("a title, longer ", [("name", "n")], [("a", 7), ("bb", 8)], align="<>") == expected


def test_wide_characters_and_accents_take_the_columns_that_a_terminal_gives_them() -> None:
    lines = table("标题", [("雨声", 1), ("cafe\u0301", 10)], align="<>").splitlines()
    assert lines == [
        "+-----------+",
        "| 标题      |",
        "+------+----+",
        "| 雨声 |  1 |",
        "| cafe\u0301 | 10 |",
        "+------+----+",
    ]


def test_control_characters_do_not_break_a_table() -> None:
    assert table("t", [("a\tb", "c")], [("dddd", "e")]).splitlines()[3] == r"| a\tb | c |"
