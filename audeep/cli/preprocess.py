# SPDX-License-Identifier: GPL-3.0-or-later
"""preprocess: spectrograms from recordings."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from audeep.cli.options import (
    AudeepCommand,
    add_plot,
    add_raw_data,
    choice_of,
    decibels,
    index,
    number,
    open_raw_data,
    positive_int,
    seconds,
)
from audeep.cli.render.tables import table
from audeep.errors import OptionError

if TYPE_CHECKING:
    from audeep.audio.front_ends.mel import Preprocessor
    from audeep.parsers.base import Parser


class Preprocess(AudeepCommand):
    """Turn the recordings of a data set into spectrograms, and store them with labels, folds and partitions."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_raw_data(parser)
        parser.add_argument(
            "--output",
            type=Path,
            default=Path("spectrograms.nc"),
            metavar="FILE",
            help="data set file to write (default: %(default)s)",
        )
        parser.add_argument(
            "--window-width",
            type=seconds,
            default=0.04,
            metavar="S",
            help="of the FFT, in seconds (default: %(default)s)",
        )
        parser.add_argument(
            "--window-overlap",
            type=number(float, least=0),
            default=0.02,
            metavar="S",
            help="of neighbouring windows, in seconds (default: %(default)s)",
        )
        parser.add_argument(
            "--mel-spectrum", type=positive_int, metavar="BANDS", help="map to mel bands (default: power spectrum)"
        )
        parser.add_argument("--clip-above", type=decibels, metavar="DB", help="lower all above to DB; the loudest is 0")
        parser.add_argument("--clip-below", type=decibels, metavar="DB", help="raise all below to DB; the loudest is 0")
        parser.add_argument(
            "--relative-to",
            type=choice_of(("frame", "previous", "neighbours")),
            help="store how each cell differs from the mean of its frame, from the previous frame, or from the mean of"
            " the neighbouring frames (default: the cells themselves)",
        )
        parser.add_argument(
            "--chunk-length",
            type=seconds,
            metavar="S",
            help="cut recordings into chunks of S seconds; needs --chunk-count",
        )
        parser.add_argument(
            "--chunk-count",
            type=positive_int,
            metavar="N",
            help="take N chunks of each recording, from its start; needs --chunk-length",
        )
        parser.add_argument(
            "--channels",
            type=choice_of(("MEAN", "LEFT", "RIGHT", "DIFF")),
            default="MEAN",
            help="what to make of several channels: MEAN, LEFT, RIGHT, or DIFF = left - right (default: %(default)s)",
        )
        parser.add_argument(
            "--sample-rate",
            type=positive_int,
            metavar="HZ",
            help="resample recordings that have another rate (default: each keeps its own)",
        )
        parser.add_argument(
            "--fixed-length",
            type=seconds,
            metavar="S",
            help="cut or pad recordings with silence to S seconds"
            " (default: each keeps its length; shorter spectrograms are padded, and tell their numbers of frames)",
        )
        parser.add_argument(
            "--center-fixed", action="store_true", help="cut or pad at both ends rather than at the end alone"
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
            " recordings (--jobs and --skip-bad may differ) the output is that of a run in one go",
        )
        parser.add_argument(
            "--compression",
            type=number(int, least=0, most=9),
            default=0,
            metavar="LEVEL",
            help="compress the spectrograms on file, from 0 (not at all) to 9 (default: %(default)s)",
        )
        parser.add_argument("--jobs", type=positive_int, metavar="N", help="worker processes (default: one per core)")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.audio.front_ends.mel import Preprocessor
        from audeep.audio.reading import Channels
        from audeep.pipeline.preprocess import preprocess

        names = (
            *("window_width", "window_overlap", "mel_spectrum", "chunk_length", "chunk_count"),
            *("clip_above", "clip_below", "fixed_length", "center_fixed", "sample_rate", "relative_to"),
        )
        settings = {name: getattr(parsed_args, name) for name in names}
        preprocessor = Preprocessor(**settings, channels=Channels[parsed_args.channels])
        parser = open_raw_data(parsed_args)
        if parsed_args.pretend is not None:
            self._pretend(parser, preprocessor, parsed_args.pretend, parsed_args.plot)
        elif parsed_args.plot is not None:
            raise OptionError("--plot shows what --pretend does; name a recording with --pretend INDEX")
        else:
            options = {name: getattr(parsed_args, name) for name in ("jobs", "compression", "skip_bad", "resume")}
            preprocess(parser, preprocessor, parsed_args.output, **options)

    def _pretend(self, parser: "Parser", preprocessor: "Preprocessor", position: int, plot: Path | None) -> None:
        instances = parser.parse()
        if position >= len(instances):
            raise OptionError(
                f"--pretend {position}: the data set has {len(instances)} recordings; choose 0 to {len(instances) - 1}"
            )
        instance = instances[position]
        spectrogram = preprocessor.spectrogram(instance.path)
        num_frames, num_bands = spectrogram.db.shape
        value = [] if instance.label_value is None else [("value", instance.label_value)]
        rows = [
            ("data file", instance.filename),
            ("label", "None" if instance.label_nominal is None else instance.label_nominal),
            *value,
            ("sample rate", f"{spectrogram.sample_rate} Hz"),
            ("time steps", num_frames),
            ("frequency bands", num_bands),
            ("amplitudes", f"{spectrogram.db.min():.1f} to {spectrogram.db.max():.1f} dB"),
        ]
        self.write(table(f"spectrogram of instance {position}", rows))

        from audeep.cli.render.plots import plot_spectrogram

        plot_spectrogram(spectrogram, instance.filename, plot)
