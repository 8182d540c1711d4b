# SPDX-License-Identifier: GPL-3.0-or-later
"""preprocess by one and several processes, by dask, in one file and in shards: the same values, in which time; and
training by torchrun.

    python benchmarks/scaling.py BASEDIR [RECORDINGS]

Takes the first RECORDINGS (by default 200) recordings below BASEDIR, 5 s of each. The processor time is that of all
processes together, which tells what ways of working cost; wall-clock time depends on what else the machine does.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from audeep import load
from audeep.models.curve import read_curve

SPECTRA = "--parser no-metadata --window-width 0.08 --window-overlap 0.04 --mel-spectrum 128 --fixed-length 5"
WAYS = {
    "1 process": "--jobs 1",
    "2 processes": "--jobs 2",
    "4 processes": "--jobs 4",
    "dask, 2 workers": "--cluster local:2",
    "dask, 4 workers": "--cluster local:4",
    "8 shards, 1 process": "--shards 8 --jobs 1",
    "8 shards, 2 processes": "--shards 8 --jobs 2",
    "8 shards, 4 processes": "--shards 8 --jobs 4",
    "8 shards, dask, 2 workers": "--shards 8 --cluster local:2",
    "8 shards, dask, 4 workers": "--shards 8 --cluster local:4",
}
TRAININGS = {
    "t-rae": "--num-epochs 4 --num-layers 2 --num-units 256 --batch-size 64",
    "contrastive": "--num-epochs 4 --passes 4",
}


def main() -> None:
    found = sorted(path for path in Path(sys.argv[1]).rglob("*") if path.suffix in (".wav", ".ogg", ".flac"))
    expected: np.ndarray | None = None
    with tempfile.TemporaryDirectory() as folder:
        basedir = Path(folder) / "recordings"
        basedir.mkdir()
        for number, path in enumerate(found[: int(sys.argv[2]) if len(sys.argv) > 2 else 200]):
            (basedir / f"{number}{path.suffix}").symlink_to(path.resolve())
        for name, options in WAYS.items():
            output = Path(folder) / name.replace(" ", "-")
            command = f"-q preprocess --basedir {basedir} {SPECTRA} {options} --output {output}"
            seconds, spent = timed("-m", "audeep", *command.split())
            features = load(output).features
            expected = features if expected is None else expected
            same = "the same values" if np.array_equal(features, expected) else "OTHER VALUES"
            print(f"{name:<28} {seconds:7.1f} s {spent:7.1f} s of the processor   {same}", flush=True)
        for kind, options in TRAININGS.items():
            losses: np.ndarray | None = None
            for number in (1, 2, 4):
                run = Path(folder) / f"{kind}-{number}"
                command = (
                    f"-q {kind} train --input {Path(folder) / '1-process'} --run-name {run} --device cpu {options}"
                )
                many = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(number))
                seconds, spent = timed(*(many if number > 1 else ()), "-m", "audeep", *command.split())
                found_losses = np.array([point.loss for point in read_curve(run / "logs", sys.maxsize)])
                losses = found_losses if losses is None else losses
                differ = abs(found_losses / losses - 1).max()
                name = f"{kind} train, {number} process{'es' * (number > 1)}"
                print(f"{name:<28} {seconds:7.1f} s {spent:7.1f} s of the processor   losses differ by {differ:.1e}")


def timed(*words: str) -> tuple[float, float]:
    """Seconds that Python takes for these arguments, and those of the processor; each process has one thread."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, sum(getattr(after, what) - getattr(before, what) for what in ("ru_utime", "ru_stime"))


if __name__ == "__main__":
    main()
