# SPDX-License-Identifier: GPL-3.0-or-later
"""visualize tsne, visualize pca: instances as points in a plane."""

import argparse
import logging
from typing import TYPE_CHECKING

from audeep.cli.options import AudeepCommand, add_input, add_plot, add_seed, data_set_path, positive

if TYPE_CHECKING:
    import numpy as np

    from audeep.data.data_set import DataSet

logger = logging.getLogger(__name__)


class Visualize(AudeepCommand):
    """What all maps share."""

    title: str

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file of features")
        add_plot(parser, "the map")
        parser.add_argument(
            "--output",
            type=data_set_path,
            metavar="FILE",
            help="also write the map to a data set file, with two features",
        )
        add_seed(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.data.schema import GENERATED

        data_set = load(parsed_args.input)
        data_set.check_single_labels("to colour each instance by")
        points = self.points(data_set, parsed_args)
        if parsed_args.output is not None:
            data_set.with_features(points.astype("float32"), [GENERATED]).save(parsed_args.output)
            logger.info("%s: positions of %d instances written", parsed_args.output, len(points))
        from audeep.cli.render.plots import plot_map

        plot_map(points, data_set, f"{self.title} of {parsed_args.input.name}", parsed_args.plot)

    def points(self, data_set: "DataSet", parsed_args: argparse.Namespace) -> "np.ndarray":
        """The map, [instance, 2]."""
        raise NotImplementedError


class VisualizeTsne(Visualize):
    """Draw instances by t-SNE: those with similar features are neighbours, far distances mean little."""

    title = "t-SNE"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--perplexity",
            type=positive,
            default=30,
            help="about how many neighbours an instance has; less for few instances (default: %(default)s)",
        )
        parser.add_argument(
            "--learning-rate",
            type=positive,
            help="step size of the optimisation, 10 to 1000 (default: by the number of instances)",
        )

    def points(self, data_set: "DataSet", parsed_args: argparse.Namespace) -> "np.ndarray":
        from audeep.evaluation.projection import visualize_tsne

        return visualize_tsne(data_set, parsed_args.perplexity, parsed_args.seed, parsed_args.learning_rate)


class VisualizePca(Visualize):
    """Draw instances by the two principal components of their features."""

    title = "PCA"

    def points(self, data_set: "DataSet", parsed_args: argparse.Namespace) -> "np.ndarray":
        from audeep.evaluation.projection import visualize_pca

        return visualize_pca(data_set, parsed_args.seed)
