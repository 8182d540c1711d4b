# SPDX-License-Identifier: GPL-3.0-or-later
"""The front ends. A new one is a line here, or an entry point in the group `audeep.front_ends` of another package.

From its class follow the options of `audeep preprocess --front-end NAME`, and what data sets and models remember, so
that `extract`, HEAR and the estimators make the same of new recordings.
"""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from audeep.errors import OptionError
from audeep.runtime.options import from_json
from audeep.runtime.registry import Entry, Registry

if TYPE_CHECKING:
    from audeep.audio.front_ends.base import FrontEnd

MEL = "mel"  # what is meant where none is named
FRONT_END = "front_end"  # the name among remembered settings

FRONT_ENDS = Registry(
    "audeep.front_ends",
    "front end",
    [
        Entry(MEL, "audeep.audio.front_ends.mel:Preprocessor", description="normalised power or mel spectrograms"),
        Entry(
            *("perceptual-mel", "audeep.audio.front_ends.perceptual_mel:PerceptualMel"),
            description="mel bands of A-weighted decibels",
        ),
        Entry("log-bands", "audeep.audio.front_ends.log_bands:LogBands", description="logarithm of bands of octaves"),
        Entry("log-mel", "audeep.audio.front_ends.log_mel:LogMel", description="logarithm of mel bands"),
        Entry("mfcc", "audeep.audio.front_ends.mfcc:Mfcc", description="mel-frequency cepstral coefficients"),
        Entry("waveform", "audeep.audio.front_ends.waveform:Waveform", description="the samples themselves"),
    ],
    OptionError,
)


def front_end_type_of(name: str) -> "type[FrontEnd]":
    """The class of a front end.

    Raises:
        OptionError: there is none of this name, or what another package brings is not a front end.
    """
    from audeep.audio.front_ends.base import FrontEnd

    found = FRONT_ENDS.load(name)
    if not isinstance(found, type) or not issubclass(found, FrontEnd) or not is_dataclass(found):
        raise OptionError(
            f"{name}: {FRONT_ENDS.find(name).target} is not a front end; derive a dataclass from FrontEnd"
        )
    return found


def name_of(front_end: "FrontEnd") -> str:
    """The name that the class of a front end, or the class it is derived from, has.

    Raises:
        OptionError: it is not registered.
    """
    for each in type(front_end).__mro__:
        for entry in FRONT_ENDS.built_in.values():
            if entry.target == f"{each.__module__}:{each.__qualname__}":
                return entry.name
    for entry in FRONT_ENDS.installed.values():
        found = FRONT_ENDS.load(entry.name)
        if isinstance(found, type) and isinstance(front_end, found):
            return entry.name
    raise OptionError(
        f"{type(front_end).__qualname__}: is not a front end that is known; bring it by an entry point in the group"
        f" {FRONT_ENDS.group}"
    )


def settings_of(front_end: "FrontEnd") -> dict[str, Any]:
    """What data sets and models remember of a front end: its name, unless it is `MEL`, and its options."""
    name, options = name_of(front_end), asdict(front_end)  # type: ignore[call-overload]  # all are dataclasses
    return options if name == MEL else {FRONT_END: name, **options}


def front_end_of(settings: Mapping[str, Any]) -> "FrontEnd":
    """The front end whose settings are remembered.

    Raises:
        OptionError: it is unknown, or the settings do not fit.
    """
    options = dict(settings)
    name = options.pop(FRONT_END, MEL)
    if not isinstance(name, str):
        raise OptionError(f"{FRONT_END}={name!r}: expected the name of a front end")
    return from_json(front_end_type_of(name), options)
