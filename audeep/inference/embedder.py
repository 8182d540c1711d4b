# SPDX-License-Identifier: GPL-3.0-or-later
"""A trained model applied: embeddings of spectrograms, batch by batch or of a whole data set."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audeep.audio.front_ends.registry import FRONT_END, MEL
from audeep.data.data_set import DataSet
from audeep.data.lengths import by_length
from audeep.data.schema import GENERATED
from audeep.errors import OptionError, ShapeError, describe
from audeep.models.base import Network
from audeep.models.devices import applying
from audeep.runtime.execution import Lazily
from audeep.runtime.progress import progress

BATCH_SIZE = 500  # instances that are embedded at a time
SMALL_BATCH = 64  # instances, from which on a batch ends where they get longer
SIMILAR = 1.25  # times the length of the shortest in a batch
TOGETHER = 8000  # instances that are put together by length
LARGEST_PART = 2**25  # values of spectrograms whose frames are embedded before any is given

Spectrograms = NDArray[np.float32]  # [instance, time, freq]
SomeSpectrograms = tuple[Spectrograms, NDArray[np.int64] | None]  # and their lengths, where they differ
Each = Callable[[Sequence[Any]], Iterable[NDArray[np.float32]]]  # the results of batches, in their order
Embeddings = NDArray[np.float32]  # [instance, embedding], or [instance, time, embedding]


class Embedder:
    """A trained model that embeds spectrograms, on the device where it is.

    It gives one vector for each spectrogram or, by a model whose `level` is "frame", for each frame.

    Args:
        model: leaves training mode.
        pooled: embed by the method `embed_pooled`, which not all kinds of models have.

    Raises:
        OptionError: the model has no such method.
    """

    def __init__(self, model: Network, pooled: bool = False) -> None:
        if pooled and not hasattr(model, "embed_pooled"):
            raise OptionError("pooled=True: this kind of model has no pooled features; leave it out")
        self.model = model.eval()
        self.embed: Callable[..., Tensor] = getattr(model, "embed_pooled" if pooled else "embed")

    @property
    def device(self) -> torch.device:
        """Where to compute."""
        return next(self.model.parameters()).device

    @property
    def is_of_frames(self) -> bool:
        """Whether each frame has its vector."""
        return self.model.level == "frame"

    @cached_property
    def size(self) -> int:
        """Length of a vector."""
        return int(self(np.zeros((1, *self.model.config.input_shape), np.float32)).shape[-1])

    @applying()
    def __call__(self, spectrograms: Spectrograms) -> Embeddings:
        """Embed [instance, time, freq], none of it padded."""
        embeddings: Embeddings = self.embed(torch.from_numpy(spectrograms).to(self.device)).cpu().numpy()
        return embeddings

    def parts(
        self, data_set: DataSet, batch_size: int = BATCH_SIZE, each: Each | None = None
    ) -> Iterator[tuple[DataSet, Embeddings]]:
        """The data set part by part, each with its embeddings; zeros in the padding of frames.

        Args:
            each: gives what `of_batch` makes of batches, elsewhere.
        """
        return results_of(self.embed, data_set, batch_size, self.model, "generate", each)

    def of_batch(self, batch: SomeSpectrograms) -> Embeddings:
        """Embeddings of spectrograms and, where they differ, their lengths."""
        return computed(self.embed, self.device, *batch)

    def vectors(self, data_set: DataSet, batch_size: int = BATCH_SIZE) -> DataSet:
        """The same instances with one vector each [instance, generated]: where frames have theirs, the mean of them."""
        found = []
        for part, embeddings in self.parts(data_set, batch_size):
            found.append(embeddings.sum(axis=1) / part.num_frames[:, np.newaxis] if self.is_of_frames else embeddings)
        return data_set.with_features(np.concatenate(found), [GENERATED])


@applying()
def computed(
    compute: Callable[..., Tensor], device: torch.device, frames: Spectrograms, lengths: NDArray[np.int64] | None
) -> NDArray[np.float32]:
    """What `compute` makes of spectrograms and, where they differ, their lengths."""
    known = None if lengths is None else torch.from_numpy(lengths).to(device)
    found: NDArray[np.float32] = compute(torch.from_numpy(frames).to(device), known).cpu().numpy()
    return found


def results_of(
    compute: Callable[..., Tensor],
    data_set: DataSet,
    batch_size: int,
    model: Network,
    what: str,
    each: Each | None = None,
) -> Iterator[tuple[DataSet, NDArray[np.float32]]]:
    """The data set part by part, in its order, each with the results for its instances.

    Where instances have different numbers of frames, those of a batch have similar ones, so that little is padded, and
    the same one where there are enough; results in other batches are the same but for rounding. The results of a part
    are in memory together: those of up to `TOGETHER` instances, or those of the frames of `LARGEST_PART` values.

    Args:
        compute: makes results [batch, ...] of spectrograms [batch, time, freq] and, where some are padded, lengths; an
            axis of time among theirs is as long as in the data set, with zeros in the padding.
        model: on whose device spectrograms are to be.
        what: the work, as a verb.
        each: gives what `compute` makes of batches, elsewhere; by default that is done here.
    """
    device = next(model.parameters()).device
    lengths = data_set.num_frames if data_set.is_padded else None
    together = batch_size if lengths is None else _num_together(data_set, batch_size, model)
    batches = list(_batches(data_set.num_frames, batch_size, together))
    results: NDArray[np.float32] | None = None
    num_done = 0
    spectrograms = Lazily(len(batches), lambda number: _read(data_set, batches[number], lengths))
    done = (computed(compute, device, *batch) for batch in spectrograms) if each is None else each(spectrograms)
    for rows, found in zip(batches, progress(done, what, "batches", len(batches)), strict=True):
        first = num_done // together * together
        part = data_set[first : first + together]
        if results is None:
            shape = found.shape[1:] if found.ndim < 3 else (data_set.feature_shape[0], *found.shape[2:])
            results = np.zeros((len(part), *shape), np.float32)
        results[rows - first, : found.shape[1]] = found
        num_done += len(found)
        if num_done == first + len(part):
            yield part, results
            results = None


def _batches(lengths: NDArray[np.int64], batch_size: int, together: int) -> Iterator[NDArray[np.int64]]:
    """The instances of each batch, ascending: out of each `together`, those of similar lengths."""
    for start in range(0, len(lengths), together):
        left = by_length(np.arange(start, min(start + together, len(lengths))), lengths, together)
        while len(left):
            similar = int(np.searchsorted(lengths[left], SIMILAR * lengths[left[0]], side="right"))
            size = min(batch_size, max(similar, SMALL_BATCH))
            yield np.sort(left[:size])  # files are read from start to end
            left = left[size:]


def _num_together(data_set: DataSet, batch_size: int, model: Network) -> int:
    """How many instances are put together by length, so that their results fit into memory."""
    most = TOGETHER if model.level != "frame" else min(TOGETHER, LARGEST_PART // math.prod(data_set.feature_shape))
    return max(batch_size, most)


def _read(data_set: DataSet, rows: NDArray[np.int64], lengths: NDArray[np.int64] | None) -> SomeSpectrograms:
    """Spectrograms as long as the longest, and lengths where they differ: without those, layers are faster.

    Args:
        lengths: of all instances, where some are padded.
    """
    is_run = rows[-1] - rows[0] < len(rows)  # of instances, which files give at once
    frames = data_set[slice(rows[0], rows[-1] + 1) if is_run else rows].features
    if lengths is None:
        return frames, None
    longest = lengths[rows].max()
    return frames[:, :longest], None if (lengths[rows] == longest).all() else lengths[rows]


def fits(model: Network, shape: Sequence[int], any_length: bool) -> bool:
    """Whether a model embeds spectrograms of `shape` [time, freq]: that of training, but in time where `any_length`."""
    first = 1 if any_length else 0
    return (*shape[first:],) == (*model.config.input_shape[first:],)


def check_shape(model: Network, data_set: DataSet, model_directory: Path) -> None:
    """Check that a model can embed the instances of a data set.

    Raises:
        ShapeError: it was trained on another shape.
    """
    if not fits(model, data_set.feature_shape, any_length=data_set.is_padded or model.reads_any_length):
        raise ShapeError(
            f"instances have features of shape {describe(data_set.feature_shape)}, the model in {model_directory}"
            f" was trained on {describe(model.config.input_shape)}; run 'audeep preprocess' as for training"
        )


def check_made_alike(made_with: Mapping[str, Any] | None, data_set: DataSet, model_directory: Path) -> None:
    """Check that spectrograms were made as those that a model was trained on, as far as both are known.

    Args:
        made_with: the settings of the latter, by name.

    Raises:
        OptionError: a setting differs.
    """
    if data_set.preprocessing is None or made_with is None:
        return
    texts = differences(data_set.preprocessing, made_with)
    if texts:
        raise OptionError(
            f"{data_set.source or 'the input'}: was made with {texts}, on which the model in {model_directory} was"
            " trained; preprocess as for training, or pass any_preprocessing=True"
        )


def differences(found: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """Which settings of preprocessing are others than expected, as far as both tell; of a front end that alone."""
    found, expected = {FRONT_END: MEL, **found}, {FRONT_END: MEL, **expected}
    differing = [name for name in expected if name in found and found[name] != expected[name]]
    if FRONT_END in differing:
        differing = [FRONT_END]
    return ", ".join(f"{name} {found[name]} rather than {expected[name]}" for name in differing)
