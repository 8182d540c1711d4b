# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that are called as the classes of the recordings in them."""

import re
from collections.abc import Iterator
from pathlib import Path

from audeep.parsers.base import PARTITIONS, InstanceMetadata, Parser, audio_in, folders_in, in_classes

FOLD_NAME = re.compile(r"fold[ _-]?\d+", re.IGNORECASE)


class ClassFoldersParser(Parser):
    """Classes as directories: ``<class>/<recording>``; there are no folds, ``audeep modify`` draws some."""

    def missing(self) -> str | None:
        return None if self.folders else "directories of recordings, one for each class"

    @property
    def folders(self) -> list[Path]:
        """Those of the classes."""
        return [folder for folder in folders_in(self.basedir) if audio_in(folder)]

    def instances(self) -> Iterator[InstanceMetadata]:
        return in_classes(self.basedir, [(folder, {}) for folder in self.folders])


def are_classes(names: list[str]) -> bool:
    """Whether folders of recordings are those of classes, by their names, rather than of partitions or folds."""
    return len(names) > 1 and not all(
        name.lower() in PARTITIONS or FOLD_NAME.fullmatch(name) is not None for name in names
    )
