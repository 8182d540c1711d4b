# SPDX-License-Identifier: GPL-3.0-or-later
"""UrbanSound8K (Salamon, Jacoby and Bello, ACM Multimedia 2014)."""

from collections.abc import Iterator

from audeep.errors import ParserError
from audeep.parsers.base import InstanceMetadata, Parser, lacks, read_table, require_files, splits

NUM_FOLDS = 10
TABLE = "metadata/UrbanSound8K.csv"
COLUMNS = {"slice_file_name": str, "fold": int, "classID": int, "class": str}


class UrbanSound8KParser(Parser):
    """``audio/fold<1-10>/<recording>`` with ``metadata/UrbanSound8K.csv``."""

    def missing(self) -> str | None:
        return lacks(self.basedir, ("audio", TABLE))

    def instances(self) -> Iterator[InstanceMetadata]:
        """The recordings in the order of the table."""
        table = self.basedir / TABLE
        rows = read_table(table, COLUMNS)
        for name, fold, _, _ in rows:
            if not 1 <= fold <= NUM_FOLDS:
                raise ParserError(f"{table}: {name}: is in fold {fold}, there are 1 to {NUM_FOLDS}")
        paths = [self.basedir / "audio" / f"fold{fold}" / name for name, fold, _, _ in rows]
        require_files(table, paths)
        for path, (name, fold, number, label) in zip(paths, rows, strict=True):
            yield InstanceMetadata(path, name, label, number, splits(fold - 1, NUM_FOLDS))
