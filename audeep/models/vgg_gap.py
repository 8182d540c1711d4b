# SPDX-License-Identifier: GPL-3.0-or-later
"""The fully convolutional network of Dorfer and Widmer for DCASE 2018 (vgg-gap)."""

from dataclasses import dataclass

from torch import Tensor

from audeep.errors import ShapeError
from audeep.models.base import Tagger, TaggerConfig
from audeep.models.layers.batch_norm import BatchNorm
from audeep.models.layers.conv import Block, Blocks, Conv, as_images, he_normal
from audeep.models.layers.pooling import mean_of
from audeep.runtime.options import option

POOLED, PLAIN, POOLED_IN_TIME = (2, 2), None, (2, 1)
BLOCKS = [  # channels as a multiple of the width, max pooling [time, freq], and whether there is dropout
    *[(1, POOLED, True), (2, PLAIN, False), (2, POOLED, True)],
    *[(4, PLAIN, True), (4, PLAIN, True), (6, PLAIN, True), (6, POOLED, True)],
    *[(8, PLAIN, False), (8, POOLED_IN_TIME, True), (8, PLAIN, False), (8, POOLED_IN_TIME, True)],
]
FEWEST_BANDS = 47


@dataclass(frozen=True)
class VggGapConfig(TaggerConfig):
    """Architecture, and what is done to activations while training."""

    width: int = option(64, "channels of the first layer; those of the others are up to 8 times as many", least=1)
    keep_prob: float = option(0.7, "dropout keeps an activation with probability P", above=0, most=1, metavar="P")
    top_keep_prob: float = option(
        0.5, "dropout keeps an activation of the last two layers with probability P", above=0, most=1, metavar="P"
    )


class VggGap(Tagger):
    """VGG network whose logits are the mean, over time and frequency, of those of each place.

    Source: M. Dorfer, G. Widmer, "Training general-purpose audio tagging networks with noisy labels and iterative
    self-verification", DCASE 2018. The embedding is the mean of what the last convolution reads.
    """

    draws_itself = True
    config_type = VggGapConfig
    config: VggGapConfig

    def __init__(self, config: VggGapConfig) -> None:
        super().__init__(config)
        if config.num_features < FEWEST_BANDS:
            raise ShapeError(
                f"spectrograms have {config.num_features} bands, vgg-gap reads at least {FEWEST_BANDS}; preprocess with"
                " more"
            )
        blocks, inputs = [_block(1, config.width, 5, stride=2, padding=2)], config.width
        for multiple, pool, is_dropped in BLOCKS:
            keep_prob, outputs = config.keep_prob if is_dropped else 1.0, multiple * config.width
            blocks.append(_block(inputs, outputs, 3, pool=pool, keep_prob=keep_prob))
            inputs = outputs
        blocks.append(_block(inputs, inputs, 3, padding=0, keep_prob=config.top_keep_prob))
        blocks.append(_block(inputs, inputs, 1, padding=0, keep_prob=config.top_keep_prob))
        self.layers = Blocks(blocks)
        self.output = Conv(inputs, config.num_labels, (1, 1), start=he_normal)
        self.output_norm = _norm(config.num_labels)

    @property
    def shortest(self) -> int:
        """Frames of the shortest spectrogram that it reads."""
        return self.layers.fewest_inputs()

    def embed(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, embedding]."""
        return mean_of(*self.layers(as_images(frames, lengths, self.shortest), lengths))

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> logits [batch, label]."""
        images, lengths = self.layers(as_images(frames, lengths, self.shortest), lengths)
        logits, _ = self.output(images)  # [batch, label, time, freq]
        return mean_of(self.output_norm(logits, lengths), lengths)


def _block(
    inputs: int,
    outputs: int,
    size: int,
    stride: int = 1,
    padding: int = 1,
    pool: tuple[int, int] | None = None,
    keep_prob: float = 1.0,
) -> Block:
    conv = Conv(inputs, outputs, (size, size), stride, padding, start=he_normal)
    return Block(conv, _norm(outputs), pool, keep_prob)


def _norm(num_channels: int) -> BatchNorm:
    return BatchNorm(num_channels, momentum=0.1, eps=1e-4, averages_inverse=True)
