# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of a run: who may write there, and whether a run goes on as it began."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from audeep.errors import ModelError, OptionError, OutputError
from audeep.models.base import Tagger
from audeep.models.checkpoints import Progress, steps_in
from audeep.models.curve import FILE_NAME as CURVE_NAME
from audeep.models.curve import Point
from audeep.runtime.files import created_directories, locked, remove_partials
from audeep.runtime.results import SETTINGS_NAME
from audeep.training.batches import Batches
from audeep.training.options import TrainingOptions
from audeep.training.tracking import TRACKING_NAME

AS_BEFORE = "continue with the options and data of the first run"


@contextmanager
def run_directory(logs: Path) -> Iterator[None]:
    """Create the directory of a run for this process alone; what was made is removed if there is no model at the end.

    Raises:
        OutputError: it cannot be created, or another process writes there.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(created_directories(logs))
        except OSError as error:
            raise OutputError(f"{logs}: cannot be created: {error.strerror}; choose another run_name=DIR") from error
        stack.enter_context(locked(logs))
        remove_partials(logs / "*")
        stack.enter_context(_removed_without_model(logs))
        yield


@contextmanager
def _removed_without_model(logs: Path) -> Iterator[None]:
    """Remove settings and losses that were written for the first model, where that could not be."""
    names = (SETTINGS_NAME, CURVE_NAME, TRACKING_NAME)
    paths = [path for path in map(logs.joinpath, names) if not path.exists()]
    try:
        yield
    finally:
        if not steps_in(logs):
            for path in paths:
                path.unlink(missing_ok=True)


def check_progress(reached: Progress, step: int, logs: Path) -> None:
    """Check that the model of `step` says that it is of that step.

    Raises:
        ModelError: it says something else.
    """
    if reached.step != step:
        raise ModelError(
            f"{logs}: the model of step {step} says that it is of step {reached.step}; it is damaged, restore it from a"
            " backup"
        )


def check_begun(reached: Progress, logs: Path) -> None:
    """Check that a model is more than how a network starts, which no training goes on from.

    Raises:
        ModelError: it is not.
    """
    if reached.step == 0:
        raise ModelError(f"{logs}: has an untrained network, of num_epochs=0; choose another run_name=DIR to train one")


def check_run_directory(logs: Path, resume: bool) -> None:
    """Check that a run can begin, or go on, in a directory.

    Raises:
        ModelError: there are checkpoints and `resume` is not set, or the other way round.
        OutputError: it is a file.
    """
    steps = steps_in(logs)
    if steps and not resume:
        raise ModelError(
            f"{logs}: already has a checkpoint of step {steps[-1]};"
            " add resume=True to go on from it, or choose another run_name=DIR"
        )
    if resume and not steps:
        raise ModelError(f"{logs}: has no checkpoint to continue from; leave out resume=True to start a new run")
    _check_no_file(logs)


def check_new_run(logs: Path) -> None:
    """Check that a run that cannot be continued can be made in a directory.

    Raises:
        ModelError: there is a model.
        OutputError: it is a file.
    """
    steps = steps_in(logs)
    if steps:
        raise ModelError(f"{logs}: already has a model of step {steps[-1]}; choose another run_name=DIR")
    _check_no_file(logs)


def _check_no_file(logs: Path) -> None:
    in_the_way = next((path for path in (logs, *logs.parents) if path.exists()), None)
    if in_the_way is not None and not in_the_way.is_dir():
        raise OutputError(f"{in_the_way}: is a file, a directory was expected; choose another run_name=DIR")


def check_same_config(asked: object, trained: object, logs: Path) -> None:
    """Check that a model is built as asked for.

    Raises:
        ModelError: it is not.
    """
    for name, value in dataclasses.asdict(asked).items():  # type: ignore[call-overload]
        found = getattr(trained, name)
        if value != found:
            raise ModelError(f"{logs}: the model has {name} {found}, but {value} was asked for; {AS_BEFORE}")


def check_same_batches(reached: Progress, batches: Batches, logs: Path) -> None:
    """Check that the batches of an epoch in whose middle a run was left are the same, and some are left.

    Raises:
        ModelError: they are not.
    """
    trained, found = (reached.batch_size, reached.num_instances), (batches.batch_size, batches.num_instances)
    if reached.batch and trained != found:
        raise ModelError(
            f"{logs}: was left in the middle of an epoch of {trained[1]} instances in batches of {trained[0]}, found"
            f" {found[1]} in batches of {found[0]}; {AS_BEFORE}"
        )
    if reached.batch >= batches.per_epoch:
        raise ModelError(
            f"{logs}: the model of step {reached.step} says that it is of batch {reached.batch} of an epoch, which has"
            f" {batches.per_epoch}; it is damaged, restore it from a backup"
        )


def check_validated(curve: Sequence[Point], reached: Progress, options: TrainingOptions, logs: Path) -> None:
    """Check that data are held out where they were, and only there.

    Raises:
        ModelError: they are not.
    """
    was_validated = bool(curve) and curve[-1].validation_loss is not None
    if reached.epoch and was_validated != options.validates:
        without, other = ("", "without") if was_validated else ("out", "with")
        raise ModelError(
            f"{logs}: the model was trained with{without} held-out data, and is to go on {other} them; {AS_BEFORE}"
        )


def check_long_enough(model: Tagger, options: TrainingOptions, batches: Batches, held_out: Batches | None) -> None:
    """Check that a network can read what it is to be trained and validated on.

    Raises:
        OptionError: excerpts or windows are shorter than its shortest input.
        ShapeError: a recording is.
    """
    for name, value in (("crop_frames", options.crop_frames), ("window_frames", model.config.window_frames)):
        if value is not None and value < model.shortest:
            raise OptionError(f"{name}={value}: the network needs {model.shortest} frames or more; choose so many")
    read_whole = [batches] if options.crop_frames is None else []
    for each in (*read_whole, *([] if held_out is None else [held_out])):
        for data_set in each.data_sets:
            model.check_lengths(data_set.num_frames, data_set.filenames)
