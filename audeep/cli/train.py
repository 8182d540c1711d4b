# SPDX-License-Identifier: GPL-3.0-or-later
"""t-rae train: train an autoencoder on spectrograms."""

import argparse
from pathlib import Path

from audeep.cli.options import (
    AudeepCommand,
    add_device,
    add_keep_prob,
    add_learning_rate,
    add_seed,
    choice_of,
    logger,
    positive_int,
    probability,
)


class TrainAutoencoder(AudeepCommand):
    """What the training of all autoencoders shares."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--input", type=Path, nargs="+", required=True, metavar="FILE", help="data set files to train on"
        )
        parser.add_argument(
            "--run-name",
            type=Path,
            default=Path("test-run"),
            metavar="NAME",
            help="directory of this run; models and TensorBoard logs go to NAME/logs (default: %(default)s)",
        )
        parser.add_argument(
            "--batch-size", type=positive_int, default=64, help="instances per step (default: %(default)s)"
        )
        parser.add_argument(
            "--num-epochs",
            type=positive_int,
            default=10,
            help="passes over the data, those before --continue included (default: %(default)s)",
        )
        add_learning_rate(parser)
        parser.add_argument(
            "--continue",
            dest="resume",
            action="store_true",
            help="go on from the newest checkpoint of this run; without it, a run that has checkpoints is refused",
        )
        parser.add_argument(
            "--checkpoints-to-keep", type=positive_int, metavar="N", help="keep the newest N models (default: all)"
        )
        parser.add_argument("--tempdir", type=Path, metavar="DIR", help="accepted for old scripts, without effect")
        add_seed(parser)
        add_device(parser)
        self.add_model_options(parser)

    def add_model_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options of the model."""
        raise NotImplementedError

    def train(self, parsed_args: argparse.Namespace, model_type: type, config_options: dict[str, object]) -> None:
        """Train a model whose configuration is a shape [time, freq] and `config_options`."""
        from audeep.data.data_set import load
        from audeep.training.trainer import TrainingOptions, train

        if parsed_args.tempdir is not None:
            logger.info(
                "--tempdir %s: no temporary files are needed any more, the option has no effect", parsed_args.tempdir
            )
        train(
            [load(path) for path in parsed_args.input],
            lambda shape: model_type.config_type(*shape, **config_options),
            model_type,
            parsed_args.run_name,
            TrainingOptions(
                batch_size=parsed_args.batch_size,
                num_epochs=parsed_args.num_epochs,
                learning_rate=parsed_args.learning_rate,
                seed=parsed_args.seed,
                device=parsed_args.device,
                checkpoints_to_keep=parsed_args.checkpoints_to_keep,
            ),
            parsed_args.resume,
        )


class TrainTimeAutoencoder(TrainAutoencoder):
    """Train a time-recurrent autoencoder: it reads spectrograms frame by frame and represents each by one vector."""

    def add_model_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--num-layers", type=positive_int, default=1, help="recurrent layers (default: %(default)s)"
        )
        parser.add_argument("--num-units", type=positive_int, default=16, help="cells per layer (default: %(default)s)")
        parser.add_argument("--bidirectional-encoder", action="store_true", help="let the encoder read both ways")
        parser.add_argument("--bidirectional-decoder", action="store_true", help="let the decoder write both ways")
        add_keep_prob(parser, default=0.8)
        parser.add_argument(
            "--encoder-noise",
            type=probability,
            default=0.0,
            metavar="P",
            help="set each frame that the encoder reads to zero with probability P (default: %(default)s)",
        )
        parser.add_argument(
            "--feed-previous-prob",
            type=probability,
            default=0.0,
            metavar="P",
            help="feed the decoder its own last output, instead of the expected one, with probability P"
            " (default: %(default)s)",
        )
        parser.add_argument(
            "--cell", type=choice_of(("GRU", "LSTM")), default="GRU", help="GRU or LSTM (default: %(default)s)"
        )
        parser.add_argument(
            "--mask-silence", action="store_true", help="do not count errors where the spectrogram is at its minimum"
        )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.models.time_autoencoder import TimeAutoencoder

        names = (
            *("num_layers", "num_units", "bidirectional_encoder", "bidirectional_decoder", "keep_prob"),
            *("encoder_noise", "feed_previous_prob", "cell", "mask_silence"),
        )
        self.train(parsed_args, TimeAutoencoder, {name: getattr(parsed_args, name) for name in names})
