# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the files of a data set are: in a directory, or in directories of its partitions and folds."""

import logging
import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from audeep.data.exchange.formats import HUGGING_FACE, tables
from audeep.data.exchange.hugging_face import files_in, fold_of, partition_of
from audeep.data.schema import PARTITION_FOLDERS, Partition
from audeep.errors import DataError
from audeep.runtime.files import found_at

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """A file, and what its directory says of its instances."""

    path: Path
    partition: Partition | None = None
    fold: int | None = None  # from 0


def stem_of(name: str) -> str:
    """The name of a table without the suffix of its format."""
    stem, _, suffix = name.rpartition(".")
    return stem if suffix.lower() in tables() else name


def places_in(basedir: Path, name: str) -> list[Place]:
    """The files called `name` below `basedir`, in directories of partitions and folds if there are some.

    The name `HUGGING_FACE` stands for those of a data set of Hugging Face.

    Raises:
        DataError: there are none, or they are laid out in another way.
    """
    if not basedir.is_dir():
        found = found_at(basedir, "directory")
        raise DataError(f"{basedir}: {found}; name the directory of the files with basedir=DIR")
    if name == HUGGING_FACE:
        return _places_of_splits(basedir)
    partitions = {
        partition: path
        for partition in Partition
        for path in sorted(basedir.iterdir())
        if path.is_dir() and path.name.lower() in PARTITION_FOLDERS[partition]
    }
    places = [place for partition, path in partitions.items() for place in _places_of_folds(path, name, partition)]
    counts = {partition: sum(place.partition is partition for place in places) for partition in partitions}
    if len(set(counts.values())) > 1:
        texts = ", ".join(f"{partition.name.lower()} {count}" for partition, count in counts.items())
        raise DataError(f"{basedir}: partitions have different numbers of folds ({texts}); complete them")
    plain = [path for path in _files(basedir, name) if places]
    if plain or (places and _folds(basedir)):
        other = plain[0] if plain else basedir / "fold_1"
        raise DataError(f"{basedir}: has {other.name} beside directories of partitions; remove one or the other")
    places = places or _places_of_folds(basedir, name, None)
    read = {place.path for place in places}
    folders = [path for pattern in ("*/", "*/*/") for path in basedir.glob(pattern) if path.is_dir()]
    others = sorted(path for folder in folders for path in _files(folder, name) if path not in read)
    if others:
        logger.warning("%s: %d more files of that name are not read, such as %s", basedir, len(others), others[0])
    return places


def _places_of_splits(basedir: Path) -> list[Place]:
    """The files of a data set of Hugging Face, whose splits are partitions or folds if all are called so."""
    files = files_in(basedir)
    partitions, folds = [partition_of(names) for names, _ in files], [fold_of(names) for names, _ in files]
    if None in partitions or len(set(partitions)) == 1:  # "train" is what all data are called by default
        partitions = [None] * len(files)
    if None in folds or len(set(folds)) <= max(filter(None, folds), default=0):
        folds = [None] * len(files)
    return [Place(path, partition, fold) for (_, path), partition, fold in zip(files, partitions, folds, strict=True)]


def _places_of_folds(directory: Path, name: str, partition: Partition | None) -> list[Place]:
    """The file in `directory`, or those in the directories of its folds."""
    folds = _folds(directory)
    if not folds:
        return [Place(_file(directory, name), partition)]
    if _files(directory, name):
        raise DataError(f"{directory}: has {name} beside directories of folds; remove one or the other")
    absent = next(number for number in count(1) if number not in folds)
    if absent < max(folds):
        raise DataError(f"{directory}: has no fold_{absent}, but fold_{max(folds)}; complete the folds")
    return [Place(_file(folds[number], name), partition, number - 1) for number in sorted(folds)]


def _folds(directory: Path) -> dict[int, Path]:
    matches = ((re.fullmatch(r"(?i)fold_([1-9]\d*)", path.name), path) for path in directory.iterdir() if path.is_dir())
    return {int(match[1]): path for match, path in matches if match}


def _files(directory: Path, name: str) -> list[Path]:
    names = [name] if stem_of(name) != name else [f"{name}.{suffix}" for suffix in tables()]
    return [directory / name for name in names if (directory / name).is_file()]


def _file(directory: Path, name: str) -> Path:
    files = _files(directory, name)
    if len(files) != 1:
        suffixes = ", ".join(f".{suffix}" for suffix in tables())
        found = " and ".join(path.name for path in files) or f"no {name} as {suffixes}"
        raise DataError(
            f"{directory}: {found} found, one file was expected; check the directory, and the name with its suffix"
        )
    return files[0]
