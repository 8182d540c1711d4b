# SPDX-License-Identifier: GPL-3.0-or-later
"""Options, each declared once: on the field of a dataclass.

::

    @dataclass(frozen=True)
    class Config:
        num_units: int = option(16, "cells in each layer", least=1)
        cell: str = option("GRU", "kind of cell", choices=("GRU", "LSTM"))

        def __post_init__(self) -> None:
            check_options(self)

The options of the commands, the check of what a file says, and the parameters of the estimators follow from it.
"""

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import Enum
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, TypeVar

from audeep.errors import OptionError
from audeep.runtime.constants import LARGEST_INTEGER

Made = TypeVar("Made")


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: of the field, of the parameter, and, with dashes, of the flag.
        kind: int, float, bool, str or an Enum.
        default: MISSING where a value must be given.
        is_optional: whether None is a value.
        help: what it is about; empty where no command has it.
        least, most, above: limits of a number.
        choices: the values that a text can have.
        metavar: what stands for the value in the help of a command.
        unit: of a number ("s", "Hz").
        aliases: former names, which commands still take.
    """

    name: str
    kind: type[Any]
    default: Any
    is_optional: bool
    help: str = ""
    least: float | None = None
    most: float | None = None
    above: float | None = None
    choices: tuple[str, ...] | None = None
    metavar: str | None = None
    unit: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """What a value has to be, in words."""
        if self.kind is bool:
            return "True or False"
        if issubclass(self.kind, Enum):
            return f"one of {', '.join(self.kind.__members__)}"
        if self.choices is not None:
            return f"one of {', '.join(self.choices)}"
        if self.kind is str:
            return "text"
        bounds = ((">=", self.least), (">", self.above), ("<=", self.most))
        limits = [f"{sign} {limit}" for sign, limit in bounds if limit is not None]
        return " ".join(["an integer" if self.kind is int else "a number", " and ".join(limits)]).strip()

    def accepted(self, value: Any) -> Any:
        """The value as plain Python.

        Raises:
            OptionError: it is not of the kind, or beyond a limit.
        """
        if value is None and self.is_optional:
            return None
        try:
            plain = self._plain(value)
        except (TypeError, ValueError, KeyError):
            raise OptionError(f"{self.name}={_shown(value)}: expected {self.expected}") from None
        return plain

    def _plain(self, value: Any) -> Any:
        if self.kind is bool:
            if not (isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")):
                raise TypeError
            return bool(value)
        if issubclass(self.kind, Enum):
            return self.kind(value)
        if self.kind is str:
            if not isinstance(value, str) or (self.choices is not None and value not in self.choices):
                raise ValueError
            return str(value)
        if isinstance(value, bool) or not isinstance(value, Integral if self.kind is int else Real):
            raise TypeError
        number: float = self.kind(value)
        if not self._is_within(number):
            raise ValueError
        return number

    def _is_within(self, number: float) -> bool:
        return (
            abs(number) <= LARGEST_INTEGER  # and neither infinite nor NaN
            and (self.least is None or number >= self.least)
            and (self.above is None or number > self.above)
            and (self.most is None or number <= self.most)
        )


def option(default: Any, help: str, **facts: Any) -> Any:
    """A field of a dataclass that is an option; `facts` are the other attributes of `Option`."""
    return field(default=default, metadata={"option": {"help": help, **facts}})


def with_default(owner: Any, name: str, default: Any) -> Any:
    """The option `name` that a dataclass declares, for another one derived from it, where it has another default.

    What the help says in words about the default of the first one goes.
    """
    facts = dict(next(each for each in fields(owner) if each.name == name).metadata["option"])
    facts["help"] = facts["help"].partition(" (default: ")[0]
    return field(default=default, metadata={"option": facts})


@lru_cache
def options_of(owner: Any) -> Mapping[str, Option]:
    """The options that a dataclass declares, and its other fields, by name."""
    hints = typing.get_type_hints(owner)
    return {each.name: _declared(each, hints[each.name]) for each in fields(owner) if each.init}


def _declared(each: "Field[Any]", hint: Any) -> Option:
    alternatives = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    kinds = [kind for kind in alternatives if kind is not type(None)]
    is_optional = len(kinds) < len(alternatives)
    facts = dict(each.metadata.get("option", {}))
    if kinds == [int]:
        facts.setdefault("least", 0)
    is_class = len(kinds) == 1 and isinstance(kinds[0], type) and typing.get_origin(kinds[0]) is None
    kind = kinds[0] if is_class and issubclass(kinds[0], int | float | str | Enum) else object
    return Option(each.name, kind, each.default, is_optional, **facts)


def check_options(owner: Any) -> None:
    """Check all fields of a dataclass, and make their values plain Python.

    Raises:
        OptionError: a value is not of its kind, or beyond a limit.
    """
    for name, declared in options_of(owner.__class__).items():
        if declared.kind is not object:
            object.__setattr__(owner, name, declared.accepted(getattr(owner, name)))


def from_json(owner: Callable[..., Made], values: Any) -> Made:
    """A dataclass of the `values` that a JSON text has for its fields; what is not there has its default.

    Raises:
        OptionError: the values are not an object, do not fit, a field is missing, or unknown.
    """
    declared = options_of(owner)
    if not isinstance(values, dict):
        raise OptionError(f"{_shown(values)} found, an object with {', '.join(declared)} was expected")
    missing = [name for name, each in declared.items() if each.default is MISSING and name not in values]
    unknown = sorted(set(values) - set(declared))
    if missing or unknown:
        raise OptionError(f"{missing[0]}: is missing" if missing else f"{unknown[0]}: is unknown")
    return owner(**{name: declared[name].accepted(value) for name, value in values.items()})


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
