# SPDX-License-Identifier: GPL-3.0-or-later
"""What came out of an evaluation: predictions, their scores, and a record of both in plain Python."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from sklearn.metrics import confusion_matrix

from audeep.evaluation.metrics import LABEL_MEASURES, VALUE_MEASURES, Measure, class_scores


@dataclass(frozen=True)
class Fold:
    """What was predicted in one validation split: of each instance, or of each file where its chunks voted.

    Attributes:
        filenames, chunk_nrs: [instance]; those of the first chunk of a file.
        true: numeric labels or values [instance].
        predicted: the same as predicted, [repeat, instance].
        complexity: that of the learner, if it was chosen within the training data.
    """

    filenames: np.ndarray
    chunk_nrs: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    complexity: float | None = None


@dataclass(frozen=True)
class Evaluation(ABC):
    """Results of an evaluation.

    Attributes:
        folds: one for partitioned evaluation.
        scores: by name, each [repeat, fold].
    """

    folds: tuple[Fold, ...]

    measures: ClassVar[Mapping[str, Measure]]

    @cached_property
    def scores(self) -> dict[str, np.ndarray]:
        """By name, each [repeat, fold]."""
        return {
            name: np.array([[measure(fold.true, run) for run in fold.predicted] for fold in self.folds]).T
            for name, measure in self.measures.items()
        }

    @cached_property
    def together(self) -> Fold:
        """All folds as if they were one."""
        columns = zip(*((fold.filenames, fold.chunk_nrs, fold.true) for fold in self.folds), strict=True)
        filenames, chunk_nrs, true = map(np.concatenate, columns)
        return Fold(filenames, chunk_nrs, true, np.concatenate([fold.predicted for fold in self.folds], axis=1))

    def record(self) -> dict[str, Any]:
        """All results in plain Python: scores, and the predictions of each fold; NaN is None."""
        return {
            "scores": {name: _summary(scores) for name, scores in self.scores.items()},
            "folds": [
                {
                    **({} if fold.complexity is None else {"complexity": fold.complexity}),
                    "scores": {name: _plain(scores[:, position]) for name, scores in self.scores.items()},
                    "predictions": [
                        {"filename": str(filename), "chunk_nr": int(chunk), "true": true, "predicted": predicted}
                        for filename, chunk, true, predicted in zip(
                            *(fold.filenames, fold.chunk_nrs, self._named(fold.true), self._named(fold.predicted.T)),
                            strict=True,
                        )
                    ],
                }
                for position, fold in enumerate(self.folds)
            ],
        }

    @abstractmethod
    def _named(self, predictions: np.ndarray) -> list[Any]:
        """Labels or values as a record has them."""


@dataclass(frozen=True)
class ClassEvaluation(Evaluation):
    """Results of predicting labels; scores are accuracy and UAR, the unweighted average recall.

    Attributes:
        label_map: numbers of the classes by name, sorted by number.
    """

    label_map: dict[str, int]
    measures = LABEL_MEASURES

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their numbers."""
        return tuple(self.label_map)

    @cached_property
    def confusions(self) -> np.ndarray:
        """[repeat, fold, true class, predicted class], counts; classes in the order of `labels`."""
        classes = list(self.label_map.values())
        by_fold = [[confusion_matrix(fold.true, run, labels=classes) for run in fold.predicted] for fold in self.folds]
        return np.array(by_fold).swapaxes(0, 1)

    @property
    def confusion(self) -> np.ndarray:
        """[true class, predicted class], counts summed over folds and repeats."""
        return np.asarray(self.confusions.sum(axis=(0, 1)))

    @property
    def class_scores(self) -> dict[str, np.ndarray]:
        """Recall, precision, F1 and number of instances of each class, over folds and repeats: [class]."""
        true = np.concatenate([np.tile(fold.true, len(fold.predicted)) for fold in self.folds])
        predicted = np.concatenate([fold.predicted.ravel() for fold in self.folds])
        return class_scores(true, predicted, list(self.label_map.values()))

    @property
    def accuracies(self) -> np.ndarray:
        """[repeat, fold]."""
        return self.scores["accuracy"]

    @property
    def recalls(self) -> np.ndarray:
        """Unweighted average recall, [repeat, fold]."""
        return self.scores["UAR"]

    def record(self) -> dict[str, Any]:
        return {
            **super().record(),
            "labels": self.label_map,
            "confusion_matrix": self.confusion.tolist(),
            "confusion_matrices": self.confusions.tolist(),
        }

    def _named(self, predictions: np.ndarray) -> list[Any]:
        names = {number: name for name, number in self.label_map.items()}
        return list(np.vectorize(names.get, otypes=[object])(predictions).tolist())


@dataclass(frozen=True)
class ValueEvaluation(Evaluation):
    """Results of predicting values; scores are Pearson's r, Lin's CCC, Spearman's rho, MAE and RMSE."""

    measures = VALUE_MEASURES

    @property
    def joint_scores(self) -> dict[str, float]:
        """Scores of all folds as if they were one, means over repeats: where values differ little within folds."""
        true, runs = self.together.true, self.together.predicted
        return {name: float(np.mean([measure(true, run) for run in runs])) for name, measure in self.measures.items()}

    def record(self) -> dict[str, Any]:
        joint = self.joint_scores
        return {**super().record(), "joint_scores": dict(zip(joint, _plain(joint.values()), strict=True))}

    def _named(self, predictions: np.ndarray) -> list[Any]:
        plain = predictions.astype(object)
        plain[~np.isfinite(predictions)] = None
        return list(plain.tolist())


def mean_and_deviation(scores: np.ndarray) -> tuple[float, float]:
    """Mean of scores [repeat, fold], and twice the standard deviation over folds of their means over repeats."""
    by_fold = scores.mean(axis=0)
    return float(by_fold.mean()), float(2 * by_fold.std())


def _summary(scores: np.ndarray) -> dict[str, float | None]:
    return dict(zip(("mean", "two_standard_deviations"), _plain(mean_and_deviation(scores)), strict=True))


def _plain(numbers: Iterable[float]) -> list[float | None]:
    return [None if np.isnan(number) else float(number) for number in numbers]
