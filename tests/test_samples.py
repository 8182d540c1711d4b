# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts of samples/: the quickstart, the tutorial of the manual on the real ESC-10, the experiments, the taggers."""

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from audeep import load
from audeep.data.schema import Split
from audeep.parsers.base import InstanceMetadata
from audeep.parsers.registry import find_parser, open_parser
from tests.conftest import write_tone
from tests.support.warm import Warm

PROJECT = Path(__file__).parents[1]


@pytest.mark.slow
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


Shell = Callable[..., subprocess.CompletedProcess]


def sh(*command: object, **options: object) -> subprocess.CompletedProcess:
    """Run a script, with options of `subprocess.run`."""
    return subprocess.run(["sh", *map(str, command)], capture_output=True, text=True, **options)


@pytest.fixture
def warm_sh(warm: Warm, tmp_path: Path) -> Shell:
    """Runs a script in `tmp_path`, with `audeep` starting at once."""
    return partial(sh, cwd=tmp_path, env=warm.environment)


@pytest.mark.slow
def test_words_are_spoken_by_a_voice_in_each_fold(tmp_path):
    if shutil.which("espeak-ng") is None:
        pytest.skip("needs espeak-ng")
    command = [sys.executable, PROJECT / "samples" / "spoken_words.py", tmp_path, "--per-word-and-voice", "1"]
    subprocess.run(command, check=True)
    instances = open_parser(tmp_path, "meta").parse()
    assert len(instances) == 8 * 20 and len({item.label_nominal for item in instances}) == 20
    assert {item.cv_folds.index(Split.VALID) for item in instances} == set(range(8))
    lengths = [soundfile.info(item.path).frames for item in instances]
    assert len(set(lengths)) > 100 and min(lengths) > 2000
    table = pd.read_csv(tmp_path / "words.csv")
    assert {tmp_path / name for name in table["file"]} == {item.path for item in instances}
    assert table.groupby("speaker")["fold"].nunique().tolist() == [1] * 8
    assert table["pitch"].nunique() > 20 and table["speed"].nunique() > 50


@pytest.mark.slow
def test_no_words_are_spoken_without_a_synthesiser(tmp_path):
    command = [sys.executable, PROJECT / "samples" / "spoken_words.py", tmp_path / "words"]
    result = subprocess.run(command, env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True)
    assert result.returncode == 0 and result.stderr == "espeak-ng is not installed; no words are spoken\n"
    assert not (tmp_path / "words").exists()


