# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels by a trained tagger."""

import numpy as np
import torch
from numpy.typing import NDArray

from audeep.data.data_set import DataSet
from audeep.inference.embedder import BATCH_SIZE, batches_of
from audeep.models.base import Tagger


@torch.inference_mode()
def scores_of(model: Tagger, data_set: DataSet, batch_size: int = BATCH_SIZE) -> NDArray[np.float32]:
    """Probabilities of the labels of a model that is not in training mode: [instance, label]."""
    found = [np.empty((0, len(model.labels)), np.float32)]
    for _, frames, lengths in batches_of(data_set, batch_size, model, "predict"):
        found.append(model(frames, lengths).softmax(dim=1).cpu().numpy())
    return np.concatenate(found)
