# SPDX-License-Identifier: GPL-3.0-or-later
"""The small data of the tests of commands."""

from tests.cli.conftest import run_directory, spectrograms

__all__ = ["run_directory", "spectrograms"]
