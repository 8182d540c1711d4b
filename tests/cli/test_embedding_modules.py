# SPDX-License-Identifier: GPL-3.0-or-later
"""extract --embedding: the models of other packages in place of those of audeep; extract --basedir: with labels."""

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import soxr

from audeep import EmbeddingModule, extract, load
from audeep.errors import OptionError
from audeep.parsers.registry import open_parser
from tests.support import hear_module

MODULE = "tests.support.hear_module"


def bands(samples: np.ndarray) -> np.ndarray:
    """What the module of the tests gives, by NumPy."""
    power = np.abs(np.fft.rfft(samples) / len(samples)) ** 2
    parts = power[: len(power) // 8 * 8].reshape(8, -1)
    return np.sqrt(parts.sum(axis=1))


@pytest.fixture
def sound(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """Two channels of noise of 3 s at 16 kHz, and their mean."""
    samples = np.random.default_rng(3).uniform(-0.5, 0.5, (48000, 2)).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", samples, 16000, subtype="FLOAT")
    return tmp_path / "noise.wav", samples.mean(axis=1)


def test_the_module_is_given_whole_recordings_as_one_channel(audeep, sound, tmp_path):
    path, samples = sound
    assert audeep(f"-q extract {path} --embedding {MODULE} --output {tmp_path}/x.npy").status == 0
    np.testing.assert_allclose(np.load(tmp_path / "x.npy"), [bands(samples)], rtol=1e-4)


def test_recordings_are_resampled_to_the_rate_of_the_module(audeep, tmp_path):
    samples = np.random.default_rng(4).uniform(-0.5, 0.5, 8000)
    soundfile.write(tmp_path / "8k.wav", samples, 8000, subtype="DOUBLE")
    assert audeep(f"-q extract {tmp_path}/8k.wav --embedding {MODULE} --output {tmp_path}/x.npy").status == 0
    expected = bands(soxr.resample(samples, 8000, 16000))
    np.testing.assert_allclose(np.load(tmp_path / "x.npy")[0, :4], expected[:4], rtol=1e-3)


def test_windows_are_embedded_each_by_itself(audeep, sound, tmp_path):
    path, samples = sound
    result = audeep(f"-q extract {path} --embedding {MODULE} --window 1 --hop 0.5 --output {tmp_path}/x.csv")
    assert result.status == 0, result.err
    table = pd.read_csv(tmp_path / "x.csv")
    assert table["start_seconds"].tolist() == [0, 0.5, 1, 1.5, 2]
    expected = [bands(samples[start : start + 16000]) for start in range(0, 32001, 8000)]
    np.testing.assert_allclose(table.iloc[:, 3:], expected, rtol=1e-4)


def test_weights_are_handed_to_the_module_and_a_file_may_be_one(audeep, sound, tmp_path):
    (tmp_path / "factor.txt").write_text("2.5")
    for name, module in (("1", MODULE), ("2", hear_module.__file__)):
        options = f"--embedding {module} --weights {tmp_path}/factor.txt"
        assert audeep(f"-q extract {sound[0]} {options} --output {tmp_path}/{name}.npy").status == 0
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.npy"), [2.5 * bands(sound[1])], rtol=1e-4)


def test_labels_and_folds_of_a_base_directory_go_with_the_features_so_that_they_can_be_evaluated(
    audeep, recordings, inputs, tmp_path
):
    output = tmp_path / "features.nc"
    assert audeep(f"-q extract --basedir {recordings} --embedding {MODULE} --output {output}").status == 0
    found, expected = load(output), load(inputs["spectrograms"])
    assert found.filenames.tolist() == expected.filenames.tolist() and found.feature_shape == (8,)
    assert found.labels == expected.labels and found.num_folds == 3
    np.testing.assert_array_equal(found.labels_nominal, expected.labels_nominal)
    np.testing.assert_array_equal(found.labels_numeric, expected.labels_numeric)
    np.testing.assert_array_equal(found.cv_folds, expected.cv_folds)
    samples, rate = soundfile.read(recordings / found.filenames[5])
    np.testing.assert_allclose(found.features[5][:4], bands(soxr.resample(samples, rate, 16000))[:4], rtol=1e-3)
    result = audeep(f"svm evaluate --input {output} --cross-validate --complexity 1")
    assert result.status == 0, result.err
    assert "accuracy" in result.out


def test_a_model_of_audeep_takes_labels_along_too(audeep, recordings, inputs, tmp_path):
    options = f"--basedir {recordings} --model-dir {inputs['run']}/logs"
    assert audeep(f"-q extract {options} --output {tmp_path}/x.nc").status == 0
    found, expected = load(tmp_path / "x.nc"), load(inputs["features"])
    for name in ("labels_nominal", "labels_numeric", "cv_folds", "filenames", "chunk_nrs"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    np.testing.assert_allclose(found.features, expected.features, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_windows_of_labelled_recordings_are_chunks_and_bad_ones_are_left_out(audeep, recordings, tmp_path):
    for number, label in enumerate(("a", "b")):
        (tmp_path / "in" / "fold_1" / label).mkdir(parents=True)
        (tmp_path / "in" / "fold_2" / label).mkdir(parents=True)
        for fold in (1, 2):
            samples = np.random.default_rng(number).uniform(-0.5, 0.5, 16000 * fold)
            soundfile.write(tmp_path / "in" / f"fold_{fold}" / label / "x.wav", samples, 16000)
    (tmp_path / "in" / "fold_1" / "a" / "bad.wav").write_bytes(b"no sound")
    options = f"--basedir {tmp_path}/in --embedding {MODULE} --window 0.5 --skip-bad --output {tmp_path}/x.nc"
    result = audeep(f"extract {options}")
    assert result.status == 0 and "1 of 5 recordings were left out" in result.err
    found = load(tmp_path / "x.nc")
    assert found.chunk_nrs.tolist() == [0, 1, 0, 1, 0, 1, 2, 3, 0, 1, 2, 3]
    assert found.labels_nominal.tolist() == ["a"] * 2 + ["b"] * 2 + ["a"] * 4 + ["b"] * 4
    assert found.cv_folds[:4].tolist() == [[1, 0]] * 4


def test_the_module_of_audeep_gives_what_its_models_give(audeep, inputs, recordings, tmp_path):
    path = next(recordings.rglob("*.wav"))
    own, weights = f"--model-dir {inputs['run']}/logs", f"--weights {inputs['run']}/logs"
    for name, options in (("1", own), ("2", f"--embedding audeep.inference.hear {weights}")):
        result = audeep(f"-q extract {path} {options} --output {tmp_path}/{name}.npy")
        assert result.status == 0, result.err
    np.testing.assert_allclose(np.load(tmp_path / "1.npy"), np.load(tmp_path / "2.npy"), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_the_function_takes_a_module_and_a_parser(recordings, tmp_path):
    rows = extract(open_parser(recordings, "meta"), EmbeddingModule(MODULE), tmp_path / "x.nc", jobs=2)
    assert rows == len(load(tmp_path / "x.nc")) == 24
    with pytest.raises(OptionError, match="standard output: what is known of recordings goes to data set files"):
        extract(open_parser(recordings, "meta"), EmbeddingModule(MODULE), io.StringIO())


HEAD = """
import torch
class Model:
    sample_rate, scene_embedding_size = 16000, 2
def load_model(path=""):
    return Model()
def get_scene_embeddings(audio, model):
    return torch.ones(len(audio), 2)
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_of_this_name", r"cannot be run: ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("def load_model(): pass", r"has no function get_scene_embeddings, as the HEAR interface does"),
        (HEAD.replace("return Model()", "raise ValueError('no\\nweights')"), r"cannot load its model \(ValueError: no"),
        (HEAD.replace("16000, 2", "16000, None"), "its model has None for scene_embedding_size"),
        (HEAD.replace("16000, 2", "-1, 2"), "its model has -1 for sample_rate"),
        (HEAD.replace("torch.ones", "torch.oneness"), r"cannot embed it \(AttributeError"),
        (HEAD.replace("len(audio), 2", "2"), r"gives embeddings of shape \[2\], its model says \[1, 2\]"),
    ],
)
def test_a_module_that_is_not_as_it_should_be_is_an_error_in_one_line(audeep, sound, tmp_path, text, message):
    (tmp_path / "odd.py").write_text(text)
    result = audeep(f"extract {sound[0]} --embedding {tmp_path}/odd.py --output {tmp_path}/x.csv")
    assert result.status == 1 and result.err.count("\n") == 1 and not (tmp_path / "x.csv").exists()
    assert re.search(message, result.err), result.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("x.wav --embedding no.such.module", "there is no module 'no.such.module' with embeddings"),
        ("x.wav --embedding no-file.py", "no-file.py: no such file; FILE.py must name a Python file"),
        (f"x.wav --embedding {MODULE} --pooled", "--pooled: is for models of audeep"),
        (f"x.wav --embedding {MODULE} --step best", "--step best: is for models of audeep"),
        ("x.wav --model-dir run --weights x", "--weights is for the model of --embedding"),
        ("x.wav --output x.csv", "one of the arguments --model-dir --embedding is required"),
        (f"--embedding {MODULE}", "recordings are named as FILE or by --basedir, neither is given"),
        (f"x.wav --basedir . --embedding {MODULE}", "both are given; give one of them"),
        (f"x.wav --labels t.csv --embedding {MODULE}", "--parser and --labels are for --basedir"),
    ],
)
def test_options_that_contradict_each_other_are_refused(audeep, options, message):
    result = audeep(f"extract {options}")
    assert result.status == 1 and message in result.err and result.err.count("\n") == 1


def test_labels_go_to_data_set_files_alone(audeep, recordings, tmp_path):
    result = audeep(f"extract --basedir {recordings} --embedding {MODULE} --output {tmp_path}/x.csv")
    assert result.status == 1
    assert f"--output {tmp_path}/x.csv: what is known of recordings goes to data set files" in result.err
