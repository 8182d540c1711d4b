# SPDX-License-Identifier: GPL-3.0-or-later
"""What MLflow and Weights & Biases are told of a training, where their packages are installed.

They are told of what is in a checkpoint alone, so that a run that is continued repeats nothing. ``tracking.json``
beside the models has their names of the run, by which it goes on there.
"""

import json
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from audeep.errors import OptionError, OutputError
from audeep.runtime.files import replacing
from audeep.runtime.modules import module_named, one_line
from audeep.runtime.options import check_options, option
from audeep.runtime.results import SETTINGS_NAME

logger = logging.getLogger(__name__)

TRACKING_NAME = "tracking.json"
EXPERIMENT = "audeep"  # of MLflow, where its own variable of the environment names none
MOST_METRICS, MOST_PARAMETERS, LONGEST_VALUE = 1000, 100, 500  # that MLflow takes in one request, and of characters
LONGEST_REASON = 200


@dataclass(frozen=True)
class Tracking:
    """Where a training is reported to, beside TensorBoard's files.

    Raises:
        OptionError: a value is not text.
    """

    mlflow: str | None = option(
        None, "report to MLflow: the address of its server, or a folder (needs audeep[mlflow])", metavar="URI"
    )
    wandb: str | None = option(
        None, "report to this project of Weights & Biases (needs audeep[wandb])", metavar="PROJECT"
    )

    def __post_init__(self) -> None:
        check_options(self)


class Measured(NamedTuple):
    """A number that belongs to a step of the optimiser, and when it was known, in seconds since 1970."""

    name: str
    value: float
    step: int
    seconds: float


class Tracker(Protocol):
    """A run of an experiment tracker. Whatever goes wrong may raise anything.

    Attributes:
        run: by which the tracker knows it.
    """

    run: str

    def send(self, points: Sequence[Measured]) -> None:
        """Report what was measured, ascending by step."""

    def keep(self, path: Path) -> None:
        """Keep a copy of a file, in place of an earlier one of its name."""

    def end(self, status: str) -> None:
        """Say how the training ended: FINISHED, KILLED or FAILED."""


