# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables for the terminal."""

from collections.abc import Sequence

from audeep.errors import escaped

Row = Sequence[object]


def table(title: str, *sections: Sequence[Row], align: str | None = None, width: int | None = None) -> str:
    """Rows under a title, with a rule between sections; what cannot be printed is escaped.

    Args:
        sections: rows of equally many cells.
        align: for each column "<" (left) or ">" (right); by default left.
        width: of the terminal; where rows are wider, their columns are put into several tables, below each other, each
            with the first column.
    """
    title = escaped(title)
    texts = [[[escaped(str(cell)) for cell in row] for row in section] for section in sections]
    columns = list(zip(*(row for section in texts for row in section), strict=True))
    widths = [max(map(width_of, column)) for column in columns]
    align = align or "<" * len(columns)
    parts = [range(1, len(columns))] if width is None else _parts(widths, width)
    tables = []
    for part in parts:
        chosen = [0, *part]
        of_part = [[[row[column] for column in chosen] for row in section] for section in texts]
        tables.append(
            _box(title, of_part, [widths[column] for column in chosen], "".join(align[column] for column in chosen))
        )
    return "\n".join(tables)


def _parts(widths: Sequence[int], most: int) -> list[range]:
    """The columns after the first as they go together into tables of at most so many letters in a line."""
    starts, length = [1], 0
    for column in range(1, len(widths)):
        length += widths[column] + 3
        if length + widths[0] + 4 > most and column > starts[-1]:
            starts.append(column)
            length = widths[column] + 3
    return [range(*ends) for ends in zip(starts, [*starts[1:], len(widths)], strict=True)]


def _box(title: str, sections: Sequence[Sequence[Sequence[str]]], widths: list[int], align: str) -> str:
    """A table of cells that can be printed, with the widths of its columns."""
    widths[0] += max(0, width_of(title) - (sum(widths) + 3 * (len(widths) - 1)))
    inner = sum(widths) + 3 * (len(widths) - 1)
    rule = "+-" + "-+-".join("-" * width for width in widths) + "-+"
    lines = ["+-" + "-" * inner + "-+", f"| {padded(title, '<', inner)} |", rule]
    for section in sections:
        for row in section:
            cells = map(padded, row, align, widths)
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
