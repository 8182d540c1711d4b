# SPDX-License-Identifier: GPL-3.0-or-later
"""A small data set file, written variable by variable so that each can be wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np


@dataclass
class Column:
    """A variable of a file: numbers, texts (dtype object), or what `write` puts there."""

    dims: tuple[str, ...]
    values: np.ndarray | None
    attributes: dict[str, Any] = field(default_factory=dict)
    write: Callable[[netCDF4.Dataset, str, tuple[str, ...]], None] | None = None
    options: dict[str, Any] = field(default_factory=dict)


def texts(*values: str) -> np.ndarray:
    """Texts as netCDF4 takes them."""
    return np.array(values, object)


class File:
    """Two recordings, a dog and a cat, one fold, three features: what a test changes before it is written."""

    def __init__(self) -> None:
        self.sizes = {"instance": 2, "fold": 1, "generated": 3, "spare": 4}
        self.columns = {
            "filename": Column(("instance",), texts("a.wav", "b.wav")),
            "chunk_nr": Column(("instance",), np.array([0, 0])),
            "label_nominal": Column(("instance",), texts("dog", "cat")),
            "label_numeric": Column(("instance",), np.array([1, 0])),
            "cv_folds": Column(("instance", "fold"), np.array([[0], [1]])),
            "partition": Column(("instance",), np.array([0, 2])),
            "features": Column(("instance", "generated"), np.ones((2, 3), np.float32)),
        }
        self.attributes: dict[str, Any] = {"feature_dims": '["generated"]', "label_map": '[["cat", 0], ["dog", 1]]'}

    def write(self, path: Path, file_format: str = "NETCDF4", group: str = "/") -> Path:
        """Write to `path`, with the variables in `group`."""
        with netCDF4.Dataset(path, "w", format=file_format) as file:
            place = file if group == "/" else file.createGroup(group)
            for name, size in self.sizes.items():
                place.createDimension(name, size)
            for name, column in self.columns.items():
                self._write_column(place, name, column)
            place.setncatts(self.attributes)
        return path

    @staticmethod
    def _write_column(file: netCDF4.Dataset, name: str, column: Column) -> None:
        if column.write is not None:
            column.write(file, name, column.dims)
        else:
            kind = str if column.values.dtype == object else column.values.dtype
            fill_value = column.attributes.pop("_FillValue", None)
            variable = file.createVariable(name, kind, column.dims, fill_value=fill_value, **column.options)
            variable.set_auto_maskandscale(False)
            variable[:] = column.values
        file[name].setncatts(column.attributes)
