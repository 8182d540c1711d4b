# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows along spectrograms: where they begin, and what they hold."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audeep.models.layers.lengths import lengths_of

REPEAT, PAD = "repeat", "pad"  # what is done beyond the end of a recording


class Windows(NamedTuple):
    """Windows of `size` frames, one each `hop` frames."""

    size: int
    hop: int

    def starts(self, num_frames: int) -> NDArray[np.int64]:
        """Where the windows of a recording begin; the last ones may reach beyond its end."""
        return np.arange(0, max(num_frames, 1), self.hop)


def spaced_starts(num_frames: int, size: int, count: int) -> NDArray[np.int64]:
    """Where `count` windows of `size` frames begin that are spread evenly over a recording."""
    return np.linspace(0, max(num_frames - size, 0), count).astype(np.int64)


def windows_of(
    frames: Tensor, lengths: Tensor | None, starts: Tensor, size: int, fill: str = REPEAT, pad_value: float = 0.0
) -> Tensor:
    """A window of each spectrogram: [batch, time, freq] -> [batch, size, freq].

    Args:
        lengths: frames that belong to each recording [batch]; None for all.
        starts: first frames [batch]; with `PAD` they may be negative.
        fill: `REPEAT` goes on at the start of a recording after its end, `PAD` puts `pad_value` there.
    """
    rows = starts.to(frames.device).unsqueeze(1) + torch.arange(size, device=frames.device)
    return frames_at(frames, lengths, rows, fill, pad_value)


def frames_at(
    frames: Tensor, lengths: Tensor | None, rows: Tensor, fill: str = REPEAT, pad_value: float = 0.0
) -> Tensor:
    """The frames at `rows` [batch, size] of each spectrogram: [batch, time, freq] -> [batch, size, freq].

    Args:
        lengths, fill, pad_value: as for `windows_of`.
    """
    ends = lengths_of(frames, lengths).unsqueeze(1)
    instances = torch.arange(frames.shape[0], device=frames.device).unsqueeze(1)
    if fill == REPEAT:
        return frames[instances, rows % ends]
    found = frames[instances, rows.clamp(0, frames.shape[1] - 1)]
    return found.masked_fill_(((rows < 0) | (rows >= ends)).unsqueeze(2), pad_value)


def fit(
    frames: Tensor, lengths: Tensor | None, size: int | None, fill: str, pad_value: float
) -> tuple[Tensor, Tensor | None]:
    """Spectrograms made `size` frames long, and their lengths where they still differ; None leaves them as they are."""
    if size is None or (lengths is None and frames.shape[1] == size):
        return frames, lengths
    return windows_of(frames, lengths, torch.zeros(frames.shape[0], dtype=torch.long), size, fill, pad_value), None
