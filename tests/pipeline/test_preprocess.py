# SPDX-License-Identifier: GPL-3.0-or-later
"""preprocess goes on whatever one recording does, names it, and keeps what is done."""

import numpy as np
import pytest
import soundfile

from audeep import load
from audeep.audio.front_ends.mel import Preprocessor
from audeep.errors import AudioError, ShapeError, Stopped
from audeep.parsers.no_metadata import NoMetadataParser
from audeep.pipeline.preprocess import partial_path, preprocess
from tests.conftest import write_tone
from tests.support.failing import Failing, rename

SPECTRA = {"window_width": 0.05, "window_overlap": 0.025, "mel_spectrum": 12}


@pytest.fixture
def basedir(tmp_path):
    for number in range(20):
        write_tone(tmp_path / "in" / f"{number:02}.wav", 300 + 20 * number)
    return tmp_path / "in"


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_whatever_a_recording_raises_it_is_left_out_and_named(basedir, tmp_path, jobs):
    paths = [rename(basedir, kind, number)[0] for kind, number in (("memory", 3), ("runtime", 5), ("unicode", 11))]
    bad = preprocess(NoMetadataParser(basedir), Failing(**SPECTRA), tmp_path / "s.nc", jobs, skip_bad=True)
    assert [line.partition(": ")[0] for line in bad] == paths
    assert "takes more memory than there is" in bad[0] and r"(RuntimeError: two\nlines)" in bad[1]
    assert len(load(tmp_path / "s.nc")) == 17


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_without_skipping_the_recording_is_named_and_what_is_done_is_kept(basedir, tmp_path, jobs):
    (path,) = rename(basedir, "runtime", 15)
    with pytest.raises(AudioError, match=rf"{path}: cannot be processed .*; \d+ of 20 recordings are done, go on"):
        preprocess(NoMetadataParser(basedir), Failing(**SPECTRA), tmp_path / "s.nc", jobs)
    assert partial_path(tmp_path / "s.nc").exists()


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_recordings_whose_workers_die_are_left_out_and_named(basedir, tmp_path, jobs):
    paths = rename(basedir, "death", 6, 17)
    bad = preprocess(NoMetadataParser(basedir), Failing(**SPECTRA), tmp_path / "s.nc", jobs, skip_bad=True)
    assert [line.partition(": ")[0] for line in bad] == paths
    assert "a worker process was killed, perhaps because memory ran out" in bad[0]
    assert len(load(tmp_path / "s.nc")) == 18


@pytest.mark.slow
def test_without_skipping_a_death_keeps_what_is_done(basedir, tmp_path):
    (path,) = rename(basedir, "death", 18)
    with pytest.raises(Stopped, match=f"{path}: a worker process was killed.*go on with resume=True, or without bad"):
        preprocess(NoMetadataParser(basedir), Failing(**SPECTRA), tmp_path / "s.nc", 2)


def test_a_failure_of_another_kind_keeps_what_is_done(basedir, tmp_path, monkeypatch):
    def fail(*arguments, **keywords):
        raise ZeroDivisionError

    monkeypatch.setattr("audeep.pipeline.spectrograms.groups", fail)
    with pytest.raises(ZeroDivisionError):
        preprocess(NoMetadataParser(basedir), Preprocessor(**SPECTRA), tmp_path / "s.nc", 1)
    monkeypatch.undo()
    assert partial_path(tmp_path / "s.nc").exists() and not (tmp_path / "s.nc").exists()
    preprocess(NoMetadataParser(basedir), Preprocessor(**SPECTRA), tmp_path / "s.nc", 1, resume=True)
    assert len(load(tmp_path / "s.nc")) == 20


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 9, 19])
@pytest.mark.parametrize("fixed_length", [None, 0.4])
def test_one_odd_sample_rate_is_left_out_or_named(basedir, tmp_path, number, fixed_length):
    odd = basedir / f"{number:02}.wav"
    soundfile.write(odd, np.random.default_rng(0).uniform(-0.5, 0.5, 500), 37)
    spectra = Preprocessor(window_width=0.06, window_overlap=0.03, fixed_length=fixed_length)
    parser = NoMetadataParser(basedir)
    bad = preprocess(parser, spectra, tmp_path / "s.nc", 1, skip_bad=True)
    assert len(bad) == 1 and bad[0].startswith(f"{odd}: gives a spectrogram of ") and " at 37 Hz, but " in bad[0]
    assert len(load(tmp_path / "s.nc")) == 19 and "sample_rate=HZ" in bad[0] and "fixed_length" not in bad[0]
    with pytest.raises(ShapeError, match=r"at 37 Hz.*recordings are done, go on with resume=True, or without bad"):
        preprocess(parser, spectra, tmp_path / "t.nc", 1)
    assert preprocess(parser, spectra, tmp_path / "t.nc", 1, skip_bad=True, resume=True)[0] == bad[0]
    assert (tmp_path / "t.nc").read_bytes() == (tmp_path / "s.nc").read_bytes()
