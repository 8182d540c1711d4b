# SPDX-License-Identifier: GPL-3.0-or-later
"""What is no recording is called what it is, and decoders print nothing of their own."""

import os
import threading

import numpy as np
import pytest
import soundfile

from audeep.audio.reading import read_audio
from audeep.audio.silence import silenced
from audeep.errors import AudioError

RATE = 8000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\0\0\0\x1cftypM4A \0\0\2\0M4A isomiso2" + bytes(500), "an MPEG-4 file (M4A, MP4)"),
        (b"\x1aE\xdf\xa3" + bytes(500), "a Matroska or WebM file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS, not the file itself"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"wvpk" + bytes(500), "a WavPack file"),
    ],
)
@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".ogg"])
def test_other_files_are_called_what_they_are(tmp_path, capfd, content, words, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(AudioError) as error:
        read_audio(path)
    assert f"a{suffix}: is {words}, a recording in a format of libsndfile" in str(error.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("suffix", [".mp3", ".sds"])
def test_decoders_of_damaged_files_print_nothing(tmp_path, capfd, suffix, seed):
    generator = np.random.default_rng(seed)
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, generator.uniform(-0.5, 0.5, RATE), RATE)
    content = bytearray(path.read_bytes())
    for position in generator.integers(0, len(content), 30):
        content[position] = generator.integers(256)
    path.write_bytes(content[: generator.integers(30, len(content))])
    try:
        read_audio(path)
    except AudioError as error:
        assert "File does not exist" not in str(error)
    assert capfd.readouterr() == ("", "")


def test_output_comes_back_when_the_last_of_several_threads_is_done(capfd):
    inner = threading.Event()
    outer = threading.Event()

    def work() -> None:
        with silenced():
            inner.set()
            outer.wait()

    thread = threading.Thread(target=work)
    with silenced():
        thread.start()
        inner.wait()
        os.write(1, b"lost")
    os.write(2, b"lost")
    outer.set()
    thread.join()
    os.write(1, b"seen")
    assert capfd.readouterr() == ("seen", "")


@pytest.mark.skipif(os.name != "posix", reason="names are in Unicode")
def test_a_name_that_is_not_utf_8_is_read(tmp_path):
    path = tmp_path / os.fsdecode(b"gr\xfcn.wav")
    soundfile.write(tmp_path / "a.wav", np.full(100, 0.5), RATE)
    (tmp_path / "a.wav").rename(path)
    assert read_audio(path)[0].shape == (1, 100)
