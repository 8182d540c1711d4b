# SPDX-License-Identifier: GPL-3.0-or-later
"""Embeddings of sounds for the HEAR benchmark, by its common API: https://hearbenchmark.com/hear-api.html
(Turian et al., HEAR: Holistic Evaluation of Audio Representations, 2022).

A **scene** is embedded as by `audeep t-rae generate`, by any model that embeds recordings. Where training had
spectrograms of one length, longer sounds are cut into parts of that length, the last one padded with silence; their
embeddings are averaged, each weighted by its share of the sound.

A **timestamp** is embedded by models that have a method `embed_frames`: those of t-rae and masked-frames by the outputs
of the uppermost layer of the encoder, after it has read the sound up to there, and, if it is bidirectional, from the
end back to there. There is one timestamp for each step of the window: 0, hop, 2 hops, ...; the sound is continued by
silence on both sides, so that windows are centred there.
"""

import math
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from audeep.audio.front_ends.base import FrontEnd
from audeep.errors import ModelError, ShapeError
from audeep.inference.embedder import Embedder, fits
from audeep.inference.recordings import model_of_recordings
from audeep.models import checkpoints
from audeep.models.base import Network


@runtime_checkable
class EmbedsFrames(Protocol):
    """What a model needs for timestamps."""

    def embed_frames(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, embedding]: each frame in its context."""


class HearModel(nn.Module):
    """A model of recordings, and how its spectrograms are made.

    Attributes:
        sample_rate: of the sounds, in Hz.
        scene_embedding_size: length of the embedding of a sound.
        timestamp_embedding_size: length of the embedding of a point in time; 0 where the model has none.
    """

    def __init__(self, model: Network, front_end: FrontEnd, sample_rate: int) -> None:
        super().__init__()
        self.model = model
        self.embedder = Embedder(model)
        self.sample_rate = sample_rate
        self.scene_embedding_size = self.embedder.size
        self.timestamp_embedding_size = 0
        if isinstance(model, EmbedsFrames):
            with torch.no_grad():
                self.timestamp_embedding_size = model.embed_frames(torch.zeros(1, *model.config.input_shape)).shape[-1]
        self.part_seconds = front_end.part_seconds
        self.front_end = replace(front_end.of_any_length(), sample_rate=sample_rate)  # type: ignore[type-var]

    @property
    def num_bands(self) -> int:
        """Of the frames that sounds are made into."""
        num_samples = math.ceil(self.sample_rate * max(1.0, self.front_end.shortest_seconds))
        return self._frames(torch.zeros(1, num_samples), self.front_end, warn_of_silence=False).shape[2]

    def scene_embeddings(self, audio: Tensor) -> Tensor:
        """[sound, num_samples] -> [sound, scene_embedding_size].

        Raises:
            ShapeError: there are no sounds, or of no length, or other axes.
        """
        audio = _checked(audio)
        num_samples, front_end = audio.shape[1], self.front_end
        part_length = num_samples
        if self.part_seconds is not None:
            front_end = replace(front_end, fixed_length=self.part_seconds)  # type: ignore[type-var]
            part_length = int(self.part_seconds * self.sample_rate)
        total = torch.zeros(len(audio), self.scene_embedding_size, device=self.embedder.device)
        for part in torch.split(audio, part_length, dim=1):
            total += part.shape[1] / num_samples * self.embedder.embed(self._frames(part, front_end))
        return total

    def timestamp_embeddings(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """[sound, num_samples] -> [sound, timestamp, timestamp_embedding_size], milliseconds [sound, timestamp].

        Raises:
            ModelError: the model does not embed points in time.
            ShapeError: there are no sounds, or of no length, or other axes.
        """
        audio = _checked(audio)
        if not isinstance(self.model, EmbedsFrames):
            raise ModelError("the model does not embed points in time; use one of t-rae or masked-frames")
        front_end = self.front_end.untrimmed()
        times = front_end.times(2, self.sample_rate)
        if times is None:
            raise ModelError("the front end does not tell where its frames are; use one that has a method times")
        window, hop = round(2 * times[0] * self.sample_rate), round((times[1] - times[0]) * self.sample_rate)
        padded = nn.functional.pad(audio, (window // 2, window - window // 2))
        frames = self._frames(padded, front_end)[:, : 1 + audio.shape[1] // hop]
        outputs = self.model.embed_frames(frames)  # [sound, timestamp, size]
        milliseconds = torch.arange(outputs.shape[1], device=outputs.device) * (1000 * hop / self.sample_rate)
        return outputs, milliseconds.expand(len(audio), -1)

    def _frames(self, audio: Tensor, front_end: FrontEnd, warn_of_silence: bool = True) -> Tensor:
        """[sound, num_samples] -> [sound, time, freq], on the device of the model."""
        signals = audio.detach().cpu().numpy().astype(np.float64)
        made = [
            front_end.chunks_and_rate_of(f"sound {index}", signal[np.newaxis], self.sample_rate, warn_of_silence)[0]
            for index, signal in enumerate(signals)
        ]
        return torch.from_numpy(np.concatenate(made)).to(self.embedder.device)


def _checked(audio: Tensor) -> Tensor:
    """[sound, num_samples], neither of which is 0; arrays become tensors."""
    audio = torch.as_tensor(audio)
    if audio.ndim != 2 or 0 in audio.shape:
        remedy = "pass audio[None]" if audio.ndim == 1 and len(audio) else "pass sounds that have samples"
        raise ShapeError(f"audio has shape {list(audio.shape)}, [sound, num_samples] was expected; {remedy}")
    return audio


def load_model(model_file_path: str | Path, sample_rate: int | None = None) -> HearModel:
    """The model in a file model-<step>.safetensors, or the newest in a directory of them.

    Args:
        sample_rate: in Hz, of the recordings that it was trained on; needed where `preprocess` was not told one.

    Raises:
        ModelError: there is no such model, it embeds single frames, or does not tell how its spectrograms were made.
    """
    path = Path(model_file_path)
    model, front_end = model_of_recordings(*checkpoints.place_of(path))
    sample_rate = sample_rate or front_end.sample_rate
    if sample_rate is None:
        raise ModelError(
            f"{path}: was trained on recordings of several sample rates; name one by load_model(path,"
            " sample_rate), or preprocess with sample_rate=HZ and train again"
        )
    hear_model = HearModel(model, front_end, sample_rate).eval()
    bands = hear_model.num_bands
    if not fits(model, (0, bands), any_length=True):
        raise ModelError(
            f"{path}: was trained on {model.config.num_features} bands, its settings give {bands} at {sample_rate} Hz;"
            " give load_model the sample rate of the recordings trained on"
        )
    return hear_model


@torch.no_grad()
def get_scene_embeddings(audio: Tensor, model: HearModel) -> Tensor:
    """[sound, num_samples] between -1 and 1 -> [sound, scene_embedding_size] float32, on the device of the model.

    Raises:
        AudioError: the sounds are shorter than a window of the spectrograms.
        ShapeError: there are no sounds, or of no length, or other axes.
    """
    return model.scene_embeddings(audio)


@torch.no_grad()
def get_timestamp_embeddings(audio: Tensor, model: HearModel) -> tuple[Tensor, Tensor]:
    """[sound, num_samples] between -1 and 1 -> [sound, timestamp, timestamp_embedding_size] float32, and when.

    Times are in milliseconds from the start, [sound, timestamp]. Both are on the device of the model.
    """
    return model.timestamp_embeddings(audio)
