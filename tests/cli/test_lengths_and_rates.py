# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of different lengths and sample rates, from preprocess to features."""

import json
import re
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import soundfile

from audeep import load
from audeep.audio.front_ends.mel import Preprocessor
from audeep.parsers.base import InstanceMetadata
from audeep.pipeline.spectrograms import groups
from tests.conftest import write_tone

SPECTRA = "--window-width 0.05 --window-overlap 0.025 --mel-spectrum 12"
SECONDS = {"a": 0.5, "b": 1.25, "c": 0.2, "d": 0.8, "e": 0.21, "f": 1.0}


@pytest.fixture
def basedir(tmp_path: Path) -> Path:
    for number, (name, seconds) in enumerate(SECONDS.items()):
        write_tone(tmp_path / "in" / f"{name}.wav", 300 + 50 * number, seconds)
    return tmp_path / "in"


def preprocess(audeep, basedir: Path, output: Path, options: str = "", spectra: str = SPECTRA):
    result = audeep(f"preprocess --basedir {basedir} --parser no-metadata --output {output} {spectra} {options}")
    assert result.status == 0, result.err
    return result


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_each_spectrogram_is_that_of_its_recording_alone_and_then_padding(audeep, basedir, tmp_path, jobs):
    preprocess(audeep, basedir, tmp_path / "s.nc", f"--jobs {jobs}")
    data_set = load(tmp_path / "s.nc")
    expected = [int((seconds - 0.025) / 0.025 + 1e-9) for seconds in SECONDS.values()]
    assert data_set.num_frames.tolist() == expected and data_set.feature_shape == (max(expected), 12)
    for path, instance in zip(sorted(basedir.iterdir()), data_set, strict=True):
        (tmp_path / path.stem).mkdir()
        (tmp_path / path.stem / path.name).symlink_to(path)
        preprocess(audeep, tmp_path / path.stem, tmp_path / "alone.nc")
        alone = load(tmp_path / "alone.nc")
        assert not alone.is_padded
        np.testing.assert_array_equal(instance.features[: instance.num_frames], alone.features[0])
        assert (instance.features[instance.num_frames :] == -1).all()


@pytest.mark.slow
def test_features_of_each_instance_are_those_of_it_alone(audeep, basedir, tmp_path):
    preprocess(audeep, basedir, tmp_path / "s.nc")
    train = f"t-rae train --run-name {tmp_path}/run --num-epochs 2 --batch-size 2 --bidirectional-encoder"
    assert audeep(f"{train} --input {tmp_path}/s.nc").status == 0
    generate = f"t-rae generate --model-dir {tmp_path}/run/logs"
    assert audeep(f"{generate} --input {tmp_path}/s.nc --output {tmp_path}/features.nc").status == 0
    data_set, features = load(tmp_path / "s.nc"), load(tmp_path / "features.nc").features
    for index, length in enumerate(data_set.num_frames):
        alone = data_set[index : index + 1]
        cut = alone.with_features(alone.features[:, :length], alone.feature_dims)
        cut.data["num_frames"][:] = length
        other = data_set[[0]].with_features(np.zeros((1, length + 1, 12), np.float32), alone.feature_dims)
        other.data["num_frames"][:] = 1  # so that the model takes any length
        pair = np.concatenate([np.pad(cut.features, ((0, 0), (0, 1), (0, 0))), other.features])
        both = data_set[[index, 0]].with_features(pair, alone.feature_dims)
        both.data["num_frames"][:] = [length, 1]
        both.save(tmp_path / "pair.nc")
        assert audeep(f"{generate} --input {tmp_path}/pair.nc --output {tmp_path}/pair-features.nc").status == 0
        np.testing.assert_allclose(load(tmp_path / "pair-features.nc").features[0], features[index], atol=1e-6)


def test_inspect_and_export_tell_the_lengths_and_validate_is_content(audeep, basedir, tmp_path):
    preprocess(audeep, basedir, tmp_path / "s.nc")
    lengths = load(tmp_path / "s.nc").num_frames
    text = audeep(f"inspect netcdf --input {tmp_path}/s.nc --instance 2").out
    assert re.search(rf"frames +\| +{lengths.min()} to {lengths.max()}", text)
    assert re.search(rf"frames +\| +{lengths[2]}\s", text)
    assert audeep(f"validate --input {tmp_path}/s.nc").status == 0
    assert audeep(f"export --input {tmp_path}/s.nc --format csv --name x --output {tmp_path}/csv").status == 0
    header = (tmp_path / "csv" / "x.csv").read_text().split("\n", 1)[0]
    assert header.startswith("filename,chunk_nr,num_frames,label_nominal,label_numeric,feature_0,")


