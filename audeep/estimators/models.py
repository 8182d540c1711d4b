# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of models as estimators of scikit-learn, over the functions that the commands run."""

import copy
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from audeep.data.data_set import DataSet
from audeep.data.schema import Partition
from audeep.errors import ModelError, OptionError
from audeep.estimators.inputs import Spectrograms, as_data_sets, labelled
from audeep.estimators.parameters import OTHERWISE_KNOWN, RANDOM_STATE, parameters_of, with_parameters
from audeep.inference.embedder import Embedder, Embeddings, fits
from audeep.inference.tagger import scores_of
from audeep.models.base import Network, Tagger
from audeep.models.checkpoints import BEST, load_model, preprocessing_of, save_model, steps_in
from audeep.models.devices import select_device
from audeep.models.registry import description_of, kind_of, model_type_of
from audeep.runtime.options import options_of
from audeep.training.options import FittingOptions, TrainingOptions, options_type_of
from audeep.training.trainer import train

Estimator = TypeVar("Estimator", bound="ModelEstimator")


class ModelEstimator(BaseEstimator):
    """What the estimators of all kinds of models share.

    Parameters are the options of the command `train`, but for `random_state`, which is its `--seed`: with the same
    number, fitting gives the same weights as the command. With `keep_best`, the model with the lowest validation loss
    is taken. After `fit`:

    Attributes:
        model_: the network, on the CPU.
        progress_: optimiser steps and epochs trained, and the seed.
        preprocessing_: settings that the spectrograms were made with, where a data set file tells; else None.
        n_features_in_: frames of the spectrograms trained on, at most.
    """

    kind: ClassVar[str]
    model_type: ClassVar[type[Network]]

    def fit(self: Estimator, X: Spectrograms, y: Any = None) -> Estimator:
        """Train on spectrograms, from the start.

        Raises:
            ValueError: spectrograms, or a parameter, are unfit.
            AudeepError: as for the command.
        """
        return self._fit(as_data_sets(X)[0])

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
        config = asdict(estimator.model_.config)
        parameters = {name: config[name] for name in estimator.get_params(deep=False) if name in config}
        parameters[RANDOM_STATE] = estimator.progress_.seed
        return estimator.set_params(**parameters)  # type: ignore[no-any-return]

    def _fit(self: Estimator, data_sets: Sequence[DataSet]) -> Estimator:
        try:
            config, options = self._config(), self._training_options()
        except OptionError as error:
            raise ValueError(str(error)) from None
        with TemporaryDirectory(prefix="audeep-") as directory:
            train(data_sets, self.kind, Path(directory), config, options)
            is_best = getattr(options, "keep_best", False) and options.num_epochs
            self._take(Path(directory) / "logs", BEST if is_best else None)
        return self

    def _take(self, logs: Path, step: int | str | None = None) -> None:
        """Become what the checkpoint in `logs` is."""
        model, progress = load_model(logs, step, self.kind)
        if not isinstance(model, self.model_type):
            raise ModelError(
                f"{logs}: is a {kind_of(type(model))} model, {self.kind} was expected; load it by the estimator of its"
                " kind"
            )
        self.model_, self.progress_ = model, progress
        self.preprocessing_ = preprocessing_of(logs, step)
        self.n_features_in_ = model.config.num_steps

    def _config(self) -> dict[str, Any]:
        """The options of the kind of model."""
        config_type: Any = self.model_type.config_type
        declared = options_of(config_type)
        given = self.get_params(deep=False)
        return {name: option.accepted(given[name]) for name, option in declared.items() if name in given}

    def _training_options(self) -> TrainingOptions | FittingOptions:
        options_type: Any = options_type_of(self.model_type)
        declared = {name: option for name, option in options_of(options_type).items() if name not in OTHERWISE_KNOWN}
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31)
        given = {name: option.accepted(getattr(self, name)) for name, option in declared.items()}
        given["seed"] = replace(options_of(options_type)["seed"], name=RANDOM_STATE).accepted(seed)
        if issubclass(options_type, TrainingOptions):
            partitions = self.validation_partition
            given["validation_partition"] = None if partitions is None else [_partition(each) for each in partitions]
            given |= {"start_from": self.start_from, "checkpoints_to_keep": 1}
        return options_type(**given)  # type: ignore[no-any-return]

    def _checked(self, X: Spectrograms) -> tuple[list[DataSet], bool]:
        """Data sets that fit the model, and whether their spectrograms may differ in length."""
        check_is_fitted(self)
        data_sets, one_by_one = as_data_sets(X)
        for data_set in data_sets:
            self._check_shape(data_set, one_by_one or data_set.is_padded)
        return data_sets, one_by_one or any(data_set.is_padded for data_set in data_sets)

    def _check_shape(self, data_set: DataSet, any_length: bool) -> None:
        if fits(self.model_, data_set.feature_shape, any_length):
            return
        (frames, bands), (num_steps, num_features) = data_set.feature_shape, self.model_.config.input_shape
        name = type(self).__name__
        if bands != num_features:
            raise ValueError(f"X has {bands} values in each frame, but {name} is expecting {num_features}")
        raise ValueError(
            f"X has {frames} features, but {name} is expecting {num_steps} features as input (frames of each"
            " spectrogram); give a list of arrays if their lengths differ"
        )

    @property
    def _on_device(self) -> Any:
        """A copy of the network where it is to compute."""
        return copy.deepcopy(self.model_).to(select_device(self.device))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


