# SPDX-License-Identifier: GPL-3.0-or-later
"""What another package brings, a parser, a front end, an autoencoder and a tagger: all follows from a class and an
entry point."""

import json
import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tests.conftest import write_tone
from tests.support import toy_kinds
from tests.support.sharing import made_once

ROOT = Path(__file__).parents[1]
DISTRIBUTION = "toy_kinds-1.0.dist-info"
TRAIN = "--input s.nc --batch-size 4 --seed 3 --device cpu"
SPECTRA = "--window-width 0.05 --window-overlap 0.025 --mel-spectrum 12"
RUN = """
import contextlib, io, json, shlex, sys
from audeep.cli.app import main
results = []
for line in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(shlex.split(line))
        except SystemExit as stop:
            status = stop.code
    results.append([status, out.getvalue(), err.getvalue()])
json.dump(results, sys.stdout)
"""


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the distribution is installed."""
    return made_once(tmp_path_factory, "site", install)


def install(folder: Path) -> None:
    """Install the distribution from a wheel."""
    wheel = folder.parent / "toy_kinds-1.0-py3-none-any.whl"
    files = {
        "toy_kinds.py": Path(toy_kinds.__file__).read_text(encoding="utf-8"),
        f"{DISTRIBUTION}/METADATA": "Metadata-Version: 2.1\nName: toy-kinds\nVersion: 1.0\n",
        f"{DISTRIBUTION}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{DISTRIBUTION}/entry_points.txt": toy_kinds.ENTRY_POINTS,
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{DISTRIBUTION}/RECORD"))
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in {**files, f"{DISTRIBUTION}/RECORD": record}.items():
            archive.writestr(name, content)
    if find_spec("pip") is None:
        zipfile.ZipFile(wheel).extractall(folder)  # all that an installation does
    else:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target"]
        subprocess.run([*command, str(folder), str(wheel)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def work(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands have been run; what they gave is in results.json."""
    return made_once(tmp_path_factory, "toy-work", lambda folder: run_commands(site, folder))


def python(site: Path | None, work: Path, script: str, given: str = "") -> str:
    """What a script prints in an interpreter that has the distribution, unless `site` is None."""
    path = os.pathsep.join(map(str, [ROOT, *([] if site is None else [site])]))
    environment = {**os.environ, "PYTHONPATH": path, "MPLBACKEND": "agg", "COLUMNS": "200"}
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=work, env=environment, input=given, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def results(work: Path) -> dict[str, tuple[int, str, str]]:
    """Exit status, output and messages of each command."""
    found: dict[str, tuple[int, str, str]] = json.loads((work / "results.json").read_text(encoding="utf-8"))
    return found


def run_commands(site: Path, folder: Path) -> None:
    for number in range(6):
        write_tone(folder / "base" / f"low-{number}.wav", 300 + 40 * number)
        write_tone(folder / "base" / f"high-{number}.wav", 2000 + 90 * number)
    commands = [
        "--help",
        "help toy-cnn train",
        f"preprocess --basedir base --parser toy-layout {SPECTRA} --output s.nc --jobs 1",
        "preprocess --basedir base --parser nowhere --output x.nc",
        f"toy-cnn train {TRAIN} --num-epochs 3 --width 1.5 --run-name whole",
        f"toy-cnn train {TRAIN} --num-epochs 1 --width 1.5 --run-name parts",
        f"toy-cnn train {TRAIN} --num-epochs 3 --width 1.5 --run-name parts --continue",
        f"toy-cnn train {TRAIN} --num-epochs 3 --width 0 --run-name wrong",
        f"toy-cnn train {TRAIN} --num-epochs 3 --kernel huge --run-name wrong",
        "toy-cnn generate --model-dir whole/logs --input s.nc --output f.nc",
        "toy-cnn reconstruct --model-dir whole/logs --input s.nc --plot r.png",
        "t-rae generate --model-dir whole/logs --input s.nc --output no.nc",
        "extract --model-dir whole/logs --output x.csv base/low-0.wav",
        "report --run-dir whole --input s.nc",
        f"toy-tagger train {TRAIN} --num-epochs 60 --learning-rate 0.05 --run-name tags",
        f"toy-tagger train {TRAIN} --num-epochs 2 --learning-rate 0.05 --run-name half --validation-split 0.3",
        "-q toy-tagger evaluate --model-dir tags/logs --input s.nc",
        "toy-tagger predict --model-dir tags/logs --input s.nc --output p.tsv",
        "toy-tagger generate --model-dir tags/logs --input s.nc --output g.nc",
        "help preprocess",
        "preprocess --basedir base --parser toy-layout --front-end toy-blocks --block 20 --output b.nc --jobs 1",
        "preprocess --basedir base --parser toy-layout --front-end toy-blocks --num-bands 9 --output wrong.nc",
        "preprocess --basedir base --parser toy-layout --front-end toy-blocks --pretend 0 --plot b.png",
        "t-rae train --input b.nc --num-epochs 1 --num-units 3 --device cpu --run-name blocks",
        "extract --model-dir blocks/logs --output y.csv base/low-0.wav",
        "modify --input s.nc --add-cv-setup 2 --output folds.nc",
        "toy-tagger train --input folds.nc --batch-size 4 --num-epochs 30 --learning-rate 0.05 --device cpu --folds all"
        " --keep-best --mixup 0.2 --label-smoothing 0.1 --class-balance --run-name folds",
        "toy-tagger predict --model-dir folds --input folds.nc --out-of-fold --output scores.nc",
        "-q toy-tagger evaluate --model-dir folds --input folds.nc --out-of-fold",
        "toy-tagger train --input folds.nc --num-epochs 1 --device cpu --warm-start tags/logs --warm-without output"
        " --run-name warm",
        "modify --input folds.nc --add-partitioning TRAIN TEST --output parts.nc",
        "toy-tagger train --input parts.nc --partitions TRAIN --num-epochs 1 --device cpu --run-name part",
        "toy-tagger train --input parts.nc --partitions DEVEL --num-epochs 1 --device cpu --run-name wrong",
        "toy-tagger train --input folds.nc --num-epochs 1 --warm-start nowhere --run-name wrong",
        "self-verify --input folds.nc --model-dir folds --run-name wrong",
    ]
    found = json.loads(python(site, folder, RUN, json.dumps(commands)))
    by_command = dict(zip(commands, found, strict=True))
    (folder / "results.json").write_text(json.dumps(by_command), encoding="utf-8")


