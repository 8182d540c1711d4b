# SPDX-License-Identifier: GPL-3.0-or-later
"""Features as a table in memory, for recordings, segments of them and signals, called as in opensmile and audformat."""

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from audeep.audio.reading import Segment, audio_info, part_of
from audeep.audio.streams import Sound
from audeep.data.schema import feature_names
from audeep.errors import OptionError
from audeep.inference.features import FeatureExtractor
from audeep.inference.recordings import Applied, Part, Vectors
from audeep.parsers.registry import open_parser
from audeep.pipeline.rows import Application, rows_of

FILE, START, END = "file", "start", "end"
Times = Any  # of one segment or of each: seconds, pandas.Timedelta, text that pandas takes, or None

Places = list[tuple[str, pd.Timedelta, pd.Timedelta]]


def process_files(
    files: Path | str | Sequence[Path | str] | pd.Index,
    model: Path | str | Applied,
    *,
    starts: Times = None,
    ends: Times = None,
    window: float | None = None,
    hop: float | None = None,
    root: Path | str | None = None,
    jobs: int = 1,
) -> pd.DataFrame:
    """Features of recordings, or of segments of them: a row for each, float32, indexed by file, start and end.

    ::

        process_files(["a.wav", "b.wav"], "run")
        process_files(["a.wav", "a.wav"], "run", starts=[0, 1.5], ends=[1.5, 3])
        process_files(database["emotion"].index, "run", root="corpus")  # an index of audformat

    Args:
        files: recordings; or an index of audformat: of files, or of files, starts and ends.
        model: directory of a run, or a model that is loaded already.
        starts, ends: of segments, each for all files or one a file: seconds, or what pandas takes for a time; none, or
            NaT, is the start or the end of the recording.
        window: seconds of windows that get a row each, as far as they are full; a shorter recording has one.
        hop: seconds from window to window; by default `window`.
        root: folder that names of files are relative to.
        jobs: processes that work on several recordings at once, each with the model in its memory; for a model that
            is given by its directory.

    Raises:
        OptionError: times are not times, not as many as files, or given twice; or jobs do not go with the model.
        ModelError: there is no such model, or it gives no features of recordings.
        AudioError, ShapeError: a recording cannot be read, has no such segment, or does not suit the model.
    """
    names, segments = _segments(files, starts, ends)
    paths = [name if root is None else Path(root) / name for name in names]
    sources = [part_of(path, *times) for path, times in zip(paths, segments, strict=True)]
    if hop is not None and window is None:
        raise OptionError(f"hop={hop:g}: needs window=SECONDS")
    if isinstance(model, Applied) and jobs > 1:
        raise OptionError(f"jobs={jobs}: each process loads the model; give its directory, or jobs=1")
    application = Application(partial(_loaded, model), window, hop)
    recordings = [(source, str(number)) for number, source in enumerate(sources)]
    vectors, places = list[Vectors](), Places()
    with closing(rows_of(application, recordings, "process", skip_bad=False, jobs=jobs, bad=[])) as found:
        for rows in found:
            number = int(rows.name)
            first = segments[number][0] or 0.0
            if rows.starts is not None and window is not None:
                spans = [(start, start + window) for start in rows.starts]
            else:
                spans = _spans(application.applied, len(rows.vectors), sources[number])
            places += [(names[number], _time(first + start), _time(first + end)) for start, end in spans]
            vectors.append(rows.vectors)
    return _frame(vectors, application.applied.size, pd.MultiIndex.from_tuples(places, names=[FILE, START, END]))


def process_folder(
    folder: Path | str,
    model: Path | str | Applied,
    *,
    include_root: bool = True,
    window: float | None = None,
    hop: float | None = None,
    jobs: int = 1,
) -> pd.DataFrame:
    """What `process_files` gives for all recordings below a folder, at any depth, sorted by name.

    Args:
        include_root: call recordings by their paths, rather than by those below the folder.

    Raises:
        ParserError: there are no recordings.
        OptionError, ModelError, AudioError, ShapeError: as `process_files` does.
    """
    found = [item.filename for item in open_parser(folder, "no-metadata").parse()]
    if include_root:
        return process_files([Path(folder) / name for name in found], model, window=window, hop=hop, jobs=jobs)
    return process_files(found, model, window=window, hop=hop, root=folder, jobs=jobs)


