# SPDX-License-Identifier: GPL-3.0-or-later
"""extract: features straight from recordings, from windows of them, and from standard input."""

import io
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.signal
import soundfile

from audeep import extract, load
from audeep.cli.app import main
from audeep.data.exchange.importing import import_
from audeep.errors import OptionError
from tests.cli.conftest import SPECTRA
from tests.conftest import with_header, write_tone


@pytest.fixture(scope="module")
def model(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows how its spectrograms were made."""
    folder = tmp_path_factory.mktemp("model")
    for command in (
        f"preprocess --basedir {recordings} {SPECTRA} --output {folder}/spectra.nc",
        f"t-rae train --input {folder}/spectra.nc --run-name {folder}/run --num-epochs 1 --bidirectional-encoder",
        f"t-rae generate --model-dir {folder}/run/logs --input {folder}/spectra.nc --output {folder}/features.nc",
        f"t-rae generate --model-dir {folder}/run/logs --input {folder}/spectra.nc --output {folder}/p.nc --pooled",
    ):
        assert main(["-q", *shlex.split(command)]) == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("option", "features"), [("", "features.nc"), ("--pooled", "p.nc")])
def test_features_are_those_of_preprocess_and_generate(audeep, model, recordings, tmp_path, option, features):
    expected = load(model / features)
    files = [recordings / name for name in expected.filenames[[3, 20, 7]]]
    names = " ".join(map(str, files))
    result = audeep(f"-q extract --model-dir {model}/run/logs {option} {names}")
    assert result.status == 0
    table = pd.read_csv(io.StringIO(result.out))
    assert table["filename"].tolist() == list(map(str, files)) and table["chunk_nr"].tolist() == [0, 0, 0]
    np.testing.assert_allclose(table.iloc[:, 2:], expected.features[[3, 20, 7]], rtol=1e-5, atol=1e-6)


def windows_alone(
    audeep, model: Path, samples: np.ndarray, rate: int, width: int, hop: int, folder: Path
) -> np.ndarray:
    """Features of each window as if it were a recording."""
    names = []
    for number, start in enumerate(range(0, len(samples) - width + 1, hop)):
        names.append(str(folder / f"{number:03}.wav"))
        soundfile.write(names[-1], samples[start : start + width], rate, subtype="DOUBLE")
    audeep(f"-q extract --model-dir {model}/run/logs {' '.join(names)} --output {folder}/alone.npy")
    return np.load(folder / "alone.npy")


@pytest.mark.slow
@pytest.mark.parametrize(("width", "hop"), [(0.5, 0.5), (0.4, 0.15), (0.3, 0.7)])
def test_each_window_is_treated_like_a_recording(audeep, model, tmp_path, width, hop):
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, 8000 * 21 + 77)
    soundfile.write(tmp_path / "long.wav", samples, 8000, subtype="DOUBLE")
    command = f"-q extract --model-dir {model}/run/logs --window {width} --hop {hop} {tmp_path}/long.wav"
    assert audeep(f"{command} --output {tmp_path}/x.csv").status == 0
    table = pd.read_csv(tmp_path / "x.csv")
    (tmp_path / "alone").mkdir()
    expected = windows_alone(audeep, model, samples, 8000, int(width * 8000), int(hop * 8000), tmp_path / "alone")
    assert table["chunk_nr"].tolist() == list(range(len(expected)))
    np.testing.assert_allclose(table["start_seconds"], hop * np.arange(len(expected)))
    np.testing.assert_allclose(table.iloc[:, 3:], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_recording_shorter_than_a_window_is_padded_with_silence(audeep, model, tmp_path):
    write_tone(tmp_path / "a.wav", 440, 0.3)
    samples, _ = soundfile.read(tmp_path / "a.wav")
    soundfile.write(tmp_path / "b.wav", np.pad(samples, (0, 4000 - len(samples))), 8000, subtype="DOUBLE")
    for name, option in (("a", "--window 0.5"), ("b", "")):
        audeep(f"-q extract --model-dir {model}/run/logs {tmp_path}/{name}.wav {option} --output {tmp_path}/{name}.npy")
    found = np.load(tmp_path / "a.npy")
    assert found.shape[0] == 1
    np.testing.assert_allclose(found, np.load(tmp_path / "b.npy"), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_all_formats_hold_the_same_numbers(audeep, model, recordings, tmp_path):
    files = " ".join(map(str, sorted(recordings.rglob("*.wav"))[:3]))
    for suffix in ("csv", "arff", "nc", "npy"):
        command = f"extract --model-dir {model}/run/logs {files} --window 0.2 --output {tmp_path}/x.{suffix}"
        assert audeep(command).status == 0
    expected = np.load(tmp_path / "x.npy")
    data_set = load(tmp_path / "x.nc")
    assert expected.dtype == np.float32 and len(expected) == 6
    np.testing.assert_array_equal(data_set.features, expected)
    assert data_set.chunk_nrs.tolist() == [0, 1] * 3
    for suffix in ("csv", "arff"):
        imported = import_(tmp_path, f"x.{suffix}")
        np.testing.assert_allclose(imported.features, expected, rtol=1e-6)
        assert imported.filenames.tolist() == data_set.filenames.tolist()


def test_the_function_writes_what_the_command_does_and_counts_the_rows(audeep, model, recordings, tmp_path):
    files = sorted(map(str, recordings.rglob("*.wav")))[:2]
    printed = audeep(f"-q extract --model-dir {model}/run/logs {' '.join(files)} --window 0.2 --hop 0.1").out
    stream = io.StringIO()
    assert extract(files, model / "run" / "logs", stream, window=0.2, hop=0.1) == len(printed.splitlines()) - 1 > 2
    assert extract(files, f"{model}/run/logs", f"{tmp_path}/x.csv", window=0.2, hop=0.1) > 2
    assert stream.getvalue() == printed == (tmp_path / "x.csv").read_text()
    with pytest.raises(OptionError, match="need the length of a window; pass window=SECONDS"):
        extract(files, model / "run" / "logs", stream, hop=1)
    with pytest.raises(OptionError, match=r"output=x\.txt: the suffix must be one of \.csv, \.arff, \.nc, \.npy"):
        extract(files, model / "run" / "logs", Path("x.txt"))


@pytest.mark.slow
def test_a_stream_gives_rows_as_it_arrives(model, recordings, warm, tmp_path):
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, 8000 * 3)
    soundfile.write(tmp_path / "a.wav", samples, 8000)
    content = (tmp_path / "a.wav").read_bytes()
    command = [warm.audeep, "-q", "extract", "--model-dir", f"{model}/run/logs", "--window", "1", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        half = 44 + 2 * 8000 + 8000
        process.stdin.write(content[:half])
        process.stdin.flush()
        lines = [process.stdout.readline() for _ in range(2)]  # the header, and the first window, before the end
        process.stdin.write(content[half:])
        process.stdin.close()
        lines += process.stdout.readlines()
    assert process.returncode == 0
    table = pd.read_csv(io.BytesIO(b"".join(lines)))
    assert table["filename"].tolist() == ["stdin"] * 3 and table["start_seconds"].tolist() == [0, 1, 2]
    whole = subprocess.run([*command[:-1], f"{tmp_path}/a.wav"], capture_output=True, check=True)
    np.testing.assert_allclose(
        table.iloc[:, 3:], pd.read_csv(io.BytesIO(whole.stdout)).iloc[:, 3:], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("a.wav --hop 1", "a hop, and standard input, need the length of a window; pass --window SECONDS"),
        ("-", "a hop, and standard input, need the length of a window; pass --window SECONDS"),
        (
            "a.wav --output x.txt",
            "--output x.txt: the suffix must be one of .csv, .arff, .nc, .npy, .npz",
        ),
        ("nowhere.wav", "nowhere.wav: no such file, a recording was expected"),
        ("a.wav --window 0.00001", "--window 1e-05: is shorter than the 0.05 s that a spectrum takes"),
        ("a.wav --window 0.01", "--window 0.01: is shorter than the 0.05 s that a spectrum takes"),
        (
            "a.wav --window 1 --hop 0.00001",
            "a.wav: has 8000 Hz, a window and a hop of at least one sample were expected",
        ),
        ("a.wav --window 1e9", "a.wav: a window of 1e+09 s has"),
        ("a.wav --window 1e5", "s has 800000000 samples of 1 channels, at most 268435456 were expected in all"),
        ("'b\udcff.wav'", r"b\udcff.wav: is not a name in UTF-8; rename the recording"),
        ("a.wav --step 99", "has no checkpoint of step 99"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(audeep, model, tmp_path, monkeypatch, options, message):
    write_tone(tmp_path / "a.wav", 440)
    monkeypatch.chdir(tmp_path)
    result = audeep(f"-q extract --model-dir {model}/run/logs {options}")
    assert result.status == 1 and message in result.err and result.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_a_failure_half_way_leaves_no_file(audeep, model, recordings, tmp_path):
    good = next(recordings.rglob("*.wav"))
    (tmp_path / "bad.wav").write_text("no sound")
    for suffix in ("csv", "arff", "nc", "npy"):
        command = f"extract --model-dir {model}/run/logs {good} {tmp_path}/bad.wav --output {tmp_path}/x.{suffix}"
        assert audeep(command).status == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.wav"]


def test_recordings_of_another_rate_are_resampled(audeep, model, recordings, tmp_path):
    recording = next(recordings.rglob("*.wav"))
    samples, rate = soundfile.read(recording)
    soundfile.write(tmp_path / "twice.wav", scipy.signal.resample_poly(samples, 2, 1), 2 * rate, subtype="FLOAT")
    table = pd.read_csv(
        io.StringIO(audeep(f"-q extract --model-dir {model}/run/logs {recording} {tmp_path}/twice.wav").out)
    )
    here, there = table.iloc[:, 2:].to_numpy()
    assert np.abs(here - there).max() < 0.02 < np.abs(here).max()


@pytest.mark.slow
def test_recordings_with_another_number_of_bands_are_refused(audeep, tmp_path, recordings):
    base = f"preprocess --basedir {recordings} --window-width 0.05 --window-overlap 0.025 --output {tmp_path}/s.nc"
    assert audeep(base).status == 0
    assert audeep(f"t-rae train --input {tmp_path}/s.nc --run-name {tmp_path}/run --num-epochs 1").status == 0
    write_tone(tmp_path / "b.wav", 440, sample_rate=16000)
    logs = with_header(  # recordings had several rates
        tmp_path / "run" / "logs",
        tmp_path / "changed",
        lambda header: {**header, "preprocessing": {**header["preprocessing"], "sample_rate": None}},
    )
    result = audeep(f"-q extract --model-dir {logs} {tmp_path}/b.wav")
    assert result.status == 1 and "b.wav: gives 401 bands, the model was trained on 201; resample it" in result.err
