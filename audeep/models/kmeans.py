# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of sound, learned by k-means (Coates and Ng 2012; Salamon and Bello, ICASSP 2015)."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from audeep.errors import DataError
from audeep.models.base import FittedModel, Instances, NetworkConfig
from audeep.models.layers.lengths import frames_within, lengths_of, parts_of
from audeep.models.layers.pooling import SMALLEST_DEVIATION, moments
from audeep.runtime.constants import SILENCE
from audeep.runtime.options import option

VALUES_TOGETHER = 2**24  # activations that are pooled at a time, at most: 64 MiB
INSTANCES_TOGETHER = 64  # whose patches are cut out at a time
SMALLEST_VARIANCE = 1e-6  # of a component, as a share of the largest one, added to each before it is scaled to one

Array = NDArray[np.float32]


@dataclass(frozen=True)
class KMeansConfig(NetworkConfig):
    """Sizes of the dictionary, and of what it is learned from."""

    num_words: int = option(500, "words, each a direction of whitened patches", least=1, metavar="N")
    patch_frames: int = option(32, "frames of a patch, which has all bands", least=1, metavar="FRAMES")
    num_components: int = option(
        120, "whiten patches to so many principal components, or as many as they have values", least=1, metavar="N"
    )
    num_patches: int = option(20_000, "learn from so many patches of all recordings, at most", least=1, metavar="N")

    @property
    def patch_size(self) -> int:
        """Values of a patch."""
        return self.patch_frames * self.num_features

    @property
    def whitened_size(self) -> int:
        """Values of a whitened patch."""
        return min(self.num_components, self.patch_size)


