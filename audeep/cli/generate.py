# SPDX-License-Identifier: GPL-3.0-or-later
"""t-rae generate, f-rae generate, ft-rae generate: features from a trained autoencoder."""

import argparse
from pathlib import Path

from audeep.cli.options import AudeepCommand, add_device, add_input, add_model_dir, positive_int, step


class GenerateFeatures(AudeepCommand):
    """What the generation of features shares for all autoencoders."""

    model_kind: str

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file of spectrograms, made with the settings of the training data")
        add_model_dir(parser)
        parser.add_argument(
            "--output",
            type=Path,
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
            "--batch-size",
            type=positive_int,
            default=500,
            help="instances at a time (default: %(default)s)",
        )
        add_device(parser)
        self.add_representation(parser)

    def add_representation(self, parser: argparse.ArgumentParser) -> None:
        """Declare what is taken as representation, where there is a choice."""

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.inference.generation import generate

        generate(
            parsed_args.model_dir,
            load(parsed_args.input),
            parsed_args.output,
            parsed_args.steps,
            kind=self.model_kind,
            batch_size=parsed_args.batch_size,
            device=parsed_args.device,
            pooled=getattr(parsed_args, "pooled", False),
        )


class GenerateTimeAutoencoder(GenerateFeatures):
    """Represent each spectrogram by the vector that a time-recurrent autoencoder has learned for it."""

    model_kind = "t-rae"

    def add_representation(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--pooled",
            action="store_true",
            help="represent each spectrogram by mean, spread and roughness over time of what all layers of the encoder"
            " make of it, rather than by their final states",
        )


class GenerateFrequencyAutoencoder(GenerateFeatures):
    """Represent each frame of each spectrogram by the vector that a frequency-recurrent autoencoder has learned."""

    model_kind = "f-rae"


class GenerateFrequencyTimeAutoencoder(GenerateFeatures):
    """Represent each spectrogram by the vector that a frequency-time-recurrent autoencoder has learned for it."""

    model_kind = "ft-rae"
