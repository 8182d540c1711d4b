# SPDX-License-Identifier: GPL-3.0-or-later
"""The frequency-time-recurrent autoencoder (ft-rae) of auDeep (Freitag et al., JMLR 2018)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from audeep.models import options
from audeep.models.base import Autoencoder, NetworkConfig
from audeep.models.layers.bands import FRAMES_AT_A_TIME, Windows
from audeep.models.layers.codecs import Encoder, FeedbackDecoder
from audeep.models.layers.lengths import backward, parts_of
from audeep.models.layers.linear import TanhLinear
from audeep.models.layers.recurrent import StackConfig


@dataclass(frozen=True)
class FrequencyTimeAutoencoderConfig(NetworkConfig):
    """Architecture, and what is done to activations while training."""

    freq_window_width: int = options.freq_window_width()
    freq_window_overlap: int = options.freq_window_overlap()
    num_f_layers: int = options.num_layers("frequency encoder and decoder")
    num_f_units: int = options.num_units(64)
    num_t_layers: int = options.num_layers("time encoder and decoder", 2)
    num_t_units: int = options.num_units(128)
    bidirectional_f_encoder: bool = options.bidirectional_encoder("frequency ")
    bidirectional_f_decoder: bool = options.bidirectional_decoder("frequency ")
    bidirectional_t_encoder: bool = options.bidirectional_encoder("time ")
    bidirectional_t_decoder: bool = options.bidirectional_decoder("time ")
    keep_prob: float = options.keep_prob()
    f_encoder_noise: float = options.encoder_noise("frequency ")
    t_encoder_noise: float = options.encoder_noise("time ")
    f_feed_previous_prob: float = options.feed_previous_prob("frequency ")
    t_feed_previous_prob: float = options.feed_previous_prob("time ")
    cell: str = options.cell()

    @property
    def windows(self) -> Windows:
        """How frames are cut."""
        return Windows(self.num_features, self.freq_window_width, self.freq_window_overlap)

    def f_stack(self, bidirectional: bool) -> StackConfig:
        """Shape of the frequency encoder or decoder."""
        sizes = self.freq_window_width, self.num_f_layers, self.num_f_units
        return StackConfig(*sizes, bidirectional, self.cell, self.keep_prob)

    def t_stack(self, bidirectional: bool) -> StackConfig:
        """Shape of the time encoder or decoder, which read the states of the frequency encoder."""
        sizes = self.f_stack(self.bidirectional_f_encoder).state_size, self.num_t_layers, self.num_t_units
        return StackConfig(*sizes, bidirectional, self.cell, self.keep_prob)


class FrequencyTimeAutoencoder(Autoencoder):
    """Embed a spectrogram in one vector: frames are read along frequency, and their final states along time.

    The decoders go the same way back; all four networks share one loss.
    """

    draws_itself = True
    config_type = FrequencyTimeAutoencoderConfig
    config: FrequencyTimeAutoencoderConfig

    def __init__(self, config: FrequencyTimeAutoencoderConfig) -> None:
        super().__init__(config)
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

    def embed(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, embedding]."""
        parts = parts_of(frames.flatten(0, 1), FRAMES_AT_A_TIME)  # [frames, freq]
        found = torch.cat([self.f_encoder(self.windows.cut(part)) for part in parts])  # [batch * time, state]
        states = found.reshape(*frames.shape[:2], -1).transpose(0, 1)
        return self.representation(self.t_encoder(states, lengths))

    def reconstruct(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, freq]."""
        windows = self.windows.cut(frames.flatten(0, 1))  # [window, batch * time, width]
        states = self.f_encoder(windows).unflatten(0, frames.shape[:2]).transpose(0, 1)  # [time, batch, state]
        embedded = self.representation(self.t_encoder(states, lengths))
        decoded = backward(self.t_decoder(backward(states, lengths), embedded, lengths), lengths)
        frame_states = self.f_decoder_state(decoded).transpose(0, 1).flatten(0, 1)  # [batch * time, f-decoder state]
        reconstructed = self.reconstruction(self.windows.join(self.f_decoder(windows.flip(0), frame_states)))
        return reconstructed.flip(1).view_as(frames)
