# SPDX-License-Identifier: GPL-3.0-or-later
"""What several commands share: option types, groups of options, data sets named on the command line."""

import argparse
import functools
import io
import logging
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, cast

from cliff._argparse import SmartHelpFormatter
from cliff.command import Command

from audeep.cli.experiment import NUM_FOLDS
from audeep.cli.flags import speaking_flags
from audeep.cli.outputs import check_outputs, named_inputs, named_outputs
from audeep.errors import OptionError, escaped_lines
from audeep.runtime.compiled import warn_of_missing_parts
from audeep.runtime.options import Option, options_of

if TYPE_CHECKING:
    from audeep.cli.app import AudeepApp
    from audeep.data.data_set import DataSet


logger = logging.getLogger(__name__)


class AudeepCommand(Command):
    """A command of audeep; its help text is the docstring of its class."""

    flags: Mapping[str, str] = {}  # of its options, by their names in Python
    examples: Sequence[str] = ()  # of what may follow its name
    app: "AudeepApp"
    uses_compiled_parts: bool = False  # whether compiled parts make it faster

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.error = self._refuse  # type: ignore[method-assign]
        parser.formatter_class = HelpFormatter
        self.add_options(parser)
        _show_choices(parser)
        self.flags = {action.dest: action.option_strings[0] for action in parser._actions if action.option_strings}
        return parser

    def get_epilog(self) -> str:
        """Examples; the base class searches all installed packages for the one that a command is from."""
        lines = [f"  audeep {self.cmd_name} {each}" for each in self.examples]
        return "\n".join([EXAMPLES, *lines] if lines else [])

    def _refuse(self, message: str) -> NoReturn:
        """Report wrong options like any other error: one line, exit status 1."""
        raise OptionError(f"{self.cmd_name}: {message}; see 'audeep help {self.cmd_name}'")

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options of this command."""

    def reads(self, parsed_args: argparse.Namespace) -> Iterator[Path]:
        """Files that will be read, and directories of which any file may be."""
        yield from named_inputs(parsed_args)

    def writes(self, parsed_args: argparse.Namespace) -> Iterator[Path]:
        """Files that will be written."""
        yield from named_outputs(parsed_args)

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Refuse to write over what is read, then act; messages name options rather than parameters."""
        log = getattr(self.app_args, "log_file", None)
        logs = [] if log is None or Path(log).is_dir() else [Path(log)]
        check_outputs(self.reads(parsed_args), [*self.writes(parsed_args), *logs])
        self.app.open_log()
        with speaking_flags(self.flags):
            if self.uses_compiled_parts:
                warn_of_missing_parts()
            return super().run(parsed_args)

    @property
    def is_quiet(self) -> bool:
        """Whether only results meant for scripts are wanted."""
        return self.app_args is not None and bool(self.app_args.verbose_level == 0)

    def tell_next(self, *words: object) -> None:
        """Log a command that may come next, unless this one is part of an experiment."""
        if getattr(self.app, "tells_next", False):
            logger.info("next: audeep %s", shlex.join(map(str, words)))

    def tell_evaluation(self, data_set: "DataSet", path: Path) -> None:
        """Log what may come next of the feature vectors in `path`, whose instances are those of a data set."""
        features = ("--input", path)
        if not data_set.is_fully_labelled or data_set.has_label_sets:
            self.tell_next("export", *features, "--format", "csv", "--output", "csv")
        elif data_set.has_cv_info:
            self.tell_next("svm", "evaluate", *features, "--cross-validate")
        else:
            self.tell_next("svm", "evaluate", *features, "--folds", NUM_FOLDS)

    def write(self, text: str) -> None:
        """Print a result; what cannot be printed is escaped, such as control sequences of terminals in names."""
        self.app.stdout.write(f"{escaped_lines(text)}\n")

    @property
    def width(self) -> int | None:
        """How many letters a line of results may have: as many as the terminal; any number where there is none."""
        return shutil.get_terminal_size().columns if self.app.stdout.isatty() else None

    @property
    def stream(self) -> TextIO:
        """Where data for other programs go: standard output, on a terminal of which they are escaped as by `write`."""
        stdout: TextIO = self.app.stdout
        return cast(TextIO, Shown(stdout)) if stdout.isatty() else stdout


