# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of all kinds, strange and hostile ones too, through preprocess and inspect raw."""

import os
import re
import resource
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audeep import load
from audeep.audio.reading import audio_info, read_audio
from audeep.errors import AudioError
from tests.conftest import write_tone

SPECTRA = "--window-width 0.0625 --window-overlap 0.03125 --mel-spectrum 12 --fixed-length 0.5 --clip-below -60"
RATE = 8000
EVERYTHING = """
from audeep.parsers.base import InstanceMetadata, Parser

class Everything(Parser):
    def missing(self):
        return None

    def instances(self):
        for path in sorted(self.basedir.iterdir()):
            yield InstanceMetadata(path, path.name)
"""


def sound(num_channels: int = 1, rate: int = RATE, seconds: float = 0.5) -> np.ndarray:
    times = np.arange(int(seconds * rate)) / rate
    tones = [np.sin(2 * np.pi * rate / (20 + number) * times) for number in range(num_channels)]
    return 0.4 * np.stack(tones, axis=1) + 0.05 * np.random.default_rng(0).uniform(-1, 1, (len(times), num_channels))


@pytest.fixture
def basedir(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def preprocess(audeep, basedir, tmp_path):
    """Runs preprocess on all entries of the folder, whatever they are."""
    (tmp_path / "everything.py").write_text(EVERYTHING)
    parser = f"--parser {tmp_path}/everything.py:Everything"
    return lambda options="": audeep(
        f"preprocess --basedir {basedir} {parser} {SPECTRA} --output {tmp_path}/out.nc --jobs 1 {options}"
    )


ENCODINGS = [
    *((".wav", name) for name in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")),
    *((".wav", name) for name in ("IMA_ADPCM", "MS_ADPCM")),
    *((suffix, name) for suffix in (".aiff", ".caf") for name in ("PCM_S8", "PCM_16", "PCM_24", "PCM_32")),
    *((suffix, name) for suffix in (".au", ".w64", ".rf64") for name in ("PCM_16", "PCM_24", "PCM_32")),
    *((suffix, name) for suffix in (".aiff", ".au", ".caf", ".w64", ".rf64") for name in ("FLOAT", "DOUBLE")),
    *((".flac", name) for name in ("PCM_S8", "PCM_16", "PCM_24")),
    (".ogg", "VORBIS"),
    (".opus", "OPUS"),
    (".mp3", "MPEG_LAYER_III"),
]


def test_all_encodings_give_the_spectrogram_of_the_same_sound(preprocess, basedir, tmp_path):
    for suffix, subtype in ENCODINGS:
        file_format = "OGG" if suffix == ".opus" else None
        soundfile.write(basedir / f"{subtype}{suffix}", sound(), RATE, subtype=subtype, format=file_format)
    assert preprocess().status == 0
    data_set = load(tmp_path / "out.nc")
    assert data_set.features.shape == (len(ENCODINGS), 15, 12)
    spectra = dict(zip(data_set.filenames, data_set.features, strict=True))
    for suffix, subtype in ENCODINGS:
        if subtype in ("PCM_16", "PCM_24", "PCM_32", "FLOAT"):  # the others are coarse
            np.testing.assert_allclose(spectra[f"{subtype}{suffix}"], spectra["DOUBLE.wav"], atol=0.02)


def test_integers_of_64_bits_are_refused(preprocess, basedir):
    soundfile.write(basedir / "a.wav", sound(), RATE, subtype="DOUBLE")
    content = bytearray((basedir / "a.wav").read_bytes())
    at = content.index(b"fmt ") + 8
    content[at : at + 2] = struct.pack("<H", 1)  # PCM, with the 64 bits of a double
    (basedir / "a.wav").write_bytes(content)
    result = preprocess()
    assert result.status == 1 and result.err.count("\n") == 1 and "a.wav: cannot be decoded" in result.err


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff", ".au", ".caf", ".w64"])
def test_one_to_eight_channels_are_averaged(preprocess, audeep, basedir, tmp_path, suffix):
    for count in range(1, 9):
        channels = sound(count)
        soundfile.write(basedir / f"{count}{suffix}", channels, RATE, subtype="PCM_24")
        soundfile.write(basedir / f"{count}-mean.wav", channels.mean(axis=1), RATE, subtype="DOUBLE")
    assert preprocess().status == 0
    data_set = load(tmp_path / "out.nc")
    spectra = dict(zip(data_set.filenames, data_set.features, strict=True))
    for count in range(1, 9):
        np.testing.assert_allclose(spectra[f"{count}{suffix}"], spectra[f"{count}-mean.wav"], atol=0.02)
    assert "1, 2, 3, 4, 5, 6, 7, 8" in audeep(f"inspect raw --basedir {basedir} --parser no-metadata").out


def test_rates_up_to_384_kilohertz_give_one_shape(preprocess, audeep, basedir, tmp_path):
    rates = [200, 4000, 8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000, 384000]
    for rate in rates:
        soundfile.write(basedir / f"{rate}.wav", sound(rate=rate), rate)
    assert preprocess().status == 0
    assert load(tmp_path / "out.nc").features.shape == (len(rates), 15, 12)
    shown = audeep(f"inspect raw --basedir {basedir} --parser no-metadata").out
    assert ", ".join(f"{rate} Hz" for rate in rates) in shown


def test_a_rate_that_no_window_suits_is_refused(preprocess, audeep, basedir):
    soundfile.write(basedir / "slow.wav", sound(rate=1, seconds=100), 1)
    assert "100.00 s" in audeep(f"inspect raw --basedir {basedir} --parser no-metadata").out
    result = preprocess()
    assert result.status == 1 and "does not advance by a whole sample at 1 Hz" in result.err


def test_a_silent_recording_gives_a_constant_and_a_warning(preprocess, basedir, tmp_path):
    for suffix in (".wav", ".flac", ".ogg"):
        soundfile.write(basedir / f"silent{suffix}", np.zeros((RATE, 2)), RATE)
    result = preprocess()
    assert result.status == 0 and result.err.count("is silent, its spectrogram is constant") == 3
    assert np.unique(load(tmp_path / "out.nc").features).size == 1


def not_a_number(path: Path) -> None:
    soundfile.write(path, np.array([0.1, np.nan, np.nan] * 2000), RATE, subtype="FLOAT")


def infinite(path: Path) -> None:
    soundfile.write(path, np.array([0.1, -np.inf] * 2000), RATE, subtype="DOUBLE")


def overflowing(path: Path) -> None:
    soundfile.write(path, np.array([1.7e308, -1.7e308] * 2000), RATE, subtype="DOUBLE")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def dangling(path: Path) -> None:
    path.symlink_to("nowhere.wav")


def endless(path: Path) -> None:
    path.symlink_to(path.name)


def no_permission(path: Path) -> None:
    write_tone(path, 440)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")


def patched(suffix: str, find: bytes, offset: int, layout: str, value: int) -> Callable[[Path], None]:
    """A recording in whose header one number is another."""

    def write(path: Path) -> None:
        sample = path.with_name(f"sample{suffix}")
        soundfile.write(sample, sound(), RATE)
        content = bytearray(sample.read_bytes())
        sample.unlink()
        struct.pack_into(layout, content, content.index(find) + offset, value)
        path.write_bytes(content)

    return write


def long_flac(path: Path) -> None:
    patched(".flac", b"fLaC", 18, ">Q", (RATE << 44) | (15 << 36) | (2**36 - 1))(path)


BAD = {
    "a directory": (Path.mkdir, "is a directory, a recording was expected"),
    "a pipe": (pipe, "is a device or a pipe, a recording was expected"),
    "a device": (device, "is a device or a pipe, a recording was expected"),
    "a dangling link": (dangling, "no such file, a recording was expected"),
    "a link to itself": (endless, "no such file, a recording was expected"),
    "no permission": (no_permission, "cannot be decoded"),
    "no bytes": (Path.touch, "cannot be decoded"),
    "NaN": (not_a_number, "holds 4000 samples that are NaN or infinite"),
    "infinity": (infinite, "holds 2000 samples that are NaN or infinite"),
    "WAV of 1 GiB": (patched(".wav", b"data", 4, "<I", 2**30), "holds 8000 of the 1073741824 bytes"),
    "WAV of 1025 channels": (patched(".wav", b"fmt ", 10, "<H", 1025), "cannot be decoded (Too many channels"),
    "WAV at 2 GHz": (patched(".wav", b"fmt ", 12, "<I", 2**31 - 1), "states a sample rate of 2147483647 Hz, at most"),
    "AIFF of 65535 channels": (patched(".aiff", b"COMM", 8, ">H", 65535), "cannot be decoded (Bad channel count)"),
    "FLAC of 2**36 samples": (long_flac, "gives 4000 of the 68719476735 samples"),
    "CAF of 2**40 bytes": (patched(".caf", b"data", 4, ">Q", 2**40), "holds 8000 of the 1099511627772 bytes"),
    "CAF of 10**6 channels": (patched(".caf", b"desc", 36, ">I", 10**6), "cannot be decoded"),
    "RF64 of 2**40 bytes": (patched(".rf64", b"ds64", 16, "<Q", 2**40), "holds 8000 of the 1099511627776 bytes"),
    "AU of 10**6 channels": (patched(".au", b".snd", 20, ">I", 10**6), "cannot be decoded (Too many channels"),
}


@pytest.fixture
def little_memory():
    """No more than 2 GB beside what is in use."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2 * 10**9, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)


@pytest.mark.slow
@pytest.mark.parametrize("case", BAD)
def test_a_bad_recording_stops_the_run_or_is_left_out(little_memory, preprocess, basedir, tmp_path, case):
    write, text = BAD[case]
    write_tone(basedir / "1.wav", 440)
    write(basedir / "x.wav")
    result = preprocess()
    assert result.status == 1 and result.err.count("\n") == 1 and f"x.wav: {text}" in result.err
    assert not (tmp_path / "out.nc").exists()
    result = preprocess("--skip-bad")
    assert result.status == 0 and f"left out: {basedir}/x.wav: " in result.err
    assert load(tmp_path / "out.nc").filenames.tolist() == ["1.wav"]
    assert (tmp_path / "out.nc.bad.txt").read_text().startswith(f"{basedir}/x.wav: ")
    assert not (tmp_path / "out.nc.partial").exists()


@pytest.mark.parametrize("case", sorted(set(BAD) - {"NaN", "infinity", "FLAC of 2**36 samples"}))
def test_inspect_raw_names_a_bad_recording(little_memory, audeep, preprocess, basedir, tmp_path, case):
    write, text = BAD[case]
    write_tone(basedir / "1.wav", 440)
    write(basedir / "x.wav")
    result = audeep(f"inspect raw --basedir {basedir} --parser {tmp_path}/everything.py:Everything")
    assert result.status == 1 and result.err.count("\n") == 1 and text in result.err


def test_samples_too_loud_for_a_spectrogram_are_refused(preprocess, basedir, tmp_path):
    overflowing(basedir / "x.wav")
    result = preprocess()
    assert result.status == 1 and result.err.count("\n") == 1
    assert "x.wav: has samples of up to 1.7e+308, too loud for a spectrogram; full scale is 1" in result.err


def test_folders_pipes_and_broken_links_are_no_recordings_of_a_data_set(audeep, basedir, tmp_path):
    for name, write in {"d.wav": Path.mkdir, "p.wav": pipe, "b.wav": dangling, "l.wav": endless}.items():
        write(basedir / name)
    (basedir / "loop").symlink_to(basedir)
    write_tone(basedir / "ä" / "1.wav", 440)
    (basedir / "2.wav").symlink_to(basedir / "ä" / "1.wav")
    command = f"preprocess --basedir {basedir} --parser no-metadata {SPECTRA} --output {tmp_path}/out.nc"
    assert audeep(command).status == 0
    assert load(tmp_path / "out.nc").filenames.tolist() == ["2.wav", "ä/1.wav"]


NAMES = ["with space.wav", "two\nlines.wav", "Übung ♫ 日本.wav", "-x.wav", "'\"$(x).wav", "%s{0}.wav", "a,b;c\t.wav"]
NAMES.append("n" * 251 + ".wav")


def test_strange_names_stay_as_they_are(preprocess, audeep, basedir, tmp_path):
    for name in NAMES:
        write_tone(basedir / name, 440)
    assert preprocess().status == 0
    assert load(tmp_path / "out.nc").filenames.tolist() == sorted(NAMES)
    assert audeep(f"inspect raw --basedir {basedir} --parser no-metadata").status == 0
    assert audeep(f"validate --input {tmp_path}/out.nc").status == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_errors_about_strange_names_are_one_line(preprocess, basedir, tmp_path, name):
    (basedir / name).write_text("no sound")
    write_tone(basedir / "0.wav", 440)
    result = preprocess()
    assert result.status == 1 and result.err.count("\n") == 1 and "cannot be decoded" in result.err
    assert name.replace("\n", "\\n").replace("\t", "\\t") in result.err
    assert preprocess("--skip-bad").status == 0
    assert (tmp_path / "out.nc.bad.txt").read_text().count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_names_that_are_no_text_stop_the_run_or_are_left_out(preprocess, basedir, tmp_path, jobs):
    for number in range(10):
        write_tone(basedir / f"{number}.wav", 440)
    os.rename(basedir / "5.wav", os.fsencode(basedir) + b"/\xe4.wav")
    result = preprocess()
    assert result.status == 1 and result.err.count("\n") == 1
    assert "\\udce4.wav: is not a name in UTF-8; rename the recording" in result.err
    result = preprocess(f"--skip-bad --jobs {jobs}")
    assert result.status == 0 and "1 of 10 recordings were left out" in result.err
    assert load(tmp_path / "out.nc").filenames.tolist() == [f"{number}.wav" for number in range(10) if number != 5]
    assert re.fullmatch(r".*/\\udce4\.wav: is not a name in UTF-8; .*\n", (tmp_path / "out.nc.bad.txt").read_text())


def test_a_recording_that_grows_while_it_is_read_is_whole_or_refused(tmp_path):
    path = tmp_path / "growing.wav"
    soundfile.write(path, sound(), RATE)
    stop = threading.Event()

    def record() -> None:  # samples first, then the header, as recorders do
        with open(path, "r+b") as file:
            for turn in range(1, 100_000):
                if stop.wait(0.001):
                    return
                file.seek(0, os.SEEK_END)
                file.write(bytes(1000))
                file.flush()
                file.seek(40)
                file.write(struct.pack("<I", 8000 + 1000 * turn))
                file.flush()

    recorder = threading.Thread(target=record)
    recorder.start()
    try:
        for _ in range(100):
            for read in (audio_info, read_audio):
                try:
                    read(path)
                except AudioError as error:
                    assert "header promises" in str(error)
    finally:
        stop.set()
        recorder.join()
    samples, _ = read_audio(path)
    assert samples.shape[1] >= 4000


def test_decoding_in_blocks_gives_the_same_samples(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.flac", sound(3), RATE)
    whole, _ = read_audio(tmp_path / "a.flac")
    for size in (1, 1000, 12000, 12001):
        monkeypatch.setattr("audeep.audio.reading.BLOCK_VALUES", size)
        np.testing.assert_array_equal(read_audio(tmp_path / "a.flac")[0], whole)
