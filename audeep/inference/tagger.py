# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of the labels that a trained tagger knows, for data sets and for recordings."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audeep.data.data_set import DataSet
from audeep.errors import ModelError, OptionError
from audeep.inference.embedder import Each, Spectrograms, computed, results_of
from audeep.inference.recordings import check_bands, front_end_of_model
from audeep.models.base import Tagger
from audeep.models.checkpoints import load_model
from audeep.models.devices import applying, select_device
from audeep.models.layers.windows import spaced_starts, windows_of
from audeep.runtime.execution import Lazily
from audeep.runtime.progress import progress

BATCH_SIZE = 16  # recordings, or windows of them, that are scored at a time

Scores = NDArray[np.float32]  # [instance, label]


def scores_of(model: Tagger, data_set: DataSet, batch_size: int = BATCH_SIZE, each: Each | None = None) -> Scores:
    """Probabilities of the labels of a model that is not in training mode: [instance, label].

    Recordings are read whole, as long as `fit_frames` says; or, where the model has `window_frames`, in windows, over
    which probabilities are averaged.

    Args:
        each: gives what `of_batch` makes of batches, elsewhere; by default that is done here.

    Raises:
        ShapeError: a recording is too short for the network.
    """
    windows = model.config.windows
    if windows is not None:
        starts = _window_starts(model, data_set.num_frames)
        return mean_scores(model, data_set, windows.size, starts, batch_size, each)
    model.check_lengths(data_set.num_frames, data_set.filenames)
    probabilities = partial(probabilities_of, model)
    found = [np.empty((0, len(model.labels)), np.float32)]
    found += [scores for _, scores in results_of(probabilities, data_set, batch_size, model, "predict", each)]
    return np.concatenate(found)


def of_batch(model: Tagger, batch_size: int, batch: Any) -> Scores:
    """Scores of a batch of `scores_of`, or of one of `mean_scores`, which has windows as well."""
    if len(batch) > 2:
        frames, lengths, size, starts = batch
        return _mean_scores(model, frames, lengths, size, starts, batch_size)
    return computed(partial(probabilities_of, model), next(model.parameters()).device, *batch)


def probabilities_of(model: Tagger, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Probabilities of the labels [batch, label] from frames [batch, time, freq] that are fitted first."""
    return model.probabilities(model(*model.fitted(frames, lengths)))


def spaced_scores(
    model: Tagger, data_set: DataSet, count: int, size: int, batch_size: int = BATCH_SIZE, each: Each | None = None
) -> Scores:
    """The mean over `count` excerpts of `size` frames that are spread evenly over each recording: [instance, label].

    Raises:
        OptionError: excerpts are too short for the network.
    """
    fitted = model.config.fit_frames
    starts = [spaced_starts(fitted or int(length), size, count) for length in data_set.num_frames]
    return mean_scores(model, data_set, size, starts, batch_size, each)


def mean_scores(
    model: Tagger,
    data_set: DataSet,
    size: int,
    starts: Sequence[NDArray[np.int64]],
    batch_size: int = BATCH_SIZE,
    each: Each | None = None,
) -> Scores:
    """The mean over windows of `size` frames of the probabilities of the labels: [instance, label].

    Args:
        starts: where the windows of each instance begin; what is beyond its end is filled as the model says.

    Raises:
        OptionError: windows are too short for the network.
    """
    if size < model.shortest:
        raise OptionError(f"excerpt_frames={size}: the network needs {model.shortest} frames or more; choose so many")
    parts = list(_parts(data_set, batch_size))

    def read(number: int) -> tuple[Spectrograms, NDArray[np.int64], int, Sequence[NDArray[np.int64]]]:
        first, part = parts[number]
        return part.features, part.num_frames, size, starts[first : first + len(part)]

    batches = Lazily(len(parts), read)
    done = (_mean_scores(model, *batch, batch_size) for batch in batches) if each is None else each(batches)
    found = [np.empty((0, len(model.labels)), np.float32)]
    return np.concatenate([*found, *progress(done, "predict", "batches", len(parts))])


@applying()
def _mean_scores(
    model: Tagger,
    spectrograms: Spectrograms,
    num_frames: NDArray[np.int64],
    size: int,
    starts: Sequence[NDArray[np.int64]],
    batch_size: int,
) -> Scores:
    """What `mean_scores` gives, of spectrograms [instance, time, freq] of which `num_frames` [instance] count."""
    device, config = next(model.parameters()).device, model.config
    frames, lengths = torch.from_numpy(spectrograms), torch.from_numpy(num_frames)
    counts = [len(each) for each in starts]
    rows = np.repeat(np.arange(len(starts)), counts)
    begins = torch.from_numpy(np.concatenate([*starts, np.empty(0, np.int64)]))
    sums = np.zeros((len(starts), len(model.labels)))
    for some in np.split(np.arange(len(rows)), range(batch_size, len(rows), batch_size)):
        read = torch.from_numpy(rows[some])
        windows = windows_of(
            *(frames[read], lengths[read], begins[torch.from_numpy(some)], size, config.fill, config.pad_value)
        )
        np.add.at(sums, rows[some], model.probabilities(model(windows.to(device))).cpu().numpy())
    scores: Scores = (sums / np.array(counts).reshape(-1, 1)).astype(np.float32)
    return scores


def _window_starts(model: Tagger, num_frames: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Where the windows begin that a model cuts recordings of so many frames into, once these are fitted."""
    windows, config = model.config.windows, model.config
    assert windows is not None
    return [windows.starts(config.fit_frames or int(length)) for length in num_frames]


def _parts(data_set: DataSet, size: int) -> Iterator[tuple[int, DataSet]]:
    """The first instance of each part of a data set, and the part."""
    return ((start, data_set[start : start + size]) for start in range(0, len(data_set), size))


def tagger_in(directory: Path, step: int | str | None = None, kind: str | None = None) -> Tagger:
    """The tagger of `step` (by default the newest) in a directory.

    Raises:
        ModelError: there is no such model, or it is not a tagger.
    """
    model, _ = load_model(directory, step, kind)
    if not isinstance(model, Tagger):
        raise ModelError(f"{directory}: is not a model that learns from labels; name one that is")
    return model


class RecordingTagger:
    """A trained tagger, and how the spectrograms that it was trained on were made.

    Attributes:
        labels: their names, in the order of the scores.
        front_end: how frames are to be made.

    Raises:
        ModelError: there is no such model, it is not a tagger, or it does not tell how its spectrograms were made.
        OptionError: there is no such device.
    """

    def __init__(self, directory: Path, step: int | str | None = None, device: str = "auto") -> None:
        self.directory = directory
        self.model = tagger_in(directory, step)
        self.labels = self.model.labels
        self.front_end = front_end_of_model(directory, step)
        self.model.to(select_device(device))

    @applying()
    def __call__(self, name: Path | str, frames: Spectrograms) -> Scores:
        """Probabilities of the labels [instance, label] from frames [instance, time, freq]; errors call these `name`.

        Raises:
            ShapeError: they have another number of bands, or are too few or too many.
        """
        model = self.model
        check_bands(model, name, frames)
        lengths = np.full(len(frames), frames.shape[1])
        windows = model.config.windows
        if windows is not None:
            return _mean_scores(model, frames, lengths, windows.size, _window_starts(model, lengths), BATCH_SIZE)
        model.check_lengths(lengths, [name] * len(frames))
        device = next(model.parameters()).device
        found = [probabilities_of(model, some.to(device)) for some in torch.from_numpy(frames).split(BATCH_SIZE)]
        scores: Scores = torch.cat(found).cpu().numpy()
        return scores