EXAMPLES = "examples:"


class HelpFormatter(SmartHelpFormatter):
    """Leaves the lines of examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith(EXAMPLES) else super()._fill_text(text, width, indent)


LONGEST_CHOICES = 48  # characters, that stand for a value in the help


def _show_choices(parser: argparse.ArgumentParser) -> None:
    """Let help show the values that an option can have, where these are few words."""
    for action in parser._actions:
        names = getattr(action.type, "names", ())
        shown = f"{{{','.join(names)}}}"
        if len(names) > 1 and len(shown) <= LONGEST_CHOICES:
            action.metavar = shown


class Shown(io.TextIOBase):
    """A terminal that is sent escapes in place of what cannot be printed."""

    def __init__(self, terminal: TextIO) -> None:
        self.terminal = terminal

    def write(self, text: str) -> int:
        return self.terminal.write(escaped_lines(text))

    def flush(self) -> None:
        self.terminal.flush()


def number(
    kind: type[int] | type[float],
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
) -> Callable[[str], Any]:
    """An argparse type: a finite number of `kind`, `least` <= number <= `most`, number > `above`."""
    return reader_of(Option("", kind, None, False, least=least, most=most, above=above))


def reader_of(option: Option) -> Callable[[str], Any]:
    """An argparse type: the value of an option."""
    if option.choices is not None:
        return choice_of(option.choices)
    if issubclass(option.kind, Enum):
        names = choice_of(tuple(option.kind.__members__))
        member = functools.wraps(names)(lambda text: option.kind[names(text)])
        return member

    def parse(text: str) -> Any:
        try:
            return option.accepted(option.kind(text))
        except (ValueError, OptionError):
            raise argparse.ArgumentTypeError(f"{text!r} found, expected {option.expected}") from None

    return parse


def add_declared(
    parser: "argparse._ActionsContainer", owner: type, names: Iterable[str] | None = None, **changed: Option
) -> None:
    """Add the options that a dataclass declares, those called `names` or all that have a help text, in their order.

    Args:
        changed: options that are otherwise for commands, by name.
    """
    declared = {**options_of(owner), **changed}
    for name in [name for name in declared if declared[name].help] if names is None else names:
        option = declared[name]
        flags = [f"--{each.replace('_', '-')}" for each in (name, *option.aliases)]
        if option.kind is bool:
            parser.add_argument(*flags, action="store_true", help=option.help)
            continue
        is_told = option.default in (None, MISSING) or "(default:" in option.help
        parser.add_argument(
            *flags,
            type=reader_of(option),
            default=None if option.default is MISSING else option.default,
            required=option.default is MISSING,
            metavar=option.metavar,
            help=option.help if is_told else f"{option.help} (default: %(default)s)",
        )


def declared_values(parsed_args: argparse.Namespace, owner: type) -> dict[str, Any]:
    """What was given for the options that a dataclass declares, as far as the command has them."""
    return {name: getattr(parsed_args, name) for name in options_of(owner) if hasattr(parsed_args, name)}


positive_int = number(int, least=1)
index = number(int, least=0)
seconds = number(float, above=0)
decibels = number(float)
probability = number(float, least=0, most=1)
positive = number(float, above=0)


def step(text: str) -> int | str:
    """An argparse type: the step of a model, or `best`."""
    if text.lower() == "best":
        return "best"
    try:
        return int(index(text))
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, or best") from None


step.names = ("best",)  # type: ignore[attr-defined]  # for completion


def choice_of(names: tuple[str, ...]) -> Callable[[str], str]:
    """An argparse type: one of `names`, in upper or lower case."""
    found = {name.upper(): name for name in names}

    def parse(text: str) -> str:
        if text.upper() not in found:
            raise argparse.ArgumentTypeError(f"{text!r} found, expected one of {', '.join(names)}")
        return found[text.upper()]

    parse.names = names  # type: ignore[attr-defined]  # for completion
    return parse


partition_name = choice_of(("TRAIN", "DEVEL", "TEST"))


def add_input(parser: argparse.ArgumentParser, text: str) -> None:
    """--input FILE."""
    parser.add_argument("--input", type=Path, required=True, metavar="FILE", help=text)


def add_partitions(parser: argparse.ArgumentParser) -> None:
    """--partitions."""
    parser.add_argument(
        "--partitions",
        type=partition_name,
        nargs="+",
        metavar="PARTITION",
        help="take these partitions of it alone (TRAIN, DEVEL, TEST)",
    )


def load_partitions(path: Path, names: Sequence[str] | None) -> "DataSet":
    """A data set, or those partitions of it that `add_partitions` asks for.

    Raises:
        DataError: it cannot be read.
        OptionError: no instance is in these partitions.
    """
    from audeep.data.data_set import load
    from audeep.data.schema import Partition

    data_set = load(path)
    if names is None:
        return data_set
    found = data_set.partitions([Partition[name] for name in names])
    if not len(found):
        raise OptionError(f"--partitions {' '.join(names)}: {path} has no instance in there; name other partitions")
    return found


PICTURES = (".eps", ".gif", ".jpeg", ".jpg", ".pdf", ".png", ".ps", ".svg", ".svgz", ".tif", ".tiff", ".webp")


def data_set_path(text: str) -> Path:
    """An argparse type: the name of a data set file, which is not one of a picture."""
    path = Path(text)
    if path.suffix.lower() in PICTURES:
        raise argparse.ArgumentTypeError(f"{text!r} found, expected a data set file such as {path.with_suffix('.nc')}")
    return path


def add_output(parser: argparse.ArgumentParser) -> None:
    """--output FILE."""
    parser.add_argument("--output", type=data_set_path, required=True, metavar="FILE", help="data set file to write")


def add_model_dir(parser: "argparse._ActionsContainer", required: bool = True) -> None:
    """--model-dir."""
    parser.add_argument(
        "--model-dir",
        type=Path,
        required=required,
        metavar="DIR",
        help="directory of a run, or of its models, NAME/logs",
    )


def add_model_dirs(parser: argparse.ArgumentParser, what: str) -> None:
    """--model-dir, of taggers; `what` is done with several."""
    parser.add_argument(
        "--model-dir",
        type=Path,
        nargs="+",
        required=True,
        metavar="DIR",
        help=f"directory of a run, or of its models, NAME/logs; of several models, and of all folds, {what}",
    )


def add_step(parser: argparse.ArgumentParser) -> None:
    """--step."""
    parser.add_argument(
        "--step",
        type=step,
        metavar="STEP",
        help="use the model of this training step, or 'best' for that with the lowest validation loss (default: the"
        " newest)",
    )


def add_cluster(parser: argparse.ArgumentParser, instead: str = "in place of --jobs: ") -> None:
    """--cluster, which may be there `instead` of another option."""
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help=f"{instead}address of a dask scheduler whose workers do the work, or local:N for N processes of this"
        " machine",
    )


def add_seed(parser: argparse.ArgumentParser) -> None:
    """--seed."""
    parser.add_argument(
        "--seed",
        type=number(int, least=0, most=2**32 - 1),  # that scikit-learn takes
        default=0,
        help="all random numbers follow from it: the same seed gives the same results (default: %(default)s)",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device."""
    parser.add_argument(
        "--device",
        default="auto",
        help="where to compute: cpu, cuda, cuda:N, mps, or auto: CUDA where there is one (default: %(default)s)",
    )


def add_plot(parser: argparse.ArgumentParser, what: str) -> None:
    """--plot FILE."""
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help=f"write {what} to FILE (PNG, PDF or SVG); needs no display"
    )
