# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets to CSV and ARFF files, partitions and folds as directories."""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import arff
import numpy as np
import pandas as pd

from audeep.data.data_set import DataSet
from audeep.data.schema import (
    CHUNK_NR,
    FILENAME,
    LABEL_NOMINAL,
    LABEL_NUMERIC,
    LABEL_VALUE,
    NUM_FRAMES,
    Partition,
    Split,
)
from audeep.errors import OptionError
from audeep.runtime.files import replacing

RELATION = "auDeep exported data set"

_ARFF_SYNTAX = re.compile(r"[{}]|^\?$|^$")  # what means something without quotes and arff.encode_string leaves unquoted


def export(data_set: DataSet, directory: Path, name: str, file_format: str, labels_last: bool = False) -> list[Path]:
    """Write `data_set` below `directory` and give the files written.

    With partitions there is a directory for each (train, devel, test), with cross-validation folds one for each
    (fold_1, ...), in the directories of the partitions if there are both. The file in a fold's directory has the
    validation split of that fold. Partial partition or fold information is left out. Features of more than one axis
    are flattened, with their padding where spectrograms differ in length, and a column has the numbers of frames.

    Args:
        name: name of each file, without suffix.
        file_format: "csv" or "arff".
        labels_last: put labels and values behind the features rather than in front.

    Raises:
        OptionError: `name` is a path.
        OutputError: a file cannot be written.
    """
    if Path(name).name != name:
        raise OptionError(f"--name {name}: is a path, the name of a file was expected; --output says where it goes")
    columns = _columns(data_set, labels_last)
    header = HEADERS[file_format](columns, sorted(data_set.labels))
    rows = ROWS[file_format]
    written = []
    with ExitStack() as stack:  # no file appears before all are complete
        for folder, part in _parts(data_set):
            path = directory / folder / f"{name}.{file_format}"
            with open(stack.enter_context(replacing(path)), "w", encoding="utf-8", newline="") as file:
                file.write(header)
                for frame in _frames(part, columns):
                    file.write(rows(frame))
            written.append(path)
    return written


def _parts(data_set: DataSet) -> Iterator[tuple[Path, DataSet]]:
    """The directories to fill, and what goes into each."""
    parts = [(Path(), data_set)]
    if data_set.has_partition_info:
        parts = [(Path(partition.name.lower()), data_set.partitions([partition])) for partition in Partition]
        parts = [(folder, part) for folder, part in parts if len(part)]
    for folder, part in parts:
        if not data_set.has_cv_info:
            yield folder, part
        for fold in range(data_set.num_folds if data_set.has_cv_info else 0):
            yield folder / f"fold_{fold + 1}", part.split(fold, Split.VALID)


def _columns(data_set: DataSet, labels_last: bool) -> list[str]:
    names = [FILENAME.name, CHUNK_NR.name] + [NUM_FRAMES.name] * data_set.is_padded
    labels = [LABEL_NOMINAL.name, LABEL_NUMERIC.name] + [LABEL_VALUE.name] * data_set.has_values
    features = [f"feature_{index}" for index in range(int(np.prod(data_set.feature_shape)))]
    return names + features + labels if labels_last else names + labels + features


def _frames(data_set: DataSet, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Blocks of rows; missing labels are missing values."""
    for block in data_set.blocks():
        features = block.features.reshape(len(block), -1)
        frame = pd.DataFrame(features, columns=[f"feature_{index}" for index in range(features.shape[1])], copy=False)
        metadata = block.metadata
        for variable in (FILENAME, CHUNK_NR, LABEL_NOMINAL, LABEL_VALUE):
            frame[variable.name] = metadata[variable.name]
        frame[NUM_FRAMES.name] = block.num_frames
        frame[LABEL_NUMERIC.name] = pd.array(metadata[LABEL_NUMERIC.name], dtype="Int64")
        yield frame[list(columns)]


def _csv_header(columns: Sequence[str], labels: Sequence[str]) -> str:
    return pd.DataFrame(columns=columns).to_csv(index=False, lineterminator="\n")


def _csv_rows(frame: pd.DataFrame) -> str:
    texts = frame[frame.columns.intersection([FILENAME.name, LABEL_NOMINAL.name])].to_numpy().flat
    is_broken = any(isinstance(text, str) and "\r" in text for text in texts)  # which the writer would leave unquoted
    quoting = csv.QUOTE_NONNUMERIC if is_broken else csv.QUOTE_MINIMAL
    return frame.to_csv(index=False, header=False, lineterminator="\n", quoting=quoting)


def _arff_header(columns: Sequence[str], labels: Sequence[str]) -> str:
    types = {
        FILENAME.name: "STRING",
        CHUNK_NR.name: "INTEGER",
        NUM_FRAMES.name: "INTEGER",
        LABEL_NOMINAL.name: f"{{{', '.join(map(_arff_value, labels))}}}" if labels else "STRING",
        LABEL_NUMERIC.name: "INTEGER",
    }
    attributes = "".join(f"@ATTRIBUTE {column} {types.get(column, 'REAL')}\n" for column in columns)
    return f'@RELATION "{RELATION}"\n\n{attributes}\n@DATA\n'


def _arff_rows(frame: pd.DataFrame) -> str:
    return "".join(",".join(map(_arff_value, row)) + "\n" for row in frame.astype(object).to_numpy())


def _arff_value(value: object) -> str:
    if isinstance(value, str):
        encoded = arff.encode_string(value)
        return f"'{value}'" if encoded == value and _ARFF_SYNTAX.search(value) else encoded
    return "?" if value is None or value is pd.NA or value != value else str(value)


HEADERS = {"csv": _csv_header, "arff": _arff_header}  # of a table with columns, whose nominal labels are given
ROWS = {"csv": _csv_rows, "arff": _arff_rows}  # of a frame of values
