# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics of batch normalisation for a network that is not trained: those of the data."""

from collections.abc import Callable, Iterable
from itertools import islice

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from audeep.models.base import Batch
from audeep.models.layers.batch_norm import BatchNorm

NUM_BATCHES = 20  # over which statistics are averaged, at most


def calibrate(model: nn.Module, batches: Iterable[Batch], run: Callable[[Batch, int], object]) -> None:
    """Make running averages of batch normalisation the mean over the first batches; no other weight changes.

    Args:
        run: what a step of training does with a batch and its number, from 1, before there are gradients.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, BatchNorm | _BatchNorm)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    model.train()
    with torch.no_grad():
        for number, batch in enumerate(islice(batches, NUM_BATCHES), 1):
            for layer in layers:
                layer.momentum = 1 / number
            run(batch, number)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.eval()