def result_of(results: dict[str, tuple[int, str, str]], start: str) -> tuple[int, str, str]:
    return next(result for command, result in results.items() if command.startswith(start))


def test_its_commands_are_listed_with_their_descriptions(results) -> None:
    status, out, _ = results["--help"]
    assert status == 0
    for command in ("toy-cnn train", "toy-cnn generate", "toy-cnn reconstruct", "toy-tagger train"):
        assert f"  {command} " in out
    assert "Train a convolutional autoencoder of one layer. It is a toy." in out


def test_its_options_have_help_defaults_and_limits(results) -> None:
    _, out, _ = results["help toy-cnn train"]
    shown = " ".join(out.split())
    assert "--width WIDTH channels of the convolution as a multiple of the bands (default: 2.0)" in shown
    assert "--num-epochs" in shown and "--kernel" in shown
    expected = {
        "--width 0": "argument --width: '0' found, expected a number > 0 and <= 16",
        "--kernel huge": "argument --kernel: 'huge' found, expected one of narrow, wide",
    }
    for given, message in expected.items():
        status, _, err = next(result for command, result in results.items() if given in command)
        assert status == 1 and message in err


def test_its_parser_is_found_by_name(results, work: Path) -> None:
    assert result_of(results, "preprocess --basedir base --parser toy-layout")[0] == 0
    _, _, err = result_of(results, "preprocess --basedir base --parser nowhere")
    assert "toy-layout" in err


def test_its_front_end_has_options_and_a_place_in_models(results, site: Path, work: Path) -> None:
    _, out, _ = results["help preprocess"]
    shown = " ".join(out.split())
    assert "options of --front-end toy-blocks: --block SAMPLES samples of a block (default: 12)" in shown
    assert "toy-blocks:1200" in "".join(out.split())
    status, _, err = next(result for command, result in results.items() if "--num-bands 9" in command)
    assert status == 1 and "--num-bands: is an option of --front-end perceptual-mel, log-mel, mfcc, not of toy" in err
    assert (work / "b.png").stat().st_size > 1000
    script = """
from audeep.data.data_set import load
data_set = load("b.nc")
print(data_set.preprocessing["front_end"], data_set.preprocessing["block"], data_set.feature_shape)
"""
    assert python(site, work, script) == "toy-blocks 20 (30, 20)\n"
    assert len((work / "y.csv").read_text().splitlines()) == 2


def test_a_model_whose_front_end_is_gone_says_so(results, work: Path) -> None:
    command = "extract --model-dir blocks/logs base/low-0.wav"
    [(status, _, err)] = json.loads(python(None, work, RUN, json.dumps([command])))
    assert status == 1 and "toy-blocks: is not a front end; choose one of mel, " in err and err.count("\n") == 1


def test_its_model_trains_goes_on_embeds_and_reconstructs(results, work: Path) -> None:
    failed = {
        command: result
        for command, result in results.items()
        if result[0] != 0 and not any(word in command for word in ("nowhere", "wrong", "no.nc", "g.nc"))
    }
    assert failed == {}
    for name in ("model-9.safetensors", "model-9.optimiser.safetensors"):
        assert (work / "parts/logs" / name).read_bytes() == (work / "whole/logs" / name).read_bytes()
    assert (work / "r.png").stat().st_size > 1000
    assert len((work / "x.csv").read_text().splitlines()) == 2
    status, _, err = result_of(results, "t-rae generate")
    assert status == 1 and "is a toy-cnn model, t-rae was expected" in err


