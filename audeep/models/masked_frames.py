# SPDX-License-Identifier: GPL-3.0-or-later
"""An autoencoder that learns to fill in masked frames from those around them (masked-frames)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from audeep.models import options
from audeep.models.base import Autoencoder, NetworkConfig
from audeep.models.layers.codecs import Encoder
from audeep.models.layers.lengths import root_mean_squared_error
from audeep.models.layers.linear import start_linear
from audeep.models.layers.masking import SpanMask
from audeep.models.layers.recurrent import StackConfig


@dataclass(frozen=True)
class MaskedFramesConfig(NetworkConfig):
    """Architecture, and what is done to activations while training."""

    num_layers: int = options.num_layers("encoder")
    num_units: int = options.num_units()
    bidirectional_encoder: bool = options.bidirectional_encoder()
    keep_prob: float = options.keep_prob()
    encoder_noise: float = options.encoder_noise()
    cell: str = options.cell()
    mask_silence: bool = options.mask_silence()
    masked_frames: float = options.masked_frames()
    mask_span: int = options.mask_span()

    @property
    def stack(self) -> StackConfig:
        """Shape of the encoder."""
        sizes = self.num_features, self.num_layers, self.num_units
        return StackConfig(*sizes, self.bidirectional_encoder, self.cell, self.keep_prob)


class MaskedFramesAutoencoder(Autoencoder):
    """Rebuild each frame, some of them masked, by one linear layer from the outputs of the encoder at its place.

    The embedding is made of the outputs of all layers of the encoder, pooled over time.
    """

    also_read_by: ClassVar[tuple[str, ...]] = ("t-rae",)  # whose option --decoder frame this was
    draws_itself = True
    config_type = MaskedFramesConfig
    config: MaskedFramesConfig

    def __init__(self, config: MaskedFramesConfig) -> None:
        super().__init__(config)
        self.mask = SpanMask(config.masked_frames, config.mask_span)
        self.encoder = Encoder(config.stack, config.encoder_noise)
        self.reconstruction = start_linear(config.stack.output_size, config.num_features)

    def embed(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, embedding]."""
        return self.encoder.pooled(frames.transpose(0, 1), lengths)

    embed_pooled = embed  # what `generate --pooled` asks for

    def embed_frames(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, embedding]: the outputs of the uppermost layer of the encoder."""
        return self.encoder.outputs(frames.transpose(0, 1), lengths).transpose(0, 1)

    def reconstruct(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, freq]."""
        outputs = self.encoder.outputs(self.mask(frames, lengths).transpose(0, 1), lengths)  # [time, batch, outputs]
        reconstructed: Tensor = self.reconstruction(outputs)
        return reconstructed.transpose(0, 1)

    def loss(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Root mean squared error of the reconstruction of [batch, time, freq]; a scalar."""
        return root_mean_squared_error(self.reconstruct(frames, lengths), frames, lengths, self.config.mask_silence)
