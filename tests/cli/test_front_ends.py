# SPDX-License-Identifier: GPL-3.0-or-later
"""preprocess --front-end, and what follows from the name that data sets and models remember."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audeep.audio.front_ends.log_mel import LogMel
from audeep.cli.app import main
from audeep.data.data_set import load
from audeep.estimators import Spectrogram
from audeep.inference import hear

FRONT_ENDS = {
    "perceptual-mel": "--sample-rate 8000 --window-length 256 --hop-length 128 --num-bands 20 --no-trim-silence",
    "log-bands": "--sample-rate 8000 --window-length 256 --hop-length 128 --highest-hz 4000 --no-trim-silence",
    "mfcc": "--sample-rate 8000 --window-length 256 --hop-length 128 --num-bands 30 --num-coefficients 10",
    "waveform": "--sample-rate 8000 --fixed-length 0.02",
    "log-mel": "--sample-rate 8000 --window-length 256 --hop-length 128 --num-bands 20 --highest-hz 4000",
}
TRAIN = "--num-epochs 1 --batch-size 4 --num-units 4 --device cpu"


def run(line: str) -> int:
    return main(line.split())


def preprocessed(folder: Path, basedir: Path, options: str) -> Path:
    path = folder / "frames.nc"
    assert run(f"-q preprocess --basedir {basedir} --output {path} --jobs 1 {options}") == 0
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", FRONT_ENDS)
def test_extract_makes_what_preprocess_made(name: str, recordings: Path, tmp_path: Path) -> None:
    path = preprocessed(tmp_path, recordings, f"--front-end {name} {FRONT_ENDS[name]}")
    data_set = load(path)
    assert data_set.preprocessing["front_end"] == name and data_set.preprocessing["sample_rate"] == 8000
    assert data_set.features.dtype == np.float32 and data_set.feature_dims == ("time", "freq")
    logs = tmp_path / "run" / "logs"
    assert run(f"-q t-rae train --input {path} --run-name {tmp_path / 'run'} {TRAIN}") == 0
    assert run(f"-q t-rae generate --model-dir {logs} --input {path} --output {tmp_path / 'g.nc'}") == 0
    file = recordings / data_set.filenames[3]
    assert run(f"-q extract --model-dir {logs} --output {tmp_path / 'e.npy'} {file}") == 0
    expected = load(tmp_path / "g.nc").features[3]
    np.testing.assert_allclose(np.load(tmp_path / "e.npy")[0], expected, atol=1e-5)
    assert run(f"-q extract --model-dir {logs} --output {tmp_path / 'w.npy'} --window 0.2 --hop 0.1 {file}") == 0
    assert np.load(tmp_path / "w.npy").shape == (4, len(expected))
    if name != "waveform":  # whose recordings are cut to a fixed length, and sounds are not
        model, audio = hear.load_model(logs), torch.from_numpy(soundfile.read(file)[0])[np.newaxis]
        np.testing.assert_allclose(hear.get_scene_embeddings(audio, model)[0], expected, atol=1e-5)
        embeddings, times = hear.get_timestamp_embeddings(audio, model)
        assert embeddings.shape[:2] == times.shape == (1, 1 + 4000 // 128)
        np.testing.assert_allclose(times[0, :3], [0, 16, 32])


def test_mel_is_what_is_meant_without_a_name(recordings: Path, tmp_path: Path) -> None:
    usual = preprocessed(tmp_path, recordings, "--mel-spectrum 10").read_bytes()
    path = preprocessed(tmp_path, recordings, "--mel-spectrum 10 --front-end mel")
    assert path.read_bytes() == usual and "front_end" not in load(path).preprocessing


def test_options_of_another_front_end_are_refused(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"preprocess --basedir {recordings} --output {tmp_path / 'x.nc'}"
    refused = {
        "--num-bands 64": "--num-bands: is an option of --front-end ",
        "--front-end log-mel --mel-spectrum 64": "--mel-spectrum: is an option of --front-end mel, not of log-mel",
        "--front-end log-mel --lowest-hz 30000": "--lowest-hz 30000: must be below --highest-hz 20000",
        "--front-end loud": "argument --front-end: 'loud' found, expected one of mel, ",
        "--front-end log-mel --num-bands 0": "argument --num-bands: '0' found, expected an integer >= 1 and <= 1024",
    }
    for options, message in refused.items():
        assert run(f"{line} {options}") == 1
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_model_refuses_what_another_front_end_made(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = preprocessed(tmp_path, recordings, f"--front-end log-mel {FRONT_ENDS['log-mel']}")
    assert run(f"-q t-rae train --input {path} --run-name {tmp_path / 'run'} {TRAIN}") == 0
    path = preprocessed(tmp_path, recordings, "--mel-spectrum 20 --window-width 0.032 --window-overlap 0.016")
    line = f"t-rae generate --model-dir {tmp_path / 'run/logs'} --input {path} --output {tmp_path / 'g.nc'}"
    assert run(line) == 1
    assert "was made with front_end mel rather than log-mel, on which the model in" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", FRONT_ENDS)
def test_pretend_shows_what_would_be_stored(
    name: str, recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"preprocess --basedir {recordings} --front-end {name} {FRONT_ENDS[name]} --pretend 0"
    assert run(f"{line} --plot {tmp_path / 'a.png'}") == 0
    assert "time steps" in capsys.readouterr().out
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_the_estimator_takes_any_front_end(recordings: Path, tmp_path: Path) -> None:
    files = sorted(recordings.rglob("*.wav"))[:3]
    front_end = LogMel(highest_hz=4000, sample_rate=8000)
    found = Spectrogram(front_end=front_end).fit_transform(files)
    for file, frames in zip(files, found, strict=True):
        np.testing.assert_array_equal(frames, front_end.chunks(file)[0])
    [frames] = Spectrogram(front_end=front_end).fit_transform([np.zeros(8000)])
    assert frames.shape == (16, 96)
    named, made = (Spectrogram(front_end=each).fit_transform(files[:1]) for each in ("log-mel", LogMel()))
    np.testing.assert_array_equal(named, made)
    with pytest.raises(ValueError, match="mel_spectrum=4: has no effect beside front_end"):
        Spectrogram(mel_spectrum=4, front_end="log-mel").fit(files)
