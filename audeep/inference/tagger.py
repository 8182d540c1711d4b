# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels by a trained tagger."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from audeep.data.data_set import DataSet
from audeep.inference.embedder import BATCH_SIZE, results_of
from audeep.models.base import Tagger


def scores_of(model: Tagger, data_set: DataSet, batch_size: int = BATCH_SIZE) -> NDArray[np.float32]:
    """Probabilities of the labels of a model that is not in training mode: [instance, label]."""

    def probabilities(frames: Tensor, lengths: Tensor | None) -> Tensor:
        logits: Tensor = model(frames, lengths)
        return logits.softmax(dim=1)

    found = [np.empty((0, len(model.labels)), np.float32)]
    found += [scores for _, scores in results_of(probabilities, data_set, batch_size, model, "predict")]
    return np.concatenate(found)
