# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pictures show."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from audeep.cli.render.figures import COLOURS, new_figure, printable, save, settled, show
from audeep.cli.render.places import name_bands, places_of, span_of
from audeep.models.curve import best_of

if TYPE_CHECKING:
    from audeep.audio.front_ends.base import FrontEnd, Spectrogram
    from audeep.data.data_set import DataSet
    from audeep.evaluation.results import ClassEvaluation, ValueEvaluation
    from audeep.evaluation.scoring import TagScores
    from audeep.inference.reconstruction import Reconstruction
    from audeep.models.curve import MeanCurve, Point
    from audeep.pipeline.self_verify import Round

logger = logging.getLogger(__name__)

MOST_RECONSTRUCTIONS = 50
MANY_CLASSES = 15  # of which a confusion matrix is drawn small, without its zeros
MARKERS = "os^Dvp*XP<d"


@settled()
def plot_spectrogram(spectrogram: "Spectrogram", title: str, file: Path | BinaryIO | None) -> None:
    """A spectrogram, or a waveform as a line, above the histogram of its values."""
    figure = new_figure(9, 8, file)
    upper, lower = figure.subplots(2, 1)
    values, frequencies = spectrogram.values, spectrogram.frequencies_hz
    label = f"{spectrogram.quantity} ({spectrogram.unit})" if spectrogram.unit else spectrogram.quantity
    times = np.arange(len(values)) if spectrogram.times_seconds is None else spectrogram.times_seconds
    if values.shape[1] == 1:
        upper.plot(times, values[:, 0], linewidth=0.5)
        upper.set_ylabel(label)
        upper.margins(x=0)
    else:
        edges = np.append(times, 2 * times[-1] - times[-2:-1].sum())
        image = upper.pcolormesh(edges, np.arange(values.shape[1] + 1), values.T, cmap="magma")
        name_bands(upper, frequencies, 0.5)
        figure.colorbar(image, ax=upper, label=label)
    upper.set(title=printable(title), xlabel="frame" if spectrogram.times_seconds is None else "time (s)")
    lower.hist(values.ravel(), bins=100, color="tab:purple")
    what = "cells" if values.shape[1] > 1 else "samples"
    lower.set(title=f"distribution of {spectrogram.quantity}s", xlabel=label, ylabel=what)
    show(figure, file)


@settled()
def plot_confusion(evaluation: "ClassEvaluation", file: Path | BinaryIO | None) -> None:
    """The confusion matrix, coloured by the share of each true class, and the scores of each class."""
    confusion, count = evaluation.confusion, len(evaluation.labels)
    scores = {name: found for name, found in evaluation.class_scores.items() if name != "count"}
    columns = count + 0.3 + 1.5 * np.arange(len(scores))
    cell, size, shrink, aspect = (0.5, None, 1.0, 20.0) if count <= MANY_CLASSES else (0.28, "x-small", 0.5, 40.0)
    figure = new_figure(4.5 + cell * columns[-1], 3 + cell * count, file)
    axes = figure.subplots()
    shares = confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), number in np.ndenumerate(confusion):
        colour = "white" if shares[row, column] > 0.5 else "black"
        if number or count <= MANY_CLASSES:
            axes.text(column, row, str(number), ha="center", va="center", color=colour, fontsize=size)
    for column, values in zip(columns, scores.values(), strict=True):
        for row, value in enumerate(values):
            axes.text(column, row, "" if np.isnan(value) else f"{value:.0%}", ha="center", va="center", fontsize=size)
    names = [printable(label) for label in evaluation.labels]
    axes.set_xticks(
        [*range(count), *columns],
        [*names, *scores],
        rotation=45 if size is None else 90,
        ha="right" if size is None else "center",
        fontsize=size,
    )
    axes.set_yticks(range(count), names, fontsize=size)
    axes.set(ylabel="true class", title="confusion matrix")
    axes.set_xlabel("predicted class", loc="left")
    axes.set_xlim(-0.5, columns[-1] + 0.8)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    figure.colorbar(image, ax=axes, label="share of true class", shrink=shrink, aspect=aspect)
    show(figure, file)


@settled()
def plot_classes(found: "TagScores", file: Path | BinaryIO | None) -> None:
    """What is said of each label, as bars; the best label by the first of them is on top."""
    scores = {name: values for name, values in found.class_scores.items() if name != "count"}
    first, count = next(iter(scores.values())), len(found.names)
    order = np.argsort(np.nan_to_num(first, nan=-1), kind="stable")
    figure = new_figure(8, 2 + 0.2 * count * len(scores), file)
    axes = figure.subplots()
    height = 0.8 / len(scores)
    for position, (name, values) in enumerate(scores.items()):
        places = np.arange(count) + height * ((len(scores) - 1) / 2 - position)
        axes.barh(places, np.nan_to_num(values[order]), height, label=name, color=COLOURS[position])
    counts = found.class_scores["count"]
    names = [f"{printable(found.names[label])} ({counts[label]})" for label in order]
    axes.set_yticks(range(count), names, fontsize="small")
    axes.set(xlim=(0, 1), ylim=(-0.6, count - 0.4), title="labels, and how many recordings have them")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="lower right")
    show(figure, file)


