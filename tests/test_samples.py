# SPDX-License-Identifier: GPL-3.0-or-later
"""What a newcomer runs first: the quickstart, and the tutorial of the manual on the real ESC-10."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from audeep import load

PROJECT = Path(__file__).parents[1]


def test_synthesised_classes_are_pairs_that_only_the_order_of_sounds_tells_apart(tmp_path):
    subprocess.run(
        [sys.executable, PROJECT / "samples" / "synthesise.py", tmp_path, "--per-class-and-fold", "3"], check=True
    )
    folds = sorted(path.name for path in tmp_path.iterdir())
    assert folds == [f"fold_{number}" for number in range(1, 6)]
    pairs = [("chirp_rising", "chirp_falling"), ("noise_swelling", "noise_fading")]
    for first, second in pairs:
        centroids = []
        for name in (first, second):
            halves = []
            for path in sorted(tmp_path.glob(f"fold_*/{name}/*.wav")):
                samples, rate = soundfile.read(path)
                assert rate == 16000 and len(samples) == 24000
                spectra = [np.abs(np.fft.rfft(half)) ** 2 for half in np.split(samples, 2)]
                bins = np.arange(len(spectra[0]))
                halves.append([(bins * spectrum).sum() for spectrum in spectra])
            centroids.append(np.mean(halves, axis=0))
        (early, late), (early_reversed, late_reversed) = centroids
        assert late > 1.5 * early and early_reversed > 1.5 * late_reversed


def in_the_tested_environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.slow
def test_the_quickstart_learns_what_order_blind_features_cannot_tell(tmp_path):
    """The whole script but the installation: a copy of the project whose environment is the tested one."""
    (tmp_path / "samples").mkdir()
    for name in ("quickstart.sh", "synthesise.py", "order_blind.py"):
        (tmp_path / "samples" / name).write_bytes((PROJECT / "samples" / name).read_bytes())
    (tmp_path / "samples" / "install.sh").write_text("")
    script = subprocess.run(
        ["sh", tmp_path / "samples" / "quickstart.sh"],
        cwd=tmp_path,
        env=in_the_tested_environment(),
        capture_output=True,
        text=True,
    )
    assert script.returncode == 0, script.stderr
    chance, blind, svm, mlp = (float(number) for number in re.findall(r"([\d.]+) %\n", script.stdout)[-4:])
    assert chance == 12.5
    assert blind < 55 < 80 < min(svm, mlp)
    assert len(list((tmp_path / "quickstart" / "csv").rglob("*.csv"))) == 5


TUTORIAL = """\
audeep inspect raw --basedir ESC-10
audeep preprocess --basedir ESC-10 --window-width 0.08 --window-overlap 0.04 --mel-spectrum 128 --fixed-length 5 \
--pretend 10
audeep preprocess --basedir ESC-10 --window-width 0.08 --window-overlap 0.04 --mel-spectrum 128 --fixed-length 5 \
--clip-below -60 --pretend 10
audeep preprocess --basedir ESC-10 --window-width 0.08 --window-overlap 0.04 --mel-spectrum 128 --fixed-length 5 \
--clip-below -60 --output spectrograms/esc-10-0.08-0.04-128-60.nc
audeep t-rae train --input spectrograms/esc-10-0.08-0.04-128-60.nc \
--run-name output/esc-10-0.08-0.04-128-60/t-2x256-x-b \
--num-epochs 64 --batch-size 64 --learning-rate 0.001 --keep-prob 0.8 --num-layers 2 --num-units 256 \
--bidirectional-decoder
audeep t-rae generate --model-dir output/esc-10-0.08-0.04-128-60/t-2x256-x-b/logs \
--input spectrograms/esc-10-0.08-0.04-128-60.nc --output output/esc-10-0.08-0.04-128-60/representations.nc
audeep mlp evaluate --input output/esc-10-0.08-0.04-128-60/representations.nc --cross-validate --shuffle \
--num-epochs 400 --learning-rate 0.001 --keep-prob 0.4 --num-layers 2 --num-units 150
audeep export --input output/esc-10-0.08-0.04-128-60/representations.nc --output output/esc-10-0.08-0.04-128-60/csv \
--format csv
"""


@pytest.mark.slow
def test_the_tutorial_of_the_manual_runs_word_for_word_on_esc_10(tmp_path, esc10):
    """But for the number of training epochs: 3, for want of time, already do far better than chance, which is 10 %."""
    (tmp_path / "ESC-10").symlink_to(esc10)
    commands = "set -e\n" + TUTORIAL.replace("--num-epochs 64", "--num-epochs 3")
    script = subprocess.run(
        ["sh", "-c", commands], cwd=tmp_path, env=in_the_tested_environment(), capture_output=True, text=True
    )
    assert script.returncode == 0, script.stderr
    output = tmp_path / "output" / "esc-10-0.08-0.04-128-60"
    data_set = load(output / "representations.nc")
    assert data_set.features.shape == (400, 1024) and data_set.num_folds == 5
    losses = [float(loss) for loss in re.findall(r"epoch \d of 3: loss ([\d.]+)", script.stderr)]
    assert len(losses) == 3 and losses[2] < 0.75 * losses[0]
    accuracy = float(re.search(r"^accuracy ([\d.]+)%", script.stdout, re.MULTILINE)[1])
    assert accuracy > 50
    exported = pd.concat(pd.read_csv(path) for path in sorted((output / "csv").glob("fold_*/representations.csv")))
    assert len(exported) == 400 and exported["filename"].is_unique and exported.shape[1] == 4 + 1024
