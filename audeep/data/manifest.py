# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories of shards: netCDF 4 files that are one data set together, and the manifest that lists them.

::

    spectrograms/
      shards.json       {"format": 1, "shards": [{"name": "shard-0000.nc", "instances": 512,
      shard-0000.nc                               "bytes": 1053428, "sha256": "..."}, ...]}
      shard-0001.nc

The instances are those of the first shard, then those of the second, and so on.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from audeep.errors import DataError, OptionError, OutputError
from audeep.runtime.files import created_directories, found_at, not_read, partial_beside, replacing, write_failures

MANIFEST = "shards.json"
FORMAT = 1
REMEDY = "restore it, or write all shards again"
LARGEST_MANIFEST = 2**26  # bytes
BYTES_AT_ONCE = 2**20


@dataclass(frozen=True)
class Shard:
    """A file of a directory of shards, as its manifest has it."""

    name: str
    instances: int
    bytes: int
    sha256: str


def shard_name(number: int) -> str:
    """What the shard with this number, from 0, is called."""
    return f"shard-{number:04d}.nc"


def shares(num_items: int, num_shards: int) -> list[slice]:
    """Which of so many items go into each shard: they keep their order, and sizes differ by 1 at most.

    Raises:
        OptionError: there are more shards than items.
    """
    if not 1 <= num_shards <= max(1, num_items):
        raise OptionError(f"shards={num_shards}: there are {num_items} to be divided; ask for as many shards at most")
    ends = [number * num_items // num_shards for number in range(num_shards + 1)]
    return [slice(start, end) for start, end in zip(ends, ends[1:], strict=False)]


def measured(path: Path, num_instances: int) -> Shard:
    """The entry of a shard that is complete.

    Raises:
        DataError: it cannot be read.
    """
    checksum = _checksum(path)
    return Shard(path.name, num_instances, path.stat().st_size, checksum)


def shards_in(directory: Path) -> list[Shard]:
    """What the manifest in `directory` lists; the shards are there, and have the sizes that it says.

    Raises:
        DataError: there is no manifest, or it is damaged; or a shard is missing, or has another size.
    """
    path = directory / MANIFEST
    if not path.is_file():
        raise DataError(
            f"{directory}: is a directory without {MANIFEST}; a data set file, as 'audeep preprocess' writes, or a"
            " directory of shards was expected"
        )
    shards = _entries(path)
    for shard in shards:
        file = directory / shard.name
        try:
            size = file.stat().st_size
        except OSError as error:
            raise DataError(f"{file}: {error.strerror}, but {path} lists it; {REMEDY}") from error
        if size != shard.bytes:
            raise DataError(f"{file}: has {size} bytes, {path} says {shard.bytes}; {REMEDY}")
    return shards


def damaged(directory: Path) -> list[str]:
    """Shards whose content is not what was written, each with what is wrong.

    Raises:
        DataError: as `shards_in`.
    """
    found = ((shard, _checksum(directory / shard.name)) for shard in shards_in(directory))
    return [
        f"{shard.name}: has the checksum {checksum[:16]}, the manifest says {shard.sha256[:16]}"
        for shard, checksum in found
        if checksum != shard.sha256
    ]


def check_shards_target(target: Path) -> None:
    """Check that `target` may become a directory of shards: nothing is there, or such a directory, or an empty one.

    Raises:
        OutputError: something else is there.
    """
    if target.exists() and not target.is_dir():
        raise OutputError(f"{target}: {found_at(target)}, a directory for shards was expected; choose another name")
    with write_failures(target):
        names = set(os.listdir(target)) if target.is_dir() else set[str]()
    with suppress(DataError):
        names -= {MANIFEST, *(shard.name for shard in _entries(target / MANIFEST))} if MANIFEST in names else set()
    if names:
        raise OutputError(f"{target}: has other files than shards ({min(names)}); choose another name")


def publish(written: Path, target: Path, shards: Sequence[Shard]) -> None:
    """Move the directory `written`, which has all `shards`, to `target`, in place of shards that are there.

    Raises:
        OutputError: something else is there, or it cannot be written.
    """
    with replacing(written / MANIFEST) as partial:
        manifest = {"format": FORMAT, "shards": [asdict(shard) for shard in shards]}
        partial.write_text(f"{json.dumps(manifest, indent=1)}\n", encoding="utf-8")
    check_shards_target(target)
    with write_failures(target):
        replaced = partial_beside(target)
        if target.exists():
            os.rename(target, replaced)
        try:
            os.rename(written, target)
        except OSError:
            if replaced.exists():
                os.rename(replaced, target)
            raise
        shutil.rmtree(replaced, ignore_errors=True)


@contextmanager
def replacing_shards(target: Path) -> Iterator[tuple[Path, list[Shard]]]:
    """Give a new directory beside `target` and a list; with the shards that are in both then, it is moved to `target`.

    When the block raises, the directory is removed, and `target` is as it was.

    Raises:
        OutputError: `target` is something else than shards, or cannot be written.
    """
    check_shards_target(target)
    partial = partial_beside(target)
    shards: list[Shard] = []
    with write_failures(target), created_directories(target.parent):
        partial.mkdir()
        try:
            yield partial, shards
            publish(partial, target, shards)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _entries(path: Path) -> list[Shard]:
    """The entries of a manifest, checked by themselves."""
    try:
        if path.stat().st_size > LARGEST_MANIFEST:
            raise DataError(f"{path}: has more than {LARGEST_MANIFEST} bytes, which no manifest has; {REMEDY}")
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(not_read(path, error)) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is not JSON; {REMEDY}") from error
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT or type(found) is not int:
        raise DataError(
            f"{path}: format {str(found)[:20]} found, expected {FORMAT}; write the shards with this version"
        )
    listed = content.get("shards")
    if not isinstance(listed, list) or not listed:
        raise DataError(f"{path}: lists no shards; {REMEDY}")
    shards = [_entry(path, number, entry) for number, entry in enumerate(listed)]
    names = [shard.name for shard in shards]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise DataError(f"{path}: lists {name} twice; {REMEDY}")
    return shards


def _entry(path: Path, number: int, entry: Any) -> Shard:
    kinds = {field.name: field.type for field in fields(Shard)}
    if not isinstance(entry, dict) or any(type(entry.get(name)) is not kind for name, kind in kinds.items()):
        raise DataError(f"{path}: shard {number} lacks one of {', '.join(kinds)}; {REMEDY}")
    shard = Shard(**{name: entry[name] for name in kinds})
    if shard.name in ("", ".", "..", MANIFEST) or any(letter in shard.name for letter in "/\\\0"):
        raise DataError(f"{path}: shard {number} is {shard.name[:100]!r}, the name of a file beside it was expected")
    if shard.instances < 0:
        raise DataError(f"{path}: shard {number} has {shard.instances} instances; {REMEDY}")
    return shard


def _checksum(path: Path) -> str:
    checksum = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(BYTES_AT_ONCE):
                checksum.update(block)
    except OSError as error:
        raise DataError(not_read(path, error)) from error
    return checksum.hexdigest()
