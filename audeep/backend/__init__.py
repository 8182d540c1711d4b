# SPDX-License-Identifier: GPL-3.0-or-later
"""Import paths of auDeep 0.9, for scripts and parsers that were written for it; nothing lives here.

Each old module is an empty one whose names are imported from their new homes when they are first used.
"""

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_PARSERS = {
    module: {name: f"audeep.parsers.{'compare' if module.startswith('compare') else module}.{name}"}
    for module, name in (
        ("meta", "MetaParser"),
        ("no_metadata", "NoMetadataParser"),
        ("dcase", "DCASEParser"),
        ("esc", "ESCParser"),
        ("partitioned", "PartitionedParser"),
        ("cross_validated", "CrossValidatedParser"),
        ("urban_sound_8k", "UrbanSound8KParser"),
        ("compare18_atypical_affect", "Compare18AtypicalAffectParser"),
        ("compare18_crying", "Compare18CryingParser"),
        ("compare18_heartbeat", "Compare18HeartbeatParser"),
        ("compare18_sas", "Compare18SASParser"),
        ("compare19_bs", "Compare19BSParser"),
        ("compare19_cs", "Compare19CSParser"),
        ("compare19_oa", "Compare19OAParser"),
        ("compare19_sd", "Compare19SDParser"),
        ("compare20_elderly", "Compare20ElderlyParser"),
        ("compare20_mask", "Compare20MaskParser"),
        ("compare21", "Compare21Parser"),
    )
}
_PARSERS["base"] = {
    "Parser": "audeep.parsers.base.Parser",
    "_InstanceMetadata": "audeep.parsers.base.InstanceMetadata",
}

HOMES = {
    "log": {"LoggingMixin": "audeep.parsers.base.LoggingMixin"},
    "parsers": {name: home for names in _PARSERS.values() for name, home in names.items()},
    **{f"parsers.{module}": names for module, names in _PARSERS.items()},
    "parsers.dcase18_task4": {"DCASEParser": "audeep.parsers.dcase.DCASE18Task4Parser"},
    "data": {},
    "data.data_set": {
        "DataSet": "audeep.data.data_set.DataSet",
        "Partition": "audeep.data.schema.Partition",
        "Split": "audeep.data.schema.Split",
        "concat_chunks": "audeep.data.combine.fuse_chunks",
        "concat_features": "audeep.data.combine.fuse",
        "concat_instances": "audeep.data.combine.concat_instances",
        "empty": "audeep.data.data_set.empty",
        "load": "audeep.data.data_set.load",
    },
}


class _OldModule(ModuleType):
    """A module of auDeep 0.9."""

    def __init__(self, name: str, homes: dict[str, str]) -> None:
        super().__init__(name, f"Import path of auDeep 0.9 for {', '.join(homes)}.")
        self.__path__ = []
        self.__spec__ = ModuleSpec(name, None, is_package=True)
        self._homes = homes

    def __getattr__(self, name: str) -> Any:
        if name not in self.__dict__.get("_homes", {}):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        module, _, attribute = self._homes[name].rpartition(".")
        return getattr(importlib.import_module(module), attribute)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._homes]


for _name, _homes in HOMES.items():
    _module = _OldModule(f"{__name__}.{_name}", _homes)
    sys.modules[_module.__name__] = _module
    _parent, _, _child = _module.__name__.rpartition(".")
    setattr(sys.modules[_parent], _child, _module)
