# SPDX-License-Identifier: GPL-3.0-or-later
"""visualize: maps of instances, and what data are like before anything is learned from them."""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from audeep.cli.layout import add_basedir, add_layout, columns_of, open_raw_data
from audeep.cli.options import (
    AudeepCommand,
    add_input,
    add_plot,
    add_seed,
    data_set_path,
    index,
    positive,
    positive_int,
)
from audeep.cli.render.tables import table
from audeep.errors import OptionError

if TYPE_CHECKING:
    import numpy as np

    from audeep.data.data_set import DataSet
    from audeep.data.overview import Overview

logger = logging.getLogger(__name__)


class Visualize(AudeepCommand):
    """What all maps share."""

    title: str

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file of features")
        add_plot(parser, "the map")
        parser.add_argument(
            "--output",
            type=data_set_path,
            metavar="FILE",
            help="also write the map to a data set file, with two features",
        )
        add_seed(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.data.schema import GENERATED

        data_set = load(parsed_args.input)
        data_set.check_single_labels("to colour each instance by")
        points = self.points(data_set, parsed_args)
        if parsed_args.output is not None:
            data_set.with_features(points.astype("float32"), [GENERATED]).save(parsed_args.output)
            logger.info("%s: positions of %d instances written", parsed_args.output, len(points))
        from audeep.cli.render.plots import plot_map

        title = f"{self.title} of {parsed_args.input.name}"
        plot_map(points, data_set, title, parsed_args.plot, self.shares(points, data_set))

    def shares(self, points: "np.ndarray", data_set: "DataSet") -> "np.ndarray | None":
        """How much of the variance lies along each axis, where axes mean something."""
        return None

    def points(self, data_set: "DataSet", parsed_args: argparse.Namespace) -> "np.ndarray":
        """The map, [instance, 2]."""
        raise NotImplementedError


class VisualizeTsne(Visualize):
    """Draw instances by t-SNE: those with similar features are neighbours, far distances mean little."""

    title = "t-SNE"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--perplexity",
            type=positive,
            default=30,
            help="about how many neighbours an instance has; less for few instances (default: %(default)s)",
        )
        parser.add_argument(
            "--learning-rate",
            type=positive,
            help="step size of the optimisation, 10 to 1000 (default: by the number of instances)",
        )

    def points(self, data_set: "DataSet", parsed_args: argparse.Namespace) -> "np.ndarray":
        from audeep.evaluation.projection import visualize_tsne

        return visualize_tsne(data_set, parsed_args.perplexity, parsed_args.seed, parsed_args.learning_rate)


class VisualizePca(Visualize):
    """Draw instances by the two principal components of their features."""

    title = "PCA"

    def points(self, data_set: "DataSet", parsed_args: argparse.Namespace) -> "np.ndarray":
        from audeep.evaluation.projection import visualize_pca

        return visualize_pca(data_set, parsed_args.seed)

    def shares(self, points: "np.ndarray", data_set: "DataSet") -> "np.ndarray":
        from audeep.evaluation.projection import shares_of_variance

        return shares_of_variance(points, data_set)


class DataPicture(AudeepCommand):
    """What pictures of recordings, or of the instances of a data set, share."""

    title: str
    needs_lengths: bool

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        given = parser.add_mutually_exclusive_group(required=True)
        given.add_argument("--input", type=Path, metavar="FILE", help="data set file, of whose instances to tell")
        add_basedir(given, "base directory of the recordings of which to tell, or several")
        add_layout(parser)
        add_plot(parser, "the picture")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.data.overview import overview_of
        from audeep.pipeline.overview import overview_of_recordings

        if parsed_args.basedir is not None:
            skip_bad = getattr(parsed_args, "skip_bad", False)
            source = ", ".join(folder.resolve().name for folder in parsed_args.basedir)
            overview = overview_of_recordings(open_raw_data(parsed_args), self.needs_lengths, skip_bad)
        else:
            if parsed_args.labels is not None or columns_of(parsed_args):
                raise OptionError("--labels and its columns are for recordings; give --basedir, or leave them out")
            overview, source = overview_of(load(parsed_args.input)), parsed_args.input.name
        self.show(overview, f"{self.title} of {source}", parsed_args)

    def show(self, overview: "Overview", title: str, parsed_args: argparse.Namespace) -> None:
        """Print what there is to tell, and draw it."""
        raise NotImplementedError


