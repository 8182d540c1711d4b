# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables for the terminal."""

from collections.abc import Sequence

Row = Sequence[object]


def table(title: str, *sections: Sequence[Row], align: str | None = None) -> str:
    """Rows under a title, with a rule between sections.

    Args:
        sections: rows of equally many cells.
        align: for each column "<" (left) or ">" (right); by default left.
    """
    texts = [[[str(cell) for cell in row] for row in section] for section in sections]
    columns = list(zip(*(row for section in texts for row in section), strict=True))
    widths = [max(map(len, column)) for column in columns]
    widths[0] += max(0, len(title) - (sum(widths) + 3 * (len(widths) - 1)))
    inner = sum(widths) + 3 * (len(widths) - 1)
    rule = "+-" + "-+-".join("-" * width for width in widths) + "-+"
    lines = ["+-" + "-" * inner + "-+", f"| {title:<{inner}} |", rule]
    for section in texts:
        for row in section:
            cells = (
                f"{cell:{side}{width}}" for cell, side, width in zip(row, align or "<" * len(row), widths, strict=True)
            )
            lines.append("| " + " | ".join(cells) + " |")
        lines.append(rule)
    return "\n".join(lines)
