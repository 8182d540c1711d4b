# SPDX-License-Identifier: GPL-3.0-or-later
"""Acoustic scenes of the DCASE challenge 2017 (Mesaros et al., DCASE workshop 2017), and others laid out like them."""

from collections.abc import Iterator

from audeep.data.schema import Split
from audeep.errors import ParserError
from audeep.parsers.base import InstanceMetadata, Parser, lacks, read_table, require_files

TABLE = "meta.txt"
FOLDS = tuple(f"evaluation_setup/fold{fold}_train.txt" for fold in range(1, 5))


class DCASEParser(Parser):
    """``audio/``, ``meta.txt`` with <path> TAB <label>, and ``evaluation_setup/fold<1-4>_train.txt`` with <path>."""

    labels: tuple[str, ...] = (
        *("beach", "bus", "cafe/restaurant", "car", "city_center", "forest_path", "grocery_store", "home", "library"),
        *("metro_station", "office", "park", "residential_area", "train", "tram"),
    )

    def missing(self) -> str | None:
        return lacks(self.basedir, ("audio", TABLE, *FOLDS))

    @property
    def label_map(self) -> dict[str, int]:
        return {label: number for number, label in enumerate(self.labels)}

    def instances(self) -> Iterator[InstanceMetadata]:
        """The recordings in the order of ``meta.txt``; one that a fold does not list is validated there."""
        table = self.basedir / TABLE
        rows = read_table(table, {"path": str, "label": str}, delimiter="\t", header=False)
        require_files(table, [self.basedir / name for name, _ in rows])
        training = [self._listed(fold) for fold in FOLDS]
        numbers = self.label_map
        for name, label in rows:
            if label not in numbers:
                raise ParserError(f"{table}: {name}: has the label {label!r}, expected one of {', '.join(numbers)}")
            path = self.basedir / name
            folds = [Split.TRAIN if name in names else Split.VALID for names in training]
            yield InstanceMetadata(path, path.name, label, numbers[label], folds)

    def _listed(self, table: str) -> set[str]:
        return {name for (name,) in read_table(self.basedir / table, {"path": str}, delimiter="\t", header=False)}


class DCASE18Task4Parser(DCASEParser):
    """The same layout with activities at home as labels, from the DCASE challenge 2018."""

    labels = (
        *("other", "social_activity", "eating", "working", "absence", "vacuum_cleaner", "dishwashing"),
        *("watching_tv", "cooking"),
    )
