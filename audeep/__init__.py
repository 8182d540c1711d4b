# SPDX-License-Identifier: GPL-3.0-or-later
"""Unsupervised representation learning from audio with recurrent sequence to sequence autoencoders."""

from importlib import import_module
from typing import Any

__version__ = "1.0.0.dev0"

_HOMES = {
    "DataSet": "audeep.data.data_set",
    "Partition": "audeep.data.schema",
    "Split": "audeep.data.schema",
    "load": "audeep.data.data_set",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    """Import public names when they are first used, so that `import audeep` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'audeep' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
