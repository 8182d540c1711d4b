# SPDX-License-Identifier: GPL-3.0-or-later
"""A front end that fails, for workers to import: so this file imports little."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from audeep.audio.front_ends.mel import Preprocessor

MAIN = int(os.environ.setdefault("AUDEEP_TEST_MAIN", str(os.getpid())))


@dataclass(frozen=True)
class Failing(Preprocessor):
    """Notes what it reads, and fails at recordings by their names while there is no file called mended beside them."""

    def chunks_and_rate(self, path):
        number, _, kind = Path(path).stem.partition("-")
        with Path(path).with_name("read").open("a") as notes:
            notes.write(f"{number}\n")
        if Path(path).with_name("mended").exists():
            kind = ""
        if kind == "memory":
            raise MemoryError
        if kind == "runtime":
            raise RuntimeError("two\nlines")
        if kind == "unicode":
            "\udcfc".encode()
        if kind == "death" and os.getpid() != MAIN:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().chunks_and_rate(path)


def rename(basedir: Path, kind: str, *numbers: int) -> list[str]:
    """Let recordings fail in one way; their paths."""
    for number in numbers:
        (basedir / f"{number:02}.wav").rename(basedir / f"{number:02}-{kind}.wav")
    return [str(basedir / f"{number:02}-{kind}.wav") for number in numbers]
