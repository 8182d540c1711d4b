# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of an experiment as a table and as a file."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from audeep.cli.render.scores import score_texts
from audeep.cli.render.tables import table
from audeep.errors import OptionError
from audeep.runtime.files import replacing

SCORES = "results.csv"


class Score(NamedTuple):
    """What was evaluated, and its scores: means over folds and repeats; None where one is not defined.

    Attributes:
        file: that has the evaluation, in the folder of the experiment.
    """

    point: str
    features: str
    seed: int
    scores: Mapping[str, float | None]
    file: str


def results_table(scores: Sequence[Score], for_scripts: bool) -> str:
    """Mean of each score over seeds, and its standard deviation (of a sample) where there are several."""
    by_row: dict[tuple[str, str], list[Score]] = {}
    for score in scores:
        by_row.setdefault((score.point, score.features), []).append(score)
    names = list(scores[0].scores)
    rows = []
    for (point, features), found in by_row.items():
        columns = [[each.scores[name] for each in found] for name in names]
        rows.append(
            (" ".join(filter(None, (point, features))), *map(_text, names, columns, [for_scripts] * len(names)))
        )
    if for_scripts:
        return "\n".join(",".join(row) for row in rows)
    num_seeds = len({score.seed for score in scores})
    title = f"means over folds{f' and {num_seeds} seeds, ± standard deviation over seeds' if num_seeds > 1 else ''}"
    return table(title, [("", *names)], rows, align="<" + ">" * len(names))


def _text(name: str, found: Sequence[float | None], for_scripts: bool) -> str:
    values = [math.nan if each is None else each for each in found]
    mean = sum(values) / len(values)
    (text,) = score_texts({name: mean}, for_scripts)
    if len(values) < 2 or for_scripts:
        return text
    (deviation,) = score_texts({name: math.sqrt(sum((each - mean) ** 2 for each in values) / (len(values) - 1))})
    return f"{text} ± {deviation}"


def write_scores(path: Path, scores: Iterable[Score]) -> None:
    """A row for each evaluation."""
    scores = list(scores)
    with replacing(path) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["point", "features", "seed", *scores[0].scores, "file"])
        for score in scores:
            numbers = ("" if each is None else each for each in score.scores.values())
            writer.writerow([*score[:3], *numbers, score.file])


def evaluated_in(folder: Path) -> list[tuple[str, Path]]:
    """The evaluations of an experiment as its table has them: the name of the row, and the file.

    Raises:
        OptionError: there is no such table, or it is another one.
    """
    path = folder / SCORES
    files: dict[Path, str] = {}
    try:
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):  # the first of a file is of its features, the others are baselines
                files.setdefault(folder / row["file"], " ".join(filter(None, (row["point"], row["features"]))))
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError) as error:
        raise OptionError(f"{path}: is not the table of an experiment; run 'audeep run' again to make it") from error
    return [(name, file) for file, name in files.items()]
