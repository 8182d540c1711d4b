# SPDX-License-Identifier: GPL-3.0-or-later
"""extract: features straight from recordings."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from audeep.cli.layout import META, add_basedir, add_layout, columns_of, open_raw_data
from audeep.cli.options import (
    AudeepCommand,
    add_cluster,
    add_device,
    add_model_dir,
    add_step,
    positive_int,
    seconds,
)
from audeep.errors import OptionError


class RecordingsCommand(AudeepCommand):
    """What the commands share that apply models to recordings."""

    uses_compiled_parts = True

    def add_how(self, parser: argparse.ArgumentParser, models: str) -> None:
        """--skip-bad, --jobs and --device; each job has `models` in memory."""
        parser.add_argument(
            "--skip-bad",
            action="store_true",
            help="leave out recordings that cannot be used, listed beside the output (default: stop at the first)",
        )
        parser.add_argument(
            "--jobs",
            type=positive_int,
            default=1,
            metavar="N",
            help=f"work on N recordings at once, each in a process with {models} in memory (default: %(default)s)",
        )
        add_cluster(parser)
        add_device(parser)

    def writes(self, parsed_args: argparse.Namespace) -> Iterator[Path]:
        from audeep.pipeline.outcomes import bad_list

        if parsed_args.output is not None:
            yield parsed_args.output
            if parsed_args.skip_bad:
                yield bad_list(parsed_args.output)


class Extract(RecordingsCommand):
    """Embed recordings, or windows that slide along them, with a trained model or that of another package."""

    examples = (
        "a.wav b.wav --model-dir run --output features.csv",
        "recordings --model-dir run --window 1 --hop 0.5 --output features.csv",
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "files",
            nargs="*",
            metavar="FILE",
            help="recordings, or folders of them at any depth; - is standard input, as it arrives",
        )
        add_basedir(
            parser, "in place of FILE: folders of recordings, of which labels, folds and partitions are written too"
        )
        add_layout(parser)
        models = parser.add_mutually_exclusive_group(required=True)
        add_model_dir(models, required=False)
        models.add_argument(
            "--embedding",
            metavar="MODULE",
            help="embed with the module of another package that has the HEAR interface, by its dotted name, or with"
            " FILE.py",
        )
        parser.add_argument(
            "--weights", type=Path, metavar="FILE", help="of the model of --embedding (default: it is given none)"
        )
        add_step(parser)
        parser.add_argument(
            "--window",
            type=seconds,
            metavar="S",
            help="one vector for each window of S seconds (default: for each file)",
        )
        parser.add_argument("--hop", type=seconds, metavar="S", help="from window to window (default: as --window)")
        parser.add_argument("--pooled", action="store_true", help="take the features that 'generate --pooled' gives")
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="file to write: .csv, .arff, .parquet, .arrow, .npz, .nc, which has no times of windows, or .npy with"
            " features alone (default: CSV on standard output)",
        )
        self.add_how(parser, "the model")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.inference.embedding_modules import EmbeddingModule
        from audeep.pipeline.extract import extract

        if bool(parsed_args.files) == (parsed_args.basedir is not None):
            found = "both are given" if parsed_args.files else "neither is given"
            raise OptionError(f"recordings are named as FILE or by --basedir, {found}; give one of them")
        given = parsed_args.labels is not None or parsed_args.parser != META or columns_of(parsed_args)
        if parsed_args.files and given:
            raise OptionError("--parser and --labels are for --basedir; give that in place of FILE, or leave them out")
        if parsed_args.embedding is None and parsed_args.weights is not None:
            raise OptionError("--weights is for the model of --embedding; give that, or leave it out")
        module = parsed_args.embedding
        extract(
            parsed_args.files or open_raw_data(parsed_args),
            parsed_args.model_dir if module is None else EmbeddingModule(module, parsed_args.weights),
            parsed_args.output or self.stream,
            step=parsed_args.step,
            window=parsed_args.window,
            hop=parsed_args.hop,
            pooled=parsed_args.pooled,
            device=parsed_args.device,
            skip_bad=parsed_args.skip_bad,
            jobs=parsed_args.jobs,
            cluster=parsed_args.cluster,
        )
