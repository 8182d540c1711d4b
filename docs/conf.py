# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx configuration: `docs/build.sh` makes the user guide in docs/_build."""

import argparse
from pathlib import Path

from audeep import __version__
from audeep.cli.app import AudeepApp

project = "audeep"
author = "the audeep authors"
copyright = "2026, the audeep authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "_commands.md"]
html_theme = "furo"
html_title = f"audeep {release}"

myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_default_options = {"members": True}


def write_commands(app) -> None:
    """Write what the option parsers say to _commands.md, which commands.md includes."""
    application = AudeepApp()
    names = sorted(name for name, _ in application.command_manager if name not in ("complete", "help"))
    sections = [described(name, application.command_parser(name)) for name in names]
    Path(app.srcdir, "_commands.md").write_text("\n".join(sections), encoding="utf-8")


def described(name: str, parser: argparse.ArgumentParser) -> str:
    """One command as Markdown: what it does, its usage, and each option."""
    formatter = parser._get_formatter()
    lines = [f"## {name}", "", parser.description, "", "```text", parser.format_usage().rstrip(), "```", ""]
    for action in parser._actions:
        if "--help" not in action.option_strings:
            values = formatter._format_args(action, formatter._get_default_metavar_for_optional(action))
            names = ", ".join(action.option_strings) or action.metavar
            lines += [f"`{names}{f' {values}' if values and action.option_strings else ''}`"]
            lines += [f": {formatter._expand_help(action)}{' (required)' if action.required else ''}", ""]
    return "\n".join(lines)


def setup(app) -> None:
    app.connect("builder-inited", write_commands)
