# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of the labels that a trained tagger knows."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audeep.data.data_set import DataSet
from audeep.inference.embedder import results_of
from audeep.models.base import Tagger
from audeep.models.layers.windows import windows_of
from audeep.runtime.progress import progress

BATCH_SIZE = 16  # recordings, or windows of them, that are scored at a time

Scores = NDArray[np.float32]  # [instance, label]


def scores_of(model: Tagger, data_set: DataSet, batch_size: int = BATCH_SIZE) -> Scores:
    """Probabilities of the labels of a model that is not in training mode: [instance, label].

    Recordings are read whole, as long as `fit_frames` says; or, where the model has `window_frames`, in windows, over
    which probabilities are averaged.

    Raises:
        ShapeError: a recording is too short for the network.
    """
    windows, config = model.config.windows, model.config
    if windows is not None:
        lengths = np.full(len(data_set), config.fit_frames) if config.fit_frames else data_set.num_frames
        return mean_scores(model, data_set, windows.size, [windows.starts(length) for length in lengths], batch_size)
    model.check_lengths(data_set.num_frames, data_set.filenames)

    def probabilities(frames: Tensor, lengths: Tensor | None) -> Tensor:
        return model.probabilities(model(*model.fitted(frames, lengths)))

    found = [np.empty((0, len(model.labels)), np.float32)]
    found += [scores for _, scores in results_of(probabilities, data_set, batch_size, model, "predict")]
    return np.concatenate(found)


@torch.inference_mode()
def mean_scores(
    model: Tagger,
    data_set: DataSet,
    size: int,
    starts: Sequence[NDArray[np.int64]],
    batch_size: int = BATCH_SIZE,
) -> Scores:
    """The mean over windows of `size` frames of the probabilities of the labels: [instance, label].

    Args:
        starts: where the windows of each instance begin; what is beyond its end is filled as the model says.
    """
    device, config = next(model.parameters()).device, model.config
    sums = np.zeros((len(data_set), len(model.labels)))
    for first, part in progress(list(_parts(data_set, batch_size)), "predict", "batches"):
        frames, lengths = torch.from_numpy(part.features), torch.from_numpy(part.num_frames)
        counts = [len(each) for each in starts[first : first + len(part)]]
        rows = np.repeat(np.arange(len(part)), counts)
        begins = torch.from_numpy(np.concatenate([*starts[first : first + len(part)], np.empty(0, np.int64)]))
        for some in np.split(np.arange(len(rows)), range(batch_size, len(rows), batch_size)):
            read = torch.from_numpy(rows[some])
            windows = windows_of(
                *(frames[read], lengths[read], begins[torch.from_numpy(some)], size, config.fill, config.pad_value)
            )
            found = model.probabilities(model(windows.to(device))).cpu().numpy()
            np.add.at(sums, first + rows[some], found)
    scores: Scores = (sums / np.array([len(each) for each in starts]).reshape(-1, 1)).astype(np.float32)
    return scores


def _parts(data_set: DataSet, size: int) -> Iterator[tuple[int, DataSet]]:
    """The first instance of each part of a data set, and the part."""
    return ((start, data_set[start : start + size]) for start in range(0, len(data_set), size))
