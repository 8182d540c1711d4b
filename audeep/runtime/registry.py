# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of things that are imported when they are asked for: built in, or brought by other packages.

A package brings some by entry points: in the group of a registry, the name, and ``module:Class`` where it is.
"""

import importlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from stevedore import NamedExtensionManager

from audeep.errors import AudeepError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A name, and what it stands for.

    Attributes:
        target: ``module:Class``.
        family: what sort of thing it is; empty where the class itself tells, because another package brings it.
        description: one line; likewise.
    """

    name: str
    target: str
    family: str = ""
    description: str = ""

    def load(self) -> object:
        """Import it.

        Raises:
            Exception: whatever its module raises.
        """
        module, _, attribute = self.target.partition(":")
        return getattr(importlib.import_module(module), attribute)


class Registry:
    """Names of one sort of thing.

    Args:
        group: of the entry points.
        what: a name stands for ("model").
        built_in: what this package brings; such a name cannot be taken by others.
        error: to raise for a name that is not there, or cannot be imported.
    """

    def __init__(self, group: str, what: str, built_in: Sequence[Entry], error: type[AudeepError]) -> None:
        self.group = group
        self.what = what
        self.built_in: Mapping[str, Entry] = {entry.name: entry for entry in built_in}
        self.error = error

    @cached_property
    def installed(self) -> Mapping[str, Entry]:
        """What other packages bring, sorted by name."""
        points = NamedExtensionManager(self.group, []).list_entry_points()  # which stevedore keeps between runs
        found = sorted(points, key=lambda point: (point.name, point.value))
        for point in found:
            if point.name in self.built_in:
                logger.warning("%s: is a %s of audeep, the one of %s is left out", point.name, self.what, point.value)
        return {point.name: Entry(point.name, point.value) for point in found if point.name not in self.built_in}

    def __iter__(self) -> Iterator[Entry]:
        yield from self.built_in.values()
        yield from self.installed.values()

    def __contains__(self, name: object) -> bool:
        return name in self.built_in or name in self.installed

    def find(self, name: str) -> Entry:
        """The entry of a name.

        Raises:
            AudeepError: there is none; of the type that the registry was made with.
        """
        entry = self.built_in.get(name) or self.installed.get(name)
        if entry is None:
            known = ", ".join(each.name for each in self)
            raise self.error(f"{name}: is not a {self.what}; choose one of {known}")
        return entry

    def load(self, name: str) -> object:
        """What a name stands for.

        Raises:
            AudeepError: there is no such name, or its package cannot be imported.
        """
        entry = self.find(name)
        try:
            return entry.load()
        except Exception as error:  # a package of somebody else may raise anything
            if name in self.built_in:
                raise
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise self.error(f"{name}: {entry.target} cannot be imported ({reason}); repair its package") from error
