# SPDX-License-Identifier: GPL-3.0-or-later
"""What the report of a model that learned from labels says, by the names in its template."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from audeep.cli.render.page import png
from audeep.cli.render.scores import class_texts, rows_of, score_texts
from audeep.errors import ModelError, ShapeError

if TYPE_CHECKING:
    from audeep.data.data_set import DataSet
    from audeep.evaluation.scoring import TagScores

NUM_PREDICTED = 3  # labels that are shown of each mistake
MANY_LABELS = 15  # whose confusion matrix is wider than the page


def curves_content(run: Path) -> dict[str, Any]:
    """The learning curve of a run, or the mean over its folds; nothing if it was not kept."""
    from audeep.cli.render.plots import plot_mean_curves
    from audeep.models.curve import mean_curve
    from audeep.training.folds import curves_of

    try:
        curve = mean_curve(curves_of(run))
    except ModelError:
        return {}
    of_folds = f", the mean over {curve.num_folds} folds" if curve.num_folds > 1 else ""
    summary = f"After {curve.epochs[-1]} epochs the training loss{of_folds} is {curve.loss.mean[-1]:.4f}."
    best, band = curve.best, curve.validation_loss
    if best is not None and band is not None:
        deviation = f" (standard deviation {band.deviation[best]:.4f})" if curve.num_folds > 1 else ""
        summary += f" The lowest validation loss is {band.mean[best]:.4f}{deviation}, of epoch {curve.epochs[best]}."
    name = run.resolve().name
    return {"picture": png(plot_mean_curves, {name: curve}), "summary": summary}


def held_out(data_set: "DataSet", settings: Mapping[str, Any]) -> "tuple[DataSet, str]":
    """The instances that a training held out, and which these are in words; all if that is not known.

    Args:
        settings: of the training.
    """
    from audeep.data.schema import Partition, Split
    from audeep.training.validation import hold_out_partitions, hold_out_share, verified_of

    inputs = [Path(name).name for name in settings.get("input", [])]
    if data_set.source is None or inputs != [Path(data_set.source).name]:
        return data_set, "all instances of the input, of which some may have been trained on"
    parts, how = [data_set], ""
    if settings.get("validation_fold") is not None:
        fold = settings["validation_fold"]
        parts, how = [data_set.split(fold - 1, Split.VALID)], f"fold {fold}"
    elif settings.get("validation_partition"):
        names = [Partition(each).name for each in settings["validation_partition"]]
        parts, how = hold_out_partitions([data_set], [Partition[name] for name in names])[1], " ".join(names)
    elif settings.get("validation_split") is not None:
        share = settings["validation_split"]
        parts, how = hold_out_share([data_set], share, settings["seed"])[1], f"a share of {share:g}"
    if not how:
        return data_set, "all instances of the input, which the model was trained on: they do not tell how good it is"
    if settings.get("verified_only"):
        parts, how = verified_of(parts), f"{how}, verified labels alone"
    return parts[0], f"those held out from the training ({how})"


def scores_content(found: "TagScores", scope: str) -> dict[str, Any]:
    """The measures of all instances and of each fold, each label, and a picture of them."""
    from audeep.cli.render.plots import plot_classes, plot_confusion

    rows = [(name, len(found.groups[name]), *score_texts(scores)) for name, scores in found.by_group.items()]
    rows.append(("all", len(found.truth), *score_texts(found.overall)))
    labels = [(name, *class_texts(row)) for name, row in zip(found.names, rows_of(found.class_scores), strict=True)]
    picture = png(plot_classes, found) if found.several else png(plot_confusion, found.evaluation)
    return {
        "missing": "",
        "scope": f"{len(found.truth)} instances were scored: {scope}.",
        "header": ("", "count", *found.overall),
        "rows": rows,
        "class_header": ("class", *found.class_scores),
        "class_rows": [*labels, ("mean", *class_texts(found.class_means))],
        "picture": picture,
        "description": "scores of each label" if found.several else "confusion matrix, with the scores of each class",
        "is_wide": not found.several and len(found.names) > MANY_LABELS,
    }


def mistakes_content(
    found: "TagScores", spectrograms: "DataSet", most: int, basedir: Path | None, output: Path
) -> list[dict[str, Any]]:
    """The worst mistakes: their labels with scores, what the model read, and where the recording is.

    Args:
        basedir: folder of the recordings; those that are not there cannot be listened to.
        output: the page.
    """
    from audeep.cli.render.data_plots import plot_frames
    from audeep.evaluation.ranking import ranked

    mistakes = found.mistakes(most)
    scored = {key: row for row, key in enumerate(zip(found.filenames, found.chunk_nrs, strict=True))}
    read = {key: row for row, key in enumerate(zip(spectrograms.filenames, spectrograms.chunk_nrs, strict=True))}
    places = {} if basedir is None else recordings_of(basedir, [each.filename for each in mistakes])
    is_chunked, content = bool(spectrograms.chunk_nrs.any()), []
    for each in mistakes:
        key = (each.filename, each.chunk_nr)
        truth, scores = found.truth[scored[key]], found.scores[scored[key]]
        instance = spectrograms[read[key]]
        frames = instance.features[: instance.num_frames]
        best = ranked(scores[None])[0, :NUM_PREDICTED]
        recording = places.get(each.filename)
        content.append(
            {
                "name": f"{each.filename}, chunk {each.chunk_nr}" if is_chunked else each.filename,
                "true": [(found.names[label], f"{scores[label]:.4f}") for label in truth.nonzero()[0]],
                "predicted": [(found.names[label], f"{scores[label]:.4f}", bool(truth[label])) for label in best],
                "picture": png(plot_frames, frames),
                "audio": "" if recording is None else reference(recording, output),
            }
        )
    return content


def recordings_of(basedir: Path, names: list[str]) -> dict[str, Path]:
    """Where recordings are below a folder, by their names in a data set, those that are found.

    A name is a path below the folder, or the end of exactly one.
    """
    import numpy as np

    from audeep.data.upsample import original_names
    from audeep.parsers.walking import files_below

    wanted = dict(zip(names, original_names(np.array(names, object)), strict=True)) if names else {}
    ends = {Path(original).name for original in wanted.values()}
    paths = {path.relative_to(basedir).as_posix(): path for path in files_below(basedir) if path.name in ends}
    found = {}
    for name, original in wanted.items():
        matching = [path for place, path in paths.items() if place == original or place.endswith(f"/{original}")]
        if original in paths or len(matching) == 1:
            found[name] = paths.get(original, matching[0])
    return found


def reference(recording: Path, page: Path) -> str:
    """A recording as a page refers to it: a relative address, or that of the file if it is on another drive."""
    try:
        relative = os.path.relpath(recording, page.parent)
    except ValueError:
        return recording.resolve().as_uri()
    return quote(os.fsencode(Path(relative).as_posix()))


def tagger_content(
    run: Path, spectrograms: "DataSet", settings: Mapping[str, Any], options: Mapping[str, Any], output: Path
) -> dict[str, Any]:
    """Curves, scores and mistakes of a run, or of a run of folds.

    Args:
        settings: of the training.
        options: step, device, mistakes and basedir of the command.
    """
    from audeep.evaluation.scoring import score
    from audeep.models.checkpoints import steps_in
    from audeep.pipeline.predict import predict_scores

    content: dict[str, Any] = {
        "curve": curves_content(run),
        "scores": {"missing": "no instance has a label"},
        "mistakes": [],
    }
    if not spectrograms.is_labelled.any():
        return content
    of_folds = not steps_in(run / "logs")
    part, scope = spectrograms, "each by the model of the fold that it was held out from"
    if not of_folds:
        part, scope = held_out(spectrograms, settings)
    if not len(part):
        raise ShapeError("there is no held-out instance in the input; give the data set that was trained on")
    directory = run if of_folds else run / "logs"
    predictions = predict_scores([directory], part, options["step"], out_of_fold=of_folds, device=options["device"])
    found = score(predictions, by="fold" if of_folds else None)
    content["scores"] = scores_content(found, scope)
    content["mistakes"] = mistakes_content(found, spectrograms, options["mistakes"], options["basedir"], output)
    return content
