# SPDX-License-Identifier: GPL-3.0-or-later
"""The notebook of samples/: it has the form of notebooks, and its code runs from top to bottom."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[1] / "samples"
NOTEBOOK = SAMPLES / "first-steps.ipynb"
RUNNER = """
import json, sys
names = {"__name__": "__main__"}
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
json.dump({"accuracies": dict(names["accuracies"]), "rows": names["table"].shape[0]}, open("found.json", "w"))
"""


def test_the_notebook_has_the_form_of_notebooks_and_no_output() -> None:
    """What version 4.5 of the format asks for (nbformat.readthedocs.io)."""
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert set(content) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    cells = content["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    for cell in cells:
        expected = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            expected |= {"execution_count", "outputs"}
            assert cell["outputs"] == [] and cell["execution_count"] is None
        else:
            assert cell["cell_type"] == "markdown"
        assert set(cell) == expected and all(isinstance(line, str) for line in cell["source"])


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom_and_learns_something(tmp_path: Path) -> None:
    for path in (NOTEBOOK, SAMPLES / "synthesise.py"):
        shutil.copy(path, tmp_path)
    command = [sys.executable, "-c", RUNNER, NOTEBOOK.name]
    environment = {**os.environ, "MPLBACKEND": "agg"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["rows"] == 3 and found["accuracies"]["learned"] > 0.8  # chance is an eighth
    assert f"learned: {found['accuracies']['learned']:.1%}" in run.stdout
