# SPDX-License-Identifier: GPL-3.0-or-later
"""tag: scores of recordings, windows and standard input, by one tagger or several, in all formats."""

import io
import json
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from audeep import load, tag
from audeep.cli.app import main
from audeep.data.scores import scores_of
from audeep.errors import ModelError, OptionError
from audeep.models.registry import MODELS
from audeep.pipeline.predict import predict_scores
from audeep.runtime.registry import Entry
from tests.cli.conftest import SPECTRA
from tests.conftest import write_tone

pytestmark = pytest.mark.usefixtures("toy_tagger")

TOY = Entry("toy-tagger", "tests.support.toy_kinds:ToyTagger", "tagger", "a toy")


@pytest.fixture(scope="module")
def models(recordings: Path, spectrograms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Taggers on two front ends: folds/ and mel/ on `spectrograms`, log/ on log.nc, other/ with other labels."""
    folder = tmp_path_factory.mktemp("taggers")
    log_mel = "--front-end log-mel --sample-rate 8000 --num-bands 16 --highest-hz 3900 --jobs 1"
    train = "--num-epochs 8 --batch-size 8 --learning-rate 0.05 --device cpu"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODELS, "built_in", {**MODELS.built_in, TOY.name: TOY})
        for command in (
            f"preprocess --basedir {recordings} {log_mel} --output {folder}/log.nc",
            f"preprocess --basedir {recordings} {SPECTRA} --parser no-metadata --output {folder}/mel.nc --jobs 1",
            f"toy-tagger train --input {spectrograms} --run-name {folder}/mel {train}",
            f"toy-tagger train --input {spectrograms} --run-name {folder}/folds {train} --folds all --seed 5",
            f"toy-tagger train --input {folder}/log.nc --run-name {folder}/log {train}",
        ):
            assert main(["-q", *shlex.split(command)]) == 0
        data_set = load(spectrograms)
        data_set.label_map = {"deep": 1, "shrill": 0}
        data_set.labels_nominal[:] = np.where(data_set.labels_numeric == 1, "deep", "shrill")
        data_set.save(folder / "other.nc")
        assert (
            main(shlex.split(f"-q toy-tagger train --input {folder}/other.nc --run-name {folder}/other {train}")) == 0
        )
    return folder


def by_predict(runs: list[Path], data_set: Path, names: list[str]) -> np.ndarray:
    """Scores of recordings called `names` in a data set."""
    predicted = predict_scores(runs, load(data_set))
    rows = [predicted.filenames.tolist().index(name) for name in names]
    return predicted.features[rows]


NAMES = ["fold_1/low/0.wav", "fold_3/high/2.wav", "fold_2/low/3.wav"]


@pytest.mark.slow
def test_scores_of_a_model_are_those_of_preprocess_and_predict(audeep, models, recordings, spectrograms):
    files = " ".join(str(recordings / name) for name in NAMES)
    result = audeep(f"-q tag {files} --model-dir {models}/mel/logs")
    assert result.status == 0
    lines = [line.split(",") for line in result.out.splitlines()]
    assert lines[0] == ["filename", "chunk_nr", "high", "low"]
    assert [line[0] for line in lines[1:]] == [str(recordings / name) for name in NAMES]
    found = np.array([line[2:] for line in lines[1:]], float)
    np.testing.assert_allclose(found, by_predict([models / "mel" / "logs"], spectrograms, NAMES), rtol=1e-5)
    assert found.argmax(axis=1).tolist() == [1, 0, 1]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["mean", "geometric"])
def test_an_ensemble_of_folds_and_front_ends_is_the_mean_of_its_members(audeep, models, recordings, tmp_path, method):
    command = f"tag {recordings} --model-dir {models}/folds {models}/log/logs --method {method}"
    assert audeep(f"{command} --output {tmp_path}/x.nc").status == 0
    found = load(tmp_path / "x.nc")
    names = sorted(path.relative_to(recordings).as_posix() for path in recordings.rglob("*.wav"))
    assert found.filenames.tolist() == names and scores_of(found)[0] == ("high", "low")
    members = [
        *(by_predict([models / "folds" / f"fold-{k}" / "logs"], models / "mel.nc", names) for k in (1, 2, 3)),
        by_predict([models / "log" / "logs"], models / "log.nc", names),
    ]
    expected = np.mean(members, axis=0) if method == "mean" else np.exp(np.mean(np.log(members), axis=0))
    np.testing.assert_allclose(found.features, expected, rtol=1e-4)


def test_each_window_is_scored_like_a_recording(audeep, models, tmp_path):
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, 8000 * 2)
    soundfile.write(tmp_path / "long.wav", samples, 8000, subtype="DOUBLE")
    (tmp_path / "each").mkdir()
    for number, start in enumerate(range(0, 16000 - 4000 + 1, 1600)):
        soundfile.write(tmp_path / "each" / f"{number}.wav", samples[start : start + 4000], 8000, subtype="DOUBLE")
    models_of = f"--model-dir {models}/mel/logs {models}/log/logs"
    assert audeep(f"tag {tmp_path}/long.wav {models_of} --window 0.5 --hop 0.2 --output {tmp_path}/x.csv").status == 0
    assert audeep(f"tag {tmp_path}/each {models_of} --output {tmp_path}/y.csv").status == 0
    found, expected = pd.read_csv(tmp_path / "x.csv"), pd.read_csv(tmp_path / "y.csv")
    np.testing.assert_allclose(found["start_seconds"], 0.2 * np.arange(8))
    np.testing.assert_allclose(found[["high", "low"]], expected[["high", "low"]], rtol=1e-4)


def test_all_formats_hold_the_same_numbers_and_the_best_labels_come_first(audeep, models, recordings, tmp_path):
    command = f"tag {recordings / NAMES[0]} {recordings / NAMES[1]} --model-dir {models}/mel/logs --window 0.2"
    for suffix in ("csv", "jsonl", "nc"):
        assert audeep(f"{command} --output {tmp_path}/x.{suffix}").status == 0
    expected = load(tmp_path / "x.nc")
    assert expected.chunk_nrs.tolist() == [0, 1] * 2
    table = pd.read_csv(tmp_path / "x.csv")
    np.testing.assert_array_equal(table[["high", "low"]].to_numpy(np.float32), expected.features)
    rows = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert [(row["filename"], row["chunk_nr"], row["start_seconds"]) for row in rows] == [
        (str(recordings / name), number, start) for name in NAMES[:2] for number, start in ((0, 0.0), (1, 0.2))
    ]
    assert [list(row["scores"]) for row in rows] == [["high", "low"]] * 4
    np.testing.assert_array_equal(np.float32([list(row["scores"].values()) for row in rows]), expected.features)

    best = pd.read_csv(tmp_path / "x.csv")[["high", "low"]]
    assert audeep(f"{command} --top 1 --output {tmp_path}/top.csv").status == 0
    top = pd.read_csv(tmp_path / "top.csv")
    assert top.columns.tolist() == ["filename", "chunk_nr", "start_seconds", "label", "score"]
    assert top["label"].tolist() == best.idxmax(axis=1).tolist() and top["score"].tolist() == best.max(axis=1).tolist()
    shown = audeep(f"-q {command} --format jsonl --top 2").out.splitlines()
    assert [list(json.loads(line)["scores"]) for line in shown] == [["low", "high"]] * 2 + [["high", "low"]] * 2
    least = float(np.sort(best.to_numpy().max(axis=1))[1])
    assert audeep(f"{command} --threshold {least!r} --output {tmp_path}/some.csv").status == 0
    some = pd.read_csv(tmp_path / "some.csv")
    assert len(some) == (best.to_numpy() >= least).sum() and (some["score"] >= least).all()


@pytest.mark.slow
def test_worker_processes_give_the_same_bytes_and_bad_recordings_are_listed(recordings, spectrograms, tmp_path):
    network = "--num-epochs 1 --width 0.02 --batch-size 24 --device cpu"
    assert main(shlex.split(f"-q mobilenet-v1 train --input {spectrograms} --run-name {tmp_path}/run {network}")) == 0
    folder = tmp_path / "in"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((recordings / name).read_bytes())
    logs = [tmp_path / "run" / "logs"]
    assert tag([folder], logs, tmp_path / "1.csv") == tag([folder], logs, tmp_path / "2.csv", jobs=2) == 3
    (folder / "bad.wav").write_bytes(b"no sound")
    assert tag([folder], logs, tmp_path / "3.csv", skip_bad=True) == 3
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes() == (tmp_path / "3.csv").read_bytes()
    assert (tmp_path / "3.csv.bad.txt").read_text().startswith(f"{folder}/bad.wav: ")


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch):
    """Lets standard input be the content of a file, through a pipe."""
    processes = []

    def put(path: Path) -> None:
        processes.append(subprocess.Popen(["cat", path], stdout=subprocess.PIPE))
        monkeypatch.setattr(sys, "stdin", processes[-1].stdout)

    yield put
    for process in processes:
        process.stdout.close()
        process.wait()


def test_standard_input_is_scored_as_a_file_is(audeep, models, recordings, tmp_path, piped):
    path, options = recordings / NAMES[1], f"--model-dir {models}/mel/logs --window 0.1"
    expected = table_of(audeep(f"-q tag {path} {options}").out)
    piped(path)
    found = table_of(audeep(f"-q tag - {options}").out)
    assert found.pop("filename").tolist() == ["stdin"] * 5
    pd.testing.assert_frame_equal(found, expected.drop(columns="filename"), rtol=1e-4)


def table_of(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text))


def test_what_is_not_finite_in_what_arrives_is_silence_and_in_a_file_an_error(audeep, models, tmp_path, piped):
    samples = np.random.default_rng(2).uniform(-0.5, 0.5, 8000)
    silenced = samples.copy()
    silenced[3000:3010] = 0
    soundfile.write(tmp_path / "zero.wav", silenced, 8000, subtype="DOUBLE")
    samples[3000:3009], samples[3009] = np.nan, np.inf
    soundfile.write(tmp_path / "nan.wav", samples, 8000, subtype="DOUBLE")
    options = f"--model-dir {models}/mel/logs --window 0.25"
    expected = table_of(audeep(f"-q tag {tmp_path}/zero.wav {options}").out)
    refused = audeep(f"-q tag {tmp_path}/nan.wav {options}")
    assert refused.status == 1 and "nan.wav: holds samples that are NaN or infinite" in refused.err
    piped(tmp_path / "nan.wav")
    result = audeep(f"-q tag - {options}")
    assert result.status == 0
    np.testing.assert_allclose(table_of(result.out).iloc[:, 3:], expected.iloc[:, 3:], rtol=1e-4)
    assert result.err == "standard input: holds samples that are NaN or infinite; they are taken as silence\n"


def test_live_shows_a_line_for_each_window_and_waits_in_silence(audeep, models, tmp_path):
    tone = np.sin(np.arange(4000) * 0.25)
    soundfile.write(tmp_path / "a.wav", np.concatenate([np.zeros(4000), tone]), 8000)
    command = f"-q tag {tmp_path}/a.wav --model-dir {models}/mel/logs --window 0.5 --live"
    result = audeep(f"{command} --output {tmp_path}/x.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    low, high = rows[1]["scores"]["low"], rows[1]["scores"]["high"]
    assert low > high and result.out.splitlines() == [
        f"{tmp_path}/a.wav  0.00 s  waiting: there is only silence",
        f"{tmp_path}/a.wav  0.50 s  low {100 * low:.1f} %, high {100 * high:.1f} %",
    ]
    assert audeep(f"{command} --top 1").out.splitlines()[1].endswith(f"low {100 * low:.1f} %")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "what to tag is not clear; name recordings, or give --microphone"),
        ("a.wav --microphone", "what to tag is not clear; name recordings, or give --microphone"),
        ("- ", "a hop, and standard input, need the length of a window; pass --window SECONDS"),
        ("- --window 1 --jobs 2", "standard input is read as it arrives, which does not go with --jobs 2"),
        ("a.wav --output x.txt", "--output x.txt: the suffix must be one of .csv, .jsonl, .nc; choose another name"),
        ("a.wav --format nc", "--format nc: needs the name of a file; pass --output FILE"),
        ("a.wav --output x.nc --top 1", "data set files have the scores of all labels; leave out top and threshold"),
        ("a.wav --live --format csv", "--live shows bars on standard output; name a file for the scores with --output"),
        ("a.wav --top 0", "--top: '0' found, expected an integer >= 1"),
        ("a.wav --threshold 2", "--threshold: '2' found, expected a number >= 0 and <= 1"),
        ("nowhere.wav", "nowhere.wav: no such file, a recording was expected"),
        ("a.wav --window 0.01", "--window 0.01: is shorter than the 0.05 s that a spectrum takes"),
        ("a.wav --output a.wav --format csv", "a.wav: is an input and an output"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(audeep, models, tmp_path, monkeypatch, options, message):
    write_tone(tmp_path / "a.wav", 440)
    monkeypatch.chdir(tmp_path)
    result = audeep(f"-q tag {options} --model-dir {models}/mel/logs")
    assert result.status == 1 and message in result.err and result.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_models_that_cannot_work_together_are_refused(models, run_directory, recordings, tmp_path):
    recording = recordings / NAMES[0]
    with pytest.raises(ModelError, match=r"other/logs: knows other labels than the model in .*\(they differ in deep"):
        tag([recording], [models / "mel" / "logs", models / "other" / "logs"], tmp_path / "x.csv")
    with pytest.raises(ModelError, match="is not a model that learns from labels"):
        tag([recording], [run_directory / "logs"], tmp_path / "x.csv")
    with pytest.raises(OptionError, match="method=learned: expected one of mean, geometric"):
        tag([recording], [models / "mel" / "logs"], tmp_path / "x.csv", method="learned")
    assert not any(tmp_path.iterdir())


def test_a_recording_too_short_for_the_network_is_named(audeep, models, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tests.support.toy_kinds.ToyTagger.shortest", 10**4)
    write_tone(tmp_path / "short.wav", 440, seconds=0.3)
    result = audeep(f"tag {tmp_path}/short.wav --model-dir {models}/mel/logs --output {tmp_path}/x.csv")
    assert result.status == 1 and result.err.count("\n") == 1
    assert "short.wav: has " in result.err and "the network needs 10000 or more" in result.err
    assert not (tmp_path / "x.csv").exists()
