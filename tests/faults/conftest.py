# SPDX-License-Identifier: GPL-3.0-or-later
"""The small data of the tests of commands, and what holds for all that is refused."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from audeep.errors import AudeepError
from tests.cli.conftest import audeep, inputs, run_directory, spectrograms

__all__ = ["audeep", "inputs", "run_directory", "spectrograms"]


@pytest.fixture
def refused(tmp_path: Path, capfd: pytest.CaptureFixture) -> Callable[..., str]:
    """Calls a function that must raise an `AudeepError` of one line, print nothing, warn of nothing and write nothing.

    Gives the message.
    """

    def call(function: Callable, *args: object) -> str:
        before = sorted(tmp_path.rglob("*"))
        capfd.readouterr()
        with warnings.catch_warnings(record=True) as caught, pytest.raises(AudeepError) as error:
            warnings.simplefilter("always")
            function(*args)
        message = str(error.value)
        assert message.isprintable() and len(message) < 1000, message
        assert [str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)] == []
        assert capfd.readouterr() == ("", "")
        assert sorted(tmp_path.rglob("*")) == before
        return message

    return call
