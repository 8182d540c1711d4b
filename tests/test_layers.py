# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of the package: who may import whom, and what stays unloaded until it is needed."""

import ast
import os
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import audeep

ROOT = Path(audeep.__file__).parents[1]
ROWS = [
    {"errors"},
    {"runtime"},
    {"audio", "data", "models"},
    {"parsers", "training", "inference", "evaluation"},
    {"pipeline"},
    {"estimators"},
    {"cli"},
    {"__main__"},
]
HEAVY = {"matplotlib", "netCDF4", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "torch", "xarray"}
ONLY_IN = {
    "torch": {"models", "training", "inference", "evaluation.learners"},
    "soundfile": {"audio"},
    "soxr": {"audio"},
    "sounddevice": {"audio"},
    "matplotlib": {"cli.render"},
    "cliff": {"cli"},
    "prompt_toolkit": {"cli"},
    "joblib": {"runtime.execution"},
    "dask": {"runtime.cluster"},
    "distributed": {"runtime.cluster"},
    "pyarrow": {"data.exchange.arrow"},
}


class Imports(ast.NodeVisitor):
    """Names that a module imports: `all` of them, and those `at_load`; what is for type checkers does not count."""

    def __init__(self, path: Path) -> None:
        self.all: set[str] = set()
        self.at_load: set[str] = set()
        self.depth = 0
        self.visit(ast.parse(path.read_text(encoding="utf-8")))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    def visit_If(self, node: ast.If) -> None:
        for child in node.orelse if ast.unparse(node.test) == "TYPE_CHECKING" else ast.iter_child_nodes(node):
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        self._add({alias.name for alias in node.names})

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        assert node.level == 0, "imports are absolute"
        names = {f"{node.module}.{alias.name}" for alias in node.names}
        self._add({name if name in MODULES else str(node.module) for name in names})

    def _add(self, names: set[str]) -> None:
        self.all |= names
        if not self.depth:
            self.at_load |= names


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


PATHS = {name_of(path): path for path in sorted((ROOT / "audeep").rglob("*.py"))}
MODULES = set(PATHS)
IMPORTS = {name: Imports(path) for name, path in PATHS.items()}
LAYERED = sorted(name for name in MODULES - {"audeep"} if name.split(".")[1] != "backend")


def row_of(name: str) -> int:
    """The row of a module of this package; the package itself and its version are below all."""
    part = (name.split(".") + [""])[1]
    return next((row for row, parts in enumerate(ROWS) if part in parts), len(ROWS) if part else -1)


@pytest.mark.parametrize("name", LAYERED)
def test_a_module_imports_only_from_lower_rows_or_its_own_package(name: str) -> None:
    assert row_of(name) < len(ROWS), f"{name} has no row in this test"
    own = IMPORTS[name].all & MODULES
    assert {
        other for other in own if other.split(".")[:2] != name.split(".")[:2] and row_of(other) >= row_of(name)
    } == set()


def test_no_module_imports_itself_through_others() -> None:
    imported = {name: imports.all & MODULES for name, imports in IMPORTS.items()}
    assert set(TopologicalSorter(imported).static_order()) == MODULES  # a circle raises CycleError


def test_the_application_and_the_package_import_none_of_the_parts() -> None:
    names = (
        "cli.entry_points",
        "cli.streams",
        "cli.shell",
        "errors",
        "models.registry",
        "runtime.compiled",
        "runtime.files",
    )
    assert IMPORTS["audeep.cli.app"].all & MODULES == {"audeep", *(f"audeep.{name}" for name in names)}
    assert IMPORTS["audeep"].all & MODULES == set()


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_only_where_it_belongs(library: str) -> None:
    users = {name for name in MODULES if any(other.split(".")[0] == library for other in IMPORTS[name].all)}
    homes = tuple(f"audeep.{part}." for part in ONLY_IN[library])
    assert {name for name in users if not f"{name}.".startswith(homes)} == set()


PICTURES = tuple(f"audeep.cli.render.{name}" for name in ("figures", "places", "plots", "data_plots"))
LIGHT = sorted(name for name in MODULES if name.startswith("audeep.cli") and name not in PICTURES)


@pytest.mark.parametrize("name", LIGHT)
def test_a_command_imports_heavy_libraries_only_when_it_runs(name: str) -> None:
    assert {other.split(".")[0] for other in IMPORTS[name].at_load} & HEAVY == set()


@pytest.mark.parametrize("names", [["audeep"], LIGHT], ids=["package", "commands"])
def test_importing_the_package_or_all_commands_loads_no_heavy_library(names: list[str]) -> None:
    script = f"import sys, importlib\nfor name in {names}: importlib.import_module(name)\nprint(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    shown = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert names[-1] in shown.stdout.split()
    assert set(shown.stdout.split()) & HEAVY == set()
