# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows along a recording, as it is read or arrives on standard input."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from audeep.audio.arriving import opened_input
from audeep.audio.decoding import Recording
from audeep.audio.integrity import no_samples
from audeep.audio.reading import BLOCK_VALUES, opened
from audeep.audio.signal import LARGEST_SIGNAL, Samples, fix_length
from audeep.errors import AudioError


def windows(path: Path | str, width: float, hop: float) -> Iterator[tuple[float, Samples, int]]:
    """Windows of a recording, `width` seconds long, one each `hop` seconds, as they are read; "-" is standard input.

    What does not fill a window at the end is left out; a recording shorter than one is padded with silence.

    Yields:
        when the window starts, in seconds; its samples [channels, num_samples], float64; the sample rate in Hz.

    Raises:
        AudioError: the recording cannot be read, a hop is shorter than one sample, or a window too long for memory.
    """
    name = "standard input" if str(path) == "-" else path
    with _stream(path) as recording:
        rate = recording.sample_rate
        size, step = int(min(width * rate, 2**62)), int(min(hop * rate, 2**62))
        if size < 1 or step < 1:
            raise AudioError(f"{name}: has {rate} Hz, a window and a hop of at least one sample were expected")
        if size * recording.num_channels > LARGEST_SIGNAL:
            raise AudioError(
                f"{name}: a window of {width:g} s has {size} samples of {recording.num_channels} channels, at most"
                f" {LARGEST_SIGNAL} were expected in all; choose a shorter one"
            )
        kept, start, skipped = np.empty((0, recording.num_channels)), 0, 0  # [samples, channels]
        while _skip(recording, skipped):
            found = recording.read(size - len(kept))
            if not np.isfinite(found).all():
                raise AudioError(
                    f"{name}: holds samples that are NaN or infinite, finite ones were expected; repair it"
                )
            kept = np.concatenate([kept, found])
            if len(kept) < size and start > 0:
                return
            if not len(kept):
                raise no_samples(name)
            yield start / rate, fix_length(kept.T, size), rate
            if len(kept) < size:
                return
            kept, skipped, start = kept[step:], max(0, step - size), start + step


def _skip(recording: Recording, num_samples: int) -> bool:
    """Read past samples; whether there were as many."""
    while num_samples:
        block = min(num_samples, BLOCK_VALUES // recording.num_channels)
        if len(recording.read(block)) < block:
            return False
        num_samples -= block
    return True


@contextmanager
def _stream(path: Path | str) -> Iterator[Recording]:
    """Open a recording, or what comes on standard input, which may state a length of its own or none."""
    with opened(Path(path)) if str(path) != "-" else opened_input() as recording:
        yield recording
