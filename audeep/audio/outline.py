# SPDX-License-Identifier: GPL-3.0-or-later
"""The outline of a recording: as much of its waveform as can be drawn, however long it is."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audeep.audio.reading import AudioInfo, audio_info, decoded, opened
from audeep.audio.signal import Samples

MOST_SPANS = 4000  # more than there are points across a picture


@dataclass(frozen=True)
class Outline:
    """The lowest and the highest sample of consecutive spans of equal length, and the first samples as they are.

    Attributes:
        info: samples, sample rate and channels of the recording.
        span: samples of each span; the last one may have fewer.
        lows, highs: [channel, span]; equal where a span is one sample.
        first: [channel, sample].
    """

    info: AudioInfo
    span: int
    lows: Samples
    highs: Samples
    first: Samples


def outline(path: Path | str, num_first: int = 500, most_spans: int = MOST_SPANS) -> Outline:
    """The outline of a recording, which is read block by block.

    Args:
        num_first: how many samples to keep from its beginning, if it has so many.

    Raises:
        AudioError: the recording cannot be read.
    """
    info, first, position = audio_info(path), list[Samples](), 0
    span = -(-info.num_samples // most_spans)
    num_spans = -(-info.num_samples // span)
    lows = np.full((num_spans, info.num_channels), np.inf)
    highs = -lows
    with opened(Path(path)) as recording:
        for block in decoded(recording, 0, recording.num_samples):  # [sample, channel]
            if position < num_first:
                first.append(block[: num_first - position].copy())
            spans = np.minimum((position + np.arange(len(block))) // span, num_spans - 1)  # lengths may be estimates
            starts = np.flatnonzero(np.diff(spans, prepend=-1))
            some = spans[starts]
            lows[some] = np.minimum(lows[some], np.minimum.reduceat(block, starts))
            highs[some] = np.maximum(highs[some], np.maximum.reduceat(block, starts))
            position += len(block)
    read = AudioInfo(position, info.sample_rate, info.num_channels)
    num_spans = min(num_spans, -(-position // span))
    return Outline(read, span, lows[:num_spans].T, highs[:num_spans].T, np.concatenate(first).T)
