# SPDX-License-Identifier: GPL-3.0-or-later
"""The user guide builds without warnings, is complete, and its links and examples work."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import audeep
from audeep.cli.app import AudeepApp, main
from audeep.errors import ModelError, OptionError, ParserError
from audeep.models.base import Autoencoder, NetworkConfig
from audeep.models.registry import MODELS
from audeep.parsers.base import Parser
from audeep.parsers.registry import PARSERS
from audeep.runtime.options import option, options_of
from audeep.runtime.registry import Entry, Registry
from tests.cli.test_application import COMMANDS
from tests.cli.test_manual_options import parser_of
from tests.support.sharing import made_once

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FOLDERS = ("tutorials", "how-to", "reference", "explanation", "development")
PAGES = sorted(path for path in DOCS.rglob("*.md") if not path.name.startswith("_"))
ALL_COMMANDS = {name for name, _ in AudeepApp().command_manager}
FRONT = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as HTML."""
    for module in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(module, reason="the extra 'docs' is not installed")
    return made_once(tmp_path_factory, "guide", build)


def build(output: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", DOCS, output]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0 and run.stderr == "", run.stderr


@pytest.fixture(scope="module")
def configuration() -> ModuleType:
    """docs/conf.py."""
    spec = importlib.util.spec_from_file_location("conf", DOCS / "conf.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_page_is_built_and_stands_in_one_of_the_folders(guide):
    sources = {path.relative_to(DOCS).with_suffix("").as_posix() for path in PAGES}
    assert sources <= {path.relative_to(guide).with_suffix("").as_posix() for path in guide.rglob("*.html")}
    assert {source.partition("/")[0] for source in sources} == {"index", *FOLDERS}


@pytest.mark.parametrize("page", PAGES + FRONT, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_link_to_a_file_leads_to_one(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    assert [target for target in targets if not (page.parent / target.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("page", PAGES + FRONT, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_file_of_the_project_that_a_page_names_is_there(page):
    text = page.read_text(encoding="utf-8")
    paths = re.findall(r"(?<![\w/])((?:audeep|benchmarks|docs|samples|tests)/[\w./*-]*\w(?:\.\w+)?)", text)
    built = ("docs/_build",)
    assert [path for path in paths if not path.startswith(built) and not any(ROOT.glob(path))] == []


@pytest.mark.parametrize("page", PAGES + FRONT, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_link_to_a_section_leads_to_one_on_github_too(page):
    text = page.read_text(encoding="utf-8")
    for target, section in re.findall(r"\]\((?!https?:)([\w/.-]+\.md|)#([\w-]+)\)", text):
        source = (page.parent / target if target else page).read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.*)", source, re.MULTILINE)
        sections = {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in headings}
        assert section in sections or "```{include}" in source, (target, section)


def test_the_tree_on_the_architecture_page_is_that_of_the_package():
    page = (DOCS / "development" / "architecture.md").read_text(encoding="utf-8")
    lines = page.partition("## The tree\n\n```\naudeep/\n")[2].partition("\ntests/")[0].splitlines()
    folders, drawn = [], set()
    for line in lines:
        depth = (len(line) - len(line.lstrip())) // 2
        names = re.split(r" {2,}", line.strip())[0].split(", ")
        folders[depth - 1 :] = [names[0]] if names[0].endswith("/") else []
        path = "".join(folders[: depth - 1])
        drawn |= {path + name + (".py" if "." not in name else "") for name in names if not name.endswith("/")}
    package = ROOT / "audeep"
    sources = [path for path in package.rglob("*.*") if path.suffix in (".py", ".c", ".h")]
    modules = {path.relative_to(package).as_posix() for path in sources}
    assert drawn - {"__init__.pyi"} == {path for path in modules if path == "__init__.py" or "/__init__" not in path}


def test_each_command_and_each_of_its_options_is_described(guide):
    text = (guide / "reference" / "commands.html").read_text(encoding="utf-8")
    assert set(COMMANDS) < ALL_COMMANDS
    for command in ALL_COMMANDS - {"complete", "help"}:
        assert f"<h2>{command}<a" in text
        for action in parser_of(command)._actions:
            names = action.option_strings or [action.metavar]
            assert any(f">{name}</span>" in text for name in names) or action.dest == "help"
    assert "%(default)s" not in text


def test_each_kind_of_model_and_each_of_its_options_is_described(guide):
    text = (guide / "reference" / "models.html").read_text(encoding="utf-8")
    for entry in MODELS:
        section = text.partition(f"<h2>{entry.name}<a")[2].partition("<h2>")[0]
        plain = re.sub("<[^>]*>", "", section)
        network: Any = entry.load()
        assert entry.description in plain.lower() and f"{entry.name} train" in plain
        assert f"{network.__module__}.{network.__name__}" in plain
        for name, each in options_of(network.config_type).items():
            assert not each.help or f">{name}</span>" in section


def test_each_parser_is_described(guide):
    text = (guide / "reference" / "parsers.html").read_text(encoding="utf-8")
    for entry in PARSERS:
        year, _, corpus = entry.name.partition("-")
        names = (f"{year}-...", corpus) if entry.name.startswith("compare") and corpus else (entry.name,)
        assert all(f">{name}</span>" in text for name in names), entry.name


class ToyParser(Parser):
    """One folder per toy."""


def test_a_parser_from_another_package_is_described(configuration):
    registry = Registry("audeep.none", "parser", [], ParserError)
    assert list(configuration.added_parsers(registry)) == []
    registry.installed = {"toys": Entry("toys", f"{__name__}:ToyParser")}
    assert list(configuration.added_parsers(registry))[-1] == "| `toys` | One folder per toy. |"


def test_each_public_name_is_described(guide):
    text = "".join((guide / "reference" / page).read_text(encoding="utf-8") for page in ("python.html", "models.html"))
    for name in set(audeep.__all__) - {"__version__"}:
        value = getattr(audeep, name)
        assert f"audeep.{name}<" in text and f'id="{value.__module__}.{value.__qualname__}"' in text


@dataclass(frozen=True)
class ToyConfig(NetworkConfig):
    width: float = option(2.0, "how wide it is", least=1, most=8)


class Toy(Autoencoder):
    """Autoencoder that another package brings."""

    config_type = ToyConfig


def test_a_kind_of_model_from_another_package_is_described_with_its_options_and_limits(configuration):
    registry = Registry("audeep.none", "model", [Entry("toy", f"{__name__}:Toy")], ModelError)
    (section,) = configuration.model_sections(registry, ["fuse", "toy generate", "toy train"])
    assert section.startswith("## toy\n\nAutoencoder that another package brings; one embedding per recording.")
    assert "Commands: `toy generate`, `toy train`." in section
    assert "`width`\n: how wide it is (a number >= 1 and <= 8; default: 2.0)" in section
    assert f".. autoclass:: {__name__}.Toy\n" in section and f".. autoclass:: {__name__}.ToyConfig\n" in section


def test_the_page_of_differences_has_each_line_of_the_changelog(guide):
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    parts = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", changelog, re.DOTALL | re.MULTILINE))
    assert list(parts) == ["Added", "Changed", "Fixed"] and (parts["Changed"] + parts["Fixed"]).count("\n- ") > 20
    text = (guide / "explanation" / "differences.html").read_text(encoding="utf-8")
    assert text.count("<li><p>") == changelog.count("\n- ")


def commands_in(page: Path) -> list[list[str]]:
    """The command lines of audeep in the shell blocks of a page, as words."""
    blocks = "".join(re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
    lines = [line.partition("| ")[2] or line for line in blocks.replace("\\\n", " ").splitlines()]
    words = [shlex.split(line.partition(" > ")[0].replace("-q ", ""), comments=True) for line in lines]
    return [line for line in words if line[:1] == ["audeep"] and len(line) > 2]


@pytest.mark.parametrize("page", PAGES + FRONT, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_command_line_of_a_page_is_accepted(page):
    refused = []
    for _, *words in commands_in(page):
        if words[0] not in ("help", "dense"):  # the latter is the example of another package, which runs below
            command = max((name for name in ALL_COMMANDS if words[: len(name.split())] == name.split()), key=len)
            options = [word.replace("$KEEP", "1").replace("$SEED", "1") for word in words[len(command.split()) :]]
            try:
                parser_of(command).parse_args(options)
            except OptionError as error:
                refused.append(str(error))
    assert refused == []


def test_command_lines_are_found_in_the_pages():
    assert sum(len(commands_in(page)) for page in PAGES + FRONT) > 50


def run_examples(page: str) -> dict[str, Any]:
    """Run the Python blocks, and the commands, of a page; its names in Python."""
    names: dict[str, Any] = {}
    text = (DOCS / page).read_text(encoding="utf-8")
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", text, re.DOTALL):
        if language == "python":
            exec(compile(block, f"docs/{page}", "exec"), names)
        else:
            for line in block.splitlines():
                assert main(["-q", *shlex.split(line)[1:]]) == 0
    return names


@pytest.fixture
def in_folder(recordings, tmp_path, monkeypatch):
    """Work in a folder with the directory `recordings`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recordings").symlink_to(recordings)


def test_the_examples_of_the_page_on_scikit_learn_run(in_folder):
    names = run_examples("how-to/scikit-learn.md")
    assert names["scores"].mean() >= 0.5 and names["again"].get_params()["num_units"] == 16


def test_the_examples_of_the_page_on_hear_run(in_folder):
    names = run_examples("how-to/hear.md")
    assert len(names["scenes"]) == 2 and names["milliseconds"].max() == 3000


def test_the_examples_of_the_page_on_functions_run(in_folder):
    names = run_examples("how-to/python-functions.md")
    assert names["evaluation"].accuracies.shape == (2, 3) and not any(names["violations"])
    assert len(names["train"]) + len(names["valid"]) == len(names["embeddings"])


def test_the_example_of_another_package_brings_its_model_and_parser(recordings, tmp_path):
    page = (DOCS / "development" / "architecture.md").read_text(encoding="utf-8").partition("## Add a model")[2]
    package, code, commands = (
        re.search(f"```{kind}\n(.*?)```", page, re.DOTALL)[1] for kind in ("toml", "python", "sh")
    )
    (tmp_path / "audeep_example.py").write_text(code, encoding="utf-8")
    installed = tmp_path / "audeep_example-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: audeep-example\nVersion: 1\n")
    points = re.findall(r'\[project\.entry-points\."([\w.]+)"\]\n(\w+) = "([\w:]+)"', package)
    (installed / "entry_points.txt").write_text("".join(f"[{group}]\n{name} = {at}\n" for group, name, at in points))
    for number, path in enumerate(sorted(recordings.rglob("*.wav"))):
        target = tmp_path / "birds" / path.parent.name / f"north_{number}.wav"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path)
    script = f"set -eu\naudeep() {{ '{sys.executable}' -m audeep \"$@\"; }}\n{commands}"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    run = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert audeep.load(tmp_path / "features.nc").feature_shape == (32,)
    assert "--slope" in run.stdout and "of the activation below zero" in run.stdout
