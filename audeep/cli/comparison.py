# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page that compares evaluations says: scores, differences with intervals, and learning curves."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from audeep.cli.curves import MOST_RUNS
from audeep.cli.render.experiment import evaluated_in
from audeep.cli.render.page import png
from audeep.cli.render.scores import comparison_rows, score_texts
from audeep.cli.steps import KEY_LENGTH
from audeep.errors import ModelError, OptionError
from audeep.runtime.results import SETTINGS_NAME, read_settings

if TYPE_CHECKING:
    from audeep.evaluation.results import Evaluation

MOST_PICTURES = 12  # of learning curves


class Row(NamedTuple):
    """Evaluations that differ in their seeds alone, and the files that they are from."""

    evaluations: "list[Evaluation]"
    files: list[str]


def comparison_content(paths: Sequence[Path], num_samples: int, seed: int) -> dict[str, Any]:
    """All about evaluations, by the names in the template.

    Args:
        paths: files of `evaluate --json`, and folders of `audeep run`.
        num_samples, seed: of the bootstrap.

    Raises:
        AudeepError: one of them cannot be read, or evaluations are not of the same recordings.
    """
    from audeep.cli.render.plots import plot_intervals
    from audeep.evaluation.bootstrap import resampled
    from audeep.evaluation.records import matched

    rows, groups = rows_of(paths)
    joined = matched({name: row.evaluations for name, row in rows.items()})
    found = resampled(list(joined.values()), groups, num_samples, seed)
    header, scores, differences = comparison_rows(list(rows), found)
    first = next(iter(found.scores))
    intervals = {
        name: (found.scores[first][number], *found.interval(first, number)) for number, name in enumerate(rows)
    }
    return {
        "resampled": found.what,
        "measures": list(found.scores),
        "score_rows": _means(rows),
        "has_seeds": any(len(row.evaluations) > 1 for row in rows.values()),
        "picture_of_intervals": png(plot_intervals, intervals, first),
        "interval_header": header,
        "interval_rows": scores,
        "first": next(iter(rows)),
        "difference_rows": differences,
        "curves": list(_curves(paths)),
        "files": [(name, ", ".join(dict.fromkeys(row.files))) for name, row in rows.items()],
    }


def rows_of(paths: Sequence[Path]) -> tuple[dict[str, Row], dict[str, str]]:
    """Rows of the page by their names, and the groups of recordings by theirs; baselines come last, each once."""
    from audeep.evaluation.records import read_evaluation

    rows, baselines = dict[str, Row](), dict[str, Row]()
    groups: dict[str, str] = {}
    for path in paths:
        where = f"{path.resolve().name}: " if len(paths) > 1 else ""
        of_experiment = [(f"{where}{name}", file) for name, file in evaluated_in(path)] if path.is_dir() else []
        for name, file in of_experiment or [(str(path), path)]:
            recorded = read_evaluation(file)
            groups |= recorded.groups
            row = rows.setdefault(name, Row([], []))
            row.evaluations.append(recorded.evaluation)
            row.files.append(str(file))
            for of_baseline, evaluation in recorded.baselines.items():
                baselines.setdefault(of_baseline, Row([evaluation], [str(file)]))
    if len(rows) + len(baselines) < 2:
        raise OptionError(f"{paths[0]}: has one evaluation, without baselines; name several to compare")
    return {**rows, **baselines}, groups


def _means(rows: Mapping[str, Row]) -> list[tuple[str, ...]]:
    """Mean of each score over folds, repeats and seeds; the deviation over seeds, or twice that over folds."""
    import numpy as np

    from audeep.evaluation.results import mean_and_deviation

    shown = []
    for name, row in rows.items():
        cells = [name, str(len(row.evaluations))]
        for measure in row.evaluations[0].scores:
            found = [mean_and_deviation(each.scores[measure]) for each in row.evaluations]
            means = [mean for mean, _ in found]
            several = len(means) > 1
            deviation = float(np.std(means, ddof=1)) if several else found[0][1]
            mean, text = (score_texts({measure: each})[0] for each in (float(np.mean(means)), deviation))
            cells.append(f"{mean} ± {text} (seeds)" if several else f"{mean} (+/- {text})")
        shown.append(tuple(cells))
    return shown


def _curves(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Learning curves of the trainings of experiments, one picture for each view."""
    from audeep.cli.render.plots import plot_mean_curves
    from audeep.models.curve import mean_curve
    from audeep.training.folds import curves_of

    views: dict[str, dict[str, Any]] = {}
    for path in paths:
        for run in sorted((path / "runs").iterdir()) if (path / "runs").is_dir() else ():
            try:
                curve = mean_curve(curves_of(run))
            except ModelError:  # no losses were kept, or it has just begun
                continue
            view = re.sub(rf"-[0-9a-f]{{{KEY_LENGTH}}}$", "", run.name)
            seed = read_settings(run / "logs" / SETTINGS_NAME).get("settings", {}).get("seed")
            name = run.name if seed is None else f"{run.name}, seed {seed}"
            views.setdefault(f"{path.resolve().name}: {view}" if len(paths) > 1 else view, {})[name] = curve
    for view, curves in list(views.items())[:MOST_PICTURES]:
        shown = dict(list(curves.items())[:MOST_RUNS])
        left_out = f", the first {MOST_RUNS} of {len(curves)}" if len(curves) > MOST_RUNS else ""
        yield {"title": f"{view}{left_out}", "picture": png(plot_mean_curves, shown)}
