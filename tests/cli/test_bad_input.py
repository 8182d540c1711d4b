# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: one line that says what is wrong and what to do, exit status 1, nothing written."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audeep import load
from audeep.data.data_set import empty
from tests.conftest import write_tone

SPECTRA = "--window-width 0.05 --window-overlap 0.025 --mel-spectrum 12"


@pytest.fixture
def refused(audeep, tmp_path):
    """Runs a command that must fail and leave only `left` in `tmp_path`/out, and gives its one line of error."""

    def run(command: str, left: tuple[str, ...] = ()) -> str:
        result = audeep(command)
        assert result.status == 1, result
        assert result.err.count("\n") == 1 and result.err.endswith("\n"), result.err
        assert tuple(path.name for path in tmp_path.glob("out/*")) == left and (tmp_path / "out").exists() == bool(left)
        return result.err

    return run


@pytest.fixture
def basedir(tmp_path) -> Path:
    """Two sound recordings, to which tests add a bad one that sorts between them."""
    write_tone(tmp_path / "in" / "a.wav", 440)
    write_tone(tmp_path / "in" / "c.wav", 550)
    return tmp_path / "in"


def preprocess(basedir: Path, options: str = "") -> str:
    return (
        f"-q preprocess --basedir {basedir} --parser no-metadata --output {basedir.parent}/out/s.nc {SPECTRA} {options}"
    )


KEPT = ("s.nc.partial",)  # what a run that stops at a recording leaves for --continue


def test_a_missing_base_directory(refused, tmp_path):
    assert "nowhere: no such directory; name the directory of the recordings with --basedir DIR\n" in refused(
        preprocess(tmp_path / "nowhere")
    )


def test_an_empty_base_directory(refused, tmp_path):
    (tmp_path / "in").mkdir()
    assert "in: is empty; name the directory of the recordings with --basedir DIR\n" in refused(
        preprocess(tmp_path / "in")
    )


def test_a_directory_that_no_parser_can_read_says_what_is_in_it(refused, basedir, tmp_path):
    (basedir / "deeper").mkdir()
    (basedir / "a.wav").rename(basedir / "deeper" / "a.wav")
    error = refused(f"preprocess --basedir {basedir} --output {tmp_path}/out/s.nc")
    for text in (
        "unable to parse",
        "class folders, a known layout or",
        "recordings: 1 in it, 1 in deeper",
        "no-metadata",
    ):
        assert text in error


def test_a_text_file_named_wav(refused, basedir):
    (basedir / "b.wav").write_text("no sound\n")
    assert "b.wav: " in (error := refused(preprocess(basedir), left=KEPT)) and "Format not recognised" in error


