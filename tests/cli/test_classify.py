# SPDX-License-Identifier: GPL-3.0-or-later
"""svm fit, mlp fit and classify, and classifiers given to tag."""

import io
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audeep import load
from audeep.cli.app import main
from tests.cli.conftest import SPECTRA
from tests.conftest import with_header

MLP = "--num-epochs 60 --num-units 10 --device cpu"


@pytest.fixture(scope="module")
def classifiers(inputs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """svm.safetensors and mlp.safetensors of the features of the run."""
    folder = tmp_path_factory.mktemp("classifiers")
    options = f"--input {inputs['features']} --model-dir {inputs['run']}/logs"
    for command in (
        f"svm fit {options} --complexity 0.1 1 --output {folder}/svm.safetensors",
        f"mlp fit {options} {MLP} --output {folder}/mlp.safetensors",
    ):
        assert main(["-q", *shlex.split(command)]) == 0
    return folder


@pytest.mark.parametrize(("name", "options"), [("svm", "--complexity 0.1 1"), ("mlp", MLP)])
def test_a_classifier_gives_the_labels_that_predict_does_and_scores_that_can_be_scored(
    audeep, inputs, classifiers, tmp_path, name, options
):
    features = inputs["features"]
    predict = f"{name} predict --train-input {features} --eval-input {features} {options} --output {tmp_path}/a.tsv"
    assert audeep(predict).status == 0
    classify = f"classify --input {features} --classifier {classifiers}/{name}.safetensors"
    assert audeep(f"{classify} --output {tmp_path}/b.tsv").status == 0
    assert (tmp_path / "a.tsv").read_text() == (tmp_path / "b.tsv").read_text()
    assert audeep(f"{classify} --output {tmp_path}/b.nc").status == 0
    assert "accuracy" in audeep(f"score --input {tmp_path}/b.nc").out


@pytest.mark.parametrize("name", ["svm", "mlp"])
def test_tag_gives_recordings_the_scores_that_generate_and_classify_do(
    audeep, inputs, classifiers, recordings, tmp_path, name
):
    classifier = f"--classifier {classifiers}/{name}.safetensors"
    assert audeep(f"classify --input {inputs['features']} {classifier} --output {tmp_path}/x.nc").status == 0
    expected = load(tmp_path / "x.nc")
    files = [str(recordings / path) for path in expected.filenames[[2, 13]]]
    result = audeep(f"-q tag {' '.join(files)} --model-dir {inputs['run']}/logs {classifier}")
    assert result.status == 0
    found = pd.read_csv(io.StringIO(result.out))
    assert found.columns.tolist() == ["filename", "chunk_nr", *expected.label_names]
    np.testing.assert_allclose(found.iloc[:, 2:], expected.features[[2, 13]], rtol=1e-3, atol=1e-5)
    both = f"--model-dir {inputs['run']}/logs {inputs['run']}/logs"
    two = f"{both} --classifier {classifiers}/svm.safetensors {classifiers}/mlp.safetensors"
    assert audeep(f"-q tag {recordings} {two} --method geometric --output {tmp_path}/y.nc").status == 0
    assert len(load(tmp_path / "y.nc")) == 24


def test_a_classifier_of_other_features_is_refused(audeep, inputs, classifiers, recordings, tmp_path):
    logs, file = inputs["run"] / "logs", recordings / "fold_1" / "low" / "0.wav"

    def refused(directory: Path, more: str = f"--classifier {classifiers}/svm.safetensors") -> str:
        result = audeep(f"-q tag {file} --model-dir {directory} {more} --output {tmp_path}/x.csv")
        assert result.status == 1 and result.err.count("\n") == 1 and not (tmp_path / "x.csv").exists()
        return result.err

    other = with_header(
        logs, tmp_path / "other", lambda facts: {**facts, "preprocessing": {"front_end": "log-mel", "num_bands": 12}}
    )
    assert "other: was trained on front_end log-mel rather than mel, as the classifier in" in refused(other)
    same = with_header(logs, tmp_path / "same", lambda facts: {**facts, "progress": {**facts["progress"], "seed": 9}})
    assert "same: has another model at step 6 than the classifier in" in refused(same)
    small = f"-q t-rae train --input {inputs['spectrograms']} --num-epochs 1 --num-units 4"
    assert audeep(f"{small} --run-name {tmp_path}/small").status == 0
    assert "small/logs: gives 4 features, the classifier in" in refused(tmp_path / "small" / "logs")
    assert "is not a model that learns from labels" in refused(logs, "")
    two = f"--classifier {classifiers}/svm.safetensors {classifiers}/svm.safetensors"
    assert "2 classifiers for 1 models; give one for each, in the same order" in refused(logs, two)
    assert "--pooled: is for models with classifiers; leave it out" in refused(logs, "--pooled")
    copy = shutil.copy(classifiers / "svm.safetensors", tmp_path / "c.nc")
    result = audeep(f"-q tag {file} --model-dir {logs} --classifier {copy} --output {copy}")
    assert result.status == 1 and "c.nc: is an input and an output of this command" in result.err


def test_fit_takes_partitions_and_refuses_a_step_without_a_model(audeep, recordings, tmp_path):
    command = f"-q svm fit --input {tmp_path}/x.nc --complexity 1 --output {tmp_path}/c.safetensors"
    result = audeep(f"{command} --step 3")
    assert result.status == 1 and "--step: is of a model; name it with --model-dir" in result.err
    preprocess = f"-q preprocess --basedir {recordings} {SPECTRA} --output {tmp_path}/x.nc --jobs 1"
    assert audeep(preprocess).status == 0
    result = audeep(command)
    assert result.status == 1 and "one vector per instance is needed" in result.err
    assert audeep(f"{command} --partitions TRAIN").status == 1
