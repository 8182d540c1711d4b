# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """Reference numbers and real recordings, in $AUDEEP_SHARED or in `shared` beside the checkout."""
    path = Path(os.environ.get("AUDEEP_SHARED", Path(__file__).parents[2] / "shared"))
    if not path.is_dir():
        pytest.skip(f"{path} is not there; set AUDEEP_SHARED to the folder with reference/ and data/")
    return path


@pytest.fixture(scope="session")
def golden(shared: Path) -> Path:
    """Numbers and files made by auDeep 0.9."""
    return shared / "reference" / "golden"


@pytest.fixture(scope="session")
def esc10(shared: Path) -> Path:
    """The real ESC-10: 400 recordings, 10 classes, 5 folds."""
    return shared / "data" / "ESC-10"
