# SPDX-License-Identifier: GPL-3.0-or-later
"""visualize classes, lengths and waveform."""

import shutil

import numpy as np
import pytest
import soundfile
from PIL import Image

from audeep.data.data_set import empty


@pytest.fixture
def spectra(tmp_path):
    """A data set file of recordings of two classes, some verified, in two partitions."""
    data_set = empty(10, [("time", 30), ("freq", 1)], label_map={"_狗": 0, "$b<\n": 1})
    data_set.filenames[:] = [f"{row}.wav" for row in range(10)]
    data_set.labels_numeric[:] = [0] * 7 + [1] * 3
    data_set.labels_nominal[:] = ["_狗"] * 7 + ["$b<\n"] * 3
    data_set.data["verified"].values[:] = [1, 0] * 5
    data_set.data["partition"].values[:] = [0] * 6 + [2] * 4
    data_set.data["num_frames"].values[:] = [17] * 4 + list(range(20, 26))
    data_set.data["features"].values[:] = 0
    data_set.save(tmp_path / "spectra.nc")
    return tmp_path / "spectra.nc"


def test_classes_are_counted_and_drawn(audeep, spectra, tmp_path):
    result = audeep(f"visualize classes --input {spectra} --plot {tmp_path}/a.svg")
    assert result.status == 0 and "a.svg: picture written" in result.err
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in result.out.splitlines() if line[0] == "|"]
    assert rows[1:] == [
        ["", "verified", "not verified", "recordings"],
        ["$b<\\n", "1", "2", "3"],
        ["_狗", "4", "3", "7"],
        ["all", "5", "5", "10"],
    ]
    text = (tmp_path / "a.svg").read_text()
    assert all(f"<!-- {name} -->" in text for name in ("verified", "not verified", "_狗"))


@pytest.mark.slow
def test_lengths_are_listed_and_drawn(audeep, spectra, recordings, tmp_path):
    result = audeep(f"visualize lengths --input {spectra} --plot {tmp_path}/a.png --peaks 1")
    assert result.status == 0 and (tmp_path / "a.png").exists()
    assert " 17 |          4 |     4 |    0 |" in result.out
    result = audeep(f"visualize lengths --basedir {recordings} --plot {tmp_path}/b.png")
    assert result.status == 0 and "4000 |     8000 Hz |   0.500 |         24 |" in result.out
    assert "| high" in result.out and "| all " in result.out


@pytest.mark.slow
def test_lengths_without_peaks_or_classes_are_drawn_too(audeep, tmp_path):
    (tmp_path / "in").mkdir()
    for size in (100, 101):
        soundfile.write(tmp_path / f"in/{size}.wav", np.zeros(size), 8000)
    (tmp_path / "in/bad.wav").write_bytes(b"RIFF")
    command = f"visualize lengths --basedir {tmp_path}/in --parser no-metadata --plot {tmp_path}/a.png"
    assert audeep(command).status == 1 and not (tmp_path / "a.png").exists()
    result = audeep(f"{command} --skip-bad")
    assert "no two recordings have exactly the same number of samples" in result.out and "bad.wav" in result.err


@pytest.mark.slow
def test_the_waveform_of_a_recording_is_described_and_drawn(audeep, tmp_path):
    samples = np.sin(np.arange(30_000) / 30)[:, np.newaxis] * [0.5, 0.25]
    soundfile.write(tmp_path / "a.wav", samples, 16_000)
    result = audeep(f"visualize waveform --input {tmp_path}/a.wav --plot {tmp_path}/a.png")
    assert Image.open(tmp_path / "a.png").size == (1440, 660)
    for expected in ("16000 Hz |", " 30000 |", "1.875 s |", " 2 |", "-0.5000, 0.5000 |"):
        assert expected in result.out
    shutil.copy(tmp_path / "a.png", tmp_path / "first.png")
    audeep(f"visualize waveform --input {tmp_path}/a.wav --plot {tmp_path}/a.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "first.png").read_bytes()


@pytest.mark.parametrize(
    "command, text",
    [
        ("classes", "one of the arguments --input --basedir is required"),
        ("classes --input {features}", "no recording has a label, so there are no classes to count"),
        ("lengths --input {features}", "its features have no time axis; give a data set of spectrograms"),
        ("lengths --input {features} --label-column x", "--labels and its columns are for recordings; give --basedir"),
        ("waveform --input {tmp}/nothing.wav", "nothing.wav: no such file"),
        ("waveform --input {features} --num-samples 0", "'0' found, expected an integer >= 1"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(audeep, tmp_path, command, text):
    data_set = empty(2, [("generated", 2)])
    data_set.filenames[:] = ["a", "b"]
    data_set.data["features"].values[:] = 0
    data_set.save(tmp_path / "features.nc")
    result = audeep(f"visualize {command.format(features=tmp_path / 'features.nc', tmp=tmp_path)}")
    assert result.status == 1 and text in result.err and result.err.count("\n") == 1, result
