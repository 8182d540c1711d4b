# SPDX-License-Identifier: GPL-3.0-or-later
"""t-rae reconstruct, f-rae reconstruct, ft-rae reconstruct: what a trained autoencoder makes of spectrograms."""

import argparse

from audeep.cli.options import (
    AudeepCommand,
    add_device,
    add_input,
    add_model_dir,
    add_plot,
    add_seed,
    add_step,
    index,
    positive_int,
)
from audeep.cli.render.tables import table


class Reconstruct(AudeepCommand):
    """What reconstruction shares for all autoencoders."""

    model_kind: str

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
        from audeep.inference.generation import check_shape
        from audeep.inference.reconstruction import reconstruct
        from audeep.models.checkpoints import load_model
        from audeep.models.devices import select_device

        data_set = load(parsed_args.input)
        model, progress = load_model(parsed_args.model_dir, parsed_args.step, self.model_kind)
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

        plot_reconstructions(found, parsed_args.plot)


class ReconstructTimeAutoencoder(Reconstruct):
    """Show spectrograms beside what a time-recurrent autoencoder makes of them, with its error on each."""

    model_kind = "t-rae"


class ReconstructFrequencyAutoencoder(Reconstruct):
    """Show spectrograms beside what a frequency-recurrent autoencoder makes of them, with its error on each."""

    model_kind = "f-rae"


class ReconstructFrequencyTimeAutoencoder(Reconstruct):
    """Show spectrograms beside what a frequency-time-recurrent autoencoder makes of them, with its error on each."""

    model_kind = "ft-rae"
