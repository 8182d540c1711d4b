# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of an evaluation as text for the terminal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from audeep.cli.render.tables import table

if TYPE_CHECKING:
    from audeep.evaluation.bootstrap import Bootstrap
    from audeep.evaluation.results import ClassEvaluation, Evaluation
    from audeep.evaluation.scoring import TagScores


def means(evaluation: "Evaluation") -> dict[str, float]:
    """Each score, mean over repeats and folds."""
    from audeep.evaluation.results import mean_and_deviation

    return {name: mean_and_deviation(scores)[0] for name, scores in evaluation.scores.items()}


def deviations(evaluation: "Evaluation") -> dict[str, float]:
    """Twice the standard deviation of each score over folds."""
    from audeep.evaluation.results import mean_and_deviation

    return {name: mean_and_deviation(scores)[1] for name, scores in evaluation.scores.items()}


def score_texts(scores: Mapping[str, float], for_scripts: bool = False) -> list[str]:
    """Scores as they are shown; scripts get shares rather than per cent."""
    shares = ".4f" if for_scripts else ".2%"
    formats = {"accuracy": shares, "UAR": shares, "MAE": ".4g", "RMSE": ".4g"}
    return [f"{score:{formats.get(name, '.4f')}}" for name, score in scores.items()]


def evaluation_text(
    evaluation: "Evaluation",
    baselines: Mapping[str, "Evaluation"],
    has_folds: bool,
    bootstrap: "Bootstrap | None" = None,
    width: int | None = None,
) -> str:
    """All about an evaluation, the scores of the features last, in one line; the confusion matrix is as wide as that
    of the terminal at most.
    """
    from audeep.evaluation.results import ClassEvaluation

    parts = [_score_table(evaluation, has_folds)]
    if isinstance(evaluation, ClassEvaluation):
        parts.append(_confusion_table(evaluation, width))
    complexities = [f"{fold.complexity:g}" for fold in evaluation.folds if fold.complexity is not None]
    if complexities:
        parts.append(f"complexity taken{' by fold' * has_folds}: {', '.join(complexities)}")
    if baselines:
        compared = {"these features": evaluation, **baselines}
        rows = [(name, *score_texts(means(one))) for name, one in compared.items()]
        parts.append(table("baselines", [("", *evaluation.scores)], rows, align="<" + ">" * len(evaluation.scores)))
    if bootstrap is not None:
        found = [f"{name} {_between(name, bootstrap.interval(name, 0))}" for name in bootstrap.scores]
        parts.append(f"95 % intervals, by resampling {bootstrap.what}: {', '.join(found)}")
    both = zip(evaluation.scores, score_texts(means(evaluation)), score_texts(deviations(evaluation)), strict=True)
    parts.append(", ".join(f"{name} {mean} (+/- {deviation})" for name, mean, deviation in both))
    return "\n\n".join(parts)


def comparison_text(names: Sequence[str], comparison: "Bootstrap", width: int | None = None) -> str:
    """Scores of several features and their intervals, and differences from the first."""
    header, rows, differences = comparison_rows(names, comparison)
    align = "<" + ">" * (len(header) - 1)
    title = f"scores of all predictions together, by resampling {comparison.what}"
    parts = [table(title, [header], rows, align=align, width=width)]
    if differences:
        parts.append(table(f"above {names[0]}", [header], differences, align=align, width=width))
    return "\n\n".join(parts)


def comparison_rows(
    names: Sequence[str], comparison: "Bootstrap"
) -> tuple[list[str], list[list[str]], list[list[str]]]:
    """A header; for each of `names` its scores and intervals; and how far the others are above the first."""
    header = ["", *(text for name in comparison.scores for text in (name, "95 % interval"))]
    rows, differences = [], []
    for number, name in enumerate(names):
        row, against = [name], [name]
        for score, found in comparison.scores.items():
            row += [*score_texts({score: found[number]}), _between(score, comparison.interval(score, number))]
            by, interval = comparison.difference(score, number)
            against += [_signed(score, by), _between(score, interval, signed=True)]
        rows.append(row)
        differences.append(against)
    return header, rows, differences[1:]


