# SPDX-License-Identifier: GPL-3.0-or-later
import importlib
import os
import subprocess
import sys

import pytest

from audeep.errors import ParserError
from audeep.parsers.base import Parser
from audeep.parsers.registry import PARSERS, find_parser, open_parser
from tests.conftest import write_tone

GOOD = """
from audeep.parsers.base import InstanceMetadata, Parser

class Birds(Parser):
    def can_parse(self):
        return any(self.basedir.glob("*/*_*.wav"))

    def parse(self):
        return [InstanceMetadata(path, path.name) for path in sorted(self.basedir.glob("*/*_*.wav"))]
"""


@pytest.fixture
def source(tmp_path, monkeypatch):
    """Writes a Python file that can be named by its path or imported as `birds_of_a_test`."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str):
        path = tmp_path / "birds_of_a_test.py"
        path.write_text(text)
        return path

    yield write
    sys.modules.pop("birds_of_a_test", None)


def one_line(raised) -> str:
    """The message of an error, of which there is one line."""
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    "short, module, name",
    [
        ("meta", "meta", "MetaParser"),
        ("partitioned", "partitioned", "PartitionedParser"),
        ("cross-validated", "cross_validated", "CrossValidatedParser"),
        ("no-metadata", "no_metadata", "NoMetadataParser"),
        ("esc", "esc", "ESCParser"),
        ("dcase", "dcase", "DCASEParser"),
        ("urban-sound-8k", "urban_sound_8k", "UrbanSound8KParser"),
    ],
)
def test_a_parser_has_a_short_a_dotted_and_two_old_names(short, module, name):
    parser_type = getattr(importlib.import_module(f"audeep.parsers.{module}"), name)
    assert short in PARSERS
    for spelling in (
        *(short, f"audeep.parsers.{module}.{name}"),
        *(f"audeep.backend.parsers.{module}.{name}", f"audeep.backend.parsers.{name}"),
    ):
        assert find_parser(spelling) is parser_type


@pytest.mark.slow
def test_an_old_name_is_found_in_a_fresh_process():
    script = (
        "from audeep.parsers.registry import find_parser\n"
        "print(find_parser('audeep.backend.parsers.esc.ESCParser').__module__)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "audeep.parsers.esc\n"


def test_a_parser_may_come_from_a_file_or_a_module(source, grow):
    path = source(GOOD)
    basedir = grow("wren/north_1.wav", "wren/south.wav")
    for name in (f"{path}:Birds", "birds_of_a_test.Birds"):
        parser = open_parser(basedir, name)
        assert type(parser).__name__ == "Birds"
        assert [item.filename for item in parser.parse()] == ["north_1.wav"]


@pytest.mark.slow
def test_a_parser_of_another_distribution_is_found_by_its_entry_point_and_listed(tmp_path, grow):
    basedir = grow("wren/north_1.wav")
    write_tone(basedir / "wren" / "north_1.wav", 440)
    (tmp_path / "birds.py").write_text(GOOD)
    (tmp_path / "birds-1.dist-info").mkdir()
    (tmp_path / "birds-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: birds\nVersion: 1\n")
    entry_points = "[audeep.parsers]\nbirds = birds:Birds\nesc = birds:Birds\nbroken = birds:Nothing\n"
    (tmp_path / "birds-1.dist-info" / "entry_points.txt").write_text(entry_points)

    def run(command: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.getcwd()}", "COLUMNS": "1000"}
        command = [sys.executable, "-m", "audeep", *command.split()]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    shown = run(f"inspect raw --basedir {basedir} --parser birds")
    assert shown.returncode == 0 and "number of audio files" in shown.stdout
    for name in ("nobody", "broken"):
        failed = run(f"-q inspect raw --basedir {basedir} --parser {name}")
        assert failed.returncode == 1 and failed.stderr.count("\n") == 2
        assert "esc: is a parser of audeep, the one of birds:Birds is left out\n" in failed.stderr
    assert "broken: birds:Nothing cannot be imported (AttributeError" in failed.stderr
    assert "compare21, birds, broken, a dotted class name" in run("inspect raw --basedir . --parser nobody").stderr
    assert "compare21, birds, broken), a dotted" in run("inspect raw --help").stdout
    esc = run(f"inspect raw --basedir {basedir} --parser esc")  # a name of ours cannot be taken
    assert "ESCParser is unable to parse it" in esc.stderr


def test_a_file_may_use_deferred_annotations_in_a_dataclass(source):
    imports = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    site = "@dataclass\nclass Site:\n    name: str\n"
    assert find_parser(f"{source(imports + GOOD + site)}:Birds").__name__ == "Birds"


@pytest.mark.parametrize("name", ["nobody", "nowhere.Nobody", "audeep.parsers.nobody.Parser", ".relative.Name", ""])
def test_an_unknown_name_is_answered_with_the_short_ones(name):
    with pytest.raises(ParserError) as raised:
        find_parser(name)
    assert f"there is no parser {name!r}" in one_line(raised)
    assert (
        f"use one of {', '.join(entry.name for entry in PARSERS)}, a dotted class name, or FILE.py:CLASS"
        in one_line(raised)
    )


@pytest.mark.parametrize(
    "text, message",
    [
        ("raise RuntimeError('one\\ntwo')", "RuntimeError: one two"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("import no_such_module_anywhere", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
    ],
)
def test_a_file_or_module_that_fails_says_how(source, text, message):
    path = source(text)
    for name, where in ((f"{path}:Birds", f"{path}: cannot be run: "), ("birds_of_a_test.Birds", "")):
        with pytest.raises(ParserError) as raised:
            find_parser(name)
        assert where + message in one_line(raised).replace("(", "", 1)


@pytest.mark.parametrize(
    "name, message",
    [
        ("Absent", "has no class 'Absent'; check the spelling"),
        ("", "has no class ''; check the spelling"),
        ("NUMBER", "has no class 'NUMBER'; check the spelling"),
        ("Duck", "Duck is not a parser; derive it from audeep.parsers.base.Parser"),
        ("NoQuestion", "NoQuestion has neither can_parse() nor missing(); write one of them"),
        ("NoAnswer", "NoAnswer has neither parse() nor instances(); write one of them"),
    ],
)
def test_what_is_no_parser_in_a_file_says_why(source, name, message):
    path = source(
        "from audeep.parsers.base import Parser\nNUMBER = 1\n"
        "class Duck:\n    def can_parse(self): ...\n    def parse(self): ...\n"
        "class NoQuestion(Parser):\n    def parse(self): ...\n"
        "class NoAnswer(Parser):\n    def can_parse(self): ...\n"
    )
    with pytest.raises(ParserError) as raised:
        find_parser(f"{path}:{name}")
    assert message in one_line(raised)
    assert str(path) in one_line(raised)


def test_a_file_that_is_missing_or_no_python_says_so(tmp_path):
    (tmp_path / "notes.txt").write_text("class Birds: ...")
    with pytest.raises(ParserError, match=r"nowhere\.py: no such file; FILE\.py:CLASS must name a Python file"):
        find_parser(f"{tmp_path}/nowhere.py:Birds")
    with pytest.raises(ParserError, match=r"notes\.txt: is not a Python file"):
        find_parser(f"{tmp_path}/notes.txt:Birds")


def test_a_base_directory_that_is_missing_a_file_or_empty_says_so_before_any_parser_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(Parser, "__init__", lambda *_: pytest.fail("a parser was made"))
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for name, found in (("absent", "no such directory"), ("file", "is a file"), ("empty", "is empty")):
        with pytest.raises(
            ParserError, match=f"{name}: {found}; name the directory of the recordings with basedir=DIR"
        ):
            open_parser(tmp_path / name, "meta")


def test_one_parser_or_one_of_a_file_that_is_unable_says_so_too(source, grow):
    basedir = grow("a.wav")
    with pytest.raises(ParserError, match="ESCParser is unable to parse it; looked for and did not find: directories"):
        open_parser(basedir, "esc")
    with pytest.raises(
        ParserError, match="Birds is unable to parse it; looked for .*: what Birds asks for; use another"
    ):
        open_parser(basedir, f"{source(GOOD)}:Birds")


def test_a_layout_without_recordings_says_so(grow):
    basedir = grow("audio/a.wav", "metadata/UrbanSound8K.csv")
    (basedir / "metadata" / "UrbanSound8K.csv").write_text("slice_file_name,fold,classID,class\n")
    with pytest.raises(ParserError, match="UrbanSound8KParser found no recordings; check the files, or use another"):
        open_parser(basedir, "urban-sound-8k")


def test_two_able_parsers_are_an_error_when_opened(grow):
    basedir = grow("train/a/1.wav", "fold_1/a/1.wav", "fold_2/a/1.wav")
    with pytest.raises(ParserError, match="PartitionedParser and CrossValidatedParser can read it"):
        open_parser(basedir, "meta")
    assert open_parser(str(basedir), "partitioned").num_instances == 1
