# SPDX-License-Identifier: GPL-3.0-or-later
"""Formats of tables, chosen by the suffix of a file: for import, export, and what `extract` writes.

A new format is a file with a class that derives from `Format`, and a line here, or an entry point in the group
`audeep.formats` of another package.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from audeep.errors import OptionError
from audeep.runtime.files import replacing
from audeep.runtime.registry import Entry, Registry

if TYPE_CHECKING:
    import pandas as pd

MISSING = ("", "?", "nan", "NaN", "NA", "N/A", "null")  # texts in place of numbers that are missing
HUGGING_FACE = "huggingface"  # Parquet files with a card
TABLE, FEATURES = "table", "features"  # what is exported and imported; what `extract` alone writes

FORMATS = Registry(
    "audeep.formats",
    "format",
    [
        Entry("csv", "audeep.data.exchange.csv:Csv", TABLE, "values separated by commas"),
        Entry("arff", "audeep.data.exchange.arff:Arff", TABLE, "attribute-relation files of Weka"),
        Entry("nc", "audeep.data.exchange.netcdf:NetCdf", FEATURES, "data set files, without times of windows"),
        Entry("npy", "audeep.data.exchange.npy:Npy", TABLE, "arrays of NumPy, of features alone"),
        Entry("npz", "audeep.data.exchange.npy:Npz", TABLE, "archives of NumPy, an array for each column"),
        Entry("parquet", "audeep.data.exchange.arrow:Parquet", TABLE, "tables of Apache Parquet"),
        Entry("arrow", "audeep.data.exchange.arrow:Arrow", TABLE, "streams of Apache Arrow"),
    ],
    OptionError,
)

Append = Callable[["pd.DataFrame"], None]
"""Adds rows to a table that is being written."""


class Format(ABC):
    """How tables stand in files: a row for each instance, columns of metadata called as in `schema`, and of features.

    In a frame, missing numbers are NaN or NA, and missing texts None.

    Attributes:
        unknown: texts that stand for a missing label where no number of it is given.
    """

    unknown: Sequence[str] = ()

    @abstractmethod
    def writing(self, path: Path, columns: Sequence[str], labels: Sequence[str] = ()) -> AbstractContextManager[Append]:
        """What adds frames with these columns to a new file at `path`, which is complete when the block ends.

        Args:
            labels: values of the column label_nominal, sorted.
        """

    def read(self, path: Path, metadata: Sequence[str]) -> "pd.DataFrame":
        """All columns of a file; those of `metadata`, as far as they are there, with what stands in the file.

        Raises:
            Exception: it cannot be read; the message is the reason, without the name of the file.
        """
        raise NotImplementedError


class TextFormat(Format):
    """A format whose tables are lines of text in UTF-8 after a header."""

    @abstractmethod
    def header(self, columns: Sequence[str], labels: Sequence[str]) -> str:
        """What comes before the rows."""

    @abstractmethod
    def rows(self, frame: "pd.DataFrame") -> str:
        """The lines of a frame."""

    def into(self, stream: TextIO, columns: Sequence[str], labels: Sequence[str] = ()) -> Append:
        """What adds frames to a stream, at once."""

        def append(frame: "pd.DataFrame") -> None:
            stream.write(self.rows(frame))
            stream.flush()

        stream.write(self.header(columns, labels))
        return append

    @contextmanager
    def writing(self, path: Path, columns: Sequence[str], labels: Sequence[str] = ()) -> Iterator[Append]:
        with open(path, "w", encoding="utf-8", newline="") as file:
            yield self.into(file, columns, labels)


def check_names(names: Sequence[str]) -> None:
    """Check that all columns of a file have names of their own.

    Raises:
        ValueError: two have the same.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"the column {twice[0]!r} is there twice")


def tables() -> list[str]:
    """Names of the formats that can be exported and imported."""
    return [entry.name for entry in FORMATS if entry.family != FEATURES]


def export_formats() -> list[str]:
    """Names that `export` takes for formats."""
    return [*tables(), HUGGING_FACE]


def suffix_of(file_format: str) -> str:
    """The suffix of the files of one of `export_formats`."""
    return "parquet" if file_format == HUGGING_FACE else file_format


def format_named(name: str) -> Format:
    """The format of files with the suffix `name`.

    Raises:
        OptionError: there is no such format.
    """
    return cast("type[Format]", FORMATS.load(name))()


@contextmanager
def open_table(target: Path | str | TextIO, columns: Sequence[str]) -> Iterator[Append]:
    """What adds frames to a file, which appears when the block ends well, or to a stream, as CSV.

    Raises:
        OptionError: no format has the suffix of the file.
        OutputError: the file cannot be written.
    """
    if not isinstance(target, Path | str):
        yield cast(TextFormat, format_named("csv")).into(target, columns)
        return
    target = Path(target)
    name = target.suffix.lower().removeprefix(".")
    if name not in FORMATS:
        known = ", ".join(f".{entry.name}" for entry in FORMATS)
        raise OptionError(f"output={target}: the suffix must be one of {known}; choose another name")
    with replacing(target) as partial, format_named(name).writing(partial, columns) as append:
        yield append
