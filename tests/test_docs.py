# SPDX-License-Identifier: GPL-3.0-or-later
"""The user guide builds without warnings, and is complete."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from audeep.cli.app import main
from tests.cli.test_application import COMMANDS
from tests.cli.test_manual_options import parser_of

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as HTML."""
    for module in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(module, reason="the extra 'docs' is not installed")
    output = tmp_path_factory.mktemp("guide")
    build = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", DOCS, output],
        capture_output=True,
        text=True,
    )
    assert build.returncode == 0 and build.stderr == "", build.stderr
    return output


def test_each_page_is_built(guide):
    sources = {path.stem for path in DOCS.glob("*.md") if not path.stem.startswith("_")}
    assert sources <= {path.stem for path in guide.glob("*.html")}


def test_each_command_and_each_of_its_options_is_described(guide):
    text = (guide / "commands.html").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"<h2>{command}<a" in text
        for action in parser_of(command)._actions:
            names = action.option_strings or [action.metavar]
            assert any(f">{name}</span>" in text for name in names) or action.dest == "help"
    assert "%(default)s" not in text


def test_each_difference_in_the_changelog_is_a_page_of_its_own(guide):
    changelog = (DOCS.parent / "CHANGELOG.md").read_text(encoding="utf-8").partition("### Differs from auDeep 0.9")[2]
    text = (guide / "differences.html").read_text(encoding="utf-8")
    assert text.count("<li><p>") == changelog.count("\n- ") > 20


def test_each_example_of_the_page_on_python_runs(recordings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recordings").symlink_to(recordings)
    page = (DOCS / "python.md").read_text(encoding="utf-8")
    names = {}
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", page, re.DOTALL):
        if language == "python":
            exec(compile(block, "docs/python.md", "exec"), names)
        else:
            for line in block.splitlines():
                assert main(["-q", *shlex.split(line)[1:]]) == 0
    assert names["scores"].mean() >= 0.5 and names["again"].get_params()["num_units"] == 16
    assert len(names["scenes"]) == 2 and names["milliseconds"].max() == 3000
    assert names["evaluation"].accuracies.shape == (1, 3) and not any(names["violations"])
