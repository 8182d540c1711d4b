# SPDX-License-Identifier: GPL-3.0-or-later
"""preprocess with the settings of the tutorial against decoding the same files with soundfile alone.

    python benchmarks/preprocess.py ESC-10

Start-up of processes is left out: 400 files are taken from the time of 2,000. Both run in as many processes.
"""

import logging
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median

import soundfile
from timing import report

from audeep.audio.front_ends.mel import Preprocessor
from audeep.parsers.base import InstanceMetadata
from audeep.parsers.esc import ESCParser
from audeep.pipeline.preprocess import preprocess
from audeep.runtime.execution import available_cores

REPEATS = 5
SETTINGS = {"window_width": 0.08, "window_overlap": 0.04, "mel_spectrum": 128, "fixed_length": 5, "clip_below": -60}


class Repeated(ESCParser):
    """The same recordings several times, under different names."""

    times = 1

    def instances(self) -> Iterator[InstanceMetadata]:
        for turn in range(self.times):
            for item in super().instances():
                yield replace(item, filename=f"{turn}/{item.filename}")


def decode(path: Path) -> int:
    samples, _ = soundfile.read(path, dtype="float32")
    return len(samples)


def seconds_of_preprocessing(basedir: Path, times: int, directory: Path) -> float:
    parser = Repeated(basedir)
    parser.times = times
    parser.parse()
    start = time.perf_counter()
    preprocess(parser, Preprocessor(**SETTINGS), directory / "spectrograms.nc")
    return time.perf_counter() - start


def seconds_of_decoding(basedir: Path, times: int) -> float:
    paths = [Path(item.path) for item in ESCParser(basedir).parse()] * times
    start = time.perf_counter()
    with ProcessPoolExecutor(available_cores(), multiprocessing.get_context("forkserver")) as pool:
        list(pool.map(decode, paths, chunksize=4))
    return time.perf_counter() - start


def main() -> None:
    logging.disable(logging.INFO)
    basedir = Path(sys.argv[1])
    found: dict[str, list[float]] = {"preprocess": [], "decode": []}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(REPEATS + 1):
            taken = {
                "preprocess": [seconds_of_preprocessing(basedir, times, Path(folder)) for times in (5, 1)],
                "decode": [seconds_of_decoding(basedir, times) for times in (5, 1)],
            }
            for name, (many, few) in taken.items():
                if turn:
                    found[name].append((many - few) / 4 * 5)
    for name, seconds in found.items():
        print(f"{name:<12} 2,000 files in {median(seconds):6.2f} s (from {min(seconds):.2f} to {max(seconds):.2f})")
    report("times the time of decoding", median(found["preprocess"]) / median(found["decode"]), "at most 1.6")


if __name__ == "__main__":
    main()
