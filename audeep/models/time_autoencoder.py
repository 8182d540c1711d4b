# SPDX-License-Identifier: GPL-3.0-or-later
"""The time-recurrent autoencoder (t-rae) of Amiriparian et al., DCASE 2017, and Freitag et al., JMLR 2018."""

import logging
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audeep.models.rnn import (
    Encoder,
    FeedbackDecoder,
    StackConfig,
    TanhLinear,
    TeacherForcedDecoder,
    backward,
    root_mean_squared_error,
)

logger = logging.getLogger(__name__)

SILENCE = -1.0  # the lowest value of a normalised spectrogram


@dataclass(frozen=True)
class TimeAutoencoderConfig:
    """Architecture, and what is done to activations while training."""

    num_steps: int  # frames of the spectrograms trained on
    num_features: int  # frequency bands
    num_layers: int = 1
    num_units: int = 16
    bidirectional_encoder: bool = False
    bidirectional_decoder: bool = False
    keep_prob: float = 0.8
    encoder_noise: float = 0.0
    feed_previous_prob: float = 0.0
    cell: str = "GRU"
    mask_silence: bool = False

    @property
    def input_shape(self) -> tuple[int, int]:
        """[time, freq]."""
        return self.num_steps, self.num_features

    def stack(self, bidirectional: bool) -> StackConfig:
        """Shape of the encoder or decoder."""
        return StackConfig(self.num_features, self.num_layers, self.num_units, bidirectional, self.cell, self.keep_prob)


class TimeAutoencoder(nn.Module):
    """Represent a spectrogram by one vector, from which a decoder rebuilds it backward in time.

    Where spectrograms have different numbers of frames, `lengths` [batch] has them; what follows in their arrays
    changes nothing.
    """

    kind = "t-rae"
    config_type = TimeAutoencoderConfig

    def __init__(self, config: TimeAutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        encoder, decoder = config.stack(config.bidirectional_encoder), config.stack(config.bidirectional_decoder)
        self.encoder = Encoder(encoder, config.encoder_noise)
        self.representation = TanhLinear(encoder.state_size, decoder.state_size)
        if config.bidirectional_decoder:
            if config.feed_previous_prob > 0:
                logger.warning(
                    "a bidirectional decoder is never fed its own output: --feed-previous-prob %g has no effect",
                    config.feed_previous_prob,
                )
            self.decoder = TeacherForcedDecoder(decoder)
        else:
            self.decoder = FeedbackDecoder(decoder, config.feed_previous_prob)
        self.reconstruction = TanhLinear(self.decoder.output_size, config.num_features)

    def represent(self, spectrograms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, generated]."""
        return self.representation(self.encoder(spectrograms.transpose(0, 1), lengths))

    def reconstruct(self, spectrograms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, freq]."""
        targets = backward(spectrograms.transpose(0, 1), lengths)  # [time, batch, freq]
        decoded = self.decoder(targets, self.represent(spectrograms, lengths), lengths)
        return backward(self.reconstruction(decoded), lengths).transpose(0, 1)

    def loss(self, spectrograms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Root mean squared error of the reconstruction of [batch, time, freq]; a scalar."""
        outputs = self.reconstruct(spectrograms, lengths)
        if self.config.mask_silence:
            outputs = torch.where(spectrograms == SILENCE, spectrograms, outputs)
        return root_mean_squared_error(outputs, spectrograms, lengths)
