# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for all tests."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audeep.runtime.compiled import warn_of_missing_parts
from tests.support.clusters import cluster_address  # noqa: F401  (a fixture)
from tests.support.spectrograms import make_label_sets, make_spectrograms, toy_tagger  # noqa: F401  (fixtures)
from tests.support.warm import warm  # noqa: F401  (a fixture)

LONGEST = ("tests/test_samples.py", "tests/test_docs.py", "tests/training/test_distributed.py")  # minutes in all


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left with it at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def reset_logging() -> None:
    """Undo what running the application does to the logging of this process."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if type(handler) in (logging.StreamHandler, logging.FileHandler):  # those of pytest are subclasses
            root.removeHandler(handler)
            handler.close()
    levels = {"root": logging.WARNING, "audeep": logging.NOTSET, "audeep.runtime.progress": logging.NOTSET}
    for name, level in levels.items():
        logger = logging.getLogger(name)
        if logger.level != level:  # setting one takes long: all loggers forget theirs
            logger.setLevel(level)
    logging.captureWarnings(False)


@pytest.fixture(autouse=True, scope="session")
def no_warning_of_missing_parts() -> None:
    """What is said once in a process, where audeep was installed without a compiler, has been said."""
    warn_of_missing_parts()


@pytest.fixture(autouse=True)
def fresh_logging() -> Iterator[None]:
    """No test sees the logging of another."""
    reset_logging()
    yield
    reset_logging()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Reference numbers and real recordings, in $AUDEEP_SHARED or in `shared` beside the checkout."""
    path = Path(os.environ.get("AUDEEP_SHARED", Path(__file__).parents[2] / "shared"))
    if not path.is_dir():
        pytest.skip(f"{path} is not there; set AUDEEP_SHARED to the folder with reference/ and data/")
    return path


@pytest.fixture(scope="session")
def golden(shared: Path) -> Path:
    """Numbers and files made by auDeep 0.9."""
    return shared / "reference" / "golden"


@pytest.fixture(scope="session")
def esc10(shared: Path) -> Path:
    """The real ESC-10: 400 recordings, 10 classes, 5 folds."""
    return shared / "data" / "ESC-10"


def with_header(logs: Path, target: Path, changed: Callable[[dict], dict]) -> Path:
    """The newest model in `logs` with its header changed, alone in `target`."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    file = max(path for path in logs.glob("model-*.safetensors") if "optimiser" not in path.name)
    with safe_open(file, framework="pt") as opened:
        header = json.loads(opened.metadata()["audeep"])
    target.mkdir(exist_ok=True)
    save_file(load_file(file), target / file.name, {"audeep": json.dumps(changed(header))})
    return target


def write_tone(path: Path, frequency: float, seconds: float = 0.5, sample_rate: int = 8000) -> None:
    """A tone in faint noise."""
    times = np.arange(int(seconds * sample_rate)) / sample_rate
    noise = np.random.default_rng(int(frequency)).standard_normal(len(times))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * frequency * times) + 0.01 * noise, sample_rate)


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Low and high tones, four of each in each of three folds: fold_<1..3>/<high|low>/<0..3>.wav."""
    basedir = tmp_path_factory.mktemp("recordings")
    for fold in range(3):
        for number in range(4):
            write_tone(basedir / f"fold_{fold + 1}" / "low" / f"{number}.wav", 300 + 40 * number + 10 * fold)
            write_tone(basedir / f"fold_{fold + 1}" / "high" / f"{number}.wav", 2000 + 90 * number + 20 * fold)
    return basedir
