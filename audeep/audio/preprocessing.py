# SPDX-License-Identifier: GPL-3.0-or-later
"""From one recording to chunks of spectrogram."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audeep.audio import spectral
from audeep.audio.reading import Channels, fix_length, fuse_channels, read_audio
from audeep.errors import AudioError, OptionError

logger = logging.getLogger(__name__)

SINGLE_PRECISION_DB = -80.0  # levels from here up are right to 1e-4 of the scaled range in single precision


@dataclass(frozen=True)
class Spectrogram:
    """Amplitudes in dB [time, freq], the loudest 0 before clipping, with the centres of steps and bands."""

    db: np.ndarray
    times_seconds: np.ndarray
    frequencies_hz: np.ndarray
    sample_rate: int
    chunk_frames: int | None  # time steps per chunk


@dataclass(frozen=True)
class Preprocessor:
    """Settings by which recordings become spectrograms; all lengths in seconds, all levels in dB.

    Raises:
        OptionError: settings contradict each other.
    """

    window_width: float = 0.04
    window_overlap: float = 0.02
    mel_spectrum: int | None = None  # bands; None for power spectra
    chunk_length: float | None = None
    chunk_count: int | None = None
    clip_above: float | None = None
    clip_below: float | None = None
    channels: Channels = Channels.MEAN
    fixed_length: float | None = None
    center_fixed: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.window_overlap < self.window_width:
            raise OptionError(
                f"window overlap {self.window_overlap:g} s with window width {self.window_width:g} s;"
                " the overlap must be at least 0 and smaller than the width"
            )
        if (self.chunk_length is None) != (self.chunk_count is None):
            given = "--chunk-length" if self.chunk_count is None else "--chunk-count"
            raise OptionError(f"{given} is given alone; chunks need both --chunk-length and --chunk-count")
        if self.fixed_length is not None and self.fixed_length < self.window_width:
            raise OptionError(
                f"fixed length {self.fixed_length:g} s is shorter than one window of {self.window_width:g} s;"
                " choose a longer --fixed-length or a shorter --window-width"
            )
        if self.chunk_length is not None and self.chunk_length < self.window_width - self.window_overlap:
            raise OptionError(
                f"chunk length {self.chunk_length:g} s is shorter than the step of"
                f" {self.window_width - self.window_overlap:g} s between windows; choose a longer --chunk-length"
            )
        if self.clip_above is not None and self.clip_below is not None and self.clip_below >= self.clip_above:
            raise OptionError(
                f"--clip-below {self.clip_below:g} dB is not less than --clip-above {self.clip_above:g} dB;"
                " nothing would be left between them"
            )

    def chunks(self, path: Path | str) -> np.ndarray:
        """Chunks of a recording, ready to store: [chunk, time, freq], float32, each scaled to [-1, 1].

        Without chunk settings there is one chunk.

        Raises:
            AudioError: the recording cannot be read, or has too few chunks.
        """
        is_single = self.clip_below is not None and self.clip_below >= SINGLE_PRECISION_DB
        spectrogram = self._spectrogram(path, np.float32 if is_single else np.float64)
        frames = spectrogram.chunk_frames
        if frames is None:
            return spectral.normalise(spectrogram.db)[np.newaxis].astype(np.float32)
        found = len(spectrogram.db) // frames if frames else 0
        if found < self.chunk_count:
            raise AudioError(
                f"{path}: has {found} full chunks of {self.chunk_length:g} s, --chunk-count asks for {self.chunk_count};"
                " ask for fewer, or add --fixed-length a little above the length of all chunks"
            )
        pieces = np.split(spectrogram.db[: self.chunk_count * frames], self.chunk_count)
        return np.stack([spectral.normalise(piece) for piece in pieces]).astype(np.float32)

    def spectrogram(self, path: Path | str) -> Spectrogram:
        """The spectrogram of a whole recording, not yet cut into chunks and scaled.

        Raises:
            AudioError: the recording cannot be read, or is shorter than a window.
        """
        return self._spectrogram(path, np.float64)

    def _spectrogram(self, path: Path | str, dtype: type[np.floating]) -> Spectrogram:
        samples, sample_rate = read_audio(path, dtype)
        if self.fixed_length is not None:
            samples = fix_length(samples, int(self.fixed_length * sample_rate), self.center_fixed)
        try:
            samples = fuse_channels(samples, self.channels)
        except AudioError as error:
            raise AudioError(f"{path}: {error}") from error
        window, overlap = self._window(len(samples), sample_rate, path)
        power = spectral.power_spectrogram(spectral.pre_emphasis(samples), window, overlap)
        if self.mel_spectrum is None:
            frequencies = spectral.fft_frequencies(window, sample_rate)
        else:
            power = power @ self._mel_filters(window, sample_rate).astype(dtype).T
            frequencies = spectral.mel_frequencies(self.mel_spectrum, sample_rate)[1:-1]
        if not power.any():
            logger.warning("%s: is silent; its spectrogram is constant", path)
        db = spectral.power_to_db(power)
        if self.clip_below is not None or self.clip_above is not None:
            db = np.clip(db, self.clip_below, self.clip_above)
        step = window - overlap
        times = (np.arange(len(db)) * step + window / 2) / sample_rate
        chunk_frames = None if self.chunk_length is None else int(sample_rate * self.chunk_length) // step
        return Spectrogram(db, times, frequencies, sample_rate, chunk_frames)

    def _window(self, num_samples: int, sample_rate: int, path: Path | str) -> tuple[int, int]:
        """Window and overlap in samples.

        With a fixed length, the overlap is changed by a sample where rounding would give another number of frames
        than the lengths in seconds do, so that recordings of all sample rates have the same shape.
        """
        window, overlap = int(sample_rate * self.window_width), int(sample_rate * self.window_overlap)
        if window < 2 or overlap >= window or num_samples < window:
            raise AudioError(
                f"{path}: has {num_samples} samples at {sample_rate} Hz, too few for a window of"
                f" {self.window_width:g} s; pad with --fixed-length, or choose another --window-width"
            )
        if self.fixed_length is None:
            return window, overlap
        asked = int((self.fixed_length - self.window_overlap) / (self.window_width - self.window_overlap))
        found = spectral.num_frames(num_samples, window, overlap)
        if found == asked:
            return window, overlap
        changed = overlap - 1 if found > asked else overlap + 1
        logger.warning(
            "window overlap changed from %d to %d samples at %d Hz, to get %d frames rather than %d",
            *(overlap, changed, sample_rate, asked, found),
        )
        return window, changed

    def _mel_filters(self, window: int, sample_rate: int) -> np.ndarray:
        filters = spectral.mel_filters(self.mel_spectrum, window, sample_rate)
        empty = int((~filters.any(axis=1)).sum())
        if empty:
            logger.warning(
                "%d of %d mel bands catch no frequency bin at %d Hz and are constant; ask for fewer bands or wider windows",
                *(empty, self.mel_spectrum, sample_rate),
            )
        return filters
