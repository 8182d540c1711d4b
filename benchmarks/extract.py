# SPDX-License-Identifier: GPL-3.0-or-later
"""extract along a long recording against making the same spectrograms and embedding them, and nothing else.

    python benchmarks/extract.py

Also the peak of memory on a recording ten times as long.
"""

import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile
import torch
from timing import alternate, report

from audeep.audio.front_ends.mel import Preprocessor
from audeep.inference.features import FeatureExtractor
from audeep.inference.recordings import WINDOWS_TOGETHER
from audeep.models.checkpoints import Progress, save_model
from audeep.models.time_autoencoder import TimeAutoencoder, TimeAutoencoderConfig

RATE, WINDOW = 44100, 5
MINUTES = 4


def peak_megabytes(folder: Path, minutes: int) -> float:
    """Peak memory of a process that goes along a recording of so many minutes."""
    program = f"import extract; extract.along({str(folder)!r}, {minutes}); extract.tell()"
    found = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, check=True)
    return float(found.stdout)


def along(folder: str, minutes: int) -> int:
    extractor = FeatureExtractor(Path(folder) / "logs", device="cpu")
    return sum(len(part.vectors) for part in extractor.of_windows(f"{folder}/{minutes}.wav", WINDOW, WINDOW))


def tell() -> None:
    status = Path("/proc/self/status").read_text()  # what getrusage gives begins with the memory of the parent process
    print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)


def main() -> None:
    preprocessor = Preprocessor(0.08, 0.04, 128, clip_below=-60)
    config = TimeAutoencoderConfig(124, 128, 2, 256, bidirectional_decoder=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "logs").mkdir()
        save_model(folder / "logs", TimeAutoencoder(config), Progress(1, 1, 0), asdict(preprocessor))
        for minutes in (MINUTES, 10 * MINUTES):
            noise = np.random.default_rng(0).uniform(-0.5, 0.5, minutes * 60 * RATE)
            soundfile.write(folder / f"{minutes}.wav", noise, RATE)
        model = FeatureExtractor(folder / "logs", device="cpu").embedder.model

        def by_hand() -> None:
            samples, _ = soundfile.read(folder / f"{MINUTES}.wav")
            parts = samples.reshape(-1, WINDOW * RATE)
            spectra = [preprocessor.chunks_and_rate_of("x", part[np.newaxis], RATE)[0] for part in parts]
            with torch.inference_mode():
                for some in torch.from_numpy(np.concatenate(spectra)).split(WINDOWS_TOGETHER):
                    model.embed(some)

        seconds = alternate(extract=lambda: along(name, MINUTES), by_hand=by_hand)
        print(f"{60 * MINUTES / seconds['extract']:.0f} times as fast as the sound")
        few, many = (peak_megabytes(folder, minutes) for minutes in (MINUTES, 10 * MINUTES))
        print(
            f"peak memory: {few:.0f} MB on {MINUTES} minutes, {many:.0f} MB on {10 * MINUTES}: {many / few:.2f} times"
        )
        report("times the time of the work by hand", seconds["extract"] / seconds["by_hand"], "about 1")


if __name__ == "__main__":
    main()
