# SPDX-License-Identifier: GPL-3.0-or-later
"""Corpora of the computational paralinguistics challenges (ComParE, Interspeech 2018 to 2021)."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from audeep.data.schema import Partition
from audeep.errors import ParserError
from audeep.parsers.base import InstanceMetadata, Parser, audio_in, lacks, numbered, read_table

logger = logging.getLogger(__name__)

PREFIXES = {"train": Partition.TRAIN, "devel": Partition.DEVEL}
UNLABELLED = ("", "?")


class CompareParser(Parser):
    """Recordings in ``wav/``, named by partition (``train...``, ``devel...``, else test); tables of labels in ``lab/``.

    A corpus is a subclass that declares these attributes. Recordings without a label are the hidden test set.

    Attributes:
        tables: names of the tables, all of which are needed.
        confidential: name of the table that is used instead where it is there: it has the labels of the test set.
        delimiter: those of which one stands between columns.
        columns: of the file name and of the label.
        labels: numbers of the labels; None for all labels in the tables, in alphabetical order.
        prefixes: partitions by the beginning of the file name; all other recordings are for testing.
    """

    tables: Sequence[str] = ("labels.csv",)
    confidential: str | None = "labels_confidential.csv"
    delimiter = ",;\t"
    columns: tuple[str, str] = ("file_name", "label")
    labels: Mapping[str, int] | None
    prefixes: Mapping[str, Partition] = PREFIXES

    def missing(self) -> str | None:
        return lacks(self.basedir, ["wav", *(f"lab/{table}" for table in self._tables_to_read)])

    @property
    def _tables_to_read(self) -> Sequence[str]:
        if self.confidential is not None and (self.basedir / "lab" / self.confidential).is_file():
            return [self.confidential]
        return self.tables

    @property
    def label_map(self) -> dict[str, int]:
        if self.labels is not None:
            return dict(self.labels)
        return numbered([label for label in self._labels_by_file.values() if label is not None])

    @cached_property
    def _labels_by_file(self) -> dict[str, str | None]:
        labels: dict[str, str | None] = {}
        for table in self._tables_to_read:
            if table == self.confidential:
                logger.warning("%s: the confidential labels in lab/%s are used", self.basedir, table)
            path = self.basedir / "lab" / table
            for name, label in read_table(path, dict.fromkeys(self.columns, str), self.delimiter):
                labels[name] = self._label(label)
                if self.labels is not None and labels[name] not in (None, *self.labels):
                    raise ParserError(
                        f"{path}: {name}: has the label {label!r}, expected one of {', '.join(self.labels)} or ?"
                    )
        return labels

    @staticmethod
    def _label(text: str) -> str | None:
        """A label as it is called; numbers may be written as 1.0."""
        return None if text in UNLABELLED else text.removesuffix(".0")

    def instances(self) -> Iterator[InstanceMetadata]:
        labels = self._labels_by_file
        numbers = self.label_map
        paths = audio_in(self.basedir / "wav")
        absent = sorted(set(labels) - {path.name for path in paths})
        if absent:
            logger.warning(
                "%s: %d of %d recordings in the table are not there (%s, ...)",
                *(self.basedir / "wav", len(absent), len(labels), absent[0]),
            )
        for path in paths:
            label = labels.get(path.name)
            partitions = [part for prefix, part in self.prefixes.items() if path.name.startswith(prefix)]
            partition = partitions[0] if partitions else Partition.TEST
            number = None if label is None else numbers.get(label)
            yield InstanceMetadata(path, path.name, label, number, partition=partition)


class _Compare18(CompareParser):
    delimiter = "\t"


class Compare18AtypicalAffectParser(_Compare18):
    """ComParE 2018, atypical affect."""

    tables = ("ComParE2018_AtypicalAffect.tsv",)
    confidential = "ComParE2018_AtypicalAffect.confidential.tsv"
    columns = ("file_name", "emotion")
    labels = {"happy": 0, "sad": 1, "neutral": 2, "angry": 3}


class Compare18CryingParser(_Compare18):
    """ComParE 2018, crying; it has no development set."""

    tables = ("ComParE2018_Crying.tsv",)
    confidential = "ComParE2018_Crying_confidential.tsv"
    labels = {"0": 0, "1": 1, "2": 2}
    prefixes = {"train": Partition.TRAIN}


class Compare18HeartbeatParser(_Compare18):
    """ComParE 2018, heart beats."""

    tables = ("ComParE2018_Heartbeat.tsv",)
    confidential = "ComParE2018_Heartbeat_confidential.tsv"
    labels = {"0": 0, "1": 1, "2": 2}


class Compare18SASParser(_Compare18):
    """ComParE 2018, self-assessed affect."""

    tables = ("ComParE2018_SelfAssessedAffect.tsv",)
    confidential = "ComParE2018_SelfAssessedAffect.confidential.tsv"
    columns = ("file_name", "Valence")
    labels = {"l": 0, "m": 1, "h": 2}


class Compare19BSParser(CompareParser):
    """ComParE 2019, baby sounds."""

    labels = {"Canonical": 0, "Crying": 1, "Junk": 2, "Laughing": 3, "Non-canonical": 4}


class Compare19CSParser(CompareParser):
    """ComParE 2019, continuous sleepiness."""

    labels = {str(degree): degree for degree in range(1, 10)}


class Compare19OAParser(CompareParser):
    """ComParE 2019, orca activity."""

    labels = {"noise": 0, "orca": 1}


class Compare19SDParser(CompareParser):
    """ComParE 2019, Styrian dialects."""

    labels = {"EasternS": 0, "NorthernS": 1, "UrbanS": 2}


class Compare20ElderlyParser(CompareParser):
    """ComParE 2020, elderly emotion: valence."""

    columns = ("filename_audio", "V_cat")
    labels = {"L": 0, "M": 1, "H": 2}


class Compare20ElderlyArousalParser(Compare20ElderlyParser):
    """ComParE 2020, elderly emotion: arousal."""

    columns = ("filename_audio", "A_cat")


class Compare20MaskParser(CompareParser):
    """ComParE 2020, mask."""

    labels = {"clear": 0, "mask": 1}


class Compare21Parser(CompareParser):
    """Any task of ComParE 2021."""

    tables = ("train.csv", "devel.csv", "test.csv")
    confidential = None
    columns = ("filename", "label")
    labels = None
