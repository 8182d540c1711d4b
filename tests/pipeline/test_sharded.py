# SPDX-License-Identifier: GPL-3.0-or-later
"""preprocess with shards: the data set of a run to one file, whole or not at all, whatever ends the work meanwhile."""

import logging
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from audeep import DataSet, load, validate
from audeep.audio.front_ends.mel import Preprocessor
from audeep.data.manifest import MANIFEST, shards_in
from audeep.errors import AudioError, OptionError, OutputError, ShapeError, Stopped
from audeep.parsers.meta import MetaParser
from audeep.parsers.no_metadata import NoMetadataParser
from audeep.pipeline.preprocess import preprocess
from tests.conftest import write_tone
from tests.support.data_sets import assert_same
from tests.support.failing import Failing, rename

SPECTRA = {"window_width": 0.05, "window_overlap": 0.025, "mel_spectrum": 12}


@pytest.fixture
def basedir(tmp_path: Path) -> Path:
    """Twelve tones of different lengths."""
    for number in range(12):
        write_tone(tmp_path / "in" / f"{number:02}.wav", 300 + 20 * number, 0.3 + number % 5 * 0.1)
    return tmp_path / "in"


def left(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in tmp_path.iterdir() if path.name != "in")


@pytest.mark.parametrize(
    "num_shards, jobs", [(1, 1), *(pytest.param(*each, marks=pytest.mark.slow) for each in ((5, 2), (12, 2)))]
)
def test_shards_have_what_one_file_has(basedir: Path, tmp_path: Path, num_shards: int, jobs: int) -> None:
    parser = NoMetadataParser(basedir)
    preprocess(parser, Preprocessor(**SPECTRA), tmp_path / "one.nc", 1)
    preprocess(parser, Preprocessor(**SPECTRA), tmp_path / "several", jobs, shards=num_shards)
    assert_same(load(tmp_path / "several"), load(tmp_path / "one.nc"))
    assert [each.violations for each in validate(load(tmp_path / "several"))][-1] == []
    assert len(shards_in(tmp_path / "several")) == num_shards
    assert left(tmp_path) == ["one.nc", "several"]
    assert sorted(os.listdir(tmp_path / "several"))[-1] == MANIFEST


@pytest.mark.slow
def test_labels_and_folds_are_those_of_one_file(recordings: Path, tmp_path: Path) -> None:
    parser = MetaParser(recordings)
    preprocess(parser, Preprocessor(**SPECTRA, fixed_length=0.3), tmp_path / "one.nc", 1, compression=3)
    preprocess(parser, Preprocessor(**SPECTRA, fixed_length=0.3), tmp_path / "s", 2, compression=3, shards=3)
    assert_same(load(tmp_path / "s"), load(tmp_path / "one.nc"))


@pytest.mark.slow
def test_bad_recordings_are_left_out_and_named(basedir: Path, tmp_path: Path) -> None:
    names = rename(basedir, "runtime", 4, 5, 6, 7) + rename(basedir, "death", 8)
    parser = NoMetadataParser(basedir)
    expected = preprocess(parser, Failing(**SPECTRA), tmp_path / "one.nc", 1, skip_bad=True)
    found = preprocess(parser, Failing(**SPECTRA), tmp_path / "several", 2, skip_bad=True, shards=3)
    assert found == expected and [line.partition(": ")[0] for line in found] == names
    assert shards_in(tmp_path / "several")[1].instances == 0  # all of it is bad
    assert_same(load(tmp_path / "several"), load(tmp_path / "one.nc"))
    assert (tmp_path / "several.bad.txt").read_bytes() == (tmp_path / "one.nc.bad.txt").read_bytes()


