# SPDX-License-Identifier: GPL-3.0-or-later
"""A convolutional network on MFCC (mfcc-cnn)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from audeep.errors import ShapeError
from audeep.models.base import Tagger, TaggerConfig
from audeep.models.layers.batch_norm import BatchNorm, SharedBatchNorm1d
from audeep.models.layers.conv import Block, Blocks, Conv, as_images
from audeep.models.layers.linear import start_dense
from audeep.runtime.options import option

NUM_BLOCKS = 4
KERNEL = 10, 4  # frames and coefficients
NUM_HIDDEN = 64


@dataclass(frozen=True)
class MfccCnnConfig(TaggerConfig):
    """Architecture."""

    width: int = option(32, "channels of each convolution", least=1)


class MfccCnn(Tagger):
    """Convolutions on MFCC of a fixed number of frames, and two linear layers.

    This is the second network of a Kaggle kernel of Freesound 2018 as it is remembered; the text of the kernel that is
    at hand announces it but does not show it. Coefficients are standardised by their mean and variance: those of the
    batch while training, of which the average over all batches is used after it. The embedding is what the last linear
    layer reads.
    """

    draws_itself = True
    config_type = MfccCnnConfig
    config: MfccCnnConfig

    def __init__(self, config: MfccCnnConfig) -> None:
        super().__init__(config)
        steps, bands = (size >> NUM_BLOCKS for size in config.input_shape)
        if min(steps, bands) < 1:
            fewest = 1 << NUM_BLOCKS
            raise ShapeError(
                f"features of {config.num_steps} frames and {config.num_features} coefficients, mfcc-cnn reads at least"
                f" {fewest} of each; preprocess with more"
            )
        self.standardise = SharedBatchNorm1d(config.num_features, eps=1e-3, momentum=None, affine=False)
        convs = [
            Conv(config.width if number else 1, config.width, KERNEL, padding=None, has_bias=True)
            for number in range(NUM_BLOCKS)
        ]
        self.layers = Blocks([Block(conv, _norm(config.width), (2, 2)) for conv in convs])
        self.hidden = start_dense(config.width * steps * bands, NUM_HIDDEN)
        self.hidden_norm = _norm(NUM_HIDDEN)
        self.output = start_dense(NUM_HIDDEN, config.num_labels)

    @property
    def shortest(self) -> int:
        """Frames of what it reads."""
        return self.config.num_steps

    @property
    def longest(self) -> int | None:
        """Frames of what it reads."""
        return self.config.num_steps

    def embed(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, coefficient] -> [batch, embedding]."""
        longest = frames.shape[1] if lengths is None else int(lengths.max())
        if longest > self.shortest:
            raise ShapeError(
                f"MFCC of {longest} frames, this model reads {self.shortest}; cut them into windows of so many"
            )
        frames = self.standardise(frames[:, : self.shortest].transpose(1, 2)).transpose(1, 2)
        images, _ = self.layers(as_images(frames, lengths, self.shortest))
        vectors: Tensor = self.hidden(images.flatten(1))
        return torch.relu(self.hidden_norm(vectors))

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, coefficient] -> logits [batch, label]."""
        logits: Tensor = self.output(self.embed(frames, lengths))
        return logits


def _norm(num_channels: int) -> BatchNorm:
    return BatchNorm(num_channels, momentum=0.01, eps=1e-3)
