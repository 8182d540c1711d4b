# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole commands on data sets that hold nothing, or nothing to compute with: one line, status 1, nothing written."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audeep.data.data_set import DataSet, empty
from tests.cli.conftest import Result

COMMANDS = {
    "validate": "validate --input {input}",
    "inspect": "inspect netcdf --input {input} --instance 0",
    "export csv": "export --input {input} --format csv --output {out}",
    "export arff": "export --input {input} --format arff --output {out}",
    "fuse": "fuse --input {input} {input} --output {out}/x.nc",
    "fuse chunks": "fuse chunks --input {input} --output {out}/x.nc",
    "modify folds": "modify --input {input} --add-cv-setup 2 --output {out}/x.nc",
    "modify partitions": "modify --input {input} --add-partitioning TRAIN DEVEL --output {out}/x.nc",
    "upsample": "upsample --input {input} --output {out}/x.nc",
    "svm evaluate": "svm evaluate --input {input} --cross-validate --complexity 1",
    "mlp evaluate": "mlp evaluate --input {input} --cross-validate --num-epochs 1",
    "svm predict": "svm predict --train-input {input} --eval-input {input} --complexity 1 --output {out}/x.tsv",
    "visualize classes": "visualize classes --input {input} --plot {out}/x.png",
    "visualize lengths": "visualize lengths --input {input} --plot {out}/x.png",
    "visualize pca": "visualize pca --input {input} --plot {out}/x.png",
    "visualize tsne": "visualize tsne --input {input} --plot {out}/x.png",
    "t-rae train": "t-rae train --input {input} --run-name {out} --num-epochs 1",
    "f-rae train": "f-rae train --input {input} --run-name {out} --num-epochs 1 --freq-window-width 1"
    " --freq-window-overlap 0",
    "t-rae generate": "t-rae generate --input {input} --model-dir {run}/logs --output {out}/x.nc",
}


def features(count: int, *shape: int, value: float = 0.0) -> DataSet:
    """Instances of two classes in two folds, with features that are all the same."""
    names = [f"generated_{axis}" for axis in range(len(shape))] if len(shape) > 1 else ["generated"]
    data_set = empty(count, list(zip(names, shape, strict=True)), 2, {"cat": 0, "dog": 1})
    for index, instance in enumerate(data_set):
        instance.filename, instance.label_nominal = f"{index}.wav", ("cat", "dog")[index % 2]
        instance.label_numeric, instance.cv_folds = index % 2, [index // 2 % 2, 1 - index // 2 % 2]
    data_set.data["features"][:] = value
    return data_set


INPUTS = {
    "no instances": lambda: features(0, 3),
    "no spectrograms": lambda: features(0, 19, 12),
    "no features": lambda: features(8, 0),
    "no frames": lambda: features(8, 0, 12),
    "no numbers": lambda: features(8, 3, value=np.nan),
    "infinite numbers": lambda: features(8, 3, value=np.inf),
    "spectrograms of no numbers": lambda: features(8, 19, 12, value=np.nan),
    "one instance": lambda: features(1, 3),
}


SAID = [
    "features have axes ['generated'], spectrograms [time, freq] are needed",
    "features have shape 0 x 12, frames and bands are needed; preprocess again",
    "was trained on 19 x 12; run 'audeep preprocess' as for training",
    "are NaN or infinite; complete them",
    "features have no axis 'generated'; choose one of generated_0, generated_1",
    "in.nc: its features have no time axis; give a data set of spectrograms",
    "there is no instance to draw; check the input with 'audeep inspect netcdf'",
    "there is no instance to predict a label for; check the input and the partitions",
    "there is no instance to train on; check the folds or partitions with 'audeep inspect netcdf'",
    "there is no instance to predict; check the folds or partitions with 'audeep inspect netcdf'",
    "there are no instances to train on; check the input with 'audeep inspect netcdf'",
    "there is no instance to fuse; check the input with 'audeep inspect netcdf'",
    "some features are NaN or infinite; generate or import them again",
    "some features are NaN or infinite; preprocess the recordings again",
    "recordings cannot be spread over 2",
    "instance 0 is out of range: the data set has instances 0 to -1",
    "one vector per instance is needed; generate features with 'audeep t-rae generate' first",
    "all 1 training instances have label 0; two classes are needed",
]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("make", INPUTS.values(), ids=INPUTS)
def test_odd_data_give_a_result_or_one_line(
    audeep: Callable[..., Result], run_directory: Path, tmp_path: Path, make: Callable[[], DataSet], command: str
) -> None:
    make().save(tmp_path / "in.nc")
    result = audeep(command.format(input=tmp_path / "in.nc", out=tmp_path / "out", run=run_directory))
    if result.status:
        assert result.status == 1 and result.err.count("\n") == 1, result.err
        assert any(said in result.err for said in SAID), result.err
        assert not (tmp_path / "out").exists()
    assert "Traceback" not in result.err and "Warning" not in result.err