def test_a_truncated_recording(refused, basedir):
    whole = (basedir / "a.wav").read_bytes()
    (basedir / "b.wav").write_bytes(whole[: len(whole) // 2])
    assert "b.wav: holds 3978 of the 8000 bytes that its header promises" in refused(preprocess(basedir), left=KEPT)


def test_a_truncated_compressed_recording(refused, basedir, esc10):
    whole = (esc10 / "001 - Dog bark" / "1-100032-A.ogg").read_bytes()
    (basedir / "b.ogg").write_bytes(whole[: len(whole) // 2])
    assert "b.ogg: ends within an Ogg page" in refused(preprocess(basedir), left=KEPT)


def test_a_recording_without_samples(refused, basedir):
    soundfile.write(basedir / "b.wav", np.zeros(0), 8000)
    assert "b.wav: holds no samples" in refused(preprocess(basedir), left=KEPT)


def test_recordings_that_differ_where_they_must_not_name_the_two_and_a_remedy(refused, basedir):
    write_tone(basedir / "b.wav", 660, seconds=0.7, sample_rate=16000)
    error = refused(preprocess(basedir).replace("--mel-spectrum 12", ""), left=KEPT)
    assert "b.wav: gives a spectrogram of 27 x 401" in error and "a.wav one of 19 x 201" in error
    assert "--sample-rate HZ" in error


@pytest.mark.parametrize(
    "options, text",
    [
        ("--chunk-length 0.1", "--chunk-length 0.1: needs --chunk-count N; give both"),
        ("--chunk-count 2", "--chunk-count 2: needs --chunk-length S; give both"),
        ("--chunk-length 0.2 --chunk-count 9", "a.wav: has 2 full chunks"),
        ("--chunk-length 0.2 --chunk-count 9 --fixed-length 1", "more chunks than the audio has"),
        ("--window-overlap 0.05", "--window-overlap 0.05: must be smaller than --window-width 0.05"),
        ("--window-overlap 0.06", "--window-overlap 0.06: must be smaller than --window-width 0.05"),
        ("--pretend 2", "--pretend 2: the data set has 2 recordings; choose 0 to 1"),
        ("--plot p.png", "--plot shows what --pretend does"),
        ("--channels middle", "'middle' found, expected one of MEAN, LEFT, RIGHT, DIFF"),
        ("--parser nobody", "there is no parser 'nobody'"),
    ],
)
def test_options_that_do_not_fit(refused, basedir, options, text):
    assert text in refused(preprocess(basedir, options))


def test_an_instance_index_out_of_range(refused, spectrograms):
    error = refused(f"inspect netcdf --input {spectrograms} --instance 24")
    assert error == "instance 24 is out of range: the data set has instances 0 to 23\n"


def test_a_picture_of_an_unknown_format(refused, basedir, tmp_path):
    assert "no picture format" in refused(preprocess(basedir, f"--pretend 0 --plot {tmp_path}/out/p.xyz"))


@pytest.fixture
def unlabelled(tmp_path) -> Path:
    data_set = empty(4, [("generated", 3)], 2)
    data_set.filenames[:] = ["a", "b", "c", "d"]
    data_set.cv_folds[:] = [[0, 1], [1, 0], [0, 1], [1, 0]]
    data_set.data["features"][:] = 0
    data_set.save(tmp_path / "unlabelled.nc")
    return tmp_path / "unlabelled.nc"


@pytest.mark.parametrize("learner", ["svm evaluate --complexity 1", "mlp evaluate"])
def test_evaluation_of_unsuitable_data(refused, unlabelled, spectrograms, golden, learner):
    error = refused(f"{learner} --input {unlabelled} --cross-validate")
    assert error == "2 of 2 instances to train on have no label; labels are needed here\n"
    partitioned = golden / "old_features_partitioned.nc"
    assert "has no cross-validation folds" in refused(f"{learner} --input {partitioned} --cross-validate")
    folds = golden / "old_features_cv.nc"
    both = "--train-partitions TRAIN --eval-partitions TEST"
    assert "has no partitions" in refused(f"{learner} --input {folds} {both}")
    assert "one vector per instance is needed" in refused(f"-q {learner} --input {spectrograms} --cross-validate")


@pytest.mark.parametrize(
    "options",
    ["", "--train-partitions TRAIN", "--eval-partitions TEST", "--cross-validate --train-partitions TRAIN"],
)
def test_evaluation_that_is_not_clear(refused, golden, options):
    assert "give --folds N, or --cross-validate, or --train-partitions and --eval-partitions" in refused(
        f"mlp evaluate --input {golden}/old_features_cv.nc {options}"
    )


def test_a_model_of_another_shape(refused, run_directory, golden, tmp_path):
    error = refused(
        f"t-rae generate --model-dir {run_directory}/logs --input {golden}/old_spectrograms_cv.nc"
        f" --output {tmp_path}/out/f.nc"
    )
    assert "shape 59 x 16" in error and "was trained on 19 x 12" in error and "audeep preprocess" in error


@pytest.mark.parametrize(
    "options, text",
    [
        ("--steps 4", "has no checkpoint of step 4; there are checkpoints of steps 3, 6"),
        ("--steps 3 6", "1 outputs for 2 training steps"),
    ],
)
def test_generation_from_steps_that_are_not_there(refused, run_directory, spectrograms, tmp_path, options, text):
    command = f"t-rae generate --model-dir {run_directory}/logs --input {spectrograms} --output {tmp_path}/out/f.nc"
    assert text in refused(f"{command} {options}")


def test_generation_without_a_model(refused, spectrograms, tmp_path):
    command = f"t-rae generate --model-dir {tmp_path}/nowhere --input {spectrograms} --output {tmp_path}/out/f.nc"
    assert "nowhere: no such directory; name the directory of a training run" in refused(command)


def test_a_run_that_is_there_or_is_not(refused, run_directory, spectrograms, tmp_path):
    fresh = f"t-rae train --input {spectrograms} --run-name"
    assert "already has a checkpoint of step 6; add --continue" in refused(f"{fresh} {run_directory}")
    assert "has no checkpoint to continue from" in refused(f"{fresh} {tmp_path}/out --continue")


def test_continuing_with_another_model(refused, run_directory, spectrograms):
    command = f"t-rae train --input {spectrograms} --run-name {run_directory} --num-units 5 --continue"
    assert "the model has num_units 16, but 5 was asked for" in refused(command)


def test_an_unknown_device(refused, spectrograms, tmp_path):
    command = f"t-rae train --input {spectrograms} --run-name {tmp_path}/out --device abacus"
    assert "device 'abacus' cannot be used here; choose one of: auto, cpu" in refused(command)


@pytest.mark.parametrize("command", ["inspect netcdf", "validate", "export --format csv --output out", "mlp evaluate"])
def test_files_that_are_no_data_set(refused, tmp_path, golden, command):
    (tmp_path / "text.nc").write_text("text")
    whole = (golden / "old_features_cv.nc").read_bytes()
    (tmp_path / "half.nc").write_bytes(whole[: len(whole) // 2])
    evaluate = "--cross-validate" if "evaluate" in command else ""
    assert "no such file" in refused(f"{command} --input {tmp_path}/nowhere.nc {evaluate}")
    for name in ("text.nc", "half.nc"):
        assert f"{name}: not a readable netCDF 4 file" in refused(f"{command} --input {tmp_path}/{name} {evaluate}")


def test_an_output_that_is_a_directory_or_below_a_file(refused, basedir, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    command = f"-q preprocess --basedir {basedir} --parser no-metadata {SPECTRA} --output"
    assert "folder: is a directory" in refused(f"{command} {tmp_path}/folder")
    assert "cannot be written" in refused(f"{command} {tmp_path}/file/s.nc")
    assert (tmp_path / "file").read_text() == "mine" and not list((tmp_path / "folder").iterdir())


def test_a_failed_command_leaves_the_old_output_as_it_was(audeep, basedir, tmp_path):
    command = f"preprocess --basedir {basedir} --parser no-metadata {SPECTRA} --output {tmp_path}/s.nc"
    audeep(command)
    before = (tmp_path / "s.nc").read_bytes()
    (basedir / "b.wav").write_text("no sound")
    assert audeep(command).status == 1
    assert (tmp_path / "s.nc").read_bytes() == before
    assert len(load(tmp_path / "s.nc")) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "s.nc", "s.nc.partial"]
