# SPDX-License-Identifier: GPL-3.0-or-later
"""preprocess --continue: what is done is not done again, and the file is that of a run in one go."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audeep import load
from audeep.audio.front_ends.mel import Preprocessor
from audeep.pipeline.preprocess import partial_path
from audeep.runtime.journal import Journal
from tests.conftest import write_tone

SPECTRA = "--window-width 0.05 --window-overlap 0.025 --mel-spectrum 12"


@pytest.fixture
def basedir(recordings: Path, tmp_path: Path) -> Path:
    """A copy of the recordings, whose times of change are those of the originals."""
    return shutil.copytree(recordings, tmp_path / "base")


@pytest.fixture
def command(basedir: Path, tmp_path: Path) -> str:
    return f"preprocess --basedir {basedir} {SPECTRA} --output {tmp_path}/s.nc --jobs 1"


@pytest.fixture
def processed(monkeypatch) -> list[Path]:
    """The recordings that are processed in this process, as they come."""
    done = []
    chunks = Preprocessor.chunks_and_rate

    def chunks_and_rate(self, path):
        done.append(path)
        return chunks(self, path)

    monkeypatch.setattr(Preprocessor, "chunks_and_rate", chunks_and_rate)
    return done


@pytest.fixture
def interrupted(audeep, command, processed, monkeypatch, tmp_path):
    """Runs preprocess with options until it is interrupted at the eighth recording."""

    def run(options: str = ""):
        with monkeypatch.context() as patch:
            chunks_and_rate = Preprocessor.chunks_and_rate

            def until_the_eighth(*arguments):
                if len(processed) == 7:
                    raise KeyboardInterrupt
                return chunks_and_rate(*arguments)

            patch.setattr(Preprocessor, "chunks_and_rate", until_the_eighth)
            result = audeep(f"{command} {options}")
        assert result.status == 130
        assert result.err == "interrupted: 7 of 24 recordings are done, go on with --continue\n"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "s.nc.partial"]
        processed.clear()

    return run


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("compression", [0, 5])
def test_an_interrupted_run_goes_on_to_the_bytes_of_one_in_one_go(
    audeep, command, interrupted, processed, tmp_path, jobs, compression
):
    interrupted(f"--compression {compression}")
    result = audeep(f"{command} --compression {compression} --continue --jobs {jobs}")
    assert result.status == 0 and "s.nc.partial: 7 of 24 recordings are done already" in result.err
    assert len(processed) == (17 if jobs == 1 else 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "s.nc"]
    continued = (tmp_path / "s.nc").read_bytes()
    assert audeep(f"{command} --compression {compression}").status == 0
    assert (tmp_path / "s.nc").read_bytes() == continued


def test_a_run_may_be_interrupted_again_and_again(audeep, command, interrupted, processed, monkeypatch, tmp_path):
    interrupted()
    for turn in range(2, 5):
        with monkeypatch.context() as patch:
            append = Journal.append

            def stop_after_three(self, *arguments, append=append):
                append(self, *arguments)
                if len(processed) == 3:
                    raise KeyboardInterrupt

            patch.setattr(Journal, "append", stop_after_three)
            result = audeep(f"{command} --continue")
        assert f"interrupted: {3 * turn + 4} of 24 recordings are done" in result.err
        processed.clear()
    assert audeep(f"{command} --continue").status == 0 and len(processed) == 24 - 16
    assert len(load(tmp_path / "s.nc")) == 24


@pytest.mark.parametrize(
    "options, text",
    [
        ("--clip-below -40", "the interrupted run had --clip-below None, found -40.0; go on with the options and"),
        ("--mel-spectrum 13", "the interrupted run had --mel-spectrum 12, found 13"),
        ("--channels LEFT", "the interrupted run had --channels MEAN, found LEFT"),
        ("--compression 1", "the interrupted run had --compression 0, found 1"),
        (
            "--parser no-metadata",
            "the interrupted run had --parser audeep.parsers.meta.MetaParser, found audeep.parsers",
        ),
    ],
)
def test_other_options_are_refused(audeep, command, interrupted, tmp_path, options, text):
    interrupted()
    before = (tmp_path / "s.nc.partial").read_bytes()
    result = audeep(f"{command} {options} --continue")
    assert result.status == 1 and result.err.count("\n") == 1 and text in result.err
    assert (tmp_path / "s.nc.partial").read_bytes() == before
    assert audeep(f"{command} --continue").status == 0


@pytest.mark.parametrize("change", ["added", "removed", "renamed", "relabelled"])
def test_another_list_of_recordings_is_refused(audeep, command, basedir, interrupted, change):
    interrupted()
    last = basedir / "fold_3" / "low" / "3.wav"
    if change == "added":
        shutil.copy(last, last.with_name("4.wav"))
    elif change == "removed":
        last.unlink()
    else:
        last.rename(last.with_name("5.wav") if change == "renamed" else basedir / "fold_3" / "high" / "5.wav")
    result = audeep(f"{command} --continue")
    assert result.status == 1 and result.err.count("\n") == 1
    count = {"added": 25, "removed": 23}.get(change, 24)
    assert "the interrupted run had recordings=24 with checksum " in result.err and f", found {count} wi" in result.err


@pytest.mark.parametrize("change", ["time", "size", "gone"])
def test_recordings_that_have_changed_since_are_refused(audeep, command, basedir, interrupted, tmp_path, change):
    interrupted()
    path = basedir / "fold_1" / "high" / "2.wav"
    before = path.stat()
    if change == "size":
        path.write_bytes(path.read_bytes() + b"LIST\4\0\0\0more")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + (change == "time")))
    kept = (tmp_path / "s.nc.partial").read_bytes()
    if change == "gone":
        path.rename(path.with_suffix(".kept"))
        path.symlink_to(basedir / "fold_1" / "high" / "3.wav")
    result = audeep(f"{command} --continue")
    assert result.status == 1 and result.err.count("\n") == 1
    assert f"{path}: has changed since it was processed; restore it, or leave out --continue" in result.err
    assert (tmp_path / "s.nc.partial").read_bytes() == kept and not (tmp_path / "s.nc").exists()


def test_a_recording_that_is_not_done_may_change(audeep, command, basedir, interrupted, tmp_path):
    interrupted()
    shutil.copy(basedir / "fold_1" / "low" / "0.wav", basedir / "fold_3" / "low" / "0.wav")
    assert audeep(f"{command} --continue").status == 0


def test_without_an_interrupted_run_there_is_nothing_to_go_on_with(audeep, command, tmp_path):
    for _ in range(2):
        result = audeep(f"{command} --continue")
        assert result.status == 1 and result.err.count("\n") == 1
        assert "s.nc.partial: no such file, there is nothing to go on with; leave out --continue to st" in result.err
        assert audeep(command).status == 0


def test_a_run_without_the_option_starts_anew_and_says_so(audeep, command, interrupted, processed, tmp_path):
    interrupted()
    result = audeep(command)
    assert result.status == 0 and len(processed) == 24
    assert "s.nc.partial: discarded; --continue would have gone on with this interrupted run" in result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "s.nc"]


def test_a_run_that_stopped_at_a_recording_goes_on_when_it_is_repaired(audeep, command, basedir, processed, tmp_path):
    path = basedir / "fold_2" / "high" / "1.wav"
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    result = audeep(command)
    assert result.status == 1 and result.err.count("\n") == 1
    assert f"{path}: holds " in result.err
    assert result.err.endswith(
        "; 9 of 24 recordings are done, go on with --continue, or without bad ones with --continue --skip-bad\n"
    )
    assert audeep(f"{command} --continue").status == 1
    path.write_bytes(whole)
    processed.clear()
    assert audeep(f"{command} --continue").status == 0 and len(processed) == 15
    assert len(load(tmp_path / "s.nc")) == 24


@pytest.mark.slow
def test_a_run_that_stopped_at_a_recording_goes_on_without_it(audeep, command, basedir, processed, tmp_path):
    for name in ("fold_1/low/2.wav", "fold_2/high/1.wav"):
        (basedir / name).write_bytes(b"no sound")
    assert audeep(command).status == 1
    result = audeep(f"{command} --continue --skip-bad")
    assert result.status == 0 and len(processed) == 7  # the others by a worker, which a bad one might end
    continued, listed = (tmp_path / "s.nc").read_bytes(), (tmp_path / "s.nc.bad.txt").read_text()
    assert listed.count("\n") == 2 and "2 of 24 recordings were left out" in result.err
    assert audeep(f"{command} --skip-bad").status == 0
    assert (tmp_path / "s.nc").read_bytes() == continued and (tmp_path / "s.nc.bad.txt").read_text() == listed


@pytest.mark.slow
def test_bad_recordings_found_before_an_interruption_are_listed_at_the_end(
    audeep, command, basedir, interrupted, tmp_path
):
    (basedir / "fold_1" / "high" / "1.wav").write_bytes(b"no sound")
    with pytest.raises(AssertionError, match="6 of 24"):
        interrupted("--skip-bad")
    assert audeep(f"{command} --skip-bad --continue").status == 0
    assert "fold_1/high/1.wav: cannot be decoded" in (tmp_path / "s.nc.bad.txt").read_text()
    assert len(load(tmp_path / "s.nc")) == 23


def start(basedir: Path, output: Path, *options: str) -> subprocess.Popen:
    command = ["-q", "preprocess", "--basedir", basedir, "--output", output, *SPECTRA.split(), *options]
    return subprocess.Popen(
        [sys.executable, "-m", "audeep", *command],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell may have started us without it
    )


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """So many names of one recording that their processing takes a minute."""
    write_tone(tmp_path / "many" / "0.wav", 440, seconds=4)
    for number in range(1, 5000):
        os.link(tmp_path / "many" / "0.wav", tmp_path / "many" / f"{number}.wav")
    return tmp_path / "many"


def wait_for(path: Path, size: int, process: subprocess.Popen) -> None:
    for _ in range(3000):
        if path.exists() and path.stat().st_size > size:
            return
        assert process.poll() is None
        time.sleep(0.01)
    pytest.fail(f"{path} does not grow")


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("number, status, word", [("SIGTERM", 1, "terminated"), ("SIGINT", 130, "interrupted")])
def test_signals_keep_what_is_done_and_say_how_to_go_on(endless, tmp_path, number, status, word, jobs):
    process = start(endless, tmp_path / "s.nc", "--parser", "no-metadata", "--jobs", jobs)
    wait_for(tmp_path / "s.nc.partial", 100_000, process)
    process.send_signal(getattr(signal, number))
    assert process.wait(30) == status
    error = "".join(line for line in process.stderr if "not compiled" not in line)
    assert error.count("\n") == 1 and word in error and "of 5000 recordings are done, go on with --continue" in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many", "s.nc.partial"]


@pytest.mark.slow
def test_workers_end_with_the_process_that_is_killed(endless, tmp_path):
    process = start(endless, tmp_path / "s.nc", "--parser", "no-metadata", "--jobs", "2")
    wait_for(tmp_path / "s.nc.partial", 100_000, process)
    process.kill()
    process.communicate(timeout=20)  # the error output ends when all processes that hold it have
    second = start(endless, tmp_path / "s.nc", "--parser", "no-metadata", "--jobs", "2", "--continue")
    size = (tmp_path / "s.nc.partial").stat().st_size
    wait_for(tmp_path / "s.nc.partial", size + 10_000, second)
    second.terminate()
    assert second.wait(30) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many", "s.nc.partial"]  # no temporary file


@pytest.mark.slow
def test_a_worker_that_is_killed_stops_the_run_in_one_line_and_what_is_done_is_kept(endless, tmp_path):
    process = start(endless, tmp_path / "s.nc", "--parser", "no-metadata", "--jobs", "2")
    wait_for(tmp_path / "s.nc.partial", 100_000, process)
    workers = workers_of(process)
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    assert process.wait(30) == 1
    assert re.fullmatch(
        rf"{endless}/\d+.wav: a worker process was killed, perhaps because memory ran out; try --jobs 1; \d+ of 5000"
        r" recordings are done, go on with --continue, or without bad ones with --continue --skip-bad\n",
        "".join(line for line in process.stderr if "not compiled" not in line),
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many", "s.nc.partial"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options, number, status, word",
    [
        (("--jobs", "2"), signal.SIGTERM, 1, "terminated"),
        (("--jobs", "1", "--skip-bad"), signal.SIGINT, 130, "interrupted"),
    ],
)
def test_a_run_ends_when_told_to_though_its_workers_hang_and_goes_on_to_the_same_bytes(
    endless, audeep, tmp_path, options, number, status, word
):
    for path in sorted(endless.iterdir())[200:]:
        path.unlink()
    output = tmp_path / "s.nc"
    process = start(endless, output, "--parser", "no-metadata", *options)
    wait_for(partial_path(output), 10_000, process)
    workers = workers_of(process)
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(0.5)  # it has what they had sent
    begin = time.monotonic()
    process.send_signal(number)
    assert process.wait(30) == status and time.monotonic() - begin < 10
    error = "".join(line for line in process.stderr if "not compiled" not in line)
    assert error.count("\n") == 1 and word in error and "of 200 recordings are done, go on with --continue" in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many", "s.nc.partial"]
    assert workers and not any(Path(f"/proc/{pid}").exists() for pid in workers)
    command = f"preprocess --basedir {endless} --parser no-metadata {SPECTRA} --jobs 1"
    assert audeep(f"{command} --output {output} --continue").status == 0
    assert audeep(f"{command} --output {tmp_path}/whole.nc").status == 0
    assert output.read_bytes() == (tmp_path / "whole.nc").read_bytes()


def workers_of(process: subprocess.Popen) -> list[int]:
    children = [path.read_text().split() for path in Path(f"/proc/{process.pid}/task").glob("*/children")]
    return [
        int(pid) for pid in sum(children, []) if b"audeep.runtime.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


@pytest.mark.slow
def test_two_runs_cannot_write_one_file(endless, audeep, tmp_path):
    pytest.importorskip("fcntl")
    process = start(endless, tmp_path / "s.nc", "--parser", "no-metadata", "--jobs", "1")
    wait_for(tmp_path / "s.nc.partial", 0, process)
    result = audeep(f"preprocess --basedir {endless} --parser no-metadata {SPECTRA} --output {tmp_path}/s.nc")
    process.terminate()
    assert process.wait(30) == 1
    assert result.status == 1 and "s.nc.partial: another process is writing there; wait for it" in result.err
