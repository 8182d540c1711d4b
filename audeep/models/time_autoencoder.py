# SPDX-License-Identifier: GPL-3.0-or-later
"""The time-recurrent autoencoder (t-rae) of Amiriparian et al., DCASE 2017, and Freitag et al., JMLR 2018."""

import logging
from dataclasses import dataclass

from torch import Tensor

from audeep.models import options
from audeep.models.base import Autoencoder, NetworkConfig
from audeep.models.layers.codecs import Encoder, FeedbackDecoder, TeacherForcedDecoder
from audeep.models.layers.lengths import backward, root_mean_squared_error
from audeep.models.layers.linear import TanhLinear
from audeep.models.layers.masking import SpanMask
from audeep.models.layers.recurrent import StackConfig

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TimeAutoencoderConfig(NetworkConfig):
    """Architecture, and what is done to activations while training."""

    num_layers: int = options.num_layers()
    num_units: int = options.num_units()
    bidirectional_encoder: bool = options.bidirectional_encoder()
    bidirectional_decoder: bool = options.bidirectional_decoder()
    keep_prob: float = options.keep_prob()
    encoder_noise: float = options.encoder_noise()
    feed_previous_prob: float = options.feed_previous_prob()
    cell: str = options.cell()
    mask_silence: bool = options.mask_silence()
    masked_frames: float = options.masked_frames()
    mask_span: int = options.mask_span()

    def stack(self, bidirectional: bool) -> StackConfig:
        """Shape of the encoder or decoder."""
        return StackConfig(self.num_features, self.num_layers, self.num_units, bidirectional, self.cell, self.keep_prob)


class TimeAutoencoder(Autoencoder):
    """Embed a spectrogram in one vector, from which a decoder rebuilds it backward in time."""

    draws_itself = True
    pooled_by = (
        "mean, log standard deviation and log standard deviation of deltas over time of the outputs of all layers of"
        " the encoder"
    )
    config_type = TimeAutoencoderConfig
    config: TimeAutoencoderConfig

    def __init__(self, config: TimeAutoencoderConfig) -> None:
        super().__init__(config)
        encoder, decoder = config.stack(config.bidirectional_encoder), config.stack(config.bidirectional_decoder)
        self.mask = SpanMask(config.masked_frames, config.mask_span)
        self.encoder = Encoder(encoder, config.encoder_noise)
        self.representation = TanhLinear(encoder.state_size, decoder.state_size)
        self.decoder: TeacherForcedDecoder | FeedbackDecoder
        if config.bidirectional_decoder:
            if config.feed_previous_prob > 0:
                logger.warning(
                    "feed_previous_prob=%g has no effect: a bidirectional decoder is never autoregressive",
                    config.feed_previous_prob,
                )
            self.decoder = TeacherForcedDecoder(decoder)
        else:
            self.decoder = FeedbackDecoder(decoder, config.feed_previous_prob)
        self.reconstruction = TanhLinear(self.decoder.output_size, config.num_features)

    def embed(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, embedding], from the final states of the encoder."""
        sequences = self.mask(frames, lengths).transpose(0, 1)  # [time, batch, freq]
        return self.representation(self.encoder(sequences, lengths))

    def embed_pooled(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, embedding]: the outputs of all layers of the encoder, pooled over time."""
        return self.encoder.pooled(frames.transpose(0, 1), lengths)

    def embed_frames(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, embedding]: the outputs of the uppermost layer of the encoder."""
        return self.encoder.outputs(frames.transpose(0, 1), lengths).transpose(0, 1)

    def reconstruct(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, freq]."""
        targets = backward(frames.transpose(0, 1), lengths)  # [time, batch, freq]
        decoded = self.decoder(targets, self.embed(frames, lengths), lengths)
        return backward(self.reconstruction(decoded), lengths).transpose(0, 1)

    def loss(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Root mean squared error of the reconstruction of [batch, time, freq]; a scalar."""
        return root_mean_squared_error(self.reconstruct(frames, lengths), frames, lengths, self.config.mask_silence)
