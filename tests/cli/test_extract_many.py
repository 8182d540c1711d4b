# SPDX-License-Identifier: GPL-3.0-or-later
"""extract on folders, of bad recordings, in worker processes, and to a terminal."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from audeep import extract, load
from audeep.inference import recordings as applied
from audeep.inference.features import FeatureExtractor
from audeep.pipeline.rows import Application
from tests.conftest import write_tone


@pytest.fixture(scope="module")
def logs(inputs: dict[str, Path]) -> Path:
    """The models of a run that knows how its spectrograms were made."""
    return inputs["run"] / "logs"


@pytest.fixture
def mixed(recordings: Path, tmp_path: Path) -> tuple[Path, list[str]]:
    """A folder of recordings, with four among them that cannot be used; their names."""
    folder = shutil.copytree(recordings, tmp_path / "in")
    (folder / "fold_1" / "high" / "0.wav").write_bytes(b"no sound at all")
    (folder / "fold_2" / "low" / "empty.wav").touch()
    soundfile.write(folder / "fold_2" / "low" / "short.wav", np.zeros(10), 8000)
    soundfile.write(folder / "fold_3" / "low" / "nan.wav", np.full(4000, np.nan), 8000, subtype="FLOAT")
    return folder, ["fold_1/high/0.wav", "fold_2/low/empty.wav", "fold_2/low/short.wav", "fold_3/low/nan.wav"]


@pytest.mark.slow
@pytest.mark.parametrize("options", ["", "--window 0.2 --hop 0.1"])
def test_a_folder_gives_all_recordings_below_it_by_their_names_with_the_same_bytes_for_any_jobs(
    audeep, logs, recordings, tmp_path, options
):
    names = sorted(path.relative_to(recordings).as_posix() for path in recordings.rglob("*.wav"))
    for name, more in (("1", ""), ("2", "--jobs 2"), ("3", "--jobs 3 --skip-bad")):
        command = f"-q extract --model-dir {logs} {recordings} {options} {more} --output {tmp_path}/{name}.csv"
        assert audeep(command).status == 0
    table = pd.read_csv(tmp_path / "1.csv")
    assert list(dict.fromkeys(table["filename"])) == names and len(table) == len(names) * (4 if options else 1)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes() == (tmp_path / "3.csv").read_bytes()
    files = " ".join(str(recordings / name) for name in names)
    audeep(f"-q extract --model-dir {logs} {files} {options} --output {tmp_path}/each.npy")
    each = np.load(tmp_path / "each.npy")
    np.testing.assert_allclose(table.iloc[:, -each.shape[1] :], each, rtol=1e-6)


@pytest.mark.slow
def test_bad_recordings_are_left_out_and_listed(audeep, logs, mixed, tmp_path):
    folder, bad = mixed
    result = audeep(f"extract --model-dir {logs} {folder} --skip-bad --output {tmp_path}/x.nc")
    assert result.status == 0
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.wav"))
    assert load(tmp_path / "x.nc").filenames.tolist() == [name for name in names if name not in bad]
    lines = (tmp_path / "x.nc.bad.txt").read_text().splitlines()
    assert [line.partition(":")[0] for line in lines] == [str(folder / name) for name in bad]
    assert all(f"left out: {line.partition(': ')[0]}: " in result.err for line in lines)
    assert f"4 of 27 recordings were left out; they are listed in {tmp_path}/x.nc.bad.txt" in result.err
    result = audeep(f"-q extract --model-dir {logs} {folder} --skip-bad")
    assert result.status == 0 and result.out.count("\n") == 1 + len(names) - 4
    assert "4 of 27 recordings were left out\n" in result.err


@pytest.mark.slow
def test_without_the_option_the_first_bad_recording_stops_all(audeep, logs, mixed, tmp_path):
    folder, bad = mixed
    for jobs in (1, 2):
        result = audeep(f"-q extract --model-dir {logs} {folder} --jobs {jobs} --output {tmp_path}/x.csv")
        assert result.status == 1 and bad[0] in result.err and result.err.count("\n") == 1
        assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.slow
def test_nothing_but_bad_recordings_is_an_error(audeep, logs, tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.wav").write_bytes(b"no sound")
    result = audeep(
        f"-q extract --model-dir {logs} {tmp_path}/a.wav {tmp_path}/b.wav --skip-bad --output {tmp_path}/x.csv"
    )
    assert result.status == 1 and "none of 2 recordings can be used; the first: " in result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.wav"]


@pytest.mark.slow
def test_a_recording_that_turns_bad_half_way_leaves_no_rows(audeep, logs, tmp_path):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 8000 * 20)
    samples[8000 * 15] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    write_tone(tmp_path / "b.wav", 440)
    result = audeep(f"-q extract --model-dir {logs} {tmp_path}/a.wav {tmp_path}/b.wav --window 0.2 --skip-bad")
    assert result.status == 0 and f"left out: {tmp_path}/a.wav: holds samples that are NaN" in result.err
    assert {line.partition(",")[0] for line in result.out.splitlines()[1:]} == {f"{tmp_path}/b.wav"}


@pytest.mark.slow
def test_a_recording_of_which_a_worker_dies_is_left_out_and_named(logs, recordings, tmp_path, monkeypatch):
    paths = sorted(recordings.rglob("*.wav"))[:9]
    shutil.copy(paths[4], tmp_path / "deadly.wav")
    paths[4] = tmp_path / "deadly.wav"
    monkeypatch.setattr("audeep.pipeline.extract.Application", Deadly)
    assert extract(paths, logs, tmp_path / "x.csv", skip_bad=True, jobs=2) == 8
    listed = (tmp_path / "x.csv.bad.txt").read_text()
    assert listed.count("\n") == 1 and f"{tmp_path}/deadly.wav: a worker process was killed" in listed


class Deadly(Application):
    """Kills the process at recordings of a name."""

    def __call__(self, path):
        if path.stem == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(path)


def test_names_that_clash_are_paths(audeep, logs, tmp_path):
    for name in ("1/a.wav", "2/a.wav", "2/b/c.wav", "a.wav"):
        write_tone(tmp_path / name, 440)
    result = audeep(f"-q extract --model-dir {logs} {tmp_path}/1 {tmp_path}/2 {tmp_path}/a.wav")
    found = [line.partition(",")[0] for line in result.out.splitlines()[1:]]
    assert found == [f"{tmp_path}/1/a.wav", f"{tmp_path}/2/a.wav", "b/c.wav", f"{tmp_path}/a.wav"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("- --window 1 --skip-bad", "standard input is read as it arrives, which does not go with --skip-bad; leave"),
        ("- --window 1 --jobs 2", "standard input is read as it arrives, which does not go with --jobs 2; leave"),
        ("a.wav --window 0.01 --skip-bad", "--window 0.01: is shorter than the 0.05 s that a spectrum takes"),
        ("empty", "empty: is empty"),
        ("a.wav --output b.csv --skip-bad --log-file b.csv.bad.txt", "b.csv.bad.txt: is written twice"),
        (". --output a.wav", "a.wav: is an input and an output"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(audeep, logs, tmp_path, monkeypatch, options, message):
    write_tone(tmp_path / "a.wav", 440)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    result = audeep(f"-q extract --model-dir {logs} {options}")
    assert result.status == 1 and message in result.err and result.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "empty"]


def test_long_windows_are_embedded_fewer_at_a_time(logs, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 8000 * 4), 8000)
    counts, frames_of = [], []
    vectors = FeatureExtractor.vectors

    def counted(self, name, found):
        counts.append(len(found[0]))
        frames_of.append(found[0][0])
        return vectors(self, name, found)

    monkeypatch.setattr(FeatureExtractor, "vectors", counted)
    extractor = FeatureExtractor(logs)
    whole = [part.vectors for part in extractor.of_windows(tmp_path / "a.wav", 0.5, 0.5)]
    monkeypatch.setattr(applied, "VALUES_TOGETHER", 2 * frames_of[0].size + 1)
    parts = [part.vectors for part in extractor.of_windows(tmp_path / "a.wav", 0.5, 0.5)]
    assert counts == [8, 3, 3, 2]
    np.testing.assert_allclose(np.concatenate(parts), np.concatenate(whole), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_a_terminal_is_sent_no_control_sequences_and_a_program_the_names_as_they_are(logs, warm, tmp_path):
    name = "a\x1b]0;owned\x07\x1b[2J.wav"
    write_tone(tmp_path / name, 440)
    command = [warm.audeep, "-q", "extract", "--model-dir", logs, tmp_path]
    terminal, end = pty.openpty()
    process = subprocess.Popen(command, stdout=end, stderr=subprocess.DEVNULL)
    os.close(end)
    shown = b""
    while True:
        try:
            content = os.read(terminal, 4096)
        except OSError:  # Linux at the end
            break
        if not content:
            break
        shown += content
    os.close(terminal)
    assert process.wait() == 0 and rb"a\x1b]0;owned\x07\x1b[2J.wav" in shown
    assert all(letter.isprintable() for letter in shown.decode().replace("\r\n", ""))
    assert name.encode() in subprocess.run(command, capture_output=True).stdout


@pytest.mark.slow
def test_a_hanging_worker_does_not_keep_extract_from_ending(logs, recordings, tmp_path):
    folder = tmp_path / "in"
    write_tone(folder / "0.wav", 440, seconds=60)
    for number in range(1, 400):
        os.link(folder / "0.wav", folder / f"{number}.wav")
    command = [sys.executable, "-m", "audeep", "-q", "extract", "--model-dir", str(logs), str(folder), "--jobs", "2"]
    process = subprocess.Popen(
        [*command, "--window", "0.2", "--output", str(tmp_path / "x.csv")], stderr=subprocess.PIPE
    )
    workers: list[int] = []
    while len(workers) < 2:
        assert process.poll() is None
        time.sleep(0.1)
        children = [path.read_text().split() for path in Path(f"/proc/{process.pid}/task").glob("*/children")]
        workers = [int(pid) for pid in sum(children, [])]
    time.sleep(5)
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    process.terminate()
    error = process.communicate(timeout=30)[1].decode()
    assert process.returncode == 1 and time.monotonic() - begin < 10 and error == "extract: terminated\n"
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
