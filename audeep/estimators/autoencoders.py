# SPDX-License-Identifier: GPL-3.0-or-later
"""The autoencoders as transformers of scikit-learn, over the functions that the commands run."""

import copy
import dataclasses
import inspect
import math
from collections.abc import Callable
from numbers import Integral, Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
from numpy.random import RandomState
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from audeep.data.data_set import DataSet
from audeep.errors import ModelError
from audeep.estimators.inputs import Spectrograms, as_data_set, as_data_sets
from audeep.inference.embedder import Embedder
from audeep.models.checkpoints import load_model, preprocessing_of, save_model, steps_in
from audeep.models.devices import select_device
from audeep.models.registry import model_type_of
from audeep.training.options import TrainingOptions
from audeep.training.trainer import train

CHOICES = {
    "cell": ("GRU", "LSTM"),
    "precision": ("float32", "bfloat16", "float16"),
}

Estimator = TypeVar("Estimator", bound="Autoencoder")


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
        data_sets, _ = as_data_sets(X)
        self._check_parameters()
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31)
        options = {"device": self.device, "precision": self.precision, "learning_rate": self.learning_rate}
        counts = {"batch_size": self.batch_size, "num_epochs": self.num_epochs, "checkpoints_to_keep": 1}
        with TemporaryDirectory(prefix="audeep-") as directory:
            train(
                data_sets,
                self.kind,
                Path(directory),
                self._architecture(),
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
        parts, _ = self._represented(X)
        return np.concatenate([features for _, features in parts])

    def save(self, directory: Path | str) -> None:
        """Write the model to `directory`/model-<step>.safetensors.

        `audeep ... generate --model-dir`, `load` and `audeep.inference.hear` read it.

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
    def load(cls: type[Estimator], directory: Path | str, step: int | str | None = None) -> Estimator:
        """The fitted estimator of a model that `save` or the command line wrote; nothing in the file is run.

        Parameters of training, but for `random_state`, have their defaults.

        Args:
            directory: what was given to `save`, or the directory of a run, or `logs` in it.
            step: of the checkpoint, or "best"; by default the newest.

        Raises:
            ModelError: there is no such checkpoint, it is damaged, or of another kind.
        """
        directory = Path(directory)
        estimator = cls()
        estimator._take(directory if steps_in(directory) else directory / "logs", step)
        config = dataclasses.asdict(estimator.model_.config)
        architecture = {name: config[name] for name in estimator._architecture()}
        return estimator.set_params(**architecture, random_state=estimator.progress_.seed)

    def _take(self, logs: Path, step: int | str | None = None) -> None:
        """Become what the checkpoint in `logs` is."""
        model, progress = load_model(logs, step, self.kind)
        self.model_, self.progress_ = model, progress
        self.preprocessing_ = preprocessing_of(logs, step)
        self.n_features_in_ = model.config.num_steps

    def _represented(self, X: Spectrograms) -> tuple[list[tuple[DataSet, np.ndarray]], bool]:
        """What `_features_of` makes of the input, and whether its parts have lengths of their own."""
        check_is_fitted(self)
        data_sets, one_by_one = as_data_sets(X)
        for data_set in data_sets:
            self._check_shape(data_set, one_by_one or data_set.is_padded)
        return self._features_of(*data_sets), one_by_one or any(data_set.is_padded for data_set in data_sets)

    def _features_of(self, *data_sets: DataSet) -> list[tuple[DataSet, np.ndarray]]:
        """Parts of data sets, each with its representations [instance, ...]."""
        model = copy.deepcopy(self.model_).to(select_device(self.device))
        pooled = getattr(self, "pooled", False)
        embedder = Embedder(model, pooled)
        return [part for data_set in data_sets for part in embedder.parts(data_set)]

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
        types = {field.name: field.type for field in dataclasses.fields(model_type_of(self.kind).config_type)}
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
        shortest = as_data_set(np.zeros((1, 2, self.model_.config.num_features), np.float32))
        [(_, features)] = self._features_of(shortest)
        return features.shape[1]


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
        masked_frames: float = 0.0,
        mask_span: int = 6,
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
        self.masked_frames = masked_frames
        self.mask_span = mask_span
        self.pooled = pooled
        self.batch_size = batch_size
        self.num_epochs = num_epochs
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.device = device
        self.precision = precision


class MaskedFramesAutoencoder(VectorAutoencoder):
    """The masked-frame autoencoder: it rebuilds masked frames from the others, and its outputs are pooled over time."""

    kind = "masked-frames"

    def __init__(
        self,
        num_layers: int = 1,
        num_units: int = 16,
        bidirectional_encoder: bool = False,
        keep_prob: float = 0.8,
        encoder_noise: float = 0.0,
        cell: str = "GRU",
        mask_silence: bool = False,
        masked_frames: float = 0.0,
        mask_span: int = 6,
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
        self.keep_prob = keep_prob
        self.encoder_noise = encoder_noise
        self.cell = cell
        self.mask_silence = mask_silence
        self.masked_frames = masked_frames
        self.mask_span = mask_span
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
        parts, may_differ_in_time = self._represented(X)
        if not may_differ_in_time:
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
