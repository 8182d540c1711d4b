# SPDX-License-Identifier: GPL-3.0-or-later
"""Data set files as one of the formats that features are written in."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from audeep.data import netcdf
from audeep.data.exchange.formats import Append, Format
from audeep.data.schema import GENERATED, START_SECONDS, features_among


class NetCdf(Format):
    """What has no place in a data set file, such as the times of windows, is left out."""

    @contextmanager
    def writing(self, path: Path, columns: Sequence[str], labels: Sequence[str] = ()) -> Iterator[Append]:
        features = features_among(columns)
        metadata = [name for name in columns if name not in (*features, START_SECONDS)]
        with netcdf.writing(path, [GENERATED], [len(features)], in_place=True) as writer:

            def append(frame: pd.DataFrame) -> None:
                writer.append({name: frame[name] for name in metadata}, frame[features].to_numpy(np.float32))

            yield append
