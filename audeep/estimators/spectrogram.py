# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectrograms of recordings as a transformer of scikit-learn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array

from audeep.audio.front_ends.mel import Preprocessor

Recordings = Sequence[Path | str | np.ndarray]


class Spectrogram(TransformerMixin, BaseEstimator):
    """Normalised spectrograms of recordings, as `audeep preprocess` makes them; parameters are its options.

    Args:
        sample_rate: in Hz. Files of another rate are resampled, arrays are taken to have it; without one, files keep
            their own and arrays are refused.
    """

    def __init__(
        self,
        window_width: float = 0.04,
        window_overlap: float = 0.02,
        mel_spectrum: int | None = None,
        chunk_length: float | None = None,
        chunk_count: int | None = None,
        clip_above: float | None = None,
        clip_below: float | None = None,
        channels: str = "MEAN",
        fixed_length: float | None = None,
        center_fixed: bool = False,
        sample_rate: int | None = None,
        relative_to: str | None = None,
    ) -> None:
        self.window_width = window_width
        self.window_overlap = window_overlap
        self.mel_spectrum = mel_spectrum
        self.chunk_length = chunk_length
        self.chunk_count = chunk_count
        self.clip_above = clip_above
        self.clip_below = clip_below
        self.channels = channels
        self.fixed_length = fixed_length
        self.center_fixed = center_fixed
        self.sample_rate = sample_rate
        self.relative_to = relative_to

    def fit(self, X: Recordings, y: Any = None) -> "Spectrogram":
        """Check the settings; there is nothing to learn."""
        self._preprocessor()
        return self

    def transform(self, X: Recordings) -> np.ndarray | list[np.ndarray]:
        """Paths of recordings, or signals [num_samples] -> [instance, time, freq] float32.

        Without `fixed_length` or `chunk_length`, recordings may differ in length: the result is a list of [time, freq].
        With `chunk_count`, each recording gives as many instances, one after the other.

        Raises:
            AudioError: a recording cannot be read, or does not suit the settings.
            OptionError: the settings are out of range or contradict each other.
            ValueError: there is no list of recordings, or spectrograms that should have one shape differ.
        """
        if isinstance(X, str | Path):
            raise ValueError(f"{str(X)!r} found, a list of recordings was expected; put it into one: [{str(X)!r}]")
        preprocessor = self._preprocessor()
        spectrograms = [each for index, item in enumerate(X) for each in self._chunks(preprocessor, index, item)]
        if not preprocessor.has_one_length:
            return spectrograms
        shapes = sorted({spectrogram.shape for spectrogram in spectrograms})
        if len(shapes) != 1:
            raise ValueError(
                f"spectrograms of shapes {shapes} found, one was expected; set sample_rate or mel_spectrum"
            )
        return np.stack(spectrograms)

    def _chunks(self, preprocessor: Preprocessor, index: int, recording: Path | str | np.ndarray) -> np.ndarray:
        """[chunk, time, freq] of one recording."""
        if isinstance(recording, str | Path):
            return preprocessor.chunks(recording)
        if self.sample_rate is None:
            raise ValueError(f"recording {index} is an array, whose sample rate is unknown; set sample_rate")
        signal = check_array(recording, ensure_2d=False, dtype=np.float64, input_name=f"recording {index}")
        if signal.ndim != 1:
            raise ValueError(f"recording {index} has shape {signal.shape}, one axis of samples was expected")
        return preprocessor.chunks_and_rate_of(f"recording {index}", signal[np.newaxis], self.sample_rate)[0]

    def _preprocessor(self) -> Preprocessor:
        return Preprocessor(**self.get_params(deep=False))

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array, tags.input_tags.one_d_array, tags.input_tags.string = False, True, True
        tags.transformer_tags.preserves_dtype = []
        return tags
