# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of an experiment: commands of audeep, each with an output that is made once."""

import argparse
import copy
import difflib
import hashlib
import io
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from audeep import __version__
from audeep.cli.experiment import Options
from audeep.cli.front_end_options import defaults_of
from audeep.errors import AudeepError, OptionError
from audeep.runtime.options import options_of
from audeep.training.tracking import Tracking

if TYPE_CHECKING:
    from audeep.cli.app import AudeepApp
    from audeep.cli.options import AudeepCommand

logger = logging.getLogger(__name__)

AGAIN = "run the same command again to go on"
KEY_LENGTH = 10
TRACKERS = tuple(options_of(Tracking))  # options of trainings
FREE = frozenset(("jobs", "device", "skip_bad", "compression", "checkpoints_to_keep", "cluster", "shards", *TRACKERS))
"""Options on which no result depends, by their names in Python."""
FINISHED = "finished"  # beside the logs of a training that came to its end


@dataclass(frozen=True)
class Called:
    """A command with options of an experiment.

    Attributes:
        words: the command.
        argv: the options.
        given: those that are not as by default and that results depend on, by their names in Python.
    """

    words: str
    argv: tuple[str, ...]
    given: dict[str, str]


@dataclass(frozen=True)
class Step:
    """A command, and what it makes.

    Attributes:
        key: a checksum of all that the output depends on.
        paths: options that name files.
        needs: steps whose outputs are read; needed no more when the output is there.
        replaces: whether what is read is then removed.
    """

    called: Called
    key: str
    output: Path
    paths: tuple[str, ...]
    needs: tuple["Step", ...] = ()
    replaces: bool = False

    @property
    def is_training(self) -> bool:
        """Whether the output is the directory of a run."""
        return self.called.words.endswith(" train")

    @property
    def is_done(self) -> bool:
        """Whether the output is there, and complete."""
        return (self.output / FINISHED).exists() if self.is_training else self.output.exists()


