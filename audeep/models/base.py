# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model is: the contract that each kind of it keeps, in one file of its own (`registry` lists them)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

from audeep.models.layers.lengths import root_mean_squared_error
from audeep.runtime.options import check_options


class Batch(NamedTuple):
    """Spectrograms, and what belongs to them.

    Attributes:
        frames: [batch, time, freq].
        lengths: where spectrograms differ in length, how many frames are theirs [batch]; what follows is padding.
        targets: where a model learns from labels, their positions in its list of labels [batch].
    """

    frames: Tensor
    lengths: Tensor | None = None
    targets: Tensor | None = None


@dataclass(frozen=True)
class NetworkConfig:
    """What a network is built from; a kind of model adds its options, declared by `option`.

    Attributes:
        num_steps: frames of the spectrograms trained on.
        num_features: frequency bands.

    Raises:
        OptionError: a value is not of its type, or beyond a limit.
    """

    num_steps: int
    num_features: int

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def input_shape(self) -> tuple[int, int]:
        """[time, freq]."""
        return self.num_steps, self.num_features


@dataclass(frozen=True)
class TaggerConfig(NetworkConfig):
    """What a network that learns from labels is built from.

    Attributes:
        num_labels: how many there are.
    """

    num_labels: int


class Network(nn.Module):
    """A model: reads spectrograms [batch, time, freq], and embeds each in one vector.

    Where spectrograms differ in length, `lengths` [batch] has their numbers of frames; what follows changes nothing.

    Attributes:
        config_type: the type of `config`.
        family: decides which commands there are ("autoencoder", "tagger").
        level: what is embedded: "recording", or "frame" for a vector of each frame [batch, time, embedding].
        objective: what training minimises, made from the model, if that is not the objective of its family.
        also_read_by: other kinds, whose commands take models of this one too.
        draws_itself: whether all its random numbers come from `layers.draws.generator_for`; if not, the operations of
            PyTorch are redirected there, which costs some time.
    """

    config_type: ClassVar[type[NetworkConfig]]
    family: ClassVar[str]
    level: ClassVar[str] = "recording"
    objective: ClassVar[Callable[..., Any] | None] = None
    also_read_by: ClassVar[tuple[str, ...]] = ()
    draws_itself: ClassVar[bool] = False

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config

    def embed(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, embedding]."""
        raise NotImplementedError


class Autoencoder(Network):
    """A model that learns without labels, by reconstructing what it reads."""

    family = "autoencoder"

    def reconstruct(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, freq]."""
        raise NotImplementedError

    def loss(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Root mean squared error of the reconstruction; a scalar."""
        return root_mean_squared_error(self.reconstruct(frames, lengths), frames, lengths)


class Tagger(Network):
    """A model that learns from labels.

    Attributes:
        labels: their names, in the order of the logits; known once it is trained.
    """

    config_type: ClassVar[type[TaggerConfig]]
    family = "tagger"
    config: TaggerConfig
    labels: tuple[str, ...] = ()

    @property
    def shortest(self) -> int:
        """Frames of the shortest spectrogram that it reads."""
        return 1

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> logits [batch, label]."""
        raise NotImplementedError
