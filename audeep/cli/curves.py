# SPDX-License-Identifier: GPL-3.0-or-later
"""visualize curves, visualize rounds: how trainings went."""

import argparse
from pathlib import Path

from audeep.cli.options import AudeepCommand, add_plot
from audeep.cli.render.tables import table
from audeep.errors import OptionError

MOST_RUNS = 8  # whose colours can be told apart


class VisualizeCurves(AudeepCommand):
    """Draw the learning curves of runs: of a run of folds the mean, in a band of the standard deviation."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--run-dir",
            type=Path,
            nargs="+",
            required=True,
            metavar="NAME",
            help="directories of the runs: their --run-name, or a round of a self-verification",
        )
        add_plot(parser, "the curves")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.cli.render.plots import plot_mean_curves
        from audeep.models.curve import mean_curve
        from audeep.training.folds import curves_of

        runs = parsed_args.run_dir
        if len(runs) > MOST_RUNS:
            raise OptionError(f"--run-dir: {len(runs)} runs found, at most {MOST_RUNS} can be told apart; name fewer")
        curves = {str(run): mean_curve(curves_of(run)) for run in runs}
        rows = []
        for name, curve in curves.items():
            best, band = curve.best, curve.validation_loss
            shown: tuple[str, ...] = ("", "", "", f"{curve.loss.mean[-1]:.5f}")
            if best is not None and band is not None:
                of_best = (band.mean[best], band.deviation[best], curve.loss.mean[best])
                shown = (str(curve.epochs[best]), *(f"{each:.5f}" for each in of_best))
            rows.append((name, curve.num_folds, len(curve.epochs), *shown))
        header = ("", "models", "epochs", "best epoch", "validation loss", "std. dev.", "training loss")
        self.write(table("learning curves", [header], rows, align="<" + ">" * 6))
        plot_mean_curves(curves, parsed_args.plot)


class VisualizeRounds(AudeepCommand):
    """Draw the rounds of a self-verification: the labels that were judged and confirmed, and the validation loss."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--run-dir",
            type=Path,
            required=True,
            metavar="NAME",
            help="directory of the run: the --run-name of 'audeep self-verify'",
        )
        add_plot(parser, "the rounds")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        import numpy as np

        from audeep.cli.render.plots import plot_rounds
        from audeep.pipeline.self_verify import losses_of_folds, read_rounds

        history = read_rounds(parsed_args.run_dir)
        deviations = np.array([losses_of_folds(parsed_args.run_dir, each.number).std() for each in history])
        rows = [
            (each.number, each.judged, each.confirmed, f"{each.validation_loss:.5f}", f"{deviation:.5f}")
            for each, deviation in zip(history, deviations, strict=True)
        ]
        header = ("round", "judged", "confirmed", "validation loss", "std. dev.")
        self.write(table("rounds", [header], rows, align=">" * 5))
        plot_rounds(history, deviations, parsed_args.plot)
