# SPDX-License-Identifier: GPL-3.0-or-later
"""What `audeep` offers to Python, and that commands are there under their names."""

import pytest

import audeep
from tests.cli.test_application import COMMANDS

OTHER_NAMES = {"import": "import_", "export-model": "export_model"}
SHARED_NAMES = ("train", "generate", "evaluate", "predict")  # of several kinds of models
NAMED = {
    *("preprocess", "t-rae train", "f-rae train", "ft-rae train", "t-rae generate", "f-rae generate"),
    *("ft-rae generate", "mlp evaluate", "mlp predict", "svm predict", "svm evaluate", "extract", "export", "fuse"),
    *("fuse chunks", "import", "modify", "upsample", "validate", "visualize pca", "visualize tsne"),
    *("compare", "reduce", "score", "fuse predictions", "export submission", "export-model", "tag", "classify"),
}


def test_each_public_name_is_there() -> None:
    for name in audeep.__all__:
        assert getattr(audeep, name) is not None
    assert dir(audeep) == sorted(audeep.__all__)


@pytest.mark.parametrize("command", sorted(NAMED))
def test_a_command_has_a_function_of_its_name(command: str) -> None:
    assert command in COMMANDS
    last = command.split()[-1]
    function = getattr(audeep, last if last in SHARED_NAMES else OTHER_NAMES.get(command, command.replace(" ", "_")))
    assert callable(function) and function.__doc__
