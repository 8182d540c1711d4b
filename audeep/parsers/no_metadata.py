# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings without metadata."""

from collections.abc import Iterator

from audeep.audio.reading import is_audio
from audeep.parsers.base import InstanceMetadata, Parser
from audeep.parsers.walking import files_below


class NoMetadataParser(Parser):
    """All recordings below the base directory, without labels: ``**/<recording>``."""

    def missing(self) -> str | None:
        return None if any(map(is_audio, files_below(self.basedir))) else "recordings at any depth"

    def instances(self) -> Iterator[InstanceMetadata]:
        for path in sorted(filter(is_audio, files_below(self.basedir))):
            yield InstanceMetadata(path, path.relative_to(self.basedir).as_posix())
