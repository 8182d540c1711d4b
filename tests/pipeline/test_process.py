# SPDX-License-Identifier: GPL-3.0-or-later
"""Features of recordings, segments and signals as a table in memory."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import audeep
from audeep.audio.front_ends.mel import Preprocessor
from audeep.errors import AudioError, OptionError, ParserError
from audeep.inference.features import FeatureExtractor
from audeep.parsers.registry import open_parser
from audeep.training.options import TrainingOptions
from audeep.training.trainer import train

RATE = 8000
SETTINGS = {"window_width": 0.05, "window_overlap": 0.025, "mel_spectrum": 6}


@pytest.fixture(scope="module")
def run(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run, trained on recordings of 0.5 s."""
    folder = tmp_path_factory.mktemp("model")
    front_end = Preprocessor(**SETTINGS)
    audeep.preprocess(open_parser(recordings, "meta"), front_end, folder / "s.nc", jobs=1)
    train([audeep.load(folder / "s.nc")], "t-rae", folder / "run", {"num_units": 5}, TrainingOptions(num_epochs=1))
    return folder / "run"


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """A recording of 2 s whose pitch changes each half of a second."""
    rng = np.random.default_rng(3)
    times = np.arange(RATE // 2) / RATE
    parts = [np.sin(2 * np.pi * frequency * times) for frequency in (300, 900, 1700, 2500)]
    soundfile.write(tmp_path / "long.wav", 0.5 * np.concatenate(parts) + 0.01 * rng.standard_normal(2 * RATE), RATE)
    return tmp_path / "long.wav"


def expected(run: Path, samples: np.ndarray, folder: Path) -> np.ndarray:
    """The features of these samples as of a file of their own."""
    soundfile.write(folder / "cut.wav", samples, RATE, "DOUBLE")
    return FeatureExtractor(run).of_recording(folder / "cut.wav")


def seconds(index: pd.Index, level: str) -> list[float]:
    return index.get_level_values(level).total_seconds().tolist()


def test_files_have_a_row_each_indexed_by_file_start_and_end(run, recordings):
    files = sorted(recordings.rglob("*.wav"))[:3]
    found = audeep.process_files(files, run)
    assert list(found.index.names) == ["file", "start", "end"]
    assert found.index.get_level_values("file").tolist() == [str(file) for file in files]
    assert seconds(found.index, "start") == [0, 0, 0] and seconds(found.index, "end") == [0.5, 0.5, 0.5]
    assert set(found.dtypes) == {np.dtype(np.float32)} and list(found)[:2] == ["feature_0", "feature_1"]
    vectors = [FeatureExtractor(run / "logs").of_recording(file)[0] for file in files]
    np.testing.assert_array_equal(found.to_numpy(), vectors)
    pd.testing.assert_frame_equal(audeep.process_files(str(files[0]), FeatureExtractor(run)), found[:1])


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ([0, 0.5], [0.5, 1.25]),
        (pd.to_timedelta([0, 0.5], unit="s"), ["0.5s", pd.Timedelta("1.25s")]),
        (np.array([0, 0.5]), [np.timedelta64(500, "ms"), 1.25]),
    ],
)
def test_segments_have_the_features_of_recordings_that_are_cut_so(run, long, tmp_path, starts, ends):
    found = audeep.process_files([long, long], run, starts=starts, ends=ends)
    samples, _ = soundfile.read(long)
    for row, (start, end) in enumerate([(0, 0.5), (0.5, 1.25)]):
        cut = samples[int(start * RATE) : int(end * RATE)]
        np.testing.assert_array_equal(found.to_numpy()[row], expected(run, cut, tmp_path)[0])
    assert seconds(found.index, "start") == [0, 0.5] and seconds(found.index, "end") == [0.5, 1.25]


def test_no_end_is_that_of_the_recording_and_one_time_is_for_all_files(run, long):
    found = audeep.process_files([long, long], run, starts=0.5, ends=[None, pd.NaT])
    assert seconds(found.index, "start") == [0.5, 0.5] and seconds(found.index, "end") == [2, 2]


def test_an_index_of_audformat_is_taken(run, long):
    times = [pd.to_timedelta(each, unit="s") for each in ([0, 1], [1, np.nan])]
    index = pd.MultiIndex.from_arrays([[long.name] * 2, *times], names=["file", "start", "end"])
    found = audeep.process_files(index, run, root=long.parent)
    assert found.index.get_level_values("file").tolist() == [long.name] * 2
    assert seconds(found.index, "start") == [0, 1] and seconds(found.index, "end") == [1, 2]
    labels = pd.Series(["a", "b"], index=index)
    pd.testing.assert_frame_equal(audeep.process_files(labels, run, root=long.parent), found)
    files = audeep.process_files(pd.Index([str(long)], name="file"), run)
    assert seconds(files.index, "end") == [2]


def test_windows_have_a_row_each_at_their_times_in_the_file(run, long, tmp_path):
    found = audeep.process_files(long, run, starts=0.5, window=0.5, hop=0.25)
    assert seconds(found.index, "start") == [0.5, 0.75, 1, 1.25, 1.5]
    assert seconds(found.index, "end") == [1, 1.25, 1.5, 1.75, 2]
    samples, _ = soundfile.read(long)
    for row, start in enumerate((0.5, 0.75, 1, 1.25, 1.5)):
        cut = samples[int(start * RATE) : int((start + 0.5) * RATE)]
        np.testing.assert_allclose(found.to_numpy()[row], expected(run, cut, tmp_path)[0], atol=1e-6)
    whole = audeep.process_files(long, run, window=0.5)
    assert seconds(whole.index, "start") == [0, 0.5, 1, 1.5]


