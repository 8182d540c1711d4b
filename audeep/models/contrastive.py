# SPDX-License-Identifier: GPL-3.0-or-later
"""An encoder of convolutions, recurrent layers or both that learns to tell recordings apart (contrastive)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from audeep.errors import OptionError
from audeep.models import options
from audeep.models.base import Batch, ContrastiveNetwork, NetworkConfig
from audeep.models.layers.batch_norm import BatchNorm
from audeep.models.layers.conv import Block, Conv, Images, as_images, uniform
from audeep.models.layers.draws import draw_normal, draw_uniform, drawn
from audeep.models.layers.lengths import is_recorded, lengths_of, parts_of, single
from audeep.models.layers.pooling import moments, pooled, sliding
from audeep.models.layers.processes import gathered
from audeep.models.layers.recurrent import Recurrence, StackConfig
from audeep.runtime.options import option

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

Number = TypeVar("Number", float, Tensor)

NONE = "none"
INSTANCES, NT_XENT = "instances", "nt-xent"
MOMENTUM, EPSILON = 0.1, 1e-5  # of batch normalisation, as PyTorch has them
LONGEST_EXCERPT = 2**20
FRAMES_AT_A_TIME = 2**13  # are embedded, which bounds the memory needed
NUM_SHOWN = 16  # crops on a sheet


@dataclass(frozen=True)
class ContrastiveConfig(NetworkConfig):
    """Architecture, and what is minimised.

    Attributes:
        excerpt_frames: frames of the excerpts trained on.
    """

    excerpt_frames: int = option(96, "", least=1, most=LONGEST_EXCERPT)
    channels: str = option(
        "32,64,128,256", "channels of each convolution, or 'none' where there are none", metavar="N,..."
    )
    kernels: str = option(
        "5,3",
        "width of the kernel of each convolution, an odd number; the last one is that of the rest too",
        metavar="N,...",
    )
    time_strides: str = option(
        "2", "stride in time of each convolution; the last one is that of the rest too", metavar="N,..."
    )
    freq_strides: str = option(
        "2", "stride in frequency of each convolution; the last one is that of the rest too", metavar="N,..."
    )
    recurrent_layers: int = option(
        0, "bidirectional recurrent layers after the convolutions (default: none)", metavar="LAYERS"
    )
    recurrent_units: int = options.num_units(128)
    cell: str = options.cell()
    head_units: int = option(512, "units of the hidden layer between encoder and vectors", least=1, metavar="UNITS")
    vector_size: int = option(128, "length of the vectors that are compared", least=1, metavar="N")
    loss: str = option(
        INSTANCES,
        "instances learns a vector for each recording, that its excerpts are to be closest to; nt-xent compares two"
        " excerpts of each recording with those of others in the batch, for data sets of more than some ten thousand",
        choices=(INSTANCES, NT_XENT),
    )
    temperature: float = option(0.1, "cosines are divided by it", above=0, metavar="T")

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(kernel % 2 == 0 for _, kernel, *_ in self.layers):
            raise OptionError(f"kernels={self.kernels}: expected odd numbers, so that kernels have a middle")
        if not (self.layers or self.recurrent_layers):
            raise OptionError(f"channels={self.channels}: there are no layers; add some, or recurrent_layers=LAYERS")

    @property
    def layers(self) -> list[tuple[int, int, int, int]]:
        """Channels, width of the kernel, stride in time and in frequency of each convolution."""
        channels = [] if self.channels == NONE else _numbers("channels", self.channels)
        columns = [channels]
        for name in ("kernels", "time_strides", "freq_strides"):
            found = _numbers(name, getattr(self, name))
            columns.append((found + found[-1:] * len(channels))[: len(channels)])
        return list(zip(*columns, strict=True))

    def stack(self, num_inputs: int) -> StackConfig:
        """Shape of the recurrent layers."""
        return StackConfig(num_inputs, self.recurrent_layers, self.recurrent_units, True, self.cell)


def _numbers(name: str, text: str) -> list[int]:
    """The numbers of a text like "5,3".

    Raises:
        OptionError: it is not one.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,4}(,[1-9][0-9]{0,4}){0,31}", text):
        raise OptionError(f"{name}={text}: expected integers >= 1 with commas between them, such as 32,64")
    return [int(number) for number in text.split(",")]