@settled()
def plot_curve(curve: "Sequence[Point]", reconstructs: bool, file: Path | BinaryIO) -> None:
    """The losses of a run by epoch, with a mark at the lowest validation loss.

    Args:
        reconstructs: whether it is an autoencoder, whose loss is the root mean squared error.
    """
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(7, 4.5, file)
    axes = figure.subplots()
    marker = "." if len(curve) < 50 else ""
    epochs = [point.epoch for point in curve]
    axes.plot(epochs, [point.loss for point in curve], "--", color=COLOURS[0], marker=marker, label="training")
    validated = [(point.epoch, point.validation_loss) for point in curve if point.validation_loss is not None]
    best = best_of(curve)
    if best is not None and best.validation_loss is not None:
        axes.plot(*zip(*validated, strict=True), color=COLOURS[4], marker=marker, label="validation")
        text = f"best: {best.validation_loss:.4f}, epoch {best.epoch}, step {best.step}"
        axes.plot(best.epoch, best.validation_loss, "D", color=COLOURS[2], fillstyle="none", markersize=10, label=text)
    unit = " (root mean squared error)" if reconstructs else ""
    axes.set(xlabel="epoch", ylabel=f"loss{unit}", title="learning curve")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
    save(figure, file)


@settled()
def plot_mean_curves(curves: "Mapping[str, MeanCurve]", file: Path | BinaryIO | None) -> None:
    """The losses of runs by epoch: the mean over folds in a band of its standard deviation; a dot at the best epoch."""
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(9, 5 + 0.2 * len(curves), file)
    axes = figure.subplots()
    for position, (name, curve) in enumerate(curves.items()):
        colour, epochs = COLOURS[position % len(COLOURS)], curve.epochs
        marker = "." if len(epochs) < 50 else ""
        bands = {"training": (curve.loss, "--"), "validation": (curve.validation_loss, "-")}
        for what, (band, line) in bands.items():
            if band is None:
                continue
            text = f"{what}: {printable(name)}"
            if what == "validation" and curve.best is not None:
                text += f" (best {band.mean[curve.best]:.5f}, epoch {epochs[curve.best]})"
                axes.axvline(epochs[curve.best], color=colour, linestyle=":", linewidth=1)
                axes.plot(epochs[curve.best], band.mean[curve.best], "o", color=colour, markersize=8)
            axes.plot(epochs, band.mean, line, label=text, color=colour, marker=marker, markersize=4)
            if curve.num_folds > 1:
                low, high = band.mean - band.deviation, band.mean + band.deviation
                axes.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.set(xlabel="epoch", ylabel="loss", title="learning curves")
    if any(curve.num_folds > 1 for curve in curves.values()):
        axes.set_title("learning curves: mean over folds, ± one standard deviation")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", fontsize="small")
    show(figure, file)


@settled()
def plot_intervals(
    rows: "Mapping[str, tuple[float, float, float]]", measure: str, file: Path | BinaryIO | None
) -> None:
    """A score of each row as a dot in its interval; the first row is on top, with a line through it.

    Args:
        rows: score, and the ends of the interval, by name.
    """
    figure = new_figure(8, 1.2 + 0.35 * len(rows), file)
    axes = figure.subplots()
    scores, lows, highs = map(np.array, zip(*rows.values(), strict=True))
    places = np.arange(len(rows))[::-1]
    axes.axvline(scores[0], color="grey", linewidth=1, linestyle=":")
    axes.errorbar(scores, places, xerr=[scores - lows, highs - scores], fmt="o", color=COLOURS[0], capsize=4)
    axes.set_yticks(places, [printable(name) for name in rows])
    axes.set(ylim=(-0.6, len(rows) - 0.4), xlabel=f"{measure}, with its 95 % interval")
    axes.grid(axis="x", alpha=0.3)
    show(figure, file)


@settled()
def plot_rounds(history: "Sequence[Round]", deviations: np.ndarray, file: Path | BinaryIO | None) -> None:
    """Rounds of self-verification: labels that were judged and confirmed, above the validation loss.

    Args:
        deviations: standard deviation of the validation loss over folds [round].
    """
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(8, 7, file)
    upper, lower = figure.subplots(2, 1, sharex=True)
    numbers = np.array([each.number for each in history])
    confirmed = np.array([each.confirmed for each in history])
    upper.bar(numbers, [each.judged for each in history], 0.8, color="#BBBBBB", label="judged")
    upper.bar(numbers, confirmed, 0.8, color=COLOURS[0], label="confirmed")
    for number, count in zip(numbers, confirmed, strict=True):
        upper.annotate(str(count), (number, count), (0, 2), textcoords="offset points", ha="center", fontsize="small")
    upper.set(ylabel="recordings", title="labels that are not verified")
    losses = np.array([each.validation_loss for each in history])
    lower.plot(numbers, losses, marker=".", color=COLOURS[0])
    lower.fill_between(numbers, losses - deviations, losses + deviations, color=COLOURS[0], alpha=0.2, linewidth=0)
    best = int(losses.argmin())
    text = f"best: {losses[best]:.5f}, round {numbers[best]}"
    lower.axvline(numbers[best], color=COLOURS[4], linestyle=":", linewidth=1)
    lower.plot(numbers[best], losses[best], "o", color=COLOURS[4], markersize=8, label=text)
    lower.set(xlabel="round", ylabel="loss", title="lowest validation loss: mean over folds, ± one standard deviation")
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    lower.grid(alpha=0.3)
    upper.margins(y=0.2)
    upper.legend(loc="upper right", ncols=2)
    lower.legend()
    show(figure, file)


