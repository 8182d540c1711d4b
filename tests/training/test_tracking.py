# SPDX-License-Identifier: GPL-3.0-or-later
"""What experiment trackers are told: a folder of MLflow, offline runs of Weights & Biases; servers that fail."""

import json
import logging
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from audeep.cli.app import main
from audeep.errors import AudeepError, OptionError, OutputError
from audeep.models.curve import Point, read_curve
from audeep.training.options import TrainingOptions
from audeep.training.tracking import Tracking
from audeep.training.trainer import train
from tests.support.trackers import MlflowStandIn
from tests.support.training import after_step, interrupt, terminate

ROOT = Path(__file__).parents[2]


def run(directory: Path, data_set: Any, tracking: Tracking | None, resume: bool = False, **options: Any) -> list[Point]:
    """Train with 4 instances per step, 3 steps an epoch, for 2 epochs; gives the learning curve."""
    options = {"batch_size": 4, "num_epochs": 2, "device": "cpu", **options}
    train(
        [data_set],
        "t-rae",
        directory,
        {"num_units": 3},
        TrainingOptions(**options),
        resume=resume,
        tracking=tracking,
    )
    return read_curve(directory / "logs", 10**6)


@pytest.fixture
def mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of MLflow with a folder as its store."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    package = pytest.importorskip("mlflow", reason="the extra 'mlflow' is not installed")
    return package.MlflowClient(tracking_uri=str(tmp_path / "store"))


def only_run(client: Any) -> Any:
    experiment = client.get_experiment_by_name("audeep")
    (found,) = client.search_runs([experiment.experiment_id])
    return found


def history(client: Any, name: str) -> list[tuple[int, float]]:
    found = client.get_metric_history(only_run(client).info.run_id, name)
    return sorted((metric.step, metric.value) for metric in found)


@pytest.mark.slow
def test_mlflow_has_options_losses_and_settings(tmp_path, make_spectrograms, mlflow):
    curve = run(tmp_path / "run", make_spectrograms(10), Tracking(mlflow=str(tmp_path / "store")))
    found = only_run(mlflow)
    assert found.info.status == "FINISHED" and found.info.run_name == str(tmp_path / "run")
    expected = {"batch_size": "4", "num_units": "3", "learning_rate": "0.001", "keep_best": "False", "cell": "GRU"}
    assert expected.items() <= found.data.params.items()
    assert "patience" not in found.data.params  # None
    assert history(mlflow, "loss/epoch") == [(point.step, pytest.approx(point.loss)) for point in curve]
    assert history(mlflow, "loss/best") == [
        (3, pytest.approx(curve[0].loss)),
        (6, pytest.approx(min(point.loss for point in curve))),
    ]
    assert [step for step, _ in history(mlflow, "loss/step")] == [1, 2, 3, 4, 5, 6]
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    settings = Path(mlflow.download_artifacts(found.info.run_id, "settings.json", str(artifact)))
    assert settings.read_bytes() == (tmp_path / "run" / "logs" / "settings.json").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    "act, error, step, status", [(terminate, AudeepError, 4, "FAILED"), (interrupt, KeyboardInterrupt, 5, "KILLED")]
)
def test_a_continued_run_goes_on_in_its_run_of_mlflow_and_repeats_nothing(
    tmp_path, make_spectrograms, mlflow, act, error, step, status
):
    tracking, data_set = Tracking(mlflow=str(tmp_path / "store")), make_spectrograms(10)
    with after_step(step, act), pytest.raises(error):
        run(tmp_path / "run", data_set, tracking)
    assert only_run(mlflow).info.status == status
    kept = 3 if act is interrupt else 4  # what raises in the middle of a step leaves that of the epoch before
    assert [number for number, _ in history(mlflow, "loss/step")] == list(range(1, kept + 1))
    curve = run(tmp_path / "run", data_set, tracking, resume=True, num_epochs=3)
    found = only_run(mlflow)
    assert found.info.status == "FINISHED" and found.data.params["num_epochs"] == "2"  # as at first
    assert [number for number, _ in history(mlflow, "loss/step")] == list(range(1, 10))
    assert history(mlflow, "loss/epoch") == [(point.step, pytest.approx(point.loss)) for point in curve]


@pytest.mark.slow
def test_another_store_has_a_run_of_its_own(tmp_path, make_spectrograms, mlflow):
    run(tmp_path / "run", make_spectrograms(10), Tracking(mlflow=str(tmp_path / "other")))
    run(tmp_path / "run", make_spectrograms(10), Tracking(mlflow=str(tmp_path / "store")), resume=True, num_epochs=3)
    assert [step for step, _ in history(mlflow, "loss/step")] == [7, 8, 9]