class Contrastive(ContrastiveNetwork):
    """Convolutions and recurrent layers, trained so that augmented excerpts of a recording are told from others.

    The embedding is made of the outputs of all layers: of each channel and band, and of each recurrent unit, mean, log
    standard deviation and log standard deviation of deltas over time. Pooled features are those of the head: mean and
    standard deviation of its hidden units over all excerpts that are as long as those trained on.

    Instances are told apart as by Dosovitskiy et al., "Discriminative Unsupervised Feature Learning with Convolutional
    Neural Networks" (NIPS 2014), and Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance
    Discrimination" (CVPR 2018); NT-Xent is that of Chen et al., "A Simple Framework for Contrastive Learning of Visual
    Representations" (ICML 2020).
    """

    draws_itself = True
    pooled_by = "mean and standard deviation of the hidden units of the head over excerpts as long as those of training"
    config_type = ContrastiveConfig
    config: ContrastiveConfig

    def __init__(self, config: ContrastiveConfig) -> None:
        super().__init__(config)
        self.views = 2 if config.loss == NT_XENT else 1
        self.blocks = cast("list[Block]", nn.ModuleList())
        inputs, num_bands = 1, config.num_features
        for outputs, kernel, *strides in config.layers:
            conv = Conv(inputs, outputs, (kernel, kernel), (strides[0], strides[1]), kernel // 2, start=uniform)
            self.blocks.append(Block(conv, BatchNorm(outputs, MOMENTUM, EPSILON)))
            inputs, num_bands = outputs, (num_bands - 1) // strides[1] + 1
        num_outputs = inputs * num_bands
        self.recurrence: Recurrence | None = None
        if config.recurrent_layers:
            self.recurrence, num_outputs = Recurrence(config.stack(num_outputs)), config.stack(num_outputs).output_size
        self.head = Head(2 * num_outputs, config.head_units, config.vector_size)

    @property
    def reads_any_length(self) -> bool:
        return True

    def embed(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, statistics of layers]."""
        return self._in_parts(self._of_layers, frames, lengths)

    def embed_pooled(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, 2 * head units]."""
        return self._in_parts(self._of_excerpts, frames, lengths)

    def _in_parts(
        self, embed: Callable[[Tensor, Tensor | None], Tensor], frames: Tensor, lengths: Tensor | None
    ) -> Tensor:
        size = max(1, FRAMES_AT_A_TIME // frames.shape[1])
        parts = parts_of(frames, size)
        of_parts = [None] * len(parts) if lengths is None else parts_of(lengths, size)
        found = []
        for part, known in zip(parts, of_parts, strict=True):
            found.append(embed(part if known is None else part[:, : int(known.max())], known))
        return torch.cat(found)

    def _of_layers(self, frames: Tensor, lengths: Tensor | None) -> Tensor:
        return torch.cat([pooled(*each) for each in self.layer_outputs(frames, lengths)], dim=1)

    def _of_excerpts(self, frames: Tensor, lengths: Tensor | None) -> Tensor:
        *_, (outputs, lengths) = self.layer_outputs(frames, lengths)
        lengths = lengths_of(outputs.transpose(0, 1), lengths)
        size = self._num_outputs(self.config.excerpt_frames)
        if not is_recorded():  # what is recorded is for longer ones, too
            size = min(size, outputs.shape[0])
        summed = torch.cat(sliding(outputs, lengths, size), dim=2)
        hidden = self.head.hidden_units(summed.flatten(0, 1)).reshape(*summed.shape[:2], -1)
        return torch.cat(moments(hidden.transpose(0, 1), (lengths - size + 1).clamp(min=1)), dim=1)

    def _num_outputs(self, steps: int) -> int:
        """Steps of the last layer for so many frames."""
        for block in self.blocks:
            steps = block.conv.num_outputs(steps)
        return steps

    def layer_outputs(self, frames: Tensor, lengths: Tensor | None = None) -> Iterator[Images]:
        """[batch, time, freq] -> of each layer [time, batch, units], and lengths."""
        sequences = frames.transpose(0, 1)
        for images, known in self._convolved(frames, lengths):
            sequences, lengths = as_sequences(images), known
            yield sequences, lengths
        if self.recurrence is not None:
            for outputs in self.recurrence.layer_outputs(sequences, lengths):
                yield outputs, lengths

    def forward(self, frames: Tensor) -> Tensor:
        """Excerpts [batch, time, freq] -> vectors [batch, vector], of length 1."""
        sequences = frames.transpose(0, 1)
        *_, last = (None, *(images for images, _ in self._convolved(frames, None)))
        if last is not None:
            sequences = as_sequences(last)
        if self.recurrence is not None:
            sequences, _ = self.recurrence(sequences)
        summed = torch.cat([sequences.mean(dim=0), sequences.amax(dim=0)], dim=1)
        return functional.normalize(single(self.head(summed)), dim=1)

    def _convolved(self, frames: Tensor, lengths: Tensor | None) -> Iterator[Images]:
        """The outputs of each convolution [batch, channel, time, freq], and their lengths."""
        images = as_images(frames, lengths, 1)
        for block in self.blocks:
            images, lengths = block(images, lengths)
            yield images, lengths


def as_sequences(images: Tensor) -> Tensor:
    """[batch, channel, time, freq] -> [time, batch, channel * freq], in float32."""
    return single(images).permute(2, 0, 1, 3).flatten(2)


class Head(nn.Module):
    """Linear, batch normalisation, ReLU, linear."""

    def __init__(self, inputs: int, units: int, outputs: int) -> None:
        super().__init__()
        self.hidden, self.norm, self.output = (
            _linear(inputs, units),
            BatchNorm(units, MOMENTUM, EPSILON),
            _linear(units, outputs),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """[batch, inputs] -> [batch, outputs]."""
        outputs: Tensor = self.output(self.hidden_units(inputs))
        return outputs

    def hidden_units(self, inputs: Tensor) -> Tensor:
        """[batch, inputs] -> [batch, units]."""
        return self.norm(self.hidden(inputs)).relu_()


def _linear(inputs: int, outputs: int) -> nn.Linear:
    layer = drawn(nn.Linear, inputs, outputs)
    draw_uniform(layer.weight, 1 / math.sqrt(inputs))
    draw_uniform(layer.bias, 1 / math.sqrt(inputs))
    return layer


class Vectors(nn.Module):
    """A learned vector for each recording: [recording, vector]."""

    def __init__(self, num_instances: int, size: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.empty(num_instances, size))
        draw_normal(self.vectors, size**-0.5)

    def forward(self) -> Tensor:
        """All, of length 1."""
        return functional.normalize(self.vectors, dim=1)


class TellingApart:
    """Cross-entropy of which recording an excerpt is of, from the cosines of vectors."""

    def __init__(self, model: Contrastive) -> None:
        self.model = model
        self.vectors: Vectors | None = None
        self.hits = torch.zeros(2)  # since something was shown: excerpts that were told apart, and all
        self.crops = torch.empty(0)

    def learned_beside(self, num_instances: int) -> nn.Module | None:
        """What is learned beside the model, and not needed to apply it: the vectors of recordings."""
        if self.model.config.loss == INSTANCES:
            self.vectors = Vectors(num_instances, self.model.config.vector_size)
        return self.vectors

    def loss(self, batch: Batch) -> Tensor:
        assert batch.targets is not None, "recordings that are told apart have numbers"
        found = self.model(batch.frames)
        with torch.autocast(found.device.type, enabled=False):
            scores, targets = self._scores(found, batch.targets)
            if self.model.training:
                hits = scores.detach().argmax(dim=1) == targets
                self.hits = self.hits.to(hits.device)
                self.hits[0] += hits.sum()
                self.hits[1] += len(hits)
                self.crops = batch.frames[:NUM_SHOWN]
            return functional.cross_entropy(scores / self.model.config.temperature, targets)

    def _scores(self, found: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines [vector, candidate], and which candidate is right [vector]."""
        if self.vectors is None:
            return pair_scores(of_all(found), of_all(numbers))
        if self.model.training:
            return found @ self.vectors().t(), numbers
        first, second = found.chunk(2)  # of recordings that have no vector: which other excerpt is of the same one
        own = (first * second).sum(dim=1, keepdim=True)
        return torch.cat([own, first @ self.vectors().t()], dim=1), torch.zeros_like(numbers[: len(first)])

    def total(self, loss: Number, batch: Batch) -> tuple[Number, float]:
        return loss * len(batch.frames), len(batch.frames)

    def mean(self, value: Number, weight: Number) -> Number:
        return value / weight

    def show(self, summary: SummaryWriter, batch: Batch, step: int) -> None:
        """How many excerpts are told apart, and a sheet of some, time to the right and frequency upward."""
        told_apart, count = self.hits.tolist()
        if count:
            summary.add_scalar("accuracy/telling apart", told_apart / count, step)
            images = (self.crops.transpose(1, 2).flip(1).clamp(-1, 1) + 1) / 2
            summary.add_images("augmented excerpts", images.unsqueeze(1), step)
        self.hits.zero_()


def of_all(values: Tensor) -> Tensor:
    """First values of each recording, then second ones, [vector, ...], where other processes have a part of them."""
    pairs = [each.chunk(2) for each in gathered(values)]
    return torch.cat([first for first, _ in pairs] + [second for _, second in pairs])


def pair_scores(found: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines of two vectors each of recordings with all vectors, and which is that of the other [vector].

    What else is of the same recording does not count.

    Args:
        found: [vector, size], all the first ones before all the second ones.
        numbers: of recordings [vector].
    """
    size = len(found)
    others = (torch.arange(size, device=found.device) + size // 2) % size
    is_same = numbers.unsqueeze(1) == numbers
    is_same[torch.arange(size, device=found.device), others] = False
    return (found @ found.t()).masked_fill(is_same, -torch.inf), others


Contrastive.objective = TellingApart
