# SPDX-License-Identifier: GPL-3.0-or-later
"""The frequency-time-recurrent autoencoder (ft-rae) of auDeep (Freitag et al., JMLR 2018)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audeep.models.layers.bands import NUM_TOGETHER, WindowedConfig
from audeep.models.layers.lengths import backward, root_mean_squared_error
from audeep.models.layers.recurrent import Encoder, FeedbackDecoder, StackConfig, TanhLinear


@dataclass(frozen=True)
class FrequencyTimeAutoencoderConfig(WindowedConfig):
    """Architecture, and what is done to activations while training."""

    num_f_layers: int = 1
    num_f_units: int = 64
    num_t_layers: int = 2
    num_t_units: int = 128
    bidirectional_f_encoder: bool = False
    bidirectional_f_decoder: bool = False
    bidirectional_t_encoder: bool = False
    bidirectional_t_decoder: bool = False
    keep_prob: float = 0.8
    f_encoder_noise: float = 0.0
    t_encoder_noise: float = 0.0
    f_feed_previous_prob: float = 0.0
    t_feed_previous_prob: float = 0.0
    cell: str = "GRU"

    def f_stack(self, bidirectional: bool) -> StackConfig:
        """Shape of the frequency encoder or decoder."""
        sizes = self.freq_window_width, self.num_f_layers, self.num_f_units
        return StackConfig(*sizes, bidirectional, self.cell, self.keep_prob)

    def t_stack(self, bidirectional: bool) -> StackConfig:
        """Shape of the time encoder or decoder, which read the states of the frequency encoder."""
        sizes = self.f_stack(self.bidirectional_f_encoder).state_size, self.num_t_layers, self.num_t_units
        return StackConfig(*sizes, bidirectional, self.cell, self.keep_prob)


class FrequencyTimeAutoencoder(nn.Module):
    """Represent a spectrogram by one vector: frames are read along frequency, what came of them along time.

    The decoders go the same way back; all four networks share one loss. `lengths` are those of `TimeAutoencoder`.
    """

    kind = "ft-rae"
    config_type = FrequencyTimeAutoencoderConfig

    def __init__(self, config: FrequencyTimeAutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.windows = config.windows
        self.windows.warn_of_dropped()
        f_encoder, f_decoder = (
            config.f_stack(is_both) for is_both in (config.bidirectional_f_encoder, config.bidirectional_f_decoder)
        )
        t_encoder, t_decoder = (
            config.t_stack(is_both) for is_both in (config.bidirectional_t_encoder, config.bidirectional_t_decoder)
        )
        self.f_encoder = Encoder(f_encoder, config.f_encoder_noise)
        self.t_encoder = Encoder(t_encoder, config.t_encoder_noise)
        self.representation = TanhLinear(t_encoder.state_size, t_decoder.state_size)
        self.t_decoder = FeedbackDecoder(t_decoder, config.t_feed_previous_prob)
        self.f_decoder_state = TanhLinear(self.t_decoder.output_size, f_decoder.state_size)
        self.f_decoder = FeedbackDecoder(f_decoder, config.f_feed_previous_prob)
        self.reconstruction = TanhLinear(self.windows.count * self.f_decoder.output_size, config.num_features)

    def represent(self, spectrograms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, generated]."""
        parts = spectrograms.flatten(0, 1).split(NUM_TOGETHER)  # [frames, freq]
        found = torch.cat([self.f_encoder(self.windows.cut(frames)) for frames in parts])  # [batch * time, state]
        states = found.unflatten(0, spectrograms.shape[:2]).transpose(0, 1)
        return self.representation(self.t_encoder(states, lengths))

    def reconstruct(self, spectrograms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, freq]."""
        windows = self._windows(spectrograms)
        states = self._frame_states(windows, len(spectrograms))
        representation = self.representation(self.t_encoder(states, lengths))
        decoded = backward(self.t_decoder(backward(states, lengths), representation, lengths), lengths)
        frame_states = self.f_decoder_state(decoded).transpose(0, 1).flatten(0, 1)  # [batch * time, f-decoder state]
        frames = self.reconstruction(self.windows.join(self.f_decoder(windows.flip(0), frame_states)))
        return frames.flip(1).unflatten(0, spectrograms.shape[:2])

    def loss(self, spectrograms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Root mean squared error of the reconstruction of [batch, time, freq]; a scalar."""
        return root_mean_squared_error(self.reconstruct(spectrograms, lengths), spectrograms, lengths)

    def _windows(self, spectrograms: Tensor) -> Tensor:
        """[batch, time, freq] -> [window, batch * time, width]."""
        return self.windows.cut(spectrograms.flatten(0, 1))

    def _frame_states(self, windows: Tensor, batch: int) -> Tensor:
        """Final f-encoder state of each frame: [window, batch * time, width] -> [time, batch, state]."""
        return self.f_encoder(windows).unflatten(0, (batch, -1)).transpose(0, 1)
