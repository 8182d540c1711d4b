# SPDX-License-Identifier: GPL-3.0-or-later
"""preprocess on folders with recordings that cannot be used, and commands that would write over what they read."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audeep import load
from audeep.cli.flags import as_flags

FLAGS = {"window_width": "--window-width", "fixed_length": "--fixed-length"}
SPECTRA = "--window-width 0.05 --window-overlap 0.025 --mel-spectrum 12"


@pytest.fixture
def mixed(recordings: Path, tmp_path: Path) -> Path:
    """A copy of the recordings, with four among them that cannot be used; the first of all is one."""
    basedir = tmp_path / "base"
    shutil.copytree(recordings, basedir)
    (basedir / "fold_1" / "high" / "0.wav").write_bytes(b"no sound at all")
    (basedir / "fold_2" / "low" / "empty.wav").touch()
    soundfile.write(basedir / "fold_2" / "low" / "short.wav", np.zeros(10), 8000)
    soundfile.write(basedir / "fold_3" / "low" / "nan.wav", np.full(4000, np.nan), 8000, subtype="FLOAT")
    return basedir


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_bad_recordings_are_left_out_and_listed(audeep, mixed, tmp_path, jobs):
    output = tmp_path / "spectrograms.nc"
    result = audeep(f"preprocess --basedir {mixed} {SPECTRA} --output {output} --skip-bad --jobs {jobs}")
    assert result.status == 0
    data_set = load(output)
    expected = sorted(path.relative_to(mixed).as_posix() for path in mixed.rglob("*.wav"))
    bad = ["fold_1/high/0.wav", "fold_2/low/empty.wav", "fold_2/low/short.wav", "fold_3/low/nan.wav"]
    assert data_set.filenames.tolist() == [name for name in expected if name not in bad]
    assert np.isfinite(data_set.features).all() and data_set.num_folds == 3
    lines = (tmp_path / "spectrograms.nc.bad.txt").read_text().splitlines()
    assert [line.partition(":")[0] for line in lines] == [str(mixed / name) for name in bad]
    assert all(f"left out: {as_flags(line, FLAGS)}" in result.err for line in lines)
    assert f"4 of 27 recordings were left out; they are listed in {output}.bad.txt" in result.err
    assert audeep(f"validate --input {output}").status == 0


@pytest.mark.slow
def test_without_the_option_the_first_bad_recording_stops_all(audeep, mixed, tmp_path):
    result = audeep(f"preprocess --basedir {mixed} {SPECTRA} --output {tmp_path}/out.nc")
    assert result.status == 1 and result.err.count("\n") == 1 and "fold_1/high/0.wav" in result.err
    assert not list(tmp_path.glob("out*"))


@pytest.mark.slow
def test_a_folder_of_nothing_but_bad_recordings_is_an_error(audeep, tmp_path):
    for name in ("a.wav", "b.wav"):
        (tmp_path / "base").mkdir(exist_ok=True)
        (tmp_path / "base" / name).write_bytes(b"no sound")
    command = f"preprocess --basedir {tmp_path}/base --parser no-metadata --output {tmp_path}/out.nc --skip-bad"
    result = audeep(command)
    assert result.status == 1 and "none of 2 recordings can be used; the first: " in result.err
    assert not list(tmp_path.glob("out*"))


@pytest.mark.slow
def test_a_list_of_an_earlier_run_does_not_stay(audeep, recordings, tmp_path):
    (tmp_path / "out.nc.bad.txt").write_text("old")
    assert audeep(f"preprocess --basedir {recordings} {SPECTRA} --output {tmp_path}/out.nc --skip-bad").status == 0
    assert not (tmp_path / "out.nc.bad.txt").exists()


@pytest.mark.parametrize(
    "command",
    [
        "modify --input {file} --output {file} --add-cv-setup 2",
        "upsample --input {file} --output {link}",
        "fuse --input {other} {file} --output {file}",
        "fuse chunks --input {link} --output {file}",
        "visualize pca --input {file} --output {file}",
        "t-rae generate --model-dir nowhere --input {file} --output {file}",
        "svm predict --train-input {other} --eval-input {file} --complexity 1 --output {file}",
    ],
)
def test_no_command_writes_over_its_own_input(audeep, golden, tmp_path, command):
    paths = {"file": tmp_path / "file.nc", "other": tmp_path / "other.nc", "link": tmp_path / "link.nc"}
    for name in ("file", "other"):
        shutil.copy(golden / "old_features_cv.nc", paths[name])
    paths["link"].symlink_to(paths["file"])
    before = paths["file"].read_bytes()
    result = audeep(command.format(**paths))
    assert result.status == 1 and result.err.count("\n") == 1
    assert "is an input and an output of this command; choose another name to write to" in result.err
    assert paths["file"].read_bytes() == before and paths["link"].is_symlink()


def test_inspect_raw_leaves_out_bad_recordings_and_names_them(audeep, mixed):
    result = audeep(f"inspect raw --basedir {mixed}")
    assert result.status == 1 and "fold_1/high/0.wav" in result.err
    result = audeep(f"inspect raw --basedir {mixed} --skip-bad")
    assert result.status == 0 and "left out" in result.out
    for name in ("fold_1/high/0.wav", "fold_2/low/empty.wav"):
        assert f"left out: {mixed}/{name}: " in result.err


def test_inspect_raw_of_nothing_but_bad_recordings_is_an_error(audeep, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"no sound")
    result = audeep(f"inspect raw --basedir {tmp_path} --parser no-metadata --skip-bad")
    assert result.status == 1 and "none of 1 recordings can be read; the first: " in result.err
