# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTML page that needs nothing beside itself: pictures are inside, there are no scripts."""

from base64 import b64encode
from collections.abc import Iterable, Sequence

from audeep.errors import escaped

STYLE = """
:root { color-scheme: light dark; --text: #1c1c1c; --paper: #ffffff; --line: #d0d0d0; --soft: #f4f4f4; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e6e6; --paper: #17181a; --line: #45474b; --soft: #232529; }
}
body { color: var(--text); background: var(--paper); font: 16px/1.5 system-ui, sans-serif; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.9rem; }
th, td { border: 1px solid var(--line); padding: 0.25rem 0.6rem; text-align: left; overflow-wrap: anywhere; }
thead th { background: var(--soft); }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; break-inside: avoid; }
img { max-width: 100%; height: auto; background: #ffffff; border: 1px solid var(--line); }
@media print {
  :root { color-scheme: light; --text: #000000; --paper: #ffffff; --line: #999999; --soft: #eeeeee; }
  body { max-width: none; margin: 0; font-size: 11pt; }
  h2 { break-after: avoid; }
  tr { break-inside: avoid; }
}
"""
NUMBER = ' class="number"'
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(title: str, sections: Iterable[str]) -> str:
    """A whole page of sections."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{text(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            f"<h1>{text(title)}</h1>",
            *sections,
            "</body>",
            "</html>",
            "",
        ]
    )


def section(heading: str, *parts: str) -> str:
    """Parts under a heading."""
    return "\n".join(["<section>", f"<h2>{text(heading)}</h2>", *parts, "</section>"])


def paragraph(content: str) -> str:
    return f"<p>{text(content)}</p>"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows whose first cell names them; texts are aligned to the left, other cells to the right."""
    lines = ["<table>"]
    if any(header):
        cells = "".join(f'<th scope="col">{text(name)}</th>' for name in header)
        lines.append(f"<thead><tr>{cells}</tr></thead>")
    lines.append("<tbody>")
    for name, *values in rows:
        cells = "".join(f"<td{'' if isinstance(value, str) else NUMBER}>{text(value)}</td>" for value in values)
        lines.append(f'<tr><th scope="row">{text(name)}</th>{cells}</tr>')
    return "\n".join([*lines, "</tbody>", "</table>"])


def picture(png: bytes, description: str) -> str:
    """A picture, and what it shows for those who cannot see it."""
    source = f"data:image/png;base64,{b64encode(png).decode()}"
    return f'<figure><img src="{source}" alt="{text(description)}"></figure>'


def text(content: object) -> str:
    """Text that means nothing in HTML, and can be written as UTF-8."""
    from html import escape

    return escape(escaped(str(content)))
