# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx configuration: `docs/build.sh` makes the user guide in docs/_build.

The commands, the kinds of models and the modules are described by the program itself: also the commands and kinds that
other packages add.
"""

import argparse
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import audeep
import audeep.estimators
from audeep.cli.app import AudeepApp
from audeep.models.registry import MODELS
from audeep.parsers.registry import PARSERS
from audeep.runtime.options import Option, options_of
from audeep.runtime.registry import Registry

project = "audeep"
author = "the audeep authors"
copyright = "2026, the audeep authors"
release = version = audeep.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "**/_*.md"]
html_theme = "furo"
html_title = f"audeep {release}"

myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_default_options = {"members": True, "exclude-members": "set_fit_request, set_score_request"}  # of scikit-learn
napoleon_use_ivar = True
suppress_warnings = ["ref.python"]  # classes of one name in several modules, which type hints name without a module


def write_reference(app: Any) -> None:
    """Write what the pages of the reference include."""
    folder = Path(app.srcdir, "reference")
    application = AudeepApp()
    names = sorted(name for name, _ in application.command_manager if name not in ("complete", "help"))
    parsers = {name: application.command_parser(name) for name in names}
    commands = [command_section(name, parser) for name, parser in parsers.items()]
    (folder / "_overview.md").write_text("\n".join(command_overview(parsers)), encoding="utf-8")
    (folder / "_commands.md").write_text("\n".join(commands), encoding="utf-8")
    (folder / "_models.md").write_text("\n".join(model_sections(MODELS, names)), encoding="utf-8")
    (folder / "_parsers.md").write_text("\n".join(added_parsers(PARSERS)), encoding="utf-8")
    (folder / "_names.md").write_text("\n".join(public_names()), encoding="utf-8")
    (folder / "_modules.md").write_text("\n".join(package_sections()), encoding="utf-8")


def command_overview(parsers: Mapping[str, argparse.ArgumentParser]) -> Iterator[str]:
    """A table of all commands, as Markdown."""
    yield from ("| command | what it does |", "| --- | --- |")
    for name, parser in parsers.items():
        yield f"| [`{name}`](#{name.replace(' ', '-')}) | {(parser.description or '').partition(chr(10))[0]} |"


def command_section(name: str, parser: argparse.ArgumentParser) -> str:
    """One command as Markdown: what it does, its usage, and each option."""
    formatter = parser._get_formatter()
    lines = [f"## {name}", "", parser.description or "", "", "```text", parser.format_usage().rstrip(), "```", ""]
    for action in parser._actions:
        if "--help" not in action.option_strings and action.help != argparse.SUPPRESS:
            values = formatter._format_args(action, formatter._get_default_metavar_for_optional(action))
            names = ", ".join(action.option_strings) or action.metavar
            lines += [f"`{names}{f' {values}' if values and action.option_strings else ''}`"]
            lines += [f": {formatter._expand_help(action)}{' (required)' if action.required else ''}", ""]
    return "\n".join(lines)


def model_sections(models: Registry, commands: Iterable[str]) -> list[str]:
    """Each kind of model as Markdown: description, commands, options with their limits, classes and estimator."""
    described: set[str] = set()
    sections = []
    for entry in models:
        network: Any = models.load(entry.name)
        own = [f"`{name}`" for name in commands if name.split()[0] == entry.name]
        classes = {f"{each.__module__}.{each.__qualname__}": None for each in (network, network.config_type)}
        lines = [f"## {entry.name}", "", described_by(network, entry.description), ""]
        lines += [f"Commands: {', '.join(own)}.", ""] if own else []
        lines += [line for each in options_of(network.config_type).values() for line in option_lines(each)]
        if entry.name in MODELS:
            estimator = audeep.estimators.estimator(entry.name)
            classes[f"{estimator.__module__}.{estimator.__qualname__}"] = None
        lines += ["```{eval-rst}", *(f".. autoclass:: {name}" for name in classes if name not in described), "```", ""]
        described.update(classes)
        sections.append("\n".join(lines))
    return sections


def described_by(network: Any, description: str) -> str:
    """One sentence: the line of the registry, or the first one of the class, and what is embedded."""
    line = description or (network.__doc__ or network.__name__).strip().splitlines()[0]
    return f"{line[:1].upper()}{line[1:].rstrip('.')}; one embedding per {getattr(network, 'level', 'recording')}."


def option_lines(option: Option) -> list[str]:
    """An option of a model as an entry of a definition list; nothing for what the data decide."""
    if not option.help:
        return []
    default = option.default.value if isinstance(option.default, Enum) else option.default
    also = f"; also {', '.join(option.aliases)}" if option.aliases else ""
    return [f"`{option.name}`", f": {option.help} ({option.expected}; default: {default}{also})", ""]


def added_parsers(parsers: Registry) -> Iterator[str]:
    """A table of the parsers that other packages add, as Markdown; nothing if there are none."""
    if parsers.installed:
        yield from (
            "Other packages in this installation add these parsers:",
            "",
            "| short name | layout |",
            "| --- | --- |",
        )
    for name in parsers.installed:
        yield f"| `{name}` | {(inspect.getdoc(parsers.load(name)) or '').partition(chr(10))[0]} |"


def public_names() -> Iterator[str]:
    """A table of the names that the package offers, as Markdown."""
    yield from ("| name | |", "| --- | --- |")
    for name in sorted(set(audeep.__all__) - {"__version__"}):
        value = getattr(audeep, name)
        summary = (inspect.getdoc(value) or "").partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")
        yield f"| {{py:obj}}`audeep.{name} <{value.__module__}.{value.__qualname__}>` | {summary} |"


def package_sections() -> Iterator[str]:
    """Each package as Markdown, with its modules; kinds of models have a page of their own."""
    kinds = {entry.target.partition(":")[0] for entry in MODELS}
    packages = {each.name for each in pkgutil.iter_modules(audeep.__path__) if each.ispkg}
    for name in sorted(packages - {"backend", "cli"}):
        package = importlib.import_module(f"audeep.{name}")
        modules = sorted(each.name for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))
        shown = [each for each in modules if each not in kinds and "layers" not in each and "._" not in each]
        yield from (f"## audeep.{name}", "", "```{eval-rst}", *(f".. automodule:: {each}" for each in shown), "```", "")


def setup(app: Any) -> None:
    app.connect("builder-inited", write_reference)
