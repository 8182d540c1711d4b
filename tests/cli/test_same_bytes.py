# SPDX-License-Identifier: GPL-3.0-or-later
"""The same command with the same seed writes the same bytes and prints the same text, each time and in each process.

TensorBoard's event files are left out: they hold the time of day. So is settings.json, which names the run's directory.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from audeep.runtime.results import SETTINGS_NAME
from tests.faults.commands import SPECTRA

TRAIN = "--input {spectrograms} --num-epochs 2 --batch-size 7 --keep-prob 0.8 --seed 5 --run-name {out}"
WINDOWS = "--freq-window-width 4 --freq-window-overlap 2"
COMMANDS = {
    "preprocess": f"preprocess --basedir {{recordings}} {SPECTRA} --output {{out}}/s.nc --jobs {{turn}}",
    "t-rae train": f"t-rae train {TRAIN} --encoder-noise 0.1 --feed-previous-prob 0.3",
    "f-rae train": f"f-rae train {TRAIN} {WINDOWS}",
    "ft-rae train": f"ft-rae train {TRAIN} {WINDOWS}",
    "t-rae generate": "t-rae generate --model-dir {run}/logs --input {spectrograms} --output {out}/f.nc",
    "svm evaluate": "svm evaluate --input {features} --cross-validate --complexity 1 --upsample --seed 5",
    "mlp evaluate": "mlp evaluate --input {features} --cross-validate --num-epochs 5 --repeat 2 --seed 5",
    "svm predict": "svm predict --train-input {features} --eval-input {features} --complexity 1 --output {out}/p.csv",
    "mlp predict": "mlp predict --train-input {features} --eval-input {features} --num-epochs 3 --output {out}/p.csv",
    "modify folds": "modify --input {spectrograms} --add-cv-setup 4 --seed 5 --output {out}/m.nc",
    "modify partitions": "modify --input {spectrograms} --add-partitioning TRAIN TEST --seed 5 --output {out}/m.nc",
    "upsample": "upsample --input {chunked} --output {out}/u.nc",
    "fuse": "fuse --input {spectrograms} {spectrograms} --dimension freq --output {out}/f.nc",
    "fuse chunks": "fuse chunks --input {chunked} --dimension time --output {out}/f.nc",
    "visualize pca": "visualize pca --input {features} --output {out}/p.csv --plot {out}/p.png",
    "visualize tsne": "visualize tsne --input {features} --perplexity 5 --seed 5 --output {out}/t.csv",
    "export csv": "export --input {features} --format csv --name tones --output {out}",
    "export arff": "export --input {features} --format arff --name tones --output {out}",
    "import": "import --basedir {csv} --name tones --output {out}/i.nc",
}
IN_FRESH_PROCESSES = ("preprocess", "ft-rae train", "mlp evaluate", "visualize tsne", "upsample")


def outputs(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("events.out.tfevents") and path.name != SETTINGS_NAME
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_gives_the_same_bytes_twice(audeep, inputs, tmp_path, name):
    texts, files = [], []
    for turn in (1, 2):
        out = tmp_path / str(turn)
        out.mkdir()
        result = audeep(f"-q {COMMANDS[name].format(**inputs, out=out, turn=turn)}")
        assert result.status == 0, result.err
        texts.append(result.out)
        files.append(outputs(out))
    assert texts[0] == texts[1] and (texts[0] or files[0])
    assert files[0].keys() == files[1].keys()
    assert [path for path, content in files[0].items() if content != files[1][path]] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_FRESH_PROCESSES)
def test_two_processes_give_the_same_bytes(inputs, tmp_path, name):
    found = []
    for turn in (1, 2):
        out = tmp_path / str(turn)
        out.mkdir()
        command = COMMANDS[name].format(**inputs, out=out, turn=turn)
        shown = subprocess.run(
            [sys.executable, "-m", "audeep", "-q", *shlex.split(command)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": str(turn)},  # sets have another order
            check=True,
        )
        found.append((shown.stdout, outputs(out)))
    assert found[0] == found[1]


@pytest.mark.slow
def test_many_processes_read_one_file_at_once(inputs, warm, tmp_path):
    names = ("modify folds", "upsample", "fuse", "export csv", "mlp evaluate")
    shared = {**inputs, "chunked": inputs["spectrograms"]}
    before = {name: inputs[name].read_bytes() for name in ("spectrograms", "features")}
    running, found = [], []
    for number, name in enumerate([*names, *names]):
        out = tmp_path / str(number)
        out.mkdir()
        command = ["-q", *shlex.split(COMMANDS[name].format(**shared, out=out, turn=1))]
        running.append(subprocess.Popen([warm.audeep, *command], stdout=subprocess.PIPE))
    for number, process in enumerate(running):
        text, _ = process.communicate(timeout=600)
        assert process.returncode == 0
        found.append((text, outputs(tmp_path / str(number))))
    assert found[: len(names)] == found[len(names) :]
    assert {name: inputs[name].read_bytes() for name in before} == before
