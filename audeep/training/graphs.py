# SPDX-License-Identifier: GPL-3.0-or-later
"""Training steps recorded as CUDA graphs: a recurrent network is thousands of small operations, whose start costs more
than their work."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from audeep.models.base import Batch
from audeep.models.layers.draws import Draws, drawing_from, generator_for

logger = logging.getLogger(__name__)

STEPS_BEFORE = 3  # with batches of a shape, until one is recorded; they also make ready what libraries need
MOST_GRAPHS = 4  # each has memory of its own

Gradients = Callable[[Batch], Tensor]
Shape = tuple[torch.Size, torch.dtype, torch.Size | None, torch.dtype | None]  # of frames and targets


class RecordedSteps:
    """Losses and gradients of batches on a CUDA device, those of frequent shapes by graphs.

    A graph does again what was done on the device, and nothing else: random numbers follow from the state that the
    generator of the device has when a step begins, whether it is recorded or not. What draws on the CPU or waits for
    the device is not recorded, nor are batches of sequences that differ in length.

    Args:
        gradients: gives the loss of a batch, and adds gradients to those of `parameters`.
        is_on: without it, nothing is recorded.
    """

    def __init__(self, gradients: Gradients, parameters: Sequence[nn.Parameter], is_on: bool) -> None:
        self.gradients, self.parameters = gradients, parameters
        self.is_on = is_on and not os.environ.get("AUDEEP_PLAIN_STEPS")
        self.counts = Counter[Shape]()
        self.graphs: dict[Shape, _Graph] = {}

    def __call__(self, batch: Batch) -> Tensor:
        """The loss of a batch; parameters, which must not have any gradients yet, get theirs."""
        shape = _shape_of(batch)
        if not self.is_on or shape is None:
            return self.gradients(batch)
        if shape not in self.graphs:
            self.counts[shape] += 1
            if self.counts[shape] <= STEPS_BEFORE or len(self.graphs) == MOST_GRAPHS:
                return self.gradients(batch)
            graph = _recorded(self.gradients, batch, self.parameters)
            if graph is None:
                self.is_on = False
                self.graphs.clear()
                return self.gradients(batch)
            self.graphs[shape] = graph
        return self.graphs[shape].run(batch)


def _shape_of(batch: Batch) -> Shape | None:
    """What batches have in common that one graph can do; None where none can."""
    frames, lengths, targets = batch
    if frames.device.type != "cuda" or lengths is not None:
        return None
    return frames.shape, frames.dtype, *((None, None) if targets is None else (targets.shape, targets.dtype))


class _RecordedDraws(Draws):
    """Draws on the device alone, from a generator that graphs know."""

    def __init__(self, generator: Generator) -> None:
        super().__init__(0)
        self.generator = generator

    def generator_for(self, device: torch.device) -> Generator:
        if device.type != "cuda":
            raise RuntimeError(f"random numbers are drawn on {device}")
        return self.generator


@dataclass(frozen=True)
class _Graph:
    """A step, and where in memory it reads and writes."""

    graph: torch.cuda.CUDAGraph
    generator: Generator
    batch: Batch
    loss: Tensor
    parameters: Sequence[nn.Parameter]
    found: Sequence[Tensor | None]  # the gradients

    def run(self, batch: Batch) -> Tensor:
        """The loss of a batch of this shape, while parameters get gradients."""
        generator = generator_for(self.batch.frames.device)
        if generator is not None:
            self.generator.set_state(generator.get_state())
        for place, values in zip(self.batch, batch, strict=True):
            if place is not None and values is not None:
                place.copy_(values)
        self.graph.replay()
        for parameter, gradient in zip(self.parameters, self.found, strict=True):
            parameter.grad = gradient
        return self.loss


def _recorded(gradients: Gradients, batch: Batch, parameters: Sequence[nn.Parameter]) -> _Graph | None:
    """A step with a batch like this one, which is not done; None if it does what cannot be recorded."""
    graph, generator = torch.cuda.CUDAGraph(), Generator(batch.frames.device)
    graph.register_generator_state(generator)
    places = Batch(*(None if each is None else each.clone() for each in batch))  # type: ignore[arg-type]
    try:
        # relaxed: libraries may load what they need, and other threads go on to use the device
        with drawing_from(_RecordedDraws(generator)), torch.cuda.graph(graph, capture_error_mode="relaxed"):
            loss = gradients(places)
    except RuntimeError as error:  # what draws elsewhere, waits for the device, or needs more memory than there is
        logger.debug("steps are not recorded: %s", error)
        for parameter in parameters:
            parameter.grad = None
        own = torch.cuda.default_generators[batch.frames.device.index]
        own.graphsafe_set_state(own.clone_state())  # PyTorch leaves it as if recording went on
        return None
    return _Graph(graph, generator, places, loss, parameters, [each.grad for each in parameters])