def test_padded_spectrograms_are_no_feature_vectors(audeep, basedir, tmp_path):
    preprocess(audeep, basedir, tmp_path / "s.nc")
    result = audeep(f"visualize pca --input {tmp_path}/s.nc --output {tmp_path}/map.csv")
    assert result.status == 1 and "spectrograms of different lengths have no common features" in result.err


def test_the_same_bytes_after_an_interruption(audeep, basedir, tmp_path, monkeypatch):
    preprocess(audeep, basedir, tmp_path / "whole.nc")
    chunks_and_rate = Preprocessor.chunks_and_rate
    with monkeypatch.context() as patch:
        seen = []

        def interrupted(preprocessor, path):
            seen.append(path)
            if len(seen) == 3:
                raise KeyboardInterrupt
            return chunks_and_rate(preprocessor, path)

        patch.setattr(Preprocessor, "chunks_and_rate", interrupted)
        command = f"preprocess --basedir {basedir} --parser no-metadata --output {tmp_path}/s.nc {SPECTRA} --jobs 1"
        assert audeep(command).status == 130
    assert audeep(f"{command} --continue").status == 0
    assert (tmp_path / "s.nc").read_bytes() == (tmp_path / "whole.nc").read_bytes()


# sample rates


def test_mixed_sample_rates_are_named(audeep, basedir, tmp_path):
    write_tone(basedir / "g.wav", 440, sample_rate=16000)
    result = preprocess(audeep, basedir, tmp_path / "s.nc")
    assert "recordings have different sample rates (6 of 8000 Hz, 1 of 16000 Hz)" in result.err
    result = preprocess(audeep, basedir, tmp_path / "s.nc", "--sample-rate 8000")
    assert "sample rates" not in result.err


def test_resampled_spectrograms_have_the_shape_of_the_new_rate(audeep, tmp_path):
    write_tone(tmp_path / "in" / "a.wav", 700, 1.0, 48000)
    write_tone(tmp_path / "in" / "b.wav", 700, 1.0, 16000)
    spectra = "--window-width 0.05 --window-overlap 0.025"
    preprocess(audeep, tmp_path / "in", tmp_path / "s.nc", "--sample-rate 16000", spectra)
    data_set = load(tmp_path / "s.nc")
    assert data_set.feature_shape == (39, 401)  # frames; bins of a window of 800 samples
    one, other = (features.argmax(axis=1) for features in data_set.features)
    assert (one == 35).all() and (other == 35).all()  # 700 Hz in steps of 20 Hz


def test_any_two_rates_are_resampled(audeep, tmp_path):
    write_tone(tmp_path / "in" / "a.wav", 700, 1.0, 22257)
    spectra = "--window-width 0.05 --window-overlap 0.025"
    preprocess(audeep, tmp_path / "in", tmp_path / "s.nc", "--sample-rate 16000", spectra)
    (features,) = load(tmp_path / "s.nc").features
    assert features.shape == (39, 401) and (features.argmax(axis=1) == 35).all()


def test_a_rate_that_makes_gigabytes_of_a_short_recording_is_refused(audeep, tmp_path):
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "a.wav", np.zeros(10**5), 1)
    command = f"-q preprocess --basedir {tmp_path}/in --parser no-metadata --output {tmp_path}/s.nc --sample-rate 44100"
    result = audeep(command)
    assert result.status == 1 and result.err.count("\n") == 1
    assert result.err.startswith(f"{tmp_path}/in/a.wav: would have 4410000000 samples when resampled from 1 Hz to")
    assert "pass a lower --sample-rate HZ" in result.err


def test_settings_of_the_spectrograms_are_kept_with_them(audeep, basedir, tmp_path):
    preprocess(audeep, basedir, tmp_path / "s.nc", "--clip-below -60 --sample-rate 8000")
    with netCDF4.Dataset(tmp_path / "s.nc") as file:
        settings = json.loads(file.preprocessing)
    assert settings["window_width"] == 0.05 and settings["mel_spectrum"] == 12 and settings["clip_below"] == -60
    assert settings["sample_rate"] == 8000 and settings["fixed_length"] is None and settings["channels"] == "MEAN"


def test_spectrograms_are_gathered_for_writing_by_what_they_are_padded_to():
    results = [(InstanceMetadata(Path(), f"{number}.wav"), np.zeros((2, 1, 128))) for number in range(9)]
    results[4] = results[4][0], None
    sizes = [
        [len(group) for group in groups(results, (num_frames, 128))]
        for num_frames in (2**9, 2**11, 2**16)  # a quarter of a megabyte, one, and 32
    ]
    assert sizes == [[2, 2, 2, 2], [1] * 8, [1] * 8]
