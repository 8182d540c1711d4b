# SPDX-License-Identifier: GPL-3.0-or-later
"""What the original tagging systems gave for signals, in `reference/golden/tagging`."""

from pathlib import Path

import numpy as np
import soundfile

FOLDER = "tagging"


def signals(golden: Path) -> dict[str, np.ndarray]:
    """The int16 signals by their names, which end in their sample rate: 32k or 44k."""
    files = ("signals_synth_32k", "signals_synth_44k", "signals_esc10")
    return {name: found for file in files for name, found in np.load(golden / FOLDER / f"{file}.npz").items()}


def rate_of(name: str) -> int:
    """The sample rate of a signal, in Hz."""
    return {"32k": 32000, "44k": 44100}[name.rpartition("_")[2]]


def as_wav(folder: Path, name: str, samples: np.ndarray, rate: int | None = None) -> Path:
    """A signal as a file of 16 bits."""
    path = folder / f"{name}.wav"
    soundfile.write(path, samples, rate or rate_of(name), subtype="PCM_16")
    return path


def arrays(golden: Path, *files: str) -> dict[str, dict[str, np.ndarray]]:
    """Arrays by the signal, and by what stands after it in their names."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for file in files:
        for name, array in np.load(golden / FOLDER / f"{file}.npz").items():
            signal, _, what = name.partition("/")
            found.setdefault(signal, {})[what] = array
    return found
