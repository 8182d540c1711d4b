# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that a user names: importing them runs their code."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from audeep.errors import AudeepError


def module_named(name: str) -> ModuleType:
    """The installed module of a dotted name.

    Raises:
        ImportError: there is none, or it cannot be imported; the text is the reason.
    """
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # a package of somebody else may raise anything
        raise ImportError(one_line(error)) from error


def module_in(path: Path, form: str, kind: type[AudeepError]) -> ModuleType:
    """The module in a file, which is executed.

    Args:
        form: in which the user names it, such as "FILE.py".
        kind: of the errors.

    Raises:
        AudeepError: there is no such file, or running it fails; of type `kind`.
    """
    if not path.is_file():
        raise kind(f"{path}: no such file; {form} must name a Python file")
    spec = importlib.util.spec_from_file_location(f"audeep_file_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise kind(f"{path}: is not a Python file; {form} must name one")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise kind(f"{path}: cannot be run: {one_line(error)}; fix it") from error
    return module


def one_line(error: BaseException) -> str:
    """What was raised by the code of others, in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
