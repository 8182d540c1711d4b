# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of models: what all share, and NAME generate and NAME reconstruct of autoencoders."""

import argparse
from typing import TYPE_CHECKING

from audeep.cli.options import (
    AudeepCommand,
    add_cluster,
    add_device,
    add_input,
    add_model_dir,
    add_plot,
    add_seed,
    add_step,
    data_set_path,
    index,
    positive_int,
    step,
)
from audeep.cli.render.tables import table
from audeep.models.registry import model_type_of

if TYPE_CHECKING:
    from audeep.models.base import Network


class ModelCommand(AudeepCommand):
    """A command of one kind of model; there is a subclass for each kind."""

    uses_compiled_parts = True

    kind: str

    @property
    def model_type(self) -> "type[Network]":
        """The class of the model."""
        return model_type_of(self.kind)


def add_any_preprocessing(parser: argparse.ArgumentParser) -> None:
    """--any-preprocessing."""
    parser.add_argument(
        "--any-preprocessing",
        action="store_true",
        help="take spectrograms that were made with other settings than those trained on (default: they are refused)",
    )


class Generate(ModelCommand):
    """Embed spectrograms with"""

    examples = (
        "--model-dir run --input spectrograms.nc --output features.nc",
        "--model-dir run --input spectrograms.nc --steps best --output features.nc",
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file of spectrograms, made with the settings of the training data")
        add_model_dir(parser)
        parser.add_argument(
            "--output",
            type=data_set_path,
            nargs="+",
            required=True,
            metavar="FILE",
            help="data set files to write, one per step",
        )
        parser.add_argument(
            "--steps",
            type=step,
            nargs="+",
            metavar="STEP",
            help="use the models of these training steps, or 'best' for that with the lowest validation loss (default:"
            " the newest)",
        )
        parser.add_argument(
            "--batch-size", type=positive_int, default=500, help="instances at a time (default: %(default)s)"
        )
        add_cluster(parser, "")
        add_device(parser)
        add_any_preprocessing(parser)
        if getattr(self.model_type, "embed_pooled", None) not in (None, self.model_type.embed):
            parser.add_argument(
                "--pooled",
                action="store_true",
                help=f"embed each spectrogram by {self.model_type.pooled_by}",
            )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.pipeline.generate import generate

        data_set = load(parsed_args.input)
        generate(
            parsed_args.model_dir,
            data_set,
            parsed_args.output,
            parsed_args.steps,
            kind=self.kind,
            batch_size=parsed_args.batch_size,
            device=parsed_args.device,
            pooled=getattr(parsed_args, "pooled", False),
            any_preprocessing=parsed_args.any_preprocessing,
            cluster=parsed_args.cluster,
        )
        self.tell_evaluation(data_set, parsed_args.output[-1])


class Reconstruct(ModelCommand):
    """Show spectrograms beside their reconstructions, with the error of each, by"""

    examples = ("--model-dir run --input spectrograms.nc --plot reconstructions.png",)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file of spectrograms, made with the settings of the training data")
        add_model_dir(parser)
        add_step(parser)
        chosen = parser.add_mutually_exclusive_group()
        chosen.add_argument("--instances", type=index, nargs="+", metavar="I", help="reconstruct these, counted from 0")
        chosen.add_argument(
            "--num-instances",
            type=positive_int,
            default=4,
            metavar="N",
            help="reconstruct the first N instances (default: %(default)s)",
        )
        add_plot(parser, "originals beside their reconstructions")
        add_seed(parser)
        add_device(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.inference.embedder import check_shape
        from audeep.inference.reconstruction import reconstruct
        from audeep.models.checkpoints import load_model
        from audeep.models.devices import select_device

        data_set = load(parsed_args.input)
        model, progress = load_model(parsed_args.model_dir, parsed_args.step, self.kind)
        check_shape(model, data_set, parsed_args.model_dir)
        instances = parsed_args.instances or range(min(parsed_args.num_instances, len(data_set)))
        model.to(select_device(parsed_args.device))
        found = reconstruct(model, data_set, instances, parsed_args.seed)
        if self.is_quiet:
            self.write("\n".join(f"{each.error:.4f}" for each in found))
        else:
            rows = [(number, each.name, f"{each.error:.4f}") for number, each in zip(instances, found, strict=True)]
            title = f"reconstruction errors of step {progress.step}"
            self.write(table(title, [("", "instance", "error")], rows, align="><>"))
        from audeep.cli.render.plots import plot_reconstructions
        from audeep.cli.report import front_end_in

        plot_reconstructions(found, parsed_args.plot, front_end_in(data_set))