@pytest.mark.slow
def test_the_quickstart_learns_what_neither_band_statistics_nor_random_weights_can_tell(tmp_path, warm_sh):
    """The whole script but the installation: a copy of the project whose environment is the tested one."""
    (tmp_path / "samples").mkdir()
    for name in ("quickstart.sh", "synthesise.py", "band_statistics.py"):
        (tmp_path / "samples" / name).write_bytes((PROJECT / "samples" / name).read_bytes())
    (tmp_path / "samples" / "install.sh").write_text("")
    script = warm_sh(tmp_path / "samples" / "quickstart.sh")
    assert script.returncode == 0, script.stderr
    found = (float(number) for number in re.findall(r"([\d.]+) %\n", script.stdout)[-6:])
    chance, statistics, *_, layers, untrained, head = found
    assert chance == 12.5 and statistics < 55 < 93 < layers and untrained + 5 < head > 95
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
def test_the_tutorial_of_the_manual_runs_word_for_word_on_esc_10(tmp_path, esc10, warm_sh):
    """But for the number of training epochs: 3, for want of time, already do far better than chance, which is 10 %."""
    (tmp_path / "ESC-10").symlink_to(esc10)
    commands = "set -e\n" + TUTORIAL.replace("--num-epochs 64", "--num-epochs 3")
    script = warm_sh("-c", commands)
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


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_runs_on_a_tenth_of_the_data(tmp_path, warm_sh, request, name):
    """With one epoch of training, which few recordings allow."""
    make, sets, shape, num_instances, num_folds, num_features = EXPERIMENTS[name]
    basedir, output, file = tmp_path / "data set", tmp_path / "out put", tmp_path / f"{name}.toml"
    basedir.symlink_to(request.getfixturevalue("esc10")) if make is None else make(basedir)
    text = (PROJECT / "samples" / f"{name}.toml").read_text()
    file.write_text(re.sub("num-epochs = [0-9]+", "num-epochs = 1", text))
    (layout,) = re.findall('parser = "(.*)"', text)
    tenth = PROJECT / "samples" / f"tenth.py:Tenth_{layout}"
    command = ["audeep", "run", file, "--basedir", basedir, "--parser", tenth, "--output", output]
    script = warm_sh("-c", shlex.join(map(str, command)))
    assert script.returncode == 0, script.stderr
    names = pd.read_csv(output / "results.csv")["features"].tolist()
    assert set(names[:-3]) == set(sets) and names[-3:] == ["fused", "SVM on mean and deviation of each band", "chance"]
    spectrograms = [load(path).features for path in (output / "spectrograms").iterdir()]
    assert [each.shape for each in spectrograms] == len(sets) * [(num_instances, *shape)]
    assert all(not np.array_equal(*pair) for pair in itertools.combinations(spectrograms, 2))
    for set_name in sets:
        (path,) = (output / "features").glob(f"{set_name}-*.nc")
        features = load(path)
        assert features.features.shape == (num_instances, num_features) and features.num_folds == num_folds
        assert (features.cv_folds.sum(axis=1) == 1).all()
    (path,) = (output / "features").glob("fused-*.nc")
    assert load(path).features.shape == (num_instances, len(sets) * num_features)


@pytest.fixture
def smoke_run(tmp_path: Path, warm_sh: Shell) -> Shell:
    """Runs a script on a few recordings of `data set`; its output is `out put`."""

    def run(name: str) -> subprocess.CompletedProcess:
        return warm_sh(PROJECT / "samples" / f"{name}.sh", "--smoke", tmp_path / "data set", tmp_path / "out put")

    return run


TAGGING = ("dcase-2018", "dcase-2019", "freesound-kernel")


@pytest.mark.parametrize("arguments", [[], ["nowhere"], ["--smoke"], [".", "out", "more"]])
@pytest.mark.parametrize("name", TAGGING)
def test_a_script_says_what_it_expects(tmp_path, name, arguments):
    script = sh(PROJECT / "samples" / f"{name}.sh", *arguments, cwd=tmp_path)
    assert script.returncode == 1 and not list(tmp_path.iterdir())
    assert script.stderr.startswith(f"{name}: BASEDIR, the directory of the data set, was expected; usage: ")


ARRANGED = {"fsdkaggle-2018": ("audio_train", "audio_test"), "fsdkaggle-2019": ("train_curated", "train_noisy", "test")}


def arrange(esc10: Path, basedir: Path, layout: str, *options: str) -> Path:
    """ESC-10 arranged like the data of a competition: a few clips of each class."""
    command = [sys.executable, PROJECT / "samples" / "arrange_tagging_data.py", esc10, basedir, "--layout", layout]
    subprocess.run([*command, *options], check=True)
    return basedir


