# SPDX-License-Identifier: GPL-3.0-or-later
"""t-rae train, f-rae train, ft-rae train: train an autoencoder on spectrograms."""

import argparse
import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audeep.cli.options import (
    AudeepCommand,
    add_declared,
    add_device,
    add_learning_rate,
    add_seed,
    check_text,
    choice_of,
    declared_values,
    number,
    partition_name,
    positive_int,
)
from audeep.runtime.results import SETTINGS_NAME, write_results

if TYPE_CHECKING:
    from audeep.models.base import Autoencoder
    from audeep.models.curve import Point
    from audeep.training.options import TrainingOptions

logger = logging.getLogger(__name__)

CURVE_NAME = "learning-curve.png"


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
        add_validation_options(parser)
        parser.add_argument("--tempdir", type=Path, metavar="DIR", help="accepted for old scripts, without effect")
        add_seed(parser)
        add_device(parser)
        parser.add_argument(
            "--precision",
            type=choice_of(("float32", "bfloat16", "float16")),
            default="float32",
            help="of matrix products; bfloat16 is faster where the processor has it (default: %(default)s)",
        )
        parser.add_argument(
            "--crop-frames",
            type=positive_int,
            metavar="FRAMES",
            help="train on a random stretch of so many frames of each spectrogram (default: on whole ones)",
        )
        parser.add_argument(
            "--schedule",
            type=choice_of(("constant", "cosine")),
            default="constant",
            help="of the learning rate; cosine rises at first and falls until the last step (default: %(default)s)",
        )
        add_declared(parser, self.model_type().config_type)

    def model_type(self, parsed_args: argparse.Namespace | None = None) -> "type[Autoencoder]":
        """The class of the model, as far as options decide."""
        raise NotImplementedError

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.training.trainer import train

        check_text(str(parsed_args.run_name))
        if parsed_args.tempdir is not None:
            logger.info("--tempdir %s: has no effect, no temporary files are needed any more", parsed_args.tempdir)
        training = _training_options(parsed_args)
        model_type = self.model_type(parsed_args)
        options = declared_values(parsed_args, model_type.config_type)

        def after_epoch(curve: "Sequence[Point]") -> None:
            logs = parsed_args.run_name / "logs"
            write_results(logs / SETTINGS_NAME, self.cmd_name, vars(parsed_args), {})
            if training.validates:
                from audeep.cli.render.plots import plot_curve

                plot_curve(curve, logs / CURVE_NAME)

        train(
            [load(path) for path in parsed_args.input],
            lambda shape: model_type.config_type(*shape, **options),
            model_type,
            parsed_args.run_name,
            training,
            parsed_args.resume,
            after_epoch,
        )


def _training_options(parsed_args: argparse.Namespace) -> "TrainingOptions":
    from audeep.data.schema import Partition
    from audeep.training.options import TrainingOptions

    options = {name: getattr(parsed_args, name) for name in _fields(TrainingOptions)}
    if parsed_args.validation_partition is not None:
        options["validation_partition"] = [Partition[name] for name in parsed_args.validation_partition]
    return TrainingOptions(**options)


def _fields(dataclass: type) -> list[str]:
    return [field.name for field in dataclasses.fields(dataclass)]


def add_validation_options(parser: argparse.ArgumentParser) -> None:
    """What to hold out, when to stop, and which models to keep."""
    parser.add_argument(
        "--validation-split",
        type=number(float, above=0, most=1),
        metavar="P",
        help="hold out a share P of the recordings, drawn from the seed, and compute a loss on them after each epoch",
    )
    parser.add_argument(
        "--validation-partition",
        type=partition_name,
        nargs="+",
        metavar="PARTITION",
        help="hold out these partitions instead (TRAIN, DEVEL, TEST)",
    )
    parser.add_argument(
        "--patience", type=positive_int, metavar="N", help="end after N epochs without a lower validation loss"
    )
    parser.add_argument(
        "--keep-best",
        action="store_true",
        help="keep the model with the lowest validation loss and the newest one, or those of --checkpoints-to-keep",
    )


class TrainTimeAutoencoder(TrainAutoencoder):
    """Train a time-recurrent autoencoder: it reads spectrograms frame by frame and represents each by one vector."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--decoder",
            type=choice_of(("sequence", "frame")),
            default="sequence",
            help="sequence rebuilds spectrograms from the final state of the encoder; frame rebuilds each frame from"
            " what the encoder makes of it and its neighbours, and features are pooled (default: %(default)s)",
        )

    def model_type(self, parsed_args: argparse.Namespace | None = None) -> "type[Autoencoder]":
        from audeep.models.masked_frames import MaskedFramesAutoencoder
        from audeep.models.time_autoencoder import TimeAutoencoder

        if parsed_args is None or parsed_args.decoder == "sequence":
            return TimeAutoencoder
        if parsed_args.bidirectional_decoder or parsed_args.feed_previous_prob > 0:
            logger.warning(
                "a frame decoder has no recurrent layers: --bidirectional-decoder and --feed-previous-prob"
                " have no effect"
            )
        return MaskedFramesAutoencoder


class TrainFrequencyAutoencoder(TrainAutoencoder):
    """Train a frequency-recurrent autoencoder: it reads each frame band by band and represents each by one vector."""

    def model_type(self, parsed_args: argparse.Namespace | None = None) -> "type[Autoencoder]":
        from audeep.models.frequency_autoencoder import FrequencyAutoencoder

        return FrequencyAutoencoder


class TrainFrequencyTimeAutoencoder(TrainAutoencoder):
    """Train a frequency-time-recurrent autoencoder: it reads frames band by band, and what comes of them in time."""

    def model_type(self, parsed_args: argparse.Namespace | None = None) -> "type[Autoencoder]":
        from audeep.models.frequency_time_autoencoder import FrequencyTimeAutoencoder

        return FrequencyTimeAutoencoder
