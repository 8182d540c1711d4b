# SPDX-License-Identifier: GPL-3.0-or-later
"""No command writes over what it reads, nor twice to one place."""

import argparse
import os
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

from audeep.data.manifest import MANIFEST
from audeep.errors import OutputError

INPUTS = (  # options that name files to read,
    *("input", "train_input", "eval_input", "fit_input", "labels", "groups", "baseline", "files", "start_from"),
    "compare",
    *("submission", "truth", "expected", "classifiers", "weights"),
)
FOLDERS = ("basedir",)  # folders of which all files may be read,
RUNS = ("model_dir", "run_dir", "run_name")  # training runs or their folders of models,
OUTPUTS = ("output", "plot", "json", "confusion", "per_class")  # and files to write
RUN_FILES = ("model-*.safetensors", "settings.json", "learning-curve.csv", "events.out.tfevents.*")
WRITTEN_SUFFIXES = (
    ".png",
    ".pdf",
    ".svg",
    ".log",
    ".html",
    ".json",
    ".bad.txt",
    ".partial",
)  # never those of recordings or tables
DATA_SET_START = b"\x89HDF\r\n\x1a\n"


def named_inputs(parsed_args: argparse.Namespace) -> Iterator[Path]:
    """Files, and directories of which any file may be read, that the common options name."""
    for path in _paths(parsed_args, INPUTS):
        yield path
        if (path / MANIFEST).exists():
            yield from path.iterdir()
    yield from _paths(parsed_args, FOLDERS)
    for run in _paths(parsed_args, RUNS):
        for folder in (run, run / "logs"):
            yield from (path for pattern in RUN_FILES for path in folder.glob(pattern))
    module, _, _ = str(getattr(parsed_args, "parser", "")).rpartition(":")
    if module.endswith(".py"):
        yield Path(module)


def named_outputs(parsed_args: argparse.Namespace) -> Iterator[Path]:
    """Files that the common options name."""
    yield from _paths(parsed_args, OUTPUTS)


def _paths(parsed_args: argparse.Namespace, names: Iterable[str]) -> Iterator[Path]:
    for value in (getattr(parsed_args, name, None) for name in names):
        yield from (Path(path) for path in (value if isinstance(value, list) else [value]) if path is not None)


def check_outputs(inputs: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Check that no output is one of the inputs, or another output.

    Args:
        inputs: files; of a directory, what may be read are all files below it but those that audeep writes there.

    Raises:
        OutputError: one is.
    """
    inputs, outputs = list(inputs), list(outputs)
    for one, other in combinations(outputs, 2):
        if _is_same(one, other):
            raise OutputError(f"{other}: is written twice by this command; choose another name for one of the outputs")
    for output in outputs:
        if any(_is_read(output, path) for path in inputs):
            raise OutputError(f"{output}: is an input and an output of this command; choose another name to write to")


def _is_read(output: Path, path: Path) -> bool:
    if not path.is_dir() or output.is_dir():
        return _is_same(output, path) and not output.is_dir()
    if not output.is_file() or output.name.lower().endswith(WRITTEN_SUFFIXES) or _is_data_set(output):
        return False
    return any(output.samefile(file) for file in _files_below(path) if file.is_file())


def _is_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one regular file, or would."""
    try:
        if one.exists() and other.exists():
            return one.is_file() and one.samefile(other)
        return os.path.realpath(one) == os.path.realpath(other)
    except OSError:  # names that are too long, folders without permission: other checks say what is wrong
        return False


def _is_data_set(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(DATA_SET_START)) == DATA_SET_START
    except OSError:
        return False


def _files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder and the folders that links in it lead to, each folder once."""
    seen = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        found = os.stat(place)
        if (found.st_dev, found.st_ino) in seen:
            folders.clear()
            continue
        seen.add((found.st_dev, found.st_ino))
        yield from (Path(place, name) for name in files)
