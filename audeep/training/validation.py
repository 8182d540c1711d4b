# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings that training does not see, and the loss on them."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from audeep.data.data_set import DataSet
from audeep.data.schema import Partition, Split
from audeep.data.upsample import original_names
from audeep.errors import DataError, OptionError
from audeep.models.base import Batch
from audeep.models.devices import computing_in
from audeep.models.layers.draws import drawing_from
from audeep.training.batches import Batches
from audeep.training.distributed import ALONE, Processes
from audeep.training.objectives import Objective
from audeep.training.options import TaggingOptions, TrainingOptions

Parts = tuple[list[DataSet], list[DataSet]]


def held_out_parts(data_sets: Sequence[DataSet], options: TrainingOptions, seed: int) -> Parts:
    """Data sets to train on, and to validate on: a share of the recordings, partitions, or a fold.

    Raises:
        OptionError, DataError: as `hold_out_share`, `hold_out_partitions`, `hold_out_fold` and `verified_of`.
    """
    if options.validation_split is not None:
        train, held_out = hold_out_share(data_sets, options.validation_split, seed)
    elif options.validation_fold is not None:
        train, held_out = hold_out_fold(data_sets, options.validation_fold)
    else:
        train, held_out = hold_out_partitions(data_sets, options.validation_partition or ())
    if isinstance(options, TaggingOptions) and options.verified_only:
        held_out = verified_of(held_out)
    return train, held_out


def verified_of(data_sets: Sequence[DataSet]) -> list[DataSet]:
    """The instances of which labels have been verified by hand.

    Raises:
        DataError: there are none.
    """
    found = [data_set[np.flatnonzero(data_set.verified == 1)] for data_set in data_sets]
    if not any(map(len, found)):
        raise DataError(
            f"verified_only=True: no label of the {sum(map(len, data_sets))} held-out instances has been verified;"
            " leave it out, or hold out others"
        )
    return found


def hold_out_fold(data_sets: Sequence[DataSet], fold: int) -> Parts:
    """Data sets to train on, and to validate on: the splits of a cross-validation fold, counted from 1.

    Raises:
        DataError: a data set has no such fold, or one of its splits has no instance.
    """
    for number, data_set in enumerate(data_sets, 1):
        if fold > data_set.num_folds:
            raise DataError(
                f"validation_fold={fold}: input {number} has {data_set.num_folds} cross-validation folds; name another"
                " one, or make some with 'audeep modify --add-cv-setup'"
            )
    train, held_out = (
        [data_set.split(fold - 1, split) for data_set in data_sets] for split in (Split.TRAIN, Split.VALID)
    )
    for parts, purpose in ((train, "training"), (held_out, "validation")):
        if not any(map(len, parts)):
            raise DataError(f"validation_fold={fold}: no instance of this fold is for {purpose}; name another one")
    return train, held_out


def hold_out_share(data_sets: Sequence[DataSet], share: float, seed: int) -> Parts:
    """Data sets to train on, and to validate on: a `share` of the recordings drawn at random, at least one.

    Chunks of a recording, what `upsample` made of it, and what has its file name in other data sets stay together.

    Raises:
        OptionError: no recording would be left to train on.
    """
    names = [original_names(data_set.filenames) for data_set in data_sets]
    recordings = sorted(set(np.concatenate(names)))
    count = max(1, round(share * len(recordings)))
    if count >= len(recordings):
        raise OptionError(
            f"validation_split={share:g}: takes {count} of {len(recordings)} recordings, none is left to train on;"
            " choose a smaller share"
        )
    # epochs draw from [seed, 1] and on
    drawn = np.random.default_rng([seed, 0]).choice(len(recordings), count, replace=False)
    held_out = {recordings[position] for position in drawn}
    return _parted(data_sets, [np.array([name in held_out for name in each], dtype=bool) for each in names])


def hold_out_partitions(data_sets: Sequence[DataSet], partitions: Sequence[Partition]) -> Parts:
    """Data sets to train on, and to validate on: the instances in `partitions`.

    Raises:
        DataError: no instance is in these partitions, or all are.
    """
    masks = [np.isin(data_set.partition, [float(partition) for partition in partitions]) for data_set in data_sets]
    found, total = sum(mask.sum() for mask in masks), sum(map(len, data_sets))
    if found in (0, total):
        names = " ".join(partition.name for partition in partitions)
        which = "all instances are" if found else "no instance is"
        raise DataError(
            f"validation_partition={names}: {which} in there; name other partitions, or make some with"
            " 'audeep modify --add-partitioning'"
        )
    return _parted(data_sets, masks)


def _parted(data_sets: Sequence[DataSet], masks: Sequence[np.ndarray]) -> Parts:
    train, validation = (
        [data_set[np.flatnonzero(mask == wanted)] for data_set, mask in zip(data_sets, masks, strict=True)]
        for wanted in (False, True)
    )
    return train, validation


@torch.inference_mode()
def validation_loss(
    objective: Objective,
    batches: Batches,
    precision: torch.dtype,
    seed: int,
    prepared: Callable[[Batch], Batch] | None = None,
    processes: Processes = ALONE,
) -> float:
    """The loss on all instances, of a model that is not in training mode: without dropout or noise.

    It does not depend on how instances are put into batches, but for rounding. Where a decoder is fed its own output is
    drawn from `seed`.

    Args:
        prepared: what the loss is computed on in place of a batch.
    """
    value, weight = 0.0, 0.0
    with drawing_from(seed):
        for batch in batches.epoch(np.random.default_rng(seed)):
            found = batch if prepared is None else prepared(batch)
            with processes.shared(found, views=len(found.frames) // len(batch.frames)) as (part, share):
                with computing_in(precision, part.frames.device):
                    loss = objective.loss(part)
            one_value, one_weight = objective.total(loss.item(), part)
            value += share * one_value
            weight += share * one_weight
    return objective.mean(*processes.sums(value, weight))
