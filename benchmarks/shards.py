# SPDX-License-Identifier: GPL-3.0-or-later
"""Processor time and memory of opening, splitting, reading, shuffling and validating data sets in shards, by size.

    python benchmarks/shards.py [INSTANCES ...]

By default 100,000 and 1,000,000 instances of 8 frames of 8 bands, in a shard for each 50,000. Each row is measured in
a process of its own, so that its peak of memory is its own.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from timing import report

from audeep.data import netcdf
from audeep.data.data_set import DataSet, load
from audeep.data.integrity import validate
from audeep.data.manifest import measured, replacing_shards, shard_name, shares
from audeep.data.schema import Split

SHAPE, PER_SHARD, CHUNKS, FOLDS, BATCH, NUM_BATCHES = (8, 8), 50_000, 4, 5, 64, 200


def write(target: Path, num_instances: int) -> None:
    """Random spectrograms of ten classes, four of each recording, in five folds."""
    generator = np.random.default_rng(0)
    with replacing_shards(target) as (folder, shards):
        for number, share in enumerate(shares(num_instances, max(1, num_instances // PER_SHARD))):
            path, rows = folder / shard_name(number), np.arange(num_instances)[share]
            label_map = {f"class {label}": label for label in range(10)}
            with netcdf.writing(path, ["time", "freq"], SHAPE, FOLDS, label_map) as writer:
                files = rows // CHUNKS
                metadata = {
                    "filename": [f"recordings/number {file:07d}.wav" for file in files],
                    "chunk_nr": rows % CHUNKS,
                    "label_nominal": [f"class {file % 10}" for file in files],
                    "label_numeric": files % 10,
                    "cv_folds": files[:, None] % FOLDS == np.arange(FOLDS),
                }
                writer.append(metadata, generator.uniform(-1, 1, (len(rows), *SHAPE)).astype(np.float32))
            shards.append(measured(path, len(rows)))


def passed(data_set: DataSet) -> float:
    return float(sum(block.features.sum() for block in data_set.blocks()))


def batches(data_set: DataSet) -> None:
    """As a training reads what does not fit into memory."""
    order = np.random.default_rng(0).permutation(len(data_set))
    for number in range(NUM_BATCHES):
        data_set[np.sort(order[number * BATCH : (number + 1) * BATCH])].features  # noqa: B018


WORK: dict[str, Callable[[DataSet], object]] = {
    "open": len,
    "split": lambda data_set: len(data_set.split(0, Split.TRAIN)),
    "a pass": passed,
    f"{NUM_BATCHES} random batches of {BATCH}": batches,
    "validate": validate,
}


def measure(source: str, what: str) -> None:
    """Print seconds of the processor, those of opening apart, and the peak of memory as JSON."""
    start = time.process_time()
    data_set = load(source)
    opened = time.process_time()
    WORK[what](data_set)
    seconds = time.process_time() - (start if what == "open" else opened)
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [100_000, 1_000_000]
    found: dict[str, list[list[float]]] = {what: [] for what in WORK}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            source = Path(folder) / f"{size}"
            start = time.perf_counter()
            write(source, size)
            taken = sum(path.stat().st_size for path in source.iterdir()) / 1e6
            print(
                f"{size} instances: {len(list(source.glob('*.nc')))} shards of {taken:.0f} MB in all written in"
                f" {time.perf_counter() - start:.0f} s"
            )
            for what in WORK:
                command = [sys.executable, __file__, str(source), what]
                shown = subprocess.run(command, env={**os.environ, "AUDEEP_MEASURE": "1"}, capture_output=True)
                found[what].append(json.loads(shown.stdout))
                print(f"{what:<32} {found[what][-1][0]:8.2f} s {found[what][-1][1]:8.0f} MB at most")
    times = sizes[-1] / sizes[0]
    for what, rows in found.items():
        report(f"{what}, seconds on {times:g} times the instances", rows[-1][0] / rows[0][0], f"at most {times:g}")
        report(f"{what}, memory", rows[-1][1] / rows[0][1], f"at most {times:g}")


if __name__ == "__main__":
    if "AUDEEP_MEASURE" in os.environ:
        measure(*sys.argv[1:])
    else:
        main()
