# SPDX-License-Identifier: GPL-3.0-or-later
"""Words by k-means on whitened patches: what they are, what they find, and what becomes of short recordings."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from audeep import KMeansWords as KMeansEstimator
from audeep import train
from audeep.cli.app import main
from audeep.data.data_set import DataSet, load
from audeep.errors import DataError, ModelError, OptionError
from audeep.inference import hear
from audeep.inference.features import FeatureExtractor
from audeep.models.base import Batch
from audeep.models.kmeans import KMeansConfig, KMeansWords
from audeep.training.options import FittingOptions, TrainingOptions

SMALL = {"num_words": 4, "patch_frames": 3, "num_components": 5}


class Spectrograms:
    """Instances to fit to, [instance, time, freq] and lengths."""

    def __init__(self, frames: np.ndarray, lengths: list[int] | None = None) -> None:
        self.frames = torch.from_numpy(frames.astype(np.float32))
        self.lengths = None if lengths is None else np.array(lengths)
        self.shape = frames.shape[1:]
        self.num_instances = len(frames)

    def take(self, indices: np.ndarray) -> Batch:
        lengths = None if self.lengths is None else torch.from_numpy(self.lengths[indices])
        return Batch(self.frames[torch.from_numpy(indices)], lengths)


def noise(count: int = 20, steps: int = 12, bands: int = 4, seed: int = 0) -> np.ndarray:
    """Spectrograms whose bands and frames depend on each other."""
    generator = np.random.default_rng(seed)
    return generator.uniform(-1, 1, (count, steps, bands)).cumsum(axis=1).cumsum(axis=2) / 10


def fitted(instances: Spectrograms, num_epochs: int = 5, seed: int = 0, **options: int) -> KMeansWords:
    model = KMeansWords(KMeansConfig(*instances.shape, **{**SMALL, **options})).eval()
    list(model.fit(instances, num_epochs, np.random.default_rng(seed)))
    return model


def all_patches(frames: np.ndarray, width: int) -> np.ndarray:
    """[patch, time * freq]"""
    return np.array([each[start : start + width].ravel() for each in frames for start in range(len(each) - width + 1)])


def whitening_of(model: KMeansWords) -> tuple[np.ndarray, np.ndarray]:
    """[component, time * freq] and [component], in double precision."""
    weights = model.whitening.detach().double().numpy().transpose(0, 2, 1)
    return weights.reshape(len(weights), -1), model.offset.detach().double().numpy()


def test_patches_are_whitened_by_their_principal_components() -> None:
    frames = noise()
    model = fitted(Spectrograms(frames))
    patches = all_patches(frames.astype(np.float32), 3).astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(patches.T))
    expected = (patches - patches.mean(axis=0)) @ vectors[:, ::-1][:, :5] / np.sqrt(values[::-1][:5])
    weights, offset = whitening_of(model)
    found = patches @ weights.T + offset
    signs = np.sign((found * expected).sum(axis=0))  # which principal components do not have
    np.testing.assert_allclose(found * signs, expected, atol=1e-3)


def test_the_embedding_is_mean_log_deviation_and_maximum_of_rectified_products() -> None:
    frames = noise(3)
    model = fitted(Spectrograms(noise()))
    weights, offset = whitening_of(model)
    words = model.words.detach().double().numpy()
    np.testing.assert_allclose(np.linalg.norm(words, axis=1), 1, atol=1e-6)
    expected = []
    for each in frames.astype(np.float32):
        active = np.maximum((all_patches(each[np.newaxis], 3) @ weights.T + offset) @ words.T, 0)
        expected.append(np.concatenate([active.mean(0), np.log(active.std(0) + 0.03), active.max(0)]))
    found = model.embed(torch.from_numpy(frames.astype(np.float32)))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)


def planted(num_words: int, num_spectrograms: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Spectrograms of 3 frames that each have one of some patterns, at a random strength, in faint noise."""
    generator = np.random.default_rng(1)
    patterns = generator.standard_normal((num_words, 3, 4))
    which = np.arange(num_spectrograms) % num_words
    strengths = generator.uniform(0.5, 1, num_spectrograms)[:, np.newaxis, np.newaxis]
    return patterns[which] * strengths + 0.01 * generator.standard_normal((num_spectrograms, 3, 4)), which


