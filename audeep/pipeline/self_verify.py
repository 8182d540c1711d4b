# SPDX-License-Identifier: GPL-3.0-or-later
"""Iterative self-verification of noisy labels (Dorfer and Widmer, DCASE 2018, task 2).

Models of cross-validation folds judge those recordings of their fold whose labels nobody has checked. Labels that they
confirm count as verified in the next round, for which the models are fine-tuned on verified labels alone. Folds never
change, so that no recording is judged by a model that was trained on it. A run is::

    RUN/round-1/scores.nc        what the models of the round before make of the unverified recordings
    RUN/round-1/verified.csv     all recordings, their labels, and which of these count as verified
    RUN/round-1/fold-K/logs      the models that were fine-tuned on them
    RUN/rounds.csv               a line for each round
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audeep.data.data_set import DataSet, load
from audeep.data.schema import Split
from audeep.data.scores import scores_of, with_scores
from audeep.errors import DataError, ModelError, OptionError
from audeep.inference.embedder import check_shape
from audeep.inference.tagger import Scores, mean_scores
from audeep.models.base import Tagger
from audeep.models.checkpoints import BEST, load_model, model_path, steps_in
from audeep.models.curve import Point, best_of, read_curve
from audeep.models.devices import select_device
from audeep.runtime.files import created_directories, not_read, replacing
from audeep.runtime.options import check_options, option, options_of
from audeep.runtime.results import SETTINGS_NAME, read_settings, write_results
from audeep.training.folds import curves_of, fold_directory, folds_in, train_folds
from audeep.training.labels import Labels
from audeep.training.options import TaggingOptions, WarmStart

logger = logging.getLogger(__name__)

SCORES, VERIFIED, ROUNDS = "scores.nc", "verified.csv", "rounds.csv"
FINE_TUNING: Mapping[str, Any] = {  # of the original, where it differs from the defaults of training
    **{"num_epochs": 30, "learning_rate": 2e-4, "schedule": "linear", "decay_start": 5},
    **{"batch_size": 100, "gradient_limit": 0.0},
}


@dataclass(frozen=True)
class SelfVerification:
    """Which labels the models confirm.

    Raises:
        OptionError: a value is beyond its limits.
    """

    num_rounds: int = option(10, "rounds of judging, selecting and fine-tuning", least=1, metavar="N")
    num_excerpts: int = option(25, "random excerpts of each recording, over which scores are averaged", least=1)
    excerpt_frames: int = option(384, "frames of an excerpt", least=1, metavar="FRAMES")
    threshold: float = option(
        0.95, "confirm a label that is on top only if its mean score is above P", least=0, most=1, metavar="P"
    )
    most_per_class: int = option(40, "confirm the N best of each class, at most", least=1, metavar="N")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class Round:
    """One line of the history.

    Attributes:
        judged: unverified recordings.
        confirmed: those whose label counts as verified after it.
        validation_loss: the lowest of each fold, and of these the mean.
    """

    number: int
    judged: int
    confirmed: int
    validation_loss: float


def self_verify(
    data_set: DataSet,
    start: Path,
    run_name: Path,
    options: SelfVerification | None = None,
    training: TaggingOptions | None = None,
    *,
    resume: bool = False,
) -> list[Round]:
    """Verify labels round by round, fine-tuning the models of a run of folds.

    Args:
        data_set: spectrograms with a label each, some of them `verified`, and the folds that `start` was trained on.
        start: the run of these folds; it is read alone. The best models are taken.
        training: how to fine-tune.
        resume: go on with a run that was interrupted; what is finished is not done again.

    Raises:
        DataError: the data set has no verified or no unverified labels, no such folds, or several labels a recording.
        ModelError: `start` has no models of folds, or not of taggers of these labels.
        OptionError: the run has begun and `resume` is not set, or it began with other settings.
        OutputError: a file cannot be written.
    """
    options, training = options or SelfVerification(), training or TaggingOptions(**FINE_TUNING)
    if training.crop_frames is None:
        training = replace(training, crop_frames=options.excerpt_frames)
    labels = _labels_to_judge(data_set)
    for fold in folds_in(start):
        _model_of(start, fold)
    with created_directories(run_name):
        _check_run(run_name, {"start": str(start), **asdict(options), **asdict(training)}, resume)
        history, models = list[Round](), start
        for number in range(1, options.num_rounds + 1):
            folder = run_name / f"round-{number}"
            folder.mkdir(exist_ok=True)
            rows, scores = _judged(data_set, models, folder / SCORES, options, training.seed + number, training.device)
            confirmed = np.zeros(len(data_set), bool)
            confirmed[rows] = confirmed_labels(scores, labels[rows], options.threshold, options.most_per_class)
            _write_verified(data_set, confirmed, folder / VERIFIED)
            loss = _fine_tuned(data_set[np.flatnonzero(confirmed | (data_set.verified == 1))], models, folder, training)
            history.append(Round(number, len(rows), int(confirmed.sum()), loss))
            counts = number, history[-1].confirmed, len(rows), loss
            logger.info("round %d: %d of %d labels confirmed, validation loss %.4f", *counts)
            with replacing(run_name / ROUNDS) as partial:
                pd.DataFrame([asdict(each) for each in history]).to_csv(partial, index=False)
            models = folder
    best = min(history, key=lambda each: each.validation_loss)
    logger.info("round %d has the lowest validation loss: %s", best.number, run_name / f"round-{best.number}")
    return history


def read_rounds(run_name: Path) -> list[Round]:
    """The rounds of a run so far.

    Raises:
        ModelError: it has none, or their file is damaged.
    """
    path = run_name / ROUNDS
    if not path.exists():
        raise ModelError(f"{path}: no such file; name a run of 'audeep self-verify' that has finished a round")
    names = [each.name for each in fields(Round)]
    try:
        table = pd.read_csv(path)
        if list(table.columns) != names or not len(table) or not np.isfinite(table.to_numpy(float)).all():
            raise ValueError(f"columns {', '.join(names)} of numbers were expected")
        return [Round(int(row[0]), int(row[1]), int(row[2]), float(row[3])) for row in table.to_numpy()]
    except OSError as error:
        raise ModelError(not_read(path, error)) from error
    except ValueError as error:
        raise ModelError(f"{path}: has no rounds ({' '.join(str(error).split())}); restore it from a backup") from error


def losses_of_folds(run_name: Path, number: int) -> NDArray[np.float64]:
    """The lowest validation loss of each fold in a round.

    Raises:
        ModelError: its models are not there.
    """
    best = [best_of(curve) for curve in curves_of(run_name / f"round-{number}")]
    return np.array([point.validation_loss for point in best if point is not None], float)


def confirmed_labels(
    scores: NDArray[np.float32], labels: NDArray[np.int64], threshold: float = 0.95, most_per_class: int = 40
) -> NDArray[np.bool_]:
    """Which labels the scores confirm [instance].

    A label is confirmed where its score is the highest one and above `threshold`, and among the `most_per_class`
    highest of its class; recordings without scores (NaN) are left out.

    Args:
        scores: [instance, label].
        labels: positions of the labels to judge [instance].
    """
    own = scores[np.arange(len(labels)), labels]
    on_top = np.nan_to_num(scores, nan=-1.0).argmax(axis=1) == labels
    confirmed = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        candidates = np.flatnonzero(on_top & (labels == label) & (own > threshold))  # NaN is not
        order = np.argsort(-own[candidates], kind="stable")
        confirmed[candidates[order[:most_per_class]]] = True
    return confirmed


def _labels_to_judge(data_set: DataSet) -> NDArray[np.int64]:
    """Positions of the labels [instance].

    Raises:
        DataError: there is nothing to judge, or nothing to learn from.
    """
    source = data_set.source or "the input"
    if data_set.has_label_sets:
        raise DataError(f"{source}: recordings have several labels, one each was expected; verify single labels")
    verified = data_set.verified == 1
    for found, what in ((verified, "verified"), (~verified, "unverified")):
        if not found.any():
            raise DataError(f"{source}: has no {what} label; both are needed, see 'audeep inspect netcdf'")
    return Labels([data_set]).targets_of(data_set).astype(np.int64)


def _check_run(run_name: Path, settings: dict[str, Any], resume: bool) -> None:
    """Write what a run is made with, or check that it goes on with the same.

    Raises:
        OptionError: the run has begun and `resume` is not set, or it began with other settings.
    """
    path = run_name / SETTINGS_NAME
    if not path.exists():
        write_results(path, "self-verify", settings, {})
        return
    if not resume:
        raise OptionError(f"{run_name}: has been begun; add resume=True to go on, or choose another run_name=DIR")
    found = read_settings(path)["settings"]
    asked = json.loads(json.dumps(settings, default=str))
    differing = [name for name in asked if found.get(name) != asked[name] and name != "device"]
    if differing:
        name = differing[0]
        raise OptionError(
            f"{run_name}: began with {name}={found.get(name)}, {asked[name]} was asked for; go on as it began"
        )


def _judged(
    data_set: DataSet, models: Path, path: Path, options: SelfVerification, seed: int, device: str
) -> tuple[NDArray[np.int64], Scores]:
    """The unverified recordings that folds are validated on, and their scores by the best models of these folds.

    They are read from the file at `path` if it is there, and written there otherwise.
    """
    folds = folds_in(models)
    held_out = np.column_stack([data_set.cv_folds[:, fold - 1] == Split.VALID for fold in folds])
    is_judged = (data_set.verified != 1) & held_out.any(axis=1)
    rows = np.flatnonzero(is_judged)
    if path.exists():
        return rows, scores_of(load(path))[1]
    scores, labels = None, tuple[str, ...]()
    for column, fold in enumerate(folds):
        some = np.flatnonzero(is_judged & held_out[:, column])
        model, instances = _model_of(models, fold), data_set[some]
        check_shape(model, instances, models)
        if scores is None:
            scores, labels = np.full((len(data_set), len(model.labels)), np.nan, np.float32), model.labels
        starts = _starts(model, instances, options, np.random.default_rng([seed, fold]))
        model.to(select_device(device))
        scores[some] = mean_scores(model, instances, options.excerpt_frames, starts)
    assert scores is not None, "there are folds"
    with_scores(data_set[rows], scores[rows], labels).save(path)
    return rows, scores[rows]


def _model_of(models: Path, fold: int) -> Tagger:
    """The best model of a fold.

    Raises:
        ModelError: it is not a tagger.
    """
    model, _ = load_model(fold_directory(models, fold) / "logs", BEST)
    if not isinstance(model, Tagger):
        raise ModelError(f"{models}: the model of fold {fold} does not learn from labels; name a run of one that does")
    return model


def _starts(
    model: Tagger, instances: DataSet, options: SelfVerification, random: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Where the random excerpts of each instance begin."""
    fitted = model.config.fit_frames
    lengths = instances.num_frames if fitted is None else np.full(len(instances), fitted)
    last = np.maximum(lengths - options.excerpt_frames, 0)[:, np.newaxis]
    return list(random.integers(0, last, (len(instances), options.num_excerpts), endpoint=True))


