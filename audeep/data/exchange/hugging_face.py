# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that `datasets.load_dataset` and `load_from_disk` of Hugging Face take: Parquet files and a card, or Arrow.

No package of Hugging Face is needed for any of it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from audeep import __version__
from audeep.data.schema import PARTITION_FOLDERS, Partition
from audeep.errors import DataError, OutputError

CARD = "README.md"
SPLITS = {"train": "train", "devel": "validation", "test": "test"}  # names of partitions here and there
STATE, SPLIT_LIST = "state.json", "dataset_dict.json"  # of `save_to_disk`

_MARK = "exported by audeep"


def card(files: Mapping[Path, Path], num_instances: int) -> str:
    """What makes a folder of Parquet files a data set with splits.

    Args:
        files: their paths below the folder, by the directories that they are in there: of partitions and folds. None
            of them may be empty.
    """
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for folder, file in files.items():
        split = ".".join(SPLITS.get(part, part) for part in folder.parts) or "train"
        lines += [f"  - split: {split}", f"    path: {json.dumps(file.as_posix())}"]
    return "\n".join([*lines, "---", "", f"Features of {num_instances} instances, {_MARK} {__version__}.", ""])


def check_card(path: Path) -> None:
    """Check that no text of somebody else is in the place of the card.

    Raises:
        OutputError: there is.
    """
    if path.is_file() and _MARK not in path.read_text(encoding="utf-8", errors="replace"):
        raise OutputError(f"{path}: is there already and not of audeep; move it, or export to another directory")


def files_in(basedir: Path) -> list[tuple[tuple[str, ...], Path]]:
    """The files of a data set, each with the names that may tell its split: of its folders, and its own.

    Raises:
        DataError: there is none.
    """
    found: list[tuple[tuple[str, ...], Path]]
    if (basedir / SPLIT_LIST).is_file():
        folders = [path for path in sorted(basedir.iterdir()) if (path / STATE).is_file()]
        found = [(tuple(folder.name.split(".")), path) for folder in folders for path in _listed(folder)]
    elif (basedir / STATE).is_file():
        found = [(("",), path) for path in _listed(basedir)]
    else:
        found = [(_names(path.relative_to(basedir)), path) for path in sorted(basedir.rglob("*.parquet"))]
    if not found:
        raise DataError(
            f"{basedir}: is not a data set of Hugging Face, there are neither a {STATE} nor Parquet files; check the"
            " directory, or give the name of the files"
        )
    return found


def _names(path: Path) -> tuple[str, ...]:
    return (*path.parts[:-1], re.sub(r"-\d+-of-\d+$", "", path.stem))


def _listed(folder: Path) -> list[Path]:
    """The files that `save_to_disk` has listed, in their order.

    Raises:
        DataError: the list cannot be read, or one of them is not there.
    """
    try:
        names = [str(item["filename"]) for item in json.loads((folder / STATE).read_text("utf-8"))["_data_files"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{folder / STATE}: does not list files of a data set; save it again") from error
    paths = [folder / Path(name).name for name in names]
    absent = next((path for path in paths if not path.is_file()), None)
    if absent is not None:
        raise DataError(f"{absent}: no such file, {folder / STATE} lists it; save the data set again")
    return paths


def partition_of(names: Sequence[str]) -> Partition | None:
    """The partition that a file has, going by the first of the names that is one of a partition."""
    found = (partition for name in names for partition, known in PARTITION_FOLDERS.items() if name.lower() in known)
    return next(found, None)


def fold_of(names: Sequence[str]) -> int | None:
    """The fold, from 0, that a file has the validation data of, going by its names."""
    found = (re.fullmatch(r"(?i)fold_([1-9]\d*)", name) for name in names)
    return next((int(match[1]) - 1 for match in found if match), None)
