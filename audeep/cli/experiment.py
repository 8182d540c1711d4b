# SPDX-License-Identifier: GPL-3.0-or-later
"""Experiments: what `audeep run` goes through, as TOML files say it, and the presets of this package."""

import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from audeep.errors import OptionError
from audeep.runtime.files import found_at, not_read

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PRESETS = ("recommended", "masked-frames", "audeep-0.9")
STEPS = ("preprocess", "train", "generate", "reduce")  # of a view; the last one where it has options
CHOSEN = {"preprocess": "front-end", "train": "kind", "evaluate": "learner"}  # what the other options belong to
UNNAMED = {"preprocess": "mel"}  # what is chosen where nothing is
SECTIONS = ("data", *STEPS, "evaluate")
SEED = 0
NUM_FOLDS = 5  # that are drawn where there are none
LEARNERS = ("svm", "mlp")
ONLY_VIEW = "features"  # what the view of an experiment without views is called

Options = Mapping[str, Any]  # values by names as on the command line, without dashes before them
Sections = Mapping[str, Options]


@dataclass(frozen=True)
class Experiment:
    """What to do.

    Attributes:
        data: options of the recordings.
        views: options of each step of each view; features of several are fused.
        evaluate: options of the evaluation, and `learner`, and `folds` to draw where there are none.
        seeds: each is a training and an evaluation of its own.
        grid: values to try, by "section.option".
    """

    data: Options = field(default_factory=dict)
    views: Mapping[str, Sections] = field(default_factory=dict)
    evaluate: Options = field(default_factory=dict)
    seeds: tuple[int, ...] = (SEED,)
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def points(self) -> Iterator[tuple[dict[str, Any], "Experiment"]]:
        """All combinations of the grid, each with the experiment without a grid that it stands for."""
        for values in itertools.product(*self.grid.values()):
            point = dict(zip(self.grid, values, strict=True))
            given: dict[str, dict[str, Any]] = {}
            for name, value in point.items():
                section, _, option = name.partition(".")
                given.setdefault(section, {})[option] = value
            views = {
                name: {step: overlaid(step, options, given.get(step, {})) for step, options in sections.items()}
                for name, sections in self.views.items()
            }
            evaluate = overlaid("evaluate", self.evaluate, given.get("evaluate", {}))
            yield point, replace(self, views=views, evaluate=evaluate, grid={})


def overlaid(section: str, below: Options, above: Options) -> dict[str, Any]:
    """Options over others; where another kind, learner or front end is chosen above, nothing below goes with it."""
    chosen = CHOSEN.get(section, "")
    if chosen in above and above[chosen] != below.get(chosen, UNNAMED.get(section, above[chosen])):
        below = {}
    return {**below, **above}


