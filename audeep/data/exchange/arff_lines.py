# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of attribute-relation files as Weka, KEEL, openSMILE and people write them, made fit for the decoder."""

import re
from collections.abc import Iterable, Iterator

_QUOTED = r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
_ATTRIBUTE = re.compile(rf"(?i)(@attribute)\s+({_QUOTED}|[^\s{{]+)\s*(.*?)\s*")
_CELLS = [re.compile(rf"(?:{_QUOTED}|[^{delimiter}])+") for delimiter in (r"\t", r"\s,")]
_WEIGHT = re.compile(r"[,\s]\s*\{\s*[-+.\deE]+\s*\}\s*$")
_RANGE = re.compile(r"(?i)(?:integer|real|numeric)\s*(?:[\[(].*)?")
_FOREIGN = re.compile(r"(?i)@(?:inputs?|outputs?)\b")  # of KEEL


class ArffLines:
    """The lines of a file: without comments, with commas between values, and types of attributes that the decoder has.

    Attributes:
        names, types: of the attributes so far, the names without quotes.
        dates: names of those that are dates, which become text.
        has_weights: whether rows had weights, which are left out.
    """

    def __init__(self, lines: Iterable[str], is_sparse: bool) -> None:
        self.lines = lines
        self.is_sparse = is_sparse
        self.names: list[str] = []
        self.types: list[str] = []
        self.dates: list[str] = []
        self.has_weights = False
        self._number = self._row = 0
        self._last = ""

    def __iter__(self) -> Iterator[str]:
        is_data = False
        for line in self.lines:
            self._number += 1
            text = without_comment(line).strip()
            if is_data and text:
                self._row += 1
                self._last = text = self._row_of(text)
            elif text.startswith("@"):
                is_data = text.lower().startswith("@data")
                text = "" if _FOREIGN.match(text) else re.sub(r"^(@\w+)\s+", r"\1 ", text)
                declared = _ATTRIBUTE.fullmatch(text)
                text = self._attribute(*declared.groups()) if declared else text
            yield text + "\n"

    def _attribute(self, keyword: str, name: str, kind: str) -> str:
        """A declaration, with a type that the decoder has."""
        bare = re.sub(r"\\(.)", r"\1", name[1:-1]) if name[0] in "'\"" else name
        if _RANGE.fullmatch(kind):
            kind = "real"  # the decoder would cut fractions off integers
        elif re.match(r"(?i)date\b", kind):
            self.dates.append(bare)
            kind = "string"
        elif kind.lower() == "unknown":  # of openSMILE, without a list of classes
            kind = "string"
        elif "," in kind and not kind.startswith("{"):
            kind = f"{{{kind}}}"
        self.names.append(bare)
        self.types.append(kind)
        return f"{keyword} {name} {kind}"

    def _row_of(self, text: str) -> str:
        size = len(self.names)
        if self.is_sparse:
            return self._without_weight(text) if text.count("{") > 1 else text
        if len(cells(text)) == size + 1 and _WEIGHT.search(text):
            text = self._without_weight(text)
        found = cells(text)
        if len(found) == size + 1 and not found[-1].strip():
            found = found[:-1]
        for pattern in _CELLS:
            if len(found) != size:
                other = pattern.findall(text)
                found = other if len(other) == size else found
        if len(found) != size:
            raise ValueError(f"line {self._number} has {len(found)} values, there are {size} attributes")
        return ",".join(found)

    def _without_weight(self, text: str) -> str:
        short = _WEIGHT.sub("", text)
        self.has_weights = self.has_weights or short != text
        return short

    def wrong_value(self) -> str | None:
        """What is wrong with a value of the last row, if it is one."""
        if self.is_sparse or not self._row:
            return None
        for name, kind, cell in zip(self.names, self.types, map(str.strip, cells(self._last)), strict=True):
            where = f"attribute {name!r} has {cell[:60]} in data row {self._row} (line {self._number})"
            if kind == "real" and not _is_number(cell):
                return f"{where}, a number was expected"
            if kind.startswith("{") and cell != "?":
                classes = [_bare(text) for text in cells(kind.strip("{} "))]
                if _bare(cell) not in classes:
                    return f"{where}, which its declaration does not have"
        return None


def cells(text: str) -> list[str]:
    """The texts between commas outside quotes, with their quotes."""
    found, start = [], 0
    for match in re.finditer(rf"{_QUOTED}|,", text):
        if match[0] == ",":
            found.append(text[start : match.start()])
            start = match.end()
    return [*found, text[start:]]


def without_comment(line: str) -> str:
    """A line up to a % that is at its start, or outside quotes after a blank, a comma or a brace."""
    for match in re.finditer(rf"{_QUOTED}|%", line):
        if match[0] == "%" and (not match.start() or line[match.start() - 1] in " \t,}"):
            return line[: match.start()]
    return line


def _bare(cell: str) -> str:
    cell = cell.strip()
    return re.sub(r"\\(.)", r"\1", cell[1:-1]) if cell[:1] in ("'", '"') else cell


def _is_number(cell: str) -> bool:
    try:
        return cell in ("?", "") or float(_bare(cell)) is not None
    except ValueError:
        return False
