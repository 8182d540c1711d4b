# SPDX-License-Identifier: GPL-3.0-or-later
"""The small data of the tests of commands."""

from tests.cli.conftest import inputs, run_directory, spectrograms

__all__ = ["inputs", "run_directory", "spectrograms"]
