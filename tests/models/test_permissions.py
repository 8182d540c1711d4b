# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of other people: models are files like any other, and one that may not be read is not called damaged."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from audeep.errors import ModelError
from audeep.models.checkpoints import load_model
from audeep.models.curve import read_curve
from audeep.runtime.results import read_settings
from audeep.training.options import TrainingOptions
from audeep.training.trainer import train

NOBODY = 65534


@pytest.fixture
def logs(make_spectrograms):
    """A run in a folder that everybody may read."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    train([make_spectrograms(4)], "t-rae", folder / "run", {"num_units": 3}, TrainingOptions(num_epochs=1))
    yield folder / "run/logs"
    shutil.rmtree(folder)


def test_models_have_the_permissions_of_other_files(logs):
    modes = {path.name: path.stat().st_mode & 0o777 for path in logs.iterdir()}
    assert modes["model-1.safetensors"] == modes["model-1.optimiser.safetensors"] == modes["settings.json"]


def test_models_below_a_folder_whose_name_is_not_text_are_read(logs):
    folder = logs.parent / os.fsdecode(b"caf\xe9")
    shutil.copytree(logs, folder)
    expected, found = load_model(logs)[0].state_dict(), load_model(folder)[0].state_dict()
    assert all((found[name] == tensor).all() for name, tensor in expected.items())
    (folder / "model-1.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ModelError, match=r"caf\\udce9/model-1.safetensors: cannot be read \(.*; it is damaged or not"):
        load_model(folder)


@pytest.mark.parametrize(
    "name, read",
    [
        ("model-1.safetensors", load_model),
        ("", load_model),
        ("learning-curve.csv", lambda logs: read_curve(logs, 1)),
        ("settings.json", lambda logs: read_settings(logs / "settings.json")),
    ],
)
def test_what_may_not_be_read_is_not_called_damaged(logs, name, read):
    (logs / name).chmod(0)
    before = os.geteuid()
    try:
        if before == 0:
            os.seteuid(NOBODY)
        with pytest.raises(ModelError) as caught:
            read(logs)
    finally:
        os.seteuid(before)
        (logs / name).chmod(0o755)
    assert "cannot be read: Permission denied" in str(caught.value) and "damaged" not in str(caught.value)
