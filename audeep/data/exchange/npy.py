# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays of NumPy: features [instance, feature] float32 alone (npy), or with an array of each column (npz)."""

import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import pandas as pd

from audeep.data.exchange.formats import Append, Format
from audeep.data.exchange.matrices import check_growth, unfolded
from audeep.data.schema import FEATURES, features_among

COMPRESSED = 2**30  # bytes of an array, from which on it is not to be stored in a hundredth of them


class Npy(Format):
    """The number of rows is told at the end, in the place that is kept for it."""

    @contextmanager
    def writing(self, path: Path, columns: Sequence[str], labels: Sequence[str] = ()) -> Iterator[Append]:
        with open(path, "w+b") as file, _features_into(file, columns) as append:
            yield append

    def read(self, path: Path, metadata: Sequence[str]) -> pd.DataFrame:
        found = np.load(path, mmap_mode="r", allow_pickle=False)  # which refuses what is longer than the file
        return unfolded({FEATURES: _checked(FEATURES, found)})


class Npz(Format):
    """An archive of arrays: features, and one for each column of metadata, in which missing texts are empty."""

    @contextmanager
    def writing(self, path: Path, columns: Sequence[str], labels: Sequence[str] = ()) -> Iterator[Append]:
        metadata = [name for name in columns if name not in features_among(columns)]
        frames: list[pd.DataFrame] = [pd.DataFrame(columns=metadata)]
        with TemporaryFile(dir=path.parent) as features:
            with _features_into(features, columns) as append_features:

                def append(frame: pd.DataFrame) -> None:
                    append_features(frame)
                    frames.append(frame[metadata])

                yield append
            features.seek(0)
            with zipfile.ZipFile(path, "w") as archive:
                with archive.open(f"{FEATURES}.npy", "w", force_zip64=True) as member:
                    shutil.copyfileobj(features, member)
                for name in metadata:
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                        values = [value for frame in frames for value in frame[name]]
                        np.lib.format.write_array(member, _array(values), allow_pickle=False)

    def read(self, path: Path, metadata: Sequence[str]) -> pd.DataFrame:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                _check_member(archive, member)
        with np.load(path, allow_pickle=False) as arrays:
            return unfolded({name: _checked(name, arrays[name]) for name in arrays.files})


@contextmanager
def _features_into(file: IO[bytes], columns: Sequence[str]) -> Iterator[Append]:
    features, num_rows = features_among(columns), 0

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


def _array(values: Sequence[Any]) -> np.ndarray:
    """A column as an array without objects: missing texts are empty, missing numbers NaN."""
    missing = [value is None or value is pd.NA or value != value for value in values]
    if any(isinstance(value, str) for value in values) or all(missing):
        return np.array(["" if lacks else value for lacks, value in zip(missing, values, strict=True)], dtype=np.str_)
    return np.array([np.nan if lacks else value for lacks, value in zip(missing, values, strict=True)])


def _checked(name: str, found: np.ndarray) -> np.ndarray:
    if not found.ndim or found.dtype.kind not in "biufU":
        shape = "a single value" if not found.ndim else f"values of {found.dtype}"
        raise ValueError(f"array {name!r} holds {shape}, numbers or texts of each instance were expected")
    return found


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Check that an array is as long as it says, before memory is taken for it."""
    if member.file_size > max(COMPRESSED, 100 * member.compress_size):
        raise ValueError(f"{member.filename!r} has {member.compress_size} bytes for {member.file_size}")
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(file)
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if size > member.file_size or min(shape, default=0) < 0:
        raise ValueError(f"{member.filename!r} says that it holds {size} bytes, it has {member.file_size}")
    check_growth(int(np.prod(shape, dtype=object)), member.file_size)
