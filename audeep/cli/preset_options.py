# SPDX-License-Identifier: GPL-3.0-or-later
"""--preset of single commands: settings of an experiment of this package for what is not given."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from audeep.cli.experiment import PRESETS, options_of_preset
from audeep.cli.options import choice_of
from audeep.cli.steps import actions_of, words_of


def add_preset(parser: argparse.ArgumentParser, section: str, kind: str | None = None) -> None:
    """--preset.

    Args:
        section: of the presets, which this command takes its options from.
        kind: the kind of model that the command is of, or the learner.
    """
    parser.add_argument(
        "--preset",
        type=choice_of(PRESETS),
        metavar="NAME",
        help=f"settings of 'audeep run --preset NAME' ({', '.join(PRESETS)}) for the options that are not given",
    )
    parse = parser.parse_known_args

    def parse_after_preset(args: Sequence[str] | None = None, namespace: Any = None) -> Any:
        """Options of the preset come first, so that those given count."""
        given = sys.argv[1:] if args is None else list(args)
        name = _chosen(given)
        return parse([*_argv(parser, options_of_preset(name, section, kind)), *given] if name else given, namespace)

    parser.parse_known_args = parse_after_preset  # type: ignore[assignment]


def _chosen(argv: Sequence[str]) -> str | None:
    """The preset that is named, if there is such one."""
    finder = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    finder.add_argument("--preset", type=choice_of(PRESETS))
    try:
        name: str | None = finder.parse_known_args(argv)[0].preset
    except argparse.ArgumentError:  # the command says what is wrong
        return None
    return name


def _argv(parser: argparse.ArgumentParser, options: Any) -> list[str]:
    actions = actions_of(parser)
    return [word for name, value in options.items() for word in words_of(actions[name], name, value)]
