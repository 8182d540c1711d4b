# SPDX-License-Identifier: GPL-3.0-or-later
"""Features straight from recordings, or from windows along them, by a trained model."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from audeep.audio.front_ends.base import FrontEnd
from audeep.audio.front_ends.registry import front_end_of
from audeep.audio.signal import Samples
from audeep.audio.streams import windows
from audeep.errors import ModelError, OptionError, ShapeError
from audeep.inference.embedder import Embedder, Embeddings, Spectrograms, fits
from audeep.models.base import Network
from audeep.models.checkpoints import load_model, preprocessing_of
from audeep.models.devices import select_device

WINDOWS_TOGETHER = 32  # that are embedded at a time
SAMPLES_TOGETHER = 2**26  # of all channels, 512 MiB, in these windows: of longer ones fewer are taken

Window = tuple[float, Samples, int]  # when it starts, in seconds, its samples [channels, num_samples], their rate in Hz


class FeatureExtractor:
    """A trained model that embeds recordings, and how the spectrograms that it was trained on were made.

    ::

        extractor = FeatureExtractor("run/logs", "best")
        vectors = extractor.of_recording("a.wav")  # [chunk, generated]

    Args:
        model_directory: "logs" of a run.
        step: of the checkpoint to use, or "best"; by default the newest.
        pooled: take what `t-rae generate --pooled` does.

    Raises:
        ModelError: there is no such model, it embeds frames rather than recordings, or it does not tell how its
            spectrograms were made.
        OptionError: there is no such device, or the model has no pooled features.
    """

    def __init__(
        self, model_directory: Path | str, step: int | str | None = None, *, pooled: bool = False, device: str = "auto"
    ) -> None:
        model, self.front_end = model_of_recordings(Path(model_directory), step)
        self.embedder = Embedder(model.to(select_device(device)), pooled)

    @property
    def size(self) -> int:
        """Features of each instance."""
        return self.embedder.size

    def of_recording(self, path: Path | str) -> Embeddings:
        """[chunk, generated]: one vector for each chunk that training had of a recording, which mostly is one.

        Raises:
            AudioError: the recording cannot be read, or does not suit the settings.
            ShapeError: it gives another number of bands than those trained on.
        """
        return self._of_spectrograms(path, self.front_end.chunks(path))

    def of_windows(self, path: Path | str, window: float, hop: float) -> Iterator[tuple[list[float], Embeddings]]:
        """Windows of so many seconds, one each `hop` seconds: when they start, and their features [window, generated].

        Each is treated like a recording of its own; "-" is a recording that arrives on standard input. Memory does not
        grow with the recording.

        Raises:
            AudioError, ShapeError: as for `of_recording`.
            OptionError: a window is too short.
        """
        front_end = self.front_end.of_any_length()
        shortest, name = front_end.shortest_seconds, "standard input" if str(path) == "-" else path
        if window < shortest:
            raise OptionError(
                f"window={window:g}: is shorter than the {shortest:g} s that a spectrum takes; choose a longer one"
            )
        found = windows(path, window, hop)
        together = 1 if str(path) == "-" else WINDOWS_TOGETHER
        for some in _together(found, together):
            spectrograms = [front_end.chunks_and_rate_of(name, samples, rate, False)[0] for _, samples, rate in some]
            yield [start for start, *_ in some], self._of_spectrograms(name, np.concatenate(spectrograms))

    def _of_spectrograms(self, path: Path | str, spectrograms: Spectrograms) -> Embeddings:
        if not fits(self.embedder.model, spectrograms.shape[1:], any_length=True):
            raise ShapeError(
                f"{path}: gives {spectrograms.shape[2]} bands, the model was trained on"
                f" {self.embedder.model.config.num_features}; resample it to the rate of the recordings trained on"
            )
        return self.embedder(spectrograms)


def _together(found: Iterator[Window], most: int) -> Iterator[list[Window]]:
    """So many windows at a time, or fewer where they are long."""
    some: list[Window] = []
    for window in found:
        some.append(window)
        if len(some) == most or sum(samples.size for _, samples, _ in some) >= SAMPLES_TOGETHER:
            yield some
            some = []
    if some:
        yield some


def model_of_recordings(model_directory: Path, step: int | str | None = None) -> tuple[Network, FrontEnd]:
    """A model that embeds recordings, and how the spectrograms were made that it was trained on.

    Raises:
        ModelError: there is no such model, it embeds single frames, or it does not tell.
    """
    model, _ = load_model(model_directory, step)
    if model.level == "frame":
        raise ModelError(f"{model_directory}: is a model of single frames; a model of whole spectrograms is needed")
    return model, front_end_of_model(model_directory, step)


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
