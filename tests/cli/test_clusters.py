# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands by the workers of dask.distributed write what they write alone, whatever happens to workers."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("distributed", reason="the extra 'dask' is not installed")

from audeep import load  # noqa: E402
from audeep.audio.front_ends.mel import Preprocessor  # noqa: E402
from audeep.data.manifest import shards_in  # noqa: E402
from audeep.errors import AudioError  # noqa: E402
from audeep.parsers.no_metadata import NoMetadataParser  # noqa: E402
from audeep.pipeline.preprocess import preprocess  # noqa: E402
from tests.cli.conftest import SPECTRA  # noqa: E402
from tests.conftest import write_tone  # noqa: E402
from tests.support.clusters import waited  # noqa: E402
from tests.support.data_sets import assert_same  # noqa: E402
from tests.support.failing import Failing, rename  # noqa: E402

OPTIONS = {"window_width": 0.05, "window_overlap": 0.025, "mel_spectrum": 12}


@pytest.fixture(autouse=True)
def one_core():
    """Products are the same to the last digit on the same number of cores; workers of dask have one each."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_preprocess_writes_the_same_bytes(audeep, recordings: Path, tmp_path: Path, cluster_address: str) -> None:
    command = f"preprocess --basedir {recordings} {SPECTRA} --output {tmp_path}"
    assert audeep(f"{command}/alone.nc --jobs 1").status == 0
    assert audeep(f"{command}/dask.nc --cluster {cluster_address}").status == 0
    assert (tmp_path / "dask.nc").read_bytes() == (tmp_path / "alone.nc").read_bytes()
    assert audeep(f"{command}/several --shards 5 --cluster {cluster_address}").status == 0
    assert_same(load(tmp_path / "several"), load(tmp_path / "alone.nc"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone.nc", "dask.nc", "several"]


@pytest.mark.slow
@pytest.mark.parametrize("options", ["", "--window 0.2 --hop 0.1", "--skip-bad"])
def test_extract_writes_the_same_bytes(
    audeep,
    run_directory: Path,
    recordings: Path,
    tmp_path: Path,
    cluster_address: str,
    options: str,
) -> None:
    base = shutil.copytree(recordings, tmp_path / "in")
    if options == "--skip-bad":
        (base / "fold_2" / "low" / "bad.wav").write_bytes(b"RIFF")
    command = f"extract {base} --model-dir {run_directory}/logs {options} --output {tmp_path}"
    for name, how in (("alone.csv", ""), ("dask.csv", f"--cluster {cluster_address}")):
        assert audeep(f"{command}/{name} {how}").status == 0
    assert (tmp_path / "dask.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()
    if options == "--skip-bad":
        assert (tmp_path / "dask.csv.bad.txt").read_text() == (tmp_path / "alone.csv.bad.txt").read_text() != ""


@pytest.mark.slow
@pytest.mark.parametrize("options", ["", "--batch-size 5", "--pooled --batch-size 7"])
def test_generate_writes_the_same_bytes(
    audeep,
    run_directory: Path,
    spectrograms: Path,
    tmp_path: Path,
    cluster_address: str,
    options: str,
) -> None:
    command = f"t-rae generate --model-dir {run_directory}/logs --input {spectrograms} {options} --output {tmp_path}"
    for name, how in (("alone.nc", ""), ("dask.nc", f"--cluster {cluster_address}")):
        assert audeep(f"{command}/{name} {how}").status == 0
    assert (tmp_path / "dask.nc").read_bytes() == (tmp_path / "alone.nc").read_bytes()


@pytest.mark.slow
def test_taggers_write_the_same_bytes(
    audeep,
    recordings: Path,
    spectrograms: Path,
    tmp_path: Path,
    cluster_address: str,
) -> None:
    train = "--num-epochs 1 --batch-size 8 --width 0.05"
    assert audeep(f"mobilenet-v1 train --input {spectrograms} --run-name {tmp_path}/run {train}").status == 0
    logs = tmp_path / "run" / "logs"
    for number, options in enumerate(["", "--num-excerpts 2 --excerpt-frames 17"]):
        command = f"mobilenet-v1 predict --model-dir {logs} --input {spectrograms} {options} --output {tmp_path}"
        for name, how in (("alone", ""), ("dask", f"--cluster {cluster_address}")):
            assert audeep(f"{command}/{name}-{number}.nc {how}").status == 0
        one, other = ((tmp_path / f"{name}-{number}.nc").read_bytes() for name in ("alone", "dask"))
        assert one == other
    for name, how in (("alone.jsonl", ""), ("dask.jsonl", f"--cluster {cluster_address}")):
        assert audeep(f"tag {recordings} --model-dir {logs} --output {tmp_path}/{name} {how}").status == 0
    assert (tmp_path / "dask.jsonl").read_bytes() == (tmp_path / "alone.jsonl").read_bytes()


@pytest.fixture
def basedir(tmp_path: Path) -> Path:
    for number in range(12):
        write_tone(tmp_path / "in" / f"{number:02}.wav", 300 + 20 * number, 0.3 + number % 5 * 0.1)
    return tmp_path / "in"


@pytest.mark.slow
@pytest.mark.parametrize("shards", [None, 3])
def test_recordings_that_kill_workers_are_left_out_and_named(
    basedir: Path,
    tmp_path: Path,
    cluster_address: str,
    shards: int | None,
) -> None:
    names = rename(basedir, "runtime", 3) + rename(basedir, "death", 5)
    parser = NoMetadataParser(basedir)
    expected = preprocess(parser, Failing(**OPTIONS), tmp_path / "alone.nc", 1, skip_bad=True)
    given = {"skip_bad": True, "shards": shards, "cluster": cluster_address}
    assert preprocess(parser, Failing(**OPTIONS), tmp_path / "dask.nc", **given) == expected
    assert [line.partition(": ")[0] for line in expected] == names
    assert_same(load(tmp_path / "dask.nc"), load(tmp_path / "alone.nc"))


@pytest.mark.slow
@pytest.mark.parametrize("shards", [None, 4])
def test_what_a_cluster_began_goes_on_without_it(
    basedir: Path,
    tmp_path: Path,
    cluster_address: str,
    shards: int | None,
) -> None:
    (name,) = rename(basedir, "runtime", 10)
    parser = NoMetadataParser(basedir)
    with pytest.raises(AudioError, match=f"{name}: cannot be processed .*are done, go on with resume=True"):
        preprocess(parser, Failing(**OPTIONS), tmp_path / "s", shards=shards, cluster=cluster_address)
    (basedir / "mended").touch()
    preprocess(parser, Failing(**OPTIONS), tmp_path / "s", 1, shards=shards, resume=True)
    preprocess(parser, Preprocessor(**OPTIONS), tmp_path / "one.nc", 1)
    np.testing.assert_array_equal(load(tmp_path / "s").features, load(tmp_path / "one.nc").features)
    assert shards is None or len(shards_in(tmp_path / "s")) == shards


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_workers_stop(tmp_path: Path, cluster_address: str) -> None:
    for number in range(40):
        write_tone(tmp_path / "in" / f"{number:02}.wav", 300 + number, 60)
    command = f"preprocess --basedir {tmp_path}/in --parser no-metadata --output {tmp_path}/s --shards 2"
    process = subprocess.Popen(
        [sys.executable, "-m", "audeep", *command.split(), "--cluster", cluster_address],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        text=True,
    )
    journal = tmp_path / "s.parts" / "shard-0000.nc.journal"
    waited(lambda: journal.exists() and journal.stat().st_size > 10**6)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert process.stderr is not None
    shown = process.stderr.read()
    assert shown.splitlines()[-1] == "interrupted: 0 of 2 shards are done, go on with --continue"
    assert list((tmp_path / "s.parts").glob("running-*")) == []

    def size() -> int:
        return sum(path.stat().st_size for path in (tmp_path / "s.parts").glob("*.journal"))

    def has_stopped() -> bool:
        before = size()
        time.sleep(2)
        return size() == before

    waited(has_stopped)
    assert audeep_continues(command, cluster_address) == 0
    assert len(load(tmp_path / "s")) == 40


def audeep_continues(command: str, address: str) -> int:
    from audeep.cli.app import main

    return main([*command.split(), "--cluster", address, "--continue"])


def test_options_that_do_not_go_together_are_refused(audeep, recordings: Path, tmp_path: Path) -> None:
    command = f"preprocess --basedir {recordings} --output {tmp_path}/s.nc"
    for options, text in (
        ("--cluster host", "--cluster host: the address of a dask scheduler, such as tcp://host:8786, or local:N"),
        ("--cluster local:2 --jobs 2", "--jobs 2 and --cluster local:2: both say who works; leave one of them out"),
    ):
        result = audeep(f"{command} {options}")
        assert result.status == 1 and result.err.count("\n") == 1 and text in result.err
    assert list(tmp_path.iterdir()) == []
