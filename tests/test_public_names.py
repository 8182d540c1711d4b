# SPDX-License-Identifier: GPL-3.0-or-later
"""What `audeep` offers to Python, and that each command is there under its name."""

import audeep
from tests.cli.test_application import COMMANDS

SAME = {"import": "import_", "mlp evaluate": "evaluate", "svm evaluate": "evaluate"}
SAME |= {"mlp predict": "predict", "svm predict": "predict"}
SAME |= {f"{kind} {word}": word for kind in ("t-rae", "f-rae", "ft-rae") for word in ("train", "generate")}


def test_each_public_name_is_there():
    for name in audeep.__all__:
        assert getattr(audeep, name) is not None
    assert dir(audeep) == sorted(audeep.__all__)


def test_each_command_has_a_function_of_its_name():
    shown = {command for command in COMMANDS if command.startswith("inspect") or command in ("complete", "help")}
    for command in set(COMMANDS) - shown:
        function = getattr(audeep, SAME.get(command, command.replace(" ", "_")))
        assert callable(function) and function.__doc__
