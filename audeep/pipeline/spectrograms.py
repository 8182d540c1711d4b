# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectrograms of recordings, written with what is known of these."""

import json
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audeep.audio.front_ends.base import FrontEnd
from audeep.audio.front_ends.registry import settings_of
from audeep.data import netcdf, schema
from audeep.parsers.base import InstanceMetadata, Parser
from audeep.pipeline.metadata import columns_of
from audeep.pipeline.recordings import Processed, Shapes, Work, process_all
from audeep.runtime.journal import Journal

BYTES_TOGETHER = 2**20  # of spectrograms that are written at a time

Kept = tuple[InstanceMetadata, np.ndarray]  # a recording and its spectrograms [chunk, time, freq]


@dataclass(frozen=True)
class Layout:
    """What all files of a data set have in common.

    Attributes:
        shape: of each spectrogram [time, freq].
        label_map: has the numbers of labels where recordings do not.
        label_names: of several labels a recording.
        padding: the value of what is missing of a shorter one; None where none is padded.
        compression: of the features on file, from 0 (none) to 9.
    """

    shape: tuple[int, int]
    num_folds: int
    label_map: dict[str, int] | None
    label_names: tuple[str, ...]
    padding: float | None
    compression: int
    attributes: dict[str, str]


def layout_of(parser: Parser, front_end: FrontEnd, shapes: Shapes, shape: tuple[int, int], compression: int) -> Layout:
    """How spectrograms of these `shapes`, which fit into `shape`, are written."""
    return Layout(
        shape,
        parser.num_folds,
        parser.label_map,
        tuple(parser.label_names),
        front_end.padding if shapes.are_padded else None,
        compression,
        {schema.PREPROCESSING: json.dumps({**settings_of(front_end), "sample_rate": shapes.sample_rate})},
    )


def write(
    output: Path,
    layout: Layout,
    kept: Iterable[tuple[InstanceMetadata, np.ndarray | None]],
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write recordings with their chunks, but for those without, to a data set file.

    Args:
        check: is called again and again meanwhile; what it raises ends the work.

    Raises:
        OutputError: it cannot be written.
    """
    axes, names = [schema.TIME, schema.FREQ], layout.label_names
    with netcdf.writing(
        *(output, axes, layout.shape, layout.num_folds, layout.label_map),
        compression=layout.compression,
        attributes=layout.attributes,
        label_names=names,
    ) as writer:
        for group in groups(kept, layout.shape):
            check()
            writer.append(*_columns(group, layout))


class OneFile:
    """Recordings on their way to one file: their spectrograms are kept in a journal until all are known."""

    def __init__(self, work: Work, journal: Journal) -> None:
        self.work = work
        self.journal = journal

    def processed(self) -> Generator[Processed, None, None]:
        """What is known of all recordings, in order, as `process_all` gives it."""
        return process_all(self.work, self.journal)

    def write(self, output: Path, layout: Layout, shapes: Shapes) -> None:
        """Write those whose spectrograms have the shape of most."""
        entries = (chunks for _, chunks in self.journal.replay())
        kept = (None if chunks is None or not shapes.suits(chunks.shape[1:]) else chunks for chunks in entries)
        write(output, layout, zip(self.work.instances, kept, strict=True), self.work.check)

    def done(self) -> str | None:
        """How far the work is, in words, where there is something to go on with."""
        number = self.journal.num_arrays
        return f"{number} of {len(self.work.instances)} recordings are done" if number else None

    def remove(self) -> None:
        """Remove what is beside the journal: nothing."""


def groups(kept: Iterable[tuple[InstanceMetadata, np.ndarray | None]], shape: tuple[int, int]) -> Iterator[list[Kept]]:
    """Recordings with their chunks, but for those without; one or, padded to `shape`, `BYTES_TOGETHER` at a time."""
    most = BYTES_TOGETHER // (4 * math.prod(shape))
    group: list[Kept] = []
    num_chunks = 0
    for instance, chunks in kept:
        if chunks is not None:
            group.append((instance, chunks))
            num_chunks += len(chunks)
        if num_chunks >= most and group:
            yield group
            group, num_chunks = [], 0
    if group:
        yield group


def _columns(group: Sequence[Kept], layout: Layout) -> tuple[dict[str, list[Any]], np.ndarray]:
    """Metadata by variable, and padded features, of the chunks of recordings."""
    shape, padding = layout.shape, layout.padding
    metadata = columns_of([(instance, len(chunks)) for instance, chunks in group], layout.label_map, layout.label_names)
    if padding is not None:
        metadata[schema.NUM_FRAMES.name] = [chunks.shape[1] for _, chunks in group for _ in chunks]
    if len(group) == 1 and group[0][1].shape[1:] == shape:  # a long one, of which there is to be no copy
        return metadata, group[0][1]
    features = np.full((sum(len(chunks) for _, chunks in group), *shape), padding or 0.0, np.float32)
    start = 0
    for _, chunks in group:
        features[start : start + len(chunks), : chunks.shape[1]] = chunks
        start += len(chunks)
    return metadata, features
