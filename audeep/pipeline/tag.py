# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of labels for new recordings, or for windows that slide along them, by one model or several."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol, TextIO

import numpy as np

from audeep.audio.front_ends.base import FrontEnd
from audeep.audio.streams import Origin
from audeep.data.exchange.scores import open_scores
from audeep.errors import ModelError, OptionError, ShapeError
from audeep.evaluation.classifier import Classifier, digest_of
from audeep.evaluation.ensembles import geometric_mean, mean_scores
from audeep.evaluation.plan import MEANS
from audeep.inference.embedder import Spectrograms, differences
from audeep.inference.features import FeatureExtractor
from audeep.inference.recordings import Applied
from audeep.inference.tagger import RecordingTagger, Scores
from audeep.models.checkpoints import preprocessing_of, step_of
from audeep.pipeline.outcomes import tell_left_out
from audeep.pipeline.predict import check_same_labels, with_folds
from audeep.pipeline.rows import Application, Rows, check_origins, delivered, named_recordings, rows_of
from audeep.runtime.execution import chosen_workers

Watch = Callable[[Rows, Sequence[str]], None]  # is given rows of scores as they come, and the names of the labels

COMBINE: Mapping[str, Callable[[np.ndarray], np.ndarray]] = dict(zip(MEANS, (mean_scores, geometric_mean), strict=True))


class Member(Protocol):
    """A model that gives scores of labels, as `RecordingTagger` does."""

    directory: Path
    labels: tuple[str, ...]
    front_end: FrontEnd

    def __call__(self, name: Path | str, frames: Spectrograms) -> Scores:
        """Scores [instance, label] from frames [instance, time, freq]."""


class ClassifiedRecordings:
    """A trained model that embeds recordings, and a classifier of its features; attributes as of `RecordingTagger`.

    Raises:
        ModelError: there is no such model or classifier, or the classifier is of the features of another model.
        OptionError: there is no such device, or the model has no pooled features.
    """

    def __init__(self, directory: Path, step: int, path: Path, pooled: bool = False, device: str = "auto") -> None:
        self.directory = directory
        self.classifier = Classifier.load(path)
        self.labels = self.classifier.labels
        self.extractor = FeatureExtractor(directory, step, pooled=pooled, device=device)
        self.front_end = self.extractor.front_end
        found, expected = preprocessing_of(directory, step), self.classifier.preprocessing
        texts = differences(found or {}, expected) if expected else ""
        remedy = "name the model that the classifier was fitted on"
        if texts:
            raise ModelError(f"{directory}: was trained on {texts}, as the classifier in {path} expects; {remedy}")
        if self.extractor.size != self.classifier.num_features:
            raise ModelError(
                f"{directory}: gives {self.extractor.size} features, the classifier in {path} takes"
                f" {self.classifier.num_features}; {remedy}, and pass pooled=True if that was generated so"
            )
        if self.classifier.model not in (None, digest_of(directory, step)):
            raise ModelError(
                f"{directory}: has another model at step {step} than the classifier in {path} was fitted on; {remedy},"
                " and its step"
            )

    def __call__(self, name: Path | str, frames: Spectrograms) -> Scores:
        """Scores of the labels [instance, label] from frames [instance, time, freq]."""
        return self.classifier(self.extractor.vectors(name, [frames]))


class Ensemble(Applied):
    """Models that know the same labels, each with the front end that it was trained with: the mean of their scores.

    Args:
        method: "mean" or "geometric".

    Raises:
        ModelError: they know different labels.
    """

    replaces_nan: ClassVar[bool] = True

    def __init__(self, members: Sequence[Member], method: str = MEANS[0]) -> None:
        self.members, self.method = members, method
        self.labels = members[0].labels
        self.front_ends: list[FrontEnd] = []
        for member in members:
            check_same_labels(self.labels, member.labels, members[0].directory, member.directory)
            if member.front_end not in self.front_ends:
                self.front_ends.append(member.front_end)

    @property
    def size(self) -> int:
        """How many labels there are."""
        return len(self.labels)

    def vectors(self, name: Path | str, frames: Sequence[Spectrograms]) -> Scores:
        """Scores [instance, label] from the frames [instance, time, freq] that each of the front ends gives.

        Raises:
            ShapeError: they do not suit a model, or front ends cut the recording into different numbers of chunks.
        """
        counts = list(map(len, frames))
        if min(counts) < max(counts):
            raise ShapeError(
                f"{name}: gives {counts[0]} chunks to one model and {next(n for n in counts if n != counts[0])} to"
                " another; name models that were trained on the same chunks, or pass a window=S"
            )
        found = [member(name, frames[self.front_ends.index(member.front_end)]) for member in self.members]
        if len(found) == 1:
            return found[0]
        return COMBINE[self.method](np.stack(found)).astype(np.float32)