def test_its_tagger_learns_and_is_evaluated(results, work: Path) -> None:
    _, out, _ = result_of(results, "-q toy-tagger evaluate")
    assert out.split(",")[0] == "1.0000"
    rows = [line.split("\t") for line in (work / "p.tsv").read_text().splitlines()]
    assert [name.partition("-")[0] for name, _ in rows] == [label for _, label in rows]
    assert "loss,validation_loss" in (work / "half/logs/learning-curve.csv").read_text()


HOSTILE = {  # fields of the config, and what is said
    "a width beyond the limit": ({"width": 16.5}, "width=16.5: expected a number > 0 and <= 16"),
    "more features": ({"num_features": 10**4}, "a larger model than its 4 tensors"),
    "another width": ({"width": 1.6}, "is float32 [18, 12, 3], expected float32 [19, 12, 3]"),
    "code": ({"kernel": "__import__('os')"}, "expected one of narrow, wide"),
    "features without end": ({"num_features": 2**50}, "makes no model"),
}


@pytest.fixture(scope="module")
def refusals(results, site: Path, work: Path, tmp_path_factory) -> dict[str, tuple[int, str, str]]:
    """What is said of checkpoints with such configs."""
    path, folder = work / "whole/logs/model-9.safetensors", tmp_path_factory.mktemp("hostile")
    with safe_open(path, "np") as file:
        facts = json.loads(file.metadata()["audeep"])
    commands = []
    for number, (change, _) in enumerate(HOSTILE.values()):
        changed = {**facts, "config": {**facts["config"], **change}}
        (folder / str(number)).mkdir()
        save_file(load_file(path), folder / str(number) / path.name, {"audeep": json.dumps(changed)})
        commands.append(f"toy-cnn generate --model-dir {folder}/{number} --input s.nc --output no.nc")
    found = json.loads(python(site, work, RUN, json.dumps(commands)))
    return dict(zip(HOSTILE, found, strict=True))


@pytest.mark.parametrize("name", HOSTILE)
def test_its_checkpoint_is_refused_where_it_is_hostile(refusals, name: str) -> None:
    status, _, err = refusals[name]
    assert status == 1 and HOSTILE[name][1] in err and err.count("\n") == 1


def test_a_model_whose_package_is_gone_is_named(results, work: Path) -> None:
    command = "extract --model-dir whole/logs base/low-0.wav"
    [(status, _, err)] = json.loads(python(None, work, RUN, json.dumps([command])))
    assert status == 1 and "is a toy-cnn model, which no installed package brings" in err


def test_it_has_an_estimator_with_the_same_weights(results, site: Path, work: Path) -> None:
    script = """
import torch
from audeep.estimators import estimator
torch.manual_seed(1)
expected = torch.rand(3)
torch.manual_seed(1)
kind = estimator("toy-cnn")
model = kind(width=1.5, num_epochs=3, batch_size=4, random_state=3, device="cpu").fit("s.nc")
assert torch.equal(torch.rand(3), expected)  # whoever drew before goes on undisturbed
again = kind.load("whole")
assert again.get_params()["width"] == 1.5
print((model.transform("s.nc") == again.transform("s.nc")).all())
"""
    assert python(site, work, script) == "True\n"


def test_it_has_a_section_of_the_reference(site: Path, work: Path) -> None:
    script = "import sys; sys.path.insert(0, 'docs'); import conf; print(*conf.model_sections(conf.MODELS, []))"
    page = python(site, ROOT, script)
    assert "toy-cnn" in page and "width" in page and "channels of the convolution" in page


def test_its_tagger_is_trained_for_each_fold_and_judged_by_what_it_did_not_see(results, work: Path) -> None:
    from audeep.data.data_set import load
    from audeep.data.scores import scores_of

    assert sorted(path.name for path in (work / "folds").iterdir()) == ["fold-1", "fold-2"]
    names, scores = scores_of(load(work / "scores.nc"))
    assert names == ("high", "low") and scores.shape == (12, 2)
    assert float(result_of(results, "-q toy-tagger evaluate --model-dir folds")[1].split(",")[0]) > 0.9


def test_its_tagger_begins_with_the_weights_of_another(results, work: Path) -> None:
    assert "tensors taken" in result_of(results, "toy-tagger train --input folds.nc --num-epochs 1 --device")[2]
    _, _, err = next(result for command, result in results.items() if "--warm-start nowhere" in command)
    assert "nowhere" in err and err.count("\n") == 1
    status, _, err = result_of(results, "self-verify")
    assert status == 1 and "folds.nc: has no verified label; both are needed" in err


def test_its_tagger_is_trained_on_some_partitions_alone(results, work: Path) -> None:
    _, _, err = result_of(results, "toy-tagger train --input parts.nc --partitions TRAIN")
    assert "1 batches" in err  # of up to 64: six instances
    status, _, err = result_of(results, "toy-tagger train --input parts.nc --partitions DEVEL")
    assert status == 1 and err == "--partitions DEVEL: parts.nc has no instance in there; name other partitions\n"
