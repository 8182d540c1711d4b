# SPDX-License-Identifier: GPL-3.0-or-later
"""How good predictions are: scores of labels, by whatever model, of recordings with one label or several."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from audeep.data.data_set import DataSet
from audeep.data.schema import Partition, Split
from audeep.data.scores import scores_of, truth_of
from audeep.errors import DataError, OptionError
from audeep.evaluation.metrics import LABEL_MEASURES, means_of_classes
from audeep.evaluation.plan import GROUPINGS
from audeep.evaluation.ranking import (
    average_precisions,
    label_weighted,
    label_weighted_precision,
    mean_average_precision,
    mean_average_precision_at,
    ranked,
)
from audeep.evaluation.results import ClassEvaluation, Fold
from audeep.evaluation.tagging import file_means

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mistake:
    """A recording, the true label with the lowest score, and the label with the highest that it has not."""

    filename: str
    chunk_nr: int
    true: str
    true_score: float
    predicted: str
    predicted_score: float


@dataclass(frozen=True)
class TagScores:
    """What scores of labels are worth.

    Attributes:
        names: of the labels.
        filenames, chunk_nrs: [instance]; those of the first chunk of a file whose chunks were averaged.
        truth: bool [instance, label].
        scores: [instance, label].
        several: whether a recording may have several labels.
        k: of MAP@k.
        groups: instances of each part that is measured alone, by name.
        best_only: whether scores tell no more than which labels are the best, so that lwlrap and mAP are left out.
    """

    names: tuple[str, ...]
    filenames: np.ndarray
    chunk_nrs: np.ndarray
    truth: np.ndarray
    scores: np.ndarray
    several: bool
    k: int
    groups: dict[str, np.ndarray]
    best_only: bool = False

    @cached_property
    def overall(self) -> dict[str, float]:
        """The measures of all instances, by name."""
        return self._measures(np.arange(len(self.truth)))

    @cached_property
    def by_group(self) -> dict[str, dict[str, float]]:
        """The measures of each group."""
        return {name: self._measures(rows) for name, rows in self.groups.items()}

    def _measures(self, rows: np.ndarray) -> dict[str, float]:
        truth, scores = self.truth[rows], self.scores[rows]
        measures: dict[str, float] = {}
        if not self.several:
            true, best = truth.argmax(axis=1), ranked(scores)[:, 0]
            measures = {name: measure(true, best) for name, measure in LABEL_MEASURES.items()}
        measures[f"MAP@{self.k}"] = mean_average_precision_at(truth, scores, self.k)
        if self.best_only:
            return measures
        return {
            **measures,
            "lwlrap": label_weighted_precision(truth, scores),
            "mAP": mean_average_precision(truth, scores),
        }

    @cached_property
    def evaluation(self) -> ClassEvaluation:
        """The labels with the highest scores, of recordings that have one label each."""
        true, best = self.truth.argmax(axis=1), ranked(self.scores)[:, 0]
        fold = Fold(self.filenames, self.chunk_nrs, true, best[np.newaxis])
        return ClassEvaluation((fold,), {name: number for number, name in enumerate(self.names)})

    @cached_property
    def class_scores(self) -> dict[str, np.ndarray]:
        """By name: number of recordings with each label, and what is said of it, [label]; NaN where not defined.

        Recall, precision and F1 for recordings of one label, lwlrap and average precision (AP) for those of several.
        """
        if not self.several:
            found = self.evaluation.class_scores
            return {"count": found["count"], **{name: found[name] for name in ("recall", "precision", "F1")}}
        return {
            "count": self.truth.sum(axis=0),
            "lwlrap": label_weighted(self.truth, self.scores).per_class,
            "AP": average_precisions(self.truth, self.scores),
        }

    @property
    def class_means(self) -> dict[str, float]:
        """Unweighted means of `class_scores` over the labels that occur; the sum of the counts."""
        return means_of_classes(self.class_scores)

    def mistakes(self, most: int) -> list[Mistake]:
        """The recordings with the worst mistakes, the worst first: where a label that is not true is ahead by most."""
        low = np.where(self.truth, self.scores, np.inf)
        high = np.where(self.truth, -np.inf, self.scores)
        rows, true, wrong = np.arange(len(low)), low.argmin(axis=1), ranked(high)[:, 0]
        ahead = high[rows, wrong] - low[rows, true]
        order = np.argsort(-ahead, kind="stable")
        return [
            Mistake(
                *(str(self.filenames[row]), int(self.chunk_nrs[row])),
                *(self.names[true[row]], float(low[row, true[row]])),
                *(self.names[wrong[row]], float(high[row, wrong[row]])),
            )
            for row in order[ahead[order] > 0][:most]
        ]

    def record(self) -> dict[str, Any]:
        """All results in plain Python: measures, what is said of each label, each prediction; NaN is None."""
        columns = {name: _plain(values.tolist()) for name, values in self.class_scores.items()}
        best = ranked(self.scores)[:, : self.k]
        instances = zip(self.filenames, self.chunk_nrs, self.truth, best, strict=True)
        return {
            "scores": _named(self.overall),
            "groups": {name: _named(scores) for name, scores in self.by_group.items()},
            "classes": {
                name: dict(zip(columns, row, strict=True))
                for name, row in zip(self.names, zip(*columns.values(), strict=True), strict=True)
            },
            **({} if self.several else {"confusion_matrix": self.evaluation.confusion.tolist()}),
            "predictions": [
                {
                    **{"filename": str(filename), "chunk_nr": int(chunk_nr)},
                    "true": [self.names[label] for label in np.flatnonzero(truth)],
                    "predicted": [self.names[label] for label in labels],
                }
                for filename, chunk_nr, truth, labels in instances
            ],
        }


def score(predictions: DataSet, k: int = 3, by: str | None = None, by_file: bool = False) -> TagScores:
    """Measure scores of labels against the labels that recordings have; those whose labels are not known are left out.

    ::

        scores = audeep.score(audeep.load("predictions.nc"), by="fold")
        print(scores.overall["lwlrap"], scores.by_group)

    Args:
        predictions: features are scores [label], see `audeep.data.scores`.
        k: how many labels MAP@k looks at.
        by: also measure the parts of the data by "partition", "fold" (validation splits) or "usage".
        by_file: take the mean of the scores of all chunks of a file.

    Raises:
        DataError: features are not scores or not finite, no label is known or one has no score, or the data have no
            such parts.
        OptionError: `k` is below 1, or there is no such grouping.
    """
    if k < 1:
        raise OptionError(f"k={k}: expected an integer >= 1")
    names, values = scores_of(predictions)
    check_finite(predictions, values)
    truth = truth_of(predictions, names)
    rows = np.flatnonzero(predictions.is_labelled)
    if not truth[rows].any():
        raise DataError(
            "no recording has a label to compare the scores with; check the input, and where labels are from"
        )
    if len(rows) < len(predictions):
        logger.info("%d of %d instances have no label and are left out", len(predictions) - len(rows), len(predictions))
    known, truth = predictions[rows], truth[rows]
    scores: np.ndarray = values[rows]
    if by_file:
        filenames = known.filenames.astype(str)
        firsts, scores = file_means(filenames, scores)
        truth = _truth_of_files(filenames, truth, firsts)
        known = known[firsts]
    groups = dict(_groups(known, by))
    return TagScores(names, known.filenames, known.chunk_nrs, truth, scores, predictions.has_label_sets, k, groups)


def check_finite(predictions: DataSet, values: np.ndarray) -> None:
    """Check that all scores [instance, label] are numbers.

    Raises:
        DataError: one is NaN or infinite.
    """
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        where = f"{predictions.source}: " if predictions.source else ""
        raise DataError(
            f"{where}{predictions.filenames[bad[0]]} has scores that are not finite (NaN or infinite), as {len(bad)} of"
            f" {len(values)} instances have; predict them again"
        )


def _truth_of_files(filenames: np.ndarray, truth: np.ndarray, firsts: np.ndarray) -> np.ndarray:
    """What is true of each file, whose chunks must agree."""
    _, files = np.unique(filenames, return_inverse=True)
    of_first: np.ndarray = truth[firsts]
    different = np.flatnonzero((truth != of_first[files]).any(axis=1))
    if len(different):
        raise DataError(
            f"{filenames[different[0]]}: its chunks have different labels; score them one by one, without by_file=True"
        )
    return of_first


def _groups(predictions: DataSet, by: str | None) -> Iterator[tuple[str, np.ndarray]]:
    """The name of each part that has instances, and these."""
    if by is None:
        return
    if by == "partition":
        masks = [(part.name, predictions.partition == part) for part in Partition]
    elif by == "fold":
        folds = range(predictions.num_folds)
        masks = [(f"fold {fold + 1}", predictions.cv_folds[:, fold] == Split.VALID) for fold in folds]
    elif by == "usage":
        names = sorted({name for name in predictions.usage if name is not None})
        masks = [(name, predictions.usage == name) for name in names]
    else:
        raise OptionError(f"by={by}: expected one of {', '.join(GROUPINGS)}")
    found = [(name, np.flatnonzero(mask)) for name, mask in masks if mask.any()]
    if not found:
        raise DataError(f"by={by}: no labelled recording has a {by}; leave it out, or add what the data lack")
    yield from found


def _named(scores: dict[str, float]) -> dict[str, float | None]:
    return dict(zip(scores, _plain(list(scores.values())), strict=True))


def _plain(numbers: list[float]) -> list[float | None]:
    return [None if np.isnan(number) else number for number in numbers]