class Trackers:
    """The trackers of a training; one that fails is left alone, with a warning."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.running: dict[str, Tracker] = {}
        self.points: list[Measured] = []
        self.has_settings = False

    def measure(self, name: str, value: float, step: int) -> None:
        """Take a number, to be sent with the checkpoint that it is in."""
        if self.running:
            self.points.append(Measured(name, float(value), step, time.time()))

    def send(self) -> None:
        """Report what is in a checkpoint, and the settings, which are written with the first one."""
        from audeep.models.checkpoints import steps_in  # and torch, which whoever lists options needs not

        steps = steps_in(self.logs) if self.points else []
        sent = [point for point in self.points if steps and point.step <= steps[-1]]
        if not sent:
            return
        self.points = [point for point in self.points if point.step > steps[-1]]
        for name, tracker in list(self.running.items()):
            try:
                tracker.send(sorted(sent, key=lambda point: point.step))
                if not self.has_settings:
                    tracker.keep(self.logs / SETTINGS_NAME)
            except Exception as error:  # of the packages of others, and of what they reach
                self._leave(name, error)
        self.has_settings = True

    def end(self, status: str) -> None:
        """Report the rest, and how the training ended."""
        self.send()
        for name, tracker in list(self.running.items()):
            try:
                tracker.end(status)
            except Exception as error:
                self._leave(name, error)

    def _leave(self, name: str, error: Exception) -> None:
        logger.warning("%s: %s is told nothing more, the training goes on: %s", self.logs, name, _reason(error))
        del self.running[name]


@contextmanager
def tracked(tracking: Tracking, logs: Path, settings: Mapping[str, Any], goes_on: bool) -> Iterator[Trackers]:
    """The trackers of a training whose models are in `logs`, each with a run for it.

    Args:
        settings: become the parameters of the run.
        goes_on: whether the run has begun before; then it goes on in the runs of the trackers.

    Raises:
        OptionError: a package is missing.
        OutputError: a run cannot be begun.
    """
    trackers = Trackers(logs)
    wanted = {name: target for name in _BEGIN if (target := getattr(tracking, name)) is not None}
    known = _read(logs / TRACKING_NAME) if goes_on and wanted else {}
    status = "FAILED"
    with ExitStack() as stack:
        stack.callback(lambda: trackers.end(status))
        for name, target in wanted.items():
            place, run = _without_password(target), known.get(name, {})
            trackers.running[name] = _begun(
                name, target, run.get("run") if run.get("place") == place else None, logs.parent, settings
            )
            known[name] = {"place": place, "run": trackers.running[name].run}
        if wanted:
            with replacing(logs / TRACKING_NAME) as partial:
                partial.write_text(f"{json.dumps(known, indent=1)}\n", encoding="utf-8")
        try:
            yield trackers
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise


def _begun(name: str, target: str, run: str | None, run_name: Path, settings: Mapping[str, Any]) -> Tracker:
    try:
        package = module_named(name)
    except ImportError as error:
        raise OptionError(
            f"{name}={_without_password(target)}: needs a package that cannot be imported ({error}); run: pip install"
            f" 'audeep[{name}]'"
        ) from error
    try:
        return _BEGIN[name](package, target, run, str(run_name), parameters_of(settings))
    except Exception as error:  # of the package of others, and of what it reaches
        raise OutputError(
            f"{name}={_without_password(target)}: no run can be begun there ({_reason(error)}); check that it is"
            " there, or leave it out"
        ) from error


def _read(path: Path) -> dict[str, Any]:
    """The runs of trackers by the names of these; nothing if there are none, or the file is damaged."""
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and all(isinstance(run, dict) for run in found.values()):
            return found
    return {}


def _reason(error: Exception) -> str:
    """What went wrong, without the parts of a long story that libraries of the network tell."""
    text = one_line(error)
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 3]}..."


def _without_password(target: str) -> str:
    return re.sub(r"//[^/@]*@", "//", target)


def parameters_of(settings: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """Settings as plain values; those of settings within settings are called OUTER.INNER, and None is left out."""
    found: dict[str, str | int | float | bool] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": each for inner, each in parameters_of(value).items()}
        elif value is not None:
            plain = value if isinstance(value, bool | int | float) else _text(value)
            found[name] = plain
    return found


def _text(value: Any) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


@dataclass
class _Mlflow:
    """A run of MLflow, through its client, which leaves the runs of the caller alone."""

    package: Any
    client: Any
    run: str

    @classmethod
    def begin(cls, package: Any, uri: str, run: str | None, name: str, parameters: Mapping[str, Any]) -> "_Mlflow":
        for variable, value in _PATIENCE.items():
            os.environ.setdefault(variable, value)
        client = package.MlflowClient(tracking_uri=uri)
        known: Mapping[str, str] = {}
        if run is None:
            wanted = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
            experiment = client.get_experiment_by_name(wanted)
            number = client.create_experiment(wanted) if experiment is None else experiment.experiment_id
            run = client.create_run(number, run_name=name).info.run_id
        else:
            known = client.get_run(run).data.params  # which cannot be changed
            client.update_run(run, status="RUNNING")
        new = [package.entities.Param(key, str(each)) for key, each in parameters.items() if key not in known]
        for start in range(0, len(new), MOST_PARAMETERS):
            client.log_batch(run, params=new[start : start + MOST_PARAMETERS])
        return cls(package, client, str(run))

    def send(self, points: Sequence[Measured]) -> None:
        metric = self.package.entities.Metric
        metrics = [metric(name, value, round(seconds * 1000), step) for name, value, step, seconds in points]
        for start in range(0, len(metrics), MOST_METRICS):
            self.client.log_batch(self.run, metrics=metrics[start : start + MOST_METRICS])

    def keep(self, path: Path) -> None:
        self.client.log_artifact(self.run, str(path))

    def end(self, status: str) -> None:
        self.client.set_terminated(self.run, status)


_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # a few seconds, rather than minutes in which no step is trained
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ALLOW_FILE_STORE": "true",  # whoever names a folder wants one
}


@dataclass
class _Wandb:
    """A run of Weights & Biases."""

    open_run: Any
    run: str = field(init=False)

    def __post_init__(self) -> None:
        self.run = str(self.open_run.id)

    @classmethod
    def begin(cls, package: Any, project: str, run: str | None, name: str, parameters: Mapping[str, Any]) -> "_Wandb":
        open_run = package.init(
            project=project,
            name=name,
            id=run,
            resume="allow",
            config=dict(parameters),
            allow_val_change=True,
            reinit="create_new",  # a run that the caller has open is left alone
            settings=package.Settings(silent=True, console="off"),
        )
        logger.info(
            "wandb: run %s of %s in %s", open_run.id, project, open_run.dir if open_run.offline else open_run.url
        )
        return cls(open_run)

    def send(self, points: Sequence[Measured]) -> None:
        for step, found in groupby(points, key=lambda point: point.step):
            self.open_run.log({point.name: point.value for point in found}, step=step)

    def keep(self, path: Path) -> None:
        shutil.copy(path, self.open_run.dir)  # all of which is uploaded

    def end(self, status: str) -> None:
        self.open_run.finish(exit_code=0 if status == "FINISHED" else 1)


_BEGIN: Mapping[str, Callable[..., Tracker]] = {"mlflow": _Mlflow.begin, "wandb": _Wandb.begin}