class UnlabelledEstimator(TransformerMixin, ModelEstimator):
    """A model that learns without labels."""

    def _embedded(self, data_sets: Sequence[DataSet]) -> list[tuple[DataSet, Embeddings]]:
        """Parts of data sets, each with its embeddings."""
        return [part for data_set in data_sets for part in self._embedder.parts(data_set)]

    @property
    def _embedder(self) -> Embedder:
        return Embedder(self._on_device, bool(getattr(self, "pooled", False)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


class VectorEstimator(ClassNamePrefixFeaturesOutMixin, UnlabelledEstimator):
    """A model that embeds a spectrogram in one vector, whose elements are named."""

    def transform(self, X: Spectrograms) -> Embeddings:
        """Embed each spectrogram in a vector: [instance, generated] float32.

        Arrays have as many frames as those trained on; what is in a list, or padded in a data set, may have any.

        Raises:
            ValueError: spectrograms have another shape than those trained on.
        """
        data_sets, _ = self._checked(X)
        return np.concatenate([embeddings for _, embeddings in self._embedded(data_sets)])

    @property
    def _n_features_out(self) -> int:
        return self._embedder.size


class FrameEstimator(UnlabelledEstimator):
    """An autoencoder that embeds each frame of a spectrogram in a vector."""

    def transform(self, X: Spectrograms) -> Embeddings | list[Embeddings]:
        """Embed each frame in a vector: [instance, time, generated] float32.

        For a list, or a padded data set, the result is a list of [time, generated]. Both can be given to
        a `TimeAutoencoder`.

        Raises:
            ValueError: as for other autoencoders.
        """
        data_sets, may_differ_in_time = self._checked(X)
        parts = self._embedded(data_sets)
        if not may_differ_in_time:
            return np.concatenate([embeddings for _, embeddings in parts])
        return [
            frames[:length]
            for part, embeddings in parts
            for frames, length in zip(embeddings, part.num_frames, strict=True)
        ]


class TaggerEstimator(ClassifierMixin, ModelEstimator):
    """A model that learns from labels. After `fit`, it has the attributes of `ModelEstimator`, and:

    Attributes:
        classes_: labels, in the order of the columns of `predict_proba`.
    """

    def fit(self: Estimator, X: Spectrograms, y: ArrayLike | None = None) -> Estimator:
        """Train on spectrograms and the label of each, from the start.

        Args:
            y: [instance]; by default the labels of the data sets in `X`.

        Raises:
            ValueError: spectrograms, labels, or a parameter, are unfit.
            AudeepError: as for the command.
        """
        data_sets, _ = as_data_sets(X)
        if y is None:
            return self._fit(data_sets)
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        check_consistent_length(np.concatenate([data_set.filenames for data_set in data_sets]), labels)
        classes = np.unique(labels)
        if len(classes) < 2:
            raise ValueError(f"y has {len(classes)} class, two or more are needed to learn from")
        self._fit(labelled(data_sets, labels, classes))
        self.classes_ = classes
        return self

    def predict(self, X: Spectrograms) -> NDArray[Any]:
        """The most probable label of each spectrogram [instance].

        Raises:
            ValueError: spectrograms have another shape than those trained on.
        """
        most_probable = self.predict_proba(X).argmax(axis=1)
        return self.classes_[most_probable]  # type: ignore[no-any-return]

    def predict_proba(self, X: Spectrograms) -> NDArray[np.float32]:
        """Probabilities [instance, class].

        Raises:
            ValueError: spectrograms have another shape than those trained on.
        """
        data_sets, _ = self._checked(X)
        model = self._on_device
        return np.concatenate([scores_of(model, data_set) for data_set in data_sets])

    def _take(self, logs: Path, step: int | str | None = None) -> None:
        super()._take(logs, step)
        self.classes_ = np.array(self.model_.labels)


def _partition(given: Partition | str) -> Partition:
    try:
        return Partition[given] if isinstance(given, str) else Partition(given)
    except (KeyError, ValueError):
        names = ", ".join(Partition.__members__)
        raise ValueError(f"validation_partition={given!r}: expected some of {names}") from None


@cache
def estimator(kind: str) -> type[Any]:
    """The estimator of a kind of model, of this package or of another one.

    ::

        vectors = estimator("t-rae")(num_units=64).fit_transform("spectrograms.nc")

    Raises:
        ModelError: there is no such kind, or its package cannot be imported.
    """
    model_type = model_type_of(kind)
    base: type[ModelEstimator] = FrameEstimator if model_type.level == "frame" else VectorEstimator
    if issubclass(model_type, Tagger):
        base = TaggerEstimator
    facts = {"kind": kind, "model_type": model_type, "__module__": "audeep.estimators"}
    about = f"{description_of(kind).capitalize()}, as an estimator of scikit-learn.\n\n{model_type.__doc__ or ''}"
    made = type(model_type.__name__, (base,), {**facts, "__doc__": about})
    return with_parameters(parameters_of(model_type), model_type.config_type, options_type_of(model_type))(made)
