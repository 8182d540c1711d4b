# SPDX-License-Identifier: GPL-3.0-or-later
"""Chance, and statistics that know nothing of the order of frames."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor

from audeep.data.data_set import DataSet, empty, load
from audeep.data.upsample import upsample
from audeep.errors import DataError, ShapeError
from audeep.evaluation.baselines import ConstantLearner, band_statistics


def spectrograms(names: list[str], chunks: int = 2, dims: tuple[str, ...] = ("time", "freq")) -> DataSet:
    data_set = empty(len(names) * chunks, [], label_map={"low": 0, "high": 1})
    data_set.filenames[:] = np.repeat(names, chunks)
    data_set.chunk_nrs[:] = np.tile(range(chunks), len(names))
    features = np.random.default_rng(0).normal(3, 5, (len(data_set), 7, 4)).astype(np.float32)
    return data_set.with_features(features, dims)


def test_statistics_are_mean_and_deviation_over_time_matched_by_file_and_chunk() -> None:
    source = spectrograms(["a", "b", "c"])
    features = source.with_features(np.zeros((6, 9), np.float32), ["generated"])[[5, 0, 3]]
    found = band_statistics(features, source)
    assert found.filenames.tolist() == ["c", "a", "b"] and found.chunk_nrs.tolist() == [1, 0, 1]
    chosen = source.features[[5, 0, 3]]
    np.testing.assert_allclose(found.features, np.hstack([chosen.mean(axis=1), chosen.std(axis=1)]), rtol=1e-5)
    transposed = band_statistics(features, source.with_feature_dimensions(["freq", "time"]))
    np.testing.assert_allclose(transposed.features, found.features, rtol=1e-6)


def test_the_order_of_frames_changes_nothing() -> None:
    source = spectrograms(["a", "b", "c"])
    shuffled = source.with_features(source.features[:, np.random.default_rng(1).permutation(7)], source.feature_dims)
    found, expected = band_statistics(source, shuffled), band_statistics(source, source)
    np.testing.assert_allclose(found.features, expected.features, rtol=1e-5)


def test_copies_have_the_spectrogram_of_their_original(tmp_path: Path) -> None:
    source = spectrograms(["a", "b", "c"], chunks=1)
    source.save(tmp_path / "s.nc")
    source.labels_numeric[:] = [0, 0, 1]
    copies = upsample(source)
    assert copies.filenames.tolist() == ["a", "b", "c", "c.upsampled.1"]
    found = band_statistics(copies, load(tmp_path / "s.nc")).features
    np.testing.assert_array_equal(found[3], found[2])


def test_missing_spectrograms_and_files_without_time_are_refused() -> None:
    source = spectrograms(["a", "b"])
    with pytest.raises(DataError, match="^2 of 4 instances have no spectrogram, the first is b, chunk 0; name"):
        band_statistics(source, source[:2])
    with pytest.raises(ShapeError, match=r"axes \['generated_0', 'generated_1'\], none is 'time'; name the file that"):
        band_statistics(source, spectrograms(["a", "b"], dims=("generated_0", "generated_1")))


def test_chance_is_that_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    features, labels, values = (
        generator.normal(size=(30, 2)),
        generator.choice([2, 5, 9], 30),
        generator.normal(size=30),
    )
    for dummy, targets in ((DummyClassifier(), labels), (DummyRegressor(), values), (DummyClassifier(), [7, 3] * 15)):
        learner = ConstantLearner(seed=1)
        learner.fit(features, np.array(targets))
        np.testing.assert_allclose(learner.predict(features[:4]), dummy.fit(features, targets).predict(features[:4]))
