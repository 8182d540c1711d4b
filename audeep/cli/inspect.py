# SPDX-License-Identifier: GPL-3.0-or-later
"""inspect raw, inspect netcdf: what is in a folder of recordings or a data set file."""

import argparse
import logging
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from audeep.cli.layout import add_raw_data, open_raw_data
from audeep.cli.options import AudeepCommand, add_input, index
from audeep.cli.render.tables import table
from audeep.cli.report import preprocessing_rows

if TYPE_CHECKING:
    from audeep.data.data_set import DataSet, Instance
    from audeep.parsers.base import Parser

logger = logging.getLogger(__name__)


class InspectRaw(AudeepCommand):
    """Show how many recordings a base directory has, how long they are, and their sample rates and channels."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_raw_data(parser)
        parser.add_argument(
            "--skip-bad",
            action="store_true",
            help="leave out recordings that cannot be read, and name them (default: stop at the first)",
        )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.audio.reading import audio_info
        from audeep.errors import AudioError
        from audeep.runtime.progress import progress

        parser = open_raw_data(parsed_args)
        values = [instance.label_value for instance in parser.parse() if instance.label_value is not None]
        infos, bad = [], []
        for instance in progress(parser.parse(), "inspect", "files"):
            try:
                infos.append(audio_info(instance.source))
            except AudioError as error:
                if not parsed_args.skip_bad:
                    raise
                bad.append(error)
        for problem in bad:
            logger.warning("left out: %s", problem)
        if not infos:
            raise AudioError(f"none of {parser.num_instances} recordings can be read; the first: {bad[0]}")
        lengths = [info.duration_seconds for info in infos]
        rows = [
            ("number of audio files", parser.num_instances),
            *([("left out", len(bad))] if bad else []),
            ("number of labels", len(parser.label_map or {})),
            *_counted(parser),
            *([("values", f"{len(values)}, from {min(values):g} to {max(values):g}")] if values else []),
            ("cross validation folds", parser.num_folds),
            ("minimum sample length", f"{min(lengths):.2f} s"),
            ("maximum sample length", f"{max(lengths):.2f} s"),
            ("sample rate", ", ".join(f"{rate} Hz" for rate in sorted({info.sample_rate for info in infos}))),
            ("channels", ", ".join(map(str, sorted({info.num_channels for info in infos})))),
        ]
        self.write(table("data set information", rows, align="<>"))


def _counted(parser: "Parser") -> Iterator[tuple[str, object]]:
    """How many recordings have what only some data sets have."""
    instances = parser.parse()
    if any(item.start is not None or item.end is not None for item in instances):
        yield "files that these are parts of", len({item.path for item in instances})
    several = [len(item.label_set) for item in instances if item.label_set is not None]
    if several:
        yield "labels of a recording", f"{min(several)} to {max(several)}"
    flags = [item.verified for item in instances if item.verified is not None]
    if flags:
        yield "verified", f"{sum(flags)} of {len(flags)}"
    groups = {item.group for item in instances} - {None}
    if groups:
        yield "groups", len(groups)


class InspectNetcdf(AudeepCommand):
    """Show the metadata of a data set file, its sizes, classes and settings; or one instance, or its folds, instead of
    these.
    """

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file to inspect")
        parser.add_argument(
            "--instance", type=index, metavar="INDEX", help="also show the instance at this index, from 0"
        )
        parser.add_argument(
            "--detailed-folds", action="store_true", help="also show how the classes spread over each fold"
        )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        import numpy as np

        from audeep.data.data_set import load
        from audeep.data.manifest import shards_in
        from audeep.data.schema import Split

        data_set = load(parsed_args.input)
        instance = None if parsed_args.instance is None else data_set[parsed_args.instance]
        rows = [
            ("number of instances", len(data_set)),
            *([("shards", len(shards_in(parsed_args.input)))] if parsed_args.input.is_dir() else []),
            ("cross validation info", data_set.has_cv_info),
            ("partition info", data_set.has_partition_info),
            ("fully labeled", data_set.is_fully_labelled),
            ("feature dimensions", list(data_set.feature_dims)),
        ]
        if data_set.has_values:
            values = data_set.label_values[~np.isnan(data_set.label_values)]
            rows.append(("values", f"{len(values)}, from {values.min():g} to {values.max():g}"))
        if data_set.has_label_sets:
            known = data_set.label_sets[data_set.is_labelled].sum(axis=1)
            mean = f", {known.mean():.2f} for each instance" if len(known) else ""
            rows.append(("several labels", f"{len(data_set.label_names)}{mean}"))
        elif data_set.label_names:
            rows.append(("scores of labels", len(data_set.label_names)))
        flags = data_set.verified[~np.isnan(data_set.verified)]
        if len(flags):
            rows.append(("verified", f"{flags.sum():.0f} of {len(flags)}"))
        if data_set.has_groups:
            rows.append(("groups", len(set(data_set.groups) - {None})))
        if data_set.is_padded:
            rows.append(("frames", f"{data_set.num_frames.min()} to {data_set.num_frames.max()}"))
        self.write("\n" + table("global data set information", rows))
        if instance is None and not parsed_args.detailed_folds:
            self.write("\n" + table("sizes", [*_sizes(data_set, parsed_args.input)], align="<>"))
            if data_set.labels:
                self.write("\n" + table("classes", *_class_rows(data_set), align="<>>>"))
            if settings := preprocessing_rows(data_set):
                self.write("\n" + table("settings of the spectrograms", settings))
        if instance is not None:
            self.write("\n" + table(f"instance {parsed_args.instance} information:", _instance_rows(instance)))
        if parsed_args.detailed_folds:
            for fold in range(data_set.num_folds):
                splits = [data_set.split(fold, split) for split in Split]
                self.write("\n" + table(f"fold {fold + 1} information:", *_fold_rows(data_set, splits), align="<>>>>"))


def _sizes(data_set: "DataSet", path: Path) -> Iterator[tuple[str, object]]:
    """How many there are of what, and how much memory they take."""
    from audeep.data.schema import Partition, Split
    from audeep.data.upsample import original_names

    yield "recordings", len(set(original_names(data_set.filenames)))
    yield from zip(data_set.feature_dims, data_set.feature_shape, strict=True)
    parts = {part.name: int((data_set.partition == part).sum()) for part in Partition}
    for name, count in parts.items():
        if count:
            yield f"partition {name}", count
    for fold in range(data_set.num_folds):
        yield f"fold {fold + 1}, validation", len(data_set.split(fold, Split.VALID))
    files = [each for each in path.iterdir() if each.is_file()] if path.is_dir() else [path]
    yield "on disk", f"{sum(each.stat().st_size for each in files) / 1e6:.3f} MB"
    yield "features in memory", f"{4e-6 * len(data_set) * math.prod(data_set.feature_shape):.3f} MB"


def _class_rows(data_set: "DataSet") -> Iterator[list[tuple[object, ...]]]:
    """Number, instances and share of each class; then of all, where an instance has one label at most."""
    yield [("", "number", "instances", "share")]
    total = max(1, len(data_set))
    yield [
        (name, data_set.labels[name], count, f"{count / total:.2%}") for name, count in _class_counts(data_set).items()
    ]
    num_unlabelled = len(data_set) - int(data_set.is_labelled.sum())
    if num_unlabelled:
        yield [("without label", "", num_unlabelled, f"{num_unlabelled / total:.2%}")]


def _instance_rows(instance: "Instance") -> list[tuple[str, object]]:
    if instance.labels is not None:
        label = ", ".join(instance.labels) or "none of them"
    else:
        label = "None" if instance.label_nominal is None else f"{instance.label_nominal} ({instance.label_numeric})"
    splits = ", ".join("None" if split is None else split.name for split in instance.cv_folds)
    value = [] if instance.label_value is None else [("value", instance.label_value)]
    optional = (("verified", instance.verified), ("usage", instance.usage), ("group", instance.group))
    frames = [] if instance.num_frames is None else [("frames", instance.num_frames)]
    return [
        ("data file", instance.filename),
        ("chunk number", instance.chunk_nr),
        ("label", label),
        *value,
        *((name, known) for name, known in optional if known is not None),
        ("cross validation splits", splits or "None"),
        ("partition", "None" if instance.partition is None else instance.partition.name),
        ("shape", list(instance.shape)),
        *frames,
    ]


def _fold_rows(
    data_set: "DataSet", splits: "list[DataSet]"
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Counts and shares of each class in the training and the validation split; and the totals."""
    rows: list[tuple[object, ...]] = []
    by_split = [_class_counts(split, data_set.labels) for split in splits]
    for name in data_set.labels:
        counts = [found[name] for found in by_split]
        shares = [f"{count / max(1, len(split)):.2%}" for count, split in zip(counts, splits, strict=True)]
        rows.append((name, counts[0], shares[0], counts[1], shares[1]))
    return rows, [("total", len(splits[0]), "", len(splits[1]), "")]


def _class_counts(data_set: "DataSet", labels: Mapping[str, int] | None = None) -> dict[str, int]:
    """Instances that have each label, in the order of `labels`, which are by default those of the data set."""
    labels = data_set.labels if labels is None else labels
    if data_set.has_label_sets:
        return {name: int(data_set.label_sets[:, number].sum()) for name, number in labels.items()}
    return {name: int((data_set.labels_nominal == name).sum()) for name in labels}
