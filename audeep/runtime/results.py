# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of a command for other programs: a JSON file with all that is needed to tell how they came about."""

import json
from pathlib import Path
from typing import Any

from audeep import __version__
from audeep.errors import ModelError
from audeep.runtime.files import not_read, replacing

SETTINGS_NAME = "settings.json"  # what a training keeps of its options beside its models
LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "pandas", "xarray", "netCDF4")


def write_results(path: Path, command: str, settings: dict[str, Any], results: dict[str, Any]) -> None:
    """Write the name of a command, its options, versions, and its results in plain Python without NaN.

    Raises:
        OutputError: `path` cannot be written.
    """
    import platform
    from importlib.metadata import version

    versions = {"audeep": __version__, "python": platform.python_version()}
    versions |= {library: version(library) for library in LIBRARIES}
    content = {"command": command, "settings": settings, "versions": versions, **results}
    text = json.dumps(content, indent=1, allow_nan=False, default=str)
    with replacing(path) as partial:
        partial.write_text(f"{text}\n", encoding="utf-8")


def read_settings(path: Path) -> dict[str, Any]:
    """What training wrote of its options, with `settings` and `versions`; nothing if an older version trained.

    Raises:
        ModelError: the file is damaged.
    """
    if not path.exists():
        return {}
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(content[key], dict) for key in ("settings", "versions")):
            raise TypeError("settings and versions are not objects")
    except OSError as error:
        raise ModelError(not_read(path, error)) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{path}: has no settings of a training ({reason}); restore it from a backup, or remove it"
        ) from error
    return content
