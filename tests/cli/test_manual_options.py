# SPDX-License-Identifier: GPL-3.0-or-later
"""Each option in the manual of auDeep 0.9 is there, with its default: `manual_options.tsv` is what the manual lists.

A default is "required", "none", "flag" (off unless given), or a value.
"""

import argparse
import csv
from pathlib import Path

import pytest

from audeep.cli.app import AudeepApp
from tests.cli.test_application import COMMANDS

with open(Path(__file__).parent / "manual_options.tsv", encoding="utf-8", newline="") as _table:
    LISTED = list(csv.DictReader(_table, delimiter="\t"))

NOW_OPTIONAL = {("svm evaluate", "--complexity"), ("svm predict", "--complexity")}  # which the manual required


def parser_of(command: str) -> argparse.ArgumentParser:
    return AudeepApp().command_parser(command)


@pytest.mark.parametrize("row", LISTED, ids=lambda row: f"{row['command']} {row['option']}")
def test_the_option_has_its_default(row):
    actions = {name: action for action in parser_of(row["command"])._actions for name in action.option_strings}
    action = actions[row["option"]]
    if (row["command"], row["option"]) in NOW_OPTIONAL:
        assert not action.required and action.default == [0.001, 0.01, 0.1]
        return
    assert action.required == (row["default"] == "required")
    if row["default"] == "flag":
        assert action.nargs == 0 and action.default is False
    elif row["default"] in ("required", "none"):
        assert action.default is None
    else:
        assert str(action.default) == row["default"]


def test_options_that_take_several_values_do():
    for command, option in (
        *((f"{kind} train", "--input") for kind in ("t-rae", "f-rae", "ft-rae")),
        *((f"{kind} generate", "--output") for kind in ("t-rae", "f-rae", "ft-rae")),
        ("t-rae generate", "--steps"),
        ("svm evaluate", "--train-partitions"),
        ("svm evaluate", "--eval-partitions"),
        ("mlp predict", "--train-partitions"),
        ("upsample", "--partitions"),
        ("modify", "--add-partitioning"),
        ("fuse", "--input"),
    ):
        (action,) = (action for action in parser_of(command)._actions if option in action.option_strings)
        assert action.nargs == "+", (command, option)


def test_the_manual_lists_each_command_but_the_new_ones():
    new = {
        *("extract", "report", "run", "visualize pca", "visualize tsne"),
        *("visualize classes", "visualize lengths", "visualize waveform", "visualize curves", "visualize rounds"),
        *(
            "compare",
            "reduce",
            "score",
            "fuse predictions",
            "export submission",
            "export-model",
            "tag",
            "classify",
            "svm fit",
            "mlp fit",
        ),
        *(f"{kind} reconstruct" for kind in ("t-rae", "f-rae", "ft-rae")),
    }
    assert set(COMMANDS) - {row["command"] for row in LISTED} == new


@pytest.mark.parametrize("option", ["-v", "--verbose", "-q", "--quiet", "--log-file", "-h", "--help", "--version"])
def test_options_common_to_all_commands_are_there(option):
    parser = AudeepApp().build_option_parser("", "")
    assert any(option in action.option_strings for action in parser._actions)
