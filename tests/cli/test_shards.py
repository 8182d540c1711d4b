# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory of shards is a data set for every command; nothing writes over one that is read."""

import filecmp
import re
from pathlib import Path

import numpy as np
import pytest

from audeep import load
from audeep.data.manifest import MANIFEST
from tests.support.data_sets import assert_same


@pytest.fixture(scope="module")
def several(tmp_path_factory, recordings: Path) -> Path:
    """The spectrograms of `spectrograms`, in five shards."""
    import shlex

    from audeep.cli.app import main
    from tests.cli.conftest import SPECTRA

    path = tmp_path_factory.mktemp("several") / "tones"
    assert main(shlex.split(f"-q preprocess --basedir {recordings} {SPECTRA} --output {path} --shards 5 --jobs 1")) == 0
    return path


@pytest.mark.slow
def test_preprocess_divides_into_shards(spectrograms: Path, several: Path) -> None:
    assert_same(load(several), load(spectrograms))
    assert sorted(path.name for path in several.iterdir()) == [*(f"shard-{n:04}.nc" for n in range(5)), MANIFEST]


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "modify --input {} --add-cv-setup 4 --seed 3 --output {out}/made.nc",
        "fuse --input {} {} --dimension freq --output {out}/made.nc",
        "upsample --input {} --output {out}/made.nc",
        "export --input {} --name tones --format csv --output {out}/tables",
        "t-rae generate --model-dir {run}/logs --input {} --output {out}/made.nc",
    ],
)
def test_commands_make_of_shards_what_they_make_of_a_file(
    audeep, spectrograms: Path, several: Path, run_directory: Path, tmp_path: Path, command: str
) -> None:
    made = []
    for number, source in enumerate((spectrograms, several)):
        out = tmp_path / str(number)
        assert audeep(command.format(source, source, out=out, run=run_directory)).status == 0
        made.append(sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file()))
    assert made[0] == made[1] and made[0]
    for name in made[0]:
        assert filecmp.cmp(tmp_path / "0" / name, tmp_path / "1" / name, shallow=False), name


@pytest.mark.slow
def test_training_on_shards_gives_the_same_weights(audeep, spectrograms: Path, several: Path, tmp_path: Path) -> None:
    for number, source in enumerate((spectrograms, several)):
        options = f"--run-name {tmp_path}/{number} --num-epochs 2 --batch-size 5 --num-units 8 --num-layers 1"
        assert audeep(f"t-rae train --input {source} {options}").status == 0
    one, other = (sorted((tmp_path / str(number) / "logs").glob("model-*[0-9].safetensors")) for number in (0, 1))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other] and one


@pytest.mark.slow
def test_validate_and_inspect_say_what_shards_are(audeep, several: Path, spectrograms: Path) -> None:
    assert "shards as they were written" in audeep(f"validate --input {several}").out
    assert "shards as they were written" not in audeep(f"validate --input {spectrograms}").out
    found, expected = (audeep(f"inspect netcdf --input {path} --instance 7").out for path in (several, spectrograms))
    lines = found.splitlines()
    assert re.search(r"\| shards +\| 5 +\|", found) and "shards" not in expected
    assert [line.split() for line in lines if "shards" not in line] == [line.split() for line in expected.splitlines()]


@pytest.mark.slow
def test_modify_divides_and_puts_together(audeep, spectrograms: Path, tmp_path: Path) -> None:
    assert audeep(f"modify --input {spectrograms} --shards 7 --output {tmp_path}/several").status == 0
    assert_same(load(tmp_path / "several"), load(spectrograms))
    assert audeep(f"modify --input {tmp_path}/several --output {tmp_path}/one.nc").status == 0
    assert (tmp_path / "one.nc").read_bytes() == spectrograms.read_bytes()
    result = audeep(f"modify --input {spectrograms} --shards 25 --output {tmp_path}/x")
    assert result.status == 1 and "--shards 25: there are 24 to be divided" in result.err


@pytest.mark.parametrize("output", ["tones/shard-0001.nc", "tones", "tones/shards.json"])
@pytest.mark.parametrize("options", ["--add-cv-setup 2", "--add-cv-setup 2 --shards 2"])
def test_shards_that_are_read_are_not_written(audeep, several: Path, output: str, options: str) -> None:
    before = {path.name: path.read_bytes() for path in several.iterdir()}
    result = audeep(f"modify --input {several} {options} --output {several.parent}/{output}")
    assert result.status == 1 and result.err.count("\n") == 1
    assert {path.name: path.read_bytes() for path in several.iterdir()} == before


def test_a_missing_shard_is_named(audeep, several: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(several, tmp_path / "tones")
    (copy / "shard-0003.nc").unlink()
    result = audeep(f"validate --input {copy}")
    assert result.status == 1 and result.err.count("\n") == 1
    assert f"{copy}/shard-0003.nc: No such file or directory, but {copy}/{MANIFEST} lists it" in result.err


@pytest.mark.slow
def test_preprocess_goes_on(audeep, recordings: Path, tmp_path: Path, spectrograms: Path) -> None:
    import shutil

    from tests.cli.conftest import SPECTRA

    base = shutil.copytree(recordings, tmp_path / "base")
    bad = base / "fold_2" / "low" / "1.wav"
    good = bad.read_bytes()
    bad.write_bytes(b"RIFF")
    command = f"preprocess --basedir {base} {SPECTRA} --output {tmp_path}/tones --shards 4 --jobs 2"
    result = audeep(command)
    assert result.status == 1 and result.err.splitlines()[-1].endswith(
        "shards are done, go on with --continue, or without bad ones with --continue --skip-bad"
    )
    bad.write_bytes(good)
    assert audeep(f"{command} --continue").status == 0
    np.testing.assert_array_equal(load(tmp_path / "tones").features, load(spectrograms).features)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "tones"]
