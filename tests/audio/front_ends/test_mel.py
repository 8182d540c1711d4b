# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from a recording to what is stored, against auDeep 0.9 and against each rule written out."""

import json
import pickle
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile

from audeep.audio import long_signals, passes
from audeep.audio.front_ends import mel
from audeep.audio.front_ends.mel import Preprocessor
from audeep.audio.signal import Channels
from audeep.audio.spectral import mel_filters
from audeep.errors import AudioError, OptionError
from audeep.runtime.options import from_json, options_of

DATA = Path(__file__).parents[2] / "support" / "files"
TOLERANCE = 1e-4


@pytest.fixture(autouse=True)
def forget_warnings():
    mel_filters.cache_clear()
    mel.framing_at.cache_clear()


def record(path: Path, seconds: float, rate: int = 8000, num_channels: int = 1) -> Path:
    samples = np.random.default_rng(rate).uniform(-0.5, 0.5, (round(seconds * rate), num_channels))
    soundfile.write(path, samples, rate, subtype="DOUBLE")
    return path


GOLDEN = {
    "a_mel128_fixed5_below60": Preprocessor(0.08, 0.04, 128, fixed_length=5, clip_below=-60),
    "b_power_fixed5_centred": Preprocessor(0.04, 0.02, fixed_length=5, center_fixed=True),
    "c_mel128_chunks4x1s_above5_below75": Preprocessor(
        0.08, 0.04, 128, fixed_length=4.2, chunk_length=1, chunk_count=4, clip_above=-5, clip_below=-75
    ),
    "e_mel40_variable_length": Preprocessor(0.025, 0.015, 40),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_chunks_of_real_recordings_equal_the_old_ones(golden, esc10, name):
    numbers = np.load(golden / f"{name}.npz")
    for i, file in enumerate(numbers["files"]):
        chunks = GOLDEN[name].chunks(esc10 / str(file))
        assert chunks.dtype == np.float32
        assert f"file{i}_chunk{len(chunks)}" not in numbers
        for k, chunk in enumerate(chunks):
            assert chunk.shape == numbers[f"file{i}_chunk{k}"].shape
            np.testing.assert_allclose(chunk, numbers[f"file{i}_chunk{k}"], rtol=0, atol=TOLERANCE)
    frequencies = GOLDEN[name].spectrogram(esc10 / str(file)).frequencies_hz
    np.testing.assert_allclose(frequencies, numbers["frequencies_hz"], atol=1e-6)


def test_decibels_of_real_recordings_equal_the_old_ones(golden, esc10):
    numbers = np.load(golden / "d_mel128_fixed5_below60_decibels.npz")
    for i, file in enumerate(numbers["files"]):
        spectrogram = GOLDEN["a_mel128_fixed5_below60"].spectrogram(esc10 / str(file))
        assert spectrogram.values.dtype == np.float32
        np.testing.assert_allclose(spectrogram.values, numbers[f"file{i}_chunk0"], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("channels", list(Channels))
def test_each_way_to_fuse_two_channels_equals_the_old_one(channels):
    numbers = np.load(DATA / "f_stereo_channels_mel40_fixed2.3_below50.npz")
    preprocessor = Preprocessor(0.033, 0.011, 40, fixed_length=2.3, clip_below=-50, channels=channels)
    (chunk,) = preprocessor.chunks(DATA / "stereo_16k.wav")
    np.testing.assert_allclose(chunk, numbers[channels.value.lower()], rtol=0, atol=TOLERANCE)
    frequencies = preprocessor.spectrogram(DATA / "stereo_16k.wav").frequencies_hz
    np.testing.assert_allclose(frequencies, numbers["frequencies_hz"], atol=1e-6)


def test_spectrogram_equals_scipy_and_the_rules_written_out(tmp_path):
    path = record(tmp_path / "a.wav", 0.5)
    samples, _ = soundfile.read(path)
    emphasised = np.append(samples[0], samples[1:] - 0.95 * samples[:-1])
    frequencies, times, power = scipy.signal.spectrogram(
        emphasised, 8000, window="hann", nperseg=320, noverlap=160, detrend="constant", mode="magnitude"
    )
    decibels = 20 * np.log10(power / power.max())
    clipped = np.minimum(np.maximum(decibels, -40), -3)
    preprocessor = Preprocessor(clip_below=-40, clip_above=-3)

    found = preprocessor.spectrogram(path)
    np.testing.assert_allclose(found.values, clipped.T, atol=1e-5)
    np.testing.assert_allclose(found.frequencies_hz, frequencies)
    np.testing.assert_allclose(found.times_seconds, times)
    assert found.sample_rate == 8000
    np.testing.assert_allclose(preprocessor.chunks(path), [(clipped.T + 40) / 37 * 2 - 1], atol=1e-5)


def test_a_rising_tone_rises_through_the_bands(tmp_path):
    time = np.arange(16000) / 8000
    soundfile.write(tmp_path / "chirp.wav", 0.5 * scipy.signal.chirp(time, 200, 2, 3500), 8000)
    spectrogram = Preprocessor(0.08, 0.04, 32).spectrogram(tmp_path / "chirp.wav")
    loudest = spectrogram.frequencies_hz[spectrogram.values.argmax(axis=1)]
    expected = 200 + (3500 - 200) / 2 * spectrogram.times_seconds
    assert np.abs(loudest - expected).max() < 200


def test_recordings_of_every_sample_rate_get_one_shape(tmp_path):
    preprocessor = Preprocessor(0.08, 0.04, 32, fixed_length=2)
    rates = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000]
    shapes = {preprocessor.chunks(record(tmp_path / f"{rate}.wav", 1.9, rate)).shape for rate in rates}
    assert shapes == {(1, 49, 32)}


@pytest.mark.parametrize(
    ("width", "overlap", "seconds", "rate", "text"),
    [
        (0.05, 0.025, 1, 44100, "from 1102 to 1103 samples at 44100 Hz: 1 s give 39 frames, 39 were expected"),
        (0.04, 0.02, 2, 11025, "from 220 to 221 samples at 11025 Hz: 2 s give 99 frames, 99 were expected"),
        (0.033, 0.011, 1, 11025, "from 121 to 120 samples at 11025 Hz: 1 s give 44 frames, 44 were expected"),
    ],
)
def test_overlap_moves_by_one_sample_where_the_number_of_frames_would_differ(
    tmp_path, caplog, width, overlap, seconds, rate, text
):
    preprocessor = Preprocessor(width, overlap, fixed_length=seconds)
    path = record(tmp_path / "a.wav", seconds, rate)
    usual = preprocessor.chunks(record(tmp_path / "b.wav", seconds, 16000)).shape[1]
    assert not caplog.records
    assert preprocessor.chunks(path).shape[1] == preprocessor.spectrogram(path).values.shape[0] == usual
    assert [record.getMessage() for record in caplog.records] == [f"window overlap changed {text}"]


def test_warning_shows_where_one_sample_of_overlap_is_not_enough(tmp_path, caplog):
    chunks = Preprocessor(0.025, 0.015, fixed_length=5).chunks(record(tmp_path / "a.wav", 5, 11025))
    assert chunks.shape == (1, 495, 138)
    assert "overlap changed from 165 to 164 samples at 11025 Hz: 5 s give 495 frames, 498 were expected" in caplog.text


def test_overlap_stays_without_a_fixed_length(tmp_path, caplog):
    chunks = Preprocessor(0.05, 0.025).chunks(record(tmp_path / "a.wav", 1, 44100))
    assert chunks.shape == (1, (44100 - 1102) // (2205 - 1102), 1103)
    assert not caplog.records


def test_short_recordings_are_padded_at_the_end_or_at_both_ends(tmp_path):
    path = record(tmp_path / "a.wav", 1)
    at_end = Preprocessor(0.1, 0, fixed_length=3).spectrogram(path).values
    centred = Preprocessor(0.1, 0, fixed_length=3, center_fixed=True).spectrogram(path).values
    quiet = [np.flatnonzero((db == db.min()).all(axis=1)).tolist() for db in (at_end, centred)]
    # pre-emphasis spills one sample into the frame after the sound, less its mean
    assert quiet == [list(range(11, 30)), [*range(10), *range(21, 30)]]


def test_long_recordings_are_cut_at_the_end_or_at_both_ends(tmp_path):
    path = record(tmp_path / "a.wav", 3)
    samples, _ = soundfile.read(path)
    for center, first in ((False, 0), (True, 8000)):
        soundfile.write(tmp_path / "part.wav", samples[first : first + 8000], 8000, subtype="DOUBLE")
        preprocessor = Preprocessor(0.1, 0, fixed_length=1, center_fixed=center)
        np.testing.assert_array_equal(preprocessor.chunks(path), Preprocessor(0.1, 0).chunks(tmp_path / "part.wav"))


def test_chunks_are_consecutive_and_each_is_normalised(tmp_path):
    path = record(tmp_path / "a.wav", 3.5)
    preprocessor = Preprocessor(0.1, 0.05, 8, chunk_length=1, chunk_count=3)
    chunks, decibels = preprocessor.chunks(path), preprocessor.spectrogram(path).values
    assert chunks.shape == (3, 20, 8)
    assert decibels.shape == (69, 8)
    for number, chunk in enumerate(chunks):
        part = decibels[20 * number : 20 * number + 20]
        expected = (part - part.min()) / (part.max() - part.min()) * 2 - 1
        np.testing.assert_allclose(chunk, expected, atol=1e-5)


def test_excess_chunks_are_dropped(tmp_path):
    path = record(tmp_path / "a.wav", 3.5)
    many, few = (Preprocessor(0.1, 0.05, 8, chunk_length=1, chunk_count=count).chunks(path) for count in (3, 2))
    np.testing.assert_array_equal(few, many[:2])


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_mean_takes_any_number_of_channels(tmp_path, channels):
    path = record(tmp_path / "a.wav", 0.5, num_channels=channels)
    samples, _ = soundfile.read(path, always_2d=True)
    soundfile.write(tmp_path / "mean.wav", samples.mean(axis=1), 8000, subtype="DOUBLE")
    np.testing.assert_allclose(
        Preprocessor().chunks(path), Preprocessor().chunks(tmp_path / "mean.wav"), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("options", [{}, {"mel_spectrum": 8}, {"clip_below": -60.0}, {"fixed_length": 2.0}])
def test_silent_recording_gives_a_constant_spectrogram_and_a_warning(tmp_path, caplog, options):
    soundfile.write(tmp_path / "silent.wav", np.zeros(8000), 8000)
    preprocessor = Preprocessor(0.1, 0.05, **options)
    chunks = preprocessor.chunks(tmp_path / "silent.wav")
    assert chunks.shape[1] == (39 if "fixed_length" in options else 19)
    np.testing.assert_array_equal(chunks, 0)
    assert f"{tmp_path / 'silent.wav'}: is silent" in caplog.text
    np.testing.assert_array_equal(preprocessor.spectrogram(tmp_path / "silent.wav").values, 0)


def test_settings_can_be_sent_to_another_process(tmp_path):
    preprocessor = Preprocessor(0.08, 0.04, 32, channels=Channels.DIFF, fixed_length=1)
    copy = pickle.loads(pickle.dumps(preprocessor))
    assert copy == preprocessor
    path = record(tmp_path / "a.wav", 1, num_channels=2)
    np.testing.assert_array_equal(copy.chunks(path), preprocessor.chunks(path))


def test_defaults_are_those_of_the_manual():
    assert Preprocessor() == Preprocessor(
        window_width=0.04,
        window_overlap=0.02,
        mel_spectrum=None,
        chunk_length=None,
        chunk_count=None,
        clip_above=None,
        clip_below=None,
        channels=Channels.MEAN,
        fixed_length=None,
        center_fixed=False,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window_width": 0}, "window_width=0: expected a number > 0"),
        ({"window_width": float("nan")}, "window_width=nan: expected a number > 0"),
        ({"window_width": float("inf")}, "window_width=inf: expected a number > 0"),
        ({"window_width": "wide"}, "window_width='wide': expected a number > 0"),
        ({"window_overlap": -0.1}, "window_overlap=-0.1: expected a number >= 0"),
        ({"window_overlap": 0.04}, "window_overlap=0.04: must be smaller than window_width=0.04, .* choose a smaller"),
        ({"window_overlap": 0.05}, "window_overlap=0.05: must be smaller than window_width=0.04"),
        ({"fixed_length": 0.04}, "fixed_length=0.04: must be longer than one window; choose more than window_width="),
        ({"fixed_length": -1}, "fixed_length=-1: expected a number > 0"),
        ({"center_fixed": "no"}, "center_fixed='no': expected True or False"),
        ({"mel_spectrum": 0}, "mel_spectrum=0: expected an integer >= 1"),
        ({"mel_spectrum": 40.0}, "mel_spectrum=40.0: expected an integer >= 1"),
        ({"mel_spectrum": 2**16 + 1}, "mel_spectrum=65537: expected an integer >= 1 and <= 65536"),
        ({"sample_rate": 0}, "sample_rate=0: expected an integer >= 1"),
        ({"sample_rate": 10**9}, "sample_rate=1000000000: expected an integer >= 1 and <= 10000000"),
        ({"channels": "MIDDLE"}, "channels='MIDDLE': expected one of MEAN, LEFT, RIGHT, DIFF"),
        ({"relative_to": "mean"}, "relative_to='mean': expected one of frame, previous, neighbours"),
        ({"clip_below": 60}, "clip_below=60.0: the loudest cell is 0 dB, so a level below 0 was expected; try -60"),
        ({"clip_above": float("nan")}, "clip_above=nan: expected a number"),
        ({"clip_below": -5, "clip_above": -5}, "clip_below=-5.0: must be lower than clip_above=-5.0; choose a lower"),
        ({"chunk_length": 1}, "chunk_length=1.0: needs chunk_count=N; give both or neither"),
        ({"chunk_count": 3}, "chunk_count=3: needs chunk_length=S; give both or neither"),
        ({"chunk_count": 3, "chunk_length": 0.01}, "chunk_length=0.01: holds no frame; choose at least the 0.02 s"),
        ({"chunk_count": 0, "chunk_length": 1}, "chunk_count=0: expected an integer >= 1"),
        (
            {"chunk_count": 5, "chunk_length": 1.1, "fixed_length": 5},
            "chunk_count=5: more chunks than the audio has: 5 of 1.1 s need 5.5 s, not fixed_length=5.0; use fewer",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused(options, message):
    with pytest.raises(OptionError, match=f"^{message}") as error:
        Preprocessor(**options)
    assert "\n" not in str(error.value)


def test_settings_are_read_back_from_json_with_defaults_for_those_that_are_missing() -> None:
    preprocessor = Preprocessor(0.08, 0.04, 32, channels=Channels.DIFF, fixed_length=1, relative_to="frame")
    settings = json.loads(json.dumps(asdict(preprocessor)))
    assert from_json(Preprocessor, settings) == preprocessor
    del settings["relative_to"]  # as in models of before it was an option
    assert from_json(Preprocessor, settings) == replace(preprocessor, relative_to=None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"center_fixed": "no"}, "center_fixed='no': expected True or False"),
        ({"channels": 3}, "channels=3: expected one of MEAN"),
        ({"window_width": "0.04"}, "window_width='0.04': expected a number > 0"),
        ({"window_overlap": 1}, "window_overlap=1.0: must be smaller than window_width=0.04"),
        ({"colour": "red"}, "colour: is unknown"),
        ([0.04], r"\[0.04\] found, an object with window_width, window_overlap, .* was expected"),
    ],
)
def test_settings_of_a_file_that_do_not_fit_are_refused(settings, message) -> None:
    with pytest.raises(OptionError, match=f"^{message}"):
        from_json(Preprocessor, settings)


def test_every_setting_is_an_option_with_help() -> None:
    assert all(option.help for option in options_of(Preprocessor).values())


def test_chunks_may_fill_the_fixed_length_up_to_rounding():
    assert 3 * 1.1 > 3.3
    Preprocessor(chunk_length=1.1, chunk_count=3, fixed_length=3.3)


def test_too_few_full_chunks_are_refused_with_both_counts(tmp_path):
    path = record(tmp_path / "a.wav", 2.9)
    with pytest.raises(
        AudioError, match=r"a\.wav: has 2 full chunks of 50 frames \(1.0 s\), chunk_count=4 needs more; .*4 s"
    ):
        Preprocessor(chunk_length=1, chunk_count=4).chunks(path)


def test_chunk_without_a_full_frame_at_a_low_rate_is_refused(tmp_path):
    path = record(tmp_path / "a.wav", 1)
    with pytest.raises(AudioError, match=r"a\.wav: has 0 full chunks of 0 frames"):
        Preprocessor(0.0401, 0.02012, chunk_length=0.01999, chunk_count=1).chunks(path)


def test_recording_shorter_than_a_window_is_refused(tmp_path):
    path = record(tmp_path / "a.wav", 0.03)
    with pytest.raises(AudioError, match=r"a\.wav: lasts 240 samples, window_width=0.04 needs 320; use a narrower"):
        Preprocessor().chunks(path)


def test_window_that_does_not_advance_at_a_low_rate_is_refused(tmp_path):
    path = record(tmp_path / "a.wav", 1)
    with pytest.raises(
        AudioError, match=r"a\.wav: a window of 0.04005 s that overlaps by 0.04 s does not advance by a"
    ):
        Preprocessor(0.04005, 0.04).chunks(path)


def test_one_side_of_many_channels_is_refused_by_file(tmp_path):
    path = record(tmp_path / "a.wav", 1, num_channels=4)
    with pytest.raises(
        AudioError, match=r"a\.wav: 4 channels found, channels=LEFT needs exactly 2; pass channels=MEAN"
    ):
        Preprocessor(channels=Channels.LEFT).spectrogram(path)


LONG = [
    {},
    {"window_width": 0.08, "window_overlap": 0.04, "mel_spectrum": 64, "clip_below": -60},
    {"sample_rate": 3000, "mel_spectrum": 20},
    {"sample_rate": 22050, "mel_spectrum": 20, "channels": Channels.DIFF},
    {"chunk_length": 2.0, "chunk_count": 3},
    {"fixed_length": 4.0, "mel_spectrum": 20},
    {"fixed_length": 4.0, "mel_spectrum": 20, "center_fixed": True, "sample_rate": 6000},
    {"fixed_length": 40.0, "mel_spectrum": 20},
    {"fixed_length": 40.0, "mel_spectrum": 20, "center_fixed": True, "sample_rate": 11025},
    {"relative_to": "neighbours", "mel_spectrum": 20},
    {"relative_to": "frame"},
    {"window_width": 3.0, "window_overlap": 1.0},
]


@pytest.mark.parametrize("options", LONG, ids=str)
@pytest.mark.parametrize("largest_kept", [0, passes.LARGEST_KEPT])
@pytest.mark.parametrize("suffix", ["wav", "mp3"])
def test_long_recordings_give_the_same_bytes_as_in_one_go(tmp_path, monkeypatch, options, largest_kept, suffix):
    path = tmp_path / f"a.{suffix}"
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (80_001, 2)).cumsum(axis=0)
    soundfile.write(path, samples / np.abs(samples).max(), 8000)
    preprocessor = Preprocessor(**options)
    expected, rate = preprocessor.chunks_and_rate(path)
    monkeypatch.setattr(mel, "LONGEST_AT_ONCE", 100)
    monkeypatch.setattr(passes, "LARGEST_KEPT", largest_kept)
    monkeypatch.setattr(long_signals, "BLOCK_VALUES", 7001)
    found, found_rate = preprocessor.chunks_and_rate(path)
    assert found_rate == rate and found.shape == expected.shape and found.dtype == expected.dtype
    assert found.tobytes() == expected.tobytes()


def as_if_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mel, "LONGEST_AT_ONCE", 100)
    monkeypatch.setattr(long_signals, "BLOCK_VALUES", 1001)


