# SPDX-License-Identifier: GPL-3.0-or-later
"""The file format on one page: dimensions, variables and attributes of a data set in netCDF 4.

::

    dimensions  instance, fold, and one per feature axis: time, freq | generated | generated_0, generated_1 | label
                label                         where recordings have several labels, or features are scores of labels
    variables   filename[instance]            name of the recording, below the base directory
                chunk_nr[instance]            position of this chunk in its recording, from 0
                label_nominal[instance]       name of the class
                label_numeric[instance]       number of the class
                cv_folds[instance, fold]      0 training split, 1 validation split
                partition[instance]           0 train, 1 devel, 2 test
                label_value[instance]         finite number to predict by regression; not there if all are missing
                num_frames[instance]          frames before the padding of a spectrogram; not there if none is padded
                verified[instance]            1 label checked by hand, 0 not; not there if all are missing
                usage[instance]               what a competition uses a test recording for; not there if all are missing
                group[instance]               such as the speaker: a group is in one split; not there if all are missing
                label[label]                  names of the labels on this axis
                labels[instance, label]       1 labels that the recording has, 0 others; all or none of a row is missing
                features[instance, ...]       float32
    attributes  feature_dims                  JSON list: names of the feature axes
                label_map                     JSON list of [nominal, numeric], sorted by nominal; may be absent
                preprocessing                 JSON object: settings that spectrograms were made with; may be absent

In memory a missing number is NaN and a missing text is None; `labels` is there only where it is on file. On file a
missing number is NaN, which turns an integer variable into float64. A missing text is the empty string, or, where all
are missing, the variable is float64 NaN; auDeep 0.9 wrote and reads the same. `fold` may have length 0. Variables that
are not listed here are ignored.

Recordings have one label each (label_nominal, label_numeric), or any number of labels (labels), whose map then has the
names on the axis `label` with their positions. Scores, which are features over the axis `label`, have its names too;
they may be of recordings of either kind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

INSTANCE = "instance"
FOLD = "fold"
LABEL = "label"
FEATURES = "features"
FEATURE_DIMS = "feature_dims"
LABEL_MAP = "label_map"
PREPROCESSING = "preprocessing"

TIME = "time"
FREQ = "freq"
GENERATED = "generated"

START_SECONDS = "start_seconds"  # a column of the tables of extract, no variable


class Split(IntEnum):
    """Part that an instance plays in one cross-validation fold."""

    TRAIN = 0
    VALID = 1


class Partition(IntEnum):
    """Predefined part of a data set."""

    TRAIN = 0
    DEVEL = 1
    TEST = 2


PARTITION_FOLDERS = {
    Partition.TRAIN: ("train",),
    Partition.DEVEL: ("devel", "dev", "development", "val", "valid", "validation"),
    Partition.TEST: ("test",),
}
"""What directories of partitions are called, in upper or lower case."""


@dataclass(frozen=True)
class Variable:
    """One per-instance column beside the features."""

    name: str
    dtype: type
    dims: tuple[str, ...] = (INSTANCE,)
    required: bool = True  # no value may be missing
    values: type[IntEnum] | None = None  # the only numbers allowed
    always: bool = True  # on file even if all values are missing

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Shape of the column, of the sizes of the dimensions; 0 is that of one which is not there."""
        return tuple(sizes.get(dim, 0) for dim in self.dims)

    @property
    def missing(self) -> float | str | None:
        """What stands for a missing value in memory."""
        return None if self.dtype is str else np.nan

    def missing_column(self, shape: tuple[int, ...]) -> np.ndarray:
        """A column in memory with nothing filled in: missing values, or empty text and 0 where one is required."""
        if self.dtype is str:
            return np.full(shape, "" if self.required else None, dtype=object)
        return np.zeros(shape, np.int64) if self.required else np.full(shape, np.nan)


FILENAME = Variable("filename", str)
CHUNK_NR = Variable("chunk_nr", int)
LABEL_NOMINAL = Variable("label_nominal", str, required=False)
LABEL_NUMERIC = Variable("label_numeric", int, required=False)
CV_FOLDS = Variable("cv_folds", int, (INSTANCE, FOLD), required=False, values=Split)
PARTITION = Variable("partition", int, required=False, values=Partition)
LABEL_VALUE = Variable("label_value", float, required=False, always=False)
NUM_FRAMES = Variable("num_frames", int, required=False, always=False)
VERIFIED = Variable("verified", bool, required=False, always=False)
USAGE = Variable("usage", str, required=False, always=False)
GROUP = Variable("group", str, required=False, always=False)
LABELS = Variable("labels", bool, (INSTANCE, LABEL), required=False, always=False)

VARIABLES = (
    *(FILENAME, CHUNK_NR, LABEL_NOMINAL, LABEL_NUMERIC, CV_FOLDS, PARTITION, LABEL_VALUE, NUM_FRAMES),
    *(VERIFIED, USAGE, GROUP, LABELS),
)


def feature_names(size: int) -> list[str]:
    """Names of the columns of features in tables."""
    return [f"feature_{number}" for number in range(size)]


def features_among(columns: Sequence[str]) -> list[str]:
    """Those columns of a table that are not metadata."""
    metadata = (START_SECONDS, *(variable.name for variable in VARIABLES))
    return [name for name in columns if name not in metadata]
