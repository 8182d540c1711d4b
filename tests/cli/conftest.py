# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the application in the process of the tests."""

import shlex
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from audeep.cli.app import main
from tests.conftest import reset_logging

SPECTRA = "--window-width 0.05 --window-overlap 0.025 --mel-spectrum 12"


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


@pytest.fixture
def audeep(capsys: pytest.CaptureFixture) -> Callable[..., Result]:
    """Runs a command line, given as one text without the word audeep."""

    def run(command: str) -> Result:
        capsys.readouterr()
        with warnings.catch_warnings():
            try:
                status = main(shlex.split(command))
            except SystemExit as stop:
                status = stop.code or 0
        reset_logging()
        return Result(status, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def spectrograms(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Spectrograms of `recordings`: 24 instances of 19 x 12 in 3 folds."""
    path = tmp_path_factory.mktemp("spectrograms") / "tones.nc"
    assert main(shlex.split(f"-q preprocess --basedir {recordings} {SPECTRA} --output {path} --jobs 1")) == 0
    return path


@pytest.fixture(scope="session")
def run_directory(spectrograms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training run of two epochs on `spectrograms`, 3 steps each."""
    path = tmp_path_factory.mktemp("run") / "t-rae"
    command = f"-q t-rae train --input {spectrograms} --run-name {path} --num-epochs 2 --batch-size 8"
    assert main(shlex.split(command)) == 0
    return path


@pytest.fixture(scope="session")
def inputs(recordings, spectrograms, run_directory, tmp_path_factory) -> dict[str, Path]:
    """What the commands read."""
    folder = tmp_path_factory.mktemp("inputs")
    chunks = f"{SPECTRA} --chunk-length 0.2 --chunk-count 2 --jobs 1"
    for command in (
        f"preprocess --basedir {recordings} {chunks} --output {folder}/chunked.nc",
        f"t-rae generate --model-dir {run_directory}/logs --input {spectrograms} --output {folder}/features.nc",
        f"export --input {folder}/features.nc --format csv --name tones --output {folder}/csv",
    ):
        assert main(shlex.split(f"-q {command}")) == 0
    names = {"chunked": folder / "chunked.nc", "features": folder / "features.nc", "csv": folder / "csv"}
    return {"recordings": recordings, "spectrograms": spectrograms, "run": run_directory, **names}