def _write_verified(data_set: DataSet, confirmed: NDArray[np.bool_], path: Path) -> None:
    """All recordings, their labels, and whether these count as verified."""
    columns = {
        "fname": data_set.filenames,
        "label": data_set.labels_nominal,
        "manually_verified": ((data_set.verified == 1) | confirmed).astype(int),
    }
    with replacing(path) as partial:
        pd.DataFrame(columns).to_csv(partial, index=False)


def _fine_tuned(data_set: DataSet, models: Path, folder: Path, training: TaggingOptions) -> float:
    """Fine-tune the models of all folds; the mean over folds of the lowest validation loss."""
    losses = []
    for fold in folds_in(models):
        start = fold_directory(models, fold) / "logs"
        model = _model_of(models, fold)
        config_type: Any = type(model.config)
        config = {name: getattr(model.config, name) for name, option in options_of(config_type).items() if option.help}
        start_from = WarmStart(model_path(start, _best_of(start).step))
        own = replace(training, start_from=start_from, validation_fold=1, verified_only=True, keep_best=True)
        resume = bool(steps_in(fold_directory(folder, fold) / "logs"))
        train_folds([data_set], type(model), folder, config, own, [fold], resume=resume)
        losses.append(_best_of(fold_directory(folder, fold) / "logs").validation_loss)
    return float(np.mean(np.array(losses, float)))


def _best_of(logs: Path) -> Point:
    """The epoch with the lowest validation loss."""
    best = best_of(read_curve(logs, steps_in(logs)[-1]))
    if best is None:
        raise ModelError(f"{logs}: was trained without held-out data; train with folds=all")
    return best
