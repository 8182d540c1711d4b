# SPDX-License-Identifier: GPL-3.0-or-later
"""Files at any depth below a directory, and which of them a parser leaves out."""

import logging
import os
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

from audeep.audio.reading import AUDIO_SUFFIXES, is_audio

logger = logging.getLogger(__name__)

MAX_FILES = 500_000  # that are looked at for what is left out
UNREADABLE = frozenset(
    (
        ".3gp .aac .ac3 .alac .amr .ape .asf .avi .awb .dss .dts .flv .m4a .m4b .mka .mkv .mov .mp4 .mpc .mpeg .mpg"
        " .ra .rm .spx .tak .tta .voc .weba .webm .wma .wmv .wv"
    ).split()
)


def files_below(directory: Path, above: Collection[tuple[int, int]] = ()) -> Iterator[Path]:
    """The visible files at any depth, also in linked directories, except where a link leads back to one above it.

    Args:
        above: device and inode of the directories above.
    """
    try:
        status = directory.stat()
        key = status.st_dev, status.st_ino
        paths = sorted(directory.iterdir()) if key not in above else []
    except OSError as error:
        logger.warning("%s: cannot be read: %s; its files are left out", directory, error.strerror)
        return
    for path in paths:
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from files_below(path, {*above, key})
        else:
            yield path


def left_out(basedir: Path, read: Collection[Path]) -> str | None:
    """Which recordings below `basedir` are not among those `read`, and why, in one line; None if all are."""
    known = {os.path.abspath(path) for path in read}
    outside, suffixes = _others(basedir, known)
    remark = _told(suffixes)
    if outside:
        place = f"{len(outside)} recordings are not where this parser looks, such as {outside[0]}"
        remark = f"{place}; {remark}" if remark else place
    return f"{len(outside) + suffixes.total()} files are not read: {remark}" if remark else None


def undecodable(basedir: Path) -> str | None:
    """How many recordings below `basedir` have formats that cannot be decoded, in words; None if none has."""
    return _told(_others(basedir, ())[1])


def _others(basedir: Path, known: Collection[str]) -> tuple[list[str], Counter[str]]:
    """Recordings that are not known, below `basedir`, and counts of suffixes of formats that cannot be decoded."""
    outside, suffixes = [], Counter[str]()
    for path in islice(files_below(basedir), MAX_FILES):
        suffix = path.suffix.lower()
        if suffix in UNREADABLE - AUDIO_SUFFIXES:
            suffixes[suffix] += 1
        elif os.path.abspath(path) not in known and is_audio(path):
            outside.append(path.relative_to(basedir).as_posix())
    return outside, suffixes


def _told(suffixes: Counter[str]) -> str | None:
    found = ", ".join(f"{suffix} {count}" for suffix, count in sorted(suffixes.items()))
    remedy = "convert them, as to .wav or .flac"
    return f"{suffixes.total()} have formats that cannot be decoded ({found}); {remedy}" if found else None
