# SPDX-License-Identifier: GPL-3.0-or-later
"""What recordings there are in a folder, by what its parser and their headers say."""

import logging

import numpy as np

from audeep.audio.reading import AudioInfo, audio_info
from audeep.data.overview import Overview
from audeep.errors import AudioError, ParserError
from audeep.parsers.base import InstanceMetadata, Parser
from audeep.runtime.progress import progress

logger = logging.getLogger(__name__)


def overview_of_recordings(parser: Parser, with_lengths: bool = True, skip_bad: bool = False) -> Overview:
    """The recordings that a parser finds.

    Args:
        with_lengths: read the header of each.
        skip_bad: leave out recordings that cannot be read, with a warning for each.

    Raises:
        AudioError: a recording cannot be read and `skip_bad` is not set; or none can.
        ParserError: there are no recordings.
    """
    instances, infos = parser.parse(), list[AudioInfo]()
    if not instances:
        raise ParserError(f"{parser.basedir}: has no recordings to draw; check the folder, and its tables")
    if with_lengths:
        instances, infos = _readable(instances, skip_bad)
    names = tuple(parser.label_map or ())
    truth = np.array([[name in _labels_of(instance) for name in names] for instance in instances], bool)
    return Overview(
        names,
        truth.reshape(len(instances), len(names)),
        np.array([np.nan if each.verified is None else each.verified for each in instances], float),
        np.array([np.nan if each.partition is None else each.partition for each in instances], float),
        np.array([info.num_samples for info in infos], np.int64) if with_lengths else None,
        np.array([info.sample_rate for info in infos], np.int64) if with_lengths else None,
    )


def _labels_of(instance: InstanceMetadata) -> tuple[str | None, ...]:
    return (instance.label_nominal,) if instance.label_set is None else instance.label_set


def _readable(instances: list[InstanceMetadata], skip_bad: bool) -> tuple[list[InstanceMetadata], list[AudioInfo]]:
    """Recordings, and what their headers say."""
    found, bad = list[tuple[InstanceMetadata, AudioInfo]](), list[AudioError]()
    for instance in progress(instances, "read headers", "files"):
        try:
            found.append((instance, audio_info(instance.source)))
        except AudioError as error:
            if not skip_bad:
                raise
            bad.append(error)
    for problem in bad:
        logger.warning("left out: %s", problem)
    if not found:
        raise AudioError(f"none of {len(bad)} recordings can be read; the first: {bad[0]}")
    return [instance for instance, _ in found], [info for _, info in found]
