# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables for the terminal."""

from collections.abc import Sequence

from audeep.errors import escaped

Row = Sequence[object]


def table(title: str, *sections: Sequence[Row], align: str | None = None) -> str:
    """Rows under a title, with a rule between sections; what cannot be printed is escaped.

    Args:
        sections: rows of equally many cells.
        align: for each column "<" (left) or ">" (right); by default left.
    """
    title = escaped(title)
    texts = [[[escaped(str(cell)) for cell in row] for row in section] for section in sections]
    columns = list(zip(*(row for section in texts for row in section), strict=True))
    widths = [max(map(width_of, column)) for column in columns]
    widths[0] += max(0, width_of(title) - (sum(widths) + 3 * (len(widths) - 1)))
    inner = sum(widths) + 3 * (len(widths) - 1)
    rule = "+-" + "-+-".join("-" * width for width in widths) + "-+"
    lines = ["+-" + "-" * inner + "-+", f"| {padded(title, '<', inner)} |", rule]
    for section in texts:
        for row in section:
            cells = map(padded, row, align or "<" * len(row), widths)
            lines.append("| " + " | ".join(cells) + " |")
        lines.append(rule)
    return "\n".join(lines)


def width_of(text: str) -> int:
    """Columns of a terminal that `text` takes: two for each Chinese character, none for an accent on its own."""
    from wcwidth import wcswidth

    width: int = wcswidth(text)
    return width if width >= 0 else len(text)  # negative where there are control characters


def padded(text: str, side: str, width: int) -> str:
    """The text with spaces up to `width` after it ("<") or before it (">")."""
    spaces = " " * (width - width_of(text))
    return text + spaces if side == "<" else spaces + text
