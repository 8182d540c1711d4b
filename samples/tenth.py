# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsers that leave all but a tenth of a data set out, for trying an experiment: one for each layout that is needed.

audeep run samples/esc-10.toml --parser samples/tenth.py:Tenth_esc ...
"""

from collections import Counter
from collections.abc import Iterator

from audeep.parsers.base import InstanceMetadata, Parser
from audeep.parsers.registry import find_parser


def tenth_of(layout: str) -> type[Parser]:
    """A parser for `layout` (a short name) that keeps every tenth recording of each class in each fold."""

    class Tenth(find_parser(layout)):
        def instances(self) -> Iterator[InstanceMetadata]:
            seen: Counter = Counter()
            for item in super().instances():
                group = (item.label_nominal, tuple(item.cv_folds))
                if seen[group] % 10 == 0:
                    yield item
                seen[group] += 1

    return Tenth


Tenth_esc, Tenth_dcase, Tenth_gtzan = map(tenth_of, ("esc", "dcase", "gtzan"))
