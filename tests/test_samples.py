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
from tests.conftest import write_tone

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
def test_the_quickstart_learns_what_band_statistics_cannot_tell(tmp_path):
    """The whole script but the installation: a copy of the project whose environment is the tested one."""
    (tmp_path / "samples").mkdir()
    for name in ("quickstart.sh", "synthesise.py", "band_statistics.py"):
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
    chance, statistics, svm, mlp = (float(number) for number in re.findall(r"([\d.]+) %\n", script.stdout)[-4:])
    assert chance == 12.5
    assert statistics < 55 < 80 < min(svm, mlp)
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


def esc_50(basedir: Path) -> None:
    """Two classes in five folds; the script takes one of ten recordings of each."""
    rows = ["filename,fold,target,category"]
    for fold in range(1, 6):
        for target, category in enumerate(("dog", "rooster")):
            for take in range(3):
                name = f"{fold}-{target}-{take}.wav"
                write_tone(basedir / "audio" / name, 400 + 900 * target + 50 * fold + take, seconds=1)
                rows.append(f"{name},{fold},{target},{category}")
    (basedir / "meta").mkdir()
    (basedir / "meta" / "esc50.csv").write_text("\n".join(rows) + "\n")


def gtzan(basedir: Path) -> None:
    """Two genres of fifty recordings each, all of a genre the same."""
    for number, genre in enumerate(("blues", "rock")):
        folder = basedir / "genres" / genre
        write_tone(folder / f"{genre}.00000.wav", 300 + 700 * number, seconds=28.5)
        for take in range(1, 50):
            os.link(folder / f"{genre}.00000.wav", folder / f"{genre}.{take:05d}.wav")


def tut_as_2017(basedir: Path) -> None:
    """Two scenes, each with four stereo recordings that are validated in one fold each."""
    rows = {f"audio/{scene}{fold}.wav": scene for scene in ("bus", "park") for fold in range(1, 5)}
    generator = np.random.default_rng(0)
    for path, scene in rows.items():
        (basedir / path).parent.mkdir(parents=True, exist_ok=True)
        noise = (
            np.cumsum(generator.standard_normal((16000, 2)), axis=0) if scene == "bus" else generator.random((16000, 2))
        )
        soundfile.write(basedir / path, 0.5 * noise / np.abs(noise).max(), 8000)
    (basedir / "meta.txt").write_text("".join(f"{path}\t{scene}\tx\n" for path, scene in rows.items()))
    (basedir / "evaluation_setup").mkdir()
    for fold in range(1, 5):
        training = "".join(f"{path}\t{scene}\n" for path, scene in rows.items() if not path.endswith(f"{fold}.wav"))
        (basedir / "evaluation_setup" / f"fold{fold}_train.txt").write_text(training)


CLIPPED = ["below-30", "below-45", "below-60", "below-75"]
EXPERIMENTS = {  # name: makes the data set, sets of spectrograms, shape of each, instances, folds, features
    "esc-10": (None, CLIPPED, (124, 128), 50, 5, 1024),
    "esc-10-best": (None, ["plain", "frame", "previous", "neighbours"], (499, 64), 50, 5, 2 * 2 * 256 * 3),
    "esc-50": (esc_50, CLIPPED, (124, 128), 10, 5, 512),
    "gtzan": (gtzan, [*CLIPPED, "unclipped"], (50, 320), 140, 5, 512),
    "tut-as-2017": (tut_as_2017, ["left", "right", "mean", "diff"], (24, 320), 8, 4, 1024),
}


def smoke_run(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> subprocess.CompletedProcess:
    """An experiment on a tenth of `data set`, which is made if need be; its output is `out put`."""
    make = EXPERIMENTS[name][0]
    basedir = tmp_path / "data set"
    if not basedir.exists():
        basedir.symlink_to(request.getfixturevalue("esc10")) if make is None else make(basedir)
    command = ["sh", PROJECT / "samples" / f"{name}.sh", "--smoke", basedir, tmp_path / "out put"]
    return subprocess.run(command, cwd=tmp_path, env=in_the_tested_environment(), capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_runs_on_a_tenth_of_the_data(tmp_path, request, name):
    _, sets, shape, num_instances, num_folds, num_features = EXPERIMENTS[name]
    script = smoke_run(name, tmp_path, request)
    assert script.returncode == 0, script.stderr
    lines = script.stdout.splitlines()[-len(sets) - 1 :]
    assert [line.split()[0] for line in lines] == [*sets, "fused"]
    for set_name in sets:
        spectrograms = load(tmp_path / "out put" / f"{set_name}-spectrograms.nc")
        assert spectrograms.features.shape == (num_instances, *shape)
        features = load(tmp_path / "out put" / f"{set_name}.nc")
        assert features.features.shape == (num_instances, num_features) and features.num_folds == num_folds
        assert (features.cv_folds.sum(axis=1) == 1).all()
    fused = load(tmp_path / "out put" / "fused.nc")
    assert fused.features.shape == (num_instances, len(sets) * num_features)
    distinct = [load(tmp_path / "out put" / f"{set_name}-spectrograms.nc").features for set_name in sets[:2]]
    assert not np.array_equal(*distinct)


@pytest.mark.slow
def test_an_experiment_goes_on_where_it_stopped(tmp_path, request):
    name = "esc-50"
    sets = EXPERIMENTS[name][1]
    output = tmp_path / "out put"

    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in output.rglob("*")}

    first = smoke_run(name, tmp_path, request)
    lines = first.stdout.splitlines()[-len(sets) - 1 :]
    before = files()
    again = smoke_run(name, tmp_path, request)
    assert again.returncode == 0 and again.stdout.splitlines()[-len(sets) - 1 :] == lines
    assert again.stdout.count("==") == 1 and files() == before
    (output / f"{sets[1]}.nc").unlink()
    (output / "fused.nc").unlink()
    third = smoke_run(name, tmp_path, request)
    assert third.returncode == 0 and third.stdout.splitlines()[-len(sets) - 1 :] == lines
    assert "nothing to do" in third.stderr and "extract" not in third.stdout
    assert files().keys() == before.keys()


@pytest.mark.slow
def test_an_experiment_stops_at_the_first_step_that_fails(tmp_path):
    esc_50(tmp_path / "base")
    (tmp_path / "base" / "audio" / "1-0-0.wav").write_bytes(b"no sound")
    command = ["sh", PROJECT / "samples" / "esc-50.sh", "--smoke", "base"]
    script = subprocess.run(command, cwd=tmp_path, env=in_the_tested_environment(), capture_output=True, text=True)
    assert script.returncode == 1 and "1-0-0.wav" in script.stderr
    assert script.stdout.count("==") == 1 and not list((tmp_path / "esc-50").iterdir())


@pytest.mark.parametrize("arguments", [[], ["nowhere"], ["--smoke"], [".", "out", "more"]])
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_says_what_it_expects(tmp_path, name, arguments):
    script = subprocess.run(
        ["sh", PROJECT / "samples" / f"{name}.sh", *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert script.returncode == 1 and not list(tmp_path.iterdir())
    assert script.stderr.startswith(f"{name}: BASEDIR, the directory of the data set, was expected; usage: ")
