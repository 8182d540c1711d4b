# SPDX-License-Identifier: GPL-3.0-or-later
"""How certain scores, and differences between them, are: the bootstrap over recordings (Efron and Tibshirani, 1993)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audeep.data.combine import aligned
from audeep.data.data_set import DataSet
from audeep.data.upsample import original_names
from audeep.evaluation.evaluate import Partitions, evaluate
from audeep.evaluation.learners import LearnerChoice
from audeep.evaluation.plan import DEFAULT_PLAN, EvaluationPlan
from audeep.evaluation.results import Evaluation
from audeep.runtime.constants import NUM_RESAMPLES
from audeep.runtime.progress import progress

CONFIDENCE = 0.95  # of intervals, which are between two percentiles

Interval = tuple[float, float]


@dataclass(frozen=True)
class Bootstrap:
    """Scores of evaluations of the same recordings, each by all its predictions and by resampled ones.

    Resampled are recordings, or groups of them where there are groups, with replacement, and for all evaluations the
    same. Predictions of all folds count together.

    Attributes:
        num_units: recordings or groups that are resampled.
        scores: by name [evaluation].
        samples: by name [evaluation, sample].
    """

    num_units: int
    has_groups: bool
    scores: Mapping[str, NDArray[np.float64]]
    samples: Mapping[str, NDArray[np.float64]]

    def interval(self, name: str, number: int) -> Interval:
        """Of a score of an evaluation."""
        return _interval(self.samples[name][number])

    def difference(self, name: str, number: int, other: int = 0) -> tuple[float, Interval]:
        """By how much a score of an evaluation is above that of another one."""
        scores, samples = self.scores[name], self.samples[name]
        return float(scores[number] - scores[other]), _interval(samples[number] - samples[other])

    @property
    def what(self) -> str:
        """What is resampled, in words."""
        return f"{self.num_units} {'groups' if self.has_groups else 'recordings'}"

    def record(self, number: int) -> dict[str, Any]:
        """Scores of an evaluation and their intervals, in plain Python; NaN is None."""
        return {
            name: {"score": _plain(scores[number]), "interval": [*map(_plain, self.interval(name, number))]}
            for name, scores in self.scores.items()
        }

    def record_of_difference(self, number: int) -> dict[str, Any]:
        """By how much scores of an evaluation are above those of the first, and intervals, in plain Python."""
        record = {}
        for name in self.scores:
            by, interval = self.difference(name, number)
            record[name] = {"difference": _plain(by), "interval": [*map(_plain, interval)]}
        return record


def compare(
    data_sets: Sequence[DataSet],
    make_learner: LearnerChoice,
    plan: EvaluationPlan = DEFAULT_PLAN,
    partitions: Partitions | None = None,
    num_samples: int = NUM_RESAMPLES,
) -> tuple[list[Evaluation], Bootstrap]:
    """Evaluate features of the same recordings with the same learner, on the same folds or partitions.

    ::

        _, found = audeep.compare([load("trained.nc"), load("untrained.nc")], svms([0.003]))
        by, (low, high) = found.difference("accuracy", 0, 1)

    Instances are matched by name and chunk. Folds, labels and groups may be in any of the data sets.

    Raises:
        DataError: data sets differ in instances or metadata, or as for `evaluate`.
    """
    merged, parts = aligned(data_sets)
    same = [merged.with_features(part.features, part.feature_dims) for part in parts]
    found = [evaluate(each, make_learner, plan, partitions) for each in same]
    return found, bootstrap(found, merged, num_samples, plan.seed)


def bootstrap(
    evaluations: Sequence[Evaluation], data_set: DataSet, num_samples: int = NUM_RESAMPLES, seed: int = 0
) -> Bootstrap:
    """Resample the predictions of evaluations of the same instances, all in the same way.

    Args:
        data_set: tells the groups of recordings.
    """
    return resampled(evaluations, groups_of(data_set), num_samples, seed)


def groups_of(data_set: DataSet) -> dict[str, str]:
    """The groups of the recordings that are in one, by name."""
    pairs = zip(original_names(data_set.filenames), data_set.groups, strict=True)
    return {str(name): str(group) for name, group in pairs if group is not None}


def resampled(
    evaluations: Sequence[Evaluation], groups: Mapping[str, str], num_samples: int = NUM_RESAMPLES, seed: int = 0
) -> Bootstrap:
    """As `bootstrap`, with the groups of recordings by name."""
    together = [evaluation.together for evaluation in evaluations]
    units = _units(together[0].filenames, groups)
    rows_of = _members(units)
    measured = [_measured(evaluation) for evaluation in evaluations]
    scores = np.array([measure(np.arange(len(units))) for measure in measured])  # [evaluation, score]
    found = []
    for chosen in progress(_drawn(len(rows_of), num_samples, seed), "resample", "samples", num_samples):
        rows = np.concatenate([rows_of[unit] for unit in chosen])
        found.append([measure(rows) for measure in measured])
    samples = np.array(found)  # [sample, evaluation, score]
    names = list(evaluations[0].measures)
    return Bootstrap(
        len(rows_of),
        bool(groups),
        dict(zip(names, scores.T, strict=True)),
        dict(zip(names, samples.transpose(2, 1, 0), strict=True)),
    )


def _measured(evaluation: Evaluation) -> Callable[[NDArray[np.int64]], list[float]]:
    """What gives the scores of some of the predictions of an evaluation, means over repeats."""
    together = evaluation.together

    def scores(rows: NDArray[np.int64]) -> list[float]:
        true, predicted = together.true[rows], together.predicted[:, rows]
        return [float(np.mean([measure(true, run) for run in predicted])) for measure in evaluation.measures.values()]

    return scores


def _units(filenames: np.ndarray, groups: Mapping[str, str]) -> NDArray[np.int64]:
    """The number of what each prediction belongs to: its group, or its recording where it has none [prediction]."""
    names = original_names(filenames)
    keys = [("recording", name) if groups.get(name) is None else ("group", groups[name]) for name in names]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys])


def _members(units: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The predictions of each unit."""
    order = np.argsort(units, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(units[order])) + 1)


def _drawn(num_units: int, num_samples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    generator = np.random.default_rng(seed)
    for _ in range(num_samples):
        yield generator.integers(num_units, size=num_units)


def _interval(samples: NDArray[np.float64]) -> Interval:
    """Between two percentiles; NaN where a score is not defined in some samples."""
    beyond = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(samples, [beyond, 100 - beyond])
    return float(low), float(high)


def _plain(number: float) -> float | None:
    return None if np.isnan(number) else float(number)
