# SPDX-License-Identifier: GPL-3.0-or-later
"""Where frames and bands of spectrograms are, on the axes of pictures."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from audeep.audio.front_ends.base import FrontEnd

MOST_TICKS = 8
ROUND_HZ = [factor * 10**power for power in range(1, 6) for factor in (1, 2, 5)]

Places = NDArray[np.float64]


def places_of(front_end: "FrontEnd | None", num_frames: int) -> tuple[Places | None, Places | None]:
    """Times of frames in seconds and frequencies of bands in Hz, as far as they are known."""
    if front_end is None or front_end.sample_rate is None:
        return None, None
    rate = front_end.sample_rate
    return front_end.untrimmed().times(num_frames, rate), front_end.frequencies(rate)


def span_of(times: Places | None, num_frames: int) -> tuple[float, float]:
    """Where the first frame begins and the last one ends: in seconds, or counted in frames."""
    if times is None or num_frames < 2:
        return -0.5, num_frames - 0.5
    half = float(times[1] - times[0]) / 2
    return float(times[0]) - half, float(times[-1]) + half


def name_bands(axes: "Axes", frequencies: Places | None, offset: float = 0.0, known_as: str = "feature") -> None:
    """Mark round frequencies where they lie among the bands, of which the first is at `offset`; or count the bands."""
    if frequencies is None:
        axes.set_ylabel(known_as)
        return
    inside = [hertz for hertz in ROUND_HZ if frequencies[0] <= hertz <= frequencies[-1]]
    where = np.interp(inside, frequencies, np.arange(len(frequencies)))
    apart = len(frequencies) / (2 * MOST_TICKS)
    kept: list[int] = []
    for index in reversed(range(len(inside))):  # from the top, where they are farthest from each other
        if not kept or where[kept[-1]] - where[index] >= apart:
            kept.append(index)
    axes.set_yticks([where[index] + offset for index in kept], [f"{inside[index]:,}" for index in kept])
    axes.set_ylabel("frequency (Hz)")
