# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line application; its commands arrive by the entry-point group ``audeep.commands``."""

import argparse
import difflib
import inspect
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint
from typing import Any, TextIO

from cliff.app import App
from cliff.command import Command
from cliff.commandmanager import CommandManager
from cliff.help import HelpCommand
from stevedore import NamedExtensionManager

from audeep import __version__
from audeep.cli.entry_points import built_in_commands, commands_of
from audeep.cli.streams import LogFile, standard_streams
from audeep.errors import AudeepError, OptionError, escaped, escaped_lines
from audeep.models.registry import MODELS
from audeep.runtime.compiled import parts_in_words
from audeep.runtime.files import write_failures

DESCRIPTION = "audeep: unsupervised representation learning from audio with recurrent autoencoders"
COPYRIGHT = """Copyright (C) 2026 the audeep authors
Licence GPL-3.0-or-later; there is NO WARRANTY, to the extent permitted by law.
After auDeep: (C) 2017-2019 Michael Freitag, Shahin Amiriparian, Maurice Gerczuk, Sergey Pugachevskiy,
Nicholas Cummins, Björn Schuller; Universität Passau and Universität Augsburg."""
INTERRUPTED = 130  # exit status of a program that SIGINT ended


class Commands(CommandManager):
    """The commands, each imported when it is needed; the base class imports all of them at once."""

    def load_commands(self, namespace: str) -> None:
        """Add the commands of an entry-point group, and those of the models of this package."""
        self.group_list.append(namespace)
        for entry_point in NamedExtensionManager(namespace, []).list_entry_points():
            self.commands[entry_point.name.replace("_", " ")] = entry_point
        self.commands |= {command.name: command for command in built_in_commands()}

    def find_command(self, argv: list[str]) -> Any:
        """The command that `argv` begins with; models of other packages are looked for where there is no other."""
        if argv and argv[0] not in {name.split()[0] for name in self.commands} and argv[0] in MODELS.installed:
            self._add_models([argv[0]])
        return super().find_command(argv)

    def __iter__(self) -> Iterator[Any]:
        """All commands with their names, those of models of other packages too."""
        self._add_models(MODELS.installed)
        return super().__iter__()

    def _add_models(self, kinds: Iterable[str]) -> None:
        for kind in kinds:
            try:
                self.commands |= {command.name: command for command in commands_of(kind)}
            except AudeepError as error:  # its package is damaged
                logging.getLogger("audeep").warning("%s", error)


class PlainFormatter(logging.Formatter):
    """One line for each message; what cannot be printed is escaped, such as control sequences of terminals in names."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (of the base class)
        text = super().formatMessage(record)
        return text if record.name == "py.warnings" else escaped(text)

    def format(self, record: logging.LogRecord) -> str:
        """The message, and the lines of a traceback."""
        return escaped_lines(super().format(record))


class Help(HelpCommand):
    """Print the options of a command, or the commands that begin with these words."""

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Take no abbreviations, which the base class takes for names.

        Raises:
            OptionError: there is no such command.
        """
        words = [part for word in parsed_args.cmd for part in word.split()]
        names = [name.split() for name, _ in self.app.command_manager]
        if words and not any(words[: len(name)] == name or name[: len(words)] == words for name in names):
            text = " ".join(words)
            near = difflib.get_close_matches(text, [" ".join(name) for name in names], 3)
            hint = f"; did you mean {' or '.join(near)}?" if near else "; see 'audeep --help'"
            raise OptionError(f"help {text}: no such command{hint}")
        return super().take_action(parsed_args)

    def get_epilog(self) -> str:
        """Nothing: the base class searches all installed packages for the one that a command is from."""
        return ""