def process_signal(
    signal: ArrayLike,
    sample_rate: int,
    model: Path | str | Applied,
    *,
    file: str | None = None,
    start: Times = None,
    end: Times = None,
    window: float | None = None,
    hop: float | None = None,
) -> pd.DataFrame:
    """Features of a signal in memory: a row, or one for each window, indexed by start and end, and by `file` if given.

    Args:
        signal: [num_samples] or [channels, num_samples]; full scale is ±1, or that of its type where it is of integers.
        sample_rate: in Hz.
        file: what the signal is called in the index and in errors.
        start, end: of the segment of it that is meant.
        window, hop: as in `process_files`.

    Raises:
        OptionError: the signal is none, or times are not times of it.
        ModelError, AudioError, ShapeError: as `process_files` does.
    """
    samples = _samples(signal)
    if sample_rate < 1:
        raise OptionError(f"sample_rate={sample_rate}: expected a number of Hz")
    if hop is not None and window is None:
        raise OptionError(f"hop={hop:g}: needs window=SECONDS")
    first, last = _seconds(start, START) or 0.0, _seconds(end, END)
    kept = samples[:, round(first * sample_rate) : None if last is None else round(last * sample_rate)]
    if not kept.shape[1]:
        raise OptionError(f"start={first:g}: the signal has no samples from there to {END}={end}; choose other times")
    application = Application(partial(_loaded, model), window, hop)
    sound = Sound(file or "the signal", kept, sample_rate)
    vectors, spans = list[Vectors](), list[tuple[float, float]]()
    for part in application.parts(sound):
        if isinstance(part, Part) and window is not None:
            vectors.append(part.vectors)
            spans += [(found, found + window) for found in part.starts]
        elif not isinstance(part, Part):
            vectors.append(part)
            spans += _spans(application.applied, len(part), sound)
    times = [(_time(first + one), _time(first + other)) for one, other in spans]
    if file is None:
        return _frame(vectors, application.applied.size, pd.MultiIndex.from_tuples(times, names=[START, END]))
    places = [(file, *each) for each in times]
    return _frame(vectors, application.applied.size, pd.MultiIndex.from_tuples(places, names=[FILE, START, END]))


def _loaded(model: Path | str | Applied) -> Applied:
    return model if isinstance(model, Applied) else FeatureExtractor(model)


def _frame(vectors: Sequence[Vectors], size: int, index: pd.MultiIndex) -> pd.DataFrame:
    values = np.concatenate(vectors) if vectors else np.empty((0, size), np.float32)
    return pd.DataFrame(values, index=index, columns=feature_names(size))


def _samples(signal: ArrayLike) -> NDArray[np.float64]:
    """[channels, num_samples], full scale being ±1."""
    found = np.atleast_2d(np.asarray(signal))
    if found.ndim != 2 or not found.size or found.dtype.kind not in "fi":
        raise OptionError("signal: expected numbers [num_samples] or [channels, num_samples]")
    samples = found.astype(np.float64)
    if found.dtype.kind == "i":
        samples /= float(-np.iinfo(found.dtype).min)
    if not np.isfinite(samples).all():
        raise OptionError("signal: holds samples that are NaN or infinite; finite ones were expected")
    return samples


def _segments(files: Any, starts: Times, ends: Times) -> tuple[list[str], list[tuple[float | None, float | None]]]:
    """Names of files, and start and end of the segment of each, in seconds."""
    index = files if isinstance(files, pd.Index) else getattr(files, "index", None)
    if isinstance(index, pd.Index):
        if starts is not None or ends is not None:
            raise OptionError("starts, ends: the index may have times already; leave them out")
        if not isinstance(index, pd.MultiIndex):
            files = list(index)
        elif list(index.names) == [FILE, START, END]:
            files, starts, ends = (list(index.get_level_values(name)) for name in (FILE, START, END))
        else:
            found = ", ".join(map(str, index.names))
            raise OptionError(f"files: is an index of {found}; expected {FILE}, {START}, {END}")
    names = [str(files)] if isinstance(files, Path | str) else [str(file) for file in files]
    given = [_each(times, len(names), name) for times, name in ((starts, "starts"), (ends, "ends"))]
    return names, list(zip(*given, strict=True))


def _each(times: Times, number: int, name: str) -> list[float | None]:
    """The time of each file, in seconds."""
    is_one = times is None or isinstance(times, str | int | float | np.generic | pd.Timedelta) or times is pd.NaT
    found = [times] * number if is_one else list(times)
    if len(found) != number:
        raise OptionError(f"{name}: {len(found)} times found for {number} files; give one for each, or one for all")
    return [_seconds(time, name) for time in found]


def _seconds(time: Any, name: str) -> float | None:
    if time is None or pd.isna(time):
        return None
    try:
        is_number = isinstance(time, int | float | np.number) and not isinstance(time, np.timedelta64)
        seconds = float(time) if is_number else float(pd.Timedelta(time).total_seconds())
    except (TypeError, ValueError):
        raise OptionError(f"{name}={time!r}: expected seconds, or a time as pandas writes it") from None
    if not 0 <= seconds < float("inf"):
        raise OptionError(f"{name}={time!r}: expected a time of the recording, 0 s or more")
    return seconds


def _time(seconds: float) -> pd.Timedelta:
    return pd.Timedelta(round(seconds * 1e9), unit="ns")


def _spans(applied: Applied, number: int, source: Path | Segment | Sound) -> list[tuple[float, float]]:
    """Where the chunks of a recording are, in seconds; a single one is all of it."""
    part = applied.front_ends[0].part_seconds
    if number == 1 or part is None:
        seconds = source.seconds if isinstance(source, Sound) else audio_info(source).duration_seconds
        return [(0.0, seconds)] * number
    return [(chunk * part, (chunk + 1) * part) for chunk in range(number)]