def test_words_are_the_patterns_that_there_are() -> None:
    frames, which = planted(4)
    options = {"num_words": 4, "num_components": 3}
    model = KMeansWords(KMeansConfig(3, 4, patch_frames=3, **options))
    losses = list(model.fit(Spectrograms(frames), 8, np.random.default_rng(0)))
    assert losses[-1] < 0.2 < losses[0] and losses == sorted(losses, reverse=True)
    loudest = fitted(Spectrograms(frames), 8, **options).embed(torch.from_numpy(frames).float())[:, :4].argmax(dim=1)
    assert len({(word, pattern) for word, pattern in zip(loudest.tolist(), which, strict=True)}) == 4


def test_without_epochs_words_are_random_directions() -> None:
    instances = Spectrograms(noise())
    random, learned = fitted(instances, num_epochs=0), fitted(instances, num_epochs=5)
    assert torch.equal(random.whitening, learned.whitening)  # the twin differs in its words alone
    assert not torch.allclose(random.words, learned.words, atol=0.1)
    np.testing.assert_allclose(random.words.norm(dim=1), 1, atol=1e-6)
    other = fitted(Spectrograms(noise(seed=3)), num_epochs=0)
    assert torch.equal(random.words, other.words)  # which come from the seed, not from the data


@pytest.mark.slow
def test_what_follows_a_recording_changes_nothing() -> None:
    frames, lengths = noise(8), [12, 7, 3, 12, 1, 9, 2, 12]
    padded = frames.copy()
    for each, length in zip(padded, lengths, strict=True):
        each[length:] = 99
    model, spoilt = fitted(Spectrograms(noise())), torch.from_numpy(padded).float()
    found = model.embed(spoilt, torch.tensor(lengths))
    alone = torch.cat([model.embed(spoilt[[row], :length]) for row, length in enumerate(lengths)])
    torch.testing.assert_close(found, alone, atol=1e-5, rtol=1e-5)
    few = fitted(Spectrograms(padded, lengths), num_words=2, num_components=4)
    frames[np.arange(12) >= np.array(lengths)[:, np.newaxis]] = -1
    assert torch.equal(few.words, fitted(Spectrograms(frames, lengths), num_words=2, num_components=4).words)
    assert few.words.abs().max() < 2


def test_a_recording_shorter_than_a_patch_is_continued_by_silence() -> None:
    model, short = fitted(Spectrograms(noise())), torch.from_numpy(noise(2, steps=2)).float()
    silence = torch.full((2, 1, 4), -1.0)
    torch.testing.assert_close(model.embed(short), model.embed(torch.cat([short, silence], dim=1)))


def test_each_frame_is_described_by_the_patch_around_it() -> None:
    model, frames = fitted(Spectrograms(noise())), torch.from_numpy(noise(2)).float()
    found = model.embed_frames(frames)
    assert found.shape == (2, 12, 4)
    for place in range(10):  # of the middle frame, a patch of 3 has one before and one after it
        alone = model.embed(frames[:, place : place + 3])
        torch.testing.assert_close(found[:, place + 1], alone[:, :4], atol=1e-5, rtol=1e-5)


def test_what_is_the_same_everywhere_has_finite_embeddings() -> None:
    silent = np.full((5, 12, 4), -1.0)
    assert torch.isfinite(fitted(Spectrograms(silent)).embed(torch.from_numpy(silent).float())).all()


def test_spectrograms_of_one_band_have_no_more_components_than_values() -> None:
    model = fitted(Spectrograms(noise(bands=1)), num_components=100)
    assert model.words.shape == (4, 3)


def test_too_few_patches_are_refused() -> None:
    with pytest.raises(DataError, match=r"^20 patches of 3 frames found to learn from, 30 or more are needed; choose"):
        fitted(Spectrograms(noise(2)), num_words=30)


def test_some_of_the_patches_are_drawn_from_the_seed() -> None:
    instances = Spectrograms(noise(200))
    some, same, other = (fitted(instances, seed=seed, num_patches=100) for seed in (1, 1, 2))
    assert torch.equal(some.words, same.words) and not torch.equal(some.offset, other.offset)


