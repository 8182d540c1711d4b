# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command reads is never written over, and nothing is written twice to one path."""

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import SPECTRA
from tests.faults.commands import content

INPUT = "is an input and an output of this command; choose another name to write to"
TWICE = "is written twice by this command; choose another name for one of the outputs"


@pytest.fixture
def refused(audeep, inputs, tmp_path):
    """Runs a command in a folder with copies of all inputs; it must be refused in one line and change nothing."""
    for name, path in inputs.items():
        (shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / name)
    (tmp_path / "d").mkdir()

    def run(command: str) -> str:
        before = content(tmp_path)
        result = audeep(f"-q {command}")
        assert (result.status, result.err.count("\n"), result.out) == (1, 1, ""), result
        assert content(tmp_path) == before
        return result.err

    os.chdir(tmp_path)
    yield run
    os.chdir(Path(__file__).parent)


PREPROCESS = f"preprocess {SPECTRA} --jobs 1 --basedir recordings"
MODEL = "run/logs/model-6.safetensors"


@pytest.mark.parametrize(
    "command",
    [
        f"{PREPROCESS} --output recordings/fold_1/low/0.wav",
        f"{PREPROCESS} --output d/../recordings/fold_1/low/0.wav",
        f"{PREPROCESS} --pretend 0 --plot recordings/fold_1/low/0.wav",
        f"{PREPROCESS} --output d/x.nc --log-file recordings/fold_1/low/0.wav",
        f"t-rae generate --model-dir run/logs --input spectrograms --output {MODEL}",
        f"t-rae generate --model-dir run/logs --input spectrograms --output d/x.nc --log-file {MODEL}",
        "t-rae generate --model-dir run/logs --input spectrograms --output run/logs/settings.json",
        f"report --run-dir run --input spectrograms --output {MODEL}",
        "report --run-dir run --input spectrograms --output run/logs/learning-curve.csv",
        "t-rae train --input spectrograms --run-name d --log-file spectrograms",
        f"t-rae train --input spectrograms --run-name run --continue --num-epochs 3 --log-file {MODEL}",
        "extract recordings/fold_1/low/0.wav --model-dir run/logs --output recordings/fold_1/low/0.wav",
        f"extract recordings/fold_1/low/0.wav --model-dir run/logs --output {MODEL}",
        "inspect netcdf --input spectrograms --log-file spectrograms",
        "inspect raw --basedir recordings --log-file recordings/fold_1/low/0.wav",
        "import --basedir csv --name tones --output d/x.nc --log-file csv/fold_1/tones.csv",
        "svm evaluate --input features --cross-validate --complexity 1 --baseline spectrograms --json spectrograms",
    ],
)
def test_an_output_that_is_read_is_refused(refused, command):
    assert INPUT in refused(command)


def test_a_log_file_that_is_the_input_is_kept_whatever_is_wrong(refused):
    assert "expected" in refused("inspect netcdf --input features --log-file features --instance x")


def test_an_export_onto_its_source_is_refused(refused, tmp_path):
    shutil.copy("features", "d/x.csv")
    assert INPUT in refused("export --input d/x.csv --format csv --output d")
    Path("d/fold_1").mkdir()
    shutil.copy("features", "d/fold_1/x.csv")
    assert INPUT in refused("export --input d/fold_1/x.csv --format csv --output d")


def test_a_table_of_labels_in_the_place_of_the_list_of_bad_recordings_is_refused(refused):
    Path("x.nc.bad.txt").write_text("file,label\nfold_1/low/0.wav,low\n")
    assert INPUT in refused(f"{PREPROCESS} --parser table --labels x.nc.bad.txt --output x.nc")
    assert INPUT in refused(f"{PREPROCESS} --parser table --labels x.nc.bad.txt --output d/../x.nc --skip-bad")
    shutil.copy("x.nc.bad.txt", "y.nc.partial")
    assert INPUT in refused(f"{PREPROCESS} --parser table --labels y.nc.partial --output y.nc")


def test_a_link_to_a_recording_is_the_recording(refused):
    Path("d/x.nc").symlink_to("../recordings/fold_1/low/0.wav")
    assert INPUT in refused(f"{PREPROCESS} --output d/x.nc")
    Path("d/linked").symlink_to("../recordings/fold_1")
    assert INPUT in refused(f"preprocess {SPECTRA} --jobs 1 --basedir d --output recordings/fold_1/low/0.wav")


@pytest.mark.parametrize(
    "command",
    [
        "t-rae generate --model-dir run/logs --input spectrograms --steps 3 6 --output f.nc d/../f.nc",
        "svm evaluate --input features --cross-validate --complexity 1 --json x --confusion x",
        "visualize pca --input features --output x --plot d/../x",
        "visualize pca --input features --output x.nc --log-file x.nc",
        "export --input features --format csv --name x --output d --log-file d/x.csv",
        f"{PREPROCESS} --output x.nc --log-file x.nc.bad.txt",
    ],
)
def test_outputs_of_one_path_are_refused(refused, command):
    assert TWICE in refused(command)


@pytest.mark.slow
def test_what_was_written_into_the_base_directory_or_the_run_is_written_again(audeep, inputs, tmp_path):
    for name in ("recordings", "run"):
        shutil.copytree(inputs[name], tmp_path / name)
    recordings, run = tmp_path / "recordings", tmp_path / "run"
    for _ in range(2):
        for command in (
            f"preprocess {SPECTRA} --jobs 1 --basedir {recordings} --output {recordings}/x.nc --skip-bad",
            f"preprocess {SPECTRA} --basedir {recordings} --pretend 0 --plot {recordings}/x.png",
            f"t-rae generate --model-dir {run}/logs --input {inputs['spectrograms']} --output {run}/logs/x.nc",
        ):
            result = audeep(f"-q {command}")
            assert result.status == 0, result


@pytest.mark.parametrize("suffix", [".png", ".PDF", ".svg", ".jpg"])
@pytest.mark.parametrize(
    "command",
    [
        "visualize pca --input {features} --output {out}",
        "visualize tsne --input {features} --output {out}",
        "preprocess --basedir {recordings} --output {out}",
        "t-rae generate --model-dir {run}/logs --input {spectrograms} --output {out}",
        "upsample --input {spectrograms} --output {out}",
    ],
)
def test_a_data_set_is_not_written_to_the_name_of_a_picture(audeep, inputs, tmp_path, command, suffix):
    result = audeep(f"-q {command.format(**inputs, out=tmp_path / f'x{suffix}')}")
    assert result.status == 1 and result.err.count("\n") == 1
    assert f"x{suffix}' found, expected a data set file such as {tmp_path}/x.nc" in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.csv", "x.arff", "x.CSV"])
def test_an_export_is_not_written_below_the_name_of_a_table(audeep, inputs, tmp_path, name):
    command = f"-q export --input {inputs['features']} --format csv --output {tmp_path}/{name}"
    result = audeep(command)
    assert result.status == 1 and f"{name}' found, expected a directory" in result.err
    assert list(tmp_path.iterdir()) == []
    (tmp_path / name).mkdir()
    assert audeep(command).status == 0
