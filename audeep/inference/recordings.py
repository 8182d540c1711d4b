# SPDX-License-Identifier: GPL-3.0-or-later
"""Trained models applied to recordings, or to windows along them: one vector for each."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audeep.audio.front_ends.base import FrontEnd
from audeep.audio.front_ends.registry import front_end_of
from audeep.audio.reading import Segment
from audeep.audio.streams import Origin, Sound, arrives, name_of, windows
from audeep.errors import ModelError, OptionError, ShapeError
from audeep.inference.embedder import Spectrograms, fits
from audeep.models.base import Network
from audeep.models.checkpoints import load_model, preprocessing_of

WINDOWS_TOGETHER = 32  # that a model is applied to at a time
VALUES_TOGETHER = 2**26  # of frames, 256 MiB, in these windows: of longer ones fewer are taken

Vectors = NDArray[np.float32]  # [instance, value]


class Part(NamedTuple):
    """Windows that follow each other.

    Attributes:
        starts: when they start, in seconds.
        vectors: of each [window, value].
        silent: whether all of their samples are 0.
    """

    starts: list[float]
    vectors: Vectors
    silent: list[bool]


class Applied(ABC):
    """What gives a vector for each recording: one trained model or several, with the front ends that these need.

    Attributes:
        front_ends: how spectrograms are made; each is made once, however many models read it.
        replaces_nan: whether samples that are NaN or infinite are silence, where a recording cannot be made again as it
            arrives; elsewhere they are an error.
    """

    front_ends: Sequence[FrontEnd]
    replaces_nan: ClassVar[bool] = False

    @property
    @abstractmethod
    def size(self) -> int:
        """Values of a vector."""

    @abstractmethod
    def vectors(self, name: Path | str, frames: Sequence[Spectrograms]) -> Vectors:
        """[instance, value] from the frames [instance, time, freq] that each of the front ends gives.

        Raises:
            ShapeError: they do not suit a model; it calls the recording `name`.
        """

    def of_recording(self, origin: Path | str | Segment | Sound) -> Vectors:
        """[chunk, value]: one vector for each chunk that training had of a recording, which mostly is one.

        Raises:
            AudioError: the recording cannot be read, or does not suit the settings.
            ShapeError: it gives another number of bands than those trained on.
        """
        return self.vectors(name_of(origin), [_chunks(front_end, origin) for front_end in self.front_ends])

    def of_windows(self, origin: Origin, window: float, hop: float) -> Iterator[Part]:
        """Windows of so many seconds, one each `hop` seconds.

        Each is treated like a recording of its own. Memory does not grow with the recording.

        Args:
            origin: "-" is a recording that arrives on standard input.

        Raises:
            AudioError, ShapeError: as for `of_recording`.
            OptionError: a window is too short.
        """
        front_ends = [front_end.of_any_length() for front_end in self.front_ends]
        shortest = max(front_end.shortest_seconds for front_end in front_ends)
        if window < shortest:
            raise OptionError(
                f"window={window:g}: is shorter than the {shortest:g} s that a spectrum takes; choose a longer one"
            )
        name, is_arriving = name_of(origin), arrives(origin)
        found = windows(origin, window, hop, replace_nan=self.replaces_nan and is_arriving)
        heard = (
            _Heard(
                start,
                not samples.any(),
                [front_end.chunks_and_rate_of(name, samples, rate, False)[0] for front_end in front_ends],
            )
            for start, samples, rate in found
        )
        for some in _together(heard, 1 if is_arriving else WINDOWS_TOGETHER):
            frames = [list(made) for made in zip(*(each.frames for each in some), strict=True)]
            yield Part([each.start for each in some], self._of_each(name, frames), [each.is_silent for each in some])

    def _of_each(self, name: Path | str, frames: list[list[Spectrograms]]) -> Vectors:
        """Vectors of windows, whose frames by all front ends may differ in number where silence is cut off."""
        if all(len({each.shape for each in made}) == 1 for made in frames):
            return self.vectors(name, [np.concatenate(made) for made in frames])
        return np.concatenate([self.vectors(name, each) for each in zip(*frames, strict=True)])


def _chunks(front_end: FrontEnd, origin: Path | str | Segment | Sound) -> Spectrograms:
    if isinstance(origin, Sound):
        return front_end.chunks_and_rate_of(origin.name, origin.samples, origin.sample_rate)[0]
    return front_end.chunks(origin)


class _Heard(NamedTuple):
    """A window of a recording: its start in seconds, and its frames by each front end."""

    start: float
    is_silent: bool
    frames: list[Spectrograms]


def _size_of(heard: list[_Heard]) -> int:
    return sum(made.size for each in heard for made in each.frames)


def _together(heard: Iterator[_Heard], most: int) -> Iterator[list[_Heard]]:
    """So many windows at a time, or fewer where they are long."""
    some: list[_Heard] = []
    for window in heard:
        some.append(window)
        if len(some) == most or _size_of(some) >= VALUES_TOGETHER:
            yield some
            some = []
    if some:
        yield some


def check_bands(model: Network, name: Path | str, frames: Spectrograms) -> None:
    """Check that a model reads the frames of a recording called `name`.

    Raises:
        ShapeError: they have another number of bands.
    """
    if not fits(model, frames.shape[1:], any_length=True):
        raise ShapeError(
            f"{name}: gives {frames.shape[2]} bands, the model was trained on {model.config.num_features}; resample it"
            " to the rate of the recordings trained on"
        )


def model_of_recordings(model_directory: Path, step: int | str | None = None) -> tuple[Network, FrontEnd]:
    """A model that embeds recordings, and how the spectrograms were made that it was trained on.

    Raises:
        ModelError: there is no such model, it embeds single frames, or it does not tell.
    """
    model, _ = load_model(model_directory, step)
    if model.level == "frame":
        raise ModelError(f"{model_directory}: is a model of single frames; a model of whole spectrograms is needed")
    front_end = front_end_of_model(model_directory, step)
    if front_end.num_values not in (None, model.config.num_features):
        raise ModelError(
            f"{model_directory}: says that it was trained on frames of {front_end.num_values} values, but reads"
            f" {model.config.num_features}; train it again"
        )
    return model, front_end


def front_end_of_model(model_directory: Path, step: int | str | None = None) -> FrontEnd:
    """How the spectrograms were made that the model of `step` (by default the newest) was trained on.

    Raises:
        ModelError: there is no such model, or it does not tell.
    """
    settings = preprocessing_of(model_directory, step)
    if settings is None:
        raise ModelError(
            f"{model_directory}: does not tell how its spectrograms were made; train it on what 'audeep preprocess'"
            " writes now"
        )
    try:
        return front_end_of(settings)
    except OptionError as error:
        raise ModelError(
            f"{model_directory}: has settings of preprocessing that cannot be used ({error}); train it again"
        ) from error
