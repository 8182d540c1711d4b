# SPDX-License-Identifier: GPL-3.0-or-later
"""fuse, fuse chunks, fuse predictions: features of the same instances, of the chunks of a file, scores of models."""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audeep.cli.options import (
    AudeepCommand,
    add_declared,
    add_input,
    add_output,
    choice_of,
    declared_values,
    partition_name,
)
from audeep.cli.render.scores import score_texts
from audeep.cli.render.tables import table
from audeep.evaluation.plan import FUSION_METHODS, FusionOptions

if TYPE_CHECKING:
    from audeep.data.data_set import DataSet
    from audeep.evaluation.ensembles import Ensemble

logger = logging.getLogger(__name__)


def add_dimension(parser: argparse.ArgumentParser) -> None:
    """--dimension."""
    parser.add_argument(
        "--dimension",
        default="generated",
        help="axis to join along; 'audeep inspect netcdf' shows the axes (default: %(default)s)",
    )


class Fuse(AudeepCommand):
    """Join the features of data sets that have the same instances, matched by name and chunk; others are refused."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--input", type=Path, nargs="+", required=True, metavar="FILE", help="two or more data set files to fuse"
        )
        add_dimension(parser)
        parser.add_argument(
            "--any-preprocessing",
            action="store_true",
            help="join spectrograms that were made with different settings, too (default: they are refused)",
        )
        add_output(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.combine import fuse
        from audeep.data.data_set import load
        from audeep.errors import OptionError

        if len(parsed_args.input) < 2:
            raise OptionError("--input names one data set file; two or more are needed to fuse")
        fused = fuse(
            [load(path) for path in parsed_args.input],
            parsed_args.dimension,
            any_preprocessing=parsed_args.any_preprocessing,
        )
        fused.save(parsed_args.output)
        logger.info("%s: features of shape %s written", parsed_args.output, list(fused.feature_shape))
        if len(fused.feature_shape) == 1:
            self.tell_evaluation(fused, parsed_args.output)


class FuseChunks(AudeepCommand):
    """Make one instance of all chunks of a file, by joining their features."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file with chunks")
        add_dimension(parser)
        add_output(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.combine import fuse_chunks
        from audeep.data.data_set import load

        fused = fuse_chunks(load(parsed_args.input), parsed_args.dimension)
        fused.save(parsed_args.output)
        logger.info(
            "%s: %d instances with features of shape %s written",
            parsed_args.output,
            len(fused),
            list(fused.feature_shape),
        )


class FusePredictions(AudeepCommand):
    """Make one set of predictions of those of several models for the same recordings, and tell how far they agree."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--input", type=Path, nargs="+", required=True, metavar="FILE", help="predictions of two or more models"
        )
        parser.add_argument(
            "--method",
            type=choice_of(FUSION_METHODS),
            default="mean",
            metavar="METHOD",
            help="mean or geometric mean of the scores, or learned: a weight for each model and a bias for each label,"
            " from labelled predictions (default: %(default)s)",
        )
        parser.add_argument(
            "--fit-input",
            type=Path,
            nargs="+",
            metavar="FILE",
            help="labelled predictions of the same models in the same order to learn from (default: the labelled ones"
            " of --input); none may be for recordings that the model was trained on",
        )
        parser.add_argument(
            "--fit-partitions",
            type=partition_name,
            nargs="+",
            metavar="PARTITION",
            help="learn from these partitions alone (TRAIN, DEVEL, TEST)",
        )
        add_declared(parser, FusionOptions)
        parser.add_argument("--json", type=Path, metavar="FILE", help="write agreement, weights and biases to FILE")
        add_output(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.data.schema import Partition
        from audeep.errors import OptionError
        from audeep.evaluation.ensembles import fuse_predictions

        if len(parsed_args.input) < 2:
            raise OptionError("--input names one file of predictions; two or more are needed to fuse")
        fit_input, partitions = parsed_args.fit_input, parsed_args.fit_partitions
        data_sets = [load(path) for path in parsed_args.input]
        ensemble = fuse_predictions(
            data_sets,
            parsed_args.method,
            fit_input and [load(path) for path in fit_input],
            partitions and [Partition[name] for name in partitions],
            FusionOptions(**declared_values(parsed_args, FusionOptions)),
        )
        record = _record(ensemble, parsed_args.input)
        ensemble.predictions.save(parsed_args.output)
        if parsed_args.json is not None:
            from audeep.runtime.results import write_results

            write_results(parsed_args.json, str(self.cmd_name), vars(parsed_args), record)
        if not self.is_quiet:
            self.write(_ensemble_text(ensemble, data_sets, parsed_args.input, learned_here=fit_input is None))
        shape = ensemble.predictions.features.shape
        logger.info("%s: scores of %d instances, %d labels written", parsed_args.output, *shape)


def _record(ensemble: "Ensemble", paths: list[Path]) -> dict[str, Any]:
    """What is to be known of an ensemble beside its predictions, in plain Python."""
    record: dict[str, Any] = {"models": list(map(str, paths)), "agreement": ensemble.agreement.tolist()}
    if ensemble.fusion is not None:
        names = ensemble.predictions.label_names
        record["weights"] = ensemble.fusion.weights.tolist()
        record["biases"] = dict(zip(names, ensemble.fusion.biases.tolist(), strict=True))
        record["losses"] = list(ensemble.fusion.losses)
    return record


def _ensemble_text(ensemble: "Ensemble", data_sets: "list[DataSet]", paths: list[Path], learned_here: bool) -> str:
    """How often models agree, the scores of each and of the ensemble where labels are known, and what was learned."""
    from audeep.evaluation.scoring import score

    numbers = [f"({number})" for number in range(1, len(paths) + 1)]
    rows = [
        (f"{number} {path.name}", *(f"{share:.2%}" for share in shares))
        for number, path, shares in zip(numbers, paths, ensemble.agreement, strict=True)
    ]
    title = "agreement: instances for which two models put the same label first"
    parts = [table(title, [("", *numbers)], rows, align="<" + ">" * len(paths))]
    if ensemble.predictions.is_labelled.any():
        labelled = [each[each.is_labelled.nonzero()[0]] for each in (*data_sets, ensemble.predictions)]
        found = [score(each).overall for each in labelled]
        names = [f"{number} {path.name}" for number, path in zip(numbers, paths, strict=True)]
        scored = [(name, *score_texts(each)) for name, each in zip([*names, "fused"], found, strict=True)]
        parts.append(table("scores", [("", *found[0])], scored, align="<" + ">" * len(found[0])))
    if ensemble.fusion is not None:
        weights, losses = ensemble.fusion.weights, ensemble.fusion.losses
        weighted = [(row[0], f"{weight:.4f}") for row, weight in zip(rows, weights, strict=True)]
        parts.append(table("weights that were learned", [("", "weight")], weighted, align="<>"))
        parts.append(f"cross-entropy from {losses[0]:.4f} to {min(losses):.4f} in {len(losses)} steps")
        if learned_here:
            parts.append("the combination was learned from recordings above, so its scores for them are too good")
    return "\n\n".join(parts)
