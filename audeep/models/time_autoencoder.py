# SPDX-License-Identifier: GPL-3.0-or-later
"""The time-recurrent autoencoder (t-rae) of Amiriparian et al., DCASE 2017, and Freitag et al., JMLR 2018."""

import logging
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audeep.models.layers.draws import generator_for
from audeep.models.layers.lengths import backward, frames_within, root_mean_squared_error
from audeep.models.layers.pooling import pooled
from audeep.models.layers.recurrent import (
    Encoder,
    FeedbackDecoder,
    StackConfig,
    TanhLinear,
    TeacherForcedDecoder,
    start_linear,
)
from audeep.runtime.constants import SILENCE

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TimeAutoencoderConfig:
    """Architecture, and what is done to activations while training.

    Attributes:
        decoder: "sequence" rebuilds spectrograms from the final state of the encoder, step by step; "frame" rebuilds
            each frame from what the encoder makes of it and its neighbours, by one linear layer.
        hidden_frames: share of the frames that are hidden from the encoder while training, as `stretches` draws them.
        hidden_stretch: about how many of them in a row.
    """

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
    decoder: str = "sequence"
    hidden_frames: float = 0.0
    hidden_stretch: int = 6

    @property
    def input_shape(self) -> tuple[int, int]:
        """[time, freq]."""
        return self.num_steps, self.num_features

    def stack(self, bidirectional: bool) -> StackConfig:
        """Shape of the encoder or decoder."""
        return StackConfig(self.num_features, self.num_layers, self.num_units, bidirectional, self.cell, self.keep_prob)


class TimeAutoencoder(nn.Module):
    """Represent a spectrogram by one vector, from which a decoder rebuilds it backward in time.

    Or, with a frame decoder, rebuild each frame from what the encoder makes of all, and sum that up over time. Where
    spectrograms have different numbers of frames, `lengths` [batch] has them; what follows in their arrays changes
    nothing.
    """

    kind = "t-rae"
    config_type = TimeAutoencoderConfig

    def __init__(self, config: TimeAutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config.stack(config.bidirectional_encoder), config.encoder_noise)
        {"sequence": self._add_sequence_decoder, "frame": self._add_frame_decoder}[config.decoder]()

    def _add_sequence_decoder(self) -> None:
        config = self.config
        encoder, decoder = config.stack(config.bidirectional_encoder), config.stack(config.bidirectional_decoder)
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

    def _add_frame_decoder(self) -> None:
        if self.config.bidirectional_decoder or self.config.feed_previous_prob > 0:
            logger.warning(
                "a frame decoder has no recurrent layers: --bidirectional-decoder and --feed-previous-prob"
                " have no effect"
            )
        size = self.config.stack(self.config.bidirectional_encoder).output_size
        self.reconstruction = start_linear(size, self.config.num_features)

    def represent(self, spectrograms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, generated]."""
        if self.config.decoder == "frame":
            return self.represent_pooled(spectrograms, lengths)
        return self.representation(self.encoder(self._read(spectrograms, lengths), lengths))

    def represent_pooled(self, spectrograms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, generated]: what all layers of the encoder make of it, pooled over time."""
        layers = self.encoder.recurrence.layer_outputs(spectrograms.transpose(0, 1), lengths)
        return torch.cat([pooled(outputs, lengths) for outputs in layers], dim=1)

    def reconstruct(self, spectrograms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, freq]."""
        if self.config.decoder == "frame":
            outputs = self.encoder.outputs(self._read(spectrograms, lengths), lengths)
            return self.reconstruction(outputs).transpose(0, 1)
        targets = backward(spectrograms.transpose(0, 1), lengths)  # [time, batch, freq]
        decoded = self.decoder(targets, self.represent(spectrograms, lengths), lengths)
        return backward(self.reconstruction(decoded), lengths).transpose(0, 1)

    def loss(self, spectrograms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Root mean squared error of the reconstruction of [batch, time, freq]; a scalar."""
        outputs = self.reconstruct(spectrograms, lengths)
        if self.config.mask_silence:
            outputs = torch.where(spectrograms == SILENCE, spectrograms, outputs)
        return root_mean_squared_error(outputs, spectrograms, lengths)

    def _read(self, spectrograms: Tensor, lengths: Tensor | None) -> Tensor:
        """What the encoder reads, [time, batch, freq]: while training, some frames are hidden behind the mean."""
        sequences = spectrograms.transpose(0, 1)
        if not self.training or self.config.hidden_frames == 0:
            return sequences
        hidden = stretches(*sequences.shape[:2], self.config.hidden_frames, self.config.hidden_stretch)
        seen = spectrograms if lengths is None else spectrograms[frames_within(spectrograms, lengths)]
        return sequences.masked_fill(hidden.to(sequences.device).unsqueeze(2), seen.mean())


def stretches(num_steps: int, batch: int, share: float, length: int) -> Tensor:
    """Random stretches of about `length` steps of each sequence, [time, batch] bool.

    There is at least one, and as many as would cover `share` of it if none overlapped; but they may overlap and begin
    before the first step, so they mostly cover less. They have half to one and a half times that length.
    """
    steps, generator = torch.arange(num_steps).unsqueeze(1), generator_for()
    covered = torch.zeros(num_steps, batch, dtype=torch.bool)
    for _ in range(max(1, round(share * num_steps / length))):
        starts = torch.randint(-(length // 2), num_steps, (batch,), generator=generator)
        lengths = torch.randint(max(1, length // 2), length * 3 // 2 + 1, (batch,), generator=generator)
        covered |= (steps >= starts) & (steps < starts + lengths)
    return covered