class KMeansWords(FittedModel):
    """Describe a recording by how strongly each word of a dictionary sounds in it.

    Patches of so many frames and all bands are whitened by principal component analysis. Words are the directions of
    the centres of k-means among whitened patches; it begins with random directions. A word is active by the product
    of the patch that begins at a frame with it, or not at all where that is negative. The embedding is mean, log
    standard deviation and maximum over time of the activations of all words. What is shorter than a patch is continued
    by silence.
    """

    draws_itself = True
    config_type = KMeansConfig
    config: KMeansConfig

    def __init__(self, config: KMeansConfig) -> None:
        super().__init__(config)
        shape = config.whitened_size, config.num_features, config.patch_frames
        self.whitening = nn.Parameter(torch.zeros(shape), requires_grad=False)  # [component, freq, time]
        self.offset = nn.Parameter(torch.zeros(config.whitened_size), requires_grad=False)
        self.words = nn.Parameter(torch.zeros(config.num_words, config.whitened_size), requires_grad=False)

    @property
    def reads_any_length(self) -> bool:
        """Words are looked for wherever a patch can begin."""
        return True

    def embed(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, 3 * words]."""
        lengths = lengths_of(frames, lengths)
        width = self.config.patch_frames
        frames = functional.pad(frames, (0, 0, 0, max(0, width - frames.shape[1])), value=SILENCE)
        size = max(1, VALUES_TOGETHER // ((frames.shape[1] - width + 1) * self.config.num_words))
        parts = zip(parts_of(frames, size), parts_of(lengths, size), strict=True)
        return torch.cat([self._pooled(some, counts) for some, counts in parts])

    def _pooled(self, frames: Tensor, lengths: Tensor) -> Tensor:
        active = self._activations(_silent_after(frames, lengths))
        counts = (lengths - self.config.patch_frames + 1).clamp(min=1)  # of patches within a recording
        mean, deviation = moments(active, counts)
        maximum = active.where(frames_within(active, counts).unsqueeze(2), 0).amax(dim=1)
        return torch.cat([mean, (deviation + SMALLEST_DEVIATION).log(), maximum], dim=1)

    def embed_frames(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, words]: activations by the patch around each frame."""
        if lengths is not None:
            frames = _silent_after(frames, lengths)
        before = (self.config.patch_frames - 1) // 2
        after = self.config.patch_frames - 1 - before
        return self._activations(functional.pad(frames, (0, 0, before, after), value=SILENCE))

    def _whitened(self, frames: Tensor) -> Tensor:
        """[batch, time, freq] -> [batch, patch, component]; a patch begins at each frame with enough after it."""
        return functional.conv1d(frames.transpose(1, 2), self.whitening, self.offset).transpose(1, 2)

    def _activations(self, frames: Tensor) -> Tensor:
        """[batch, time, freq] -> [batch, patch, word]."""
        return functional.linear(self._whitened(frames), self.words).relu()

    def fit(self, instances: Instances, num_epochs: int, generator: np.random.Generator) -> Iterator[float]:
        """Learn words, and yield the mean squared distance of patches to their centres in each iteration of k-means.

        Raises:
            DataError: there are fewer patches than words or components.
        """
        from threadpoolctl import threadpool_limits

        patches = self._drawn_patches(instances, generator)
        fewest = max(self.config.num_words, self.config.whitened_size)
        if len(patches) < fewest:
            raise DataError(
                f"{len(patches)} patches of {self.config.patch_frames} frames found to learn from, {fewest} or more are"
                " needed; choose fewer num_words=N or num_components=N, or shorter patch_frames=N"
            )
        with threadpool_limits(1), torch.inference_mode():  # several threads add up in any order
            points = self._whiten(patches, int(generator.integers(2**31)))
            centres = _directions(generator.standard_normal(self.words.shape))
            self.words.copy_(torch.from_numpy(centres))
        for _ in range(num_epochs):
            with threadpool_limits(1):
                centres, loss = _iteration(points, centres)
            self.words.data.copy_(torch.from_numpy(_directions(centres)))
            yield loss

    def _drawn_patches(self, instances: Instances, generator: np.random.Generator) -> Array:
        """[patch, freq * time], each place equally likely and none twice."""
        width, num_bands = self.config.patch_frames, self.config.num_features
        lengths = instances.lengths
        if lengths is None:
            lengths = np.full(instances.num_instances, instances.shape[0])
        ends = np.maximum(lengths - width + 1, 1).cumsum()  # of the places of each recording, one after the other
        count = min(self.config.num_patches, int(ends[-1]))
        places = np.sort(generator.choice(ends[-1], count, replace=False))
        owners = np.searchsorted(ends, places, side="right")
        starts = places - np.concatenate([[0], ends])[owners]
        patches = np.empty((count, num_bands, width), np.float32)
        for first in range(0, len(lengths), INSTANCES_TOGETHER):
            rows = np.flatnonzero((owners >= first) & (owners < first + INSTANCES_TOGETHER))
            if len(rows):
                chosen, inverse = np.unique(owners[rows], return_inverse=True)
                batch = instances.take(chosen)
                frames = batch.frames if batch.lengths is None else _silent_after(batch.frames, batch.lengths)
                frames = functional.pad(frames, (0, 0, 0, max(0, width - frames.shape[1])), value=SILENCE)
                windows = frames.unfold(1, width, 1)  # [instance, place, freq, time]
                patches[rows] = windows[torch.from_numpy(inverse), torch.from_numpy(starts[rows])].cpu().numpy()
        return patches.reshape(count, -1)

    def _whiten(self, patches: Array, seed: int) -> Array:
        """Learn how patches are whitened, and give what they become [patch, component]."""
        from sklearn.decomposition import PCA

        mean = patches.mean(axis=0, dtype=np.float64)
        patches -= mean
        analysis = PCA(self.config.whitened_size, svd_solver="randomized", random_state=seed)
        with np.errstate(invalid="ignore"):  # where all patches are the same
            analysis.fit(patches)
        variances = analysis.explained_variance_.astype(np.float64)
        smallest = max(SMALLEST_VARIANCE * variances[0], np.finfo(np.float32).tiny)
        whitening = analysis.components_ / np.sqrt(variances + smallest)[:, np.newaxis]  # [component, freq * time]
        self.whitening.copy_(torch.from_numpy(whitening.reshape(self.whitening.shape)))
        self.offset.copy_(torch.from_numpy(-whitening @ mean))
        return np.asarray(patches @ whitening.T.astype(np.float32))


def _silent_after(frames: Tensor, lengths: Tensor) -> Tensor:
    """Spectrograms [batch, time, freq] with silence after their first `lengths` [batch] frames."""
    return frames.where(frames_within(frames, lengths).unsqueeze(2), SILENCE)


def _directions(points: NDArray[np.floating]) -> Array:
    """Points [point, value] scaled to length 1; those at the origin stay there."""
    norms = np.linalg.norm(points, axis=1, keepdims=True)
    return (points / np.where(norms > 0, norms, 1)).astype(np.float32)


def _iteration(points: Array, centres: Array) -> tuple[Array, float]:
    """Centres moved to the means of the points that are nearest to them, and the mean squared distance to these.

    Where no point is nearest to a centre, it moves to a point that is far from its own.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # where patches are the same
        found = KMeans(len(centres), init=centres, n_init=1, max_iter=1, random_state=0).fit(points)
    return found.cluster_centers_.astype(np.float32), float(found.inertia_) / len(points)
