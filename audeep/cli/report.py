# SPDX-License-Identifier: GPL-3.0-or-later
"""report: one training run on one page."""

import argparse
import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from audeep.cli.options import AudeepCommand, add_device, add_input, add_seed, add_step
from audeep.cli.render.page import page, paragraph, picture, section, table
from audeep.errors import ModelError
from audeep.runtime.files import check_target, replacing
from audeep.runtime.results import SETTINGS_NAME

if TYPE_CHECKING:
    from torch import nn

    from audeep.data.data_set import DataSet
    from audeep.evaluation.results import ClassEvaluation
    from audeep.models.checkpoints import Progress
    from audeep.models.curve import Point

logger = logging.getLogger(__name__)

NUM_RECONSTRUCTIONS = 4
COMPLEXITIES = (1e-3, 1e-2, 1e-1)  # of SVMs, to choose among; higher ones take much longer


class Report(AudeepCommand):
    """Put one training run on one HTML page: settings, learning curve, reconstructions, maps, and scores."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--run-dir",
            type=Path,
            required=True,
            metavar="NAME",
            help="directory of the run: its --run-name",
        )
        add_input(parser, "data set file of spectrograms to show; with labels and folds, they are classified too")
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="page to write (default: NAME/report.html)",
        )
        parser.add_argument("--title", help="title of the page (default: the name of the directory)")
        add_step(parser)
        add_seed(parser)
        add_device(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.inference.generation import check_shape, represent
        from audeep.models.checkpoints import load_model
        from audeep.models.curve import read_curve
        from audeep.models.devices import select_device

        logs = parsed_args.run_dir / "logs"
        output = parsed_args.output or parsed_args.run_dir / "report.html"
        check_target(output)
        data_set = load(parsed_args.input)
        model, progress = load_model(logs, parsed_args.step)
        check_shape(model, data_set, logs)
        sections = [
            settings_section(model, progress, _read_settings(logs / SETTINGS_NAME)),
            curve_section(read_curve(logs, load_model(logs)[1].step)),
        ]
        model.to(select_device(parsed_args.device))
        sections.append(reconstructions_section(model, data_set, parsed_args.seed))
        features = represent(model, data_set)
        sections.append(maps_section(features, parsed_args.seed))
        sections.append(scores_section(features, data_set, parsed_args.seed))
        title = parsed_args.title or parsed_args.run_dir.resolve().name
        with replacing(output) as partial:
            partial.write_text(page(title, sections), encoding="utf-8")
        logger.info("%s: report written", output)


def _read_settings(path: Path) -> dict[str, Any]:
    """What training wrote of its options; nothing if an older version trained."""
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(content[key], dict) for key in ("settings", "versions")):
            raise TypeError("settings and versions are no objects")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: has no settings of a training ({reason}); put a copy back, or remove it") from error
    return content


def settings_section(model: "nn.Module", progress: "Progress", content: dict[str, Any]) -> str:
    """The model, how it was trained as far as that is known, and with which versions."""
    config = asdict(model.config)
    weights = sum(weight.numel() for weight in model.parameters())
    rows = [("model", model.kind), ("weights", f"{weights:,}"), *asdict(progress).items(), *config.items()]
    parts = [table(("", "model"), [(name, _shown(value)) for name, value in rows])]
    options = {name: value for name, value in content.get("settings", {}).items() if name not in config}
    rows = [(name, _shown(value)) for name, value in options.items() if value is not None]
    if rows:
        parts.append(table(("", "training"), rows))
        versions = (f"{name} {version}" for name, version in content["versions"].items())
        parts.append(paragraph(f"Trained with {', '.join(versions)}."))
    return section("Settings", *parts)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _png(draw: Callable[[BinaryIO], None]) -> bytes:
    file = BytesIO()
    draw(file)
    return file.getvalue()


def curve_section(curve: "list[Point]") -> str:
    """The losses of all epochs."""
    from audeep.cli.render.plots import plot_curve
    from audeep.models.curve import best_of

    if not curve:
        return section("Learning curve", paragraph("The losses of this run were not kept."))
    last, best = curve[-1], best_of(curve)
    summary = f"After {last.epoch} epochs the training loss is {last.loss:.4f}."
    if best is not None:
        summary += (
            f" The lowest validation loss is {best.validation_loss:.4f}, of epoch {best.epoch}, step {best.step}."
        )
    return section("Learning curve", picture(_png(lambda file: plot_curve(curve, file)), summary), paragraph(summary))


def reconstructions_section(model: "nn.Module", data_set: "DataSet", seed: int) -> str:
    """Some instances from all over the data set."""
    import numpy as np

    from audeep.cli.render.plots import plot_reconstructions
    from audeep.inference.reconstruction import reconstruct

    count = min(NUM_RECONSTRUCTIONS, len(data_set))
    instances = np.linspace(0, len(data_set) - 1, count).astype(int).tolist()
    found = reconstruct(model, data_set, instances, seed)
    shown = picture(_png(lambda file: plot_reconstructions(found, file)), "spectrograms and their reconstructions")
    return section("Reconstructions", shown)


def maps_section(features: "DataSet", seed: int) -> str:
    """The representations in a plane, by two methods."""
    from audeep.cli.render.plots import plot_map
    from audeep.evaluation.projection import visualize_pca, visualize_tsne

    parts = [paragraph(f"{len(features)} instances, each with {features.feature_shape[0]} features.")]
    for name, points in (("PCA", visualize_pca(features, seed)), ("t-SNE", visualize_tsne(features, seed=seed))):
        drawn = _png(lambda file, name=name, points=points: plot_map(points, features, name, file))
        parts.append(picture(drawn, f"map of the features by {name}"))
    return section("Maps", *parts)


def scores_section(features: "DataSet", spectrograms: "DataSet", seed: int) -> str:
    """What a linear SVM makes of the features, and what they must beat."""
    if not (features.is_fully_labelled and features.has_cv_info):
        reason = "the data set has no folds" if features.is_fully_labelled else "not all instances have a label"
        return section("Scores", paragraph(f"There are no scores, since {reason}."))

    from audeep.cli.render.plots import plot_confusion
    from audeep.evaluation.baselines import ConstantLearner, order_blind
    from audeep.evaluation.learners import svms
    from audeep.evaluation.results import cross_validate, mean_and_spread

    statistics = order_blind(features, spectrograms)
    evaluations: dict[str, ClassEvaluation] = {
        "SVM on these features": cross_validate(features, svms(COMPLEXITIES), seed=seed),
        "SVM on mean and deviation of each band": cross_validate(statistics, svms(COMPLEXITIES), seed=seed),
        "chance": cross_validate(statistics, ConstantLearner, seed=seed),
    }
    evaluation = evaluations["SVM on these features"]
    rows = []
    for name, one in evaluations.items():
        both = map(mean_and_spread, one.scores.values())
        rows.append((name, *(f"{mean:.2%} (+/- {spread:.2%})" for mean, spread in both)))
    drawn = _png(lambda file: plot_confusion(evaluation.confusion, evaluation.labels, file))
    complexities = ", ".join(f"{fold.complexity:g}" for fold in evaluation.folds)
    return section(
        "Scores",
        paragraph(
            f"Cross-validated on {features.num_folds} folds: mean, and twice the standard deviation over folds. The"
            f" complexity of the SVM is chosen within the training data ({complexities}). Training the autoencoder used"
            " no labels."
        ),
        table(("", *evaluation.scores), rows),
        picture(drawn, "confusion matrix of the SVM on these features, with the scores of each class"),
        class_table(evaluation),
    )


def class_table(evaluation: "ClassEvaluation") -> str:
    """Recall, precision, F1 and count of each class."""
    scores = evaluation.class_scores
    names = [name for name in scores if name != "count"]
    rows = []
    for position, label in enumerate(evaluation.labels):
        shares = [scores[name][position] for name in names]
        rows.append((label, *("" if share != share else f"{share:.1%}" for share in shares), scores["count"][position]))
    return table(("class", *names, "count"), rows)
