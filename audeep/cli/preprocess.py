# SPDX-License-Identifier: GPL-3.0-or-later
"""preprocess: spectrograms from recordings."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from audeep.cli.experiment import PRESETS, recommended_kind
from audeep.cli.front_end_options import add_front_ends, chosen_front_end
from audeep.cli.layout import add_raw_data, open_raw_data
from audeep.cli.options import (
    AudeepCommand,
    add_cluster,
    add_plot,
    data_set_path,
    index,
    number,
    positive_int,
)
from audeep.cli.preset_options import add_preset
from audeep.cli.render.tables import table
from audeep.errors import OptionError

if TYPE_CHECKING:
    from audeep.audio.front_ends.base import FrontEnd
    from audeep.parsers.base import Parser


class Preprocess(AudeepCommand):
    """Turn the recordings of a data set into spectrograms, and store them with labels, folds and partitions."""

    uses_compiled_parts = True
    examples = (
        "--basedir recordings --output spectrograms.nc",
        "--basedir recordings --labels labels.csv --window-width 0.02 --window-overlap 0.01 --output spectrograms.nc",
        "--basedir recordings --front-end log-mel --output spectrograms.nc",
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_raw_data(parser)
        parser.add_argument(
            "--output",
            type=data_set_path,
            default=Path("spectrograms.nc"),
            metavar="FILE",
            help="data set file to write (default: %(default)s)",
        )
        parser.add_argument(
            "--pretend",
            type=index,
            metavar="INDEX",
            help="write nothing; show the spectrogram of the recording at INDEX (from 0) and its amplitudes",
        )
        add_plot(parser, "what --pretend shows")
        parser.add_argument(
            "--skip-bad",
            action="store_true",
            help="leave out recordings that cannot be used, listed beside the output (default: stop at the first)",
        )
        parser.add_argument(
            "--continue",
            action="store_true",
            dest="resume",
            help="go on with a run that was interrupted, or stopped at a recording; with the same options and"
            " recordings (--jobs, --cluster and --skip-bad may differ) the output is that of a run in one go",
        )
        parser.add_argument(
            "--compression",
            type=number(int, least=0, most=9),
            default=0,
            metavar="LEVEL",
            help="compress the spectrograms on file, from 0 (not at all) to 9 (default: %(default)s)",
        )
        parser.add_argument(
            "--shards",
            type=positive_int,
            metavar="N",
            help="make --output a directory of N files with a manifest, each written by a worker; every --input takes"
            " the directory as one data set (default: one file)",
        )
        parser.add_argument("--jobs", type=positive_int, metavar="N", help="worker processes (default: one per core)")
        add_cluster(parser)
        add_preset(parser, "preprocess")
        add_front_ends(parser)

    def writes(self, parsed_args: argparse.Namespace) -> Iterator[Path]:
        from audeep.data.manifest import MANIFEST
        from audeep.pipeline.outcomes import bad_list
        from audeep.pipeline.preprocess import partial_path

        if parsed_args.pretend is None:
            output = parsed_args.output
            yield output if parsed_args.shards is None else output / MANIFEST
            yield from (partial_path(output), bad_list(output))
        elif parsed_args.plot is not None:
            yield parsed_args.plot

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.pipeline.preprocess import preprocess

        front_end = chosen_front_end(parsed_args)
        parser = open_raw_data(parsed_args)
        if parsed_args.pretend is not None:
            self._pretend(parser, front_end, parsed_args.pretend, parsed_args.plot)
        elif parsed_args.plot is not None:
            raise OptionError("--plot shows what --pretend does; name a recording with --pretend INDEX")
        else:
            options = {
                name: getattr(parsed_args, name)
                for name in ("jobs", "compression", "skip_bad", "resume", "shards", "cluster")
            }
            preprocess(parser, front_end, parsed_args.output, **options)
            model = (recommended_kind(), "train", "--preset", PRESETS[0])
            self.tell_next(*model, "--input", parsed_args.output, "--run-name", "run")

    def _pretend(self, parser: "Parser", front_end: "FrontEnd", position: int, plot: Path | None) -> None:
        instances = parser.parse()
        if position >= len(instances):
            raise OptionError(
                f"--pretend {position}: the data set has {len(instances)} recordings; choose 0 to {len(instances) - 1}"
            )
        instance = instances[position]
        spectrogram = front_end.spectrogram(instance.source)
        values = spectrogram.values
        kind = ".1f" if spectrogram.unit == "dB" else ".4g"
        value = [] if instance.label_value is None else [("value", instance.label_value)]
        labels = [str(instance.label_nominal)] if instance.label_set is None else instance.label_set
        rows = [
            ("data file", instance.filename),
            ("label", ", ".join(labels) or "none of them"),
            *value,
            ("sample rate", f"{spectrogram.sample_rate} Hz"),
            ("time steps", values.shape[0]),
            ("frequency bands", values.shape[1]),
            (f"{spectrogram.quantity}s", f"{values.min():{kind}} to {values.max():{kind}} {spectrogram.unit}".rstrip()),
        ]
        self.write(table(f"spectrogram of instance {position}", rows))

        from audeep.cli.render.plots import plot_spectrogram

        plot_spectrogram(spectrogram, instance.filename, plot)
