# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings without metadata."""

from collections.abc import Iterator
from pathlib import Path

from audeep.audio.reading import is_audio
from audeep.parsers.base import InstanceMetadata, Parser


class NoMetadataParser(Parser):
    """All recordings below the base directory, without labels: ``**/<recording>``."""

    def missing(self) -> str | None:
        return None if any(map(self._is_visible_audio, self.basedir.rglob("*"))) else "recordings at any depth"

    def _is_visible_audio(self, path: Path) -> bool:
        return is_audio(path) and not any(part.startswith(".") for part in path.relative_to(self.basedir).parts)

    def instances(self) -> Iterator[InstanceMetadata]:
        for path in sorted(filter(self._is_visible_audio, self.basedir.rglob("*"))):
            yield InstanceMetadata(path, path.relative_to(self.basedir).as_posix())
