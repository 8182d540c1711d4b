# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsers for the parts of FSDKaggle2018 and FSDKaggle2019, which are trained and tested on apart.

audeep preprocess --parser samples/fsdkaggle.py:Noisy ...

Those called Few... leave all but some recordings of each label out, for trying a script.
"""

from collections import Counter
from collections.abc import Iterator

from audeep.parsers.base import InstanceMetadata
from audeep.parsers.fsdkaggle import FSDKaggle2018Parser, FSDKaggle2019Parser

NUM_FEW = 3  # of each label, verified and not


class Train(FSDKaggle2018Parser):
    """What FSDKaggle2018 has for training."""

    parts = FSDKaggle2018Parser.parts[:1]


class Test(FSDKaggle2018Parser):
    """The test set of FSDKaggle2018."""

    parts = FSDKaggle2018Parser.parts[1:]


class Curated(FSDKaggle2019Parser):
    """What FSDKaggle2019 has for training with labels that were checked."""

    parts = FSDKaggle2019Parser.parts[:1]


class Noisy(FSDKaggle2019Parser):
    """What FSDKaggle2019 has for training with labels that were not."""

    parts = FSDKaggle2019Parser.parts[1:2]


class Test2019(FSDKaggle2019Parser):
    """The test set of FSDKaggle2019."""

    parts = FSDKaggle2019Parser.parts[2:]


def few_of(parser: type) -> type:
    """A parser that leaves recordings out once there are a few of each of their labels."""

    class Few(parser):
        def instances(self) -> Iterator[InstanceMetadata]:
            found, seen, kept = list(super().instances()), Counter(), set()
            for item in sorted(found, key=lambda item: item.filename[::-1]):  # not those of one group or fold
                labels = (item.label_nominal,) if item.label_set is None else item.label_set
                kinds = [(label, item.verified) for label in labels]
                if any(seen[kind] < NUM_FEW for kind in kinds):
                    kept.add(item.path)
                    seen.update(kinds)
            yield from (item for item in found if item.path in kept)

    return Few


FewTrain, FewTest, FewCurated, FewNoisy, FewTest2019 = map(few_of, (Train, Test, Curated, Noisy, Test2019))
