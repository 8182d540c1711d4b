# SPDX-License-Identifier: GPL-3.0-or-later
"""MobileNet v1 as in the baseline of DCASE 2019 task 2 (mobilenet-v1)."""

from dataclasses import dataclass

from torch import Tensor

from audeep.models.base import Tagger, TaggerConfig
from audeep.models.layers.batch_norm import BatchNorm
from audeep.models.layers.conv import Block, Blocks, Conv, as_images
from audeep.models.layers.dropout import Dropout
from audeep.models.layers.linear import start_dense
from audeep.models.layers.pooling import maximum_of, mean_of
from audeep.runtime.options import option

FIRST = 16
SEPARABLE = [  # channels and stride of each separable convolution
    *[(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)],
    *[(512, 1)] * 5,
    *[(1024, 2), (1024, 1)],
]
POOLING = {"mean": mean_of, "max": maximum_of}


@dataclass(frozen=True)
class MobileNetConfig(TaggerConfig):
    """Architecture, and what is done to activations while training."""

    width: float = option(1.0, "this many times the channels of the original", above=0, most=8)
    pooling: str = option("mean", "take the mean or the maximum over time and frequency", choices=tuple(POOLING))
    keep_prob: float = option(1.0, "dropout keeps an activation with probability P", above=0, most=1, metavar="P")
    norm_momentum: float = option(
        0.0003,
        "weight of a batch in the running averages of batch normalisation; a training of a few thousand steps needs a"
        " larger one than the original, such as 0.01",
        above=0,
        most=1,
        metavar="SHARE",
    )


class MobileNetV1(Tagger):
    """Depthwise separable convolutions, pooled over time and frequency before one linear layer.

    Source: A. G. Howard et al., "MobileNets", 2017, but with half the channels in the first layer and no stride there,
    as in the baseline of DCASE 2019 task 2. The embedding is what is pooled.
    """

    draws_itself = True
    config_type = MobileNetConfig
    config: MobileNetConfig

    def __init__(self, config: MobileNetConfig) -> None:
        super().__init__(config)
        channels = max(1, round(FIRST * config.width))
        blocks = [Block(Conv(1, channels, (3, 3), padding=None), _norm(channels, config))]
        for original, stride in SEPARABLE:
            outputs = max(1, round(original * config.width))
            depthwise = Conv(channels, channels, (3, 3), stride, padding=None, groups=channels)
            blocks.append(Block(depthwise, _norm(channels, config)))
            blocks.append(Block(Conv(channels, outputs, (1, 1)), _norm(outputs, config)))
            channels = outputs
        self.layers = Blocks(blocks)
        self.dropout = Dropout(1 - config.keep_prob)
        self.output = start_dense(channels, config.num_labels)

    def embed(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, embedding]."""
        return POOLING[self.config.pooling](*self.layers(as_images(frames, lengths, self.shortest), lengths))

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> logits [batch, label]."""
        logits: Tensor = self.output(self.dropout(self.embed(frames, lengths)))
        return logits


def _norm(num_channels: int, config: MobileNetConfig) -> BatchNorm:
    return BatchNorm(num_channels, momentum=config.norm_momentum, eps=1e-3)