class Steps:
    """Makes steps, and runs them in the application, each when its output is needed and not there."""

    def __init__(
        self,
        app: "AudeepApp",
        app_args: argparse.Namespace | None,
        output: Path,
        trackers: Mapping[str, str] | None = None,
    ) -> None:
        """Trainings report to the `trackers`, where they can."""
        self.app = copy.copy(app)
        self.app.stdout = io.StringIO()  # what steps print is not wanted
        self.app.tells_next = False
        self.app_args = app_args
        self.output = output
        self.trackers = trackers or {}
        self.num_run = 0

    def command(self, words: str) -> "AudeepCommand":
        """A command of the application."""
        command_type, name, _ = self.app.command_manager.find_command(words.split())
        return cast("AudeepCommand", command_type(self.app, self.app_args, cmd_name=name))

    def parser(self, words: str) -> argparse.ArgumentParser:
        """The option parser of a command.

        Raises:
            OptionError: there is no such command.
        """
        try:
            return self.command(words).get_parser(f"audeep {words}")
        except ValueError:
            raise OptionError(f"{words}: no such command; see 'audeep --help'") from None

    def called(self, words: str, options: Options, required: Sequence[str] = ()) -> Called:
        """A command with options of an experiment.

        Args:
            required: of the options that name files, which are known later.

        Raises:
            OptionError: the command has no such option, or a value does not suit it.
        """
        parser = self.parser(words)
        actions = actions_of(parser)
        argv: list[str] = []
        for name, value in options.items():
            if name not in actions:
                near = difflib.get_close_matches(name, actions, 1)
                hint = f"did you mean {near[0]}?" if near else f"see 'audeep help {words}'"
                raise OptionError(f"{name}: is not an option of {words}; {hint}")
            argv += words_of(actions[name], name, value)
        parsed = parser.parse_args([*required, *argv])
        defaults = defaults_in(parser, parsed)
        dests = {actions[name].dest for name in options} - FREE
        given = {dest: str(getattr(parsed, dest)) for dest in sorted(dests)}
        return Called(words, tuple(argv), {dest: text for dest, text in given.items() if text != str(defaults[dest])})

    def step(
        self,
        name: str,
        called: Called,
        folder: str,
        suffix: str,
        flag: str,
        needs: "Sequence[tuple[str, Step]]" = (),
        *,
        extra: str = "",
        replaces: bool = False,
    ) -> Step:
        """A step whose output is FOLDER/NAME-KEY plus suffix.

        Args:
            flag: that names the output.
            needs: steps, with the flags that name what is read of them; those after each other with one flag go
                together.
            extra: what the output depends on beside.
        """
        content = [__version__, called.words, sorted(called.given.items()), [each.key for _, each in needs], extra]
        key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:KEY_LENGTH]
        output = self.output / folder / f"{name}-{key}{suffix}"
        paths: list[str] = []
        for number, (needed, each) in enumerate(needs):
            path = each.output / "logs" if needed == "--model-dir" else each.output
            paths += [*([needed] if not number or needs[number - 1][0] != needed else []), str(path)]
        return Step(called, key, output, (*paths, flag, str(output)), tuple(each for _, each in needs), replaces)

    def make(self, step: Step) -> None:
        """Run a step, and those that it needs, unless its output is there."""
        if step.is_done or (step.is_training and _has_models(step.output) and not self._goes_on(step)):
            return
        for each in step.needs:
            self.make(each)
        step.output.parent.mkdir(parents=True, exist_ok=True)
        logger.info("== %s: %s", step.called.words, step.output)
        try:
            self.run(step.called.words, [*step.paths, *step.called.argv, *self._reported(step), *self._resumed(step)])
        except AudeepError as error:
            raise type(error)(f"{step.called.words}: {error}; of an experiment, {AGAIN}") from error
        self.num_run += 1
        if step.is_training:
            (step.output / FINISHED).touch()
        if step.replaces:
            for each in step.needs:
                if each.output.is_dir():  # shards
                    shutil.rmtree(each.output)
                else:
                    each.output.unlink(missing_ok=True)

    def run(self, words: str, argv: Sequence[str]) -> None:
        """Run a command."""
        command = self.command(words)
        parsed = command.get_parser(f"audeep {words}").parse_args(argv)
        command.run(parsed)

    def _reported(self, step: Step) -> list[str]:
        """What a training is to be given to report to the trackers, as far as its command has them."""
        names = actions_of(self.parser(step.called.words)) if step.is_training else ()
        return [word for name, place in self.trackers.items() if name in names for word in (f"--{name}", place)]

    def _resumed(self, step: Step) -> list[str]:
        """What a step that was interrupted is to be given."""
        from audeep.pipeline.preprocess import partial_path

        has_begun = partial_path(step.output).exists() or _has_models(step.output)
        return ["--continue"] if has_begun and self._goes_on(step) else []

    def _goes_on(self, step: Step) -> bool:
        """Whether its command can go on with a run that was interrupted."""
        return "continue" in actions_of(self.parser(step.called.words))


def _has_models(run: Path) -> bool:
    return any((run / "logs").glob("model-*.safetensors"))


def actions_of(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """The options of a command by their names, without dashes before them; aliases are names, too."""
    return {
        flag.removeprefix("--"): action
        for action in parser._actions
        for number, flag in enumerate(action.option_strings)
        if flag.startswith("--") and flag != "--help" and not (number and flag.startswith("--no-"))
    }


def defaults_in(parser: argparse.ArgumentParser, parsed: argparse.Namespace) -> dict[str, Any]:
    """The defaults of options by their names in Python; those of a front end are those of the one that is chosen."""
    defaults = {action.dest: action.default for action in parser._actions}
    return defaults | (defaults_of(parsed.front_end) if "front_end" in defaults else {})


def words_of(action: argparse.Action, name: str, value: Any) -> list[str]:
    """An option as on a command line."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise OptionError(f"{name}: is {value!r}; expected true or false")
        off = [flag for flag in action.option_strings[1:] if flag.startswith("--no-")]
        return [f"--{name}"] if value else off
    if isinstance(value, bool):
        raise OptionError(f"{name}: is {str(value).lower()}; expected a value, as on the command line")
    if isinstance(value, list | tuple):
        if action.nargs not in ("+", "*"):
            raise OptionError(f"{name}: has several values; expected one, or name it in [grid] to try them")
        return [f"--{name}", *map(str, value)]
    return [f"--{name}={value}"]