@pytest.mark.parametrize(
    "options, samples, message",
    [
        ({}, np.full(9000, np.nan), "holds 9000 samples that are NaN or infinite"),
        ({"window_width": 2.0}, np.ones(9000), "lasts 9000 samples, window_width=2.0 needs 16000"),
        ({"mel_spectrum": 20}, np.full(9000, 1e300), "has samples of up to 1e.300, too loud for a spectrogram"),
        ({"chunk_length": 1.0, "chunk_count": 2}, np.ones(9000), "has 1 full chunks of 50 frames"),
        ({"channels": Channels.LEFT}, np.ones((9000, 3)), "3 channels found"),
        ({"fixed_length": 1e6}, np.ones(9000), "would have 8000000000 samples when padded to one length"),
        ({"sample_rate": 10_000_000}, np.ones(900_000), "would have 1125000000 samples when resampled from 8000 Hz"),
    ],
)
def test_long_recordings_are_refused_for_what_short_ones_are(tmp_path, monkeypatch, options, samples, message):
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="DOUBLE")
    for _ in range(2):
        with pytest.raises(AudioError, match=f"a.wav: {message}"):
            Preprocessor(**options).chunks(tmp_path / "a.wav")
        as_if_long(monkeypatch)


def test_what_is_odd_about_a_long_recording_is_told_once(tmp_path, monkeypatch, caplog):
    soundfile.write(tmp_path / "a.wav", np.zeros(9000), 8000)
    as_if_long(monkeypatch)
    monkeypatch.setattr(passes, "LARGEST_KEPT", 0)
    assert not Preprocessor().chunks(tmp_path / "a.wav").any()
    assert caplog.text.count("is silent") == 1
