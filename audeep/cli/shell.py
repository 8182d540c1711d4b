# SPDX-License-Identifier: GPL-3.0-or-later
"""The interactive shell: commands one after the other, with history and completion on a terminal."""

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from audeep.cli.streams import CLOSED_PIPE
from audeep.errors import escaped

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import History

END = ("quit", "exit")
_TOKEN = re.compile(r"""\s+|([|>]+)|((?:[^\s|>'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)""", re.DOTALL)


class Shell:
    """Reads command lines until the input ends; one that fails does not end the shell.

    The output of a command may go to a program or a file: ``inspect netcdf --input a.nc | less``, ``... > a.txt``.

    Args:
        run: runs a command line, given as words and where its output goes, and gives its exit status.
        parsers: option parsers of the commands by name, for completion.
        options: the parser of the options that all commands share.
        greeting: what a terminal shows first.
    """

    def __init__(
        self,
        run: Callable[[list[str], TextIO], int],
        parsers: "Parsers",
        options: argparse.ArgumentParser,
        greeting: str,
    ) -> None:
        self.run_command = run
        self.parsers = parsers
        self.options = options
        self.greeting = greeting

    def run(self) -> int:
        """Run all commands and give the exit status of the last one."""
        status = 0
        for line in self._typed_lines() if sys.stdin.isatty() else sys.stdin:
            if line.lstrip().startswith("#"):
                continue
            try:
                words, redirection = _parsed(line)
            except ValueError as error:  # a quotation mark is missing
                print(escaped(f"{line.strip()}: {error}".lower()), file=sys.stderr)
                status = 1
                continue
            if words[:1] and words[0] in END:
                break
            if words:
                status = self._run(words, redirection)
        return status

    def _run(self, words: list[str], redirection: str | None) -> int:
        if redirection is None:
            return self.run_command(words, sys.stdout)
        with subprocess.Popen(
            redirection, shell=True, stdin=subprocess.PIPE, text=True, errors="backslashreplace"
        ) as process:
            sink = cast(TextIO, process.stdin)
            try:
                status = self.run_command(words, sink)
            finally:
                with suppress(BrokenPipeError):  # it has read what it wanted
                    sink.close()
        return process.returncode if status in (0, CLOSED_PIPE) else status

    def _typed_lines(self) -> Iterator[str]:
        session = self._session()
        print(self.greeting)
        while True:
            try:
                yield session.prompt("(audeep) ")
            except KeyboardInterrupt:
                continue  # with an empty line
            except EOFError:
                return

    def _session(self) -> "PromptSession[str]":
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import Completer, Completion
        from prompt_toolkit.history import FileHistory, InMemoryHistory
        from prompt_toolkit.shortcuts import CompleteStyle

        complete = self.completions

        class Words(Completer):
            def get_completions(self, document: "Document", complete_event: "CompleteEvent") -> "Iterator[Completion]":
                for word, length in complete(document.text_before_cursor):
                    yield Completion(word, start_position=-length)

        path = history_path()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            history: History = FileHistory(str(path))
        except OSError:  # no place to keep it
            history = InMemoryHistory()
        return PromptSession(
            history=history,
            completer=Words(),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
        )

    def completions(self, text: str) -> Iterator[tuple[str, int]]:
        """Words that can stand at the end of `text`, each with how many characters of `text` it replaces."""
        typed = _last_word(text)
        before = text[: len(text) - len(typed)].split()
        names = [*self.parsers, *END]
        if before[:1] == ["help"]:
            names, before = list(self.parsers), before[1:]
            command = None
        else:
            command = next((name for name in self.parsers if before[: len(name.split())] == name.split()), None)
        longer = (name.split()[len(before) :] for name in names if name.split()[: len(before)] == before)
        words = {rest[0] for rest in longer if rest}
        if command is not None:
            words |= set(self._after_command(self.parsers[command], before, typed))
        found = sorted(word for word in words if word.startswith(typed))
        yield from ((word if word.endswith("/") else f"{word} ", len(typed)) for word in found)

    def _after_command(self, parser: argparse.ArgumentParser, before: list[str], typed: str) -> Iterator[str]:
        """Options where one begins, else the values of the option before, which are files if nothing else is known."""
        options = {
            name: action
            for part in (parser, self.options)
            for action in part._actions
            for name in action.option_strings
        }
        if typed.startswith("-"):
            yield from (name for name in options if name.startswith("--"))
            return
        option = options.get(next((word for word in reversed(before) if word in options), ""))
        if option is not None and option.nargs != 0:
            yield from getattr(option.type, "names", None) or _files(typed)


class Parsers:
    """Option parsers by the names of their commands, long names first; each is made when it is asked for.

    Args:
        names: of all commands.
        make: makes the parser of a command.
    """

    def __init__(self, names: list[str], make: Callable[[str], argparse.ArgumentParser]) -> None:
        self.names = sorted(names, key=lambda name: (-len(name.split()), name))
        self.make = make
        self.made: dict[str, argparse.ArgumentParser] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __getitem__(self, name: str) -> argparse.ArgumentParser:
        if name not in self.made:
            self.made[name] = self.make(name)
        return self.made[name]


def history_path() -> Path:
    """Where the lines that were typed are kept."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "audeep" / "history"


def _parsed(line: str) -> tuple[list[str], str | None]:
    """The words of a command line, and the shell command that its output goes to, if any.

    Raises:
        ValueError: a quotation mark is missing.
    """
    words: list[str] = []
    rest: list[str] = []  # from the first operator on, as the system's shell reads it; what is quoted is no operator
    position = 0
    while found := _TOKEN.match(line, position):
        position = found.end()
        operator, text = found.groups()
        if operator:
            rest.append(operator)
        elif text:
            word = "".join(shlex.split(text))
            (rest if rest else words).append(shlex.quote(word) if rest else word)
    if position < len(line):
        raise ValueError("No closing quotation")
    if not rest:
        return words, None
    return words, " ".join(rest[1:] if rest[0] == "|" else ["cat", *rest])


def _last_word(text: str) -> str:
    """The word that is being typed, as it stands, with its backslashes."""
    found = re.search(r"(?:[^\s\\]|\\.)*$", text)
    return found[0] if found else ""


def _files(typed: str) -> Iterator[str]:
    """Files and directories whose names begin as typed, with a backslash before what is special in a command line."""
    unescaped = re.sub(r"\\(.)", r"\1", typed)
    directory, _, start = unescaped.rpartition("/")
    folder = Path(f"{directory}/" if unescaped.startswith("/") else directory or ".").expanduser()
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name.startswith(start) and (start.startswith(".") or not path.name.startswith(".")):
                name = re.sub(r"([^\w./~+,:@%=-])", r"\\\1", path.name)
                prefix = typed[: typed.rfind("/") + 1]
                yield f"{prefix}{name}{'/' if path.is_dir() else ''}"
