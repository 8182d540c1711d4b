# SPDX-License-Identifier: GPL-3.0-or-later
"""Frequency vectors cut into windows, which frequency-recurrent networks read like a sequence."""

import logging
from dataclasses import dataclass

from torch import Tensor

from audeep.errors import OptionError

logger = logging.getLogger(__name__)

FRAMES_AT_A_TIME = 8192  # are embedded, which bounds the memory needed


@dataclass(frozen=True)
class Windows:
    """Windows of `width` bands, each sharing `overlap` bands with the one before.

    Raises:
        OptionError: the windows do not advance, or none fits.
    """

    num_features: int  # bands of a frame
    width: int
    overlap: int

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.width:
            raise OptionError(
                f"freq_window_overlap={self.overlap}: must be at least 0 and smaller than"
                f" freq_window_width={self.width}; choose a smaller overlap"
            )
        if self.width > self.num_features:
            raise OptionError(
                f"freq_window_width={self.width}: the input has {self.num_features} bands; choose a smaller width"
            )

    @property
    def count(self) -> int:
        """Whole windows in a frame."""
        return (self.num_features - self.overlap) // (self.width - self.overlap)

    @property
    def num_dropped(self) -> int:
        """Bands at the upper end that fill no whole window."""
        return self.num_features - self.overlap - self.count * (self.width - self.overlap)

    def warn_of_dropped(self) -> None:
        """Say how many bands the encoder does not see, if any."""
        if self.num_dropped:
            logger.warning(
                "%d of %d bands fill no whole window of %d bands with overlap %d, and are not seen by the encoder",
                *(self.num_dropped, self.num_features, self.width, self.overlap),
            )

    def cut(self, frames: Tensor) -> Tensor:
        """[frame, freq] -> [window, frame, width], from low to high."""
        return frames.unfold(1, self.width, self.width - self.overlap).transpose(0, 1)

    @staticmethod
    def join(outputs: Tensor) -> Tensor:
        """[window, frame, outputs] -> [frame, window * outputs]."""
        return outputs.transpose(0, 1).flatten(1)
