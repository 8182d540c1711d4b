# SPDX-License-Identifier: GPL-3.0-or-later
"""report: one training run on one page."""

import argparse
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audeep.cli.options import AudeepCommand, add_device, add_seed, add_step, index, positive_int
from audeep.cli.render.page import page, png
from audeep.cli.tagger_report import recordings_of, reference, tagger_content
from audeep.errors import ModelError, OptionError
from audeep.evaluation.plan import COMPLEXITIES
from audeep.runtime.constants import NUM_RESAMPLES
from audeep.runtime.files import check_target, replacing
from audeep.runtime.results import SETTINGS_NAME, read_settings

if TYPE_CHECKING:
    from audeep.audio.front_ends.base import FrontEnd
    from audeep.data.data_set import DataSet
    from audeep.evaluation.results import ClassEvaluation
    from audeep.models.base import Network
    from audeep.models.checkpoints import Progress
    from audeep.models.curve import Point

logger = logging.getLogger(__name__)

NUM_RECONSTRUCTIONS = 4


class Report(AudeepCommand):
    """Put one training run on one HTML page: settings, learning curve, scores, and reconstructions or mistakes; or
    compare evaluations on one, with intervals of their differences.
    """

    examples = ("--run-dir run --input spectrograms.nc --output report.html",)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--run-dir", type=Path, metavar="NAME", help="directory of the run: its --run-name")
        parser.add_argument(
            "--input",
            type=Path,
            metavar="FILE",
            help="data set file of spectrograms to show; with labels and folds, they are classified too",
        )
        parser.add_argument(
            "--compare",
            type=Path,
            nargs="+",
            metavar="PATH",
            help="in place of a run: files of 'evaluate --json', or folders of 'audeep run', of the same recordings;"
            " all are compared with the first",
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="page to write (default: NAME/report.html; with --compare, comparison.html)",
        )
        parser.add_argument("--title", help="title of the page (default: the name of the directory)")
        parser.add_argument(
            "--bootstrap",
            type=positive_int,
            default=NUM_RESAMPLES,
            metavar="N",
            help="for --compare, resample recordings, or groups where there are some, N times (default: %(default)s)",
        )
        parser.add_argument(
            "--basedir",
            type=Path,
            metavar="DIR",
            help="folder of the recordings, to listen to mistakes",
        )
        parser.add_argument(
            "--mistakes",
            type=index,
            default=10,
            metavar="N",
            help="show N mistakes (default: %(default)s)",
        )
        add_step(parser)
        add_seed(parser)
        add_device(parser)

    def writes(self, parsed_args: argparse.Namespace) -> Iterator[Path]:
        yield output_of(parsed_args)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        is_of_run = parsed_args.run_dir is not None and parsed_args.input is not None
        if is_of_run == (parsed_args.compare is not None):
            raise OptionError("what to report on is not clear; give --run-dir and --input, or --compare")
        output = output_of(parsed_args)
        check_target(output)
        template, content = self._comparison(parsed_args) if parsed_args.compare else self._run(parsed_args)
        with replacing(output) as partial:
            partial.write_text(page(template, content), encoding="utf-8")
        logger.info("%s: report written", output)

    def _comparison(self, parsed_args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
        """The template of a page, and its content."""
        from audeep.cli.comparison import comparison_content

        content = comparison_content(parsed_args.compare, parsed_args.bootstrap, parsed_args.seed)
        return "comparison.html.j2", {"title": parsed_args.title or "Comparison", **content}

    def _run(self, parsed_args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
        """The template of a page, and its content."""
        from audeep.data.data_set import load
        from audeep.inference.embedder import check_shape
        from audeep.models.base import Tagger
        from audeep.models.checkpoints import load_model

        run, output = parsed_args.run_dir, output_of(parsed_args)
        data_set, (logs, num_folds) = load(parsed_args.input), logs_of(run)
        model, progress = load_model(logs, parsed_args.step)
        check_shape(model, data_set, logs)
        about = read_settings(logs / SETTINGS_NAME)
        content = {
            "title": parsed_args.title or run.resolve().name,
            "settings": settings_of(model, progress, about),
            "preprocessing": preprocessing_rows(data_set),
        }
        if isinstance(model, Tagger):
            if num_folds:
                content["settings"]["model"].insert(0, ("folds", f"{num_folds}; what follows is of the first"))
            settings = about.get("settings", {})
            content |= tagger_content(run, data_set, settings, vars(parsed_args), output)
        elif num_folds:
            raise ModelError(f"{run}: is a run of folds; name one of them, such as {logs.parent}")
        else:
            content |= autoencoder_content(model, logs, data_set, vars(parsed_args), output)
        return "tagger.html.j2" if isinstance(model, Tagger) else "report.html.j2", content


def logs_of(run: Path) -> tuple[Path, int]:
    """Where the models of a run are, or those of its first fold; and the number of its folds, 0 without any."""
    from audeep.models.checkpoints import steps_in
    from audeep.training.folds import fold_directory, folds_in

    if steps_in(run / "logs") or not any(run.glob("fold-*")):
        return run / "logs", 0
    folds = folds_in(run)
    return fold_directory(run, folds[0]) / "logs", len(folds)


def autoencoder_content(
    model: "Network", logs: Path, data_set: "DataSet", options: Mapping[str, Any], output: Path
) -> dict[str, Any]:
    """Curve, reconstructions, maps and scores of a model that learned without labels.

    Args:
        options: seed, device, mistakes and basedir of the command.
    """
    from audeep.inference.embedder import Embedder
    from audeep.models.checkpoints import load_model
    from audeep.models.curve import read_curve
    from audeep.models.devices import select_device

    curve = read_curve(logs, load_model(logs)[1].step)
    model.to(select_device(options["device"]))
    features, seed = Embedder(model).vectors(data_set), options["seed"]
    return {
        "listens": options["basedir"] is not None,
        "curve": curve_of(model, curve),
        "reconstructions": reconstructions_of(model, data_set, seed),
        "maps": maps_of(features, seed),
        "scores": scores_of(features, data_set, options, output),
    }


def output_of(parsed_args: argparse.Namespace) -> Path:
    """Where the page goes."""
    default = Path("comparison.html") if parsed_args.run_dir is None else parsed_args.run_dir / "report.html"
    output: Path = parsed_args.output or default
    return output


def settings_of(model: "Network", progress: "Progress", content: dict[str, Any]) -> dict[str, Any]:
    """The model, how it was trained as far as that is known, and with which versions."""
    from audeep.models.registry import kind_of

    config: dict[str, Any] = asdict(model.config)
    weights = sum(weight.numel() for weight in model.parameters())
    about = {"model": kind_of(type(model)), "weights": f"{weights:,}", **asdict(progress), **config}
    options = {name: value for name, value in content.get("settings", {}).items() if name not in config}
    return {
        "model": [(name, _shown(value)) for name, value in about.items()],
        "training": [(name, _shown(value)) for name, value in options.items() if value is not None],
        "versions": [f"{name} {version}" for name, version in content.get("versions", {}).items()],
    }


def preprocessing_rows(data_set: "DataSet") -> list[tuple[str, str]]:
    """How the spectrograms were made, as far as that is known."""
    settings = data_set.preprocessing or {}
    rows = [(name, _shown(value)) for name, value in settings.items() if value is not None]
    return rows and [*rows, ("frames and values of each", " x ".join(map(str, data_set.feature_shape)))]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def curve_of(model: "Network", curve: "Sequence[Point]") -> dict[str, Any]:
    """The losses of all epochs; nothing if they were not kept."""
    from audeep.cli.render.plots import plot_curve
    from audeep.models.base import Autoencoder
    from audeep.models.curve import best_of

    if not curve:
        return {}
    last, best = curve[-1], best_of(curve)
    summary = f"After {last.epoch} epochs the training loss is {last.loss:.4f}."
    if best is not None:
        summary += (
            f" The lowest validation loss is {best.validation_loss:.4f}, of epoch {best.epoch}, step {best.step}."
        )
    return {"picture": png(plot_curve, curve, isinstance(model, Autoencoder)), "summary": summary}


def reconstructions_of(model: "Network", data_set: "DataSet", seed: int) -> bytes:
    """Some instances from all over the data set; nothing of a model that does not reconstruct."""
    import numpy as np

    from audeep.cli.render.plots import plot_reconstructions
    from audeep.inference.reconstruction import reconstruct
    from audeep.models.base import Autoencoder

    if not isinstance(model, Autoencoder):
        return b""
    count = min(NUM_RECONSTRUCTIONS, len(data_set))
    instances = np.linspace(0, len(data_set) - 1, count).astype(int).tolist()
    return png(plot_reconstructions, reconstruct(model, data_set, instances, seed), front_end=front_end_in(data_set))


def maps_of(features: "DataSet", seed: int) -> dict[str, Any]:
    """The features in a plane, by two methods."""
    from audeep.cli.render.plots import plot_map
    from audeep.evaluation.projection import shares_of_variance, visualize_pca, visualize_tsne

    components = visualize_pca(features, seed)
    pictures = {
        "PCA": png(plot_map, components, features, "PCA", shares=shares_of_variance(components, features)),
        "t-SNE": png(plot_map, visualize_tsne(features, seed=seed), features, "t-SNE"),
    }
    return {"num_instances": len(features), "num_features": features.feature_shape[0], "pictures": pictures}


def scores_of(features: "DataSet", spectrograms: "DataSet", options: Mapping[str, Any], output: Path) -> dict[str, Any]:
    """What a linear SVM can tell from the features, what they must beat, and the recordings that it gets wrong."""
    if features.has_label_sets:
        return {"missing": "instances have several labels each"}
    if not features.is_fully_labelled:
        return {"missing": "not all instances have a label"}
    if not features.has_cv_info:
        return {"missing": "the data set has no folds"}

    from audeep.cli.render.plots import plot_confusion
    from audeep.evaluation.baselines import band_statistics, evaluate_baselines
    from audeep.evaluation.evaluate import evaluate
    from audeep.evaluation.learners import svms
    from audeep.evaluation.plan import EvaluationPlan
    from audeep.evaluation.results import ClassEvaluation, mean_and_deviation

    plan = EvaluationPlan(seed=options["seed"])
    statistics = band_statistics(features, spectrograms)
    evaluation = evaluate(features, svms(COMPLEXITIES), plan)
    assert isinstance(evaluation, ClassEvaluation)
    compared = {
        "SVM on these features": evaluation,
        **evaluate_baselines(statistics, plan, complexities=COMPLEXITIES),
    }
    rows = []
    for name, one in compared.items():
        both = map(mean_and_deviation, one.scores.values())
        rows.append((name, *(f"{mean:.2%} (+/- {deviation:.2%})" for mean, deviation in both)))
    *shares, counts = evaluation.class_scores.values()
    return {
        "missing": "",
        **misclassified(evaluation, options["mistakes"], options["basedir"], output),
        "num_folds": features.num_folds,
        "complexities": [f"{fold.complexity:g}" for fold in evaluation.folds],
        "header": ("", *evaluation.scores),
        "rows": rows,
        "confusion": png(plot_confusion, evaluation),
        "class_header": ("class", *evaluation.class_scores),
        "class_rows": [
            (label, *("" if share != share else f"{share:.1%}" for share in found), count)
            for label, found, count in zip(evaluation.labels, zip(*shares, strict=True), counts, strict=True)
        ],
    }


def misclassified(evaluation: "ClassEvaluation", most: int, basedir: Path | None, output: Path) -> dict[str, Any]:
    """Recordings that are taken for another class, those of the pairs that are confused most often first.

    Args:
        basedir: folder of the recordings; those that are not there cannot be listened to.
        output: the page.
    """
    names = {number: name for name, number in evaluation.label_map.items()}
    found = evaluation.together
    wrong = [
        (str(filename), int(chunk), names[true], names[predicted])
        for filename, chunk, true, predicted in zip(
            found.filenames, found.chunk_nrs, found.true, found.predicted[0], strict=True
        )
        if true != predicted
    ]
    pairs = Counter(each[2:] for each in wrong)
    shown = sorted(wrong, key=lambda each: (-pairs[each[2:]], each[2:], each[:2]))[:most]
    places = {} if basedir is None else recordings_of(basedir, [each[0] for each in shown])
    is_chunked = bool(found.chunk_nrs.any())
    mistakes = [
        {
            "name": f"{filename}, chunk {chunk}" if is_chunked else filename,
            "true": true,
            "predicted": predicted,
            "audio": reference(places[filename], output) if filename in places else "",
        }
        for filename, chunk, true, predicted in shown
    ]
    return {
        "mistakes": mistakes,
        "mistake_rows": [(each["name"], each["true"], each["predicted"]) for each in mistakes],
        "num_mistakes": len(wrong),
        "num_scored": len(found.true),
    }


def front_end_in(data_set: "DataSet") -> "FrontEnd | None":
    """What spectrograms were made with, where that is known and the same sample rate for all."""
    from audeep.audio.front_ends.registry import front_end_of

    settings = data_set.preprocessing or {}
    try:
        return front_end_of(settings) if settings.get("sample_rate") else None
    except OptionError:  # of a package that is not here
        return None
