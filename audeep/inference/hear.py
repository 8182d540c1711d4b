# SPDX-License-Identifier: GPL-3.0-or-later
"""Embeddings of a trained t-rae for the HEAR benchmark (Turian et al., HEAR: Holistic Evaluation of Audio
Representations, 2022), by its common API: https://hearbenchmark.com/hear-api.html.

A **scene** is represented as by `audeep t-rae generate`. Where training had spectrograms of one length, longer sounds
are cut into parts of that length, the last one padded with silence; their representations are averaged, each weighted
by its share of the sound.

A **timestamp** is represented by the outputs of the uppermost layer of the encoder, after it has read the sound up to
there, and, if it is bidirectional, from the end back to there. There is one timestamp for each step of the window:
0, hop, 2 hops, ...; the sound is continued by silence on both sides, so that windows are centred there.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from audeep.audio.front_ends.mel import Preprocessor
from audeep.errors import ModelError
from audeep.inference.features import preprocessor_of
from audeep.models import checkpoints
from audeep.models.time_autoencoder import TimeAutoencoder


class HearModel(nn.Module):
    """An autoencoder, and how its spectrograms are made.

    Attributes:
        sample_rate: of the sounds, in Hz.
        scene_embedding_size: numbers that represent a sound.
        timestamp_embedding_size: numbers that represent a point in time.
    """

    def __init__(self, autoencoder: TimeAutoencoder, preprocessor: Preprocessor, sample_rate: int) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        self.sample_rate = sample_rate
        shortest = torch.zeros(1, 2, autoencoder.config.num_features)
        with torch.no_grad():
            self.scene_embedding_size = autoencoder.embed(shortest).shape[-1]
            self.timestamp_embedding_size = autoencoder.encoder.outputs(shortest.transpose(0, 1)).shape[-1]
        self.part_seconds = preprocessor.chunk_length or preprocessor.fixed_length
        self.preprocessor = replace(
            preprocessor, fixed_length=None, chunk_length=None, chunk_count=None, sample_rate=sample_rate
        )
        self.framing = self.preprocessor.framing(sample_rate)

    def scene_embeddings(self, audio: Tensor) -> Tensor:
        """[sound, num_samples] -> [sound, scene_embedding_size]."""
        num_samples, preprocessor = audio.shape[1], self.preprocessor
        part_length = num_samples
        if self.part_seconds is not None:
            preprocessor = replace(preprocessor, fixed_length=self.part_seconds)
            part_length = int(self.part_seconds * self.sample_rate)
        parts = audio.split(part_length, dim=1)
        representations = [self.autoencoder.embed(self._spectrograms(part, preprocessor)) for part in parts]
        weights = [part.shape[1] / num_samples for part in parts]
        return sum(weight * each for weight, each in zip(weights, representations, strict=True))

    def timestamp_embeddings(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """[sound, num_samples] -> [sound, timestamp, timestamp_embedding_size], milliseconds [sound, timestamp]."""
        window, hop = self.framing.window, self.framing.hop
        padded = nn.functional.pad(audio, (window // 2, window - window // 2))
        spectrograms = self._spectrograms(padded, self.preprocessor)
        outputs = self.autoencoder.encoder.outputs(spectrograms.transpose(0, 1))  # [timestamp, sound, size]
        milliseconds = torch.arange(len(outputs), device=outputs.device) * (1000 * hop / self.sample_rate)
        return outputs.transpose(0, 1), milliseconds.expand(len(audio), -1)

    def _spectrograms(self, audio: Tensor, preprocessor: Preprocessor) -> Tensor:
        """[sound, num_samples] -> [sound, time, freq], on the device of the model."""
        signals = audio.detach().cpu().numpy().astype(np.float64)
        made = [
            preprocessor.chunks_and_rate_of(f"sound {index}", signal[np.newaxis], self.sample_rate)[0]
            for index, signal in enumerate(signals)
        ]
        return torch.from_numpy(np.concatenate(made)).to(next(self.parameters()).device)


def load_model(model_file_path: str | Path, sample_rate: int | None = None) -> HearModel:
    """The model in a file model-<step>.safetensors, or the newest in a directory of them.

    Args:
        sample_rate: in Hz, of the recordings that it was trained on; needed where `preprocess` was not told one.

    Raises:
        ModelError: there is no such model, it is of another kind than t-rae, or does not tell how its spectrograms
            were made.
    """
    path = Path(model_file_path)
    directory, step = checkpoints.place_of(path)
    autoencoder, _ = checkpoints.load_model(directory, step, "t-rae")
    preprocessor = preprocessor_of(directory, step)
    sample_rate = sample_rate or preprocessor.sample_rate
    if sample_rate is None:
        raise ModelError(
            f"{path}: was trained on recordings of several sample rates; name one by load_model(path,"
            " sample_rate), or preprocess with --sample-rate and train again"
        )
    model = HearModel(autoencoder, preprocessor, sample_rate).eval()
    bands, expected = preprocessor.mel_spectrum or model.framing.window // 2 + 1, autoencoder.config.num_features
    if bands != expected:
        raise ModelError(
            f"{path}: was trained on {expected} bands, its settings give {bands} at {sample_rate} Hz; give load_model"
            " the sample rate of the recordings trained on"
        )
    return model


@torch.no_grad()
def get_scene_embeddings(audio: Tensor, model: HearModel) -> Tensor:
    """[sound, num_samples] between -1 and 1 -> [sound, scene_embedding_size] float32, on the device of the model.

    Raises:
        AudioError: the sounds are shorter than a window of the spectrograms.
    """
    return model.scene_embeddings(audio)


@torch.no_grad()
def get_timestamp_embeddings(audio: Tensor, model: HearModel) -> tuple[Tensor, Tensor]:
    """[sound, num_samples] between -1 and 1 -> [sound, timestamp, timestamp_embedding_size] float32, and when.

    Times are in milliseconds from the start, [sound, timestamp]. Both are on the device of the model.
    """
    return model.timestamp_embeddings(audio)
