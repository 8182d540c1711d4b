# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings without metadata."""

from collections.abc import Iterator

from audeep.parsers.base import InstanceMetadata, Parser, is_audio


class NoMetadataParser(Parser):
    """All recordings below the base directory, without labels: ``**/<recording>``."""

    def missing(self) -> str | None:
        return None if any(map(is_audio, self.basedir.rglob("*"))) else "recordings at any depth"

    def instances(self) -> Iterator[InstanceMetadata]:
        for path in sorted(filter(is_audio, self.basedir.rglob("*"))):
            yield InstanceMetadata(path, path.relative_to(self.basedir).as_posix())
