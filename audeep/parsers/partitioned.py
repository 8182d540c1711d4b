# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets laid out as partitions and classes."""

from collections.abc import Iterator
from pathlib import Path

from audeep.data.schema import PARTITION_FOLDERS, Partition
from audeep.parsers.base import InstanceMetadata, Parser, audio_in, folders_in, in_classes


class PartitionedParser(Parser):
    """Partitions with classes: ``<train|devel|test>/<class>/<recording>``; devel may be called val or dev."""

    def missing(self) -> str | None:
        if not self._class_folders():
            return "directories train, devel or test with one directory of recordings for each class"
        return None

    def _class_folders(self) -> list[tuple[Partition, Path]]:
        """Partitions and their classes with recordings."""
        return [
            (partition, folder)
            for partition in Partition
            for directory in folders_in(self.basedir)
            if directory.name.lower() in PARTITION_FOLDERS[partition]
            for folder in folders_in(directory)
            if audio_in(folder)
        ]

    def instances(self) -> Iterator[InstanceMetadata]:
        folders = self._class_folders()
        return in_classes(self.basedir, [(folder, {"partition": partition}) for partition, folder in folders])
