# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectrograms beside their reconstructions by a trained autoencoder."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from audeep.data.data_set import DataSet
from audeep.errors import DataError, ModelError
from audeep.models.base import Autoencoder, Network
from audeep.models.devices import applying
from audeep.models.layers.draws import drawing_from


@dataclass(frozen=True)
class Reconstruction:
    """A spectrogram and its reconstruction.

    Attributes:
        name: file and chunk.
        original, output: [time, freq], without padding.
        error: the loss of the model on this instance.
    """

    name: str
    original: NDArray[np.float32]
    output: NDArray[np.float32]
    error: float


@applying()
def reconstruct(model: Network, data_set: DataSet, instances: Sequence[int], seed: int = 0) -> list[Reconstruction]:
    """Reconstruct some instances, each on its own, without dropout or noise.

    The decoder is given what it is given in training: the expected frames before, or, as often as the model was trained
    so, its own output, drawn from `seed`.

    Raises:
        ModelError: the model is not an autoencoder.
        DataError: there is no such instance, or none is chosen.
    """
    if not isinstance(model, Autoencoder):
        raise ModelError("the model is not an autoencoder, so it reconstructs nothing; choose another one")
    if not len(instances):
        raise DataError("there is no instance to reconstruct; check the input with 'audeep inspect netcdf'")
    model.eval()
    device = next(model.parameters()).device
    found = []
    for index in instances:
        instance = data_set[index]
        original = instance.features[: data_set.num_frames[index]]
        batch = torch.from_numpy(original).unsqueeze(0).to(device)
        with drawing_from(seed, everything=not model.draws_itself):
            output = model.reconstruct(batch)[0].cpu().numpy()
        with drawing_from(seed, everything=not model.draws_itself):
            error = model.loss(batch).item()
        found.append(Reconstruction(f"{instance.filename}, chunk {instance.chunk_nr}", original, output, error))
    return found