@settled()
def plot_reconstructions(
    reconstructions: "Sequence[Reconstruction]", file: Path | BinaryIO | None, front_end: "FrontEnd | None" = None
) -> None:
    """Spectrograms on the left, their reconstructions on the right, in the same colours; not more than fit.

    Args:
        front_end: that made them, and knows where frames and bands are.
    """
    if len(reconstructions) > MOST_RECONSTRUCTIONS:
        logger.warning("only the first %d of %d instances are drawn", MOST_RECONSTRUCTIONS, len(reconstructions))
        reconstructions = reconstructions[:MOST_RECONSTRUCTIONS]
    figure = new_figure(9, 0.6 + 2.2 * len(reconstructions), file)
    rows = figure.subplots(len(reconstructions), 2, squeeze=False, sharey=True)
    for (left, right), each in zip(rows, reconstructions, strict=True):
        for axes, frames in ((left, each.original), (right, each.output)):
            times, frequencies = places_of(front_end, len(frames))
            extent = (*span_of(times, len(frames)), -0.5, frames.shape[1] - 0.5)
            image = axes.imshow(frames.T, cmap="magma", vmin=-1, vmax=1, origin="lower", aspect="auto", extent=extent)
        left.set_title(printable(each.name), fontsize="small")
        right.set_title(f"reconstruction, error {each.error:.4f}", fontsize="small")
        name_bands(left, frequencies, known_as="band")
    for axes in rows[-1]:
        axes.set_xlabel("frame" if times is None else "time (s)")
    figure.colorbar(image, ax=rows, label="normalised amplitude", shrink=min(1, 2 / len(reconstructions)))
    show(figure, file)


@settled()
def plot_values(evaluation: "ValueEvaluation", file: Path | BinaryIO | None) -> None:
    """Predicted against true values, those of each fold in a colour of their own."""
    figure = new_figure(7, 6, file)
    axes = figure.subplots()
    for position, fold in enumerate(evaluation.folds):
        x, y = np.tile(fold.true, len(fold.predicted)), fold.predicted.ravel()
        axes.scatter(x, y, s=12, linewidths=0, color=COLOURS[position % len(COLOURS)], marker=MARKERS[position % 11])
    axes.axline((fold.true.mean(), fold.true.mean()), slope=1, color="grey", linewidth=1)
    axes.set(xlabel="true value", ylabel="predicted value", title="predictions")
    show(figure, file)


@settled()
def plot_map(
    points: np.ndarray,
    data_set: "DataSet",
    title: str,
    file: Path | BinaryIO | None,
    shares: np.ndarray | None = None,
) -> None:
    """Instances at `points` [instance, 2], by their classes in colour and shape; those without a label are grey.

    Args:
        shares: where axes are principal components, how much of the variance lies along each.
    """
    figure = new_figure(9, 7, file)
    axes = figure.subplots()
    size = np.clip(4000 / max(1, len(points)), 2, 36)
    labels = data_set.labels_numeric
    unknown = np.isnan(labels)
    axes.scatter(points[unknown, 0], points[unknown, 1], s=size, color="lightgrey", linewidths=0)
    classes = []
    numbers = {} if data_set.has_label_sets else data_set.labels
    for position, number in enumerate(numbers.values()):
        colour, marker = COLOURS[position % len(COLOURS)], MARKERS[position % len(MARKERS)]  # 88 different pairs
        x, y = points[labels == number].T
        classes.append(axes.scatter(x, y, s=size, color=colour, marker=marker, linewidths=0))
    if classes:
        options = {"fontsize": "small", "markerscale": np.sqrt(36 / size), "ncols": 1 + (len(classes) - 1) // 25}
        legend = figure.legend(classes, map(str, range(len(classes))), loc="outside right upper", **options)
        for text, name in zip(legend.get_texts(), data_set.labels, strict=True):
            text.set_text(printable(name))  # as a label, one that begins with _ would be left out
    axes.set_title(printable(title))
    if shares is None:  # distances alone mean something
        axes.set(xticks=[], yticks=[])
    else:
        first, second = (f"component {number} ({share:.1%} of variance)" for number, share in enumerate(shares, 1))
        axes.set(xlabel=first, ylabel=second)
        axes.grid(alpha=0.3)
    show(figure, file)
