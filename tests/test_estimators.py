# SPDX-License-Identifier: GPL-3.0-or-later
"""Estimators of scikit-learn: its own checks, and the same results as the command line."""

import dataclasses
import inspect
import pickle
import re
import shlex
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from sklearn import config_context
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

import audeep
from audeep import (
    Contrastive,
    Conv1d,
    FrequencyAutoencoder,
    FrequencyTimeAutoencoder,
    KMeansWords,
    MaskedFramesAutoencoder,
    MfccCnn,
    MobileNetV1,
    Spectrogram,
    TimeAutoencoder,
    VggGap,
    estimators,
)
from audeep.audio.front_ends.mel import Preprocessor
from audeep.cli.app import main
from audeep.data.data_set import DataSet, load
from audeep.data.schema import Partition
from audeep.errors import AudioError, DataError, ModelError, OptionError
from audeep.models.registry import MODELS, model_type_of
from audeep.runtime.registry import Entry
from tests.cli.test_manual_options import parser_of
from tests.support.spectrograms import make_spectrograms

__all__ = ["make_spectrograms"]

KINDS = {
    "t-rae": TimeAutoencoder,
    "f-rae": FrequencyAutoencoder,
    "ft-rae": FrequencyTimeAutoencoder,
    "masked-frames": MaskedFramesAutoencoder,
}
CONTRASTIVE = {"contrastive": Contrastive}
FITTED = {"kmeans": KMeansWords}
TAGGERS = {"vgg-gap": VggGap, "mobilenet-v1": MobileNetV1, "conv1d": Conv1d, "mfcc-cnn": MfccCnn}
NETWORKS = {
    "t-rae": {"num_layers": 2, "num_units": 3, "bidirectional_decoder": True, "encoder_noise": 0.2},
    "f-rae": {"num_units": 2, "freq_window_width": 4, "freq_window_overlap": 2, "cell": "LSTM"},
    "ft-rae": {"num_f_units": 3, "num_t_units": 2, "freq_window_width": 4, "freq_window_overlap": 2},
    "masked-frames": {"num_units": 3, "bidirectional_encoder": True, "masked_frames": 0.3, "mask_span": 2},
    "contrastive": {"channels": "3,4", "head_units": 5, "vector_size": 4, "crop_frames": 6, "passes": 2},
}
TRAINING = {"num_epochs": 2, "batch_size": 8, "learning_rate": 0.01, "device": "cpu"}
SPECTRA = {"window_width": 0.05, "window_overlap": 0.025, "mel_spectrum": 12}


def run(command: str) -> None:
    assert main(shlex.split(f"-q {command}")) == 0


def as_options(parameters: dict) -> str:
    """Parameters as they are typed."""
    parts = []
    for name, value in parameters.items():
        parts += [f"--{name.replace('_', '-')}"] * (value is not False)
        parts += [str(value)] * (not isinstance(value, bool))
    return " ".join(parts)


def estimator_of(kind: str, **changes: object) -> BaseEstimator:
    return {**KINDS, **CONTRASTIVE}[kind](**{**NETWORKS[kind], **TRAINING, **changes})


