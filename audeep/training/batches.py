# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of features from one or more data sets."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audeep.data.data_set import DataSet
from audeep.data.lengths import BATCHES_ALIKE, by_length
from audeep.errors import DataError, ShapeError, describe
from audeep.models.base import Batch, TaggerConfig
from audeep.models.layers.windows import Windows, windows_of
from audeep.runtime.constants import SILENCE

MEMORY_BYTES = 2**30  # features up to this size are read once and kept


class Batches:
    """All instances of some data sets in random order, each once per epoch by default; the last batch may be smaller.

    Where instances have different numbers of frames, those of a batch have similar ones, so that little is padded.
    Features are kept in memory on `device` up to `memory_bytes`. Else batches are read from the files, each while the
    one before is worked on.

    Args:
        shape: [time, freq], to which all are padded, if it is known already.
        targets_of: gives what is to be learnt of each instance of a data set, [instance] or [instance, label].
        cut: gives windows instead, each an instance of its own, which has what is to be learnt of its recording.
        passes: how often each instance is in an epoch.
        are_numbered: what is to be learnt of an instance is its place among all.
        is_balanced: draw the instances of an epoch with replacement, so that all targets are equally frequent.

    Raises:
        DataError: there are no instances, or, when they are read, features that are NaN or infinite.
        ShapeError: the data sets have instances of different shapes, or not of two axes.
    """

    def __init__(
        self,
        data_sets: Sequence[DataSet],
        batch_size: int,
        device: torch.device,
        memory_bytes: int = MEMORY_BYTES,
        shape: tuple[int, int] | None = None,
        targets_of: Callable[[DataSet], np.ndarray] | None = None,
        cut: TaggerConfig | None = None,
        is_balanced: bool = False,
        passes: int = 1,
        are_numbered: bool = False,
    ) -> None:
        self.data_sets = data_sets
        self.batch_size = batch_size
        self.device = device
        self.shape = shape or common_shape(data_sets)
        self.starts = np.cumsum([0] + [len(data_set) for data_set in data_sets])
        if not self.starts[-1]:
            raise DataError("there are no instances to train on; check the input with 'audeep inspect netcdf'")
        lengths = np.concatenate([data_set.num_frames for data_set in data_sets])
        self.lengths = lengths if (lengths < self.shape[0]).any() else None
        self.cut, self.windows = cut, None
        if cut is not None and cut.windows is not None:
            fitted = lengths if cut.fit_frames is None else np.full_like(lengths, cut.fit_frames)
            self.windows = _windows(cut.windows, fitted)
        self.targets: Tensor | None = None
        if targets_of is not None:
            self.targets = torch.from_numpy(np.concatenate([targets_of(data_set) for data_set in data_sets]))
        elif are_numbered:
            self.targets = torch.arange(int(self.starts[-1]))
        self.passes = passes
        self.shares = self._shares() if is_balanced else None
        self.memory: Tensor | None = None
        if self.starts[-1] * int(np.prod(self.shape)) * 4 <= memory_bytes:
            features = np.empty((self.starts[-1], *self.shape), np.float32)
            for data_set, (start, stop) in zip(data_sets, pairwise(self.starts), strict=True):
                num_frames = data_set.feature_shape[0]
                features[start:stop, :num_frames], features[start:stop, num_frames:] = data_set.features, SILENCE
            self.memory = self._checked(torch.from_numpy(features)).to(device)

    @property
    def num_instances(self) -> int:
        """Instances of all data sets together; windows, where they are cut into them."""
        return int(self.starts[-1]) if self.windows is None else len(self.windows)

    @property
    def per_epoch(self) -> int:
        """Batches in one epoch."""
        return -(-self.passes * self.num_instances // self.batch_size)

    def epoch(self, generator: np.random.Generator, skip: int = 0) -> Iterator[Batch]:
        """Batches in the random order of `generator`, but for the first `skip`."""
        if self.shares is None:
            order = np.concatenate([generator.permutation(self.num_instances) for _ in range(self.passes)])
        else:
            order = generator.choice(self.num_instances, self.num_instances, p=self.shares)
        parts = self._parts(order, generator)[skip:]
        return map(self.take, parts) if self.memory is not None else _read_ahead(self.take, parts)

    def _parts(self, order: np.ndarray, generator: np.random.Generator) -> list[np.ndarray]:
        """The instances of each batch."""
        is_sorted = self.lengths is not None and self.windows is None
        if self.lengths is not None and is_sorted:
            order = by_length(order, self.lengths, self.batch_size * BATCHES_ALIKE)
        parts = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        if is_sorted:
            generator.shuffle(parts)
        return parts

    def take(self, indices: np.ndarray) -> Batch:
        """Some instances, counted through all data sets; without what is padding in all of them."""
        if self.windows is not None:
            return self._take_windows(*self.windows[indices].T)
        return self._take(indices)

    def _take_windows(self, instances: np.ndarray, starts: np.ndarray) -> Batch:
        """The windows of some instances that begin at `starts`."""
        assert self.cut is not None and self.cut.window_frames is not None, "there are windows"
        frames, lengths, targets = self._take(instances)
        found = windows_of(
            *(frames, lengths, torch.from_numpy(starts), self.cut.window_frames, self.cut.fill, self.cut.pad_value)
        )
        return Batch(found, None, targets)

    def _shares(self) -> np.ndarray:
        """With what probability each instance is drawn, so that all targets are equally frequent [instance]."""
        assert self.targets is not None, "what is balanced has targets"
        targets = self.targets.numpy()
        if targets.ndim == 1:
            weights = 1 / np.bincount(targets)[targets]
        else:  # several labels: the mean of what each asks for; instances without any are as rare as the rarest
            counts = targets.sum(axis=0)
            weights = targets @ (1 / counts.clip(min=1)) / targets.sum(axis=1).clip(min=1)
            weights[weights == 0] = weights[weights > 0].min(initial=1)
        if self.windows is not None:
            weights = (weights / np.bincount(self.windows[:, 0]))[self.windows[:, 0]]
        shares: np.ndarray = weights / weights.sum()
        return shares

    def _take(self, indices: np.ndarray) -> Batch:
        """Some instances before they are cut into windows."""
        lengths = None if self.lengths is None else self.lengths[indices]
        num_frames = self.shape[0] if lengths is None else int(lengths.max())
        if self.memory is not None:
            features = self.memory[torch.from_numpy(indices).to(self.device), :num_frames]
        else:
            features = self._read(indices, num_frames)
        targets = None if self.targets is None else self.targets[torch.from_numpy(indices)].to(self.device)
        return Batch(features, None if lengths is None else torch.from_numpy(lengths).to(self.device), targets)

    def _read(self, indices: np.ndarray, num_frames: int) -> Tensor:
        """The first frames of some instances, from the files."""
        features = np.full((len(indices), num_frames, self.shape[1]), SILENCE, np.float32)
        owners = np.searchsorted(self.starts, indices, side="right") - 1
        for owner in np.unique(owners):
            rows = np.flatnonzero(owners == owner)
            rows = rows[np.argsort(indices[rows])]  # files are read from start to end
            found = self.data_sets[owner][indices[rows] - self.starts[owner]].features[:, :num_frames]
            features[rows, : found.shape[1]] = found
        return self._checked(torch.from_numpy(features)).to(self.device)

    def _checked(self, features: Tensor) -> Tensor:
        if not torch.isfinite(features).all():
            raise DataError("some features are NaN or infinite; preprocess the recordings again")
        return features


def _windows(windows: Windows, lengths: np.ndarray) -> np.ndarray:
    """Instance and first frame of all windows of instances of some lengths: [window, 2]."""
    starts = [windows.starts(length) for length in lengths]
    return np.column_stack([np.repeat(np.arange(len(lengths)), [len(each) for each in starts]), np.concatenate(starts)])


def _read_ahead(read: Callable[[np.ndarray], Batch], parts: Sequence[np.ndarray]) -> Iterator[Batch]:
    """What `read` gives for each part, the next one being read in another thread."""
    with ThreadPoolExecutor(1, "audeep-batches") as reader:
        coming: Future[Batch] | None = None
        for part in parts:
            ready, coming = coming, reader.submit(read, part)
            if ready is not None:
                yield ready.result()
        if coming is not None:
            yield coming.result()


def common_shape(data_sets: Sequence[DataSet]) -> tuple[int, int]:
    """The shape [time, freq] that all instances have, or are to be padded to.

    Raises:
        ShapeError: instances have other than two axes, or nothing along one, or data sets differ, but for the number
            of frames where some are padded.
    """
    first = data_sets[0].feature_shape
    if len(first) != 2:
        raise ShapeError(f"features have axes {list(data_sets[0].feature_dims)}, spectrograms [time, freq] are needed")
    if 0 in first:
        raise ShapeError(f"features have shape {describe(first)}, frames and bands are needed; preprocess again")
    may_differ = any(data_set.is_padded for data_set in data_sets)
    for number, data_set in enumerate(data_sets[1:], 2):
        shape = data_set.feature_shape
        if shape != first and not (may_differ and shape[1:] == first[1:]):
            raise ShapeError(
                f"input {number} has spectrograms of shape {describe(shape)}, the first"
                f" {describe(first)}; preprocess all inputs with the same settings"
            )
    return max(data_set.feature_shape[0] for data_set in data_sets), first[1]


def common_preprocessing(data_sets: Sequence[DataSet]) -> dict[str, Any] | None:
    """Settings that all spectrograms were made with, where that is known."""
    first, *others = [data_set.preprocessing for data_set in data_sets]
    return first if all(settings == first for settings in others) else None