class VisualizeClasses(DataPicture):
    """Count and draw the recordings of each class, by whether their labels are verified."""

    title = "classes"
    needs_lengths = False

    def show(self, overview: "Overview", title: str, parsed_args: argparse.Namespace) -> None:
        from audeep.cli.render.data_plots import plot_class_counts
        from audeep.data.overview import class_counts

        counts = class_counts(overview)
        flags = counts.parts if len(counts.parts) > 1 else {}
        rows = list(zip(counts.names, *(found.tolist() for found in flags.values()), counts.totals, strict=True))
        totals = ("all", *(found.sum() for found in flags.values()), counts.totals.sum())
        align = "<" + ">" * (len(flags) + 1)
        self.write(table(title, [("", *flags, "recordings")], rows, [totals], align=align))
        plot_class_counts(counts, title, parsed_args.plot)


class VisualizeLengths(DataPicture):
    """Draw how long recordings are in each class and partition, and list the lengths that many share exactly."""

    title = "lengths"
    needs_lengths = True

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--peaks",
            type=index,
            default=10,
            metavar="N",
            help="list the N lengths that most recordings share exactly (default: %(default)s)",
        )
        parser.add_argument(
            "--skip-bad",
            action="store_true",
            help="leave out recordings that cannot be read, and name them (default: stop at the first)",
        )

    def show(self, overview: "Overview", title: str, parsed_args: argparse.Namespace) -> None:
        from audeep.cli.render.data_plots import plot_lengths

        if overview.lengths is None:
            raise OptionError(f"{parsed_args.input}: its features have no time axis; give a data set of spectrograms")
        self.write(_spread_table(title, overview))
        if parsed_args.peaks:
            self.write("\n" + _peak_table(overview, parsed_args.peaks))
        plot_lengths(overview, title, parsed_args.plot)


def _spread_table(title: str, overview: "Overview") -> str:
    """Shortest, median and longest of each class, of each partition, and of all."""
    import numpy as np

    from audeep.data.overview import length_quantiles

    def row(name: str, durations: "np.ndarray") -> tuple[str, ...]:
        ends = (durations.min(), np.median(durations), durations.max())
        return (name, str(len(durations)), *(f"{each:g}" if overview.rates is None else f"{each:.3f}" for each in ends))

    unit = "frames" if overview.rates is None else "s"
    header = ("", "recordings", f"shortest ({unit})", "median", "longest")
    labels = {name: overview.names.index(name) for name in length_quantiles(overview)}
    classes = [row(name, overview.durations[overview.truth[:, label]]) for name, label in labels.items()]
    parts = [row(name, overview.durations[rows]) for name, rows in overview.parts.items()]
    parts = [*(parts if len(parts) > 1 else []), row("all", overview.durations)]
    return table(title, [header], *([classes] if classes else []), parts, align="<>>>>")


def _peak_table(overview: "Overview", most: int) -> str:
    """The lengths that most recordings share exactly."""
    from audeep.data.overview import frequent_lengths

    peaks, parts = frequent_lengths(overview, most), overview.parts
    if not peaks:
        return f"no two recordings have exactly the same number of {'frames' if overview.rates is None else 'samples'}"
    header = ("frames",) if overview.rates is None else ("samples", "sample rate", "seconds")
    rows = []
    for peak in peaks:
        of_sound = () if peak.rate is None else (f"{peak.rate} Hz", f"{peak.length / peak.rate:.3f}")
        of_parts = tuple(peak.counts[name] for name in parts) if len(parts) > 1 else ()
        rows.append((peak.length, *of_sound, sum(peak.counts.values()), *of_parts))
    header = (*header, "recordings", *(parts if len(parts) > 1 else ()))
    return table("lengths that most recordings share exactly", [header], rows, align=">" * len(header))


class VisualizeWaveform(AudeepCommand):
    """Draw the waveform of a recording, and its first samples one by one."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--input", type=Path, required=True, metavar="RECORDING", help="recording to draw")
        parser.add_argument(
            "--num-samples",
            type=positive_int,
            default=500,
            metavar="N",
            help="draw the first N samples one by one (default: %(default)s)",
        )
        add_plot(parser, "the waveform")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.audio.outline import outline
        from audeep.cli.render.data_plots import plot_waveform

        found = outline(parsed_args.input, parsed_args.num_samples)
        info = found.info
        rows = [
            ("sample rate", f"{info.sample_rate} Hz"),
            ("samples", info.num_samples),
            ("duration", f"{info.duration_seconds:.3f} s"),
            ("channels", info.num_channels),
            ("lowest and highest sample", f"{found.lows.min():.4f}, {found.highs.max():.4f}"),
        ]
        self.write(table(parsed_args.input.name, rows, align="<>"))
        plot_waveform(found, parsed_args.input.name, parsed_args.plot)
