# SPDX-License-Identifier: GPL-3.0-or-later
"""What a training begins with: the config of its network, the batches, the optimiser."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from audeep.data.data_set import DataSet
from audeep.models.base import ContrastiveNetwork, Network, NetworkConfig, TaggerConfig
from audeep.runtime.options import from_json
from audeep.training.batches import Batches, common_shape
from audeep.training.labels import Labels
from audeep.training.options import ContrastiveOptions, TaggingOptions, TrainingOptions
from audeep.training.validation import held_out_parts

logger = logging.getLogger(__name__)


def optimiser_of(parameters: Sequence[nn.Parameter], options: TrainingOptions) -> torch.optim.Optimizer:
    """Adam, or with weight decay AdamW."""
    facts: dict[str, Any] = {"lr": options.learning_rate, "eps": options.epsilon, "fused": True}
    if options.weight_decay:
        return torch.optim.AdamW(parameters, weight_decay=options.weight_decay, **facts)
    return torch.optim.Adam(parameters, **facts)


def config_of(
    data_sets: Sequence[DataSet],
    model_type: type[Network],
    config: Mapping[str, Any],
    options: TrainingOptions,
    labels: Labels | None,
) -> NetworkConfig:
    """What the network is built from: the options asked for, and what follows from the data."""
    num_steps, num_features = common_shape(data_sets)
    if labels is None:
        facts = {"num_steps": num_steps, "num_features": num_features}
        if issubclass(model_type, ContrastiveNetwork) and options.crop_frames is not None:
            facts["excerpt_frames"] = options.crop_frames
        return from_json(model_type.config_type, {**facts, **config})
    lengths = options.crop_frames, config.get("window_frames"), config.get("fit_frames"), num_steps
    sizes = {
        "num_steps": next(length for length in lengths if length is not None),
        "num_features": num_features,
        "num_labels": len(labels.names),
        "multi_label": labels.are_sets,
    }
    return from_json(model_type.config_type, {**sizes, **config})


def batches_of(
    data_sets: Sequence[DataSet],
    options: TrainingOptions,
    seed: int,
    device: torch.device,
    labels: Labels | None,
    config: NetworkConfig,
) -> tuple[Batches, Batches | None]:
    """What to train on, and what is held out."""
    facts: dict[str, Any] = {"targets_of": None if labels is None else labels.targets_of}
    if isinstance(options, ContrastiveOptions):
        facts["are_numbered"] = True
    cut = config if isinstance(config, TaggerConfig) else None
    of_training: dict[str, Any] = {
        "cut": None if options.crop_frames is not None else cut,
        "is_balanced": isinstance(options, TaggingOptions) and options.class_balance,
        "passes": options.passes if isinstance(options, ContrastiveOptions) else 1,
    }
    if not options.validates or not any(map(len, data_sets)):
        return Batches(data_sets, options.batch_size, device, **facts, **of_training), None
    facts["shape"] = common_shape(data_sets)
    training, validation = held_out_parts(data_sets, options, seed)
    trained = Batches(training, options.batch_size, device, **facts, **of_training)
    if labels is not None and trained.targets is not None and options.validation_fold is not None:
        labels.check_all_occur(trained.targets.numpy(), options.validation_fold)
    held_out = Batches(validation, _batch_size_of_validation(options, cut, facts["shape"]), device, **facts, cut=cut)
    logger.info("%d of %d instances are held out", sum(map(len, validation)), sum(map(len, data_sets)))
    return trained, held_out


def _batch_size_of_validation(options: TrainingOptions, cut: TaggerConfig | None, shape: tuple[int, int]) -> int:
    """So many instances that about as many frames are read at a time as in training."""
    if cut is None or options.crop_frames is None:
        return options.batch_size
    num_frames = cut.window_frames or cut.fit_frames or shape[0]
    return max(1, options.batch_size * options.crop_frames // num_frames)
