# SPDX-License-Identifier: GPL-3.0-or-later
"""Features straight from recordings, or from positions within them, by a trained autoencoder."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from audeep.audio.front_ends.mel import Preprocessor
from audeep.audio.streams import windows
from audeep.errors import ModelError, OptionError, ShapeError
from audeep.inference.generation import representing
from audeep.models.checkpoints import load_model, preprocessing_of
from audeep.models.devices import select_device
from audeep.models.frequency_autoencoder import FrequencyAutoencoder
from audeep.runtime.options import from_json

WINDOWS_TOGETHER = 32  # that are represented at a time


class FeatureExtractor:
    """A trained autoencoder, and how the spectrograms that it was trained on were made.

    Args:
        model_directory: "logs" of a run.
        step: of the checkpoint to use, or "best"; by default the newest.
        pooled: take what `t-rae generate --pooled` does.

    Raises:
        ModelError: there is no such model, it gives features of frames rather than recordings, or it does not tell how
            its spectrograms were made.
        OptionError: there is no such device, or the model has no pooled features.
    """

    def __init__(
        self, model_directory: Path, step: int | str | None = None, *, pooled: bool = False, device: str = "auto"
    ) -> None:
        model, _ = load_model(model_directory, step)
        if isinstance(model, FrequencyAutoencoder):
            raise ModelError(f"{model_directory}: is a model of single frames; features need one of t-rae or ft-rae")
        self.preprocessor = preprocessor_of(model_directory, step)
        self.device = select_device(device)
        self.model = model.to(self.device)
        self.embed = representing(model, pooled)

    @property
    def size(self) -> int:
        """Features of each instance."""
        return self._represented(np.zeros((1, *self.model.config.input_shape), np.float32)).shape[1]

    def of_recording(self, path: Path) -> np.ndarray:
        """[chunk, generated] float32: one vector for each chunk that training had of a recording, which mostly is one.

        Raises:
            AudioError: the recording cannot be read, or does not suit the settings.
            ShapeError: it gives another number of bands than those trained on.
        """
        return self._of_spectrograms(path, self.preprocessor.chunks(path))

    def of_windows(self, path: Path | str, width: float, hop: float) -> Iterator[tuple[list[float], np.ndarray]]:
        """Windows of `width` seconds, one each `hop` seconds: when they start, and their features [window, generated].

        Each is treated like a recording of its own; "-" is a recording that arrives on standard input. Memory does not
        grow with the recording.

        Raises:
            AudioError, ShapeError: as for `of_recording`.
            OptionError: a window is too short.
        """
        preprocessor = replace(self.preprocessor, fixed_length=None, chunk_length=None, chunk_count=None)
        shortest, name = preprocessor.window_width, "standard input" if str(path) == "-" else path
        if width < shortest:
            raise OptionError(
                f"--window {width:g}: is shorter than the {shortest:g} s that a spectrum takes; choose a longer one"
            )
        found = windows(path, width, hop)
        together = 1 if str(path) == "-" else WINDOWS_TOGETHER
        while some := list(islice(found, together)):
            starts, spectrograms = [], []
            for start, samples, rate in some:
                starts.append(start)
                spectrograms.append(preprocessor.chunks_and_rate_of(name, samples, rate, False)[0])
            yield starts, self._of_spectrograms(name, np.concatenate(spectrograms))

    def _of_spectrograms(self, path: Path | str, spectrograms: np.ndarray) -> np.ndarray:
        bands, expected = spectrograms.shape[2], self.model.config.num_features
        if bands != expected:
            raise ShapeError(
                f"{path}: gives {bands} bands, the model was trained on {expected}; resample it to the rate of the"
                " recordings trained on"
            )
        return self._represented(spectrograms)

    @torch.inference_mode()
    def _represented(self, spectrograms: np.ndarray) -> np.ndarray:
        return self.embed(torch.from_numpy(spectrograms).to(self.device)).cpu().numpy()


def preprocessor_of(model_directory: Path, step: int | str | None = None) -> Preprocessor:
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
        return from_json(Preprocessor, settings)
    except OptionError as error:
        raise ModelError(
            f"{model_directory}: has settings of preprocessing that cannot be used ({error}); train it again"
        ) from error
