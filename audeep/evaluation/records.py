# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluations as files of `evaluate --json` have them, and several as one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from audeep.errors import DataError
from audeep.evaluation.results import ClassEvaluation, Evaluation, Fold, ValueEvaluation
from audeep.runtime.files import found_at, not_read


@dataclass(frozen=True)
class Recorded:
    """What a file has.

    Attributes:
        baselines: by name, as far as there are any.
        groups: of the recordings that are in one, by name.
        settings: options of the command.
    """

    evaluation: Evaluation
    baselines: Mapping[str, Evaluation] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def read_evaluation(path: Path) -> Recorded:
    """What `evaluate --json` wrote.

    Raises:
        DataError: the file cannot be read, or is of another command, or damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        baselines = {str(name): evaluation_of(record) for name, record in content.get("baselines", {}).items()}
        groups = {str(name): str(group) for name, group in content.get("groups", {}).items()}
        return Recorded(evaluation_of(content), baselines, groups, dict(content["settings"]))
    except OSError as error:
        what = found_at(path) if not path.is_file() else not_read(path, error)
        raise DataError(f"{path}: {what}; name a file of 'evaluate --json', or a folder of 'audeep run'") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise DataError(f"{path}: is not a file of 'evaluate --json' ({reason}); write it again") from error


def evaluation_of(record: Mapping[str, Any]) -> Evaluation:
    """The evaluation whose `record` this is.

    Raises:
        KeyError, ValueError, TypeError: it is not one.
    """
    if "labels" not in record:
        return ValueEvaluation(tuple(_fold(fold, _number) for fold in record["folds"]))
    labels = {str(name): int(number) for name, number in record["labels"].items()}
    return ClassEvaluation(tuple(_fold(fold, labels.__getitem__) for fold in record["folds"]), labels)


def _number(value: Any) -> float:
    return np.nan if value is None else float(value)


def _fold(record: Mapping[str, Any], number_of: Any) -> Fold:
    predictions = record["predictions"]
    return Fold(
        np.array([str(each["filename"]) for each in predictions], dtype=object),
        np.array([int(each["chunk_nr"]) for each in predictions], np.int64),
        np.array([number_of(each["true"]) for each in predictions]),
        np.array([[number_of(run) for run in each["predicted"]] for each in predictions]).T,
        record.get("complexity"),
    )


def matched(rows: Mapping[str, Sequence[Evaluation]]) -> dict[str, Evaluation]:
    """Each row of evaluations as one, with all folds together; those of a row count as repeats of each other.

    All have the same instances in the same order, and the same numbers of labels.

    Raises:
        DataError: some are of other recordings than those of the first row, or of other labels or values.
    """
    first_name, first = next((name, found[0]) for name, found in rows.items())
    names = {
        label: None
        for found in rows.values()
        for each in found
        if isinstance(each, ClassEvaluation)
        for label in each.labels
    }
    numbers = {name: number for number, name in enumerate(names)}
    reference = _ordered(first, numbers)
    joined = dict[str, Evaluation]()
    for name, found in rows.items():
        folds = [_ordered(each, numbers) for each in found]
        for each, fold in zip(found, folds, strict=True):
            is_same = type(each) is type(first) and all(
                np.array_equal(getattr(fold, column), getattr(reference, column))
                for column in ("filenames", "chunk_nrs", "true")
            )
            if not is_same:
                raise DataError(
                    f"{name}: is not of the same recordings, with the same labels or values, as {first_name}; compare"
                    " evaluations of the same data set"
                )
        together = Fold(
            *(reference.filenames, reference.chunk_nrs, reference.true),
            np.concatenate([fold.predicted for fold in folds]),
        )
        is_of_classes = isinstance(first, ClassEvaluation)
        joined[name] = ClassEvaluation((together,), numbers) if is_of_classes else ValueEvaluation((together,))
    return joined


def _ordered(evaluation: Evaluation, numbers: Mapping[str, int]) -> Fold:
    """All folds together, sorted by recording and chunk; labels by `numbers`."""
    fold = evaluation.together
    order = np.lexsort([fold.chunk_nrs, fold.filenames.astype(str)])
    true, predicted = fold.true[order], fold.predicted[:, order]
    if isinstance(evaluation, ClassEvaluation):
        by_number = {number: numbers[name] for name, number in evaluation.label_map.items()}
        renumber = np.vectorize(by_number.__getitem__, otypes=[np.int64])
        true, predicted = renumber(true), renumber(predicted)
    return Fold(fold.filenames[order], fold.chunk_nrs[order], true, predicted)
