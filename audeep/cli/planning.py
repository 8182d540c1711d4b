# SPDX-License-Identifier: GPL-3.0-or-later
"""From an experiment to its steps."""

import argparse
import hashlib
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audeep.cli.experiment import LEARNERS, NUM_FOLDS, SEED, UNNAMED, Experiment, Options, as_toml
from audeep.cli.front_end_options import Given, defaults_of
from audeep.cli.layout import open_raw_data
from audeep.cli.steps import Called, Step, Steps, actions_of, defaults_in
from audeep.errors import OptionError
from audeep.evaluation.plan import COMPLEXITIES

if TYPE_CHECKING:
    from audeep.parsers.base import Parser

logger = logging.getLogger(__name__)

FUSED = "fused"
LAYOUT = ("parser", "labels", "separator", "-column")  # ends of options of the recordings
PLACES = ("input", "output", "run-name", "model-dir", "basedir", "continue", "preset", "pretend", "steps", "tempdir")


@dataclass(frozen=True)
class Evaluated:
    """What is evaluated: the features of a view, or of all, by one seed and at one point of the grid."""

    point: str
    features: str
    seed: int
    step: Step
    has_baselines: bool


@dataclass(frozen=True)
class Plan:
    """The steps of an experiment: evaluations, or features where there are no labels; and a training to report on."""

    evaluated: list[Evaluated]
    features: list[Step]
    reported: tuple[Step, Step]  # a training, and the spectrograms that it had


