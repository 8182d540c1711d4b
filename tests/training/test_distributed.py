# SPDX-License-Identifier: GPL-3.0-or-later
"""Training by several processes, against training by one."""

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from audeep.errors import OptionError
from audeep.models.base import Batch
from audeep.models.curve import read_curve
from audeep.models.layers.processes import gathered, summed
from audeep.training.distributed import ALONE, Processes, joined
from tests.support.spectrograms import sweeps
from tests.support.trainings import CONTRASTIVE, TRAININGS, finish, start, start_by_torchrun
from tests.support.warm import Warm

EXACT = ["t-rae", "f-rae", "ft-rae", "masked-frames", "conv1d"]  # no batch normalisation, which magnifies rounding


def losses(directory: Path) -> np.ndarray:
    """[epoch, loss and validation loss] of a run."""
    curve = read_curve(directory / "logs", 10**6)
    return np.array([[point.loss, point.validation_loss] for point in curve])


def bytes_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((directory / "logs").glob("*.safetensors"))}


@pytest.fixture(scope="module")
def runs(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """All kinds trained by two processes, and by this one."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    processes = start(warm, "tests.support.trainings", two)
    for name, training in TRAININGS.items():
        training.run(one / name)
    for status, _, errors in finish(processes):
        assert not status, errors
    return one, two


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TRAININGS if name not in ("random", *CONTRASTIVE)])
def test_the_learning_curve_is_that_of_one_process(runs: tuple[Path, Path], name: str) -> None:
    one, two = (losses(directory / name) for directory in runs)
    np.testing.assert_allclose(two, one, rtol=1e-6 if name in EXACT else 3e-3)


@pytest.mark.slow
def test_with_random_numbers_it_is_like_that_of_one_process(runs: tuple[Path, Path]) -> None:
    one, two = (losses(directory / "random") for directory in runs)
    np.testing.assert_allclose(two, one, rtol=0.1)
    assert not np.array_equal(one, two)


@pytest.mark.slow
def test_one_process_writes_what_one_alone_writes(runs: tuple[Path, Path]) -> None:
    one, two = ([path.name for path in sorted((each / "t-rae" / "logs").iterdir())] for each in runs)
    assert [name.partition(".out.")[0] for name in two] == [name.partition(".out.")[0] for name in one]
    settings = [json.loads((each / "t-rae" / "logs" / "settings.json").read_text()) for each in runs]
    assert "processes" not in str(settings[0]) and "'processes': 2" in str(settings[1])


@pytest.mark.slow
def test_the_same_number_of_processes_gives_the_same_bytes(runs: tuple[Path, Path], warm: Warm, tmp_path: Path) -> None:
    names = ("random", "mobilenet-v1")
    for status, _, errors in finish(start(warm, "tests.support.trainings", tmp_path, *names)):
        assert not status, errors
    for name in names:
        assert bytes_of(tmp_path / name) == bytes_of(runs[1] / name)


@pytest.mark.slow
def test_loss_gradients_and_statistics_are_those_of_the_whole_batch(warm: Warm) -> None:
    (status, output, errors), _ = finish(start(warm, "tests.support.shared_gradients"))
    assert not status, errors
    differences = dict(line.split() for line in output.splitlines())
    assert set(differences) == set(TRAININGS) - {"random"}
    assert {name: value for name, value in differences.items() if float(value) > 1e-8} == {}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_ends_ends_all_and_the_last_checkpoint_goes_on(
    warm: Warm, tmp_path: Path, number: signal.Signals
) -> None:
    data, killed, whole = tmp_path / "data.nc", tmp_path / "killed", tmp_path / "whole"
    sweeps(60, 12, 8).save(data)
    options = "--num-units 8 --batch-size 8 --device cpu --feed-previous-prob 0.5 --input".split()
    command = ["audeep", "t-rae", "train", *options, data, "--num-epochs"]
    launcher = start_by_torchrun(*command, 5000, "--run-name", killed)
    os.kill(worker_of(launcher.pid, 1, killed), number)
    ((status, _, errors),) = finish([launcher])
    assert status
    steps = [int(path.stem.partition("-")[2]) for path in (killed / "logs").glob("model-*[0-9].safetensors")]
    told = [line for line in errors.splitlines() if line.startswith(str(killed))]
    if number == signal.SIGTERM:
        expected = f"terminated at step {max(steps)}, whose model is written; go on with --continue"
    else:
        expected = f"another process of this training has ended (the model of step {max(steps)} is kept);"
        expected += " go on with --continue"
    assert told == [f"{killed}/logs: {expected}"], errors
    epochs = max(steps) // 8 + 2
    for run_name, more in ((killed, ["--continue"]), (whole, [])):
        for status, _, errors in finish(start(warm, *command, epochs, "--run-name", run_name, *more)):
            assert not status, errors
    assert bytes_of(killed)[f"model-{8 * epochs}.safetensors"] == bytes_of(whole)[f"model-{8 * epochs}.safetensors"]


def worker_of(launcher: int, rank: int, run: Path) -> int:
    """The process of a rank, once the first checkpoint is there."""
    while not list((run / "logs").glob("model-*.optimiser.safetensors")):
        time.sleep(0.05)
    return int(Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()[rank])


@pytest.mark.slow
def test_an_error_of_all_is_told_by_one(warm: Warm, tmp_path: Path) -> None:
    missing = tmp_path / "missing.nc"
    results = finish(start(warm, "audeep", "t-rae", "train", "--input", missing, "--run-name", tmp_path / "run"))
    assert [status for status, *_ in results] == [1, 1]
    told = [errors for _, _, errors in results if errors]
    assert len(told) == 1 and told[0].count("\n") == 1 and str(missing) in told[0]


def test_alone_a_batch_is_whole_and_its_loss_its_own() -> None:
    batch = Batch(torch.rand(3, 4, 2))
    with joined() as processes, processes.shared(batch) as (part, share):
        assert processes is ALONE and part is batch and share == 1
    values = torch.rand(3)
    assert summed(values) is values and gathered(values) == [values]
    assert processes.sums(1.5, 2) == (1.5, 2) and not processes.any(False) and processes.any(True)


def test_a_batch_has_an_instance_for_each_process() -> None:
    Processes(0, 5).check_batch_size(5)
    with pytest.raises(OptionError, match="batch_size=4: 5 processes share a batch; choose a larger one"):
        Processes(0, 5).check_batch_size(4)
