# SPDX-License-Identifier: GPL-3.0-or-later
"""What another package brings: a parser, a front end, an autoencoder and a tagger, each a class and an entry point."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from audeep.audio.front_ends.base import Frames, FrontEnd
from audeep.audio.signal import Channels, Samples
from audeep.errors import AudioError
from audeep.models.base import Autoencoder, NetworkConfig, Tagger, TaggerConfig
from audeep.models.layers.lengths import frames_within
from audeep.parsers.base import InstanceMetadata, Parser, audio_in
from audeep.runtime.options import option

ENTRY_POINTS = """
[audeep.models]
toy-cnn = toy_kinds:ToyAutoencoder
toy-tagger = toy_kinds:ToyTagger

[audeep.front_ends]
toy-blocks = toy_kinds:ToyBlocks

[audeep.parsers]
toy-layout = toy_kinds:ToyParser
"""


class ToyParser(Parser):
    """Recordings named by their class: ``<class>-<number>.wav``."""

    def missing(self) -> str | None:
        return None if audio_in(self.basedir) else "recordings <class>-<number>.wav"

    def instances(self) -> Iterator[InstanceMetadata]:
        for path in audio_in(self.basedir):
            yield InstanceMetadata(path, path.name, path.stem.partition("-")[0])


@dataclass(frozen=True)
class ToyBlocks(FrontEnd):
    """Samples in blocks that follow each other. It is a toy."""

    block: int = option(12, "samples of a block", least=1, metavar="SAMPLES")
    channels: Channels = option(Channels.LEFT, "how several channels become one")
    sample_rate: int | None = option(1200, "resample to it", least=1)
    fixed_length: float | None = option(None, "cut or pad to it", above=0)
    center_fixed: bool = option(False, "at both ends")

    def __call__(self, signal: Samples, sample_rate: int) -> Frames:
        count = len(signal) // self.block
        if not count:
            raise AudioError(f"lasts {len(signal)} samples, block={self.block} needs as many")
        return signal[: count * self.block].reshape(1, count, self.block).astype(np.float32)


@dataclass(frozen=True)
class ToyConfig(NetworkConfig):
    """One convolution over time, as wide as a multiple of the bands."""

    width: float = option(2.0, "channels of the convolution as a multiple of the bands", above=0, most=16)
    kernel: str = option("narrow", "how many frames it reads", choices=("narrow", "wide"))


class ToyAutoencoder(Autoencoder):
    """Convolutional autoencoder of one layer. It is a toy."""

    config_type = ToyConfig
    config: ToyConfig

    def __init__(self, config: ToyConfig) -> None:
        super().__init__(config)
        size, channels = {"narrow": 3, "wide": 7}[config.kernel], max(1, round(config.width * config.num_features))
        self.down = nn.Conv1d(config.num_features, channels, size, padding="same")
        self.up = nn.Conv1d(channels, config.num_features, size, padding="same")

    def embed(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        return mean_of(torch.relu(self.down(frames.transpose(1, 2))).transpose(1, 2), lengths)

    def reconstruct(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.up(torch.relu(self.down(frames.transpose(1, 2)))).transpose(1, 2)


@dataclass(frozen=True)
class ToyTaggerConfig(TaggerConfig):
    """A hidden layer."""

    num_hidden: int = option(8, "hidden units", least=1)


class ToyTagger(Tagger):
    """Perceptron on mean spectra. It is a toy."""

    config_type = ToyTaggerConfig
    config: ToyTaggerConfig

    def __init__(self, config: ToyTaggerConfig) -> None:
        super().__init__(config)
        self.hidden = nn.Linear(config.num_features, config.num_hidden)
        self.output = nn.Linear(config.num_hidden, config.num_labels)

    def embed(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        return torch.relu(self.hidden(mean_of(frames, lengths)))

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.output(self.embed(frames, lengths))


def mean_of(frames: Tensor, lengths: Tensor | None) -> Tensor:
    """[batch, time, size] -> [batch, size]."""
    if lengths is None:
        return frames.mean(dim=1)
    return (frames * frames_within(frames, lengths).unsqueeze(2)).sum(dim=1) / lengths.unsqueeze(1)
