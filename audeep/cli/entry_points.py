# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the kinds of models by name, in the form of entry points: none is imported until it is needed."""

import importlib
from collections.abc import Iterator

from cliff.command import Command
from cliff.commandmanager import EntryPointWrapper

from audeep.models.registry import AUTOENCODER, CONTRASTIVE, FITTED, MODELS, TAGGER, description_of, family_of

FAMILIES = {  # modules in audeep.cli, and classes in them
    AUTOENCODER: {"train": "train:Train", "generate": "models:Generate", "reconstruct": "models:Reconstruct"},
    CONTRASTIVE: {"train": "train:Train", "generate": "models:Generate"},
    FITTED: {"train": "train:TrainFitted", "generate": "models:Generate"},
    TAGGER: {"train": "train:Train", "evaluate": "taggers:Evaluate", "predict": "taggers:Predict"},
}
SPECIAL = {("t-rae", "train"): "TrainTimeAutoencoder"}


class ModelEntryPoint(EntryPointWrapper):
    """A command of a kind of model, in the form of an entry point: the class is made when it is loaded."""

    def __init__(self, kind: str, word: str) -> None:
        super().__init__(f"{kind} {word}", Command)  # type: ignore[type-abstract]
        self.kind = kind
        self.word = word

    def load(self) -> type[Command]:
        """The class of the command."""
        place, _, name = FAMILIES[family_of(self.kind)][self.word].partition(":")
        module = importlib.import_module(f"audeep.cli.{place}")
        base = getattr(module, SPECIAL.get((self.kind, self.word), name))
        what, description = (getattr(module, name).__doc__ or "").strip(), description_of(self.kind)
        text = f"{what} {'an' if description[0] in 'aeiou' else 'a'} {description}."
        return type(base.__name__, (base,), {"kind": self.kind, "__doc__": text, "__module__": module.__name__})


def commands_of(kind: str) -> Iterator[ModelEntryPoint]:
    """The commands of a kind of model.

    Raises:
        ModelError: there is no such kind, or its package cannot be imported.
    """
    for word in FAMILIES[family_of(kind)]:
        yield ModelEntryPoint(kind, word)


def built_in_commands() -> Iterator[ModelEntryPoint]:
    """Those of the kinds of this package, none of which is imported for it."""
    for kind in MODELS.built_in:
        yield from commands_of(kind)