@pytest.mark.slow
def test_odd_shapes_are_those_of_the_whole_data_set(basedir: Path, tmp_path: Path) -> None:
    for number in (0, 1, 2):
        write_tone(basedir / f"{number:02}.wav", 300, 0.5, sample_rate=8000)
    for number in range(3, 12):
        write_tone(basedir / f"{number:02}.wav", 300, 0.5, sample_rate=11025)
    front_end, parser = Preprocessor(window_width=0.05, window_overlap=0.025), NoMetadataParser(basedir)
    message = rf"^{basedir}/03.wav: gives a spectrogram of 18 x 276 .*, but {basedir}/00.wav one of 19 x 201 at 8000 Hz"
    with pytest.raises(ShapeError, match=rf"{message}, as 3 of 4 do; .*; 2 of 4 shards are done, go on"):
        preprocess(parser, front_end, tmp_path / "s", 1, shards=4)
    bad = preprocess(parser, front_end, tmp_path / "s", 1, shards=4, skip_bad=True, resume=True)
    assert [line.partition(": ")[0] for line in bad] == [str(basedir / f"{number:02}.wav") for number in range(3)]
    assert bad == preprocess(parser, front_end, tmp_path / "one.nc", 1, skip_bad=True)
    assert [shard.instances for shard in shards_in(tmp_path / "s")] == [0, 3, 3, 3]
    assert_same(load(tmp_path / "s"), load(tmp_path / "one.nc"))


@pytest.mark.slow
@pytest.mark.parametrize("kind, error", [("runtime", AudioError), ("death", Stopped)])
def test_a_run_that_ended_goes_on_by_shard(basedir: Path, tmp_path: Path, caplog, kind: str, error: type) -> None:
    (name,) = rename(basedir, kind, 7)
    parser = NoMetadataParser(basedir)
    with pytest.raises(error, match=rf"{name}: .*; 2 of 4 shards are done, go on with resume=True, or without bad"):
        preprocess(parser, Failing(**SPECTRA), tmp_path / "s", 1, shards=4)
    assert left(tmp_path) == ["s.partial", "s.parts"]
    assert (basedir / "read").read_text().split() == [f"{number:02}" for number in range(8)]
    (basedir / "read").unlink()
    (basedir / "mended").touch()
    preprocess(parser, Failing(**SPECTRA), tmp_path / "s", 2, shards=4, resume=True)
    assert sorted((basedir / "read").read_text().split()) == [f"{number:02}" for number in range(7, 12)]  # no others
    preprocess(parser, Failing(**SPECTRA), tmp_path / "one.nc", 1)
    assert_same(load(tmp_path / "s"), load(tmp_path / "one.nc"))
    assert left(tmp_path) == ["one.nc", "s"]