class AudeepApp(App):
    """Runs one command, or the interactive shell if no command is given."""

    NAME = "audeep"
    LOG = logging.getLogger("audeep")

    def __init__(self, stdout: TextIO | None = None, in_shell: bool = False) -> None:
        """Write results to `stdout`; `in_shell` says that an interactive shell runs already."""
        commands = Commands("audeep.commands")
        version = f"{__version__}\ncompiled parts: {parts_in_words()}\n{COPYRIGHT}"
        super().__init__(DESCRIPTION, version, commands, stdout=stdout, deferred_help=True)
        commands.add_command("help", Help)
        commands.commands["complete"] = EntryPoint("complete", "audeep.cli.complete:Complete", "audeep.commands")
        self.in_shell = in_shell
        self.tells_next = True
        self.handlers: list[logging.Handler] = []
        self.last_status: int | None = None
        self.interruption = "interrupted"

    def run(self, argv: list[str]) -> int:
        """Give the exit status: of the command, or of the last one that the interactive shell ran."""
        self.argv = argv
        self.options = argparse.Namespace(debug=False)  # until they are parsed
        try:
            status = super().run(argv)
        finally:
            has_log = self._stop_logging()
        if not has_log:
            status = status or 1
        if status == INTERRUPTED:
            self.stderr.write(f"{escaped(self.interruption)}\n")
        return status if self.last_status is None else self.last_status

    def run_subcommand(self, argv: list[str]) -> int:
        """Run a command; what is said of words that are none shows no control sequences."""
        try:
            self.command_manager.find_command(argv)
        except ValueError:
            argv = list(map(escaped, argv))
        return super().run_subcommand(argv)

    def clean_up(self, cmd: Command, result: int, err: BaseException | None) -> None:
        """Keep what a command that is interrupted has to say."""
        if isinstance(err, KeyboardInterrupt) and err.args:
            self.interruption = f"interrupted: {err}"

    def interact(self) -> None:
        """Run commands one after the other until the input ends, each with the options that the shell was given."""
        if self.in_shell:
            self.LOG.error("%s: a command was expected after these options; see 'help'", " ".join(self.argv))
            return
        from audeep.cli.shell import Parsers, Shell

        def run(argv: list[str], stdout: TextIO) -> int:
            try:
                return AudeepApp(stdout, in_shell=True).run([*self.argv, *argv])
            except SystemExit as stop:  # as --version does
                return stop.code if isinstance(stop.code, int) else 0

        self._stop_logging()  # each command has its own
        parsers = Parsers([name for name, _ in self.command_manager], self.command_parser)
        greeting = f"audeep {__version__}: 'help' lists the commands, 'help COMMAND' their options, 'quit' ends."
        self.last_status = Shell(run, parsers, self.parser, greeting).run()

    def print_help_if_requested(self) -> None:
        """Print the common options and all commands, and stop, where --help stands alone."""
        if self.options.deferred_help:
            commands = {name: entry.load() for name, entry in sorted(self.command_manager)}
            width = max(map(len, commands))
            lines = [f"  {name:<{width}}  {_first_line(command)}" for name, command in commands.items()]
            self.stdout.write("\n".join([self.parser.format_help(), "Commands:", *lines, ""]))
            raise SystemExit(0)

    def command_parser(self, name: str) -> argparse.ArgumentParser:
        """The option parser of a command."""
        command_type, name, _ = self.command_manager.find_command(name.split())
        return command_type(self, None, cmd_name=name).get_parser(f"{self.NAME} {name}")

    def build_option_parser(
        self, description: str | None, version: str | None, argparse_kwargs: dict[str, Any] | None = None
    ) -> argparse.ArgumentParser:
        """Options common to all commands, which may stand before or after the name of the command."""
        kwargs = {"allow_abbrev": False, "formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().build_option_parser(description, version, {**kwargs, **(argparse_kwargs or {})})

    def configure_logging(self) -> None:
        """Progress is shown unless the command is quiet; other libraries speak up from warnings on."""
        root = logging.getLogger()
        before = list(root.handlers)
        log_file, self.options.log_file = self.options.log_file, None  # `open_log` opens it
        super().configure_logging()
        self.options.log_file = log_file
        self.handlers = [handler for handler in root.handlers if handler not in before]
        for handler in self.handlers:
            handler.setFormatter(PlainFormatter(self.CONSOLE_MESSAGE_FORMAT))
        logging.captureWarnings(True)
        quiet = self.options.verbose_level == 0
        root.setLevel(logging.WARNING)
        logging.getLogger("audeep").setLevel(logging.DEBUG)
        logging.getLogger("audeep.runtime.progress").setLevel(logging.WARNING if quiet else logging.INFO)
        if not self.options.debug:
            warnings.simplefilter("ignore")
            logging.getLogger("urllib3").setLevel(logging.ERROR)  # it warns of what it tries again

    def open_log(self) -> None:
        """Write what is logged to --log-file too, from when it is known that a command reads no such file.

        Raises:
            OutputError: the file cannot be written.
        """
        path = self.options.log_file
        if path and not any(isinstance(handler, logging.FileHandler) for handler in self.handlers):
            with write_failures(path):
                handler = LogFile(path)
            handler.setFormatter(PlainFormatter(self.LOG_FILE_MESSAGE_FORMAT))
            logging.getLogger().addHandler(handler)
            self.handlers.append(handler)

    def _stop_logging(self) -> bool:
        """Give whether all that was to be logged to a file was."""
        for handler in self.handlers:
            logging.getLogger().removeHandler(handler)
            handler.close()
        has_log = not any(isinstance(handler, LogFile) and handler.has_failed for handler in self.handlers)
        self.handlers = []
        return has_log


def _first_line(command: type[Command]) -> str:
    return (inspect.getdoc(command) or "").partition("\n")[0]


def main(argv: list[str] | None = None) -> int:
    """Run the application with `argv`, by default those of the process; gives the exit status."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # threads of PyTorch that wait for work leave ours a core
    with standard_streams() as results:
        try:
            status = results.finish(AudeepApp().run(sys.argv[1:] if argv is None else argv))
        except SystemExit as stop:  # as --version does
            stop.code = results.finish(stop.code if isinstance(stop.code, int) else 0)
            raise
    if any(thread.name == "audeep-open" for thread in threading.enumerate()):
        # the HDF5 library got lost in a damaged file; it would crash where it cleans up at the end of the process
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


if __name__ == "__main__":
    sys.exit(main())
