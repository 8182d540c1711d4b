# SPDX-License-Identifier: GPL-3.0-or-later
"""--front-end, and the options of all front ends, of which a command takes those that the chosen one has."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from audeep.cli.options import choice_of, reader_of
from audeep.errors import AudeepError, OptionError
from audeep.runtime.options import Option, options_of

if TYPE_CHECKING:
    from audeep.audio.front_ends.base import FrontEnd

GIVEN = "given_options"  # of front ends, in the parsed arguments


class Given(argparse.Action):
    """An option that is noted as given, so that it can be told from one that has its default."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: Any = None) -> None:
        """Keep the value of a flag."""
        found = not str(option_string).startswith("--no-") if self.nargs == 0 else values
        setattr(namespace, self.dest, found)
        setattr(namespace, GIVEN, {**getattr(namespace, GIVEN, {}), self.dest: found})


def add_front_ends(parser: argparse.ArgumentParser) -> None:
    """--front-end, and the options of all front ends; those that several have are in a group of their own."""
    from audeep.audio.front_ends.registry import FRONT_ENDS, MEL

    described = "; ".join(f"{entry.name}: {entry.description}" for entry in FRONT_ENDS.built_in.values())
    parser.add_argument(
        "--front-end",
        type=choice_of(tuple(entry.name for entry in FRONT_ENDS)),
        default=MEL,
        metavar="NAME",
        help=f"what is made of recordings ({described}; default: %(default)s); each has options of its own",
    )
    declared = _declared_by_all()
    owners: dict[str, list[str]] = {}
    for front_end, options in declared.items():
        for name in options:
            owners.setdefault(name, []).append(front_end)
    shared = parser.add_argument_group("options of several front ends")
    for front_end, options in declared.items():
        group = parser.add_argument_group(f"options of --front-end {front_end}")
        for name, option in options.items():
            if len(owners[name]) == 1:
                _add(group, option, _with_default(option))
            elif owners[name][0] == front_end:
                _add(shared, option, _with_defaults(name, owners[name], declared))


def chosen_front_end(parsed_args: argparse.Namespace) -> "FrontEnd":
    """The front end that the options name.

    Raises:
        OptionError: an option is one of another front end, or does not fit.
    """
    from audeep.audio.front_ends.registry import front_end_type_of

    given, chosen = getattr(parsed_args, GIVEN, {}), front_end_type_of(parsed_args.front_end)
    for name in given:
        if name not in options_of(chosen):
            owners = [each for each, options in _declared_by_all().items() if name in options]
            flag = f"--{name.replace('_', '-')}"
            raise OptionError(
                f"{flag}: is an option of --front-end {', '.join(owners)}, not of {parsed_args.front_end}; leave it"
                " out, or choose another front end"
            )
    return chosen(**given)


def defaults_of(front_end: str) -> dict[str, Any]:
    """The options of a front end with their defaults."""
    from audeep.audio.front_ends.registry import front_end_type_of

    return {name: option.default for name, option in options_of(front_end_type_of(front_end)).items()}


def _declared_by_all() -> dict[str, Mapping[str, Option]]:
    """The options of each front end; those of a package that is damaged are left out, as it has its own error."""
    from audeep.audio.front_ends.registry import FRONT_ENDS, front_end_type_of

    found = {}
    for entry in FRONT_ENDS:
        try:
            found[entry.name] = options_of(front_end_type_of(entry.name))
        except AudeepError:
            if entry.name in FRONT_ENDS.built_in:
                raise
    return found


def _add(group: Any, option: Option, text: str) -> None:
    """One option to a group; one that is on by default can be turned off."""
    flag = option.name.replace("_", "-")
    if option.kind is bool:
        flags = [f"--{flag}", *([_off(option.name)] if "--no-" in text else [])]
        group.add_argument(*flags, action=Given, nargs=0, default=option.default, help=text)
    else:
        group.add_argument(
            *(f"--{each.replace('_', '-')}" for each in (option.name, *option.aliases)),
            action=Given,
            type=reader_of(option),
            default=option.default,
            metavar=option.metavar,
            help=text,
        )


def _with_default(option: Option) -> str:
    """The help of an option of one front end."""
    if option.kind is bool and option.default:
        return f"{option.help} (default; {_off(option.name)} does not)"
    is_told = option.kind is bool or option.default is None or "(default:" in option.help
    return option.help if is_told else f"{option.help} (default: %(default)s)"


def _with_defaults(name: str, owners: list[str], declared: Mapping[str, Mapping[str, Option]]) -> str:
    """The help of an option that several front ends have, with the default of each."""
    options = {owner: declared[owner][name] for owner in owners}
    text = next(iter(options.values())).help.partition(" (default:")[0]
    if options[owners[0]].kind is bool:
        is_on = [owner for owner, option in options.items() if option.default]
        return f"{text} (default of {', '.join(is_on)}; {_off(name)} does not)" if is_on else text
    owners_by_default: dict[str, list[str]] = {}
    for owner, option in options.items():
        told = option.help.partition(" (default: ")[2].removesuffix(")")
        default = told or ("none" if option.default is None else str(option.default))
        owners_by_default.setdefault(default, []).append(owner)
    if len(owners_by_default) == 1:
        defaults = next(iter(owners_by_default))
    else:
        defaults = "; ".join(f"{', '.join(found)}: {default}" for default, found in owners_by_default.items())
    return text if defaults == "none" else f"{text} (default: {defaults})"


def _off(name: str) -> str:
    """The flag that turns an option off."""
    return f"--no-{name.replace('_', '-')}"
