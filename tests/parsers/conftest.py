# SPDX-License-Identifier: GPL-3.0-or-later
"""Small directory trees; parsers look at names only, so the recordings are empty files."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def grow(tmp_path: Path) -> Callable[..., Path]:
    """Makes empty files with the given names below a base directory, and returns that directory."""

    def grow(*names: str) -> Path:
        for name in names:
            path = tmp_path / "base" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "base"

    return grow
