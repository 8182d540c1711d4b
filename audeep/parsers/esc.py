# SPDX-License-Identifier: GPL-3.0-or-later
"""ESC-10 and ESC-50 (Piczak, ACM Multimedia 2015)."""

import re
from collections.abc import Iterator
from pathlib import Path

from audeep.errors import ParserError
from audeep.parsers.base import InstanceMetadata, Parser, audio_in, folders_in, read_table, require_files, splits

NUM_FOLDS = 5
COLUMNS = {"filename": str, "fold": int, "target": int, "category": str}

_CLASS = re.compile(r"\d{3} - (.+)")


class ESCParser(Parser):
    """Classes as directories, ``<NNN> - <class>/<fold digit>...``, or ``audio/`` with ``meta/esc50.csv``."""

    def missing(self) -> str | None:
        if self._table.is_file() or any(audio_in(folder) for _, folder in self._classes()):
            return None
        return "directories '001 - <class>' with recordings, or audio/ with meta/esc50.csv"

    @property
    def _table(self) -> Path:
        return self.basedir / "meta" / "esc50.csv"

    def _classes(self) -> list[tuple[str, Path]]:
        """Names of the classes and their directories, in the order of the directories."""
        return [(match[1], path) for path in folders_in(self.basedir) if (match := _CLASS.fullmatch(path.name))]

    def instances(self) -> Iterator[InstanceMetadata]:
        return self._from_table() if self._table.is_file() else self._from_folders()

    def _from_folders(self) -> Iterator[InstanceMetadata]:
        for number, (label, folder) in enumerate(self._classes()):
            for path in audio_in(folder):
                fold = path.name[0]
                if fold not in "12345":
                    raise ParserError(
                        f"{path}: the name must start with the number of a fold, 1 to {NUM_FOLDS}; rename it"
                    )
                yield InstanceMetadata(path, path.name, label, number, splits(int(fold) - 1, NUM_FOLDS))

    def _from_table(self) -> Iterator[InstanceMetadata]:
        rows = sorted(read_table(self._table, COLUMNS))
        require_files(self._table, [self.basedir / "audio" / name for name, *_ in rows])
        for name, fold, target, category in rows:
            if not 1 <= fold <= NUM_FOLDS:
                raise ParserError(f"{self._table}: {name}: is in fold {fold}, there are 1 to {NUM_FOLDS}")
            yield InstanceMetadata(self.basedir / "audio" / name, name, category, target, splits(fold - 1, NUM_FOLDS))
