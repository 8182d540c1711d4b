# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model is: the contract that each kind of it keeps, in one file of its own (`registry` lists them)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from audeep.errors import ShapeError
from audeep.models.layers.lengths import root_mean_squared_error
from audeep.models.layers.windows import Windows, fit
from audeep.runtime.options import check_options, option


class Batch(NamedTuple):
    """Spectrograms, and what belongs to them.

    Attributes:
        frames: [batch, time, freq].
        lengths: where spectrograms differ in length, how many frames are theirs [batch]; what follows is padding.
        targets: where a model learns from labels, their positions in its list of labels [batch], or how far each label
            applies, from 0 to 1 [batch, label]. Where it tells recordings apart, their numbers [batch].
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
    """What a network that learns from labels is built from, and how recordings are cut for it.

    Attributes:
        num_labels: how many there are.
        multi_label: whether a recording may have several labels, each with a probability of its own.
    """

    num_labels: int
    multi_label: bool = False
    fit_frames: int | None = option(
        None,
        "make all recordings N frames long: cut longer ones, fill shorter ones (default: each keeps its length)",
        least=1,
        metavar="N",
    )
    window_frames: int | None = option(
        None,
        "cut recordings into windows of N frames; the scores of a recording are the mean over its windows (default: it"
        " is read whole)",
        least=1,
        metavar="N",
    )
    window_hop: int | None = option(
        None, "frames from one window to the next (default: windows do not overlap)", least=1, metavar="N"
    )
    fill: str = option(
        "repeat", "how what is too short for these is filled: repeat it, or pad it", choices=("repeat", "pad")
    )
    pad_value: float = option(0.0, "what frames are padded with", metavar="VALUE")

    @property
    def windows(self) -> Windows | None:
        """How recordings are cut into windows."""
        if self.window_frames is None:
            return None
        return Windows(self.window_frames, self.window_hop or self.window_frames)


class Network(nn.Module):
    """A model: reads spectrograms [batch, time, freq], and embeds each in one vector.

    Where spectrograms differ in length, `lengths` [batch] has their numbers of frames; what follows changes nothing.

    Attributes:
        config_type: the type of `config`.
        family: decides which commands there are ("autoencoder", "contrastive", "tagger", "fitted").
        level: what is embedded: "recording", or "frame" for a vector of each frame [batch, time, embedding].
        objective: what training minimises, made from the model, if that is not the objective of its family.
        pooled_by: what the pooled features are, if there is a method `embed_pooled`.
        also_read_by: other kinds, whose commands take models of this one too.
        draws_itself: whether all its random numbers come from `layers.draws.generator_for`; if not, the operations of
            PyTorch are redirected there, which costs some time.
    """

    config_type: ClassVar[type[NetworkConfig]]
    family: ClassVar[str]
    level: ClassVar[str] = "recording"
    objective: ClassVar[Callable[..., Any] | None] = None
    pooled_by: ClassVar[str] = ""
    also_read_by: ClassVar[tuple[str, ...]] = ()
    draws_itself: ClassVar[bool] = False

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config

    def extra_repr(self) -> str:
        """The number of weights, and the options that are not as by default."""
        weights = sum(weight.numel() for weight in self.parameters())
        found = {each.name: getattr(self.config, each.name) for each in fields(self.config)}
        defaults = {each.name: each.default for each in fields(self.config)}
        return ", ".join([f"{weights:,} weights", *(f"{k}={v!r}" for k, v in found.items() if v != defaults[k])])

    @property
    def reads_any_length(self) -> bool:
        """Whether spectrograms may have another number of frames than those trained on, unless they are padded."""
        return False

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


class Instances(Protocol):
    """Spectrograms that a model is fitted to, some of them at a time.

    Attributes:
        shape: [time, freq] of the longest.
        lengths: numbers of frames [instance]; None where none is padded.
    """

    shape: tuple[int, int]
    lengths: NDArray[np.int64] | None

    @property
    def num_instances(self) -> int:
        """How many there are."""

    def take(self, indices: NDArray[np.int64]) -> Batch:
        """Those with these numbers."""


class FittedModel(Network):
    """A model that learns without labels and without gradients: its tensors are buffers, which `fit` fills."""

    family = "fitted"

    def fit(self, instances: Instances, num_epochs: int, generator: np.random.Generator) -> Iterator[float]:
        """Learn, and yield the loss of each epoch; without epochs, become what learning begins with.

        Raises:
            DataError: there is too little to learn from.
        """
        raise NotImplementedError


class ContrastiveNetwork(Network):
    """A model that learns without labels, by telling recordings apart from augmented excerpts of them.

    While it trains, the targets of a batch are numbers of recordings, from 0.

    Attributes:
        views: excerpts of each recording in a batch; all the first ones come before all the second ones.
    """

    family = "contrastive"
    views: int = 1


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
    def reads_any_length(self) -> bool:
        """Whether spectrograms may have another number of frames than those trained on."""
        return self.longest is None or self.config.window_frames is not None

    @property
    def shortest(self) -> int:
        """Frames of the shortest input."""
        return 1

    @property
    def longest(self) -> int | None:
        """Frames of the longest input, if there is a limit."""
        return None

    def fitted(self, frames: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Spectrograms of the number of frames that `fit_frames` asks for, and lengths where they still differ."""
        config = self.config
        return fit(frames, lengths, config.fit_frames, config.fill, config.pad_value)

    def check_lengths(self, lengths: Sequence[int] | NDArray[np.int64], names: Sequence[Any] | NDArray[Any]) -> None:
        """Check that recordings called `names` can be read.

        Raises:
            ShapeError: one has too few frames, or too many.
        """
        if self.config.window_frames is not None or self.config.fit_frames is not None:
            return
        for length, name in zip(lengths, names, strict=True):
            if length < self.shortest:
                raise ShapeError(
                    f"{name}: has {length} frames, the network needs {self.shortest} or more; make recordings longer"
                    " with fit_frames=N when training"
                )
            if self.longest is not None and length > self.longest:
                raise ShapeError(
                    f"{name}: has {length} frames, the network reads {self.longest}; cut recordings with"
                    f" window_frames={self.longest} when training"
                )

    def probabilities(self, logits: Tensor) -> Tensor:
        """Of the labels, [batch, label]: of each on its own where a recording may have several."""
        return logits.sigmoid() if self.config.multi_label else logits.softmax(dim=1)

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> logits [batch, label]."""
        raise NotImplementedError
