# SPDX-License-Identifier: GPL-3.0-or-later
"""The best labels of what is heard, as bars that change in place on a terminal, or as a line for each window."""

import shutil
from collections.abc import Sequence
from typing import TextIO

from audeep.cli.render.tables import padded, width_of
from audeep.errors import escaped

WAITING = "waiting: there is only silence"
LARGEST_BAR = 40  # columns
FULL = "█"
PARTS = " ▏▎▍▌▋▊▉"  # of a column, in eighths

Scored = Sequence[tuple[str, float]]  # names of labels and scores from 0 to 1, the best first


def bars(best: Scored, width: int) -> list[str]:
    """Lines of at most `width` columns: a label, a bar as long as its score if there is room, the score in per cent."""
    names = [_cut(escaped(name), max(4, width // 2)) for name, _ in best]
    longest = max(map(width_of, names), default=0)
    room = max(0, min(LARGEST_BAR, width - longest - len("  100.0 %")))
    lines = []
    for name, (_, score) in zip(names, best, strict=True):
        bar = f" {padded(_bar(score, room), '<', room)}" if room else ""
        lines.append(_cut(f"{padded(name, '<', longest)}{bar} {100 * score:5.1f} %", width))
    return lines


def line(best: Scored) -> str:
    """The same in one line, without bars."""
    return ", ".join(f"{escaped(name)} {100 * score:.1f} %" for name, score in best)


def _bar(score: float, room: int) -> str:
    eighths = round(8 * room * min(max(score, 0.0), 1.0))
    full, part = divmod(eighths, 8)
    return FULL * full + (PARTS[part] if part else "")


def _cut(text: str, width: int) -> str:
    """The text, or as much of its start as fits, with an ellipsis."""
    if width_of(text) <= width:
        return text
    while width_of(text) > width - 1:
        text = text[:-1]
    return text + "…"


class Display:
    """Shows windows as they come: on a terminal in place of the one before, else one after the other.

    Args:
        width: columns; by default those of the terminal.
    """

    def __init__(self, stream: TextIO, width: int | None = None) -> None:
        self.stream = stream
        self.width = width
        self.num_lines = 0  # that are to be drawn over

    def show(self, title: str, best: Scored, is_silent: bool = False) -> None:
        """Show a window, whose best labels are these."""
        title = escaped(title)
        if not self.stream.isatty():
            self.stream.write(f"{title}  {WAITING if is_silent else line(best)}\n")
        else:
            width = self.width or shutil.get_terminal_size().columns - 1  # a full line would lose its last letter
            lines = [_cut(title, width), *([_cut(WAITING, width)] if is_silent else bars(best, width))]
            lines += [""] * (self.num_lines - len(lines))
            up = f"\x1b[{self.num_lines}F" if self.num_lines else ""
            self.stream.write(up + "".join(f"{each}\x1b[K\n" for each in lines))
            self.num_lines = len(lines)
        self.stream.flush()