@pytest.fixture(scope="module")
def spectra(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Spectrograms of `recordings`: 24 instances of 19 x 12."""
    path = tmp_path_factory.mktemp("spectra") / "tones.nc"
    run(f"preprocess --basedir {recordings} {as_options(SPECTRA)} --output {path} --jobs 1")
    return path


@pytest.fixture(scope="module")
def sweeps() -> np.ndarray:
    """[instance, time, freq]"""
    return np.random.default_rng(1).uniform(-1, 1, (9, 7, 5)).astype(np.float32)


def generated(tmp_path: Path, kind: str, spectra: Path, logs: Path) -> DataSet:
    run(f"{kind} generate --input {spectra} --model-dir {logs} --output {tmp_path / 'out.nc'} --device cpu")
    return load(tmp_path / "out.nc")


WINDOW = {"freq_window_width": 1, "freq_window_overlap": 0}  # what the checks give has one value in each step


@pytest.mark.slow
@parametrize_with_checks(
    [
        TimeAutoencoder(num_units=2, num_epochs=1, device="cpu"),
        FrequencyAutoencoder(num_units=2, num_epochs=1, device="cpu", **WINDOW),
        Spectrogram(),
        FrequencyTimeAutoencoder(num_f_units=2, num_t_units=2, num_epochs=1, device="cpu", **WINDOW),
        MaskedFramesAutoencoder(num_units=2, num_epochs=1, device="cpu"),
        Contrastive(channels="2,3", head_units=3, num_epochs=1, passes=1, crop_frames=2, device="cpu"),
        KMeansWords(num_words=2, patch_frames=1, num_components=1, device="cpu"),
    ]
)
def test_the_checks_of_scikit_learn_hold(estimator: BaseEstimator, check: Callable) -> None:
    check(estimator)  # which raises where they do not


def test_each_kind_has_an_estimator_named_like_its_network() -> None:
    kinds = {entry.name: estimators.estimator(entry.name) for entry in MODELS.built_in.values()}
    assert kinds == {**KINDS, **CONTRASTIVE, **FITTED, **TAGGERS}
    for kind, estimator in kinds.items():
        assert estimator.__name__ == model_type_of(kind).__name__
        assert getattr(estimators, estimator.__name__) is getattr(audeep, estimator.__name__) is estimator
    assert set(dir(estimators)) == {"Spectrogram", "estimator", *(each.__name__ for each in kinds.values())}
    with pytest.raises(AttributeError, match="has no attribute 'SpaceAutoencoder'"):
        estimators.SpaceAutoencoder  # noqa: B018
    with pytest.raises(ModelError, match="space-rae: is not a model; choose one of t-rae"):
        estimators.estimator("space-rae")


@pytest.mark.slow
@pytest.mark.parametrize("kind", {**KINDS, **CONTRASTIVE})
def test_features_have_the_bytes_of_the_command_line(tmp_path: Path, spectra: Path, kind: str) -> None:
    options = as_options({**NETWORKS[kind], **TRAINING, "seed": 5})
    run(f"{kind} train --input {spectra} --run-name {tmp_path / 'run'} {options}")
    expected = generated(tmp_path, kind, spectra, tmp_path / "run" / "logs").features.tobytes()
    for given in (str(spectra), [spectra], load(spectra), load(spectra).features, load(spectra).features.tolist()):
        found = estimator_of(kind, random_state=5).fit_transform(given)
        assert np.asarray(found).tobytes() == expected


@pytest.mark.parametrize("kind", {**KINDS, **CONTRASTIVE, **FITTED})
def test_parameters_and_their_defaults_are_the_options_of_the_command(kind: str) -> None:
    options = {action.dest: action.default for action in parser_of(f"{kind} train")._actions}
    parameters = estimators.estimator(kind)().get_params()
    assert parameters.pop("random_state") == options.pop("seed")
    assert parameters.pop("pooled", False) is False
    of_the_command = {"help", "input", "run_name", "resume", "tempdir", "checkpoints_to_keep", "decoder", "folds"}
    of_the_command |= {"preset", "layers", "without", "statistics", "partitions"}  # of the model to begin with
    of_the_command |= {"mlflow", "wandb"}
    assert parameters == {name: value for name, value in options.items() if name not in of_the_command}


def test_parameters_are_described() -> None:
    for estimator in (*KINDS.values(), Contrastive, *FITTED.values(), Spectrogram):
        described = re.findall(r"^    (\w+): \S.*$", estimator.__doc__, re.MULTILINE)
        assert described == list(inspect.signature(estimator).parameters)
        with pytest.raises(TypeError, match="unexpected keyword argument 'num_unitz'"):
            estimator(num_unitz=3)


def test_parameters_and_defaults_of_spectrograms_are_the_options_of_preprocess() -> None:
    options = {action.dest: action.default for action in parser_of("preprocess")._actions}
    parameters = Spectrogram().get_params()
    assert parameters == {name: options[name] for name in parameters}
    settings = {field.name for field in dataclasses.fields(Preprocessor)}
    assert set(parameters) == settings | {"front_end"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["t-rae", "ft-rae", "masked-frames"])
def test_padding_changes_no_embedding(kind: str, sweeps: np.ndarray) -> None:
    lengths = [7, 2, 5, 7, 3, 7, 4, 6, 1]
    cut = [spectrogram[:length] for spectrogram, length in zip(sweeps, lengths, strict=True)]
    estimator = estimator_of(kind).fit(cut)
    alone = np.concatenate([estimator.transform([spectrogram]) for spectrogram in cut])
    np.testing.assert_allclose(estimator.transform(cut), alone, atol=1e-6)
    full = [index for index, length in enumerate(lengths) if length == 7]
    np.testing.assert_allclose(estimator.transform(sweeps)[full], alone[full], atol=1e-6)


@pytest.mark.slow
def test_frames_of_spectrograms_of_different_lengths_are_a_list_for_the_next_autoencoder(sweeps: np.ndarray) -> None:
    cut = [spectrogram[: 3 + index % 3] for index, spectrogram in enumerate(sweeps)]
    frames = estimator_of("f-rae").fit_transform(cut)
    assert [item.shape for item in frames] == [(len(spectrogram), 4) for spectrogram in cut]  # of an LSTM: c, h
    whole = estimator_of("f-rae").fit(cut).transform(sweeps[:, :5])
    assert whole.shape == (9, 5, 4)
    for item, row in zip(frames, whole, strict=True):
        np.testing.assert_allclose(item, row[: len(item)], atol=1e-6)
    chain = make_pipeline(estimator_of("f-rae"), estimator_of("t-rae"))
    assert chain.fit_transform(cut).shape == (9, 2 * 2 * 3)


@pytest.mark.slow
def test_padded_data_sets_are_taken_like_lists(tmp_path: Path, make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(6, steps=8, lengths=[8, 3])
    data_set.save(tmp_path / "padded.nc")
    cut = [instance.features[: instance.num_frames] for instance in data_set]
    estimator = estimator_of("t-rae").fit(tmp_path / "padded.nc")
    np.testing.assert_allclose(estimator.transform(data_set), estimator.transform(cut), atol=1e-6)
    assert len(estimator.transform([data_set, data_set])) == 12
    several = np.array([*cut, None], dtype=object)[:-1]
    np.testing.assert_array_equal(estimator.transform(several), estimator.transform(cut))
    paths = np.array([str(tmp_path / "padded.nc")])
    np.testing.assert_array_equal(estimator.transform(paths), estimator.transform(data_set))


@pytest.mark.slow
def test_sequences_of_single_values_are_spectrograms_of_one_band(sweeps: np.ndarray) -> None:
    values = sweeps[:, :, 0]
    expected = estimator_of("t-rae").fit_transform(values[:, :, np.newaxis])
    np.testing.assert_array_equal(estimator_of("t-rae").fit_transform(values), expected)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_command_line_reads_what_is_saved(tmp_path: Path, spectra: Path, kind: str) -> None:
    estimator = estimator_of(kind).fit(spectra)
    estimator.save(tmp_path / "model")
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["model-6.safetensors"]  # 2 epochs of 3 batches
    features = generated(tmp_path, kind, spectra, tmp_path / "model").features
    assert features.tobytes() == estimator.transform(spectra).tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_models_of_the_command_line_are_estimators(tmp_path: Path, spectra: Path, kind: str) -> None:
    options = as_options({**NETWORKS[kind], **TRAINING, "seed": 3})
    run(f"{kind} train --input {spectra} --run-name {tmp_path / 'run'} {options}")
    expected = generated(tmp_path, kind, spectra, tmp_path / "run" / "logs").features.tobytes()
    KINDS[kind].load(tmp_path / "run").save(tmp_path / "saved")
    for directory in (tmp_path / "run", tmp_path / "run" / "logs", tmp_path / "saved"):
        estimator = KINDS[kind].load(directory)
        assert estimator.transform(spectra).tobytes() == expected
        assert estimator.get_params() == KINDS[kind](**NETWORKS[kind], random_state=3).get_params()
        assert estimator.preprocessing_ == load(spectra).preprocessing and estimator.preprocessing_
    assert KINDS[kind].load(tmp_path / "run", step=3).progress_.epoch == 1


def test_only_models_of_the_kind_are_loaded(tmp_path: Path, sweeps: np.ndarray) -> None:
    estimator_of("t-rae").fit(sweeps).save(tmp_path)
    with pytest.raises(ModelError, match="is a t-rae model, f-rae was expected"):
        FrequencyAutoencoder.load(tmp_path)
    with pytest.raises(ModelError, match="nowhere/logs: no such directory"):
        TimeAutoencoder.load(tmp_path / "nowhere")


@pytest.mark.slow
def test_models_of_other_steps_are_not_mixed(tmp_path: Path, sweeps: np.ndarray) -> None:
    estimator_of("t-rae").fit(sweeps).save(tmp_path)
    estimator_of("t-rae", random_state=1).fit(sweeps).save(tmp_path)  # of the same step, in its place
    assert TimeAutoencoder.load(tmp_path).random_state == 1
    with pytest.raises(ModelError, match="has a model of step 4 already; choose another directory"):
        estimator_of("t-rae", num_epochs=1).fit(sweeps).save(tmp_path)
    with pytest.raises(NotFittedError):
        TimeAutoencoder().save(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_fitted_estimators_are_pickled_and_cloned(tmp_path: Path, sweeps: np.ndarray, kind: str) -> None:
    estimator = estimator_of(kind).fit(sweeps)
    joblib.dump(estimator, tmp_path / "estimator")
    for again in (pickle.loads(pickle.dumps(estimator)), joblib.load(tmp_path / "estimator")):
        np.testing.assert_array_equal(again.transform(sweeps), estimator.transform(sweeps))
    with pytest.raises(NotFittedError):
        clone(estimator).transform(sweeps)
    assert clone(estimator).get_params() == estimator.get_params()


def test_features_are_named(sweeps: np.ndarray) -> None:
    estimator = estimator_of("t-rae").fit(sweeps)
    assert estimator.get_feature_names_out().tolist() == [f"timeautoencoder{index}" for index in range(2 * 2 * 3)]
    frame = estimator.set_output(transform="pandas").transform(sweeps)
    assert frame.columns.tolist() == estimator.get_feature_names_out().tolist()


@pytest.mark.slow
@pytest.mark.parametrize("pooled", ["--pooled", ""])
def test_pooled_features_are_those_of_the_command_line(tmp_path: Path, spectra: Path, pooled: str) -> None:
    estimator = (
        TimeAutoencoder(num_units=3, pooled=True, **TRAINING)
        if pooled
        else MaskedFramesAutoencoder(num_units=3, masked_frames=0.4, **TRAINING)
    ).fit(spectra)
    estimator.save(tmp_path / "model")
    run(f"t-rae generate --input {spectra} --model-dir {tmp_path}/model --output {tmp_path}/out.nc {pooled}")
    assert estimator.transform(spectra).tobytes() == load(tmp_path / "out.nc").features.tobytes()
    assert len(estimator.get_feature_names_out()) == 3 * 3  # statistics, units


@pytest.mark.slow
def test_the_state_of_numpy_decides_where_no_number_does(sweeps: np.ndarray) -> None:
    def weights(random_state: object) -> torch.Tensor:
        return estimator_of("t-rae", random_state=random_state).fit(sweeps).model_.representation.linear.weight

    one, same, other = (weights(np.random.RandomState(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert not torch.equal(weights(None), weights(None))


def test_numbers_of_numpy_are_parameters_too(sweeps: np.ndarray, tmp_path: Path) -> None:
    estimator = estimator_of("t-rae", num_units=np.int64(2), keep_prob=np.float32(0.5), mask_silence=np.bool_(True))
    estimator.fit(sweeps).save(tmp_path)
    assert TimeAutoencoder.load(tmp_path).get_params()["num_units"] == 2


@pytest.mark.slow
def test_a_pipeline_learns_from_recordings_to_labels(recordings: Path) -> None:
    files = sorted(recordings.rglob("*.wav"))
    labels = [path.parent.name for path in files]
    steps = (Spectrogram(**SPECTRA), TimeAutoencoder(num_units=4, **TRAINING), StandardScaler(), LinearSVC())
    search = GridSearchCV(make_pipeline(*steps), {"timeautoencoder__num_units": [2, 4]}, cv=3, error_score="raise")
    search.fit(files, labels)
    assert search.best_score_ >= 0.75  # low and high tones


@pytest.mark.slow
def test_a_pipeline_gives_tables_whose_columns_are_named(recordings: Path) -> None:
    files = sorted(recordings.rglob("*.wav"))
    steps = (Spectrogram(**SPECTRA), TimeAutoencoder(num_units=4, **TRAINING), StandardScaler())
    pipeline = make_pipeline(*steps).set_output(transform="pandas")
    found = pipeline.fit_transform(files)
    names = [f"timeautoencoder{number}" for number in range(4)]
    assert list(found.columns) == names and list(pipeline.get_feature_names_out()) == names
    assert list(pipeline.transform(files).columns) == names
    np.testing.assert_array_equal(found.to_numpy(), make_pipeline(*map(clone, steps)).fit_transform(files))
    with config_context(transform_output="pandas"):
        assert isinstance(Spectrogram(**SPECTRA).fit_transform(files), list | np.ndarray)


@pytest.mark.parametrize("column", [list, np.array, pd.Series, lambda names: np.array(names, dtype=object)])
def test_paths_may_stand_in_the_only_column_of_a_table(recordings: Path, column: Callable) -> None:
    files = sorted(map(str, recordings.rglob("*.wav")))[:2]
    expected = Spectrogram(**SPECTRA).transform(files)
    for given in (column(files), pd.DataFrame({"file": column(files)}), np.array(files).reshape(-1, 1)):
        np.testing.assert_array_equal(Spectrogram(**SPECTRA).fit_transform(given), expected)


def test_spectrograms_are_those_of_preprocess(recordings: Path, spectra: Path) -> None:
    files = [recordings / name for name in load(spectra).filenames]
    found = Spectrogram(**SPECTRA).fit_transform(files)
    assert isinstance(found, list)
    assert np.stack(found).tobytes() == load(spectra).features.tobytes()
    cut = Spectrogram(**SPECTRA, fixed_length=0.3).transform([str(path) for path in files])
    assert cut.shape == (24, 10, 12) and cut.dtype == np.float32
    assert np.array_equal(cut[3], Spectrogram(**SPECTRA, fixed_length=0.3).transform(files[3:4])[0])


def test_signals_are_taken_like_files(recordings: Path) -> None:
    files = sorted(recordings.rglob("*.wav"))[:3]
    signals = [soundfile.read(path)[0] for path in files]
    expected = Spectrogram(**SPECTRA).transform(files)
    np.testing.assert_array_equal(Spectrogram(**SPECTRA, sample_rate=8000).transform(signals), expected)
    np.testing.assert_array_equal(Spectrogram(**SPECTRA, sample_rate=8000).transform(np.stack(signals)), expected)


def test_chunks_of_a_recording_are_instances_one_after_the_other(recordings: Path) -> None:
    files = sorted(recordings.rglob("*.wav"))[:3]
    chunked = Spectrogram(**SPECTRA, chunk_length=0.2, chunk_count=2)
    found, whole = chunked.fit_transform(files), Spectrogram(**SPECTRA).transform(files)
    assert found.shape == (6, 8, whole[0].shape[1])
    np.testing.assert_array_equal(found[2:4], chunked.transform(files[1:2]))
    assert not np.array_equal(found[2], found[3])


@pytest.mark.parametrize(
    "settings, recordings, error, message",
    [
        ({}, "a.wav", ValueError, r"'a.wav' found, a list of recordings was expected; put it into one: \['a.wav'\]"),
        ({}, ["/nowhere/a.wav"], AudioError, "/nowhere/a.wav: no such file"),
        ({}, [np.zeros(9)], ValueError, "recording 0 is an array, whose sample rate is unknown; set sample_rate"),
        ({"sample_rate": 8000}, [np.zeros((2, 9))], ValueError, r"recording 0 has shape \(2, 9\), one axis of samples"),
        ({"sample_rate": 8000}, [np.zeros(9)], AudioError, "recording 0: lasts 9 samples, window_width=0.04 needs 320"),
        ({"sample_rate": 8000}, [np.ones(999), [np.nan] * 999], ValueError, "recording 1 contains NaN"),
        ({"sample_rate": 8000}, np.zeros(999), ValueError, "one signal found, a list of recordings was expected"),
        ({"sample_rate": 8000}, [0.0] * 999, ValueError, "one signal found, a list of recordings was expected"),
        ({"sample_rate": 8000}, pd.Series(np.zeros(999)), ValueError, "one signal found, a list of recordings was"),
        ({"sample_rate": 8000}, 3.0, ValueError, "3.0 found, a list of recordings was expected"),
        ({}, pd.DataFrame({"a": ["a.wav"], "b": ["b.wav"]}), ValueError, "a table of 2 columns found, one of paths"),
        ({}, pd.DataFrame({"file": ["/nowhere/a.wav"]}), AudioError, "/nowhere/a.wav: no such file"),
        ({"clip_below": 3.0}, [], OptionError, "clip_below=3.0: the loudest cell is 0 dB"),
        ({"fixed_length": 1.0}, [], ValueError, r"spectrograms of shapes \[\] found, one was expected"),
    ],
)
def test_unfit_recordings_are_refused(settings: dict, recordings: list, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        Spectrogram(**settings).fit(recordings).transform(recordings)


@pytest.mark.parametrize(
    "given, error, message",
    [
        (np.zeros((2, 3, 4, 5)), ValueError, r"X has shape \(2, 3, 4, 5\); \[instance, time, freq\] or a list"),
        (np.zeros((2, 0, 4)), ValueError, r"X has shape \(2, 0, 4\)"),
        (np.full((2, 3, 4), np.nan), ValueError, "X contains NaN"),
        ([np.zeros((2, 3)), np.zeros((2, 4))], ValueError, "spectrograms of 3 and of 4 bands found"),
        ([np.zeros((2, 3)), np.full((2, 3), np.inf)], ValueError, "X contains infinity"),
        ([np.zeros((2, 3)), np.zeros(3)], ValueError, "Expected 2D array, got 1D array"),
        ([], ValueError, "Expected 2D array, got 1D array"),
        ("nowhere.nc", DataError, "nowhere.nc: no such file"),
    ],
)
def test_unfit_spectrograms_are_refused(given: object, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        TimeAutoencoder().fit(given)


def test_features_are_no_spectrograms(make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(4)
    features = data_set.with_features(data_set.features[:, 0], ["generated"])
    with pytest.raises(
        ValueError, match=r"features have axes \[generated\], spectrograms \[time, freq\] were expected"
    ):
        TimeAutoencoder().fit(features)


def test_other_shapes_than_those_of_training_are_refused(sweeps: np.ndarray) -> None:
    estimator = estimator_of("t-rae").fit(sweeps)
    with pytest.raises(ValueError, match="X has 4 values in each frame, but TimeAutoencoder is expecting 5"):
        estimator.transform(sweeps[:, :, :4])
    with pytest.raises(ValueError, match="X has 6 features, but TimeAutoencoder is expecting 7 features as input"):
        estimator.transform(sweeps[:, :6])
    assert estimator.transform(list(sweeps[:, :6])).shape == (9, 12)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"num_units": 0}, "num_units=0: expected an integer >= 1"),
        ({"num_layers": 1.0}, "num_layers=1.0: expected an integer >= 1"),
        ({"cell": "RNN"}, "cell='RNN': expected one of GRU, LSTM"),
        ({"precision": "float64"}, "precision='float64': expected one of float32, bfloat16, float16"),
        ({"bidirectional_encoder": 1}, "bidirectional_encoder=1: expected True or False"),
        ({"keep_prob": 0}, "keep_prob=0: expected a number > 0 and <= 1"),
        ({"encoder_noise": 1.5}, "encoder_noise=1.5: expected a number >= 0 and <= 1"),
        ({"learning_rate": float("nan")}, "learning_rate=nan: expected a number > 0"),
        ({"crop_frames": 0}, "crop_frames=0: expected an integer >= 1"),
        ({"patience": 2}, "patience=2: needs a validation loss; add validation_split=P, validation_partition=NAME or"),
        ({"validation_partition": ["EVAL"]}, "validation_partition='EVAL': expected some of TRAIN, DEVEL, TEST"),
        ({"random_state": "seed"}, "'seed' cannot be used to seed"),
        ({"random_state": -1}, "random_state=-1: expected an integer >= 0"),
    ],
)
def test_unfit_parameters_are_refused(sweeps: np.ndarray, parameters: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TimeAutoencoder(**parameters).fit(sweeps)


@pytest.mark.slow
@pytest.mark.parametrize(
    "validation, typed",
    [
        ({"validation_split": 0.3}, "--validation-split 0.3"),
        ({"validation_partition": ["DEVEL", Partition.TEST]}, "--validation-partition DEVEL TEST"),
    ],
)
def test_the_best_model_is_that_of_the_command_line(
    tmp_path: Path, make_spectrograms: Callable, validation: dict, typed: str
) -> None:
    make_spectrograms(12, steps=9).save(tmp_path / "s.nc")
    further = {"crop_frames": 5, "schedule": "cosine", "patience": 2, "keep_best": True}
    parameters = {**NETWORKS["t-rae"], **TRAINING, **further, "num_epochs": 5, "learning_rate": 0.2}
    run(f"t-rae train --input {tmp_path}/s.nc --run-name {tmp_path}/run {as_options(parameters)} {typed}")
    command = f"t-rae generate --input {tmp_path}/s.nc --model-dir {tmp_path}/run/logs --output {tmp_path}/out.nc"
    run(f"{command} --steps best --device cpu")
    estimator = TimeAutoencoder(**parameters, **validation).fit(tmp_path / "s.nc")
    assert estimator.transform(tmp_path / "s.nc").tobytes() == load(tmp_path / "out.nc").features.tobytes()


def test_arrays_are_held_out_one_by_one(sweeps: np.ndarray) -> None:
    estimator = estimator_of("t-rae", validation_split=0.4, batch_size=1, num_epochs=1).fit(sweeps)
    assert estimator.progress_.step == 5  # 4 of 9 are held out


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_fitting_leaves_the_random_numbers_of_the_caller_alone(sweeps: np.ndarray, kind: str) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = estimator_of(kind).fit(sweeps).transform(sweeps)
    assert torch.equal(torch.rand(3), expected)
    assert np.array_equal(estimator_of(kind).fit(sweeps).transform(sweeps), first)


@pytest.mark.slow
def test_fitting_in_threads_gives_the_features_of_fitting_alone(sweeps: np.ndarray) -> None:
    def features(kind: str) -> bytes:
        return estimator_of(kind, keep_prob=0.6, num_epochs=5).fit_transform(sweeps).tobytes()

    alone = [features(kind) for kind in KINDS]
    with ThreadPoolExecutor(len(KINDS)) as pool:
        assert list(pool.map(features, KINDS)) == alone


@pytest.fixture
def other_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinds of models that another package brings are installed."""
    for name, target in (("toy-cnn", "ToyAutoencoder"), ("toy-tagger", "ToyTagger")):
        monkeypatch.setitem(MODELS.installed, name, Entry(name, f"tests.support.toy_kinds:{target}"))


@pytest.fixture
def labelled(make_spectrograms: Callable) -> DataSet:
    """Spectrograms of two classes, one of them louder."""
    data_set = make_spectrograms(20)
    data_set.features[1::2] += 2
    return data_set


def test_kinds_of_other_packages_have_estimators(other_kinds: None, sweeps: np.ndarray) -> None:
    made = estimators.estimator("toy-cnn")
    assert estimators.ToyAutoencoder is made and "width: channels of the convolution" in made.__doc__
    estimator = made(width=1.5, **TRAINING).fit(sweeps)
    assert estimator.transform(sweeps).shape == (9, round(1.5 * 5))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(estimator)).transform(sweeps), estimator.transform(sweeps))
    with pytest.raises(ValueError, match="width=17: expected a number > 0 and <= 16"):
        made(width=17).fit(sweeps)