def run(command: str) -> int:
    return main(["-q", *command.split()])


@pytest.mark.slow
def test_the_command_writes_a_model_once(tmp_path: Path, make_spectrograms: Callable[..., DataSet]) -> None:
    make_spectrograms(12, steps=8, lengths=[8, 3]).save(tmp_path / "s.nc")
    options = f"--input {tmp_path}/s.nc --num-words 4 --patch-frames 3 --num-components 5 --num-epochs 3"
    assert run(f"kmeans train --run-name {tmp_path}/run {options}") == 0
    logs = tmp_path / "run" / "logs"
    assert sorted(path.name for path in logs.iterdir()) == [
        "learning-curve.csv",
        "model-3.safetensors",
        "settings.json",
    ]
    assert run(f"kmeans train --run-name {tmp_path}/run {options}") == 1
    assert run(f"kmeans train --run-name {tmp_path}/again {options}") == 0
    assert run(f"kmeans train --run-name {tmp_path}/other {options} --seed 1") == 0
    models = [(tmp_path / name / "logs" / "model-3.safetensors").read_bytes() for name in ("run", "again", "other")]
    assert models[0] == models[1] != models[2]
    assert run(f"kmeans train --run-name {tmp_path}/twin {options.replace('epochs 3', 'epochs 0')}") == 0
    assert (tmp_path / "twin" / "logs" / "model-0.safetensors").exists()
    assert run(f"kmeans generate --model-dir {logs} --input {tmp_path}/s.nc --output {tmp_path}/f.nc") == 0
    features = load(tmp_path / "f.nc")
    assert features.feature_shape == (12,) and not features.is_padded
    estimator = KMeansEstimator(num_words=4, patch_frames=3, num_components=5, num_epochs=3).fit(tmp_path / "s.nc")
    assert estimator.transform(tmp_path / "s.nc").tobytes() == features.features.tobytes()


def test_an_existing_run_is_not_overwritten(tmp_path: Path, make_spectrograms: Callable[..., DataSet]) -> None:
    data_sets, config = [make_spectrograms(12)], {"num_words": 4, "patch_frames": 3, "num_components": 5}
    train(data_sets, "kmeans", tmp_path / "run", config)
    with pytest.raises(ModelError, match=r"already has a model of step 10; choose another run_name=DIR"):
        train(data_sets, "kmeans", tmp_path / "run", config)
    with pytest.raises(OptionError, match="TrainingOptions: a kmeans model is fitted at once"):
        train(data_sets, "kmeans", tmp_path / "run", config, TrainingOptions())
    with pytest.raises(OptionError, match="FittingOptions: a t-rae model is trained in steps"):
        train(data_sets, "t-rae", tmp_path / "other", options=FittingOptions())


@pytest.mark.slow
def test_recordings_and_hear_are_embedded(recordings: Path, tmp_path: Path) -> None:
    spectra = "--window-width 0.05 --window-overlap 0.025 --mel-spectrum 12"
    assert run(f"preprocess --basedir {recordings} {spectra} --output {tmp_path}/s.nc --jobs 1") == 0
    options = "--num-words 6 --patch-frames 4 --num-components 8"
    assert run(f"kmeans train --input {tmp_path}/s.nc --run-name {tmp_path}/run {options}") == 0
    assert run(f"kmeans generate --model-dir {tmp_path}/run/logs --input {tmp_path}/s.nc --output {tmp_path}/f.nc") == 0
    features, extractor = load(tmp_path / "f.nc").features, FeatureExtractor(tmp_path / "run" / "logs")
    vector = extractor.of_recording(recordings / "fold_1" / "low" / "0.wav")[0]
    assert np.abs(features - vector).max(axis=1).min() < 1e-5  # one of them is that of this recording
    model = hear.load_model(str(tmp_path / "run" / "logs"))
    assert model.scene_embedding_size == 18 and model.timestamp_embedding_size == 6
    embeddings, times = hear.get_timestamp_embeddings(torch.rand(2, model.sample_rate) - 0.5, model)
    assert embeddings.shape[:2] == times.shape and embeddings.shape[2] == 6 and (embeddings >= 0).all()
