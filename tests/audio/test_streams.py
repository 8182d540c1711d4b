# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows along a recording, against slices of the whole."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audeep.audio import streams
from audeep.audio.reading import read_audio
from audeep.audio.streams import windows
from audeep.errors import AudioError

RATE = 8000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (RATE + 1, 2))
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="DOUBLE")
    return tmp_path / "a.wav"


@pytest.mark.parametrize("block", [2, 300, 2**22])
@pytest.mark.parametrize(
    ("width", "hop", "number"), [(0.25, 0.25, 4), (0.25, 0.1, 8), (0.25, 0.375, 3), (1, 1, 1), (0.1, 0.9, 2)]
)
def test_windows_are_slices_of_the_recording(path, monkeypatch, width, hop, number, block):
    monkeypatch.setattr(streams, "BLOCK_VALUES", block)
    samples, _ = read_audio(path)
    found = list(windows(path, width, hop))
    assert len(found) == number
    for index, (start, window, rate) in enumerate(found):
        assert (start, rate) == (pytest.approx(index * hop), RATE)
        first = round(start * RATE)
        np.testing.assert_array_equal(window, samples[:, first : first + round(width * RATE)])


def test_a_recording_shorter_than_a_window_is_padded_with_silence(path):
    ((start, window, _),) = windows(path, 2, 1)
    assert start == 0 and window.shape == (2, 2 * RATE)
    np.testing.assert_array_equal(window[:, : RATE + 1], read_audio(path)[0])
    assert not window[:, RATE + 1 :].any()


def test_the_number_of_windows_does_not_depend_on_the_step_by_which_they_are_read(path):
    assert [start for start, _, _ in windows(path, 0.5, 0.25)] == [0, 0.25, 0.5]


@pytest.mark.parametrize(
    ("width", "hop", "message"),
    [
        (1, 1e-5, "has 8000 Hz, a window and a hop of at least one sample were expected"),
        (1e-5, 1, "has 8000 Hz, a window and a hop of at least one sample were expected"),
        (1e6, 1, "a window of 1e.06 s has 8000000000 samples of 2 channels, at most 268435456 were expected in all"),
    ],
)
def test_windows_that_cannot_be_are_refused(path, width, hop, message):
    with pytest.raises(AudioError, match=rf"a\.wav: {message}"):
        next(windows(path, width, hop))


def test_a_window_with_samples_that_are_not_finite_is_refused_and_those_before_are_given(tmp_path):
    samples = np.zeros(RATE)
    samples[5000] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, RATE, subtype="FLOAT")
    found = windows(tmp_path / "nan.wav", 0.5, 0.5)
    next(found)
    with pytest.raises(AudioError, match=r"nan\.wav: holds samples that are NaN or infinite, finite ones were"):
        next(found)


def from_pipe(content: bytes) -> subprocess.CompletedProcess:
    code = "from audeep.audio.streams import windows; print([float(w[1].sum()) for w in windows('-', 0.5, 0.5)])"
    return subprocess.run([sys.executable, "-c", code], input=content, capture_output=True, timeout=60, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "unknown"), [(".flac", True), (".flac", False), (".wav", b"\xff"), (".wav", b"\0"), (".wav", False)]
)
def test_what_comes_through_a_pipe_may_state_no_length(tmp_path, suffix, unknown):
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 3 * RATE), RATE)
    expected = str([float(window.sum()) for _, window, _ in windows(path, 0.5, 0.5)])
    content = bytearray(path.read_bytes())
    if unknown and suffix == ".flac":
        content[21] &= 0xF0
        content[22:26] = bytes(4)
    elif unknown:
        content[40:44] = unknown * 4
    done = from_pipe(bytes(content))
    assert (done.stdout.decode().strip(), done.returncode) == (expected, 0)
