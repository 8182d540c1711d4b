# SPDX-License-Identifier: GPL-3.0-or-later
"""NAME train, of each kind of model."""

import argparse
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audeep.cli.models import ModelCommand
from audeep.cli.options import (
    add_declared,
    add_partitions,
    choice_of,
    declared_values,
    load_partitions,
    partition_name,
    positive_int,
)
from audeep.cli.preset_options import add_preset
from audeep.models.registry import AUTOENCODER, TAGGER, family_of, model_type_of
from audeep.runtime.files import check_text
from audeep.runtime.options import options_of
from audeep.training.tracking import Tracking

if TYPE_CHECKING:
    from audeep.models.base import Network
    from audeep.models.curve import Point
    from audeep.training.options import WarmStart

logger = logging.getLogger(__name__)

NUM_KEPT = 2  # models of a run, where nothing else is said
CURVE_NAME = "learning-curve.png"


HOLDING_OUT = ("validation_split", "validation_fold", "patience", "keep_best")  # options


class Train(ModelCommand):
    """Train"""

    examples = (
        "--input spectrograms.nc --run-name run",
        "--input spectrograms.nc --run-name run --num-epochs 100 --continue",
        "--input spectrograms.nc --run-name run --validation-split 0.1 --patience 10 --keep-best",
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        from audeep.training.options import TrainingOptions, options_type_of

        add_run(parser, "models and TensorBoard logs")
        if family_of(self.kind) != TAGGER:
            add_preset(parser, "train", self.kind)
        parser.add_argument(
            "--continue",
            dest="resume",
            action="store_true",
            help="go on from the newest checkpoint of this run; without it, a run that has checkpoints is refused",
        )
        options_type: type = options_type_of(self.model_type)
        declared = options_of(options_type)
        kept = replace(
            declared["checkpoints_to_keep"], default=NUM_KEPT, help="keep the newest N models (default: %(default)s)"
        )
        of_all = [name for name, each in options_of(TrainingOptions).items() if each.help and name not in HOLDING_OUT]
        own = [name for name, each in declared.items() if each.help and name not in options_of(TrainingOptions)]
        add_declared(parser.add_argument_group("training"), options_type, of_all, checkpoints_to_keep=kept)
        if own:
            add_declared(parser.add_argument_group(f"training of {self.kind}"), options_type, own)
        held_out = parser.add_argument_group("data to hold out, and when to stop")
        add_declared(held_out, options_type, HOLDING_OUT)
        held_out.add_argument(
            "--validation-partition",
            type=partition_name,
            nargs="+",
            metavar="PARTITION",
            help="hold out these partitions instead of a share (TRAIN, DEVEL, TEST)",
        )
        held_out.add_argument(
            "--folds",
            type=fold,
            nargs="+",
            metavar="K",
            help="train a model for each of these folds, counted from 1, or for 'all', in NAME/fold-K; what a fold is"
            " validated on is held out",
        )
        add_warm_start(parser.add_argument_group("weights to begin with"))
        parser.add_argument("--tempdir", type=Path, metavar="DIR", help="accepted for old scripts, without effect")
        add_declared(parser.add_argument_group("reporting"), Tracking)
        add_declared(parser.add_argument_group("model"), self.model_type.config_type)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.training.distributed import joined

        with joined():
            self._train(parsed_args)

    def _train(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.schema import Partition
        from audeep.training.folds import train_folds
        from audeep.training.options import TrainingOptions, options_type_of
        from audeep.training.trainer import train

        check_text(str(parsed_args.run_name))
        if parsed_args.tempdir is not None:
            logger.info("--tempdir %s: has no effect, no temporary files are needed any more", parsed_args.tempdir)
        options_type = options_type_of(self.model_type)
        assert issubclass(options_type, TrainingOptions), "what is fitted at once has a command of its own"
        given = declared_values(parsed_args, options_type)
        if given["validation_partition"] is not None:
            given["validation_partition"] = [Partition[name] for name in given["validation_partition"]]
        if parsed_args.folds is not None and given["validation_fold"] is None:
            given["validation_fold"] = 1  # and then each of them
        options = options_type(**given | {"start_from": warm_start_of(parsed_args)})

        reconstructs, model_type = family_of(self.kind) == AUTOENCODER, self.model_type_for(parsed_args)
        data_sets = [load_partitions(path, parsed_args.partitions) for path in parsed_args.input]
        config = declared_values(parsed_args, model_type.config_type)
        run_name = parsed_args.run_name
        how: dict[str, Any] = {
            "resume": parsed_args.resume,
            "tracking": Tracking(**declared_values(parsed_args, Tracking)),
        }
        if parsed_args.folds is not None:
            folds = None if "all" in parsed_args.folds else parsed_args.folds
            draws = partial(drawing, reconstructs=reconstructs)
            train_folds(data_sets, model_type, run_name, config, options, folds, after_epoch_of=draws, **how)
        else:
            with drawing(run_name / "logs", reconstructs) if options.validates else nullcontext() as draw:
                train(data_sets, model_type, run_name, config, options, after_epoch=draw, **how)
        if family_of(self.kind) == TAGGER:
            self.tell_next("report", "--run-dir", run_name, "--input", parsed_args.input[0])
        else:
            tell_generate(self, run_name, parsed_args.input[0])

    def model_type_for(self, parsed_args: argparse.Namespace) -> "type[Network]":
        """The class of the model that the options ask for."""
        return self.model_type


def tell_generate(command: ModelCommand, run_name: Path, data_set: Path) -> None:
    """Log how to get features from the model of a run."""
    files = ("--model-dir", run_name, "--input", data_set, "--output", "features.nc")
    command.tell_next(command.kind, "generate", *files)


def add_run(parser: argparse.ArgumentParser, what: str) -> None:
    """--input, --partitions and --run-name, to which `what` is written."""
    parser.add_argument(
        "--input", type=Path, nargs="+", required=True, metavar="FILE", help="data set files to train on"
    )
    add_partitions(parser)
    parser.add_argument(
        "--run-name",
        type=Path,
        default=Path("test-run"),
        metavar="NAME",
        help=f"directory of this run; {what} go to NAME/logs (default: %(default)s)",
    )


@contextmanager
def drawing(logs: Path, reconstructs: bool) -> "Iterator[Callable[[Sequence[Point]], None]]":
    """What draws the learning curve of a run in `logs` at its end, and after epochs in a twentieth of the time at most.

    Where that fails, a warning says so once.
    """
    picture, failures = logs / CURVE_NAME, list[Exception]()
    pending: list[Sequence[Point]] = []  # the curve, if it has an epoch that is not drawn
    earliest = 0.0

    def draw(curve: "Sequence[Point]") -> None:
        nonlocal earliest
        pending[:] = [curve]
        begun = time.monotonic()
        if begun < earliest:
            return
        try:
            from audeep.cli.render.plots import plot_curve

            plot_curve(curve, reconstructs, picture)
        except Exception as error:  # whatever is wrong with Matplotlib and its fonts, or the disk
            if not failures:
                logger.warning("%s: is not drawn, the training goes on: %s", picture, error)
            failures.append(error)
        pending.clear()
        now = time.monotonic()
        earliest = now + 19 * (now - begun)

    try:
        yield draw
    finally:
        earliest = 0.0
        if pending:
            draw(pending[0])


def fold(text: str) -> int | str:
    """An argparse type: the number of a fold, counted from 1, or `all`."""
    if text.lower() == "all":
        return "all"
    try:
        return int(positive_int(text))
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, or all") from None


def add_warm_start(parser: "argparse._ActionsContainer") -> None:
    """--warm-start, and what of that model is taken."""
    parser.add_argument(
        "--warm-start",
        dest="start_from",
        type=Path,
        metavar="MODEL",
        help="begin with the weights of this model: a model file, or the directory of the models of a run, of which"
        " the newest is taken",
    )
    parser.add_argument(
        "--warm-layers",
        dest="layers",
        nargs="+",
        metavar="NAME",
        help="take the weights whose names begin so (default: all)",
    )
    parser.add_argument(
        "--warm-without",
        dest="without",
        nargs="+",
        default=[],
        metavar="NAME",
        help="do not take the weights whose names begin so",
    )
    parser.add_argument(
        "--no-warm-statistics",
        dest="statistics",
        action="store_false",
        help="do not take the running statistics of batch normalisation",
    )


def warm_start_of(parsed_args: argparse.Namespace) -> "WarmStart | None":
    """What the options of `add_warm_start` ask for."""
    from audeep.training.options import WarmStart

    if parsed_args.start_from is None:
        return None
    return WarmStart(parsed_args.start_from, parsed_args.layers, parsed_args.without, parsed_args.statistics)


class TrainTimeAutoencoder(Train):
    """Train t-rae, or what its option --decoder of earlier scripts asks for."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--decoder",
            type=choice_of(("sequence", "frame")),
            default="sequence",
            help="frame does what 'audeep masked-frames train' does (default: %(default)s)",
        )

    def model_type_for(self, parsed_args: argparse.Namespace) -> "type[Network]":
        if parsed_args.decoder == "sequence":
            return self.model_type
        if parsed_args.bidirectional_decoder or parsed_args.feed_previous_prob > 0:
            logger.warning(
                "a frame decoder has no recurrent layers: --bidirectional-decoder and --feed-previous-prob"
                " have no effect"
            )
        return model_type_of("masked-frames")


class TrainFitted(ModelCommand):
    """Learn, without labels or gradients,"""

    examples = ("--input spectrograms.nc --run-name run",)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        from audeep.training.options import FittingOptions

        add_run(parser, "model and losses")
        add_preset(parser, "train", self.kind)
        add_declared(parser.add_argument_group("learning"), FittingOptions)
        add_declared(parser.add_argument_group("model"), self.model_type.config_type)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.training.options import FittingOptions
        from audeep.training.trainer import train

        check_text(str(parsed_args.run_name))
        config = declared_values(parsed_args, self.model_type.config_type)
        options = FittingOptions(**declared_values(parsed_args, FittingOptions))
        data_sets = [load_partitions(path, parsed_args.partitions) for path in parsed_args.input]
        train(data_sets, self.model_type, parsed_args.run_name, config, options)
        tell_generate(self, parsed_args.run_name, parsed_args.input[0])
