# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets laid out as cross-validation folds and classes."""

import re
from collections.abc import Iterator
from pathlib import Path

from audeep.parsers.base import InstanceMetadata, Parser, audio_in, folders_in, in_classes, splits


class CrossValidatedParser(Parser):
    """Folds with classes: ``fold_<N>/<class>/<recording>``, at least two folds."""

    def missing(self) -> str | None:
        if len({fold for fold, _ in self._class_folders()}) < 2:
            return "two or more directories fold_1, fold_2, ... with one directory of recordings for each class"
        return None

    def _class_folders(self) -> list[tuple[int, Path]]:
        """Numbers of the folds, ascending, and their classes with recordings."""
        folds = [(int(match[1]), path) for path in folders_in(self.basedir) if (match := _FOLD.fullmatch(path.name))]
        return [(number, folder) for number, path in sorted(folds) for folder in folders_in(path) if audio_in(folder)]

    def instances(self) -> Iterator[InstanceMetadata]:
        folders = self._class_folders()
        folds = sorted({fold for fold, _ in folders})
        facts = {fold: {"cv_folds": splits(number, len(folds))} for number, fold in enumerate(folds)}
        return in_classes(self.basedir, [(folder, facts[fold]) for fold, folder in folders])


_FOLD = re.compile(r"fold_(\d+)", re.IGNORECASE)
