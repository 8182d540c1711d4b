# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that are declared on the fields of dataclasses, and messages in terms of them."""

import argparse
import logging
from dataclasses import dataclass
from enum import Enum

import pytest

from audeep.cli.flags import as_flags, speaking_flags
from audeep.cli.options import add_declared, declared_values
from audeep.errors import OptionError
from audeep.runtime.options import check_options, from_json, option, options_of
from audeep.training.options import ContrastiveOptions


class Side(str, Enum):
    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True)
class Settings:
    size: int  # which no command has
    num_units: int = option(16, "cells in each layer", least=1, metavar="UNITS")
    share: float = option(0.5, "a share", above=0, most=1, aliases=("part",))
    cell: str = option("GRU", "kind of cell", choices=("GRU", "LSTM"))
    side: Side = option(Side.LEFT, "which side")
    limit: float | None = option(None, "an upper limit")
    is_quick: bool = option(False, "be quick")

    def __post_init__(self) -> None:
        check_options(self)


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_declared(parser, Settings)
    return parser


def test_declared_options_have_flags_defaults_and_help(parser: argparse.ArgumentParser) -> None:
    assert declared_values(parser.parse_args([]), Settings) == {
        **{"num_units": 16, "share": 0.5, "cell": "GRU", "side": Side.LEFT, "limit": None, "is_quick": False}
    }
    given = parser.parse_args("--num-units 3 --part 1 --cell lstm --side right --limit -2 --is-quick".split())
    made = Settings(5, **declared_values(given, Settings))
    assert made == Settings(5, num_units=3, share=1.0, cell="LSTM", side=Side.RIGHT, limit=-2.0, is_quick=True)
    assert "--num-units UNITS" in parser.format_help() and "cells in each layer (default: 16)" in parser.format_help()


@pytest.mark.parametrize(
    "given, expected",
    [
        ("--num-units 0", "'0' found, expected an integer >= 1"),
        ("--num-units 1.5", "'1.5' found, expected an integer >= 1"),
        ("--share 0", "'0' found, expected a number > 0 and <= 1"),
        ("--share nan", "'nan' found, expected a number > 0 and <= 1"),
        ("--cell RNN", "'RNN' found, expected one of GRU, LSTM"),
        ("--side up", "'up' found, expected one of LEFT, RIGHT"),
    ],
)
def test_a_command_refuses_what_is_beyond_the_limits(parser, given: str, expected: str) -> None:
    with pytest.raises(argparse.ArgumentError, match=expected):
        parser.parse_args(given.split())


@pytest.mark.parametrize(
    "values, expected",
    [
        ({"num_units": 0}, "num_units=0: expected an integer >= 1"),
        ({"num_units": True}, "num_units=True: expected an integer >= 1"),
        ({"num_units": 2**60}, "expected an integer >= 1"),
        ({"share": "half"}, "share='half': expected a number > 0 and <= 1"),
        ({"share": float("inf")}, "share=inf: expected a number > 0 and <= 1"),
        ({"cell": "RNN"}, "cell='RNN': expected one of GRU, LSTM"),
        ({"side": "up"}, "side='up': expected one of LEFT, RIGHT"),
        ({"is_quick": "no"}, "is_quick='no': expected True or False"),
        ({"size": -1}, "size=-1: expected an integer >= 0"),
        ({"extra": 1}, "extra: is unknown"),
    ],
)
def test_the_library_and_a_file_refuse_the_same(values: dict, expected: str) -> None:
    with pytest.raises(OptionError) as refused:
        from_json(Settings, {"size": 1, **values})
    assert expected in str(refused.value)


def test_a_file_must_have_what_has_no_default() -> None:
    assert from_json(Settings, {"size": 2, "share": 1}) == Settings(2, share=1.0)
    with pytest.raises(OptionError, match="size: is missing"):
        from_json(Settings, {})
    with pytest.raises(OptionError, match="an object with size, num_units"):
        from_json(Settings, [1])
    assert options_of(Settings)["limit"].is_optional


FLAGS = {"num_units": "--num-units", "resume": "--continue", "cell": "--cell", "num": "--num"}


@pytest.mark.parametrize(
    "text, expected",
    [
        ("num_units=0: expected an integer >= 1", "--num-units 0: expected an integer >= 1"),
        ("cell='RNN': expected GRU or LSTM", "--cell 'RNN': expected GRU or LSTM"),
        ("go on with resume=True, or not", "go on with --continue, or not"),
        ("resample with sample_rate=HZ", "resample with sample_rate=HZ"),
        ("/data/cell=2/num=3.wav: is silent", "/data/cell=2/num=3.wav: is silent"),
        ("num=3 and num_units=4;", "--num 3 and --num-units 4;"),
    ],
)
def test_parameters_become_flags(text: str, expected: str) -> None:
    assert as_flags(text, FLAGS) == expected


def test_errors_and_logs_of_a_command_name_flags(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(OptionError, match="^--cell 3: "), speaking_flags(FLAGS):
        logging.getLogger("audeep").warning("num_units=%d has no effect", 3)
        raise OptionError("cell=3: expected text")
    assert caplog.messages == ["--num-units 3 has no effect"]


def test_a_default_that_a_kind_changes_is_the_one_that_its_help_tells() -> None:
    parser = argparse.ArgumentParser()
    add_declared(parser, ContrastiveOptions, ["crop_frames", "clamp_min", "mask_value"])
    help = " ".join(parser.format_help().split())
    for default in ("(default: 96)", "(default: -1.0)", "(default: -0.4)"):
        assert help.count(default) == 1, help
    assert help.count("(default:") == 3, help
