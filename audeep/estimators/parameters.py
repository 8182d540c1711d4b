# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of estimators, made from the options that models, training and preprocessing declare."""

import inspect
import typing
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import MISSING
from enum import Enum
from inspect import Parameter
from typing import Any, Literal, TypeVar

from numpy.random import RandomState

from audeep.data.schema import Partition
from audeep.models.base import Network
from audeep.runtime.options import Option, options_of
from audeep.training.options import TrainingOptions, WarmStart, options_type_of

Class = TypeVar("Class", bound=type[Any])

OTHERWISE_KNOWN = ("seed", "checkpoints_to_keep", "validation_partition", "start_from")  # options of training
RANDOM_STATE = "random_state"  # the seed

HELP = {  # where it is another than that of the command
    RANDOM_STATE: "seed of all random numbers, or what NumPy draws it from: the same number gives the same weights",
    "num_epochs": "passes over the data",
    "keep_best": "take the model with the lowest validation loss rather than the last one",
    "validation_partition": "hold out these partitions instead of a share (TRAIN, DEVEL, TEST)",
    "start_from": "where to take weights from before the first step",
    "pooled": "take the features of `generate --pooled`",
}


def parameters_of(model_type: type[Network]) -> list[Parameter]:
    """The parameters of the estimator of a kind of model: its options, then those of training."""
    found = list(declared_parameters(model_type.config_type))
    if getattr(model_type, "embed_pooled", model_type.embed) is not model_type.embed:
        found.append(_parameter("pooled", bool, False))
    options_type = options_type_of(model_type)
    found += declared_parameters(options_type, OTHERWISE_KNOWN)
    if issubclass(options_type, TrainingOptions):
        found.append(_parameter("validation_partition", Sequence[Partition | str] | None, None))
        found.append(_parameter("start_from", WarmStart | None, None))
    found.append(_parameter(RANDOM_STATE, int | RandomState | None, 0))
    return found


def declared_parameters(owner: type, without: Collection[str] = ()) -> Iterator[Parameter]:
    """The options of a dataclass that have a default, and help, as parameters."""
    hints = typing.get_type_hints(owner)
    for name, option in options_of(owner).items():
        if option.default is not MISSING and option.help and name not in without:
            default = option.default.value if isinstance(option.default, Enum) else option.default
            yield _parameter(name, _annotation(option, hints[name]), default)


def _parameter(name: str, annotation: Any, default: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _annotation(option: Option, hint: Any) -> Any:
    """The type of a parameter; texts that can be chosen are spelt out."""
    choices = tuple(option.kind.__members__) if issubclass(option.kind, Enum) else option.choices
    if choices is None:
        return hint
    return Literal[(*choices, None)] if option.is_optional else Literal[choices]


def with_parameters(parameters: Sequence[Parameter], *owners: type, **texts: str) -> Callable[[Class], Class]:
    """A decorator that gives an estimator its parameters, as scikit-learn expects: attributes that nothing changes.

    Args:
        owners: dataclasses that declare some of them, and what they are about.
        texts: what others are about.
    """
    signature = inspect.Signature([Parameter("self", Parameter.POSITIONAL_ONLY), *parameters])

    def __init__(self: Any, **given: Any) -> None:
        bound = signature.bind(self, **given)
        bound.apply_defaults()
        for name in list(bound.arguments)[1:]:
            setattr(self, name, bound.arguments[name])

    def decorate(cls: Class) -> Class:
        about = {name: option.help for owner in owners for name, option in options_of(owner).items()} | HELP | texts
        lines = [f"    {each.name}: {about[each.name]}" for each in parameters]
        cls.__doc__ = "\n".join([inspect.cleandoc(cls.__doc__ or ""), "", "Args:", *lines])
        cls.__init__ = __init__
        return cls

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return decorate