def read_experiment(path: Path) -> Experiment:
    """The experiment that a file describes.

    Raises:
        OptionError: it cannot be read, is not TOML, or has something that is unknown.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise OptionError(f"{path}: {found_at(path)}; name a TOML file, or a folder of recordings") from None
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(not_read(path, error) if isinstance(error, OSError) else f"{path}: is not UTF-8") from error
    return _experiment(_tables(text, path), path)


def preset(name: str) -> Experiment:
    """One of the presets of this package.

    Raises:
        OptionError: there is no such one.
    """
    if name not in PRESETS:
        raise OptionError(f"preset {name!r} is unknown; expected one of {', '.join(PRESETS)}")
    text = resources.files("audeep.cli").joinpath("presets", f"{name}.toml").read_text(encoding="utf-8")
    return _experiment(_tables(text, Path(name)), Path(name))


def options_of_preset(name: str, section: str, kind: str | None) -> Options:
    """What a preset has for one command: of its first view, or, for a kind of model, of the first that has it.

    Raises:
        OptionError: it is for other kinds of models.
    """
    found = preset(name)
    if section == "evaluate":
        if found.evaluate.get("learner") != kind:
            learner = found.evaluate.get("learner")
            raise OptionError(f"--preset {name}: is for {learner} evaluate, not for {kind}; take that, or leave it out")
        return _without(found.evaluate, ("learner", "folds"))
    for sections in found.views.values():
        if kind is None or sections["train"].get("kind") == kind:
            return _without(sections[section], ("kind",))
    kinds = ", ".join(dict.fromkeys(sections["train"]["kind"] for sections in found.views.values()))
    raise OptionError(f"--preset {name}: is for {kinds}, not for {kind}; take one of these, or leave it out")


def recommended_kind() -> str:
    """The kind of model that the first view of the recommended preset has."""
    first = next(iter(preset(PRESETS[0]).views.values()))
    return str(first["train"]["kind"])


def _without(options: Options, names: Iterable[str]) -> Options:
    return {name: value for name, value in options.items() if name not in names}


def _tables(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise OptionError(f"{path}: is not TOML ({error}); fix it") from error


def _experiment(tables: dict[str, Any], path: Path) -> Experiment:
    known = (*SECTIONS, "views", "grid", "seeds", "preset")
    _check_names(path, "", tables, known)
    base = preset(tables["preset"]) if "preset" in tables else Experiment()
    sections = {name: _options(path, name, tables.get(name, {})) for name in SECTIONS}
    of_file = {step: sections[step] for step in STEPS}
    if "views" in tables:
        only = next(iter(base.views.values())) if len(base.views) == 1 else {}
        views = {
            name: _overlaid_steps(base.views.get(name, only), of_file, _steps(path, name, found))
            for name, found in _table(path, "views", tables["views"]).items()
        }
    else:
        views = {name: _overlaid_steps(found, of_file) for name, found in (base.views or {ONLY_VIEW: {}}).items()}
    return Experiment(
        {**base.data, **sections["data"]},
        views,
        overlaid("evaluate", base.evaluate, sections["evaluate"]),
        _seeds(path, tables["seeds"]) if "seeds" in tables else base.seeds,
        _grid(path, tables["grid"]) if "grid" in tables else base.grid,
    )


def _overlaid_steps(*layers: Sections) -> Sections:
    found: dict[str, dict[str, Any]] = {step: {} for step in STEPS}
    for layer in layers:
        found = {step: overlaid(step, options, layer.get(step, {})) for step, options in found.items()}
    return found


def _steps(path: Path, name: str, found: Any) -> Sections:
    where = f"views.{name}"
    _check_names(path, f"[{where}] ", _table(path, where, found), STEPS)
    return {step: _options(path, f"{where}.{step}", options) for step, options in found.items()}


def _table(path: Path, where: str, found: Any) -> dict[str, Any]:
    if not isinstance(found, dict) or (where == "views" and not found):
        raise OptionError(f"{path}: {where} is {found!r}; expected a table, [{where}]")
    return found


def _options(path: Path, where: str, found: Any) -> dict[str, Any]:
    """Options by their names on the command line; underscores are as good as dashes."""
    options = {name.replace("_", "-"): value for name, value in _table(path, where, found).items()}
    for name, value in options.items():
        if not _is_value(value) and not (isinstance(value, list) and all(map(_is_value, value))):
            raise OptionError(
                f"{path}: [{where}] {name} is {value!r}; expected a number, text, true or false, or a list"
            )
    return options


def _is_value(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _check_names(path: Path, where: str, found: Iterable[str], known: Iterable[str]) -> None:
    unknown = [name for name in found if name not in known]
    if unknown:
        raise OptionError(f"{path}: {where}{unknown[0]} is unknown; expected {', '.join(known)}")


def _seeds(path: Path, found: Any) -> tuple[int, ...]:
    seeds = found if isinstance(found, list) else [found]
    if not seeds or not all(isinstance(seed, int) and not isinstance(seed, bool) for seed in seeds):
        raise OptionError(f"{path}: seeds is {found!r}; expected integers, such as [0, 1, 2]")
    return tuple(dict.fromkeys(seeds))


def _grid(path: Path, found: Any) -> dict[str, tuple[Any, ...]]:
    """Values by "section.option"; a section may be a table of its own."""
    grid: dict[str, tuple[Any, ...]] = {}
    for name, value in _table(path, "grid", found).items():
        grid |= {f"{name}.{inner}": each for inner, each in value.items()} if isinstance(value, dict) else {name: value}
    grid = {name.replace("_", "-"): values for name, values in grid.items()}
    for name, values in grid.items():
        section, _, option = name.partition(".")
        if section not in (*STEPS, "evaluate") or not option:
            raise OptionError(f"{path}: [grid] {name} is unknown; expected SECTION.OPTION, such as train.num-units")
        if not isinstance(values, list) or not values:
            raise OptionError(f"{path}: [grid] {name} is {values!r}; expected a list of values to try")
    return {name: tuple(values) for name, values in grid.items()}


def as_toml(experiment: Experiment, unset: Mapping[str, Iterable[str]]) -> str:
    """The file that describes an experiment.

    Args:
        unset: names of options that have no value, by section; they are listed as comments.
    """
    lines = [f"seeds = {_value(list(experiment.seeds))}"]
    sections: list[tuple[str, Options]] = [("data", experiment.data)]
    for name, steps in experiment.views.items():
        sections += [(f"views.{_key(name)}.{step}", options) for step, options in steps.items()]
    sections.append(("evaluate", experiment.evaluate))
    if experiment.grid:
        sections.append(("grid", {name: list(values) for name, values in experiment.grid.items()}))
    for name, options in sections:
        lines += ["", f"[{name}]", *(f"{_key(option)} = {_value(value)}" for option, value in options.items())]
        lines += [f"# {option}: not set" for option in unset.get(name, ())]
    return "\n".join([*lines, ""])


def _key(name: str) -> str:
    is_bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if is_bare else json.dumps(name, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
