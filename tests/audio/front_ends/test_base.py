# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of front ends, by one that takes the samples themselves."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audeep.audio.front_ends.base import Frames, FrontEnd
from audeep.audio.signal import Channels, Samples
from audeep.errors import AudioError
from audeep.runtime.options import from_json, option

RATE = 8000


@dataclass(frozen=True)
class Waveform(FrontEnd):
    """Samples in frames that follow each other: [chunk, time, sample]."""

    frame: int = option(100, "samples in a frame", least=1)
    channels: Channels = option(Channels.MEAN, "how several channels become one")
    sample_rate: int | None = option(None, "resample to it", least=1)
    fixed_length: float | None = option(None, "cut or pad to it", above=0)
    center_fixed: bool = option(False, "at both ends")

    def __call__(self, signal: Samples, sample_rate: int) -> Frames:
        if len(signal) < self.frame:
            raise AudioError(f"lasts {len(signal)} samples, frame={self.frame} found")
        num_frames = len(signal) // self.frame
        return signal[: num_frames * self.frame].reshape(1, num_frames, self.frame).astype(np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (RATE, 2))
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="DOUBLE")
    return tmp_path / "a.wav"


def test_a_front_end_gets_the_fused_signal_at_the_rate_of_the_recording(path: Path) -> None:
    samples, _ = soundfile.read(path)
    chunks, rate = Waveform(channels=Channels.LEFT).chunks_and_rate(path)
    assert (chunks.shape, chunks.dtype, rate) == ((1, 80, 100), np.float32, RATE)
    np.testing.assert_array_equal(chunks.reshape(-1), samples[:, 0].astype(np.float32))
    np.testing.assert_array_equal(Waveform(channels=Channels.LEFT).chunks(path), chunks)


def test_the_signal_is_resampled_first_and_then_cut_or_padded(path: Path) -> None:
    whole = Waveform(sample_rate=4000).chunks(path)
    assert whole.shape == (1, 40, 100)
    centred, rate = Waveform(sample_rate=4000, fixed_length=0.5, center_fixed=True).chunks_and_rate(path)
    assert rate == 4000
    np.testing.assert_array_equal(centred, whole[:, 10:30])
    padded = Waveform(sample_rate=4000, fixed_length=2).chunks(path)
    np.testing.assert_array_equal(padded[:, :40], whole)
    assert padded.shape == (1, 80, 100) and not padded[:, 40:].any()


def test_samples_that_were_read_already_are_taken_like_a_file(path: Path) -> None:
    samples, _ = soundfile.read(path)
    found, _ = Waveform().chunks_and_rate_of("stream", samples.T, RATE)
    np.testing.assert_array_equal(found, Waveform().chunks(path))


def test_errors_name_the_recording(path: Path) -> None:
    with pytest.raises(AudioError, match=r"^.*a\.wav: lasts 8000 samples, frame=9000 found$"):
        Waveform(9000).chunks(path)
    with pytest.raises(AudioError, match=r"^sound 3: 3 channels found, channels=LEFT needs exactly 2"):
        Waveform(channels=Channels.LEFT).chunks_and_rate_of("sound 3", np.zeros((3, 900)), RATE)


@pytest.mark.parametrize("warn", [True, False])
def test_silence_is_reported_if_wanted(caplog: pytest.LogCaptureFixture, warn: bool) -> None:
    Waveform().chunks_and_rate_of("silence", np.zeros((1, 900)), RATE, warn)
    assert [record.getMessage()[:18] for record in caplog.records] == ["silence: is silent"] * warn


def test_settings_come_from_the_header_of_a_model() -> None:
    assert from_json(Waveform, {"frame": 5, "channels": "DIFF"}) == Waveform(5, Channels.DIFF)
