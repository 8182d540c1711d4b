# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that cannot go on, or never began: one line says why, and what is there stays as it was."""

import json
import shutil
from dataclasses import asdict

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from audeep.errors import ModelError, OutputError
from audeep.models import tensors
from audeep.models.checkpoints import load_model
from audeep.training.options import TrainingOptions
from audeep.training.trainer import train
from tests.faults.commands import content
from tests.support.training import after_step, terminate

OPTIONS = TrainingOptions(batch_size=4, num_epochs=2)
LONGER = TrainingOptions(batch_size=4, num_epochs=4)
CONFIG = {"num_units": 3}


@pytest.fixture
def stopped(make_spectrograms, tmp_path):
    """Data, and a run that was left in the middle of its second epoch of 3 batches."""
    data_set = make_spectrograms(10)
    with after_step(5, terminate), pytest.raises(Exception, match="terminated"):
        train([data_set], "t-rae", tmp_path / "run", CONFIG, OPTIONS)
    return data_set, tmp_path / "run"


def with_progress(logs, **changes):
    """Change what the newest model says of how far training had come."""
    path = logs / "model-5.safetensors"
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["audeep"])
    header["progress"] |= changes
    save_file(load_file(path), path, {"audeep": json.dumps(header)})


@pytest.mark.parametrize(
    "changes",
    [
        {"batch": 3},
        {"batch": 4},
        {"batch": 10**9},
        {"batch": -1},
        {"epoch": -1},
        {"seed": -1},
        {"step": 4},
        {"step": 9},
    ],
)
def test_a_run_whose_progress_cannot_be_does_not_go_on_and_stays_as_it_is(stopped, changes):
    data_set, run = stopped
    with_progress(run / "logs", **changes)
    before = content(run)
    with pytest.raises(ModelError, match="it is damaged, restore it from a backup|expected an integer >= 0"):
        train([data_set], "t-rae", run, CONFIG, LONGER, resume=True)
    assert content(run) == before


def test_a_run_left_in_the_middle_of_an_epoch_goes_on(stopped):
    data_set, run = stopped
    train([data_set], "t-rae", run, CONFIG, LONGER, resume=True)
    model, progress = load_model(run / "logs")
    assert progress.epoch == 4 and all(torch.isfinite(weight).all() for weight in model.parameters())


@pytest.mark.parametrize("failing", ["model-3.safetensors", "model-3.optimiser.safetensors"])
def test_where_the_first_checkpoint_cannot_be_written_nothing_stays(make_spectrograms, tmp_path, monkeypatch, failing):
    write = tensors.save_file

    def full(tensors, path, metadata):
        if failing.split(".")[1] in path.name.split(".") and ("optimiser" in failing) == ("optimiser" in path.name):
            raise OSError(28, "No space left on device")
        write(tensors, path, metadata)

    monkeypatch.setattr("audeep.models.tensors.save_file", full)
    with pytest.raises(OutputError, match="No space left"):
        train([make_spectrograms(10)], "t-rae", tmp_path / "run", CONFIG, OPTIONS)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_where_a_later_checkpoint_cannot_be_written_the_run_goes_on_from_the_one_before(
    make_spectrograms, tmp_path, monkeypatch
):
    data_set, write = make_spectrograms(10), tensors.save_file

    def full(tensors, path, metadata):
        if "model-6." in path.name and "optimiser" not in path.name:
            raise OSError(28, "No space left on device")
        write(tensors, path, metadata)

    with monkeypatch.context() as patched, pytest.raises(OutputError):
        patched.setattr("audeep.models.tensors.save_file", full)
        train([data_set], "t-rae", tmp_path / "run", CONFIG, OPTIONS)
    assert not list((tmp_path / "run/logs").glob("model-6*"))
    went_on = train([data_set], "t-rae", tmp_path / "run", CONFIG, OPTIONS, resume=True)
    in_one_go = train([data_set], "t-rae", tmp_path / "other", CONFIG, OPTIONS)
    for one, other in zip(went_on.parameters(), in_one_go.parameters(), strict=True):
        assert torch.equal(one, other)
    shutil.rmtree(tmp_path / "other")
    assert asdict(load_model(tmp_path / "run/logs")[1])["epoch"] == 2
