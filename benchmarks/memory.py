# SPDX-License-Identifier: GPL-3.0-or-later
"""Peak memory of commands on a small and on a ten times larger synthetic data set.

    python benchmarks/memory.py [GIGABYTES]

GIGABYTES (by default 0.3) is the size of the small one. For evaluate, which holds the features of one fold, the peak
is compared with their size instead.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from timing import report

from audeep.data import netcdf

SPECTROGRAM, VECTOR, TIMES = (124, 128), (1024,), 10
NETWORK = "--num-epochs 1 --num-units 16 --batch-size 500 --checkpoints-to-keep 1"


def write(path: Path, shape: tuple[int, ...], num_bytes: float) -> int:
    """A data set file with random features, two classes and five folds; gives the bytes of its features."""
    total = int(num_bytes / 4 / np.prod(shape))
    generator = np.random.default_rng(0)
    dims = ["time", "freq"] if len(shape) == 2 else ["generated"]
    block = 500
    with netcdf.writing(path, dims, shape, 5, {"a": 0, "b": 1}) as writer:
        for start in range(0, total, block):
            rows = np.arange(start, min(start + block, total))
            metadata = {
                "filename": [f"{row}.wav" for row in rows],
                "chunk_nr": np.zeros(len(rows), int),
                "label_nominal": ["ab"[row % 2] for row in rows],
                "label_numeric": rows % 2,
                "cv_folds": (rows[:, None] // 2 % 5) == np.arange(5),
            }
            writer.append(metadata, generator.uniform(-1, 1, (len(rows), *shape)).astype(np.float32))
    return total * int(np.prod(shape)) * 4


def peak_bytes(command: str) -> int:
    """Largest resident memory of one run of audeep."""
    process = subprocess.Popen([sys.executable, "-m", "audeep", "-q", *command.split()], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"audeep {command} failed")
    return usage.ru_maxrss * 1024


def record(folder: Path, count: int) -> None:
    """Recordings of one second each."""
    import soundfile

    samples = np.random.default_rng(0).uniform(-1, 1, 16000)
    for number in range(count):
        path = folder / f"{number // 1000}" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, 16000)


def main() -> None:
    small = float(sys.argv[1]) * 1e9 if len(sys.argv) > 1 else 0.3e9
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        peaks: dict[str, list[int]] = {"preprocess": [], "train": [], "generate": []}
        for scale in (1, TIMES):
            source = directory / "spectrograms.nc"
            write(source, SPECTROGRAM, scale * small)
            run = directory / f"run{scale}"
            peaks["train"].append(peak_bytes(f"t-rae train --input {source} --run-name {run} {NETWORK}"))
            generate = f"t-rae generate --model-dir {run}/logs --input {source} --output {directory}/features.nc"
            peaks["generate"].append(peak_bytes(generate))
            source.unlink()
            basedir = directory / f"recordings{scale}"
            record(basedir, 300 * scale)
            settings = f"--basedir {basedir} --parser no-metadata --window-width 0.004 --window-overlap 0.002 --jobs 1"
            peaks["preprocess"].append(peak_bytes(f"preprocess {settings} --output {directory}/features.nc"))
        for name, (few, many) in peaks.items():
            print(f"{name:<12} {few / 1e6:8.0f} MB, on {TIMES} times the data {many / 1e6:8.0f} MB")
            worst = max(worst, many / few)
        size = write(directory / "vectors.nc", VECTOR, small)
        options = "--cross-validate --num-epochs 1"
        peak = peak_bytes(f"mlp evaluate --input {directory}/vectors.nc {options}")
        few = write(directory / "vectors.nc", VECTOR, small / 100)
        base = peak_bytes(f"mlp evaluate --input {directory}/vectors.nc {options}")
        fold = 0.8 * (size - few)
        print(
            f"evaluate     {peak / 1e6:8.0f} MB, {(peak - base) / fold:.1f} times the features of a fold"
            f" ({fold / 1e6:.0f} MB)"
        )
    report("peak memory on ten times the data, worst ratio", worst, "about 1")


if __name__ == "__main__":
    main()
