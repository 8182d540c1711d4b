# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of each kind of model: NAME train, and generate, reconstruct or evaluate, predict by its family."""

import argparse
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audeep.cli.evaluate import add_result_files, report_results
from audeep.cli.options import (
    AudeepCommand,
    add_declared,
    add_device,
    add_input,
    add_model_dir,
    add_plot,
    add_seed,
    add_step,
    choice_of,
    data_set_path,
    declared_values,
    index,
    partition_name,
    positive_int,
    step,
)
from audeep.cli.render.tables import table
from audeep.models.registry import AUTOENCODER, family_of, model_type_of
from audeep.runtime.files import check_text

if TYPE_CHECKING:
    from audeep.data.data_set import DataSet
    from audeep.models.base import Network
    from audeep.models.curve import Point

logger = logging.getLogger(__name__)

CURVE_NAME = "learning-curve.png"


class ModelCommand(AudeepCommand):
    """A command of one kind of model; there is a subclass for each kind."""

    uses_compiled_parts = True

    kind: str

    @property
    def model_type(self) -> "type[Network]":
        """The class of the model."""
        return model_type_of(self.kind)


class Train(ModelCommand):
    """Train"""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        from audeep.training.options import TrainingOptions

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
            "--continue",
            dest="resume",
            action="store_true",
            help="go on from the newest checkpoint of this run; without it, a run that has checkpoints is refused",
        )
        add_declared(parser, TrainingOptions)
        parser.add_argument(
            "--validation-partition",
            type=partition_name,
            nargs="+",
            metavar="PARTITION",
            help="hold out these partitions instead of a share (TRAIN, DEVEL, TEST)",
        )
        parser.add_argument("--tempdir", type=Path, metavar="DIR", help="accepted for old scripts, without effect")
        add_declared(parser, self.model_type.config_type)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.data.schema import Partition
        from audeep.training.options import TrainingOptions
        from audeep.training.trainer import train

        check_text(str(parsed_args.run_name))
        if parsed_args.tempdir is not None:
            logger.info("--tempdir %s: has no effect, no temporary files are needed any more", parsed_args.tempdir)
        given = declared_values(parsed_args, TrainingOptions)
        if given["validation_partition"] is not None:
            given["validation_partition"] = [Partition[name] for name in given["validation_partition"]]
        options = TrainingOptions(**given)

        picture, reconstructs = parsed_args.run_name / "logs" / CURVE_NAME, family_of(self.kind) == AUTOENCODER
        after_epoch = drawer(picture, reconstructs) if options.validates else None
        model_type = self.model_type_for(parsed_args)
        train(
            [load(path) for path in parsed_args.input],
            model_type,
            parsed_args.run_name,
            declared_values(parsed_args, model_type.config_type),
            options,
            resume=parsed_args.resume,
            after_epoch=after_epoch,
        )

    def model_type_for(self, parsed_args: argparse.Namespace) -> "type[Network]":
        """The class of the model that the options ask for."""
        return self.model_type


def drawer(picture: Path, reconstructs: bool) -> "Callable[[Sequence[Point]], None]":
    """What draws the learning curve of a run after each epoch; where that fails, a warning says so once."""
    failures: list[Exception] = []

    def draw(curve: "Sequence[Point]") -> None:
        try:
            from audeep.cli.render.plots import plot_curve

            plot_curve(curve, reconstructs, picture)
        except Exception as error:  # whatever is wrong with Matplotlib and its fonts, or the disk
            if not failures:
                logger.warning("%s: is not drawn, the training goes on: %s", picture, error)
            failures.append(error)

    return draw


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


def add_any_preprocessing(parser: argparse.ArgumentParser) -> None:
    """--any-preprocessing."""
    parser.add_argument(
        "--any-preprocessing",
        action="store_true",
        help="take spectrograms that were made with other settings than those trained on (default: they are refused)",
    )


class Generate(ModelCommand):
    """Embed spectrograms with"""

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
        add_device(parser)
        add_any_preprocessing(parser)
        if getattr(self.model_type, "embed_pooled", None) not in (None, self.model_type.embed):
            parser.add_argument(
                "--pooled",
                action="store_true",
                help="embed each spectrogram by mean, log standard deviation and log standard deviation of deltas over"
                " time of the outputs of all layers of the encoder, rather than by their final states",
            )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.pipeline.generate import generate

        generate(
            parsed_args.model_dir,
            load(parsed_args.input),
            parsed_args.output,
            parsed_args.steps,
            kind=self.kind,
            batch_size=parsed_args.batch_size,
            device=parsed_args.device,
            pooled=getattr(parsed_args, "pooled", False),
            any_preprocessing=parsed_args.any_preprocessing,
        )


class Reconstruct(ModelCommand):
    """Show spectrograms beside their reconstructions, with the error of each, by"""

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

        plot_reconstructions(found, parsed_args.plot)


class TaggerCommand(ModelCommand):
    """What the commands that apply a tagger share."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file of spectrograms, made with the settings of the training data")
        add_model_dir(parser)
        add_step(parser)
        parser.add_argument(
            "--partitions",
            type=partition_name,
            nargs="+",
            metavar="PARTITION",
            help="take these partitions of it alone (TRAIN, DEVEL, TEST)",
        )
        parser.add_argument(
            "--majority-vote",
            action="store_true",
            help="give one label to all chunks of a file: that with the highest mean score",
        )
        parser.add_argument(
            "--batch-size", type=positive_int, default=500, help="instances at a time (default: %(default)s)"
        )
        add_device(parser)
        add_any_preprocessing(parser)

    def scores(self, parsed_args: argparse.Namespace) -> "tuple[DataSet, tuple[str, ...]]":
        """The instances with the scores of all labels, and the labels."""
        from audeep.data.data_set import load
        from audeep.data.schema import Partition
        from audeep.pipeline.predict import predict_scores

        data_set, names = load(parsed_args.input), parsed_args.partitions
        return predict_scores(
            parsed_args.model_dir,
            data_set if names is None else data_set.partitions([Partition[name] for name in names]),
            parsed_args.step,
            kind=self.kind,
            batch_size=parsed_args.batch_size,
            device=parsed_args.device,
            any_preprocessing=parsed_args.any_preprocessing,
        )


class Predict(TaggerCommand):
    """Predict labels with"""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--output",
            type=Path,
            required=True,
            metavar="FILE",
            help="text file to write: file name, tab, label; sorted by file name",
        )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.evaluation.predictions import write_predictions
        from audeep.evaluation.tagging import best_labels

        predictions = best_labels(*self.scores(parsed_args), by_file=parsed_args.majority_vote)
        write_predictions(predictions, parsed_args.output)
        logger.info("%s: %d predictions written", parsed_args.output, len(predictions))


class Evaluate(TaggerCommand):
    """Evaluate the labels that are predicted by"""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        add_result_files(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.evaluation.tagging import evaluate_scores

        evaluation = evaluate_scores(*self.scores(parsed_args), by_file=parsed_args.majority_vote)
        report_results(self, parsed_args, evaluation, {}, has_folds=False)
