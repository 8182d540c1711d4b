# SPDX-License-Identifier: GPL-3.0-or-later
"""The frequency-recurrent autoencoder (f-rae) of auDeep (Freitag et al., JMLR 2018)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from audeep.models import options
from audeep.models.base import Autoencoder, NetworkConfig
from audeep.models.layers.bands import FRAMES_AT_A_TIME, Windows
from audeep.models.layers.codecs import Encoder, FeedbackDecoder
from audeep.models.layers.lengths import frames_within, parts_of, root_mean_squared_error
from audeep.models.layers.linear import TanhLinear
from audeep.models.layers.recurrent import StackConfig


@dataclass(frozen=True)
class FrequencyAutoencoderConfig(NetworkConfig):
    """Architecture, and what is done to activations while training."""

    freq_window_width: int = options.freq_window_width()
    freq_window_overlap: int = options.freq_window_overlap()
    num_layers: int = options.num_layers()
    num_units: int = options.num_units()
    bidirectional_encoder: bool = options.bidirectional_encoder()
    bidirectional_decoder: bool = options.bidirectional_decoder()
    keep_prob: float = options.keep_prob()
    encoder_noise: float = options.encoder_noise()
    feed_previous_prob: float = options.feed_previous_prob()
    cell: str = options.cell()

    @property
    def windows(self) -> Windows:
        """How frames are cut."""
        return Windows(self.num_features, self.freq_window_width, self.freq_window_overlap)

    def stack(self, bidirectional: bool) -> StackConfig:
        """Shape of the encoder or decoder."""
        sizes = self.freq_window_width, self.num_layers, self.num_units
        return StackConfig(*sizes, bidirectional, self.cell, self.keep_prob)


class FrequencyAutoencoder(Autoencoder):
    """Embed each frame of a spectrogram in one vector, from which a decoder rebuilds it from high to low."""

    level = "frame"
    draws_itself = True
    config_type = FrequencyAutoencoderConfig
    config: FrequencyAutoencoderConfig

    def __init__(self, config: FrequencyAutoencoderConfig) -> None:
        super().__init__(config)
        self.windows = config.windows
        self.windows.warn_of_dropped()
        encoder, decoder = config.stack(config.bidirectional_encoder), config.stack(config.bidirectional_decoder)
        self.encoder = Encoder(encoder, config.encoder_noise)
        self.representation = TanhLinear(encoder.state_size, decoder.state_size)
        self.decoder = FeedbackDecoder(decoder, config.feed_previous_prob)
        self.reconstruction = TanhLinear(self.windows.count * self.decoder.output_size, config.num_features)

    def embed(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, embedding]; zeros after the first `lengths` [batch] frames."""
        parts = parts_of(frames.flatten(0, 1), FRAMES_AT_A_TIME)  # [frames, freq]
        vectors = torch.cat([self.representation(self.encoder(self.windows.cut(part))) for part in parts])
        embedded: Tensor = vectors.unflatten(0, frames.shape[:2])
        return embedded if lengths is None else embedded * frames_within(frames, lengths).unsqueeze(2)

    def reconstruct(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, freq]; frames do not depend on each other, nor on `lengths`."""
        targets = self.windows.cut(frames.flatten(0, 1)).flip(0)  # from high to low
        decoded = self.decoder(targets, self.embed(frames).flatten(0, 1))
        reconstructed = self.reconstruction(self.windows.join(decoded)).flip(1)  # [batch * time, freq]
        return reconstructed.view_as(frames)

    def loss(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Root mean squared error of the reconstruction of [batch, time, freq]; a scalar."""
        if lengths is not None:
            frames = frames[frames_within(frames, lengths)].unsqueeze(0)  # [1, all frames, freq]
        return root_mean_squared_error(self.reconstruct(frames), frames)
