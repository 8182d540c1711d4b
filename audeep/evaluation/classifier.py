# SPDX-License-Identifier: GPL-3.0-or-later
"""Linear SVMs and MLPs that are fitted once and kept: `classifier.safetensors`, which runs no code when it is loaded.

The arrays ``mean`` and ``scale`` [feature] and, for each layer, ``weight.N`` [output, input] and ``bias.N`` [output],
and one JSON text::

    {"format": 1, "classifier": "svm", "labels": [...], "settings": {...}, "preprocessing": {...}, "model": <SHA-256>}

of which the last two tell what model the features are from, and may be absent.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file
from scipy.special import softmax

from audeep.data.data_set import DataSet
from audeep.data.scores import with_scores
from audeep.errors import ModelError, OptionError, ShapeError
from audeep.evaluation.learners import Layer, LearnerChoice, MlpLearner, SvmLearner
from audeep.evaluation.plan import DEFAULT_PLAN, EvaluationPlan
from audeep.evaluation.predictors import check_named, make_predictor, vectors_of
from audeep.models.checkpoints import logs_in, model_path, preprocessing_of, step_of
from audeep.models.tensors import read_tensors
from audeep.runtime.files import replacing, write_failures

FORMAT = 1
KINDS = {SvmLearner: "svm", MlpLearner: "mlp"}

_HEADER = "audeep-classifier"
_SIZES = {"mean": 1, "scale": 1, "weight": 2, "bias": 1}  # axes of arrays

Scores = NDArray[np.float32]  # [instance, label]


@dataclass(frozen=True)
class Classifier:
    """A fitted SVM or MLP with the standardisation of its features.

    Attributes:
        kind: "svm" or "mlp".
        labels: their names, in the order of the scores.
        mean, scale: of the features trained on [feature].
        layers: see `learners`.
        settings: that it was trained with.
        preprocessing: settings that the spectrograms were made with of which the features are; None if not known.
        model: the SHA-256 of the file of the model that the features are from; None if not known.
    """

    kind: str
    labels: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    layers: list[Layer]
    settings: Mapping[str, Any] = field(default_factory=dict)
    preprocessing: Mapping[str, Any] | None = None
    model: str | None = None

    @property
    def num_features(self) -> int:
        """Length of the vectors that it takes."""
        return len(self.mean)

    def __call__(self, features: np.ndarray) -> Scores:
        """Scores of the labels [instance, label], which add up to 1, from features [instance, feature].

        Of an MLP these are its probabilities. Of an SVM they are the softmax of its decision values, in whose order
        they are; no probabilities were estimated for it.

        Raises:
            ShapeError: vectors have another length.
        """
        if features.shape[1:] != self.mean.shape:
            raise ShapeError(
                f"features have shape {features.shape[1:]}, the classifier takes {self.num_features}; generate them"
                " with the model that it was fitted on"
            )
        values = (features - self.mean) / self.scale
        for number, (weights, biases) in enumerate(self.layers):
            values = (np.maximum(values, 0) if number else values) @ weights.T + biases
        if values.shape[1] < len(self.labels):  # one value that tells two classes apart
            values = np.concatenate([-values, values], axis=1) / 2
        scores: Scores = softmax(values, axis=1).astype(np.float32)
        return scores

    def save(self, path: Path | str) -> None:
        """Write a file.

        Raises:
            OutputError: it cannot be written.
        """
        arrays = {"mean": self.mean, "scale": self.scale}
        for number, (weights, biases) in enumerate(self.layers):
            arrays |= {f"weight.{number}": weights, f"bias.{number}": biases}
        facts = {"format": FORMAT, "classifier": self.kind, "labels": self.labels, "settings": dict(self.settings)}
        known = {"preprocessing": self.preprocessing, "model": self.model}
        text = json.dumps({**facts, **{name: value for name, value in known.items() if value is not None}})
        with replacing(path) as partial, write_failures(path, SafetensorError):
            save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, partial, {_HEADER: text})

    @classmethod
    def load(cls, path: Path | str) -> "Classifier":
        """The classifier in a file.

        Raises:
            ModelError: there is none, or it is damaged.
        """
        path = Path(path)
        header, tensors = read_tensors(path)
        facts = _facts(path, header)
        arrays: dict[str, np.ndarray] = {}
        for name, tensor in tensors.items():
            if str(tensor.dtype) not in ("torch.float32", "torch.float64"):
                raise ModelError(f"{path}: '{name}' is {tensor.dtype}, expected float32 or float64; it is damaged")
            arrays[name] = tensor.numpy()
            if not np.isfinite(arrays[name]).all():
                raise ModelError(f"{path}: '{name}' is NaN or infinite in places; fit the classifier again")
        problem = _problem(arrays, len(facts["labels"]), facts["classifier"])
        if problem is not None:
            raise ModelError(f"{path}: {problem}; it is damaged")
        layers = [(arrays[f"weight.{number}"], arrays[f"bias.{number}"]) for number in range(len(arrays) // 2 - 1)]
        labels = tuple(facts["labels"])
        more = facts["settings"], facts.get("preprocessing"), facts.get("model")
        return cls(facts["classifier"], labels, arrays["mean"], arrays["scale"], layers, *more)


def _facts(path: Path, header: Mapping[str, str]) -> dict[str, Any]:
    """What a classifier says of itself."""
    try:
        facts = json.loads(header[_HEADER])
        labels, settings, number = facts["labels"], facts["settings"], facts["format"]
        "".join(labels).encode()  # as text that can be written
        kind, preprocessing, model = facts["classifier"], facts.get("preprocessing"), facts.get("model")
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        reason = f"has no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: is not a classifier of audeep ({reason}); name what 'svm fit' writes") from error
    if type(number) is not int or not 1 <= number <= FORMAT:
        raise ModelError(f"{path}: has format {str(number)[:20]}, up to {FORMAT} is known; update audeep")
    if not (
        kind in KINDS.values()
        and isinstance(labels, list)
        and all(isinstance(label, str) for label in labels)
        and len(set(labels)) == len(labels) > 1
        and isinstance(settings, dict)
        and isinstance(preprocessing, dict | None)
        and isinstance(model, str | None)
    ):
        raise ModelError(f"{path}: says of itself what no classifier is; it is damaged")
    return dict(facts)


def _problem(arrays: Mapping[str, np.ndarray], num_labels: int, kind: str) -> str | None:
    """What is wrong with the arrays of a file, if anything."""
    num_layers = len(arrays) // 2 - 1
    layers = [name for number in range(num_layers) for name in (f"weight.{number}", f"bias.{number}")]
    expected = ["mean", "scale", *layers]
    if num_layers < 1 or set(arrays) != set(expected):
        return f"has the arrays {', '.join(sorted(arrays)[:6])}, mean, scale and weights with biases were expected"
    for name in expected:
        if arrays[name].ndim != _SIZES[name.partition(".")[0]]:
            return f"'{name}' has {arrays[name].ndim} axes, expected {_SIZES[name.partition('.')[0]]}"
    size = len(arrays["mean"])
    if not size or arrays["scale"].shape != (size,) or (arrays["scale"] <= 0).any():
        return "'scale' is not a positive number for each feature"
    for number in range(num_layers):
        weights, biases = arrays[f"weight.{number}"], arrays[f"bias.{number}"]
        if weights.shape != (len(biases), size):
            return f"'weight.{number}' is {list(weights.shape)}, expected {[len(biases), size]}"
        size = len(biases)
    if size != num_labels and not (kind == "svm" and (size, num_labels) == (1, 2)):
        return f"gives {size} values for {num_labels} labels"
    return None


def fit_classifier(
    train: DataSet,
    make_learner: LearnerChoice,
    plan: EvaluationPlan = DEFAULT_PLAN,
    model_directory: Path | str | None = None,
    step: int | str | None = None,
) -> Classifier:
    """A classifier of the feature vectors of `train` by their labels.

    ::

        classifier = fit_classifier(load("features.nc"), svms([0.01]), model_directory="run/logs")
        classifier.save("classifier.safetensors")

    Args:
        make_learner: of an SVM or an MLP.
        model_directory: of the model that the features are from, which the classifier remembers; `tag` checks it then.
        step: of this model, or "best"; by default the newest.

    Raises:
        DataError: an instance has no label, or all have the same.
        ShapeError: instances have more than one feature axis.
        OptionError: `plan` is for regression.
        ModelError: there is no such model.
    """
    if plan.regression:
        raise OptionError("regression=True: classifiers give labels; leave it out")
    check_named(train, train)
    predictor = make_predictor(make_learner, replace(plan, repeat=1)).fit(train)
    learner = predictor.learners[0]
    kind = KINDS.get(type(learner))
    if not isinstance(learner, SvmLearner | MlpLearner) or kind is None:
        raise OptionError(f"{type(learner).__name__} cannot be kept; take an SvmLearner or MlpLearner")
    names = {number: name for name, number in train.labels.items()}
    settings = {name: value for name, value in asdict(learner).items() if name not in ("seed", "device")}
    found = Classifier(
        kind,
        tuple(names[number] for number in learner.classes.tolist()),
        predictor.scaler.mean_,
        predictor.scaler.scale_,
        learner.layers(),
        {**settings, "seed": plan.seed, "upsample": plan.upsample, "instances": len(train)},
    )
    if model_directory is None:
        return found
    directory = Path(model_directory)
    chosen = step_of(directory, step)
    return replace(found, preprocessing=preprocessing_of(directory, chosen), model=digest_of(directory, chosen))


def digest_of(model_directory: Path, step: int) -> str:
    """The SHA-256 of the file of a model that is there."""
    return hashlib.sha256(model_path(logs_in(model_directory), step).read_bytes()).hexdigest()


def classify(classifier: Classifier, data_set: DataSet) -> DataSet:
    """Instances with the score of each label as features [label], from their feature vectors.

    Raises:
        ShapeError: vectors have another length than those trained on.
        DataError: a feature is not finite, or one of several labels of an instance is unknown to the classifier.
    """
    return with_scores(data_set, classifier(vectors_of(data_set)), classifier.labels)
