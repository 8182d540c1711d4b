# SPDX-License-Identifier: GPL-3.0-or-later
"""What parsers know of recordings, as columns of data set files."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from audeep.data import schema
from audeep.parsers.base import InstanceMetadata


def columns_of(
    counted: Sequence[tuple[InstanceMetadata, int]], label_map: Mapping[str, int] | None, label_names: Sequence[str]
) -> dict[str, list[Any]]:
    """Columns by variable, as far as something is known, of recordings that have so many rows each.

    Args:
        label_map: has the numbers of labels where recordings do not.
        label_names: of several labels a recording.
    """
    columns: dict[str, list[Any]] = {schema.CHUNK_NR.name: [number for _, count in counted for number in range(count)]}
    for name in (variable.name for variable in schema.VARIABLES if variable.name not in columns):
        values = [getattr(instance, name, None) for instance, _ in counted]
        if name == schema.LABELS.name:
            sets = [instance.label_set for instance, _ in counted if label_names]
            values = [[np.nan if found is None else each in found for each in label_names] for found in sets] or values
        if name == schema.LABEL_NUMERIC.name and label_map is not None and not label_names:
            numbers = [label_map.get(str(instance.label_nominal)) for instance, _ in counted]
            values = [number if value is None else value for value, number in zip(values, numbers, strict=True)]
        if any(value is not None for value in values):
            columns[name] = [value for value, (_, count) in zip(values, counted, strict=True) for _ in range(count)]
    return columns
