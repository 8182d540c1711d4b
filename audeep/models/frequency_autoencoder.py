# SPDX-License-Identifier: GPL-3.0-or-later
"""The frequency-recurrent autoencoder (f-rae) of auDeep (Freitag et al., JMLR 2018)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audeep.models.layers.bands import NUM_TOGETHER, WindowedConfig
from audeep.models.layers.lengths import frames_within, root_mean_squared_error
from audeep.models.layers.recurrent import Encoder, FeedbackDecoder, StackConfig, TanhLinear


@dataclass(frozen=True)
class FrequencyAutoencoderConfig(WindowedConfig):
    """Architecture, and what is done to activations while training."""

    num_layers: int = 1
    num_units: int = 16
    bidirectional_encoder: bool = False
    bidirectional_decoder: bool = False
    keep_prob: float = 0.8
    encoder_noise: float = 0.0
    feed_previous_prob: float = 0.0
    cell: str = "GRU"

    def stack(self, bidirectional: bool) -> StackConfig:
        """Shape of the encoder or decoder."""
        return StackConfig(
            self.freq_window_width, self.num_layers, self.num_units, bidirectional, self.cell, self.keep_prob
        )


class FrequencyAutoencoder(nn.Module):
    """Represent each frame of a spectrogram by one vector, from which a decoder rebuilds it from high to low."""

    kind = "f-rae"
    config_type = FrequencyAutoencoderConfig

    def __init__(self, config: FrequencyAutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.windows = config.windows
        self.windows.warn_of_dropped()
        encoder, decoder = config.stack(config.bidirectional_encoder), config.stack(config.bidirectional_decoder)
        self.encoder = Encoder(encoder, config.encoder_noise)
        self.representation = TanhLinear(encoder.state_size, decoder.state_size)
        self.decoder = FeedbackDecoder(decoder, config.feed_previous_prob)
        self.reconstruction = TanhLinear(self.windows.count * self.decoder.output_size, config.num_features)

    def represent(self, spectrograms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, generated]; zeros behind the first `lengths` [batch] frames."""
        parts = spectrograms.flatten(0, 1).split(NUM_TOGETHER)  # [frames, freq]
        represented = [self.representation(self.encoder(self.windows.cut(frames))) for frames in parts]
        frames = torch.cat(represented).unflatten(0, spectrograms.shape[:2])
        return frames if lengths is None else frames * frames_within(spectrograms, lengths).unsqueeze(2)

    def reconstruct(self, spectrograms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, freq]; frames do not depend on each other, nor on `lengths`."""
        targets = self.windows.cut(spectrograms.flatten(0, 1)).flip(0)  # from high to low
        decoded = self.decoder(targets, self.represent(spectrograms).flatten(0, 1))
        frames = self.reconstruction(self.windows.join(decoded)).flip(1)  # [batch * time, freq]
        return frames.unflatten(0, spectrograms.shape[:2])

    def loss(self, spectrograms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Root mean squared error of the reconstruction of [batch, time, freq]; a scalar."""
        if lengths is not None:
            spectrograms = spectrograms[frames_within(spectrograms, lengths)].unsqueeze(0)  # [1, all frames, freq]
        return root_mean_squared_error(self.reconstruct(spectrograms), spectrograms)
