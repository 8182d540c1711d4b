# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input of tagging on real sound: one line that says what is wrong and what to do, status 1, nothing written."""

from pathlib import Path

import pytest
import soundfile

from audeep.cli.app import main

CLASSES = {"001 - Dog bark": "dog", "009 - Rooster": "rooster", "002 - Rain": "rain"}


@pytest.fixture(scope="module")
def files(esc10: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Spectrograms, models and predictions of a few clips of ESC-10, in one folder."""
    base = tmp_path_factory.mktemp("tagging")
    (base / "clips").mkdir()
    one, several, others, late = ["file,label,fold"], ["file,labels,fold"], ["file,label"], ["file,label,fold"]
    for number, (folder, label) in enumerate(CLASSES.items()):
        for fold in (1, 2):
            for path in sorted((esc10 / folder).glob(f"{fold}-*.ogg"))[:2]:
                (base / "clips" / path.name).write_bytes(path.read_bytes())
                one.append(f"{path.name},{label},{fold}")
                several.append(f'{path.name},"{label},outside",{fold}')
                others.append(f"{path.name},{label if number else 'vuvuzela'}")
                late.append(f"{path.name},{label},{1 if label == 'rain' else fold}")
    sound, rate = soundfile.read(base / "clips" / "1-100032-A.ogg", stop=44100)
    soundfile.write(base / "clips" / "short.wav", sound, rate)
    short = [*one, "short.wav,dog,1"]
    for name, rows in {"short": short, "one": one, "several": several, "others": others, "late": late}.items():
        (base / f"{name}.csv").write_text("\n".join(rows) + "\n")
    spectra = f"-q preprocess --basedir {base}/clips --parser table --jobs 1"
    for command in (
        *(
            f"{spectra} --labels {base}/{name}.csv --front-end log-mel --output {base}/{name}.nc"
            for name in ("one", "several", "others", "late")
        ),
        f"{spectra} --labels {base}/one.csv --front-end log-mel --num-bands 96 --highest-hz 8000"
        f" --output {base}/low.nc",
        f"{spectra} --labels {base}/one.csv --front-end waveform --output {base}/waveform.nc",
        f"{spectra} --labels {base}/short.csv --front-end log-mel --output {base}/short.nc",
        *(
            f"-q mobilenet-v1 train --input {base}/{name}.nc --run-name {base}/{name} --num-epochs 1 --width 0.05"
            f" --window-frames 100 --window-hop 200{' --folds all' * (name == 'one')}"
            for name in ("one", "several", "others")
        ),
        f"-q mobilenet-v1 predict --input {base}/one.nc --model-dir {base}/one --output {base}/scores-one.nc",
        *(
            f"-q mobilenet-v1 predict --input {base}/{name}.nc --model-dir {base}/{name}/logs"
            f" --output {base}/scores-{name}.nc"
            for name in ("several", "others")
        ),
    ):
        assert main(command.split()) == 0, command
    (base / "expected.csv").write_text("fname,label\nnowhere.wav,dog\n")
    (base / "submission.csv").write_text("fname,label\n1-100032-A.ogg,dog\n")
    (base / "fsdkaggle" / "audio_train").mkdir(parents=True)
    (base / "clips" / "1-100032-A.ogg").rename(base / "fsdkaggle" / "audio_train" / "1-100032-A.ogg")
    (base / "fsdkaggle" / "train.csv").write_text("fname,label,manually_verified\n1-100032-A.ogg,Vuvuzela,1\n")
    return base


APPLY = "--model-dir {base}/one --output {out}/x.nc"
BAD = {  # what is bad: command, what its one line has
    "a label outside the map": (
        "preprocess --basedir {base}/fsdkaggle --parser fsdkaggle-2018 --front-end log-mel --output {out}/x.nc",
        "train.csv: line 2: 1-100032-A.ogg has the label 'Vuvuzela', expected one of 41: Acoustic_guitar,",
    ),
    "a label that the model does not know": (
        "mobilenet-v1 evaluate --input {base}/others.nc --model-dir {base}/one --json {out}/x.json",
        "has the label 'vuvuzela', expected one of dog, rain, rooster; evaluate on recordings with the labels that",
    ),
    "an excerpt shorter than the network reads": (
        "vgg-gap train --input {base}/one.nc --run-name {out}/run --width 1 --crop-frames 100",
        "--crop-frames 100: the network needs 191 frames or more; choose so many",
    ),
    "a clip shorter than the network reads": (
        "vgg-gap train --input {base}/short.nc --run-name {out}/run --width 1",
        "short.wav: has 98 frames, the network needs 191 or more; make recordings longer with --fit-frames N when",
    ),
    "spectrograms for a network that reads waveforms": (
        "conv1d train --input {base}/one.nc --run-name {out}/run --width 1",
        "spectrograms of 96 bands, conv1d reads waveforms; preprocess with the front end waveform",
    ),
    "another front end than the model's": (
        "mobilenet-v1 predict --input {base}/waveform.nc " + APPLY,
        "the model in {base}/one/fold-1/logs was trained on 100 x 96; run 'audeep preprocess' as for training",
    ),
    "another setting of the front end than the model's": (
        "mobilenet-v1 predict --input {base}/low.nc " + APPLY,
        "low.nc: was made with highest_hz 8000.0 rather than 20000.0, on which the model in",
    ),
    "a fold that has no clip of a class for training": (
        "mobilenet-v1 train --input {base}/late.nc --run-name {out}/run --folds all --width 0.05",
        "--validation-fold 1: no instance of 'rain' is for training; make other folds, for example with",
    ),
    "models of different labels": (
        "mobilenet-v1 predict --input {base}/one.nc --model-dir {base}/one {base}/others/logs --output {out}/x.nc",
        "{base}/others/logs: knows other labels than the model in {base}/one/fold-1/logs (they differ in dog, vuvuzela",
    ),
    "predictions of different labels": (
        "fuse predictions --input {base}/scores-one.nc {base}/scores-others.nc --output {out}/x.nc",
        "scores-others.nc: ",
    ),
    "a submission for files that are not there": (
        "export submission --input {base}/scores-one.nc --format fsdkaggle-2018 --expected {base}/expected.csv"
        " --output {out}/x.csv",
        "expected.csv: 1 of its 1 files have no scores, the first is nowhere.wav; predict all of them, or name another",
    ),
    "a submission that lacks files": (
        "score --submission {base}/submission.csv --truth {base}/one.nc --json {out}/x.json",
        "submission.csv: has no row for 11 of the 12 recordings to score, the first is ",
    ),
    "several labels to cross-validate on": (
        "mlp evaluate --input {base}/several.nc --cross-validate --json {out}/x.json",
        "recordings have several labels each (dog, outside, rain, ...), one label",
    ),
    "several labels to evaluate": (
        "mobilenet-v1 evaluate --input {base}/several.nc --model-dir {base}/several/logs --json {out}/x.json",
        "recordings have several labels each (dog, outside, rain, ...), one label to evaluate on was expected;",
    ),
    "several labels to write in a line": (
        "mobilenet-v1 predict --input {base}/several.nc --model-dir {base}/several/logs --output {out}/x.txt",
        "recordings have several labels each (dog, outside, rain, ...), one label to write to x.txt was expected;",
    ),
    "several labels to verify": (
        "self-verify --input {base}/several.nc --model-dir {base}/one --run-name {out}/run",
        "several.nc: recordings have several labels, one each was expected; verify single labels",
    ),
    "labels to verify that nobody verified": (
        "self-verify --input {base}/one.nc --model-dir {base}/one --run-name {out}/run",
        "one.nc: has no verified label; both are needed",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_in_one_line_and_nothing_is_written(audeep, files, tmp_path, what):
    command, message = (text.format(base=files, out=tmp_path) for text in BAD[what])
    before = {path: path.stat().st_mtime_ns for path in files.rglob("*")}
    result = audeep(f"-q {command}")
    assert result.status == 1 and result.out == "", result
    assert message in result.err and result.err.count("\n") == 1, result.err
    assert list(tmp_path.iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in files.rglob("*")} == before
