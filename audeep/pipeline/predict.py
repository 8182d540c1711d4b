# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of the labels that trained taggers know."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from audeep.data.data_set import DataSet
from audeep.data.schema import Split
from audeep.data.scores import with_scores
from audeep.errors import DataError, ModelError, OptionError
from audeep.inference.embedder import check_made_alike, check_shape
from audeep.inference.tagger import BATCH_SIZE, Scores, of_batch, scores_of, spaced_scores, tagger_in
from audeep.models.checkpoints import preprocessing_of, step_of, steps_in
from audeep.models.devices import select_device
from audeep.pipeline.generate import on_cluster
from audeep.training.folds import fold_directory, folds_in

logger = logging.getLogger(__name__)

Scorer = Callable[[Path, DataSet], tuple[Scores, tuple[str, ...]]]  # by the models in a directory; and their labels


def predict_scores(
    model_directories: Sequence[Path],
    data_set: DataSet,
    step: int | str | None = None,
    *,
    kind: str | None = None,
    out_of_fold: bool = False,
    num_excerpts: int | None = None,
    excerpt_frames: int | None = None,
    batch_size: int = BATCH_SIZE,
    device: str = "auto",
    any_preprocessing: bool = False,
    cluster: str | None = None,
) -> DataSet:
    """Instances with the probability of each label as features [label], the mean over some models.

    Args:
        model_directories: of models, or of runs of folds, all of whose models are taken.
        step: of the checkpoints, or `checkpoints.BEST`; by default the newest.
        kind: the kind of model expected.
        out_of_fold: take the instances that each fold is validated on alone, and for each the model of its fold.
        num_excerpts: average over so many excerpts of `excerpt_frames` frames, spread evenly over each recording, which
            is read whole or in windows otherwise.
        any_preprocessing: take spectrograms that were made with other settings than those trained on.
        cluster: the address of a dask scheduler whose workers compute batches, or "local:N" for N processes of this
            machine; `audeep[dask]` has what this needs.

    Raises:
        OptionError: spectrograms were made with other settings; or excerpts have a number but no length, or no number.
        ModelError: a checkpoint is missing, damaged, or not of a tagger; or models know different labels.
        ShapeError: a model was trained on another shape, or a recording is too short.
        DataError: there is no instance, or one of several labels is unknown to the models.
    """
    if not len(data_set):
        raise DataError("there is no instance to predict a label for; check the input and the partitions")
    if (num_excerpts is None) != (excerpt_frames is None):
        raise OptionError("num_excerpts and excerpt_frames: one of them is missing; give both or neither")

    def score(directory: Path, instances: DataSet) -> tuple[Scores, tuple[str, ...]]:
        number = step_of(directory, step)  # once, as a training may go on meanwhile
        model = tagger_in(directory, number, kind)
        check_shape(model, instances, directory)
        if not any_preprocessing:
            check_made_alike(preprocessing_of(directory, number), instances, directory)
        if cluster is None:
            model.to(select_device(device))
        make = partial(_of_batch, directory, number, batch_size, device)
        each = None if cluster is None else on_cluster(cluster, make, directory)
        if num_excerpts is None or excerpt_frames is None:
            return scores_of(model, instances, batch_size, each), model.labels
        return spaced_scores(model, instances, num_excerpts, excerpt_frames, batch_size, each), model.labels

    if out_of_fold:
        return _out_of_fold(model_directories, data_set, score)
    directories = [each for directory in model_directories for each in with_folds(directory)]
    total, labels = score(directories[0], data_set)
    for directory in directories[1:]:
        scores, others = score(directory, data_set)
        check_same_labels(labels, others, directories[0], directory)
        total = total + scores
    return with_scores(data_set, total / np.float32(len(directories)), labels)


def _of_batch(directory: Path, step: int, batch_size: int, device: str) -> Callable[[Any], Scores]:
    """What gives scores of batches, by a model that is loaded for it."""
    return partial(of_batch, tagger_in(directory, step).to(select_device(device)), batch_size)


def with_folds(directory: Path) -> list[Path]:
    """The directory of models; of a run of folds, those of its folds."""
    if steps_in(directory) or not any(directory.glob("fold-*")):
        return [directory]
    return [fold_directory(directory, fold) / "logs" for fold in folds_in(directory)]


def _out_of_fold(model_directories: Sequence[Path], data_set: DataSet, score: Scorer) -> DataSet:
    """The instances that folds are validated on, in their order, with the scores by the models of those folds."""
    if len(model_directories) > 1:
        raise OptionError(
            "out_of_fold=True: takes the models of one run; name one, and fuse the predictions of several"
        )
    run = model_directories[0]
    folds, labels = folds_in(run), None
    sums, counts = np.zeros(0), np.zeros(len(data_set))
    for fold in folds:
        if fold > data_set.num_folds:
            raise DataError(
                f"{data_set.source or 'the input'}: has {data_set.num_folds} cross-validation folds, {run} has a model"
                f" of fold {fold}; predict the data set that it was trained on"
            )
        rows = np.flatnonzero(data_set.cv_folds[:, fold - 1] == Split.VALID)
        if not len(rows):
            continue
        directory = fold_directory(run, fold) / "logs"
        scores, found = score(directory, data_set[rows])
        if labels is None:
            labels, sums = found, np.zeros((len(data_set), len(found)), np.float32)
        check_same_labels(labels, found, run, directory)
        sums[rows] += scores
        counts[rows] += 1
    rows = np.flatnonzero(counts)
    if labels is None:
        raise DataError(f"{data_set.source or 'the input'}: no instance is for validation in the folds of {run}")
    if len(rows) < len(data_set):
        left_out = len(data_set) - len(rows)
        logger.info("%d of %d instances are not for validation in any fold of %s", left_out, len(data_set), run)
    scores = (sums[rows] / counts[rows, np.newaxis]).astype(np.float32)
    return with_scores(data_set[rows], scores, labels)


def check_same_labels(labels: Sequence[str], others: Sequence[str], first: Path, other: Path) -> None:
    """Check that models know the same labels.

    Raises:
        ModelError: they do not.
    """
    if tuple(labels) != tuple(others):
        differing = sorted(set(labels) ^ set(others)) or ["their order"]
        raise ModelError(
            f"{other}: knows other labels than the model in {first} (they differ in {', '.join(differing[:3])}); name"
            " models that were trained on the same labels"
        )