@pytest.mark.slow
def test_a_shard_that_was_written_is_not_written_again(basedir: Path, tmp_path: Path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise OutputError("the disk is gone")

    parser = NoMetadataParser(basedir)
    with monkeypatch.context() as patch:
        patch.setattr("audeep.pipeline.sharded.publish", fail)
        with pytest.raises(OutputError, match="the disk is gone; 4 of 4 shards are done, go on with resume=True$"):
            preprocess(parser, Preprocessor(**SPECTRA), tmp_path / "s", 2, shards=4)
    times = [(tmp_path / "s.parts" / "shards" / f"shard-000{number}.nc").stat().st_mtime_ns for number in range(4)]
    (tmp_path / "s.parts" / "shards" / "shard-0002.nc").unlink()  # as where the run is killed before it is there
    preprocess(parser, Preprocessor(**SPECTRA), tmp_path / "s", 2, shards=4, resume=True)
    found = [(tmp_path / "s" / f"shard-000{number}.nc").stat().st_mtime_ns for number in range(4)]
    assert [a == b for a, b in zip(times, found, strict=True)] == [True, True, False, True]
    preprocess(parser, Preprocessor(**SPECTRA), tmp_path / "one.nc", 1)
    assert_same(load(tmp_path / "s"), load(tmp_path / "one.nc"))


@pytest.mark.slow
def test_other_settings_and_changed_recordings_are_refused(basedir: Path, tmp_path: Path) -> None:
    rename(basedir, "runtime", 11)
    parser, front_end = NoMetadataParser(basedir), Failing(**SPECTRA)
    with pytest.raises(AudioError):
        preprocess(parser, front_end, tmp_path / "s", 1, shards=4)
    for others, message in (
        ({"shards": 3}, "the interrupted run had shards=4, found 3"),
        ({"shards": 4, "compression": 1}, "had compression=0, found 1"),
        ({}, "the interrupted run had shards=4, found None"),
    ):
        with pytest.raises(OptionError, match=message):
            preprocess(parser, front_end, tmp_path / "s", 1, resume=True, **others)
    write_tone(basedir / "00.wav", 900, 0.4)
    with pytest.raises(OptionError, match="00.wav: has changed since it was processed"):
        preprocess(parser, front_end, tmp_path / "s", 1, shards=4, resume=True)
    (basedir / "mended").touch()
    preprocess(parser, front_end, tmp_path / "s", 1, shards=4)  # which starts anew
    assert len(load(tmp_path / "s")) == 12 and left(tmp_path) == ["s"]


@pytest.mark.parametrize("shards", [13, 100])
def test_no_more_shards_than_recordings(basedir: Path, tmp_path: Path, shards: int) -> None:
    with pytest.raises(OptionError, match=f"shards={shards}: there are 12 to be divided; ask for as many"):
        preprocess(NoMetadataParser(basedir), Preprocessor(**SPECTRA), tmp_path / "s", 1, shards=shards)
    assert left(tmp_path) == []


@pytest.mark.slow
def test_nothing_but_shards_is_replaced(basedir: Path, tmp_path: Path) -> None:
    parser, front_end = NoMetadataParser(basedir), Preprocessor(**SPECTRA)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "mine").touch()
    with pytest.raises(OutputError, match=r"s: has other files than shards \(mine\); choose another name"):
        preprocess(parser, front_end, tmp_path / "s", 1, shards=2)
    shutil.rmtree(tmp_path / "s")
    (tmp_path / "s.parts").mkdir()
    (tmp_path / "s.parts" / "mine").touch()
    with pytest.raises(OutputError, match=r"s.parts: has other files than shards \(mine\); move them"):
        preprocess(parser, front_end, tmp_path / "s", 1, shards=2)
    assert left(tmp_path) == ["s.parts"] and os.listdir(tmp_path / "s.parts") == ["mine"]
    shutil.rmtree(tmp_path / "s.parts")
    preprocess(parser, front_end, tmp_path / "s", 1, shards=2)
    preprocess(parser, front_end, tmp_path / "s", 1, shards=3)
    assert len(shards_in(tmp_path / "s")) == 3 and left(tmp_path) == ["s"]


@pytest.mark.slow
def test_warnings_of_workers_are_told(basedir: Path, tmp_path: Path, caplog) -> None:
    import soundfile

    soundfile.write(basedir / "00.wav", np.zeros(4000), 8000)
    with caplog.at_level(logging.WARNING):
        preprocess(NoMetadataParser(basedir), Preprocessor(**SPECTRA), tmp_path / "one.nc", 2)
        expected = [record.message for record in caplog.records]
        caplog.clear()
        preprocess(NoMetadataParser(basedir), Preprocessor(**SPECTRA), tmp_path / "s", 2, shards=2)
    silent = f"{basedir}/00.wav: is silent, its spectrogram is constant"
    assert [record.message for record in caplog.records] == expected == [silent]


@pytest.mark.slow
def test_features_of_shards_are_read_as_they_are_asked_for(basedir: Path, tmp_path: Path) -> None:
    preprocess(NoMetadataParser(basedir), Preprocessor(**SPECTRA), tmp_path / "s", 1, shards=4)
    data_set = load(tmp_path / "s")
    assert isinstance(data_set, DataSet)
    (tmp_path / "s" / "shard-0003.nc").unlink()
    assert data_set[:9].features.shape[0] == 9
