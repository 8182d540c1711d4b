# SPDX-License-Identifier: GPL-3.0-or-later
"""A network of one-dimensional convolutions on waveforms, of a Kaggle kernel of Freesound 2018 (conv1d)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audeep.errors import ShapeError
from audeep.models.base import Tagger, TaggerConfig
from audeep.models.layers.conv import Block, Blocks, Conv, as_images
from audeep.models.layers.dropout import Dropout
from audeep.models.layers.lengths import frames_within
from audeep.models.layers.linear import start_dense
from audeep.models.layers.pooling import maximum_of
from audeep.runtime.options import option

GROUPS = [(1, 9, 16), (2, 3, 4), (2, 3, 4), (16, 3, None)]  # channels per width, kernel, pooling: two layers each
DENSE = 64, 1028


@dataclass(frozen=True)
class Conv1dConfig(TaggerConfig):
    """Architecture, and what is done to activations while training."""

    width: int = option(16, "channels of the first layer; those of the others are up to 16 times as many", least=1)
    keep_prob: float = option(0.9, "dropout keeps an activation with probability P", above=0, most=1, metavar="P")
    top_keep_prob: float = option(
        0.8, "dropout keeps an activation of the last convolution with probability P", above=0, most=1, metavar="P"
    )


class Conv1d(Tagger):
    """One-dimensional convolutions on waveforms [batch, time, 1], their maximum over time, and three linear layers.

    Each waveform is scaled to -0.5 ... 0.5 first. The embedding is what the last linear layer reads.
    """

    draws_itself = True
    config_type = Conv1dConfig
    config: Conv1dConfig

    def __init__(self, config: Conv1dConfig) -> None:
        super().__init__(config)
        if config.num_features != 1:
            raise ShapeError(
                f"spectrograms of {config.num_features} bands, conv1d reads waveforms; preprocess with the front end"
                " waveform"
            )
        blocks, inputs = [], 1
        for multiple, size, pool in GROUPS:
            outputs = multiple * config.width
            blocks.append(Block(Conv(inputs, outputs, (size, 1), has_bias=True), None))
            last = Conv(outputs, outputs, (size, 1), has_bias=True)
            blocks.append(Block(last, None) if pool is None else Block(last, None, (pool, 1), config.keep_prob))
            inputs = outputs
        self.layers = Blocks(blocks)
        self.dropout = Dropout(1 - config.top_keep_prob)
        self.hidden = nn.Sequential(start_dense(inputs, DENSE[0]), nn.ReLU(), start_dense(*DENSE), nn.ReLU())
        self.output = start_dense(DENSE[1], config.num_labels)

    @property
    def shortest(self) -> int:
        """Samples of the shortest waveform that it reads."""
        return self.layers.fewest_inputs()

    def embed(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, 1] -> [batch, embedding]."""
        images = as_images(scaled(frames, lengths), lengths, self.shortest)
        vectors: Tensor = self.hidden(self.dropout(maximum_of(*self.layers(images, lengths))))
        return vectors

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, 1] -> logits [batch, label]."""
        logits: Tensor = self.output(self.embed(frames, lengths))
        return logits


def scaled(waveforms: Tensor, lengths: Tensor | None = None) -> Tensor:
    """(x - min) / (max - min + 1e-6) - 0.5 of each waveform [batch, time, 1], of its first `lengths` samples."""
    if lengths is None:
        lowest, highest = waveforms.aminmax(dim=1, keepdim=True)
    else:
        within = frames_within(waveforms, lengths).unsqueeze(2)
        lowest = waveforms.where(within, torch.inf).amin(dim=1, keepdim=True)
        highest = waveforms.where(within, -torch.inf).amax(dim=1, keepdim=True)
    return (waveforms - lowest) / (highest - lowest + 1e-6) - 0.5
