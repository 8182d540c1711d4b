# SPDX-License-Identifier: GPL-3.0-or-later
"""Values separated by commas; in files from elsewhere also by semicolons or tabs, whichever the header has most of."""

import csv
import warnings
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pandas as pd

from audeep.data.exchange.formats import MISSING, TextFormat, check_names
from audeep.data.schema import FILENAME, LABEL_NOMINAL


class Csv(TextFormat):
    """The first line has the names of the columns."""

    def header(self, columns: Sequence[str], labels: Sequence[str]) -> str:
        return str(pd.DataFrame(columns=columns).to_csv(index=False, lineterminator="\n"))

    def rows(self, frame: pd.DataFrame) -> str:
        texts = frame[frame.columns.intersection([FILENAME.name, LABEL_NOMINAL.name])].to_numpy().flat
        is_broken = any(isinstance(text, str) and "\r" in text for text in texts)  # which would be left unquoted
        quoting = csv.QUOTE_NONNUMERIC if is_broken else csv.QUOTE_MINIMAL
        return str(frame.to_csv(index=False, header=False, lineterminator="\n", quoting=quoting))

    def read(self, path: Path, metadata: Sequence[str]) -> pd.DataFrame:
        with open(path, encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            if "\0" in header:
                raise ValueError("it has NUL characters, as UTF-16 has; UTF-8 was expected")
            delimiter = max(",;\t", key=header.count)
            reader = csv.reader(chain([header], file), delimiter=delimiter)
            names = next(reader, [])
            check_names(names)
            texts: dict[str, list[str]] = {name: [] for name in names if name in metadata}
            for row in reader:
                if row and len(row) != len(names):
                    raise ValueError(f"line {reader.line_num} has {len(row)} values, the header has {len(names)}")
                for name in texts if row else ():
                    texts[name].append(row[names.index(name)])
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                sep=delimiter,
                encoding="utf-8-sig",
                usecols=[index for index, name in enumerate(names) if name not in metadata] if texts else None,
                keep_default_na=False,
                na_values=MISSING,
                index_col=False,
                low_memory=False,
            )
        return pd.concat([pd.DataFrame(texts, dtype=object), frame], axis=1)
