# SPDX-License-Identifier: GPL-3.0-or-later
"""A microphone read like a recording, by a stub of the package sounddevice."""

import os
import signal
import sys
import threading
import types
from collections.abc import Callable

import numpy as np
import pytest

from audeep.audio.microphone import Microphone
from audeep.audio.streams import windows
from audeep.errors import AudioError, OptionError

RATE = 1000
HEARD = np.sin(np.arange(2050) * 0.3).astype(np.float32)


class PortAudioError(Exception):
    pass


def install(monkeypatch: pytest.MonkeyPatch, query: Callable, after: Callable[[], None] = lambda: None) -> list[str]:
    """A package whose device gives HEARD in blocks of 64 samples, and then calls `after`; what was done with it."""
    done = []

    class InputStream:
        def __init__(self, samplerate: int, channels: int, dtype: str, callback: Callable) -> None:
            assert (samplerate, channels, dtype) == (RATE, 1, "float32")
            self.callback = callback

        def start(self) -> None:
            def play() -> None:
                for start in range(0, len(HEARD), 64):
                    block = HEARD[start : start + 64, np.newaxis].copy()
                    self.callback(block, len(block), None, None)
                    block[:] = np.nan  # PortAudio uses its memory again
                after()

            self.thread = threading.Thread(target=play)
            self.thread.start()

        def close(self) -> None:
            self.thread.join()
            done.append("closed")

    module = types.ModuleType("sounddevice")
    module.PortAudioError, module.InputStream, module.query_devices = PortAudioError, InputStream, query
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return done


@pytest.mark.slow
def test_windows_of_a_microphone_are_those_of_what_it_hears_until_ctrl_c(monkeypatch):
    def interrupt() -> None:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()

    done = install(monkeypatch, lambda kind: {"default_samplerate": float(RATE)}, interrupt)
    found = list(windows(Microphone(), 0.5, 0.4))
    assert done == ["closed"] and [start for start, _, _ in found] == [0, 0.4, 0.8, 1.2]
    for start, samples, rate in found:
        first = round(start * RATE)
        assert rate == RATE
        np.testing.assert_array_equal(samples, HEARD[np.newaxis, first : first + 500].astype(float))


def test_a_device_that_is_not_there_is_one_line(monkeypatch):
    def missing(kind: str) -> dict:
        raise PortAudioError("Error querying device -1\n")

    install(monkeypatch, missing)
    with pytest.raises(AudioError, match=r"^microphone: cannot be opened \(Error querying device -1\); connect one"):
        Microphone()


def test_a_package_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(OptionError, match=r"^microphone=True: needs the package sounddevice .* install audeep\[micro"):
        Microphone()
