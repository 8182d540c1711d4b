# SPDX-License-Identifier: GPL-3.0-or-later
"""run: from recordings to scores and a report, by an experiment file or a preset."""

import argparse
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from audeep.cli.experiment import PRESETS, Experiment, Options, preset, read_experiment
from audeep.cli.layout import add_basedir, add_layout
from audeep.cli.options import AudeepCommand, add_declared, choice_of, number
from audeep.cli.planning import LAYOUT, Evaluated, Planner
from audeep.cli.render.experiment import SCORES, Score, results_table, write_scores
from audeep.cli.steps import AGAIN, TRACKERS, Steps, actions_of
from audeep.errors import DataError, OptionError
from audeep.runtime.files import replacing
from audeep.training.tracking import Tracking

logger = logging.getLogger(__name__)


class Run(AudeepCommand):
    """Go from recordings to features, scores and a report: as an experiment file says, or a folder by a preset.

    What was made is not made again: a run that was interrupted goes on where it was, and one whose file has changed
    makes what has changed.
    """

    uses_compiled_parts = True
    examples = (
        "recordings",
        "recordings --labels labels.csv --seeds 0 1 2 --output first",
        "experiment.toml",
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "source", type=Path, metavar="SOURCE", help="experiment file (TOML), or folder of recordings"
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="DIR",
            help="folder for all that is made (default: SOURCE-run in the working directory, without .toml)",
        )
        parser.add_argument(
            "--preset",
            type=choice_of(PRESETS),
            metavar="NAME",
            help=f"settings for a folder, one of {', '.join(PRESETS)} (default: {PRESETS[0]})",
        )
        parser.add_argument(
            "--seeds",
            type=number(int, least=0, most=2**32 - 1),
            nargs="+",
            metavar="SEED",
            help="train and evaluate once by each of these (default: those of the file, or 0)",
        )
        add_declared(parser, Tracking)
        add_basedir(parser, "folders of recordings, in place of those of the file")
        add_layout(parser)

    def reads(self, parsed_args: argparse.Namespace) -> Iterator[Path]:
        """None: each step checks that its outputs are none of its inputs."""
        return iter(())

    def writes(self, parsed_args: argparse.Namespace) -> Iterator[Path]:
        return iter(())

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        experiment = self._experiment(parsed_args)
        output = parsed_args.output or Path(f"{parsed_args.source.absolute().name.removesuffix('.toml')}-run")
        trackers = {name: place for name in TRACKERS if (place := getattr(parsed_args, name)) is not None}
        steps = Steps(self.app, self.app_args, output, trackers)
        planner = Planner(steps, experiment)
        plan = planner.plan()
        output.mkdir(parents=True, exist_ok=True)
        with replacing(output / "experiment.toml") as partial:
            partial.write_text(planner.written(), encoding="utf-8")
        report = output / "report.html"
        try:
            for step in (*(each.step for each in plan.evaluated), *plan.features):
                steps.make(step)
                if steps.num_run:
                    report.unlink(missing_ok=True)
            scores = [score for each in plan.evaluated for score in scores_of(each)]
            if not report.exists():
                training, spectrograms = plan.reported
                steps.make(training)
                steps.make(spectrograms)
                files = ["--run-dir", str(training.output), "--input", str(spectrograms.output)]
                steps.run("report", [*files, "--output", str(report), "--title", output.absolute().name])
        except KeyboardInterrupt:
            raise KeyboardInterrupt(AGAIN) from None
        if scores:
            self._compare(output, scores, steps)
            self.write(results_table(scores, self.is_quiet))
        for step in plan.features if not scores else ():
            self.write(str(step.output))
        logger.info(
            "%s: has features, models, report.html%s, and experiment.toml with all settings",
            *(output, ", comparison.html and results.csv" if scores else ""),
        )

    def _compare(self, output: Path, scores: list[Score], steps: Steps) -> None:
        """Write the table of scores, and the page that compares them, unless they are there already."""
        table, comparison = output / SCORES, output / "comparison.html"
        before = table.read_bytes() if table.exists() else b""
        write_scores(table, scores)
        if steps.num_run or not comparison.exists() or before != table.read_bytes():
            title = f"{output.absolute().name}: comparison"
            comparison.unlink(missing_ok=True)
            try:
                steps.run("report", ["--compare", str(output), "--output", str(comparison), "--title", title])
            except DataError as error:  # points of a grid may have other recordings or chunks
                logger.warning("%s: left out: %s", comparison, error)

    def _experiment(self, parsed_args: argparse.Namespace) -> Experiment:
        """What the source and the options ask for; paths in a file are relative to it."""
        source: Path = parsed_args.source
        if source.is_dir():
            experiment = replace(preset(parsed_args.preset or PRESETS[0]), data={"basedir": [str(source.absolute())]})
        elif parsed_args.preset is not None:
            raise OptionError("--preset: is for folders; write preset = NAME into the file, or leave it out")
        else:
            experiment = read_experiment(source)
            experiment = replace(experiment, data=_below(source.absolute().parent, experiment.data))
        given = {
            name: value
            for name, action in actions_of(self.get_parser("audeep run")).items()
            if name.endswith(LAYOUT) and (value := getattr(parsed_args, action.dest)) != action.default
        }
        if parsed_args.basedir is not None:
            given["basedir"] = [folder.absolute() for folder in parsed_args.basedir]
        if "labels" in given:
            given["labels"] = given["labels"].absolute()
        texts = {name: [*map(str, value)] if isinstance(value, list) else str(value) for name, value in given.items()}
        seeds = tuple(dict.fromkeys(parsed_args.seeds)) if parsed_args.seeds else experiment.seeds
        experiment = replace(experiment, data={**experiment.data, **texts}, seeds=seeds)
        if "basedir" not in experiment.data:
            raise OptionError(f"{source}: names no recordings; add basedir = DIR to [data], or give --basedir")
        return experiment


def _below(folder: Path, data: Options) -> Options:
    """Options of recordings whose paths are relative to a folder."""
    found = dict(data)
    for name in ("basedir", "labels"):
        if name in found:
            paths = found[name] if isinstance(found[name], list) else [found[name]]
            absolute = [str(folder / str(path)) for path in paths]
            found[name] = absolute if name == "basedir" else absolute[0]
    return found


def scores_of(evaluated: Evaluated) -> Iterator[Score]:
    """The scores that an evaluation wrote, and those of its baselines.

    Raises:
        OptionError: its file is damaged.
    """
    path = evaluated.step.output
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {evaluated.features: content["scores"]}
        if evaluated.has_baselines:
            found |= {name: one["scores"] for name, one in content["baselines"].items()}
        for name, scores in found.items():
            means = {measure: each["mean"] for measure, each in scores.items()}
            yield Score(evaluated.point, name, evaluated.seed, means, f"{path.parent.name}/{path.name}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OptionError(f"{path}: is damaged; remove it, and {AGAIN}") from error
