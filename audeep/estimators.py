# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectrograms and autoencoders as scikit-learn transformers, over the functions that the commands run.

Wherever spectrograms are expected, there may be

- an array [instance, time, freq], or [instance, time] of one value per step;
- a list of arrays [time, freq], which may differ in time;
- a `DataSet`, the path of a data set file, or a list of either.
"""

import copy
import dataclasses
import inspect
import math
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted

from audeep.audio.preprocessing import Preprocessor
from audeep.data.data_set import DataSet, empty, load
from audeep.data.schema import FREQ, NUM_FRAMES, PADDING, TIME
from audeep.errors import ModelError
from audeep.training.checkpoints import AUTOENCODERS, load_model, preprocessing_of, save_model, steps_in
from audeep.training.trainer import TrainingOptions, represented, select_device, train

Spectrograms = ArrayLike | Sequence[np.ndarray] | DataSet | Path | str | Sequence[DataSet | Path | str]
Recordings = Sequence[Path | str | np.ndarray]
CHOICES = {
    "cell": ("GRU", "LSTM"),
    "decoder": ("sequence", "frame"),
    "precision": ("float32", "bfloat16", "float16"),
}

Estimator = TypeVar("Estimator", bound="Autoencoder")


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
        clip_above: float | None = None,
        clip_below: float | None = None,
        channels: str = "MEAN",
        fixed_length: float | None = None,
        center_fixed: bool = False,
        sample_rate: int | None = None,
    ) -> None:
        self.window_width = window_width
        self.window_overlap = window_overlap
        self.mel_spectrum = mel_spectrum
        self.clip_above = clip_above
        self.clip_below = clip_below
        self.channels = channels
        self.fixed_length = fixed_length
        self.center_fixed = center_fixed
        self.sample_rate = sample_rate

    def fit(self, X: Recordings, y: Any = None) -> "Spectrogram":
        """Check the settings; there is nothing to learn."""
        self._preprocessor()
        return self

    def transform(self, X: Recordings) -> np.ndarray | list[np.ndarray]:
        """Paths of recordings, or signals [num_samples] -> [instance, time, freq] float32.

        Without `fixed_length`, recordings may differ in length: the result is a list of [time, freq].

        Raises:
            AudioError: a recording cannot be read, or does not suit the settings.
            OptionError: the settings are out of range or contradict each other.
            ValueError: there is no list of recordings, or spectrograms that should have one shape differ.
        """
        if isinstance(X, str | Path):
            raise ValueError(f"{str(X)!r} found, a list of recordings was expected; put it into one: [{str(X)!r}]")
        preprocessor = self._preprocessor()
        spectrograms = [self._spectrogram(preprocessor, index, item) for index, item in enumerate(X)]
        if not preprocessor.has_one_length:
            return spectrograms
        shapes = sorted({spectrogram.shape for spectrogram in spectrograms})
        if len(shapes) != 1:
            raise ValueError(
                f"spectrograms of shapes {shapes} found, one was expected; set sample_rate or mel_spectrum"
            )
        return np.stack(spectrograms)

    def _spectrogram(self, preprocessor: Preprocessor, index: int, recording: Path | str | np.ndarray) -> np.ndarray:
        """[time, freq] of one recording."""
        if isinstance(recording, str | Path):
            return preprocessor.chunks(recording)[0]
        if self.sample_rate is None:
            raise ValueError(f"recording {index} is an array, whose sample rate is unknown; set sample_rate")
        signal = check_array(recording, ensure_2d=False, dtype=np.float64, input_name=f"recording {index}")
        if signal.ndim != 1:
            raise ValueError(f"recording {index} has shape {signal.shape}, one axis of samples was expected")
        return preprocessor.chunks_and_rate_of(f"recording {index}", signal[np.newaxis], self.sample_rate)[0][0]

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


class Autoencoder(TransformerMixin, BaseEstimator):
    """What the estimators of all autoencoders share.

    Parameters are the options of the command `train`, but for `random_state`, which is its `--seed`: with the same
    number, fitting gives the same weights as the command. After `fit`:

    Attributes:
        model_: the network, on the CPU.
        progress_: optimiser steps and epochs trained, and the seed.
        preprocessing_: settings that the spectrograms were made with, where a data set file tells; else None.
        n_features_in_: frames of the spectrograms trained on, at most.
    """

    kind: str

    def fit(self: Estimator, X: Spectrograms, y: Any = None) -> Estimator:
        """Train on spectrograms, from the start.

        Raises:
            ValueError: spectrograms, or a parameter, are unfit.
            AudeepError: as for the command.
        """
        data_sets = _data_sets(X)
        self._check_parameters()
        model_type = AUTOENCODERS[self.kind]
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31)
        options = {"device": self.device, "precision": self.precision, "learning_rate": self.learning_rate}
        counts = {"batch_size": self.batch_size, "num_epochs": self.num_epochs, "checkpoints_to_keep": 1}
        with TemporaryDirectory(prefix="audeep-") as directory:
            train(
                data_sets,
                lambda shape: model_type.config_type(*shape, **self._architecture()),
                model_type,
                Path(directory),
                TrainingOptions(**options, **counts, seed=int(seed)),
            )
            self._take(Path(directory) / "logs")
        return self

    def transform(self, X: Spectrograms) -> np.ndarray:
        """Represent each spectrogram by a vector: [instance, generated] float32.

        Arrays have as many frames as those trained on; what is in a list, or padded in a data set, may have any.

        Raises:
            ValueError: spectrograms have another shape than those trained on.
        """
        return np.concatenate([features for _, features in self._represented(X)])

    def save(self, directory: Path | str) -> None:
        """Write the model to `directory`/model-<step>.safetensors.

        `audeep ... generate --model-dir`, `load` and `audeep.hear` read it.

        Raises:
            ModelError: there are models of other steps.
            OutputError: the file cannot be written.
        """
        check_is_fitted(self)
        directory = Path(directory)
        others = set(steps_in(directory)) - {self.progress_.step}
        if others:
            raise ModelError(f"{directory}: has a model of step {max(others)} already; choose another directory")
        save_model(directory, self.model_, self.progress_, self.preprocessing_)

    @classmethod
    def load(cls: type[Estimator], directory: Path | str, step: int | None = None) -> Estimator:
        """The fitted estimator of a model that `save` or the command line wrote; nothing in the file is run.

        Parameters of training, but for `random_state`, have their defaults.

        Args:
            directory: what was given to `save`, or the directory of a run, or `logs` in it.
            step: of the checkpoint; by default the newest.

        Raises:
            ModelError: there is no such checkpoint, it is damaged, or of another kind.
        """
        directory = Path(directory)
        estimator = cls()
        estimator._take(directory if steps_in(directory) else directory / "logs", step)
        config = dataclasses.asdict(estimator.model_.config)
        architecture = {name: config[name] for name in estimator._architecture()}
        return estimator.set_params(**architecture, random_state=estimator.progress_.seed)

    def _take(self, logs: Path, step: int | None = None) -> None:
        """Become what the checkpoint in `logs` is."""
        model, progress = load_model(logs, step, self.kind)
        self.model_, self.progress_ = model.eval(), progress
        self.preprocessing_ = preprocessing_of(logs, step)
        self.n_features_in_ = model.config.num_steps

    def _represented(self, X: Spectrograms) -> list[tuple[DataSet, np.ndarray]]:
        """Parts of the input, each with its representations [instance, ...]."""
        check_is_fitted(self)
        data_sets = _data_sets(X)
        for data_set in data_sets:
            self._check_shape(data_set, may_differ_in_time=_is_list(X) or data_set.is_padded)
        return self._features_of(*data_sets)

    def _features_of(self, *data_sets: DataSet) -> list[tuple[DataSet, np.ndarray]]:
        """Parts of data sets, each with its representations [instance, ...]."""
        model = copy.deepcopy(self.model_).to(select_device(self.device))
        pooled = getattr(self, "pooled", False)
        return [part for data_set in data_sets for part in represented(model, data_set, pooled=pooled)]

    def _check_shape(self, data_set: DataSet, may_differ_in_time: bool) -> None:
        (frames, bands), (num_steps, num_features) = data_set.feature_shape, self.model_.config.input_shape
        if bands != num_features:
            raise ValueError(
                f"X has {bands} values in each frame, but {type(self).__name__} is expecting {num_features}"
            )
        if frames != num_steps and not may_differ_in_time:
            raise ValueError(
                f"X has {frames} features, but {type(self).__name__} is expecting {num_steps} features as input"
                " (frames of each spectrogram); give a list of arrays if their lengths differ"
            )

    def _architecture(self) -> dict[str, Any]:
        """Parameters that are fields of the configuration of the model."""
        types = {field.name: field.type for field in dataclasses.fields(AUTOENCODERS[self.kind].config_type)}
        return {name: types[name](value) for name, value in self.get_params(deep=False).items() if name in types}

    def _check_parameters(self) -> None:
        defaults = {name: parameter.default for name, parameter in inspect.signature(type(self)).parameters.items()}
        for name in defaults.keys() - {"random_state", "device"}:  # which are looked at where they are used
            expected, holds = _expected(name, defaults[name])
            if not holds(value := getattr(self, name)):
                raise ValueError(f"{name}={value!r}: {expected} was expected")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags


class VectorAutoencoder(ClassNamePrefixFeaturesOutMixin, Autoencoder):
    """An autoencoder that represents a spectrogram by one vector, whose elements are named."""

    @property
    def _n_features_out(self) -> int:
        return self._features_of(_data_set(np.zeros((1, 2, self.model_.config.num_features), np.float32)))[0][1].shape[
            1
        ]


class TimeAutoencoder(VectorAutoencoder):
    """The time-recurrent autoencoder: it reads spectrograms frame by frame and represents each by one vector.

    Args:
        pooled: represent as `audeep t-rae generate --pooled` does.
    """

    kind = "t-rae"

    def __init__(
        self,
        num_layers: int = 1,
        num_units: int = 16,
        bidirectional_encoder: bool = False,
        bidirectional_decoder: bool = False,
        keep_prob: float = 0.8,
        encoder_noise: float = 0.0,
        feed_previous_prob: float = 0.0,
        cell: str = "GRU",
        mask_silence: bool = False,
        decoder: str = "sequence",
        hidden_frames: float = 0.0,
        hidden_stretch: int = 6,
        pooled: bool = False,
        batch_size: int = 64,
        num_epochs: int = 10,
        learning_rate: float = 1e-3,
        random_state: int | RandomState | None = 0,
        device: str = "auto",
        precision: str = "float32",
    ) -> None:
        self.num_layers = num_layers
        self.num_units = num_units
        self.bidirectional_encoder = bidirectional_encoder
        self.bidirectional_decoder = bidirectional_decoder
        self.keep_prob = keep_prob
        self.encoder_noise = encoder_noise
        self.feed_previous_prob = feed_previous_prob
        self.cell = cell
        self.mask_silence = mask_silence
        self.decoder = decoder
        self.hidden_frames = hidden_frames
        self.hidden_stretch = hidden_stretch
        self.pooled = pooled
        self.batch_size = batch_size
        self.num_epochs = num_epochs
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.device = device
        self.precision = precision


class FrequencyAutoencoder(Autoencoder):
    """The frequency-recurrent autoencoder: it reads each frame band by band and represents each by one vector."""

    kind = "f-rae"

    def __init__(
        self,
        freq_window_width: int = 32,
        freq_window_overlap: int = 24,
        num_layers: int = 1,
        num_units: int = 16,
        bidirectional_encoder: bool = False,
        bidirectional_decoder: bool = False,
        keep_prob: float = 0.8,
        encoder_noise: float = 0.0,
        feed_previous_prob: float = 0.0,
        cell: str = "GRU",
        batch_size: int = 64,
        num_epochs: int = 10,
        learning_rate: float = 1e-3,
        random_state: int | RandomState | None = 0,
        device: str = "auto",
        precision: str = "float32",
    ) -> None:
        self.freq_window_width = freq_window_width
        self.freq_window_overlap = freq_window_overlap
        self.num_layers = num_layers
        self.num_units = num_units
        self.bidirectional_encoder = bidirectional_encoder
        self.bidirectional_decoder = bidirectional_decoder
        self.keep_prob = keep_prob
        self.encoder_noise = encoder_noise
        self.feed_previous_prob = feed_previous_prob
        self.cell = cell
        self.batch_size = batch_size
        self.num_epochs = num_epochs
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.device = device
        self.precision = precision

    def transform(self, X: Spectrograms) -> np.ndarray | list[np.ndarray]:
        """Represent each frame by a vector: [instance, time, generated] float32.

        For a list, or a padded data set, the result is a list of [time, generated]. Both can be given to
        a `TimeAutoencoder`.

        Raises:
            ValueError: as for other autoencoders.
        """
        parts = self._represented(X)
        if not _is_list(X) and not any(part.is_padded for part, _ in parts):
            return np.concatenate([features for _, features in parts])
        return [
            frames[:length]
            for part, features in parts
            for frames, length in zip(features, part.num_frames, strict=True)
        ]


class FrequencyTimeAutoencoder(VectorAutoencoder):
    """The frequency-time-recurrent autoencoder: it reads frames band by band, and what comes of them in time."""

    kind = "ft-rae"

    def __init__(
        self,
        freq_window_width: int = 32,
        freq_window_overlap: int = 24,
        num_f_layers: int = 1,
        num_f_units: int = 64,
        bidirectional_f_encoder: bool = False,
        bidirectional_f_decoder: bool = False,
        f_encoder_noise: float = 0.0,
        f_feed_previous_prob: float = 0.0,
        num_t_layers: int = 2,
        num_t_units: int = 128,
        bidirectional_t_encoder: bool = False,
        bidirectional_t_decoder: bool = False,
        t_encoder_noise: float = 0.0,
        t_feed_previous_prob: float = 0.0,
        keep_prob: float = 0.8,
        cell: str = "GRU",
        batch_size: int = 64,
        num_epochs: int = 10,
        learning_rate: float = 1e-3,
        random_state: int | RandomState | None = 0,
        device: str = "auto",
        precision: str = "float32",
    ) -> None:
        self.freq_window_width = freq_window_width
        self.freq_window_overlap = freq_window_overlap
        self.num_f_layers = num_f_layers
        self.num_f_units = num_f_units
        self.bidirectional_f_encoder = bidirectional_f_encoder
        self.bidirectional_f_decoder = bidirectional_f_decoder
        self.f_encoder_noise = f_encoder_noise
        self.f_feed_previous_prob = f_feed_previous_prob
        self.num_t_layers = num_t_layers
        self.num_t_units = num_t_units
        self.bidirectional_t_encoder = bidirectional_t_encoder
        self.bidirectional_t_decoder = bidirectional_t_decoder
        self.t_encoder_noise = t_encoder_noise
        self.t_feed_previous_prob = t_feed_previous_prob
        self.keep_prob = keep_prob
        self.cell = cell
        self.batch_size = batch_size
        self.num_epochs = num_epochs
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.device = device
        self.precision = precision


def _expected(name: str, default: Any) -> tuple[str, Callable[[Any], bool]]:
    """What a parameter with some default has to be, in words and as a test."""
    if name in CHOICES:
        return f"one of {', '.join(CHOICES[name])}", lambda value: value in CHOICES[name]
    if isinstance(default, bool):
        return "True or False", lambda value: isinstance(value, bool | np.bool_)
    if isinstance(default, int):
        least = 0 if name == "freq_window_overlap" else 1
        return f"a whole number >= {least}", lambda value: isinstance(value, Integral) and value >= least
    if name == "learning_rate":
        return "a number > 0", lambda value: isinstance(value, Real) and 0 < value < math.inf
    if name == "keep_prob":
        return "a probability > 0", lambda value: isinstance(value, Real) and 0 < value <= 1
    return "a probability", lambda value: isinstance(value, Real) and 0 <= value <= 1


def _is_list(X: Spectrograms) -> bool:
    """Whether these are spectrograms one by one."""
    return isinstance(X, list | tuple) and bool(X) and not isinstance(X[0], str | Path | DataSet) and np.ndim(X[0]) == 2


def _data_sets(X: Spectrograms) -> list[DataSet]:
    """All forms of spectrograms as data sets.

    Raises:
        ValueError: they are of no such form, or not of numbers.
        DataError: a data set file cannot be read.
    """
    items = list(X) if isinstance(X, list | tuple) else [X]
    if items and all(isinstance(item, str | Path | DataSet) for item in items):
        return [_checked(item if isinstance(item, DataSet) else load(item)) for item in items]
    if _is_list(X):
        return [_padded([_array(spectrogram, 2) for spectrogram in items])]
    array = _array(X, 3)
    return [_data_set(array if array.ndim == 3 else array[..., np.newaxis])]


def _checked(data_set: DataSet) -> DataSet:
    if len(data_set.feature_shape) != 2:
        axes = ", ".join(data_set.feature_dims)
        raise ValueError(f"features have axes [{axes}], spectrograms [time, freq] were expected")
    return data_set


def _array(X: ArrayLike, most_axes: int) -> np.ndarray:
    """Finite float32 numbers over 2 to `most_axes` axes, none of them empty.

    Raises:
        ValueError: they are not.
    """
    array = check_array(X, dtype=np.float32, allow_nd=True, input_name="X")
    if array.ndim > most_axes or 0 in array.shape:
        raise ValueError(f"X has shape {array.shape}; [instance, time, freq] or a list of [time, freq] was expected")
    return array


def _padded(spectrograms: list[np.ndarray]) -> DataSet:
    """Spectrograms [time, freq] that may differ in time."""
    bands = sorted({spectrogram.shape[1] for spectrogram in spectrograms})
    if len(bands) > 1:
        raise ValueError(f"spectrograms of {bands[0]} and of {bands[-1]} bands found; make all with the same settings")
    lengths = np.array([len(spectrogram) for spectrogram in spectrograms])
    features = np.full((len(spectrograms), lengths.max(), bands[0]), PADDING, np.float32)
    for padded, spectrogram in zip(features, spectrograms, strict=True):
        padded[: len(spectrogram)] = spectrogram
    data_set = _data_set(features)
    if (lengths < lengths.max()).any():
        data_set.data[NUM_FRAMES.name].values[:] = lengths
    return data_set


def _data_set(features: np.ndarray) -> DataSet:
    """[instance, time, freq] with nothing known of the instances."""
    return empty(len(features), []).with_features(features, [TIME, FREQ])
