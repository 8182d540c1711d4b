# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures: on the screen where there is one, or in a file."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from audeep.errors import OptionError
from audeep.files import replacing

if TYPE_CHECKING:
    from audeep.audio.preprocessing import Spectrogram
    from audeep.data.data_set import DataSet
    from audeep.evaluation import Fold

logger = logging.getLogger(__name__)


def show(figure: plt.Figure, file: Path | None) -> None:
    """Write `figure` to `file`; without one, show it in a window, or say that there is no display.

    Raises:
        OptionError: the suffix of `file` is no picture format.
        OutputError: `file` cannot be written.
    """
    if file is not None:
        formats = figure.canvas.get_supported_filetypes()
        if file.suffix.lower().lstrip(".") not in formats:
            raise OptionError(f"{file}: no picture format has this suffix; use one of {', '.join(sorted(formats))}")
        with replacing(file) as partial:
            figure.savefig(partial, dpi=120)
        logger.info("%s: picture written", file)
    elif matplotlib.get_backend().lower() == "agg":
        logger.warning("there is no display to show the picture on; write it to a file with --plot FILE")
    else:
        plt.show()
    plt.close(figure)


def plot_spectrogram(spectrogram: "Spectrogram", title: str, file: Path | None) -> None:
    """A spectrogram in dB above the histogram of its amplitudes."""
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(9, 8), layout="constrained")
    bands = np.arange(spectrogram.db.shape[1] + 1)
    times = np.append(
        spectrogram.times_seconds, 2 * spectrogram.times_seconds[-1] - spectrogram.times_seconds[-2:-1].sum()
    )
    image = upper.pcolormesh(times, bands, spectrogram.db.T, cmap="magma")
    ticks = np.linspace(0, spectrogram.db.shape[1] - 1, 8).astype(int)
    upper.set_yticks(ticks + 0.5, [f"{spectrogram.frequencies_hz[tick]:.0f}" for tick in ticks])
    upper.set(title=title, xlabel="time (s)", ylabel="frequency (Hz)")
    figure.colorbar(image, ax=upper, label="amplitude (dB)")
    lower.hist(spectrogram.db.ravel(), bins=100, color="tab:purple")
    lower.set(title="distribution of amplitudes", xlabel="amplitude (dB)", ylabel="cells")
    show(figure, file)


def plot_confusion(confusion: np.ndarray, labels: Sequence[str], file: Path | None) -> None:
    """Counts [true class, predicted class], coloured by the share of each true class."""
    size = 3 + 0.5 * len(labels)
    figure, axes = plt.subplots(figsize=(size + 1, size), layout="constrained")
    shares = confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(confusion):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted class", ylabel="true class", title="confusion matrix")
    figure.colorbar(image, ax=axes, label="share of true class")
    show(figure, file)


def plot_values(folds: "Sequence[Fold]", file: Path | None) -> None:
    """Predicted against true values, those of each fold in a colour of their own."""
    figure, axes = plt.subplots(figsize=(7, 6), layout="constrained")
    for fold in folds:
        axes.scatter(np.tile(fold.true, len(fold.predicted)), fold.predicted.ravel(), s=12, linewidths=0)
    axes.axline((fold.true.mean(), fold.true.mean()), slope=1, color="grey", linewidth=1)
    axes.set(xlabel="true value", ylabel="predicted value", title="predictions")
    show(figure, file)


def plot_map(points: np.ndarray, data_set: "DataSet", title: str, file: Path | None) -> None:
    """Instances at `points` [instance, 2], coloured by their classes; those without a label are grey."""
    figure, axes = plt.subplots(figsize=(9, 7), layout="constrained")
    size = np.clip(4000 / max(1, len(points)), 2, 36)
    labels = data_set.labels_numeric
    axes.scatter(*points[np.isnan(labels)].T, s=size, color="lightgrey", linewidths=0)
    colours = plt.get_cmap("tab20")
    for position, (name, number) in enumerate(data_set.labels.items()):
        marker = "os^Dvp*Xh<>"[position // 20 % 11]  # another one when the colours are used up
        chosen = points[labels == number]
        axes.scatter(*chosen.T, s=size, color=colours(position % 20), marker=marker, linewidths=0, label=name)
    if data_set.labels:
        columns = 1 + (len(data_set.labels) - 1) // 25
        figure.legend(loc="outside right upper", fontsize="small", markerscale=np.sqrt(36 / size), ncols=columns)
    axes.set(title=title, xticks=[], yticks=[])
    show(figure, file)
