# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that audeep raises on purpose.

::

    AudeepError             one line: where, what was found, what was expected, what to do next
    ├── AudioError          a recording that cannot be read, or does not suit the settings
    ├── ParserError         a folder that no parser, or more than one, can read
    ├── DataError           a data set file that is missing, damaged, or lacks what a command needs
    │   └── ShapeError      features of another shape than expected
    ├── ModelError          a model directory that is missing, damaged, or in the way
    ├── OptionError         options that contradict each other or the data
    ├── OutputError         a file or directory that cannot be written
    └── Stopped             work that was told to stop, or could not go on, for reasons that are not in the data

The command line prints the message of an `AudeepError` and exits with status 1; any other exception is a
fault in audeep.
"""

from collections.abc import Sequence


def escaped(text: str) -> str:
    """The text with escapes in place of what cannot be printed, such as line ends and control sequences."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def escaped_lines(text: str) -> str:
    """The text with its line ends, and escapes in place of all else that cannot be printed."""
    return "\n".join(map(escaped, text.split("\n")))


def describe(shape: Sequence[int]) -> str:
    """A shape for people: 124 x 128."""
    return " x ".join(map(str, shape))


class AudeepError(Exception):
    """Base of all errors that are meant to be read by a user, in one line whatever names it quotes."""

    def __init__(self, message: str) -> None:
        """Escape what cannot be printed, such as line ends and control sequences of terminals."""
        super().__init__(escaped(message))

    def __str__(self) -> str:
        """The text as one line: names of files may hold line breaks, and what no terminal should be sent."""
        text = super().__str__()
        return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


class AudioError(AudeepError):
    """A recording cannot be read, or does not suit the settings."""


class ParserError(AudeepError):
    """A base directory cannot be read by the chosen parser, or a parser cannot be found."""


class DataError(AudeepError):
    """A data set is missing, damaged, or lacks what a command needs."""


class ShapeError(DataError):
    """Features have another shape than the operation expects."""


class ModelError(AudeepError):
    """A model directory is missing, damaged, or in the way."""


class OptionError(AudeepError):
    """Options contradict each other or the data."""


class OutputError(AudeepError):
    """An output file or directory cannot be written."""


class Stopped(AudeepError):
    """Work was told to stop, or could not go on, for reasons that are not in the data."""