class Planner:
    """The steps that an experiment asks for; all of them are checked before the first is run."""

    def __init__(self, steps: Steps, experiment: Experiment) -> None:
        self.steps = steps
        self.experiment = experiment
        self.runs: dict[str, Step] = {}  # trainings, by their keys
        self.data = self._parsed(experiment)
        self.recordings = _checksum(self.data)
        instances = self.data.parse()
        self.has_labels = all(item.label_nominal is not None for item in instances)
        self.has_values = all(item.label_value is not None for item in instances)
        if not self.has_labels and not self.has_values:
            logger.warning("%s: not all recordings have one label or value; nothing is evaluated", self.data.basedir)

    def _parsed(self, experiment: Experiment) -> "Parser":
        """The recordings."""
        called = self.steps.called("preprocess", experiment.data)
        return open_raw_data(self.steps.parser("preprocess").parse_args(called.argv))

    def plan(self) -> Plan:
        """All steps.

        Raises:
            OptionError: a command has no such option, or a value does not suit it.
        """
        evaluated, last = list[Evaluated](), list[Step]()
        reported: tuple[Step, Step] | None = None
        for values, experiment in self.experiment.points():
            point = " ".join(f"{name}={_short(value)}" for name, value in values.items())
            how = self._how_to_evaluate(experiment)
            for seed in experiment.seeds:
                views = {name: self._view(name, experiment, seed, how is not None) for name in experiment.views}
                features = {name: made for name, (made, _, _) in views.items()}
                spectrograms = next(iter(views.values()))[1]
                reported = reported or (next(iter(views.values()))[2], spectrograms)
                if len(features) > 1:
                    fuse = self.steps.called("fuse", {}, ["--input", "x", "--output", "x.nc"])
                    needs = [("--input", step) for step in features.values()]
                    features[FUSED] = self.steps.step(FUSED, fuse, "features", ".nc", "--output", needs)
                last.append(list(features.values())[-1])
                for name, step in features.items() if how is not None else ():
                    assert how is not None
                    is_last = name == list(features)[-1] and seed == experiment.seeds[0]
                    evaluation = self._evaluation(name, how, seed, step, spectrograms if is_last else None)
                    evaluated.append(Evaluated(point, name, seed, evaluation, is_last))
        assert reported is not None  # there is a view, a seed, and a point
        return Plan(evaluated, last if not evaluated else [], reported)

    def _view(self, name: str, experiment: Experiment, seed: int, is_evaluated: bool) -> tuple[Step, Step, Step]:
        """Features, spectrograms, and the training of a view."""
        sections = experiment.views[name]
        kind = sections["train"].get("kind")
        if kind is None:
            raise OptionError(f"{name}: which model is to be trained is not said; add kind = NAME to [train]")
        made = {**experiment.data, **sections["preprocess"]}
        front_end = str(made.get("front-end", UNNAMED["preprocess"]))  # views that are made alike share one file
        spectrograms = self.steps.step(
            *(front_end, self.steps.called("preprocess", made), "spectrograms", ".nc", "--output"),
            extra=self.recordings,
        )
        if is_evaluated and not (self.data.num_folds or self._partitions()):
            folds = int(experiment.evaluate.get("folds", min(NUM_FOLDS, self.data.num_instances)))
            drawn = self.steps.called(
                "modify", {"add-cv-setup": folds, "seed": SEED}, ["--input", "x", "--output", "x.nc"]
            )
            needs = [("--input", spectrograms)]
            spectrograms = self.steps.step(front_end, drawn, "spectrograms", ".nc", "--output", needs, replaces=True)
        options = {option: value for option, value in sections["train"].items() if option != "kind"}
        trained = self._seeded(f"{kind} train", options, seed, ["--input", "x"])
        run = self.steps.step(name, trained, "runs", "", "--run-name", [("--input", spectrograms)])
        run = self.runs.setdefault(run.key, run)  # views that are trained alike share a model
        required = ["--model-dir", "x", "--input", "x", "--output", "x.nc"]
        generated = self.steps.called(f"{kind} generate", sections["generate"], required)
        needs = [("--model-dir", run), ("--input", spectrograms)]
        features = self.steps.step(name, generated, "features", ".nc", "--output", needs)
        if sections["reduce"]:
            reduced = self._seeded("reduce", sections["reduce"], seed, ["--input", "x", "--output", "x.nc"])
            features = self.steps.step(name, reduced, "reduced", ".nc", "--output", [("--input", features)])
        return features, spectrograms, run

    def _seeded(self, words: str, options: Options, seed: int, required: list[str]) -> Called:
        """A command by a seed, where it takes one and none is among its options."""
        has_seed = "seed" in actions_of(self.steps.parser(words))
        return self.steps.called(words, {**({"seed": seed} if has_seed else {}), **options}, required)

    def _how_to_evaluate(self, experiment: Experiment) -> Options | None:
        """Options of the evaluation, and its learner; None where there is nothing to predict."""
        options = {name: value for name, value in experiment.evaluate.items() if name != "folds"}
        options.setdefault("learner", LEARNERS[0])
        if options["learner"] not in LEARNERS:
            raise OptionError(f"learner: is {options['learner']!r}; expected one of {', '.join(LEARNERS)}")
        if not self.has_labels and not self.has_values:
            return None
        if not self.has_labels:
            options.setdefault("task", "regression")
        if options["learner"] == "svm":
            options.setdefault("complexity", list(COMPLEXITIES))
        if not options.keys() & {"cross-validate", "train-partitions", "eval-partitions"}:
            train = self._partitions() if not self.data.num_folds else ()
            chosen = {"train-partitions": list(train[:-1]), "eval-partitions": list(train[-1:])}
            options |= chosen if train else {"cross-validate": True}
        return options

    def _partitions(self) -> tuple[str, ...]:
        """The partitions that there are, that to predict last; none where there are not two of them."""
        found = {item.partition for item in self.data.parse()}
        names = tuple(each.name for each in sorted(part for part in found if part is not None))
        return names if len(names) > 1 and None not in found else ()

    def _evaluation(self, name: str, how: Options, seed: int, features: Step, spectrograms: Step | None) -> Step:
        """The evaluation of features, with that of baselines where there are spectrograms."""
        options = {option: value for option, value in how.items() if option != "learner"}
        called = self._seeded(f"{how['learner']} evaluate", options, seed, ["--input", "x"])
        needs = [("--input", features)] + ([] if spectrograms is None else [("--baseline", spectrograms)])
        return self.steps.step(name, called, "results", ".json", "--json", needs)

    def written(self) -> str:
        """The file of the experiment, with the defaults of all options."""
        found, unset = self.experiment, dict[str, list[str]]()
        views: dict[str, dict[str, dict[str, Any]]] = {}
        for name, sections in found.views.items():
            kind = sections["train"].get("kind")
            views[name] = {
                step: self._complete(words, sections[step], unset.setdefault(f"views.{name}.{step}", []), reserved)
                for step, words, reserved in (
                    ("preprocess", "preprocess", found.data),
                    ("train", f"{kind} train", {"seed": None}),
                    ("generate", f"{kind} generate", {}),
                    ("reduce", "reduce", {"seed": None}),
                )
                if step != "reduce" or sections[step]
            }
        how = self._how_to_evaluate(found) or found.evaluate
        words = f"{how.get('learner', LEARNERS[0])} evaluate"
        reserved = {"seed": None, "folds": None, "group": None}
        evaluate = self._complete(words, how, unset.setdefault("evaluate", []), reserved)
        if "folds" in found.evaluate:
            evaluate["folds"] = found.evaluate["folds"]
        return as_toml(replace(found, views=views, evaluate=evaluate), unset)

    def _complete(self, words: str, options: Options, unset: list[str], reserved: Options) -> dict[str, Any]:
        """Options with the defaults of those that are not given; those that have none are added to `unset`."""
        complete, seen = dict(options), set[str]()
        parser = self.steps.parser(words)
        chosen = argparse.Namespace(front_end=options.get("front-end", UNNAMED["preprocess"]))
        defaults = defaults_in(parser, chosen)
        for name, action in actions_of(parser).items():
            first = action.option_strings[0].removeprefix("--")
            is_reserved = action.type is Path or first in PLACES or first in reserved or first.endswith(LAYOUT)
            is_of_another = isinstance(action, Given) and action.dest not in defaults_of(chosen.front_end)
            if name != first or name in options or is_reserved or is_of_another or action.dest in seen:
                continue
            seen.add(action.dest)
            default = defaults[action.dest]
            if default is None or default == [] or action.required:
                unset.append(name)
            elif action.nargs == 0 and first.startswith("no-"):  # the default is that it is not given
                complete[name] = False
            else:
                complete[name] = default if isinstance(default, bool | int | float) else str(default)
        return complete


def _checksum(parser: "Parser") -> str:
    """Of all that is known of the recordings, and of the sizes and times of change of their files."""
    from audeep.pipeline.outcomes import file_state

    known = [[str(item), file_state(item.source)] for item in parser.parse()]
    content = [known, parser.label_map, parser.num_folds]
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()


def _short(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