def tag(
    files: Sequence[Origin],
    model_directories: Sequence[Path | str],
    output: Path | str | TextIO | None,
    *,
    step: int | str | None = None,
    classifiers: Sequence[Path | str] = (),
    pooled: bool = False,
    method: str = MEANS[0],
    window: float | None = None,
    hop: float | None = None,
    top: int | None = None,
    threshold: float | None = None,
    format: str | None = None,
    device: str = "auto",
    skip_bad: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
    watch: Watch | None = None,
) -> int:
    """Write the scores that trained taggers give for recordings; gives the number of rows.

    Rows are written as they come; with `skip_bad`, or several `jobs`, when all of their recording are there.

    ::

        tag(["a.wav", "b.flac"], ["run/logs"], "scores.jsonl", window=2, hop=0.5, top=3)

    Args:
        files: recordings, and folders, of which all recordings at any depth are taken, called by their paths below
            it, in their order; "-" is a recording that arrives on standard input, a `Microphone` what is heard now.
            Of these, samples that are NaN or infinite are taken as silence.
        model_directories: "logs" of runs, or runs of folds, all of whose models are taken.
        output: a file, whose suffix chooses the format (.csv, .jsonl, .nc), or a stream; None for neither.
        step: of the checkpoints to use, or "best"; by default the newest.
        classifiers: where models do not know labels themselves: for each of them, in the same order, what
            `fit_classifier` saved.
        pooled: give classifiers what `generate --pooled` does.
        method: of several models the "mean" score of a label, or the "geometric" mean.
        window: length in seconds of windows that get a row each; by default each chunk that training had of a recording
            gets one, which mostly is the recording.
        hop: seconds from window to window; by default `window`.
        top: write so many labels of a row, the best ones.
        threshold: write the labels alone that have this score or a higher one.
        format: "csv", "jsonl" or "nc", whatever the suffix.
        skip_bad: leave out unusable recordings, and list them, with the reasons, in a file beside `output`.
        jobs: processes that work on several recordings at once, each with the models in its memory.
        cluster: in place of `jobs`: the address of a dask scheduler whose workers do the work, or "local:N" for N
            processes of this machine; `audeep[dask]` has what this needs.
        watch: is called with what was written.

    Raises:
        OptionError: options contradict each other.
        ModelError: there is no such model, it is not a tagger, or models know different labels; or a classifier was
            not fitted on its model.
        AudioError, ShapeError: a recording cannot be read, or does not suit a model, and is not to be skipped; or
            none can be.
        ParserError: a folder has no recordings.
        OutputError: `output` cannot be written.
        Stopped: the process was told to end, or a worker was killed.
    """
    workers = chosen_workers(jobs, cluster)
    check_origins(files, window, hop, skip_bad, workers)
    if method not in MEANS:
        raise OptionError(f"method={method}: expected one of {', '.join(MEANS)}")
    bad: list[str] = []
    recordings = named_recordings(files, bad if skip_bad else None)
    num_recordings = len(recordings) + len(bad)
    models = _models_in(list(map(Path, model_directories)), step, len(classifiers), pooled)
    make = partial(load_ensemble, models, list(map(Path, classifiers)), pooled, method, device)
    application = Application(make, window, hop)
    ensemble = application.applied
    assert isinstance(ensemble, Ensemble)
    needs = [directory for directory, _ in models] + list(map(Path, classifiers))
    found = rows_of(application, recordings, "tag", skip_bad=skip_bad, jobs=workers, bad=bad, needs=needs)
    form: dict[str, Any] = {"has_times": window is not None, "format": format, "top": top, "threshold": threshold}
    num_rows = delivered(found, _shown(output, ensemble.labels, watch, form), bad, num_recordings)
    if skip_bad:
        tell_left_out(bad, num_recordings, Path(output) if isinstance(output, Path | str) else None)
    return num_rows


@contextmanager
def _shown(
    output: Path | str | TextIO | None, labels: tuple[str, ...], watch: Watch | None, form: Mapping[str, Any]
) -> Iterator[Callable[[Rows], None]]:
    """What writes rows to an output, and shows them, as far as there is something to do so."""
    with nullcontext() if output is None else open_scores(output, labels, **form) as append:

        def take(rows: Rows) -> None:
            if append is not None:
                append(rows.name, rows.first, rows.starts, rows.vectors)
            if watch is not None:
                watch(rows, labels)

        yield take


def _models_in(
    directories: Sequence[Path], step: int | str | None, num_classifiers: int, pooled: bool
) -> list[tuple[Path, int]]:
    """Directories of models and steps; without classifiers, a run of folds stands for those of its folds.

    Raises:
        OptionError: there are fewer or more classifiers than models, or none for pooled features.
        ModelError: there is no such model.
    """
    if not num_classifiers:
        if pooled:
            raise OptionError("pooled=True: is for models with classifiers; leave it out, or pass classifiers=FILE")
        directories = [found for directory in directories for found in with_folds(directory)]
    elif num_classifiers != len(directories):
        raise OptionError(
            f"{num_classifiers} classifiers for {len(directories)} models; give one for each, in the same order"
        )
    return [(directory, step_of(directory, step)) for directory in directories]


def load_ensemble(
    models: Sequence[tuple[Path, int]], classifiers: Sequence[Path], pooled: bool, method: str, device: str
) -> Ensemble:
    """The taggers of these steps in these directories, or the models that embed recordings, with classifiers.

    Raises:
        ModelError: there is no such model, it is not a tagger, they know different labels, or a classifier is not of
            its model.
        OptionError: there is no such device.
    """
    if not classifiers:
        return Ensemble([RecordingTagger(directory, step, device) for directory, step in models], method)
    pairs = zip(models, classifiers, strict=True)
    return Ensemble([ClassifiedRecordings(*model, path, pooled, device) for model, path in pairs], method)
