# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of data, before anything is learned from them."""

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from audeep.cli.render.figures import COLOURS, new_figure, printable, settled, show
from audeep.data.overview import UNKNOWN, UNVERIFIED, VERIFIED, length_quantiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from audeep.audio.outline import Outline
    from audeep.data.overview import ClassCounts, Overview

ROW = 0.22  # inches for each class
NUM_BINS = 100
FLAG_COLOURS = {VERIFIED: COLOURS[0], UNVERIFIED: COLOURS[1], UNKNOWN: "#BBBBBB"}


@settled()
def plot_class_counts(counts: "ClassCounts", title: str, file: Path | BinaryIO | None) -> None:
    """Recordings of each class as bars, stacked by whether their labels are verified; the smallest class on top."""
    figure = new_figure(9, 1.8 + ROW * len(counts.names), file)
    axes = figure.subplots()
    places, left = np.arange(len(counts.names)), np.zeros(len(counts.names))
    for flag, found in counts.parts.items():
        axes.barh(places, found, 0.8, left, label=flag, color=FLAG_COLOURS[flag])
        left += found
    for place, total in zip(places, counts.totals, strict=True):
        axes.annotate(str(total), (total, place), (3, 0), textcoords="offset points", va="center", fontsize="small")
    _name_rows(axes, counts.names)
    axes.set(xlabel="recordings", title=printable(title))
    axes.margins(x=0.08)
    if len(counts.parts) > 1:
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(counts.parts))
    show(figure, file)


@settled()
def plot_lengths(overview: "Overview", title: str, file: Path | BinaryIO | None) -> None:
    """Histograms of lengths for each partition side by side, above the spread of lengths in each class."""
    quantiles, parts = length_quantiles(overview), overview.parts
    heights = [3.0] + [1.0 + ROW * len(quantiles)] * bool(quantiles)
    figure = new_figure(10, 0.6 + sum(heights), file)
    grid = figure.add_gridspec(len(heights), len(parts), height_ratios=heights)
    unit = "frames" if overview.rates is None else "s"
    durations = overview.durations
    longest = durations.max() * 1.02
    for column, (name, rows) in enumerate(parts.items()):
        axes = figure.add_subplot(grid[0, column])
        axes.hist(durations[rows], bins=NUM_BINS, range=(0, longest), color=COLOURS[0])
        axes.set(xlabel=f"length ({unit})", ylabel="" if column else "recordings", xlim=(0, longest))
        axes.set_title(f"{name}: {len(rows)}" if len(parts) > 1 else f"{len(rows)} recordings", fontsize="medium")
    if quantiles:
        _spreads(figure.add_subplot(grid[1, :]), quantiles, unit)
    figure.suptitle(printable(title))
    show(figure, file)


def _spreads(axes: "Axes", quantiles: dict[str, np.ndarray], unit: str) -> None:
    """A box for each class, with lines to the 5th and 95th percentile, and dots at the shortest and longest."""
    places = np.arange(len(quantiles))
    least, low, first, median, third, high, most = np.array(list(quantiles.values())).T
    axes.hlines(places, low, high, color=COLOURS[0], linewidth=1, zorder=1)
    axes.barh(places, third - first, 0.6, first, color=COLOURS[3], edgecolor=COLOURS[0], linewidth=1, zorder=2)
    axes.vlines(median, places - 0.3, places + 0.3, color=COLOURS[4], linewidth=2)
    for ends in (least, most):
        axes.plot(ends, places, ".", color=COLOURS[2], markersize=3)
    _name_rows(axes, tuple(quantiles))
    axes.set_xlim(0, most.max() * 1.02)
    what = "median, quartiles, 5th and 95th percentile, shortest and longest"
    axes.set(xlabel=f"length ({unit})")
    axes.set_title(f"by class: {what}", fontsize="medium")
    axes.grid(axis="x", alpha=0.3)


def _name_rows(axes: "Axes", names: tuple[str, ...]) -> None:
    """Name the rows from 0, the first on top."""
    axes.set_yticks(range(len(names)), [printable(name) for name in names], fontsize="small")
    axes.set_ylim(len(names) - 0.4, -0.6)


@settled()
def plot_waveform(found: "Outline", title: str, file: Path | BinaryIO | None) -> None:
    """A whole recording as a line, above its first samples; channels have colours of their own."""
    figure = new_figure(12, 5.5, file)
    upper, lower = figure.subplots(2, 1)
    num_channels, rate = found.info.num_channels, found.info.sample_rate
    times = (np.arange(found.lows.shape[1]) + (0 if found.span == 1 else 0.5)) * found.span / rate
    first_times = np.arange(found.first.shape[1]) / rate
    ends = np.stack([found.lows, found.highs], axis=2).reshape(num_channels, -1)
    for channel in range(num_channels):
        style = {"color": COLOURS[channel % len(COLOURS)], "alpha": 1.0 if num_channels == 1 else 0.6}
        upper.plot(np.repeat(times, 2), ends[channel], linewidth=0.5, label=f"channel {channel + 1}", **style)
        lower.plot(first_times, found.first[channel], marker=".", markersize=3, linewidth=0.7, **style)
    upper.set_title(printable(title))
    lower.set_title(f"the first {found.first.shape[1]} samples", fontsize="medium")
    for axes, last in ((upper, found.info.duration_seconds), (lower, first_times[-1] or 1 / rate)):
        axes.set(xlabel="time (s)", ylabel="amplitude", xlim=(0, last))
        axes.grid(alpha=0.3)
    if num_channels > 1:
        shown = upper.get_legend_handles_labels()
        figure.legend(*shown, loc="outside right upper", ncols=1 + (num_channels - 1) // 25)
    show(figure, file)


@settled()
def plot_frames(frames: np.ndarray, file: Path | BinaryIO | None) -> None:
    """What a model reads of a recording [time, freq], or, of one band, as a line."""
    figure = new_figure(9, 2.6, file)
    axes = figure.subplots()
    if frames.shape[1] == 1:
        axes.plot(frames[:, 0], color=COLOURS[0], linewidth=0.5)
        axes.set_ylabel("value")
        axes.margins(x=0)
    else:
        axes.imshow(frames.T, cmap="magma", origin="lower", aspect="auto")
        axes.set_ylabel("band")
    axes.set_xlabel("frame")
    show(figure, file)
