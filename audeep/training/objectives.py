# SPDX-License-Identifier: GPL-3.0-or-later
"""What a training minimises: the loss of a batch, its mean in validation, and what TensorBoard is shown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from audeep.models.base import Autoencoder, Batch, Network, Tagger
from audeep.models.layers.windows import windows_of

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


Number = TypeVar("Number", float, Tensor)  # a scalar; of a tensor there may be gradients


class Objective(Protocol):
    """What a training minimises. A kind of model may bring one of its own as `Network.objective`.

    Where several processes share a batch, each has the loss of its part; what `mean` makes of the sums of what `total`
    makes of these has to be the loss of the batch.
    """

    def loss(self, batch: Batch) -> Tensor:
        """The loss of a batch, a scalar."""

    def total(self, loss: Number, batch: Batch) -> tuple[Number, float]:
        """What is added up: a value of the batch, from its loss, and its weight."""

    def mean(self, value: Number, weight: Number) -> Number:
        """The loss from the sums of both; in validation it must not depend on how instances are put into batches."""

    def show(self, summary: SummaryWriter, batch: Batch, step: int) -> None:
        """Write to TensorBoard what the model makes of the first instances."""


@runtime_checkable
class LearnsBeside(Protocol):
    """An objective that has weights of its own."""

    def learned_beside(self, num_instances: int) -> nn.Module | None:
        """What is learned beside the model, to train it on so many instances; kept to go on with, not to be applied."""


class Reconstruction:
    """Root mean squared error of what an autoencoder reconstructs, over all frames."""

    def __init__(self, model: Autoencoder) -> None:
        self.model = model

    def loss(self, batch: Batch) -> Tensor:
        return self.model.loss(batch.frames, batch.lengths)

    def total(self, loss: Number, batch: Batch) -> tuple[Number, float]:
        num_frames = batch.frames.shape[:2].numel() if batch.lengths is None else int(batch.lengths.sum())
        return loss**2 * num_frames, num_frames

    def mean(self, value: Number, weight: Number) -> Number:
        mean = value / weight
        return mean.sqrt() if isinstance(mean, Tensor) else math.sqrt(mean)

    def show(self, summary: SummaryWriter, batch: Batch, step: int) -> None:
        """Reconstructions above their originals, time to the right and frequency upward."""
        reconstructed = self.model.reconstruct(batch.frames, batch.lengths)
        pairs = torch.cat([batch.frames, reconstructed], dim=2)  # [batch, time, 2 * freq], low first
        images = (pairs.transpose(1, 2).flip(1).clamp(-1, 1) + 1) / 2
        summary.add_images("reconstruction above original", images.unsqueeze(1), step)


class Tagging:
    """Cross-entropy of the logits of a tagger with the labels; binary, where a recording may have several."""

    def __init__(self, model: Tagger) -> None:
        self.model = model

    def loss(self, batch: Batch) -> Tensor:
        assert batch.targets is not None, "what a tagger is trained on has labels"
        logits = self.model(*self.model.fitted(batch.frames, batch.lengths))
        if self.model.config.multi_label:
            return nn.functional.binary_cross_entropy_with_logits(logits, batch.targets)
        return nn.functional.cross_entropy(logits, batch.targets)

    def total(self, loss: Number, batch: Batch) -> tuple[Number, float]:
        return loss * len(batch.frames), len(batch.frames)

    def mean(self, value: Number, weight: Number) -> Number:
        return value / weight

    def show(self, summary: SummaryWriter, batch: Batch, step: int) -> None:
        """How many of these instances have the right label on top."""
        assert batch.targets is not None, "what a tagger is shown has labels"
        best = self.model(*self._first_windows(batch)).argmax(dim=1)
        found = soft(batch.targets, self.model.config.num_labels).gather(1, best.unsqueeze(1)) > 0
        summary.add_scalar("accuracy/first instances", found.float().mean(), step)

    def _first_windows(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Recordings as the model reads them; of those that are read in windows, the first one."""
        config = self.model.config
        if config.window_frames is None:
            return self.model.fitted(batch.frames, batch.lengths)
        starts = torch.zeros(len(batch.frames), dtype=torch.long)
        size, fill, pad_value = config.window_frames, config.fill, config.pad_value
        return windows_of(batch.frames, batch.lengths, starts, size, fill, pad_value), None


def soft(targets: Tensor, num_labels: int) -> Tensor:
    """Targets as numbers from 0 to 1: [batch, label]."""
    return targets if targets.is_floating_point() else nn.functional.one_hot(targets, num_labels).float()


def objective_of(model: Network) -> Objective:
    """What a model of this kind minimises."""
    if model.objective is not None:
        own: Objective = model.objective(model)
        return own
    if isinstance(model, Tagger):
        return Tagging(model)
    assert isinstance(model, Autoencoder), "there are two families"
    return Reconstruction(model)
