# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that are killed at a random moment leave their output whole or as it was, and training can go on.

AUDEEP_KILLS says how often each command is killed (by default 2), AUDEEP_KILL_SEED when.
"""

import os
import random
import shlex
import shutil
import time
from pathlib import Path

import pytest

from audeep import load
from audeep.models.checkpoints import load_model, steps_in
from tests.support.warm import Warm

KILLS = int(os.environ.get("AUDEEP_KILLS", 2))
SEED = int(os.environ.get("AUDEEP_KILL_SEED", 0))
TRAIN = "t-rae train --input {spectrograms} --run-name {output} --num-epochs 3 --batch-size 4 --num-units 32"
COMMANDS = {
    "preprocess": "preprocess --basedir {recordings} --window-width 0.05 --window-overlap 0.025 --output {output}",
    "generate": "t-rae generate --model-dir {run}/logs --input {spectrograms} --output {output}",
    "import": "import --basedir {csv} --name tones --output {output}",
    "modify": "modify --input {spectrograms} --add-cv-setup 4 --output {output}",
    "upsample": "upsample --input {spectrograms} --output {output}",
    "fuse": "fuse --input {spectrograms} {spectrograms} --dimension time --output {output}",
    "predict": "svm predict --train-input {features} --eval-input {features} --complexity 1 --output {output}",
    "visualize": "visualize pca --input {features} --plot {output}.png --output {output}",
}

pytestmark = pytest.mark.slow


def finish(warm: Warm, command: str) -> float:
    """Run to the end; gives the seconds it took."""
    begin = time.monotonic()
    assert warm.start("-q", *shlex.split(command)).wait() == 0
    return time.monotonic() - begin


def kill_after(warm: Warm, command: str, seconds: float) -> None:
    """Kill the command and all processes that it has started."""
    process = warm.start("-q", *shlex.split(command))
    try:
        process.wait(seconds)
    except TimeoutError:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def inputs(recordings: Path, spectrograms: Path, run_directory: Path, warm: Warm, tmp_path_factory) -> dict[str, Path]:
    """What the commands read."""
    folder = tmp_path_factory.mktemp("inputs")
    finish(
        warm, f"t-rae generate --model-dir {run_directory}/logs --input {spectrograms} --output {folder}/features.nc"
    )
    finish(warm, f"export --input {folder}/features.nc --format csv --name tones --output {folder}/csv")
    return {
        "recordings": recordings,
        "spectrograms": spectrograms,
        "run": run_directory,
        "features": folder / "features.nc",
        "csv": folder / "csv",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_command_leaves_its_output_whole_or_as_it_was(inputs, warm, tmp_path, name):
    expected, output = tmp_path / "expected", tmp_path / "output"
    seconds = finish(warm, COMMANDS[name].format(**inputs, output=expected))
    generator = random.Random(f"{SEED} {name}")
    for turn in range(KILLS):
        before = b"old" if turn % 2 else None
        output.unlink(missing_ok=True)
        if before is not None:
            output.write_bytes(before)
        # where files are written, more often than while the program starts
        kill_after(warm, COMMANDS[name].format(**inputs, output=output), seconds * generator.triangular(0.3, 1.1, 0.95))
        found = output.read_bytes() if output.exists() else None
        assert found in (before, expected.read_bytes())


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_preprocess_goes_on_to_the_same_bytes(inputs, warm, tmp_path, jobs):
    command = f"{COMMANDS['preprocess']} --jobs {jobs}".format
    seconds = finish(warm, command(**inputs, output=tmp_path / "expected"))
    generator = random.Random(f"{SEED} continue {jobs}")
    for _ in range(KILLS):
        folder = tmp_path / "killed"
        shutil.rmtree(folder, ignore_errors=True)
        for _ in range(2):
            resume = " --continue" if (folder / "s.nc.partial").exists() else ""
            kill_after(
                warm, command(**inputs, output=folder / "s.nc") + resume, seconds * generator.triangular(0.3, 1, 0.9)
            )
        if not (folder / "s.nc").exists() or (folder / "s.nc.partial").exists():
            resume = " --continue" if (folder / "s.nc.partial").exists() else ""
            finish(warm, command(**inputs, output=folder / "s.nc") + resume)
        assert (folder / "s.nc").read_bytes() == (tmp_path / "expected").read_bytes()
        assert [path.name for path in folder.iterdir()] == ["s.nc"]


def test_a_killed_training_goes_on_to_the_same_bytes(inputs, warm, tmp_path):
    seconds = finish(warm, TRAIN.format(**inputs, output=tmp_path / "whole"))
    whole = tmp_path / "whole" / "logs"
    last = steps_in(whole)[-1]
    generator = random.Random(f"{SEED} train")
    for _ in range(KILLS):
        run = tmp_path / "killed"
        shutil.rmtree(run, ignore_errors=True)
        kill_after(warm, TRAIN.format(**inputs, output=run), seconds * generator.uniform(0.5, 1))
        for step in steps_in(run / "logs"):
            load_model(run / "logs", step)
        finish(warm, TRAIN.format(**inputs, output=run) + (" --continue" if steps_in(run / "logs") else ""))
        for name in (f"model-{last}.safetensors", f"model-{last}.optimiser.safetensors"):
            assert (run / "logs" / name).read_bytes() == (whole / name).read_bytes()


def test_a_killed_export_leaves_whole_files_only(inputs, warm, tmp_path):
    command = "export --input {features} --format csv --name tones --output {output}"
    seconds = finish(warm, command.format(**inputs, output=tmp_path / "expected"))
    generator = random.Random(f"{SEED} export")
    for turn in range(KILLS):
        output = tmp_path / f"output{turn}"
        kill_after(warm, command.format(**inputs, output=output), seconds * generator.triangular(0.5, 1.05, 0.95))
        for path in output.rglob("*.csv"):
            if not path.name.startswith("."):
                assert path.read_bytes() == (tmp_path / "expected" / path.relative_to(output)).read_bytes()
    assert len(load(inputs["features"])) == 24