@pytest.mark.slow
def test_arranged_single_labels_are_partly_verified_and_of_the_others_four_tenths_are_wrong(tmp_path, esc10):
    basedir = arrange(esc10, tmp_path / "data", "fsdkaggle-2018", "--most", "5")
    table, truth = pd.read_csv(basedir / "train.csv"), pd.read_csv(basedir / "true_labels.csv")
    assert list(table["fname"]) == list(truth["fname"]) and len(table) == 4 * 50
    is_wrong, is_verified = table["label"] != truth["label"], table["manually_verified"] == 1
    assert is_verified.sum() == 0.4 * 200 and not is_wrong[is_verified].any()
    assert is_wrong.sum() == 0.4 * 120
    assert (truth["label"][is_verified].value_counts() == 8).all()
    assert {name[0] for name in table["fname"]} == set("1234")
    groups = pd.read_csv(basedir / "groups.csv")
    assert (groups["group"] == groups["file"].str.replace(r"-[A-Z]\.wav", "", regex=True)).all()

    recordings = parsed("fsdkaggle-2018", basedir)
    assert len(recordings) == 250
    tested = recordings["5-203128-A.wav"]
    assert (tested.label_nominal, tested.label_numeric, tested.usage) == ("Dog_bark", 3, "Private")
    sound, rate = soundfile.read(basedir / "audio_train" / "1-100032-A.wav")
    original, _ = soundfile.read(esc10 / "001 - Dog bark" / "1-100032-A.ogg")
    assert rate == 44100 and np.abs(sound - original).max() <= 1 / 2**15


@pytest.mark.slow
def test_arranged_mixtures_have_the_labels_of_both_clips_and_noisy_ones_partly_wrong_ones(tmp_path, esc10):
    basedir = arrange(esc10, tmp_path / "data", "fsdkaggle-2019", "--most", "3")
    truth = pd.read_csv(basedir / "true_labels.csv", index_col="fname")["label"]
    found = {part: pd.read_csv(basedir / f"train_{part}.csv", index_col="fname") for part in ("curated", "noisy")}
    folds = {part: {name[0] for name in table.index} for part, table in found.items()}
    assert folds == {"curated": set("12"), "noisy": set("34")}
    assert (truth.str.count(",") == 1).all()
    assert (found["curated"]["labels"] == truth[found["curated"].index]).all()
    noisy = found["noisy"]["labels"]
    assert (noisy != truth[noisy.index]).sum() == round(0.4 * len(noisy))
    groups = pd.read_csv(basedir / "groups.csv", index_col="file")["group"]
    of_source: dict[str, set[str]] = {}
    for name, group in groups.items():
        for clip in name.removesuffix(".wav").split("_"):
            of_source.setdefault(clip.rpartition("-")[0], set()).add(group)
    assert all(len(each) == 1 for each in of_source.values()) and len(set(groups)) >= 10
    assert len(parsed("fsdkaggle-2019", basedir)) == len(truth) + len(list((basedir / "test").iterdir()))
    for path in sorted((basedir / "test").iterdir())[:3]:
        assert np.abs(soundfile.read(path)[0]).max() == pytest.approx(0.9, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ARRANGED)
def test_the_same_seed_arranges_the_same_bytes(tmp_path, esc10, layout):
    found = []
    for name, seed in (("one", "3"), ("two", "3"), ("three", "4")):
        basedir = arrange(esc10, tmp_path / name, layout, "--most", "1", "--seed", seed)
        assert {path.name for path in basedir.iterdir() if path.is_dir()} == set(ARRANGED[layout])
        files = (path for path in basedir.rglob("*") if path.is_file())
        found.append({path.relative_to(basedir): path.read_bytes() for path in files})
    assert found[0] == found[1] != found[2]


@pytest.mark.slow
def test_data_are_not_arranged_over_others(tmp_path, esc10):
    command = [sys.executable, PROJECT / "samples" / "arrange_tagging_data.py", esc10, tmp_path]
    script = subprocess.run([*command, "--layout", "fsdkaggle-2018"], capture_output=True, text=True)
    assert script.returncode == 1 and script.stderr.count("\n") == 1 and not list(tmp_path.iterdir())


def parsed(layout: str, basedir: Path) -> dict[str, InstanceMetadata]:
    """The recordings that the parser for a layout finds, by name."""
    return {item.filename: item for item in find_parser(layout)(basedir).parse()}


def goes_on(smoke_run: Shell, name: str, output: Path, printed: str) -> None:
    """Run a script again: it does nothing, and prints the same results."""
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*")}
    again = smoke_run(name)
    assert again.returncode == 0 and again.stderr == "" and printed.endswith(again.stdout)
    assert {path: path.stat().st_mtime_ns for path in output.rglob("*")} == before


