# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of audeep that are compiled at installation; where they are missing, the same work takes longer."""

import importlib.util
import logging
from functools import cache

logger = logging.getLogger(__name__)

COMPILED = ("audeep.audio._spectra", "audeep.models.layers._kernels")


def missing_parts() -> list[str]:
    """The compiled modules that are not installed; none of them, nor the library it belongs to, is imported."""
    return [name for name in COMPILED if importlib.util.find_spec(name) is None]


def parts_in_words() -> str:
    """The state of the compiled parts in one line, for ``--version``."""
    missing = missing_parts()
    return "; ".join(f"{name} {'is missing' if name in missing else 'is there'}" for name in COMPILED)


@cache
def warn_of_missing_parts() -> None:
    """Say, once in a process, that work will be slow because compiled parts are missing."""
    missing = missing_parts()
    if missing:
        logger.warning(
            "%s: not compiled, so this takes much longer; install audeep again where there is a C compiler",
            ", ".join(missing),
        )