@pytest.mark.slow
def test_a_command_reports_what_it_trains(tmp_path, make_spectrograms, mlflow, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_spectrograms(10).save(Path("a.nc"))
    options = ["--num-units", "3", "--num-epochs", "1", "--mlflow", "store", "--run-name", "run"]
    assert main(["t-rae", "train", "--input", "a.nc", *options]) == 0
    known = {"mlflow": {"place": "store", "run": only_run(mlflow).info.run_id}}
    assert only_run(mlflow).data.params["run_name"] == "run"
    assert json.loads(Path("run/logs/tracking.json").read_text()) == known


OFFLINE = """\
import sys
from pathlib import Path
from tests.support.spectrograms import sweeps
from tests.training.test_tracking import run
from audeep.training.tracking import Tracking
run(Path(sys.argv[1]), sweeps(10, 9, 4), Tracking(wandb="sounds"))
run(Path(sys.argv[1]), sweeps(10, 9, 4), Tracking(wandb="sounds"), resume=True, num_epochs=3)
"""


def records_of(path: Path) -> Iterator[bytes]:
    """The records of a file of Weights & Biases: a head of 7 bytes, then a log as LevelDB writes them."""
    content, record, position = path.read_bytes(), b"", 7
    while position + 7 <= len(content):
        if 32768 - position % 32768 < 7:  # padding
            position += 32768 - position % 32768
            continue
        _, length, kind = struct.unpack("<IHB", content[position : position + 7])
        record += content[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield record
            record = b""


@pytest.mark.slow
def test_weights_and_biases_has_offline_runs(tmp_path):
    pytest.importorskip("wandb", reason="the extra 'wandb' is not installed")
    from wandb.proto import wandb_internal_pb2

    settings = {"WANDB_MODE": "offline", "WANDB_DIR": str(tmp_path), "WANDB_ERROR_REPORTING": "false"}
    command = [sys.executable, "-c", OFFLINE, str(tmp_path / "run")]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "wandb" not in done.stdout
    files = sorted(tmp_path.glob("wandb/offline-run-*/run-*.wandb"))
    logged, config, ids = dict[int, dict[str, float]](), dict[str, str](), set()
    for path in files:
        for data in records_of(path):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            for item in record.history.item:
                key = item.key or "/".join(item.nested_key)
                logged.setdefault(record.history.step.num, {})[key] = json.loads(item.value_json)
            if record.HasField("run"):
                ids.add(record.run.run_id)
                config |= {item.key: item.value_json for item in record.run.config.update}
    assert len(files) == 2 and len(ids) == 1
    settings_json = (tmp_path / "run" / "logs" / "settings.json").read_bytes()
    assert (files[-1].parent / "files" / "settings.json").read_bytes() == settings_json
    assert {step for step, found in logged.items() if "loss/step" in found} == set(range(1, 10))
    curve = read_curve(tmp_path / "run" / "logs", 9)
    assert [logged[point.step]["loss/epoch"] for point in curve] == [pytest.approx(point.loss) for point in curve]
    assert config["num_units"] == "3" and config["cell"] == '"GRU"'


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], MlflowStandIn]:
    """Installs a package that answers so many requests."""

    def make(lasts: int) -> MlflowStandIn:
        package = MlflowStandIn(lasts)
        monkeypatch.setitem(sys.modules, "mlflow", package)
        return package

    return make


def test_a_server_that_is_gone_costs_a_warning_and_no_training(tmp_path, make_spectrograms, stand_in, caplog):
    package, uri = stand_in(5), "https://somebody:secret@example.org"
    with caplog.at_level(logging.WARNING):
        curve = run(tmp_path / "run", make_spectrograms(10), Tracking(mlflow=uri))
    assert len(curve) == 2
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == (
        f"{tmp_path}/run/logs: mlflow is told nothing more, the training goes on: ConnectionError: the server is gone"
    )
    assert len(package.requests) == 6
    written = [path.read_text() for path in (tmp_path / "run" / "logs").glob("*.json")]
    assert len(written) == 2 and not any("secret" in text for text in written)


def test_a_server_that_is_not_there_is_told_before_the_first_step(tmp_path, make_spectrograms, stand_in):
    stand_in(0)
    with pytest.raises(
        OutputError,
        match=r"mlflow=https://example.org: no run can be begun there \(ConnectionError: the server is gone\); check",
    ):
        run(tmp_path / "run", make_spectrograms(10), Tracking(mlflow="https://somebody:secret@example.org"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_package_that_is_missing_is_named(tmp_path, make_spectrograms, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(OptionError, match=rf"{name}=here: needs a package .*; run: pip install 'audeep\[{name}\]'"):
        run(tmp_path / "run", make_spectrograms(10), Tracking(**{name: "here"}))
    assert not (tmp_path / "run").exists()