def _between(name: str, interval: tuple[float, float], signed: bool = False) -> str:
    """An interval of a score."""
    low, high = (_signed(name, end) if signed else score_texts({name: end})[0] for end in interval)
    return f"{low} to {high}"


def _signed(name: str, difference: float) -> str:
    """A difference of scores; of shares, in percentage points."""
    text = score_texts({name: difference})[0]
    return text if text.startswith("-") else f"+{text}"


def _score_table(evaluation: "Evaluation", has_folds: bool) -> str:
    from audeep.evaluation.results import ValueEvaluation

    scores = evaluation.scores
    rows = [("all", *score_texts(means(evaluation)))]
    if has_folds:
        by_fold = zip(*(found.mean(axis=0) for found in scores.values()), strict=True)
        rows = [
            (f"fold {number}", *score_texts(dict(zip(scores, found, strict=True))))
            for number, found in enumerate(by_fold, 1)
        ]
        rows.append(("mean", *score_texts(means(evaluation))))
        rows.append(("2 x std. dev.", *score_texts(deviations(evaluation))))
    title = "accuracy and unweighted average recall"
    if isinstance(evaluation, ValueEvaluation):
        title = "correlations of true and predicted values, and errors"
        if has_folds:
            rows.append(("folds together", *score_texts(evaluation.joint_scores)))
    return table(title, [("", *scores)], rows, align="<" + ">" * len(scores))


def _confusion_table(evaluation: "ClassEvaluation", width: int | None) -> str:
    numbers = [f"({number})" for number in range(1, len(evaluation.labels) + 1)]
    rows = [
        (f"{number} {label}", *counts)
        for number, label, counts in zip(numbers, evaluation.labels, evaluation.confusion, strict=True)
    ]
    title = "confusion matrix: true class by row, predicted class by column"
    return table(title, [("", *numbers)], rows, align="<" + ">" * len(numbers), width=width)


def tag_scores_text(found: "TagScores", num_mistakes: int = 0) -> str:
    """All about scores of labels, the measures of all instances last, in one line."""
    parts = [_class_table(found), _group_table(found)]
    mistakes = found.mistakes(num_mistakes)
    if mistakes:
        rows = [
            (each.filename, each.chunk_nr, each.true, f"{each.true_score:.4f}", each.predicted)
            + (f"{each.predicted_score:.4f}",)
            for each in mistakes
        ]
        header = ("recording", "chunk", "true label", "score", "predicted label", "score")
        parts.append(table("worst mistakes", [header], rows, align="<><><>"))
    texts = zip(found.overall, score_texts(found.overall), strict=True)
    parts.append(", ".join(f"{name} {text}" for name, text in texts))
    return "\n\n".join(parts)


def _class_table(found: "TagScores") -> str:
    columns = found.class_scores
    rows = [(name, *class_texts(row)) for name, row in zip(found.names, rows_of(columns), strict=True)]
    means = [("mean", *class_texts(found.class_means))]
    return table("classes", [("", *columns)], rows, means, align="<" + ">" * len(columns))


def rows_of(columns: Mapping[str, Iterable[float]]) -> Iterator[dict[str, float]]:
    """The rows of a table that is given by columns."""
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def class_texts(scores: Mapping[str, float]) -> list[str]:
    """What is said of one class, as it is shown; what is not defined is empty."""
    formats = {"count": "d", "lwlrap": ".4f", "AP": ".4f"}
    return ["" if score != score else f"{score:{formats.get(name, '.2%')}}" for name, score in scores.items()]


def _group_table(found: "TagScores") -> str:
    counts = {name: len(rows) for name, rows in found.groups.items()}
    rows = [(name, counts[name], *score_texts(scores)) for name, scores in found.by_group.items()]
    rows.append(("all", len(found.truth), *score_texts(found.overall)))
    return table("scores", [("", "count", *found.overall)], rows, align="<" + ">" * (1 + len(found.overall)))