@pytest.mark.slow
def test_workers_give_the_same(run, long, recordings):
    files = [*sorted(recordings.rglob("*.wav"))[:8], long]
    one, two = (audeep.process_files(files, run, ends=0.4, jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two)


def test_a_folder_gives_all_recordings_below_it(run, recordings):
    found = audeep.process_folder(recordings / "fold_1", run)
    names = [str(path) for path in sorted((recordings / "fold_1").rglob("*.wav"))]
    assert found.index.get_level_values("file").tolist() == names
    below = audeep.process_folder(recordings / "fold_1", run, include_root=False)
    assert below.index.get_level_values("file").tolist()[0] == "high/0.wav"
    np.testing.assert_array_equal(below.to_numpy(), found.to_numpy())


def test_a_signal_has_the_features_of_a_file_with_it(run, long, tmp_path):
    samples, _ = soundfile.read(long)
    found = audeep.process_signal(samples, RATE, run)
    assert list(found.index.names) == ["start", "end"] and seconds(found.index, "end") == [2]
    np.testing.assert_array_equal(found.to_numpy(), expected(run, samples, tmp_path))
    named = audeep.process_signal(samples[np.newaxis], RATE, run, file="x", start=0.5, end="1s")
    assert named.index.tolist() == [("x", pd.Timedelta("0.5s"), pd.Timedelta("1s"))]
    np.testing.assert_array_equal(named.to_numpy(), expected(run, samples[RATE // 2 : RATE], tmp_path))
    integers, _ = soundfile.read(long, dtype="int16")
    np.testing.assert_array_equal(audeep.process_signal(integers, RATE, run).to_numpy(), found.to_numpy())
    windows = audeep.process_signal(samples, RATE, run, window=1.0, hop=0.5)
    assert seconds(windows.index, "start") == [0, 0.5, 1]


def test_models_of_chunks_give_a_row_for_each_with_its_times(recordings, tmp_path, long):
    front_end = Preprocessor(**SETTINGS, chunk_length=0.2, chunk_count=2)
    audeep.preprocess(open_parser(recordings, "meta"), front_end, tmp_path / "c.nc", jobs=1)
    options = TrainingOptions(num_epochs=1)
    train([audeep.load(tmp_path / "c.nc")], "t-rae", tmp_path / "run", {"num_units": 3}, options)
    found = audeep.process_files(long, tmp_path / "run")
    assert seconds(found.index, "start") == [0, 0.2] and seconds(found.index, "end") == [0.2, 0.4]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"starts": [0, 1]}, "starts: 2 times found for 1 files; give one for each, or one for all"),
        ({"starts": "soon"}, "starts='soon': expected seconds, or a time as pandas writes it"),
        ({"ends": -1}, "ends=-1: expected a time of the recording, 0 s or more"),
        ({"hop": 1.0}, "hop=1: needs window=SECONDS"),
    ],
)
def test_options_that_are_no_good_are_refused(run, long, options, message):
    with pytest.raises(OptionError, match=message):
        audeep.process_files([long], run, **options)


def test_what_cannot_be_processed_is_refused(run, long, tmp_path):
    with pytest.raises(AudioError, match="the recording ends at 2 s"):
        audeep.process_files(long, run, ends=3)
    with pytest.raises(OptionError, match="jobs=2: each process loads the model"):
        audeep.process_files(long, FeatureExtractor(run), jobs=2)
    index = pd.MultiIndex.from_tuples([("a", "b")], names=["file", "speaker"])
    with pytest.raises(OptionError, match="files: is an index of file, speaker; expected file, start, end"):
        audeep.process_files(index, run)
    with pytest.raises(OptionError, match="starts, ends: the index may have times already"):
        audeep.process_files(pd.Index([str(long)]), run, starts=1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ParserError, match="empty: is empty"):
        audeep.process_folder(tmp_path / "empty", run)
    for signal, message in (([], "signal: expected numbers"), ([np.nan], "NaN"), (["a"], "signal: expected numbers")):
        with pytest.raises(OptionError, match=message):
            audeep.process_signal(signal, RATE, run)
    with pytest.raises(OptionError, match="start=5: the signal has no samples from there"):
        audeep.process_signal(np.ones(RATE), RATE, run, start=5)


def test_what_things_are_is_told_by_their_repr(run, recordings, spectrograms_of):
    data_set = spectrograms_of(recordings)
    shown = f"DataSet(24 instances of 19 time x 6 freq, 2 classes, 3 folds, {data_set.source!r})"
    assert repr(data_set) == shown
    expected = "Instance(filename='fold_1/high/0.wav', chunk_nr=0, label_nominal='high', shape=(19, 6))"
    assert repr(data_set[0]) == expected
    extractor = FeatureExtractor(run)
    assert repr(extractor).startswith("FeatureExtractor(TimeAutoencoder, 5 features, Preprocessor(window_width=0.05")
    model = repr(extractor.embedder.model)
    assert "num_steps=19, num_features=6, num_units=5" in model and " weights" in model and "cell=" not in model


@pytest.fixture
def spectrograms_of(tmp_path: Path):
    def make(basedir: Path) -> audeep.DataSet:
        audeep.preprocess(open_parser(basedir, "meta"), Preprocessor(**SETTINGS), tmp_path / "s.nc", jobs=1)
        return audeep.load(tmp_path / "s.nc")

    return make
