# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of long work, kept one by one in a file, so that the work can go on wherever it was cut off.

::

    {"journal": {<setting>: <value>, ...}}      one line of JSON: what the work was to be
    {"shape": [1, 124, 128], "crc32": ..., ...} for each result one line of JSON, after it
    <float32, little endian>                    its array; there is none where the shape is null

The file is only appended to. A result that was being written when the process or the machine stopped shows by its
length or its checksum, and is written again.
"""

import json
import logging
import math
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from audeep.errors import OptionError, OutputError
from audeep.runtime.files import check_target, created_directories, locked, write_failures

logger = logging.getLogger(__name__)

LONGEST_LINE = 2**20


class Journal:
    """An open journal: `replay` gives the results that it has, then `append` adds others."""

    def __init__(self, path: Path, file: BinaryIO, sink: FileIO) -> None:
        """The journal at `path`, from which `file` reads and to which `sink`, without a buffer, appends."""
        self.path = path
        self.file = file
        self.first = file.tell()
        self.sink = sink
        self.num_arrays = 0

    def replay(self) -> Iterator[tuple[dict[str, Any], np.ndarray | None]]:
        """Facts and arrays as they were appended; what is damaged, and all after it, is cut off."""
        self.file.seek(self.first)
        self.num_arrays = 0
        while True:
            start = self.file.tell()
            entry = self._entry()
            if entry is None:
                break
            self.num_arrays += entry[1] is not None
            yield entry
        with write_failures(self.path):
            self.sink.truncate(start)

    def append(self, facts: Mapping[str, Any], array: np.ndarray | None) -> None:
        """Keep a result: facts that JSON can hold, and a float32 array.

        Raises:
            OutputError: the file cannot be written.
        """
        content = b"" if array is None else array.astype("<f4", order="C", copy=False).data
        shape = None if array is None else array.shape
        with write_failures(self.path):
            _write(self.sink, _line({**facts, "shape": shape, "crc32": zlib.crc32(content)}))
            _write(self.sink, content)
        self.num_arrays += array is not None

    def remove(self) -> None:
        """Delete the file."""
        with write_failures(self.path):
            self.file.close()
            self.sink.close()
            self.path.unlink(missing_ok=True)

    def _entry(self) -> tuple[dict[str, Any], np.ndarray | None] | None:
        """The result that comes next; None at the end, or where it is damaged."""
        try:
            facts = _facts(self.file.readline(LONGEST_LINE))
            shape, checksum = facts.pop("shape"), facts.pop("crc32")
            size = 0 if shape is None else 4 * math.prod(shape)
            if not 0 <= size <= os.fstat(self.file.fileno()).st_size - self.file.tell():
                return None
            content = self.file.read(size)
            if zlib.crc32(content) != checksum:
                return None
            return facts, None if shape is None else np.frombuffer(content, "<f4").reshape(shape)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


@contextmanager
def opened_journal(path: Path, settings: Mapping[str, Any], resume: bool) -> Iterator[Journal]:
    """Start a journal, or go on with the one at `path`, for this process alone; it stays unless it is removed.

    Raises:
        OptionError: there is no journal to go on with, or it is of work with other settings.
        OutputError: another process works with it, `path` is another file or a link, or cannot be written.
    """
    settings = json.loads(json.dumps(settings))  # as they come back
    check_target(path)
    if path.is_symlink():
        raise OutputError(f"{path}: is a link, which is not followed; remove it, or choose another output")
    if resume and not path.exists():
        raise OptionError(f"{path}: no such file, there is nothing to go on with; leave out resume=True to start")
    with ExitStack() as stack:
        with write_failures(path):
            stack.enter_context(created_directories(path.parent))
            sink = stack.enter_context(open(path, "ab", buffering=0))
            file = stack.enter_context(open(path, "rb"))
            stack.enter_context(locked(path))
            found = _settings(path, file)
            if found and resume:
                _check_same(path, found, settings)
            else:
                _start(path, sink, found, settings)
                file.seek(sink.tell())
        yield Journal(path, file, sink)


def _start(path: Path, sink: FileIO, found: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Write the first line of a journal in place of what was `found`."""
    if found:
        logger.warning("%s: discarded; resume=True would have gone on with this interrupted run", path)
    try:
        sink.truncate(0)
        _write(sink, _line({"journal": settings}))
    except OSError:
        path.unlink()
        raise


def _write(sink: FileIO, content: bytes | memoryview) -> None:
    """Write all of `content`, in several turns where the system takes a part at a time."""
    left = memoryview(content).cast("B") if len(content) else content
    while left:
        left = left[sink.write(left) :]


def _line(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts).encode() + b"\n"


def _facts(line: bytes) -> Any:
    if not line.endswith(b"\n"):
        raise ValueError("cut off")
    return json.loads(line)


def _settings(path: Path, file: BinaryIO) -> dict[str, Any]:
    """The settings in the first line; none in an empty file."""
    line = file.readline(LONGEST_LINE)
    try:
        return dict(_facts(line)["journal"]) if line else {}
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path}: is not a journal of an interrupted run; move it away") from error


def _check_same(path: Path, found: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        if found.get(name) != value:
            raise OptionError(
                f"{path}: the interrupted run had {name}={found.get(name)}, found {value}; go on with the options and"
                " recordings of that run, or leave out resume=True to start anew"
            )
