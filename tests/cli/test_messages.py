# SPDX-License-Identifier: GPL-3.0-or-later
"""The same fault told by the library, which names parameters, and by a command, which names options."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from audeep.audio.front_ends.mel import Preprocessor
from audeep.data.data_set import DataSet, load
from audeep.data.exchange.exporting import export
from audeep.data.schema import Partition
from audeep.errors import AudeepError
from audeep.evaluation.learners import svms
from audeep.evaluation.plan import EvaluationPlan
from audeep.evaluation.predictions import predict
from audeep.models.frequency_autoencoder import FrequencyAutoencoderConfig
from audeep.models.masked_frames import MaskedFramesConfig
from audeep.models.time_autoencoder import TimeAutoencoderConfig
from audeep.parsers.registry import open_parser
from audeep.pipeline.preprocess import preprocess
from audeep.training.options import TrainingOptions
from audeep.training.trainer import train


class Case(NamedTuple):
    """A fault: how Python meets it, and the options of a command with which it is met."""

    library: Callable[..., object]
    message: str
    options: str
    command_message: str


def settings(**values: Any) -> Callable[..., object]:
    return lambda **_: Preprocessor(**values)


def training(**values: Any) -> Callable[..., object]:
    return lambda **_: TrainingOptions(**values)


def model(**values: Any) -> Callable[..., object]:
    return lambda **_: TimeAutoencoderConfig(19, 12, **values)


def trained(resume: bool = False, again: bool = False, **options: Any) -> Callable[..., object]:
    def run(spectrograms: DataSet, run: Path, tmp_path: Path, **_: Any) -> object:
        directory = run if again else tmp_path / "run"
        return train([spectrograms], "t-rae", directory, options=TrainingOptions(**options), resume=resume)

    return run


def preprocessed(**values: Any) -> Callable[..., object]:
    return lambda recordings, tmp_path, **_: preprocess(
        open_parser(recordings, "meta"), Preprocessor(**values), tmp_path / "out.nc", 1
    )


PREPROCESS = "preprocess --basedir {recordings} --jobs 1 --output {tmp_path}/x.nc"
TRAIN = "t-rae train --input {spectrograms_path} --num-epochs 1 --run-name {tmp_path}/other"
F_TRAIN = "f-rae train --input {spectrograms_path} --num-epochs 1 --run-name {tmp_path}/other"
EVALUATE = "svm evaluate --input {features_path} --cross-validate --complexity 1"
CASES = {
    # values beyond limits, which a command refuses before anything is read
    "a width of 0": Case(
        settings(window_width=0),
        "window_width=0: expected a number > 0",
        f"{PREPROCESS} --window-width 0",
        "--window-width: '0' found, expected a number > 0",
    ),
    "a negative overlap": Case(
        settings(window_overlap=-1.0),
        "window_overlap=-1.0: expected a number >= 0",
        f"{PREPROCESS} --window-overlap=-1.0",
        "--window-overlap: '-1.0' found, expected a number >= 0",
    ),
    "no bands": Case(
        settings(mel_spectrum=0),
        "mel_spectrum=0: expected an integer >= 1 and <= 65536",
        f"{PREPROCESS} --mel-spectrum 0",
        "--mel-spectrum: '0' found, expected an integer >= 1 and <= 65536",
    ),
    "half a band": Case(
        settings(mel_spectrum=1.5),
        "mel_spectrum=1.5: expected an integer >= 1",
        f"{PREPROCESS} --mel-spectrum 1.5",
        "--mel-spectrum: '1.5' found, expected an integer >= 1",
    ),
    "a rate of 0": Case(
        settings(sample_rate=0),
        "sample_rate=0: expected an integer >= 1",
        f"{PREPROCESS} --sample-rate 0",
        "--sample-rate: '0' found, expected an integer >= 1",
    ),
    "unknown channels": Case(
        settings(channels="BOTH"),
        "channels='BOTH': expected one of MEAN, LEFT, RIGHT, DIFF",
        f"{PREPROCESS} --channels BOTH",
        "--channels: 'BOTH' found, expected one of MEAN, LEFT, RIGHT, DIFF",
    ),
    "an unknown reference": Case(
        settings(relative_to="loudest"),
        "relative_to='loudest': expected one of frame, previous, neighbours",
        f"{PREPROCESS} --relative-to loudest",
        "--relative-to: 'loudest' found, expected one of frame, previous, neighbours",
    ),
    "no chunks": Case(
        settings(chunk_length=1.0, chunk_count=0),
        "chunk_count=0: expected an integer >= 1",
        f"{PREPROCESS} --chunk-length 1 --chunk-count 0",
        "--chunk-count: '0' found, expected an integer >= 1",
    ),
    "a level that is not a number": Case(
        settings(clip_below=float("nan")),
        "clip_below=nan: expected a number",
        f"{PREPROCESS} --clip-below nan",
        "--clip-below: 'nan' found, expected a number",
    ),
    "no instances per step": Case(
        training(batch_size=0),
        "batch_size=0: expected an integer >= 1",
        f"{TRAIN} --batch-size 0",
        "--batch-size: '0' found, expected an integer >= 1",
    ),
    "a negative number of epochs": Case(
        training(num_epochs=-1),
        "num_epochs=-1: expected an integer >= 0",
        f"{TRAIN} --num-epochs -1",
        "--num-epochs: '-1' found, expected an integer >= 0",
    ),
    "a rate of learning of 0": Case(
        training(learning_rate=0.0),
        "learning_rate=0.0: expected a number > 0",
        f"{TRAIN} --learning-rate 0.0",
        "--learning-rate: '0.0' found, expected a number > 0",
    ),
    "an infinite rate of learning": Case(
        training(learning_rate=float("inf")),
        "learning_rate=inf: expected a number > 0",
        f"{TRAIN} --learning-rate inf",
        "--learning-rate: 'inf' found, expected a number > 0",
    ),
    "a seed below 0": Case(
        training(seed=-1),
        "seed=-1: expected an integer >= 0 and <= 4294967295",
        f"{TRAIN} --seed=-1",
        "--seed: '-1' found, expected an integer >= 0 and <= 4294967295",
    ),
    "an unknown precision": Case(
        training(precision="float8"),
        "precision='float8': expected one of float32, bfloat16, float16",
        f"{TRAIN} --precision float8",
        "--precision: 'float8' found, expected one of float32, bfloat16, float16",
    ),
    "an unknown schedule": Case(
        training(schedule="steep"),
        "schedule='steep': expected one of constant, cosine, one-cycle, linear, staircase",
        f"{TRAIN} --schedule steep",
        "--schedule: 'steep' found, expected one of constant, cosine, one-cycle, linear, staircase",
    ),
    "a share above 1": Case(
        training(validation_split=1.5),
        "validation_split=1.5: expected a number > 0 and <= 1",
        f"{TRAIN} --validation-split 1.5",
        "--validation-split: '1.5' found, expected a number > 0 and <= 1",
    ),
    "no patience": Case(
        training(validation_split=0.5, patience=0),
        "patience=0: expected an integer >= 1",
        f"{TRAIN} --validation-split 0.5 --patience 0",
        "--patience: '0' found, expected an integer >= 1",
    ),
    "no model to keep": Case(
        training(checkpoints_to_keep=0),
        "checkpoints_to_keep=0: expected an integer >= 1",
        f"{TRAIN} --checkpoints-to-keep 0",
        "--checkpoints-to-keep: '0' found, expected an integer >= 1",
    ),
    "no frames to crop": Case(
        training(crop_frames=0),
        "crop_frames=0: expected an integer >= 1",
        f"{TRAIN} --crop-frames 0",
        "--crop-frames: '0' found, expected an integer >= 1",
    ),
    "no units": Case(
        model(num_units=0),
        "num_units=0: expected an integer >= 1",
        f"{TRAIN} --num-units 0",
        "--num-units: '0' found, expected an integer >= 1",
    ),
    "no layers": Case(
        model(num_layers=0),
        "num_layers=0: expected an integer >= 1",
        f"{TRAIN} --num-layers 0",
        "--num-layers: '0' found, expected an integer >= 1",
    ),
    "an unknown cell": Case(
        model(cell="RNN"),
        "cell='RNN': expected one of GRU, LSTM",
        f"{TRAIN} --cell RNN",
        "--cell: 'RNN' found, expected one of GRU, LSTM",
    ),
    "nothing to keep": Case(
        model(keep_prob=0.0),
        "keep_prob=0.0: expected a number > 0 and <= 1",
        f"{TRAIN} --keep-prob 0.0",
        "--keep-prob: '0.0' found, expected a number > 0 and <= 1",
    ),
    "noise above 1": Case(
        model(encoder_noise=1.5),
        "encoder_noise=1.5: expected a number >= 0 and <= 1",
        f"{TRAIN} --encoder-noise 1.5",
        "--encoder-noise: '1.5' found, expected a number >= 0 and <= 1",
    ),
    "more than all frames masked": Case(
        lambda **_: MaskedFramesConfig(19, 12, masked_frames=2.0),
        "masked_frames=2.0: expected a number >= 0 and <= 1",
        "masked-frames train --input {spectrograms_path} --run-name {tmp_path}/other --masked-frames 2.0",
        "--masked-frames/--hidden-frames: '2.0' found, expected a number >= 0 and <= 1",
    ),
    "no repetition": Case(
        lambda **_: EvaluationPlan(repeat=0),
        "repeat=0: expected an integer >= 1",
        f"{EVALUATE} --repeat 0",
        "--repeat: '0' found, expected an integer >= 1",
    ),
    # options that contradict each other or the data
    "a window that never advances": Case(
        settings(window_overlap=0.04),
        "window_overlap=0.04: must be smaller than window_width=0.04, or the window never advances",
        f"{PREPROCESS} --window-overlap 0.04",
        "--window-overlap 0.04: must be smaller than --window-width 0.04, or the window never advances",
    ),
    "a length within one window": Case(
        settings(fixed_length=0.03),
        "fixed_length=0.03: must be longer than one window; choose more than window_width=0.04",
        f"{PREPROCESS} --fixed-length 0.03",
        "--fixed-length 0.03: must be longer than one window; choose more than --window-width 0.04",
    ),
    "a level above the loudest": Case(
        settings(clip_below=3.0),
        "clip_below=3.0: the loudest cell is 0 dB, so a level below 0 was expected",
        f"{PREPROCESS} --clip-below 3",
        "--clip-below 3.0: the loudest cell is 0 dB, so a level below 0 was expected",
    ),
    "levels the wrong way round": Case(
        settings(clip_below=-20.0, clip_above=-30.0),
        "clip_below=-20.0: must be lower than clip_above=-30.0; choose a lower level",
        f"{PREPROCESS} --clip-below=-20 --clip-above=-30",
        "--clip-below -20.0: must be lower than --clip-above -30.0; choose a lower level",
    ),
    "chunks without a length": Case(
        settings(chunk_count=2),
        "chunk_count=2: needs chunk_length=S; give both or neither",
        f"{PREPROCESS} --chunk-count 2",
        "--chunk-count 2: needs --chunk-length S; give both or neither",
    ),
    "chunks without a number": Case(
        settings(chunk_length=1.0),
        "chunk_length=1.0: needs chunk_count=N; give both or neither",
        f"{PREPROCESS} --chunk-length 1",
        "--chunk-length 1.0: needs --chunk-count N; give both or neither",
    ),
    "more chunks than there are": Case(
        preprocessed(chunk_length=0.2, chunk_count=9),
        "chunk_count=9 needs more; use fewer or shorter chunks, or a fixed_length=S above 1.8 s",
        f"{PREPROCESS} --chunk-length 0.2 --chunk-count 9",
        "--chunk-count 9 needs more; use fewer or shorter chunks, or a --fixed-length S above 1.8 s",
    ),
    "patience without validation": Case(
        training(patience=3),
        "patience=3: needs a validation loss; add validation_split=P, validation_partition=NAME",
        f"{TRAIN} --patience 3",
        "--patience 3: needs a validation loss; add --validation-split P, --validation-partition NAME",
    ),
    "the best of nothing": Case(
        training(keep_best=True),
        "keep_best=True: needs a validation loss; add validation_split=P, validation_partition=NAME",
        f"{TRAIN} --keep-best",
        "--keep-best: needs a validation loss; add --validation-split P, --validation-partition NAME",
    ),
    "all recordings held out": Case(
        trained(validation_split=1.0),
        "validation_split=1: takes 24 of 24 recordings, none is left to train on",
        f"{TRAIN} --validation-split 1",
        "--validation-split 1: takes 24 of 24 recordings, none is left to train on",
    ),
    "partitions that are not there": Case(
        trained(validation_partition=[Partition.TEST]),
        "validation_partition=TEST: no instance is in there",
        f"{TRAIN} --validation-partition TEST",
        "--validation-partition TEST: no instance is in there",
    ),
    "windows wider than a frame": Case(
        lambda **_: FrequencyAutoencoderConfig(19, 12).windows,
        "freq_window_width=32: the input has 12 bands; choose a smaller width",
        F_TRAIN,
        "--freq-window-width 32: the input has 12 bands; choose a smaller width",
    ),
    "windows that do not advance": Case(
        lambda **_: FrequencyAutoencoderConfig(19, 12, freq_window_width=4, freq_window_overlap=4).windows,
        "freq_window_overlap=4: must be at least 0 and smaller than freq_window_width=4",
        f"{F_TRAIN} --freq-window-width 4 --freq-window-overlap 4",
        "--freq-window-overlap 4: must be at least 0 and smaller than --freq-window-width 4",
    ),
    "a run that is there already": Case(
        trained(again=True),
        "logs: already has a checkpoint of step 6; add resume=True to go on from it, or choose another run_name=DIR",
        "t-rae train --input {spectrograms_path} --run-name {run}",
        "logs: already has a checkpoint of step 6; add --continue to go on from it, or choose another --run-name DIR",
    ),
    "nothing to go on from": Case(
        trained(resume=True),
        "logs: has no checkpoint to continue from; leave out resume=True to start a new run",
        f"{TRAIN} --continue",
        "logs: has no checkpoint to continue from; leave out --continue to start a new run",
    ),
    "nothing of preprocess to go on with": Case(
        lambda recordings, tmp_path, **_: preprocess(
            open_parser(recordings, "meta"), Preprocessor(), tmp_path / "out.nc", resume=True
        ),
        "no such file, there is nothing to go on with; leave out resume=True to start",
        f"{PREPROCESS} --continue",
        "no such file, there is nothing to go on with; leave out --continue to start",
    ),
    "values that are balanced": Case(
        lambda features, **_: predict(features, features, svms([1.0]), EvaluationPlan(upsample=True, regression=True)),
        "upsample=True balances classes, and regression has none; leave one of them out",
        f"{EVALUATE} --task regression --upsample",
        "--upsample balances classes, and regression has none; leave one of them out",
    ),
    "a folder that is not there": Case(
        lambda tmp_path, **_: open_parser(tmp_path / "nowhere", "meta"),
        "nowhere: no such directory; name the directory of the recordings with basedir=DIR",
        "preprocess --basedir {tmp_path}/nowhere --output {tmp_path}/x.nc",
        "nowhere: no such directory; name the directory of the recordings with --basedir DIR",
    ),
    "a name that is a path": Case(
        lambda features, tmp_path, **_: export(features, tmp_path, "a/b", "csv"),
        "name=a/b: is a path, the name of a file was expected",
        "export --input {features_path} --format csv --name a/b --output {tmp_path}/csv",
        "--name a/b: is a path, the name of a file was expected",
    ),
}


@pytest.fixture
def given(inputs: dict[str, Path], tmp_path: Path) -> dict[str, Any]:
    """What the cases work with."""
    spectrograms, features = inputs["spectrograms"], inputs["features"]
    paths = {"spectrograms_path": spectrograms, "features_path": features, "run": inputs["run"], "tmp_path": tmp_path}
    return {**paths, "recordings": inputs["recordings"], "spectrograms": load(spectrograms), "features": load(features)}


def test_there_are_forty_cases() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_library_names_parameters_and_a_command_names_options(audeep, given: dict[str, Any], case: Case) -> None:
    with pytest.raises(AudeepError) as refused:
        case.library(**given)
    assert case.message in str(refused.value) and "--" not in case.message
    result = audeep(case.options.format(**given))
    assert result.status == 1
    assert case.command_message in result.err and result.err.count("\n") == 1
