# SPDX-License-Identifier: GPL-3.0-or-later
"""Features as an array of NumPy, [instance, feature] float32, without metadata."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from audeep.data.exchange.formats import Append, Format
from audeep.data.schema import features_among


class Npy(Format):
    """The number of rows is told at the end, in the place that is kept for it."""

    @contextmanager
    def writing(self, path: Path, columns: Sequence[str], labels: Sequence[str] = ()) -> Iterator[Append]:
        features, num_rows = features_among(columns), 0
        with open(path, "w+b") as file:

            def write_header(rows: int) -> None:
                shape = rows, len(features)
                np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})

            def append(frame: pd.DataFrame) -> None:
                nonlocal num_rows
                num_rows += len(frame)
                file.write(frame[features].to_numpy("<f4").tobytes())

            write_header(10**15)
            yield append
            file.seek(0)
            write_header(num_rows)  # which NumPy pads, so that it is as long as before
