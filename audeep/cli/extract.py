# SPDX-License-Identifier: GPL-3.0-or-later
"""extract: features straight from recordings."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

from audeep.cli.options import AudeepCommand, add_device, add_model_dir, add_step, check_text, seconds
from audeep.errors import OptionError

if TYPE_CHECKING:
    import numpy as np

    from audeep.inference.features import FeatureExtractor

Append = Callable[[str, int, list[float], "np.ndarray"], None]
"""Adds rows: the name of a recording, the number of its first row, when windows start (or nothing), features."""


class Extract(AudeepCommand):
    """Represent recordings by a trained t-rae or ft-rae, or windows that slide along them; no data set is needed."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="recordings; - is standard input, as it arrives")
        add_model_dir(parser)
        add_step(parser)
        parser.add_argument(
            "--window",
            type=seconds,
            metavar="S",
            help="one vector for each window of S seconds (default: for each file)",
        )
        parser.add_argument("--hop", type=seconds, metavar="S", help="from window to window (default: as --window)")
        parser.add_argument(
            "--pooled", action="store_true", help="take the features that 't-rae generate --pooled' gives"
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="file to write: .csv, .arff, .nc, which has no times of windows, or .npy with features alone (default:"
            " CSV on standard output)",
        )
        add_device(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.inference.features import FeatureExtractor
        from audeep.runtime.progress import progress

        window, hop = parsed_args.window, parsed_args.hop or parsed_args.window
        if window is None and (hop is not None or "-" in parsed_args.files):
            raise OptionError("--window: is needed with --hop and for standard input; give the length of a window")
        for name in parsed_args.files:
            check_text(name)
        extractor = FeatureExtractor(
            parsed_args.model_dir, parsed_args.step, pooled=parsed_args.pooled, device=parsed_args.device
        )
        with _opened(parsed_args.output, self.app.stdout, extractor.size, window is not None) as append:
            for path in progress(parsed_args.files, "extract", "files"):
                for first, starts, features in _parts(extractor, path, window, hop):
                    append("stdin" if path == "-" else path, first, starts, features)


def _parts(
    extractor: "FeatureExtractor", path: str, window: float | None, hop: float | None
) -> Iterator[tuple[int, list[float], "np.ndarray"]]:
    """Rows of one recording, part by part: the number of the first, when they start, and the features."""
    if window is None:
        yield 0, [], extractor.of_recording(Path(path))
        return
    first = 0
    for starts, features in extractor.of_windows(path, window, hop):
        yield first, starts, features
        first += len(starts)


@contextmanager
def _opened(output: Path | None, stdout: TextIO, size: int, is_timed: bool) -> Iterator[Append]:
    """What takes the rows of a file, which appears when the block ends well, or of standard output."""
    from audeep.data import netcdf
    from audeep.data.exchange.exporters import HEADERS
    from audeep.data.schema import CHUNK_NR, FILENAME, GENERATED, START_SECONDS
    from audeep.runtime.files import replacing

    suffix = ".csv" if output is None else output.suffix.lower()
    columns = [FILENAME.name, CHUNK_NR.name, *[START_SECONDS] * is_timed]
    columns += [f"feature_{number}" for number in range(size)]
    if suffix == ".nc":
        with netcdf.writing(output, [GENERATED], [size]) as writer:
            yield lambda name, first, starts, features: writer.append(
                {FILENAME.name: [name] * len(features), CHUNK_NR.name: range(first, first + len(features))}, features
            )
    elif suffix == ".npy":
        with replacing(output) as partial, open(partial, "w+b") as file, _numpy_array(file, size) as append:
            yield append
    elif suffix not in (".csv", ".arff"):
        raise OptionError(f"--output {output}: the suffix must be .csv, .arff, .nc or .npy; choose one of them")
    elif output is None:
        stdout.write(HEADERS["csv"](columns, []))
        yield _table(stdout, "csv", columns)
    else:
        with replacing(output) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
            file.write(HEADERS[suffix[1:]](columns, []))
            yield _table(file, suffix[1:], columns)


def _table(file: TextIO, file_format: str, columns: list[str]) -> Append:
    import pandas as pd

    from audeep.data.exchange.exporters import ROWS

    def append(name: str, first: int, starts: list[float], features: "np.ndarray") -> None:
        frame = pd.DataFrame(features, columns=columns[-features.shape[1] :])
        if starts:
            frame.insert(0, columns[2], starts)
        frame.insert(0, columns[1], range(first, first + len(frame)))
        frame.insert(0, columns[0], name)
        file.write(ROWS[file_format](frame))
        file.flush()

    return append


@contextmanager
def _numpy_array(file: BinaryIO, size: int) -> Iterator[Append]:
    """Rows of an array whose number is told at the end, in the place that is kept for it."""
    import numpy as np

    num_rows = 0

    def write_header(rows: int) -> None:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (rows, size)})

    def append(name: str, first: int, starts: list[float], features: "np.ndarray") -> None:
        nonlocal num_rows
        num_rows += len(features)
        file.write(features.astype("<f4").tobytes())

    write_header(10**15)
    yield append
    file.seek(0)
    write_header(num_rows)  # which NumPy pads, so that it is as long as before
