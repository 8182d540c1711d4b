# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures: shown on the screen where there is one, or written to a file, whatever the environment says."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from audeep.errors import OptionError, escaped
from audeep.runtime.files import replacing

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of caches that it makes
# for windows alone: that of a notebook may not even be installed here
BACKEND = None if "matplotlib" in sys.modules else os.environ.pop("MPLBACKEND", None)
try:
    import matplotlib
finally:
    if BACKEND is not None:
        os.environ["MPLBACKEND"] = BACKEND
from matplotlib import font_manager, style  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.text import Text  # noqa: E402

logger = logging.getLogger(__name__)

DOTS_PER_INCH = 120
FONT = "DejaVu Sans"  # comes with Matplotlib
TOLD: set[int] = set()  # characters that no font has, of which a warning was given
LAST_RESORT = "Last Resort"  # a font of boxes
# of Okabe and Ito (2008), which those who see fewer colours can tell too; the first two are farthest from each other
COLOURS = ("#0072B2", "#E69F00", "#000000", "#56B4E9", "#D55E00", "#009E73", "#F0E442", "#CC79A7")


@contextmanager
def settled() -> Iterator[None]:
    """Draw with the settings of Matplotlib itself, not those of the user or the folder; also a decorator."""
    with warnings.catch_warnings(), style.context("default"):
        warnings.simplefilter("ignore")
        yield


def new_figure(width: float, height: float, file: Path | BinaryIO | None) -> Figure:
    """An empty figure, sizes in inches; only one without `file` asks for a display."""
    if file is not None:
        return Figure(figsize=(width, height), layout="constrained")
    import matplotlib.pyplot as plt

    if BACKEND:
        try:
            plt.switch_backend(BACKEND)
        except (ImportError, ValueError):  # it is not installed
            logger.warning("MPLBACKEND=%s: cannot be used; the pictures are not shown", BACKEND)
            plt.switch_backend("agg")
    return plt.figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, file: Path | BinaryIO) -> None:
    """Write `figure` to `file`, as PNG if that is open.

    Raises:
        OptionError: the suffix of `file` is not of a picture format.
        OutputError: `file` cannot be written.
    """
    _choose_fonts(figure)
    if not isinstance(file, Path):
        figure.savefig(file, format="png", dpi=DOTS_PER_INCH)
        return
    check_picture(file)
    with replacing(file) as partial:
        figure.savefig(partial, dpi=DOTS_PER_INCH)


def check_picture(file: Path) -> None:
    """Check that the suffix of `file` is of a picture format.

    Raises:
        OptionError: it is not.
    """
    formats = Figure().canvas.get_supported_filetypes()
    if file.suffix.lower().lstrip(".") not in formats:
        raise OptionError(f"{file}: no picture format has this suffix; use one of {', '.join(sorted(formats))}")


def show(figure: Figure, file: Path | BinaryIO | None) -> None:
    """Write `figure` to `file`; without one, show it in a window, or say that there is no display."""
    if file is not None:
        save(figure, file)
        if isinstance(file, Path):
            logger.info("%s: picture written", file)
        return
    import matplotlib.pyplot as plt

    if matplotlib.get_backend().lower() == "agg":
        logger.warning("there is no display to show the picture on; write it to a file with --plot FILE")
    else:
        _choose_fonts(figure)
        plt.show()
    plt.close(figure)


def printable(text: str) -> str:
    """A name as it can be drawn: what cannot be printed is escaped, and a dollar does not start a formula."""
    return escaped(text).replace("$", r"\$")


def _choose_fonts(figure: Figure) -> None:
    """Use other installed fonts for characters that the usual one lacks; one warning says which none has."""
    texts = figure.findobj(Text)
    missing = {ord(letter) for text in texts for letter in text.get_text()} - {ord("\n")}
    families = []
    for family, path in _fonts():
        missing_here = missing - font_manager.get_font(path).get_charmap().keys() if missing else missing
        if missing_here != missing:
            families.append(family)
        missing = missing_here
        if not missing:
            break
    if missing - TOLD:
        TOLD.update(missing)
        shown = "".join(sorted(map(chr, missing)))
        shown = shown if len(shown) <= 10 else f"{shown[:10]}..."
        logger.warning("no installed font has the characters %s; install one that has, such as Noto Sans CJK", shown)
    if [*families, FONT] != [FONT]:
        for text in texts:
            text.set_fontfamily([FONT, *(family for family in families if family != FONT)])


def _fonts() -> Iterator[tuple[str, str]]:
    """Families of installed fonts, each with the file of one, that which is used otherwise first."""
    found: dict[str, str] = {FONT: font_manager.findfont(FONT)}
    upright = (entry for entry in font_manager.fontManager.ttflist if entry.style == "normal")
    for entry in sorted(upright, key=lambda entry: (entry.weight != 400, entry.name, entry.fname)):
        if not entry.name.startswith(LAST_RESORT):
            found.setdefault(entry.name, entry.fname)
    yield from found.items()
