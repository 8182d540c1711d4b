# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectrograms of recordings as a transformer of scikit-learn."""

from collections.abc import Sequence
from inspect import Parameter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array

from audeep.audio.front_ends.base import Frames, FrontEnd
from audeep.audio.front_ends.mel import Preprocessor
from audeep.audio.front_ends.registry import MEL, front_end_type_of
from audeep.estimators.parameters import declared_parameters, with_parameters

Recordings = Sequence[Path | str | NDArray[Any]]


def _as_list(X: Any) -> list[Any]:
    """Recordings one by one.

    Raises:
        ValueError: there is one alone, or a table of several columns of other things than numbers.
    """
    if isinstance(X, str | Path):
        raise ValueError(f"{str(X)!r} found, a list of recordings was expected; put it into one: [{str(X)!r}]")
    if hasattr(X, "to_numpy"):  # of pandas or polars
        X = X.to_numpy()
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind not in "fiub":
        if X.shape[1] != 1:
            raise ValueError(f"a table of {X.shape[1]} columns found, one of paths was expected; choose it")
        X = X[:, 0]
    if np.ndim(X) == 0 and not hasattr(X, "__iter__"):
        raise ValueError(f"{X!r} found, a list of recordings was expected")
    recordings = list(X)
    if recordings and np.isscalar(recordings[0]) and not isinstance(recordings[0], str):
        raise ValueError("one signal found, a list of recordings was expected; put it into one: [signal]")
    return recordings


FRONT_END = "a front end, or its name; beside another one than mel there are no other parameters"
PARAMETERS = [
    *declared_parameters(Preprocessor),
    Parameter("front_end", Parameter.KEYWORD_ONLY, default=MEL, annotation=FrontEnd | str),
]


@with_parameters(PARAMETERS, Preprocessor, front_end=FRONT_END)
class Spectrogram(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Normalised spectrograms of recordings, as `audeep preprocess` makes them; parameters are its options.

    Files of another rate than `sample_rate` are resampled, arrays are taken to have it; without one, files keep their
    own and arrays are refused. With a front end, such as `front_end=LogMel(num_bands=64)`, that is its own.
    """

    def fit(self, X: Recordings, y: Any = None) -> "Spectrogram":
        """Check the settings; there is nothing to learn."""
        self._front_end()
        return self

    def transform(self, X: Recordings) -> Frames | list[Frames]:
        """Paths of recordings, or signals [num_samples] -> [instance, time, freq] float32.

        A table has the paths in its only column.

        Without `fixed_length` or `chunk_length`, recordings may differ in length: the result is a list of [time, freq].
        With `chunk_count`, each recording gives as many instances, one after the other.

        Raises:
            AudioError: a recording cannot be read, or does not suit the settings.
            OptionError: the settings are out of range or contradict each other.
            ValueError: there is no list of recordings, or spectrograms that should have one shape differ.
        """
        front_end, recordings = self._front_end(), _as_list(X)
        spectrograms = [each for index, item in enumerate(recordings) for each in self._chunks(front_end, index, item)]
        if not front_end.has_one_length:
            return spectrograms
        shapes = sorted({spectrogram.shape for spectrogram in spectrograms})
        if len(shapes) != 1:
            raise ValueError(
                f"spectrograms of shapes {shapes} found, one was expected; set sample_rate or mel_spectrum"
            )
        return np.stack(spectrograms)

    def set_output(self, *, transform: str | None = None) -> "Spectrogram":
        """Nothing: spectrograms have two axes, and are no rows of a table; the steps after this one give tables."""
        return self

    def get_feature_names_out(self, input_features: Any = None) -> None:
        """Nothing: the values of spectrograms have no names; the step after this one names its own."""

    def _chunks(self, front_end: FrontEnd, index: int, recording: Path | str | NDArray[Any]) -> Frames:
        """[chunk, time, freq] of one recording."""
        if isinstance(recording, str | Path):
            return front_end.chunks(recording)
        if front_end.sample_rate is None:
            raise ValueError(f"recording {index} is an array, whose sample rate is unknown; set sample_rate")
        signal = check_array(recording, ensure_2d=False, dtype=np.float64, input_name=f"recording {index}")
        if signal.ndim != 1:
            raise ValueError(f"recording {index} has shape {signal.shape}, one axis of samples was expected")
        return front_end.chunks_and_rate_of(f"recording {index}", signal[np.newaxis], front_end.sample_rate)[0]

    def _front_end(self) -> FrontEnd:
        """What the parameters say.

        Raises:
            ValueError: there is a front end, and other parameters.
        """
        given = self.get_params(deep=False)
        front_end = given.pop("front_end")
        if front_end == MEL:
            return Preprocessor(**given)
        defaults = {each.name: each.default for each in PARAMETERS}
        others = [name for name in given if given[name] != defaults[name]]
        if others:
            raise ValueError(
                f"{others[0]}={given[others[0]]!r}: has no effect beside front_end; give it to the front end, or leave"
                " it out"
            )
        return front_end_type_of(front_end)() if isinstance(front_end, str) else front_end

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array, tags.input_tags.one_d_array, tags.input_tags.string = False, True, True
        tags.transformer_tags.preserves_dtype = []
        return tags
