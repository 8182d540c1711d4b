# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels by a trained tagger."""

import numpy as np
import torch
from numpy.typing import NDArray

from audeep.data.data_set import DataSet
from audeep.models.base import Tagger
from audeep.runtime.progress import progress

BATCH_SIZE = 500  # instances at a time


@torch.inference_mode()
def scores_of(model: Tagger, data_set: DataSet, batch_size: int = BATCH_SIZE) -> NDArray[np.float32]:
    """Probabilities of the labels of a model that is not in training mode: [instance, label]."""
    device = next(model.parameters()).device
    found = [np.empty((0, len(model.labels)), np.float32)]
    parts = [data_set[start : start + batch_size] for start in range(0, len(data_set), batch_size)]
    for part in progress(parts, "predict", "batches"):
        lengths = torch.from_numpy(part.num_frames).to(device) if part.is_padded else None
        logits = model(torch.from_numpy(part.features).to(device), lengths)
        found.append(logits.softmax(dim=1).cpu().numpy())
    return np.concatenate(found)
