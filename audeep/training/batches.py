# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of features from one or more data sets."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from audeep.data.data_set import DataSet
from audeep.errors import DataError, ShapeError

MEMORY_BYTES = 2**30  # features up to this size are read once and kept


class Batches:
    """All instances of some data sets in random order, each once per epoch; the last batch may be smaller.

    Features are kept in memory on `device` up to `memory_bytes`. Else batches are read from the files, each while the
    one before is worked on.

    Raises:
        DataError: there are no instances, or, when they are read, features that are infinite or no numbers.
        ShapeError: the data sets have instances of different shapes, or not of two axes.
    """

    def __init__(
        self,
        data_sets: Sequence[DataSet],
        batch_size: int,
        device: torch.device,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self.data_sets = data_sets
        self.batch_size = batch_size
        self.device = device
        self.shape = common_shape(data_sets)
        self.starts = np.cumsum([0] + [len(data_set) for data_set in data_sets])
        if not self.num_instances:
            raise DataError("there are no instances to train on; check the input with 'audeep inspect netcdf'")
        self.memory: Tensor | None = None
        if self.num_instances * int(np.prod(self.shape)) * 4 <= memory_bytes:
            features = np.empty((self.num_instances, *self.shape), np.float32)
            for data_set, (start, stop) in zip(data_sets, pairwise(self.starts), strict=True):
                features[start:stop] = data_set.features
            self.memory = self._checked(torch.from_numpy(features)).to(device)

    @property
    def num_instances(self) -> int:
        """Instances of all data sets together."""
        return int(self.starts[-1])

    @property
    def per_epoch(self) -> int:
        """Batches in one epoch."""
        return -(-self.num_instances // self.batch_size)

    def epoch(self, generator: np.random.Generator, skip: int = 0) -> Iterator[Tensor]:
        """Batches [batch, time, freq] in the random order of `generator`, but for the first `skip`."""
        order = generator.permutation(self.num_instances)
        parts = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)][skip:]
        return map(self.take, parts) if self.memory is not None else _read_ahead(self.take, parts)

    def take(self, indices: np.ndarray) -> Tensor:
        """The features of some instances, counted through all data sets."""
        if self.memory is not None:
            return self.memory[torch.from_numpy(indices).to(self.device)]
        features = np.empty((len(indices), *self.shape), np.float32)
        owners = np.searchsorted(self.starts, indices, side="right") - 1
        for owner in np.unique(owners):
            rows = np.flatnonzero(owners == owner)
            rows = rows[np.argsort(indices[rows])]  # files are read from start to end
            features[rows] = self.data_sets[owner][indices[rows] - self.starts[owner]].features
        return self._checked(torch.from_numpy(features)).to(self.device)

    def _checked(self, features: Tensor) -> Tensor:
        if not torch.isfinite(features).all():
            raise DataError("some features are infinite or no numbers; preprocess the recordings again")
        return features


def _read_ahead(read: Callable[[np.ndarray], Tensor], parts: Sequence[np.ndarray]) -> Iterator[Tensor]:
    """What `read` gives for each part, the next one being read in another thread."""
    with ThreadPoolExecutor(1, "audeep-batches") as reader:
        coming: Future | None = None
        for part in parts:
            ready, coming = coming, reader.submit(read, part)
            if ready is not None:
                yield ready.result()
        if coming is not None:
            yield coming.result()


def common_shape(data_sets: Sequence[DataSet]) -> tuple[int, int]:
    """The shape [time, freq] that all instances share.

    Raises:
        ShapeError: instances have other than two axes, or nothing along one, or data sets differ.
    """
    shape = data_sets[0].feature_shape
    if len(shape) != 2:
        raise ShapeError(f"features have axes {list(data_sets[0].feature_dims)}, spectrograms [time, freq] are needed")
    if 0 in shape:
        raise ShapeError(f"features have shape {describe(shape)}, frames and bands are needed; preprocess again")
    for number, data_set in enumerate(data_sets[1:], 2):
        if data_set.feature_shape != shape:
            raise ShapeError(
                f"input {number} has spectrograms of shape {describe(data_set.feature_shape)}, the first"
                f" {describe(shape)}; preprocess all inputs with the same settings"
            )
    return shape


def describe(shape: Sequence[int]) -> str:
    """A shape for people: 124 x 128."""
    return " x ".join(map(str, shape))
