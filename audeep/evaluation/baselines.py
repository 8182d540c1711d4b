# SPDX-License-Identifier: GPL-3.0-or-later
"""What learned features must beat: chance, and statistics of spectrograms that ignore the order of frames."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from audeep.data.data_set import DataSet
from audeep.data.schema import GENERATED, TIME
from audeep.data.upsample import original_names
from audeep.errors import DataError, ShapeError
from audeep.evaluation.evaluate import Partitions, evaluate
from audeep.evaluation.learners import svms
from audeep.evaluation.plan import DEFAULT_PLAN, EvaluationPlan
from audeep.evaluation.results import Evaluation

COMPLEXITIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # of an SVM on statistics, to choose among


class ConstantLearner:
    """Predicts the most frequent label, the lowest among equals, or the mean value, whatever the features."""

    def __init__(self, seed: int = 0) -> None:
        """Take a seed as all learners do; nothing is random."""

    def fit(self, features: np.ndarray, targets: np.ndarray) -> None:
        self.constant = targets.mean()
        if targets.dtype.kind != "f":
            labels, counts = np.unique(targets, return_counts=True)
            self.constant = labels[counts.argmax()]

    def predict(self, features: np.ndarray) -> np.ndarray:
        return np.full(len(features), self.constant)


def evaluate_baselines(
    statistics: DataSet,
    plan: EvaluationPlan = DEFAULT_PLAN,
    partitions: Partitions | None = None,
    complexities: Sequence[float] = COMPLEXITIES,
) -> dict[str, Evaluation]:
    """An SVM on band statistics, and chance, by their names.

    Args:
        statistics: see `band_statistics`.
        plan: as for the features; nothing is repeated, since neither depends on the seed.
        partitions: see `evaluate`.
        complexities: of the SVM, to choose among.
    """
    once = replace(plan, repeat=1)
    return {
        "SVM on mean and deviation of each band": evaluate(
            statistics, svms(complexities, plan.regression), once, partitions
        ),
        "chance": evaluate(statistics, ConstantLearner, replace(once, upsample=False), partitions),
    }


def band_statistics(data_set: DataSet, spectrograms: DataSet) -> DataSet:
    """The same instances; their features are mean and standard deviation over time of each band of the spectrograms.

    Spectrograms are found by file name and chunk number; what `upsample` repeated has that of its original.

    Raises:
        DataError: an instance has no spectrogram.
        ShapeError: `spectrograms` has no axis of time.
    """
    if TIME not in spectrograms.feature_dims:
        raise ShapeError(
            f"spectrograms to compare with have axes {list(spectrograms.feature_dims)}, none is '{TIME}'; name the file"
            " that 'audeep preprocess' wrote"
        )
    position = {key: row for row, key in enumerate(_keys(spectrograms))}
    rows = [position.get(key, -1) for key in _keys(data_set)]
    if -1 in rows:
        filename, chunk_nr = data_set.filenames[rows.index(-1)], data_set.chunk_nrs[rows.index(-1)]
        raise DataError(
            f"{rows.count(-1)} of {len(rows)} instances have no spectrogram, the first is {filename},"
            f" chunk {chunk_nr}; name the spectrograms that the features were generated from"
        )
    needed, inverse = np.unique(rows, return_inverse=True)
    parts = [_statistics(block) for block in spectrograms[needed].blocks()]
    return data_set.with_features(np.concatenate(parts)[inverse], [GENERATED])


def _keys(data_set: DataSet) -> list[tuple[str, int]]:
    return list(zip(original_names(data_set.filenames), data_set.chunk_nrs.tolist(), strict=True))


def _statistics(spectrograms: DataSet) -> np.ndarray:
    """[instance, 2 * bands], float32; of true frames alone."""
    features = np.moveaxis(spectrograms.features.astype(np.float64), 1 + spectrograms.feature_dims.index(TIME), 1)
    lengths = spectrograms.num_frames if spectrograms.is_padded else [None] * len(features)
    true_frames = [each[:length] for each, length in zip(features, lengths, strict=True)]
    moments = [(frames.mean(axis=0).ravel(), frames.std(axis=0).ravel()) for frames in true_frames]
    return np.array(moments).reshape(len(features), -1).astype(np.float32)
