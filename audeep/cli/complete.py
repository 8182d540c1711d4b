# SPDX-License-Identifier: GPL-3.0-or-later
"""complete: a script by which bash and zsh complete command lines."""

import argparse
import shlex
from collections.abc import Mapping, Sequence

from audeep.cli.options import AudeepCommand

SCRIPT = """\
# completion of audeep for bash and zsh; made by 'audeep complete'
if [ -n "${ZSH_VERSION-}" ]; then
    autoload -U +X compinit && compinit
    autoload -U +X bashcompinit && bashcompinit
fi

_audeep_next() {
    case "$1" in
@NEXT@
    esac
}

_audeep_options() {
    case "$1" in
@OPTIONS@
    esac
}

_audeep_values() {
    case "$1" in
@VALUES@
    esac
}

_audeep() {
    local current="${COMP_WORDS[COMP_CWORD]}" command="" typed="" option="" word="" index=1
    while [ "$index" -lt "$COMP_CWORD" ]; do
        word="${COMP_WORDS[index]}"
        if [ "$index" -le @LONGEST@ ]; then
            typed="${typed:+$typed }$word"
            if [ -n "$(_audeep_options "$typed")" ]; then
                command="$typed"
            fi
        fi
        case "$word" in
            -*) option="$word" ;;
        esac
        index=$((index + 1))
    done
    COMPREPLY=()
    case "$current" in
        -*) word="@COMMON@ $(_audeep_options "$command")" ;;
        *)
            if [ -n "$option" ]; then
                word="$(_audeep_values "$command $option")"
            else
                word="$(_audeep_next "$typed")"
            fi
            ;;
    esac
    COMPREPLY=($(compgen -W "$word" -- "$current"))
}

complete -o default -F _audeep audeep
"""


class Complete(AudeepCommand):
    """Print a script by which bash and zsh complete commands, options, their values, and names of files.

    For bash: audeep complete > ~/.local/share/bash-completion/completions/audeep; for zsh, write it to a file, and
    source that in ~/.zshrc.
    """

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        names = sorted(name for name, _ in self.app.command_manager)
        parsers = {name: self.app.command_parser(name) for name in names}
        options = {name: _flags(parser) for name, parser in parsers.items()}
        values = {
            f"{name} {flag}": getattr(action.type, "names", ())
            for name, parser in parsers.items()
            for action in parser._actions
            for flag in action.option_strings
        }
        parts = {
            "NEXT": _cases(_next_words(names)),
            "OPTIONS": _cases(options),
            "VALUES": _cases({key: found for key, found in values.items() if found}),
            "COMMON": " ".join(_flags(self.app.parser)),
            "LONGEST": str(max(len(name.split()) for name in names)),
        }
        script = SCRIPT
        for mark, text in parts.items():
            script = script.replace(f"@{mark}@", text)
        self.app.stdout.write(script)


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    return [flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")]


def _next_words(names: Sequence[str]) -> dict[str, list[str]]:
    """What may follow the first words of the names of commands."""
    found: dict[str, set[str]] = {}
    for name in names:
        words = name.split()
        for number, word in enumerate(words):
            found.setdefault(" ".join(words[:number]), set()).add(word)
    return {start: sorted(words) for start, words in sorted(found.items())}


def _cases(found: Mapping[str, Sequence[str]]) -> str:
    """Patterns of a case statement that print words."""
    return "\n".join(
        f"        {shlex.quote(key)}) echo {shlex.quote(' '.join(words))} ;;" for key, words in found.items()
    )
