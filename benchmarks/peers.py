# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU time a recording: decoding, audeep, and the features of other packages, on the same files and one core.

    OMP_NUM_THREADS=1 python benchmarks/peers.py ESC-10

torchaudio is there; librosa and opensmile are measured where they are installed. Start-up is left out.
"""

import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import torch
from timing import report

from audeep.audio.front_ends.mel import Preprocessor
from audeep.inference.embedder import Embedder
from audeep.models.time_autoencoder import TimeAutoencoder, TimeAutoencoderConfig
from audeep.parsers.esc import ESCParser
from audeep.runtime.memory import reuse_memory

PASSES = 5
EVERY = 20  # of the recordings
RATE, WIDTH, HOP, BANDS = 44100, 3528, 1764, 128  # 80 ms windows, 40 ms apart, as in the tutorial
Work = Callable[[Path], object]


def decode(path: Path) -> np.ndarray:
    samples, _ = soundfile.read(path, dtype="float32")
    return samples


def audeep_works() -> dict[str, Work]:
    """preprocess, and generate after it."""
    front_end = Preprocessor(0.08, 0.04, BANDS, fixed_length=5, clip_below=-60)
    embedder = Embedder(TimeAutoencoder(TimeAutoencoderConfig(124, BANDS, 2, 256)))
    return {
        "audeep preprocess": front_end.chunks,
        "audeep preprocess and generate (t-rae, 2 x 256)": lambda path: embedder(front_end.chunks(path)),
    }


def torchaudio_works() -> dict[str, Work]:
    """Its mel spectrogram in decibels, in single precision."""
    from torchaudio.transforms import AmplitudeToDB, MelSpectrogram

    mel, decibels = MelSpectrogram(RATE, n_fft=WIDTH, hop_length=HOP, n_mels=BANDS), AmplitudeToDB(top_db=60)
    return {"torchaudio mel spectrogram": lambda path: decibels(mel(torch.from_numpy(decode(path))))}


def librosa_works() -> dict[str, Work]:
    """Its mel spectrogram in decibels."""
    from librosa import power_to_db
    from librosa.feature import melspectrogram

    def work(path: Path) -> np.ndarray:
        power = melspectrogram(y=decode(path), sr=RATE, n_fft=WIDTH, hop_length=HOP, n_mels=BANDS)
        return power_to_db(power, ref=np.max, top_db=60)

    return {"librosa mel spectrogram": work}


def opensmile_works() -> dict[str, Work]:
    """Functionals of two of its feature sets."""
    from opensmile import FeatureLevel, FeatureSet, Smile

    sets = {"eGeMAPS": FeatureSet.eGeMAPSv02, "ComParE": FeatureSet.ComParE_2016}
    made = {name: Smile(feature_set=each, feature_level=FeatureLevel.Functionals) for name, each in sets.items()}
    return {
        f"opensmile {name} functionals": lambda path, smile=smile: smile.process_signal(decode(path), RATE)
        for name, smile in made.items()
    }


def main() -> None:
    reuse_memory()  # as preprocess does
    torch.set_num_threads(1)
    paths = [Path(item.path) for item in ESCParser(Path(sys.argv[1])).parse()][::EVERY]
    works: dict[str, Work] = {"decoding": decode, **audeep_works(), **torchaudio_works()}
    for name, make in {"librosa": librosa_works, "opensmile": opensmile_works}.items():
        if importlib.util.find_spec(name) is None:
            print(f"{name} is not installed")
        else:
            works |= make()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(PASSES + 1):
        for name, work in works.items():
            start = time.process_time()
            for path in paths:
                work(path)
            if turn:  # the first is to become warm
                seconds[name].append(time.process_time() - start)
    milliseconds = {name: 1000 * float(np.median(found)) / len(paths) for name, found in seconds.items()}
    for name, each in milliseconds.items():
        print(f"{name:<50} {each:8.2f} ms a recording")
    report(
        "preprocess: times the time of decoding", milliseconds["audeep preprocess"] / milliseconds["decoding"], "1.45"
    )


if __name__ == "__main__":
    main()
