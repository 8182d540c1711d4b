# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectrograms of recordings as a transformer of scikit-learn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array

from audeep.audio.front_ends.base import Frames
from audeep.audio.front_ends.mel import Preprocessor
from audeep.estimators.parameters import declared_parameters, with_parameters

Recordings = Sequence[Path | str | NDArray[Any]]


@with_parameters(list(declared_parameters(Preprocessor)), Preprocessor)
class Spectrogram(TransformerMixin, BaseEstimator):
    """Normalised spectrograms of recordings, as `audeep preprocess` makes them; parameters are its options.

    Files of another rate than `sample_rate` are resampled, arrays are taken to have it; without one, files keep their
    own and arrays are refused.
    """

    def fit(self, X: Recordings, y: Any = None) -> "Spectrogram":
        """Check the settings; there is nothing to learn."""
        self._preprocessor()
        return self

    def transform(self, X: Recordings) -> Frames | list[Frames]:
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

    def _chunks(self, preprocessor: Preprocessor, index: int, recording: Path | str | NDArray[Any]) -> Frames:
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
