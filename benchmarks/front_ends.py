# SPDX-License-Identifier: GPL-3.0-or-later
"""Each front end on recordings that are decoded for it, against decoding them with soundfile alone; seconds of the CPU.

    OMP_NUM_THREADS=1 python benchmarks/front_ends.py ESC-10

Both run in turns in one process, and the least of several passes counts, as other work on the machine only adds.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import soundfile
from timing import report

from audeep.audio.front_ends.registry import FRONT_ENDS, front_end_type_of
from audeep.parsers.esc import ESCParser
from audeep.runtime.memory import reuse_memory

PASSES = 7
EVERY = 10  # of the recordings
MEL = {"window_width": 0.08, "window_overlap": 0.04, "mel_spectrum": 128, "fixed_length": 5, "clip_below": -60}


def cpu_seconds(work: Callable[[Path], object], paths: list[Path]) -> float:
    start = time.process_time()
    for path in paths:
        work(path)
    return time.process_time() - start


def main() -> None:
    reuse_memory()  # as preprocess does
    paths = [Path(item.path) for item in ESCParser(Path(sys.argv[1])).parse()][::EVERY]
    works: dict[str, Callable[[Path], object]] = {"decode": lambda path: soundfile.read(path, dtype="float32")}
    for entry in FRONT_ENDS:
        works[entry.name] = front_end_type_of(entry.name)(**(MEL if entry.name == "mel" else {})).chunks
    found = {name: [] for name in works}
    for _ in range(PASSES):
        for name, work in works.items():
            found[name].append(cpu_seconds(work, paths))
    milliseconds = {name: 1000 * min(times) / len(paths) for name, times in found.items()}
    for name, each in milliseconds.items():
        print(f"{name:<15} {each:6.2f} ms a recording")
    for name, each in milliseconds.items():
        if name != "decode":
            report(f"{name}: times the time of decoding", each / milliseconds["decode"], "at most 1.6")


if __name__ == "__main__":
    main()
