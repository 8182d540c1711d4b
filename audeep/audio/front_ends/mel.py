# SPDX-License-Identifier: GPL-3.0-or-later
"""One recording in, its spectrogram or chunks of it out."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np

from audeep.audio.reading import Channels, fix_length, fuse_channels, read_audio, resample
from audeep.audio.spectral import (
    REFERENCES,
    mel_frequencies,
    mel_spectrogram,
    normalise,
    power_spectrogram,
    power_to_db,
    pre_emphasis,
    relative,
)
from audeep.errors import AudioError, OptionError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Spectrogram:
    """A recording in decibels below its loudest cell."""

    db: np.ndarray  # [time, freq] float32
    frequencies_hz: np.ndarray  # [freq], centres of bins or mel bands
    times_seconds: np.ndarray  # [time], centres of windows
    sample_rate: int


@dataclass(frozen=True)
class Framing:
    """The window in samples at one sample rate."""

    sample_rate: int
    window: int
    overlap: int

    @property
    def hop(self) -> int:
        return self.window - self.overlap


@dataclass(frozen=True)
class Preprocessor:
    """Settings that turn recordings into spectrograms.

    Lengths are in seconds, levels in decibels below the loudest cell of a recording. Without `mel_spectrum`, the
    number of mel bands, all frequency bins are kept. `center_fixed` matters only with `fixed_length`. Recordings are
    resampled to `sample_rate`, in Hz, if one is given. With `relative_to`, one of `spectral.REFERENCES`, normalised
    spectrograms show differences.

    Raises:
        OptionError: the settings are out of range or contradict each other.
    """

    window_width: float = 0.04
    window_overlap: float = 0.02
    mel_spectrum: int | None = None
    chunk_length: float | None = None
    chunk_count: int | None = None
    clip_above: float | None = None
    clip_below: float | None = None
    channels: Channels = Channels.MEAN
    fixed_length: float | None = None
    center_fixed: bool = False
    sample_rate: int | None = None
    relative_to: str | None = None

    def __post_init__(self) -> None:
        problem = next(chain(self._window_problems(), self._level_problems(), self._chunk_problems()), None)
        if problem is not None:
            raise OptionError(problem)

    def spectrogram(self, path: Path | str) -> Spectrogram:
        """Decibels of the whole recording (cut or padded to the fixed length), clipped, not normalised.

        Raises:
            AudioError: the recording cannot be read, or does not suit the settings.
        """
        decibels, framing = self._decibels(path, *read_audio(path))
        rate = framing.sample_rate
        if self.mel_spectrum is None:
            frequencies = np.arange(framing.window // 2 + 1) * rate / framing.window
        else:
            frequencies = mel_frequencies(self.mel_spectrum, rate)
        times = (framing.window / 2 + framing.hop * np.arange(len(decibels))) / rate
        return Spectrogram(decibels.astype(np.float32, order="C"), frequencies, times, rate)

    def chunks(self, path: Path | str) -> np.ndarray:
        """Normalised spectrograms as they are stored, [num_chunks, time, freq] float32; one without chunk options.

        Raises:
            AudioError: the recording cannot be read, does not suit the settings, or has too few chunks.
        """
        return self.chunks_and_rate(path)[0]

    def chunks_and_rate(self, path: Path | str) -> tuple[np.ndarray, int]:
        """What `chunks` gives, and the sample rate in Hz that it is made from.

        Raises:
            AudioError: as `chunks` does.
        """
        return self.chunks_and_rate_of(path, *read_audio(path))

    def chunks_and_rate_of(
        self, name: Path | str, samples: np.ndarray, sample_rate: int, warn_of_silence: bool = True
    ) -> tuple[np.ndarray, int]:
        """What `chunks_and_rate` gives for a recording of the samples [channels, num_samples]; errors call it `name`.

        Raises:
            AudioError: it does not suit the settings, or has too few chunks.
        """
        decibels, framing = self._decibels(name, samples, sample_rate, warn_of_silence)
        return self._chunks(name, decibels, framing), framing.sample_rate

    def framing(self, sample_rate: int) -> Framing:
        """The window at `sample_rate`, in Hz.

        Raises:
            AudioError: it does not advance by a whole sample.
        """
        return _framing(self.window_width, self.window_overlap, self.fixed_length, sample_rate)

    @property
    def has_one_length(self) -> bool:
        """Whether all recordings are to give spectrograms of one length."""
        return self.fixed_length is not None or self.chunk_length is not None

    def _chunks(self, path: Path | str, decibels: np.ndarray, framing: Framing) -> np.ndarray:
        if self.chunk_length is None or self.chunk_count is None:
            return self._normalised(decibels).astype(np.float32, order="C")[np.newaxis]
        length = int(framing.sample_rate * self.chunk_length) // framing.hop
        found = len(decibels) // length if length else 0
        if found < self.chunk_count:
            raise AudioError(
                f"{path}: has {found} full chunks of {length} frames ({self.chunk_length} s), --chunk-count needs "
                f"{self.chunk_count}; use fewer or shorter chunks, or a --fixed-length above "
                f"{self.chunk_length * self.chunk_count:g} s"
            )
        chunks = np.empty((self.chunk_count, length, decibels.shape[1]), np.float32)
        for number, chunk in enumerate(chunks):
            chunk[...] = self._normalised(decibels[number * length : (number + 1) * length])
        return chunks

    def _normalised(self, decibels: np.ndarray) -> np.ndarray:
        normalised = normalise(decibels)
        return normalised if self.relative_to is None else relative(normalised, self.relative_to)

    def _decibels(
        self, path: Path | str, samples: np.ndarray, sample_rate: int, warn_of_silence: bool = True
    ) -> tuple[np.ndarray, Framing]:
        """Clipped decibels, [time, freq] float64."""
        if self.sample_rate not in (None, sample_rate):
            samples, sample_rate = resample(path, samples, sample_rate, self.sample_rate), self.sample_rate
        if self.fixed_length is not None:
            samples = fix_length(samples, int(self.fixed_length * sample_rate), self.center_fixed)
        try:
            signal = pre_emphasis(fuse_channels(samples, self.channels))  # [num_samples]
            framing = self.framing(sample_rate)
        except AudioError as error:
            raise AudioError(f"{path}: {error}") from None
        if len(signal) < framing.window:
            raise AudioError(
                f"{path}: lasts {len(signal)} samples, --window-width {self.window_width} s needs {framing.window}; "
                "use a narrower window or --fixed-length"
            )
        if self.mel_spectrum is None:
            power = power_spectrogram(signal, framing.window, framing.overlap)  # [freq, time]
        else:
            power = mel_spectrogram(signal, framing.window, framing.overlap, self.mel_spectrum, sample_rate)
        loudest = power.max()
        if not np.isfinite(loudest):
            raise AudioError(
                f"{path}: has samples of up to {np.abs(samples).max():.3g}, too loud for a spectrogram; full scale is 1"
            )
        if loudest == 0 and warn_of_silence:
            log.warning("%s: is silent, its spectrogram is constant", path)
        decibels = power_to_db(power).T  # [time, freq]
        if self.clip_below is not None or self.clip_above is not None:
            np.clip(decibels, self.clip_below, self.clip_above, out=decibels)
        return decibels, framing

    def _window_problems(self) -> Iterator[str]:
        width, overlap, fixed = self.window_width, self.window_overlap, self.fixed_length
        if not 0 < width < math.inf:
            yield f"--window-width {width}: a length above 0 seconds was expected"
        if not 0 <= overlap < math.inf:
            yield f"--window-overlap {overlap}: 0 seconds or more were expected"
        if not overlap < width:
            yield (
                f"--window-overlap {overlap}: must be smaller than --window-width {width}, or the window never "
                "advances; choose a smaller overlap, half the width for example"
            )
        if fixed is not None and not width < fixed < math.inf:
            yield f"--fixed-length {fixed}: must be longer than one window; choose more than --window-width {width}"

    def _level_problems(self) -> Iterator[str]:
        below, above = self.clip_below, self.clip_above
        if self.relative_to not in (None, *REFERENCES):
            yield f"--relative-to {self.relative_to}: one of {', '.join(REFERENCES)} was expected"
        for name in ("sample_rate", "mel_spectrum", "chunk_count"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, int | np.integer):
                yield f"--{name.replace('_', '-')} {value!r}: a whole number was expected"
        if self.sample_rate is not None and self.sample_rate < 1:
            yield f"--sample-rate {self.sample_rate}: at least 1 Hz was expected"
        if self.channels not in tuple(Channels):
            yield f"--channels {self.channels}: one of {', '.join(Channels.__members__)} was expected"
        if self.mel_spectrum is not None and self.mel_spectrum < 1:
            yield f"--mel-spectrum {self.mel_spectrum}: at least 1 band was expected; leave it out to keep all bins"
        if above is not None and math.isnan(above):
            yield f"--clip-above {above}: a number of decibels was expected"
        if below is not None and not below < 0:
            yield f"--clip-below {below}: the loudest cell is 0 dB, so a level below 0 was expected; try -60"
        if below is not None and above is not None and not below < above:
            yield f"--clip-below {below}: must be lower than --clip-above {above}; choose a lower level"

    def _chunk_problems(self) -> Iterator[str]:
        length, count, fixed = self.chunk_length, self.chunk_count, self.fixed_length
        if length is None and count is None:
            return
        if length is None or count is None:
            given, missing = ("--chunk-count", "--chunk-length")[:: 1 if length is None else -1]
            yield f"{given}: found without {missing}, both or none were expected; add {missing}"
            return
        if not self.window_width - self.window_overlap <= length < math.inf:
            advance = self.window_width - self.window_overlap
            yield f"--chunk-length {length}: holds no frame; choose at least the {advance:g} s between two windows"
        if count < 1:
            yield f"--chunk-count {count}: at least 1 chunk was expected"
        if fixed is not None and length * count > fixed and not math.isclose(length * count, fixed):
            yield (
                f"--chunk-count {count}: more chunks than the audio has: {count} of {length} s need {length * count:g} "
                f"s, --fixed-length is {fixed} s; use fewer or shorter chunks, or a longer --fixed-length"
            )


@lru_cache
def _framing(width: float, overlap: float, fixed_length: float | None, sample_rate: int) -> Framing:
    """Window and overlap in samples.

    With a fixed length, the overlap gives or takes one sample where rounding would change the number of frames,
    so that recordings of different sample rates get spectrograms of one shape; a warning says so, once for each rate.

    Raises:
        AudioError: the window does not advance by a whole sample at this rate.
    """
    framing = Framing(sample_rate, int(sample_rate * width), int(sample_rate * overlap))
    if framing.hop < 1:
        raise AudioError(
            f"a window of {width} s that overlaps by {overlap} s does not advance by a whole sample at {sample_rate} "
            "Hz; use a wider window or a smaller overlap"
        )
    if fixed_length is None:
        return framing
    num_samples = int(fixed_length * sample_rate)
    expected = int((fixed_length - overlap) / (width - overlap))
    found = (num_samples - framing.overlap) // framing.hop
    if found == expected:
        return framing
    change = -1 if found > expected else min(1, framing.hop - 1)
    adjusted = Framing(sample_rate, framing.window, framing.overlap + change)
    log.warning(
        "window overlap changed from %d to %d samples at %d Hz: %g s give %d frames, %d were expected",
        framing.overlap,
        adjusted.overlap,
        sample_rate,
        fixed_length,
        (num_samples - adjusted.overlap) // adjusted.hop,
        expected,
    )
    return adjusted
