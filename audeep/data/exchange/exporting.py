# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets to tables of any format, partitions and folds as directories."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd

from audeep.data.columns import is_missing
from audeep.data.data_set import DataSet
from audeep.data.exchange import hugging_face
from audeep.data.exchange.cells import cell_of
from audeep.data.exchange.formats import HUGGING_FACE, export_formats, format_named, suffix_of
from audeep.data.schema import (
    CHUNK_NR,
    FILENAME,
    GROUP,
    LABEL_NOMINAL,
    LABEL_NUMERIC,
    LABEL_VALUE,
    LABELS,
    NUM_FRAMES,
    USAGE,
    VERIFIED,
    Partition,
    Split,
    feature_names,
)
from audeep.errors import OptionError
from audeep.runtime.files import replacing


def export(
    data_set: DataSet, directory: Path | str, name: str, file_format: str, labels_last: bool = False
) -> list[Path]:
    """Write `data_set` below `directory` and give the files written.

    With partitions there is a directory for each (train, devel, test), with cross-validation folds one for each
    (fold_1, ...), in the directories of the partitions if there are both. The file in a fold's directory has the
    validation split of that fold. Partial partition or fold information is left out. Features of more than one axis
    are flattened, with their padding where spectrograms differ in length, and a column has the numbers of frames.
    Several labels of a recording are in one cell, separated by commas.

    Args:
        name: name of each file, without suffix.
        file_format: "csv", "arff", or another of `formats.tables`; "huggingface" is Parquet with a card, README.md,
            by which `datasets.load_dataset(directory)` finds partitions and folds as splits.
        labels_last: put labels and values after the features rather than before them.

    Raises:
        OptionError: `name` is a path, or there is no such format.
        OutputError: a file cannot be written.
    """
    if Path(name).name != name:
        raise OptionError(f"name={name}: is a path, the name of a file was expected; the directory says where it goes")
    if file_format not in export_formats():
        raise OptionError(f"file_format={file_format}: expected one of {', '.join(export_formats())}")
    suffix = suffix_of(file_format)
    columns, table_format = _columns(data_set, labels_last), format_named(suffix)
    written, filled = list[Path](), dict[Path, Path]()
    with ExitStack() as stack:  # no file appears before all are complete
        for folder, part in _parts(data_set):
            path = Path(directory, folder) / f"{name}.{suffix}"
            partial = stack.enter_context(replacing(path))
            with table_format.writing(partial, columns, sorted(data_set.labels)) as append:
                for frame in _frames(part, columns):
                    append(frame)
            written.append(path)
            filled |= {folder: path.relative_to(directory)} if len(part) else {}
        if file_format == HUGGING_FACE:
            path = Path(directory, hugging_face.CARD)
            hugging_face.check_card(path)
            stack.enter_context(replacing(path)).write_text(hugging_face.card(filled, len(data_set)), encoding="utf-8")
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
    labels = [LABELS.name] if data_set.has_label_sets else [LABEL_NOMINAL.name, LABEL_NUMERIC.name]
    optional = (variable.name for variable in (LABEL_VALUE, VERIFIED, USAGE, GROUP))
    labels += [name for name in optional if not is_missing(data_set.metadata[name]).all()]
    features = feature_names(int(np.prod(data_set.feature_shape)))
    return names + features + labels if labels_last else names + labels + features


def _frames(data_set: DataSet, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Blocks of rows; missing labels are missing values."""
    for block in data_set.blocks():
        features = block.features.reshape(len(block), -1)
        frame = pd.DataFrame(features, columns=feature_names(features.shape[1]), copy=False)
        metadata = block.metadata
        for variable in (FILENAME, CHUNK_NR, LABEL_NOMINAL, LABEL_VALUE, USAGE, GROUP):
            frame[variable.name] = metadata[variable.name]
        frame[NUM_FRAMES.name] = block.num_frames
        for variable in (LABEL_NUMERIC, VERIFIED):
            frame[variable.name] = pd.array(metadata[variable.name], dtype="Int64")
        if LABELS.name in columns:
            frame[LABELS.name] = [None if item.labels is None else cell_of(item.labels) for item in block]
        yield frame[list(columns)]