@pytest.mark.slow
def test_taggers_are_classifiers(other_kinds: None, tmp_path: Path, labelled: DataSet) -> None:
    labels = np.array([30, 10])[np.arange(20) % 2]
    tagger = estimators.ToyTagger(num_epochs=60, learning_rate=0.05, batch_size=8, device="cpu")
    assert is_classifier(tagger) and "num_labels" not in tagger.get_params()
    tagger.fit(labelled.features, labels)
    assert tagger.classes_.tolist() == [10, 30] and tagger.score(labelled.features, labels) == 1
    probabilities = tagger.predict_proba(list(labelled.features))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(tagger.classes_[probabilities.argmax(axis=1)], tagger.predict(labelled.features))
    tagger.save(tmp_path / "model")
    again = estimators.ToyTagger.load(tmp_path / "model")
    assert again.predict(labelled).tolist() == labels.astype(str).tolist()
    with pytest.raises(NotFittedError):
        clone(tagger).predict(labelled)


@pytest.mark.slow
def test_taggers_learn_from_the_labels_of_data_sets(other_kinds: None, tmp_path: Path, labelled: DataSet) -> None:
    labelled.save(tmp_path / "s.nc")
    tagger = estimators.ToyTagger(num_epochs=60, learning_rate=0.05, batch_size=8, device="cpu")
    tagger.fit([tmp_path / "s.nc", labelled])
    assert tagger.classes_.tolist() == ["rise", "fall"]  # in the order of their numbers
    assert tagger.predict(tmp_path / "s.nc").tolist() == labelled.labels_nominal.tolist()
    tagger.fit([tmp_path / "s.nc", labelled], ["x", "y"] * 20)
    assert tagger.predict(labelled).tolist() == ["x", "y"] * 10


def test_labels_of_which_a_recording_has_several_are_learned_as_such(
    other_kinds: None, make_label_sets: Callable
) -> None:
    tagger = estimators.ToyTagger(**TRAINING).fit(make_label_sets(8))
    assert tagger.model_.config.multi_label and "multi_label" not in tagger.get_params()


def test_unfit_labels_are_refused(other_kinds: None, labelled: DataSet) -> None:
    tagger = estimators.ToyTagger(**TRAINING)
    with pytest.raises(ValueError, match="y has 1 class, two or more are needed"):
        tagger.fit(labelled, ["x"] * 20)
    with pytest.raises(ValueError, match="inconsistent numbers of samples: "):
        tagger.fit(labelled, ["x", "y"])
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        tagger.fit(labelled, np.linspace(0, 1, 20))
    with pytest.raises(DataError, match="two or more are needed to learn from"):
        tagger.fit(labelled.features)


def test_an_unknown_device_is_refused(sweeps: np.ndarray) -> None:
    with pytest.raises(OptionError, match="device 'tpu' cannot be used here"):
        TimeAutoencoder(device="tpu").fit(sweeps)