@pytest.mark.slow
def test_dcase_2018_verifies_labels_and_submits_an_ensemble(tmp_path, esc10, smoke_run):
    arrange(esc10, tmp_path / "data set", "fsdkaggle-2018", "--most", "4")
    script = smoke_run("dcase-2018")
    assert script.returncode == 0, script.stderr
    output = tmp_path / "out put"
    for front_end, name in (("perceptual-mel", "spec1-1"), ("perceptual-mel", "spec1-2"), ("log-bands", "spec2")):
        data_set = load(output / f"{front_end}.nc")
        assert data_set.num_folds == 2 and data_set.feature_shape[1] == 128
        table = pd.read_csv(output / f"{name}-verified" / "round-1" / "verified.csv")
        assert (table["manually_verified"] >= data_set.verified).all()
        assert load(output / f"{name}-verified.nc").feature_dims == ("label",)
    ensemble = [load(output / f"{name}-verified.nc").features for name in ("spec1-1", "spec1-2", "spec2")]
    fused = load(output / "ensemble-verified.nc")
    np.testing.assert_allclose(fused.features, np.mean(ensemble, axis=0), rtol=1e-5)
    submission = pd.read_csv(output / "submission.csv")
    assert list(submission["fname"]) == sorted(fused.filenames) and (submission["label"].str.count(" ") == 2).all()
    assert script.stdout.splitlines()[-1].startswith("accuracy ")
    goes_on(smoke_run, "dcase-2018", output, script.stdout)


@pytest.mark.slow
def test_dcase_2019_goes_from_noisy_labels_to_curated_ones(tmp_path, esc10, smoke_run):
    arrange(esc10, tmp_path / "data set", "fsdkaggle-2019", "--most", "3")
    script = smoke_run("dcase-2019")
    assert script.returncode == 0, script.stderr
    output = tmp_path / "out put"
    curated, test = load(output / "curated.nc"), load(output / "test.nc")
    assert curated.has_label_sets and curated.feature_shape[1] == 96 and (curated.verified == 1).all()
    held_out = load(output / "held-out.nc")
    assert set(held_out.filenames) == set(curated.split(0, Split.VALID).filenames)
    assert "tensors taken" in script.stderr
    scores = load(output / "test-on-curated.nc")
    submission = pd.read_csv(output / "submission.csv")
    assert tuple(submission.columns) == ("fname", *scores.label_names) and len(submission) == len(test)
    assert "lwlrap" in script.stdout.splitlines()[-1]
    goes_on(smoke_run, "dcase-2019", output, script.stdout)


@pytest.mark.slow
def test_the_freesound_kernel_takes_the_geometric_mean_of_all_folds_of_both_networks(tmp_path, esc10, smoke_run):
    arrange(esc10, tmp_path / "data set", "fsdkaggle-2018", "--most", "4")
    script = smoke_run("freesound-kernel")
    assert script.returncode == 0, script.stderr
    output, networks = tmp_path / "out put", ("conv1d", "mfcc-cnn")
    sounds, coefficients = (load(output / f"{network}-train.nc") for network in networks)
    assert sounds.feature_shape[1] == 1 and coefficients.feature_shape[1] == 40
    assert np.array_equal(sounds.cv_folds, coefficients.cv_folds)
    for network in networks:
        assert set(load(output / f"{network}-out-of-fold.nc").filenames) == set(sounds.filenames)
    members = [load(output / f"{network}-test-{fold}.nc").features for network in networks for fold in (1, 2)]
    mean = np.exp(np.log(np.array(members, np.float64)).mean(axis=0))
    np.testing.assert_allclose(load(output / "ensemble.nc").features, mean, rtol=1e-5)
    assert script.stdout.splitlines()[-1].startswith("accuracy ")
    goes_on(smoke_run, "freesound-kernel", output, script.stdout)
