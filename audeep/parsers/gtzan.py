# SPDX-License-Identifier: GPL-3.0-or-later
"""GTZAN, music by genre (Tzanetakis and Cook, IEEE Transactions on Speech and Audio Processing, 2002)."""

from collections.abc import Iterator
from pathlib import Path

from audeep.parsers.base import InstanceMetadata, Parser, audio_in, folders_in, numbered

FOLDERS = ("genres", "genres_original")


class GTZANParser(Parser):
    """Genres as directories, ``genres/<genre>/<recording>``; it has no folds, ``audeep modify`` draws some."""

    def missing(self) -> str | None:
        return None if self._genres() else "a directory genres with one directory of recordings for each genre"

    def _genres(self) -> list[Path]:
        folders = [self.basedir / name for name in FOLDERS if (self.basedir / name).is_dir()]
        return [genre for folder in folders[:1] for genre in folders_in(folder) if audio_in(genre)]

    def instances(self) -> Iterator[InstanceMetadata]:
        genres = self._genres()
        numbers = numbered([genre.name for genre in genres])
        for genre in genres:
            for path in audio_in(genre):
                yield InstanceMetadata(path, f"{genre.name}/{path.name}", genre.name, numbers[genre.name])
